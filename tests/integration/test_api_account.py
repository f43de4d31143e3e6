# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts are proven and compared, and what only a person can do is said, never done in appearance."""

from __future__ import annotations

import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .runner import AnsibleRunner, Run
from .test_main_job import HOSTS


def assert_steps(run: Run, actions: list[str], *parts: str) -> dict[str, t.Any]:
    """The task failed for a person to act, and the steps have all parts."""
    result = run.result
    assert (result["failed"], result["changed"], result["action_required"]) == (True, False, True), run.output
    assert result["actions"] == actions
    assert result["failure"]["kind"] == "action_required"
    steps = "\n".join(result["portal"]["steps"])
    for part in parts:
        assert part in steps
    assert "{" not in steps
    return dict(result)


@pytest.mark.parametrize("key", FOUR)
@pytest.mark.parametrize("arguments", [(), ("--check", "--diff")], ids=["run", "check"])
def test_working_credentials_are_proven_by_a_new_token(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, arguments: tuple[str, ...]
) -> None:
    options = {**sandbox.account(key), "name": "Nightly"}
    run = ansible.task("api_account", options, *arguments)
    result = run.result
    assert (result["failed"], result["changed"], result["verified"]) == (False, False, True), run.output
    assert (result["management"], result["portal"], result["secret"]) == ("portal", None, "unchanged")
    assert result["account"]["name"] == "Nightly"
    assert "client_secret" not in result["account"]
    again = ansible.task("api_account", options, *arguments).result
    assert (again["changed"], again["verified"]) == (False, True)
    # A token from before proves nothing of the secret of today.
    assert sandbox.counters()[key]["token_requests"] == 2


def test_jim2_is_proven_without_a_licence_and_logged_off(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"jim2_licences": 0})
    result = ansible.task("api_account", sandbox.account("jim2_full")).result
    assert result["verified"] is True
    counters = sandbox.counters()
    assert (counters["jim2_full"]["logoffs"], counters["jim2_full"]["live_tokens"]) == (1, 0)


