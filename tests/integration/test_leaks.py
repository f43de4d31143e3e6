# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing leaks. Every other run is searched too; here it is proven that the search finds what there is to find."""

from __future__ import annotations

import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .leaks import LeakDetector
from .runner import AnsibleRunner
from .test_main_job import HOSTS, without_name


def one_task(**task: t.Any) -> list[dict[str, t.Any]]:
    return [{"hosts": "all", "gather_facts": False, "tasks": [task]}]


@pytest.mark.parametrize("shown", [
    "{{ account.client_secret }}",
    "{{ account.client_secret | b64encode }}",
    "{{ (account.client_id ~ ':' ~ account.client_secret) | b64encode }}",
    "{{ account.client_secret | urlencode }}",
    "{{ account.client_secret | to_json }}",
    "{{ lookup('apiops.access.oauth_token', 'rimo3_awkward') }}",
    "{{ lookup('apiops.access.oauth_token', 'rimo3_awkward') | b64encode }}",
])  # fmt: skip
def test_a_secret_that_somebody_prints_is_found(ansible: AnsibleRunner, sandbox: SandboxHandle, shown: str) -> None:
    account = sandbox.account("rimo3_awkward")
    plays = one_task(**{"ansible.builtin.debug": {"msg": f"before {shown} after"}})
    with pytest.raises(AssertionError, match=r"\.\.\. as "):
        ansible.playbook(plays, variables={"account": account, "api_accounts": [account]})


def test_a_secret_in_a_file_is_found(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2")
    destination = ansible.ansible_home / "left_behind"
    plays = one_task(**{"ansible.builtin.copy": {"content": "{{ account.client_secret }}", "dest": str(destination)},
                        "no_log": True})  # fmt: skip
    with pytest.raises(AssertionError, match="left_behind"):
        ansible.playbook(plays, variables={"account": account})


@pytest.mark.parametrize("key", ["rimo3", "cimcloud", "jim2", "beyondtrust"])
def test_no_client_secret_reaches_a_host(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    """What Ansible sends to a host is kept there, and searched."""
    account = sandbox.account(key)
    options = {option: f"{{{{ account['{option}'] }}}}" for option in without_name(account)}
    run = ansible.playbook(
        one_task(**{"apiops.access.token_test": options}), hosts=HOSTS, variables={"account": account},
        env={"ANSIBLE_KEEP_REMOTE_FILES": "1"}, allowed=[ansible.remote],
    )  # fmt: skip
    assert run.status == 0, run.output
    sent = b"".join(path.read_bytes() for path in ansible.remote.rglob("*") if path.is_file())
    assert account["base_url"].encode() in sent  # these are the right files
    detector = LeakDetector(sandbox, tokens=False)
    assert detector.in_files(ansible.remote) == {}


@pytest.mark.parametrize("key", ["rimo3", "cimcloud", "jim2", "beyondtrust"])
def test_a_connection_that_shows_everything_shows_no_token(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    """As ssh does at -vvv, with a token that the host itself requests, tests and releases."""
    options = {**without_name(sandbox.account(key)), "request_from": "target"}
    loud = {"ansible_connection": "loud"}
    for module, more in (("oauth_token", {}), ("token_test", {}), ("oauth_token", {"state": "absent"})):
        run = ansible.task(module, {**options, **more}, variables=loud)
        assert run.result["failed"] is False, run.output
        assert "loud: " in run.output
    refused = ansible.task("oauth_token", {**options, "client_secret": "not-the-secret-0123456789"}, variables=loud)
    assert "not-the-secret" not in refused.output


def test_the_arguments_of_a_task_can_be_displayed(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    env = {"ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"}
    assert ansible.task("token_test", without_name(sandbox.account("jim2")), env=env).status == 0


@pytest.mark.parametrize("module", ["oauth_token", "token_test", "api_account"])
@pytest.mark.parametrize("keywords", [
    {"loop": [1, 2]}, {"run_once": True}, {"delegate_to": "localhost"}, {"until": False, "retries": 1, "delay": 0},
])  # fmt: skip
def test_whatever_a_task_is_run_with(
    ansible: AnsibleRunner, sandbox: SandboxHandle, module: str, keywords: dict[str, t.Any]
) -> None:
    account = sandbox.account("cimcloud" if module == "oauth_token" else "beyondtrust")
    for secret in (account["client_secret"], "not-the-secret-0123456789"):
        options = {**without_name(account), "client_secret": secret}
        run = ansible.task(module, options, "--diff", hosts=("host1", "host2"), keywords=keywords)
        assert "Traceback" not in run.output
        assert "not-the-secret" not in run.output
