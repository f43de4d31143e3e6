# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.action.api_account import ActionModule
from ansible_collections.apiops.access.tests.unit.actions import Host, run
from ansible_collections.apiops.access.tests.unit.scripted import Script, answer

SITE = "https://support.example.com"
TOKEN = f"POST {SITE}/oauth2/token"
INFO = f"GET {SITE}/api/command/v2/info"
LIST = f"GET {SITE}/api/config/v1/api-account?per_page=100&current_page=1"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}
TOLD = {"permissions": {"perm_command": "read_only"}}


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "name": "support",
        "provider": "beyondtrust",
        "base_url": SITE,
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        "cache_path": str(tmp_path / "cache"),
    }


def good(*listed: dict[str, t.Any]) -> list[tuple[str, t.Any]]:
    return [(TOKEN, answer(200, GRANTED)), (INFO, answer(200, TOLD)), (LIST, answer(200, list(listed)))]


def test_an_account_as_wanted_changes_nothing(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(*good({"client_id": "client-1", "enabled": True}))
    result = run(ActionModule, {**args, "settings": {"enabled": True}})
    assert (result["changed"], result["verified"], result["action_required"]) == (False, True, False)
    assert not result.get("failed")
    assert "tok-1" not in str(result)
    assert "s3cret" not in str(result)


def test_what_a_person_must_do_fails_the_task_with_the_steps(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(*good({"client_id": "client-1", "enabled": False}))
    result = run(ActionModule, {**args, "settings": {"enabled": True}}, diff=True)
    assert (result["failed"], result["changed"], result["action_required"]) == (True, False, True)
    assert result["failure"]["kind"] == "action_required"
    assert result["differences"] == [{"field": "enabled", "wanted": True, "found": False}]
    assert result["portal"]["url"] == f"{SITE}/login/api_account"
    assert result["diff"] == {"before": {"enabled": False}, "after": {"enabled": True}}


def test_what_a_person_must_do_can_be_reported(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(*good({"client_id": "client-1", "enabled": False}))
    result = run(ActionModule, {**args, "settings": {"enabled": True}, "on_portal_action": "report"})
    assert not result.get("failed")
    assert result["action_required"] is True
    assert "diff" not in result


def test_the_credentials_are_proven_by_a_token_of_this_task(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(*good({"client_id": "client-1"}), *good({"client_id": "client-1"}))
    for task in ("task-1", "task-2"):
        assert run(ActionModule, args, task=task)["verified"] is True


def test_a_setting_that_the_vendor_does_not_have_stops_before_anything_is_sent(
    vendor: Script, args: dict[str, t.Any]
) -> None:
    vendor()
    result = run(ActionModule, {**args, "settings": {"colour": "blue"}})
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
    assert "perm_command" in result["msg"]


def test_the_host_proves_where_that_is_wanted(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    assessed = {"changed": False, "differences": [], "action_required": False, "verified": True}
    host = Host(assessed)
    result = run(ActionModule, {**args, "request_from": "target", "settings": {"enabled": "yes"}}, host=host)
    assert result["verified"] is True
    ((name, sent),) = host.runs
    assert name == "apiops.access.api_account"
    assert (sent["name"], sent["client_secret"]) == ("support", "s3cret-value")
    assert not {"cache_path", "request_from", "account", "on_portal_action"} & set(sent)


def test_a_managers_token_is_masked(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((LIST, answer(500, {"message": "broke with mgr-s3cret-token"})))
    manager = {"access_token": "mgr-s3cret-token"}
    given = {**args, "client_secret": None, "manager": manager}
    result = run(ActionModule, given)
    assert result["failed"] is True
    assert "s3cret" not in str(result)