def test_one_proof_serves_all_hosts_of_the_task(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    ansible.task("api_account", sandbox.account("beyondtrust"), hosts=HOSTS)
    assert sandbox.counters()["beyondtrust"]["token_requests"] == 1


@pytest.mark.parametrize("key", FOUR)
def test_refused_credentials_come_with_the_steps_of_their_repair(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    options = {**sandbox.account(key), "client_secret": "not-the-secret-0123456789"}
    run = ansible.task("api_account", options)
    result = assert_steps(run, ["repair"], options["client_id"])
    assert result["verified"] is False
    assert result["verdict"]["outcome"] == "invalid"
    assert sandbox.counters()[key]["refused_logins"] == 1


@pytest.mark.parametrize("key", FOUR)
def test_refused_credentials_are_tried_once_for_all_hosts(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    options = {**sandbox.account(key), "client_secret": "not-the-secret-0123456789"}
    run = ansible.task("api_account", options, hosts=HOSTS)
    assert [result["actions"] for result in run.results.values()] == [["repair"]] * len(HOSTS)
    assert sandbox.counters()[key]["refused_logins"] == 1


@pytest.mark.parametrize("key", FOUR)
def test_an_account_without_credentials_is_to_be_created(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    options = sandbox.account(key)
    for option in ("client_id", "client_secret", "auth_key"):
        options.pop(option, None)
    result = assert_steps(ansible.task("api_account", options), ["create"], "client_secret", "of this account")
    assert result["portal"]["url"].startswith("https://")
    assert sandbox.counters()[key]["calls"] == 0


def test_reported_instead_of_failed(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**sandbox.account("rimo3"), "rotate_secret": "always", "on_portal_action": "report"}
    result = ansible.task("api_account", options).result
    assert (result["failed"], result["action_required"], result["actions"]) == (False, True, ["rotate"])
    assert any("Regenerate" in step for step in result["portal"]["steps"])
    assert (result["secret"], result["verified"]) == ("unchanged", True)


def test_beyondtrust_settings_are_compared_with_the_accounts_own_permissions(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = sandbox.account("beyondtrust_limited")
    same = {**options, "settings": {"perm_command": "read_only", "perm_configuration": False}}
    assert ansible.task("api_account", same).result["differences"] == []
    other = {**options, "settings": {"perm_command": "full_access", "perm_backup": True, "comments": "nightly"}}
    run = ansible.task("api_account", other, "--diff")
    result = assert_steps(
        run, ["change"], options["client_id"], "Command API (perm_command) to full_access. It is now read_only.",
        "Backup API (perm_backup) to on. It is now off.", "/login/api_account",
    )  # fmt: skip
    assert result["differences"] == [
        {"field": "perm_command", "wanted": "full_access", "found": "read_only"},
        {"field": "perm_backup", "wanted": True, "found": False},
    ]
    assert result["unchecked"] == ["comments"]
    assert "comments" in result["msg"]
    assert result["diff"]["after"] == {"perm_command": "full_access", "perm_backup": True}
    assert "perm_command is read_only, not full_access; perm_backup is off, not on" in result["msg"]


@pytest.mark.parametrize("modern", [True, False])
def test_beyondtrust_settings_are_compared_with_the_list_that_a_manager_reads(
    ansible: AnsibleRunner, sandbox: SandboxHandle, modern: bool
) -> None:
    # More than one page of accounts, whose Link headers say http.
    sandbox.control("POST", "/switches", {"extra_beyondtrust_accounts": 230, "beyondtrust_v2": modern})
    manager = sandbox.account("beyondtrust")
    options = {
        **sandbox.account("beyondtrust_limited"),
        "manager": {"client_id": manager["client_id"], "client_secret": manager["client_secret"]},
        "settings": {"enabled": True, "ip_addresses": ["198.51.100.7"], "perm_scim": True},
    }
    result = assert_steps(ansible.task("api_account", options), ["change"], "Allow List (ip_addresses) to 198.51.100.7")
    assert [item["field"] for item in result["differences"]] == ["ip_addresses"]
    # This release of Remote Support has no such field.
    assert result["unchecked"] == ["perm_scim"]
    assert result["account"]["source"] == "api-account"
    assert result["account"]["fields"]["failed_login_attempts"] == 0
    assert sandbox.counters()["reused_connections"] == 0


def test_a_manager_tells_whether_an_account_is_there(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    manager = sandbox.account("beyondtrust")
    known = {option: manager[option] for option in ("provider", "base_url", "ca_path")}
    known["manager"] = {option: manager[option] for option in ("client_id", "client_secret")}
    gone = {**known, "name": "No such account"}
    assert_steps(ansible.task("api_account", gone), ["create"])
    assert ansible.task("api_account", {**gone, "state": "absent"}).result["failed"] is False
    there = {**known, "client_id": sandbox.account("beyondtrust_limited")["client_id"]}
    result = ansible.task("api_account", there).result
    assert (result["failed"], result["verified"]) == (False, False)
    assert "no complete credentials" in result["msg"]
    assert_steps(ansible.task("api_account", {**there, "state": "absent"}), ["delete"], "Delete the account")


def test_a_manager_that_may_not_list_accounts(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    manager = sandbox.account("beyondtrust_limited")
    options = {**sandbox.account("beyondtrust"),
               "manager": {option: manager[option] for option in ("client_id", "client_secret")}}  # fmt: skip
    result = ansible.task("api_account", options).result
    assert (result["failed"], result["failure"]["kind"]) == (True, "not_permitted")
    assert "Configuration API" in result["msg"]


@pytest.mark.parametrize(("key", "change", "part"), [
    ("rimo3", {"settings": {"perm_command": "deny"}}, "not a field that can be set for Rimo3"),
    ("beyondtrust", {"settings": {"perm_command": "admin"}}, "one of deny, read_only, full_access"),
    ("beyondtrust", {"settings": {"enabled": "perhaps"}}, "true or false"),
    ("beyondtrust", {"settings": {"client_id": "abc"}}, "not a field that can be set"),
    ("jim2", {"settings": {"initials": "LONG"}}, "at most 3 characters"),
    ("jim2", {"manager": {"access_token": "x"}}, "manager is not for provider jim2"),
    ("beyondtrust", {"manager": {"client_id": "x"}}, "client_secret"),
])  # fmt: skip
def test_wrong_settings_are_found_before_anything_is_sent(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, change: dict[str, t.Any], part: str
) -> None:
    result = ansible.task("api_account", {**sandbox.account(key), **change}).result
    assert result["failed"] is True
    assert part in result["msg"]
    assert sandbox.counters()[key]["calls"] == 0


def test_absent_where_nothing_can_be_seen(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = sandbox.account("rimo3")
    assert_steps(ansible.task("api_account", {**options, "state": "absent"}), ["delete"], "choose Delete")
    refused = {**options, "state": "absent", "client_secret": "not-the-secret-0123456789"}
    result = ansible.task("api_account", refused).result
    assert (result["failed"], result["verified"]) == (False, False)
    assert "only the portal shows" in result["msg"]
    del options["client_secret"]
    assert ansible.task("api_account", {**options, "state": "absent"}).result["failure"]["kind"] == "configuration"


def test_a_server_out_of_reach_is_a_failure_and_no_work_for_the_portal(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = {**sandbox.account("rimo3"), "base_url": "https://rimo3.invalid", "retries": 0}
    result = ansible.task("api_account", options).result
    assert (result["failed"], result["failure"]["kind"]) == (True, "name_resolution")
    assert "portal" not in result


def test_a_host_can_do_the_proof(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**sandbox.account("beyondtrust_limited"), "request_from": "target",
               "settings": {"perm_command": "deny"}}  # fmt: skip
    assert_steps(ansible.task("api_account", options), ["change"], "perm_command")
    sick = {**options, "ca_path": sandbox.config["other_ca_path"]}
    assert ansible.task("api_account", sick).result["failure"]["kind"] == "certificate"
