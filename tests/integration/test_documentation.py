# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation shows works: each example is run on the sandbox or checked, and every option is documented."""

from __future__ import annotations

import ast
import dataclasses
import functools
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.apiops.access.plugins.filter.validation_report import make
from ansible_collections.apiops.access.plugins.module_utils._errors import KINDS, VALID_REASONS
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import HOST_STATES
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ..sandbox.server import SandboxHandle, running
from .documents import GUIDES, PAGES, Shown, Vocabulary, blocks, loaded, module_of, plays_of, tasks_of
from .oidc_server import OidcServer, public_jwk
from .runner import REPOSITORY, AnsibleRunner

MODULES = ("oauth_token", "token_test", "api_account", "api_account_info", "api_request", "validation_report")


def documentation(ansible: AnsibleRunner, kind: str, name: str) -> dict[str, t.Any]:
    run = ansible.command("ansible-doc", "-t", kind, "--json", f"apiops.access.{name}")
    assert run.status == 0, run.output
    start = run.output.index("{")
    return dict(json.loads(run.output[start:])[f"apiops.access.{name}"])


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the examples run: the sandbox, the OAuth server, a key that it knows, and a vault password."""

    sandbox: SandboxHandle
    oidc: OidcServer
    ca: Path
    key: Path
    reporting: str
    vault: Path


@pytest.fixture
def place(oidc_ansible: AnsibleRunner, sandbox: SandboxHandle, oidc: OidcServer) -> Place:
    folder = oidc_ansible.inputs
    private = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    client = oidc.register(
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public_jwk(private.public_key())]}, scope="read"
    )
    (folder / "ca.pem").write_text(Path(sandbox.config["ca_path"]).read_text() + oidc.ca.read_text())
    (folder / "vault").write_text(secrets.token_urlsafe(24))
    return Place(sandbox, oidc, folder / "ca.pem", folder / "key.pem", client["client_id"], folder / "vault")


def here(place: Place, text: str) -> str:
    """An example's text with the servers of the tests in the place of the vendors, and this machine as the host."""
    sandbox = place.sandbox
    places = {
        "https://login.example.com/tenant": place.oidc.issuer,
        "base_url: https://api.example.com": f"base_url: https://localhost:{place.oidc.port}",
        "v1/me": "resource/me",
        "/etc/reporting/key.pem": str(place.key),
        "/etc/nightly/key.pem": str(place.key),
        "/var/backups/": f"{place.key.parent}/",
        "path: access_report": f"path: {place.key.parent}/access_report",
        "https://support.example.com": sandbox.account("beyondtrust")["base_url"],
        "https://jim2.example.com/Jim_Live": sandbox.account("jim2")["base_url"],
        "https://rimo3cloud.com": sandbox.account("rimo3")["base_url"],
        "192.0.2.10, 192.0.2.11": "127.0.0.1",
        "hosts: app_servers": "hosts: all",
    }
    for there, ours in places.items():
        text = text.replace(there, ours)
    return text


