# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation shows works: every example is run on the sandbox, every option is documented."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ..sandbox.server import SandboxHandle
from .runner import REPOSITORY, AnsibleRunner

MODULES = ("oauth_token", "token_test", "api_account")


def documentation(ansible: AnsibleRunner, kind: str, name: str) -> dict[str, t.Any]:
    run = ansible.command("ansible-doc", "-t", kind, "--json", f"apiops.access.{name}")
    assert run.status == 0, run.output
    start = run.output.index("{")
    return dict(json.loads(run.output[start:])[f"apiops.access.{name}"])


def here(sandbox: SandboxHandle, text: str) -> str:
    """An example's text with the sandbox in the place of the vendors, and this machine in that of the hosts."""
    places = {
        "https://support.example.com": sandbox.account("beyondtrust")["base_url"],
        "https://jim2.example.com/Jim_Live": sandbox.account("jim2")["base_url"],
        "https://rimo3cloud.com": sandbox.account("rimo3")["base_url"],
        "192.0.2.10, 192.0.2.11": "127.0.0.1",
        "hosts: app_servers": "hosts: all",
    }
    for place, there in places.items():
        text = text.replace(place, there)
    return text


def surroundings(sandbox: SandboxHandle) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The variables and the environment that the examples take for granted."""
    support, erp, packaging = (sandbox.account(key) for key in ("beyondtrust_limited", "jim2", "rimo3"))
    manager = sandbox.account("beyondtrust")
    sandbox.control("POST", "/accounts/beyondtrust_limited", {"ip_addresses": ["127.0.0.1"]})
    variables = {
        "rimo3_client_id": packaging["client_id"],
        "rimo3_client_secret": packaging["client_secret"],
        "support_client_id": support["client_id"],
        "support_client_secret": support["client_secret"],
        "manager_client_id": manager["client_id"],
        "manager_client_secret": manager["client_secret"],
        "vault_rimo3_id": packaging["client_id"],
        "vault_rimo3_secret": packaging["client_secret"],
        "vault_jim2_secret": erp["client_secret"],
        "vault_support_id": support["client_id"],
        "vault_support_secret": support["client_secret"],
        "api_accounts": [{**support, "name": "support"}, {**erp, "name": "erp"}],
    }
    environment = {
        "RIMO3_BASE_URL": packaging["base_url"],
        "RIMO3_CLIENT_ID": packaging["client_id"],
        "RIMO3_CLIENT_SECRET": packaging["client_secret"],
        "APIOPS_CA_PATH": sandbox.config["ca_path"],
        "SSL_CERT_FILE": sandbox.config["ca_path"],  # for ansible.builtin.uri
    }
    return variables, environment


@pytest.mark.parametrize(("kind", "name"), [*(("module", name) for name in MODULES), ("lookup", "oauth_token")])
def test_every_example_runs(ansible: AnsibleRunner, sandbox: SandboxHandle, kind: str, name: str) -> None:
    tasks = yaml.safe_load(here(sandbox, documentation(ansible, kind, name)["examples"]))
    assert tasks
    variables, environment = surroundings(sandbox)
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    run = ansible.playbook(plays, variables=variables, env=environment)
    assert run.status == 0, run.output
    assert "skipped=0" in run.output or name == "api_account"


def fenced(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readmes_screenful_runs(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    playbook, accounts, cache = fenced(REPOSITORY / "README.md", "yaml")
    assert set(yaml.safe_load(cache)) <= set(documentation(ansible, "module", "oauth_token")["doc"]["options"])
    variables, environment = surroundings(sandbox)
    run = ansible.playbook(yaml.safe_load(here(sandbox, playbook)), variables=variables, env=environment)
    assert run.status == 0, run.output
    erp = next(item for item in yaml.safe_load(accounts)["api_accounts"] if item["name"] == "erp")
    listed = yaml.safe_load(here(sandbox, accounts))["api_accounts"]
    variables["api_accounts"] = [
        {**item, "client_id": sandbox.account("jim2")["client_id"]} if item["name"] == erp["name"] else item
        for item in listed
    ]
    run = ansible.playbook("apiops.access.provision", variables=variables, env=environment)
    assert run.status == 0, run.output
    run = ansible.playbook("apiops.access.validate", variables=variables, env=environment)
    assert run.status == 0, run.output


@pytest.mark.parametrize("name", MODULES)
def test_every_result_is_documented(ansible: AnsibleRunner, sandbox: SandboxHandle, name: str) -> None:
    documented = set(documentation(ansible, "module", name)["return"])
    # What Ansible itself adds to results.
    documented |= {"changed", "failed", "invocation", "diff", "exception", "warnings", "_ansible_no_log"}
    account = sandbox.account("beyondtrust_limited")
    options = account if name == "api_account" else {key: value for key, value in account.items() if key != "name"}
    returned = set(ansible.task(name, options).result)
    returned |= set(ansible.task(name, {**options, "client_secret": "not-the-secret-0123456789"}).result)
    if name == "token_test":  # the only verdict's fields are at the top as well
        contained = documentation(ansible, "module", name)["return"]["verdicts"]["contains"]
        documented |= set(contained)
    assert returned - documented == set()