def surroundings(place: Place) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The variables and the environment that the examples take for granted."""
    sandbox = place.sandbox
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
        "reporting_client_id": place.reporting,
        "initial_access_token": place.oidc.initial_access_token(),
        "vault_initial_access_token": place.oidc.initial_access_token(),
        "vault_rimo3_id": packaging["client_id"],
        "vault_rimo3_secret": packaging["client_secret"],
        "vault_jim2_secret": erp["client_secret"],
        "vault_support_id": support["client_id"],
        "vault_support_secret": support["client_secret"],
        "api_accounts": [
            {**support, "name": "support"},
            {**erp, "name": "erp"},
            {**manager, "name": "manager"},
            {**packaging, "name": "packaging"},
        ],
    }
    environment = {
        "RIMO3_BASE_URL": packaging["base_url"],
        "RIMO3_CLIENT_ID": packaging["client_id"],
        "RIMO3_CLIENT_SECRET": packaging["client_secret"],
        "APIOPS_CA_PATH": str(place.ca),
        "SSL_CERT_FILE": str(place.ca),  # for ansible.builtin.uri
        "ANSIBLE_VAULT_PASSWORD_FILE": str(place.vault),
    }
    return variables, environment


@pytest.mark.parametrize(
    ("kind", "name"),
    [*(("module", name) for name in MODULES), ("lookup", "oauth_token"), ("lookup", "environment_accounts")],
)
def test_every_example_runs(ansible: AnsibleRunner, place: Place, kind: str, name: str) -> None:
    tasks = yaml.safe_load(here(place, documentation(ansible, kind, name)["examples"]))
    assert tasks
    variables, environment = surroundings(place)
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    run = ansible.playbook(plays, variables=variables, env=environment)
    assert run.status == 0, run.output
    assert "skipped=0" in run.output or name == "api_account"


def test_the_readmes_screenful_runs(ansible: AnsibleRunner, place: Place) -> None:
    playbook, accounts, wanted, cache = fenced(REPOSITORY / "README.md", "yaml")
    assert set(yaml.safe_load(cache)) <= set(documentation(ansible, "module", "oauth_token")["doc"]["options"])
    variables, environment = surroundings(place)
    run = ansible.playbook(yaml.safe_load(here(place, playbook)), variables=variables, env=environment)
    assert run.status == 0, run.output
    erp = next(item for item in yaml.safe_load(accounts)["api_accounts"] if item["name"] == "erp")
    listed = yaml.safe_load(here(place, accounts))["api_accounts"]
    variables["api_accounts"] = [
        {**item, "client_id": place.sandbox.account("jim2")["client_id"]} if item["name"] == erp["name"] else item
        for item in listed
    ]
    run = ansible.playbook("apiops.access.provision", variables=variables, env=environment)
    assert run.status == 0, run.output
    run = ansible.playbook("apiops.access.validate", variables=variables, env=environment)
    assert run.status == 0, run.output
    del variables["api_accounts"]
    variables.update(yaml.safe_load(here(place, wanted)))
    run = ansible.playbook("apiops.access.accounts", variables=variables, env=environment)
    assert run.status == 0, run.output
    assert {client.get("client_name") for client in place.oidc.clients().values()} >= {"reporting", "nightly export"}


def calls(ansible: AnsibleRunner, sandbox: SandboxHandle, name: str) -> list[dict[str, t.Any]]:
    """Options with which a module returns all that it can; the last fail."""
    if name == "validation_report":
        report = make({}, history="")
        return [{"report": report, "path": str(ansible.inputs / "report")}, {"report": {}}]
    account = sandbox.account("beyondtrust_limited" if name != "api_request" else "beyondtrust")
    options = account if name == "api_account" else {key: value for key, value in account.items() if key != "name"}
    wrong = {**options, "client_secret": "not-the-secret-0123456789"}
    if name == "api_account_info":
        manager = sandbox.account("beyondtrust")
        del manager["name"]
        return [manager, options, wrong]
    if name == "api_request":
        file = ansible.inputs / "kept.nsb"
        file.write_text("another")
        more: list[dict[str, t.Any]] = [
            {"path": "api/config/v1/jump-group", "paginate": True, "return_content": True},
            {"path": "api/command?action=get_api_info"},
            {"path": "api/backup", "dest": str(file), "backup": True},
            {"path": "api/nothing"},
        ]
        return [*({**options, **each} for each in more), {**wrong, "path": "api/backup"}]
    return [options, wrong]


@pytest.mark.parametrize("name", MODULES)
def test_every_result_is_documented(ansible: AnsibleRunner, sandbox: SandboxHandle, name: str) -> None:
    documented = set(documentation(ansible, "module", name)["return"])
    wanted = set(documented)
    # What Ansible itself adds to results.
    documented |= {"changed", "failed", "invocation", "diff", "exception", "warnings", "_ansible_no_log"}
    documented |= {"msg"} if name == "validation_report" else set()
    returned: set[str] = set()
    for options in calls(ansible, sandbox, name):
        returned |= set(ansible.task(name, options).result)
    if name == "token_test":  # the only verdict's fields are at the top as well
        contained = documentation(ansible, "module", name)["return"]["verdicts"]["contains"]
        documented |= set(contained)
    assert returned - documented == set()
    if name in ("api_request", "api_account_info"):
        assert wanted - returned == set()
