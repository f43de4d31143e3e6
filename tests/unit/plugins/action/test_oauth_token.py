# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.action.oauth_token import ActionModule
from ansible_collections.apiops.access.plugins.module_utils._errors import RefusedError
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.plugin_utils import _token_access
from ansible_collections.apiops.access.tests.unit.actions import Host, run
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, ISSUER, Script, answer, body_of

TOKEN = "POST https://rimo3cloud.com/api/v2/connect/token"
JIM2 = "https://jim2.example.com/Jim_Live"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "provider": "rimo3",
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        "cache_path": str(tmp_path / "cache"),
    }


@pytest.fixture
def jim2(args: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**args, "provider": "jim2", "base_url": JIM2}


def test_a_token_is_returned_censored_and_changed(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    result = run(ActionModule, args)
    assert (result["access_token"], result["authorization"]) == ("tok-1", "Bearer tok-1")
    assert (result["changed"], result["reused"], result["_ansible_no_log"]) == (True, False, True)
    assert 3590 <= result["expires_in"] <= 3600


def test_a_token_that_is_known_changes_nothing(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    run(ActionModule, args)
    result = run(ActionModule, args, task="task-2")
    assert (result["access_token"], result["changed"], result["reused"]) == ("tok-1", False, True)
    assert result["_ansible_no_log"] is True


def test_force_requests_once_for_each_task(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)), (TOKEN, answer(200, {**GRANTED, "access_token": "tok-2"})))
    run(ActionModule, args)
    results = [run(ActionModule, {**args, "force": True}, task="task-2") for _host in range(3)]
    assert [result["access_token"] for result in results] == ["tok-2"] * 3
    assert [result["changed"] for result in results] == [True, False, False]


def test_a_refusal_is_readable_and_holds_no_secret(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(401, {"error": "invalid_client", "error_description": f"s3cret-value {BASIC}"})))
    result = run(ActionModule, args)
    assert result["failed"] is True
    assert result["failure"] == {"kind": "invalid_client", "status": 401, "error": "invalid_client", "retryable": False}
    assert result["msg"].startswith("Account 'client-1' (rimo3): ")
    assert not result.get("_ansible_no_log")
    assert "s3cret" not in str(result)
    assert "Y2xpZW50" not in str(result)


def test_check_mode_requests_nothing(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    result = run(ActionModule, args, check_mode=True)
    assert (result["changed"], result["access_token"]) == (True, None)
    assert "Would request" in result["msg"]
    assert not result.get("_ansible_no_log")


def test_check_mode_returns_a_token_that_is_known(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    run(ActionModule, args)
    result = run(ActionModule, args, check_mode=True)
    assert (result["changed"], result["access_token"], result["_ansible_no_log"]) == (False, "tok-1", True)
    assert run(ActionModule, {**args, "force": True}, check_mode=True)["changed"] is True


def test_a_given_token_cannot_be_requested(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    result = run(ActionModule, {**args, "access_token": "tok-s3cret"})
    assert result["failed"] is True
    assert result["failure"]["kind"] == "configuration"
    assert "s3cret" not in str(result)


@pytest.mark.parametrize("provider", [None, "okta"])
def test_wrong_options_are_found_before_anything_is_sent(
    vendor: Script, args: dict[str, t.Any], provider: str | None
) -> None:
    vendor()
    assert run(ActionModule, {**args, "provider": provider})["failure"]["kind"] == "configuration"


def test_basic_authorization_is_no_change_and_no_call(
    vendor: Script, args: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(_token_access, "time", types.SimpleNamespace(sleep=pauses.append, time=time.time))
    vendor()
    basic = {**args, "provider": "cimcloud", "site": "acme", "authorization_type": "basic"}
    for check_mode in (False, True):
        result = run(ActionModule, basic, check_mode=check_mode)
        assert (result["changed"], result["authorization"], result["access_token"]) == (False, BASIC, None)
        assert result["_ansible_no_log"] is True
    assert pauses == []  # what makes no call needs no room in the vendor's rate


# Release


def test_what_is_released_is_given_back_and_forgotten(vendor: Script, jim2: dict[str, t.Any]) -> None:
    transport = vendor((f"POST {JIM2}/token", answer(200, GRANTED)), (f"POST {JIM2}/logoff", answer(204)))
    run(ActionModule, jim2)
    result = run(ActionModule, {**jim2, "state": "absent"})
    assert (result["changed"], result["released"]) == (True, True)
    assert transport.sent[1].headers["Authorization"] == "Bearer tok-1"
    assert "tok-1" not in str(result)
    assert not result.get("_ansible_no_log")
    again = run(ActionModule, {**jim2, "state": "absent"})
    assert (again["changed"], again["released"]) == (False, False)


def test_check_mode_releases_nothing(vendor: Script, jim2: dict[str, t.Any]) -> None:
    vendor((f"POST {JIM2}/token", answer(200, GRANTED)))
    run(ActionModule, jim2)
    assert run(ActionModule, {**jim2, "state": "absent"}, check_mode=True)["changed"] is True
    assert run(ActionModule, jim2)["reused"] is True


def test_a_release_that_no_vendor_confirms_is_not_claimed(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    run(ActionModule, args)
    result = run(ActionModule, {**args, "state": "absent"})
    assert (result["changed"], result["released"]) == (True, False)
    assert "until it expires" in result["msg"]


@pytest.mark.parametrize(("status", "changed"), [(200, True), (401, False)])
def test_a_given_token_is_released_without_credentials(
    vendor: Script, tmp_path: Path, status: int, changed: bool
) -> None:
    vendor((f"POST {JIM2}/logoff", answer(status)))
    given = {"provider": "jim2", "base_url": JIM2, "access_token": "tok-9", "state": "absent"}
    result = run(ActionModule, {**given, "cache_path": str(tmp_path / "cache")})
    assert (result["changed"], result["released"]) == (changed, changed)


def test_basic_authorization_has_nothing_to_release(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    basic = {**args, "provider": "cimcloud", "site": "acme", "authorization_type": "basic", "state": "absent"}
    result = run(ActionModule, basic)
    assert (result["changed"], result["released"], result.get("failed")) == (False, False, None)
    assert "Basic authorization" in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_release_is_foretold_of_what_is_not_there(vendor: Script, jim2: dict[str, t.Any], check_mode: bool) -> None:
    vendor()
    result = run(ActionModule, {**jim2, "state": "absent"}, check_mode=check_mode)
    assert (result["changed"], result["released"]) == (False, False)
    assert "No token of account 'client-1' is stored." in result["msg"]


# From the host


def test_the_host_asks_quietly_where_that_is_wanted(vendor: Script, jim2: dict[str, t.Any]) -> None:
    vendor()
    token = Token("tok-host", expires_at=4_000_000_000.0)
    host = Host({"changed": True, "token": token.to_dict()})
    asked = {**jim2, "request_from": "target"}
    results = [run(ActionModule, asked, host=host) for _time in range(2)]
    assert [result["access_token"] for result in results] == ["tok-host", "tok-host"]
    ((name, sent),) = host.runs
    assert name == "apiops.access.oauth_token"
    assert sent["client_secret"] == "s3cret-value"
    assert host.no_log == [True]
    assert not {"cache", "cache_path", "request_from"} & set(sent)


def test_each_host_has_a_token_of_its_own_where_the_server_is_the_host_itself(
    vendor: Script, jim2: dict[str, t.Any]
) -> None:
    vendor()
    tokens = [Token(f"tok-{number}", expires_at=4_000_000_000.0) for number in range(2)]
    host = Host(*({"changed": True, "token": token.to_dict()} for token in tokens))
    asked = {**jim2, "base_url": "https://localhost:8443/Jim_Live", "request_from": "target"}
    results = [run(ActionModule, asked, {"inventory_hostname": name}, host=host) for name in ("web1", "web2", "web1")]
    assert [result["access_token"] for result in results] == ["tok-0", "tok-1", "tok-0"]


def test_the_controller_never_runs_a_module_otherwise(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    host = Host()
    run(ActionModule, args, host=host)
    assert host.runs == []


def test_a_refusal_on_the_host_is_remembered_for_all(vendor: Script, jim2: dict[str, t.Any]) -> None:
    vendor()
    refused = RefusedError("It was refused.", status=401).to_dict()
    host = Host({"failed": True, "msg": "x", "access_error": refused})
    asked = {**jim2, "request_from": "target"}
    first = run(ActionModule, asked, host=host)
    second = run(ActionModule, asked, {"inventory_hostname": "web2"}, host=host, task="task-2")
    assert [result["failure"]["kind"] for result in (first, second)] == ["invalid_client"] * 2
    assert len(host.runs) == 1


def test_a_release_on_the_host_sends_the_token_and_no_secret(vendor: Script, jim2: dict[str, t.Any]) -> None:
    vendor()
    token = Token("tok-host", expires_at=4_000_000_000.0)
    host = Host({"token": token.to_dict()}, {"released": True, "msg": "done"})
    run(ActionModule, {**jim2, "request_from": "target"}, host=host)
    result = run(ActionModule, {**jim2, "request_from": "target", "state": "absent"}, host=host)
    assert (result["changed"], result["released"]) == (True, True)
    assert host.runs[1][1]["access_token"] == "tok-host"
    assert "s3cret" not in str(host.runs[1])


# A release that takes the account's own credentials

GRANT = (f"POST {ISSUER}/token", answer(200, GRANTED))
REVOKE = (f"POST {ISSUER}/revoke", answer(200))


@pytest.fixture
def idp(args: dict[str, t.Any]) -> dict[str, t.Any]:
    endpoints = {"token_endpoint": f"{ISSUER}/token", "revocation_endpoint": f"{ISSUER}/revoke"}
    return {**args, "provider": "oauth2", **endpoints}


def test_a_revocation_is_authenticated_as_the_request_for_the_token(vendor: Script, idp: dict[str, t.Any]) -> None:
    transport = vendor(GRANT, REVOKE)
    run(ActionModule, idp)
    result = run(ActionModule, {**idp, "state": "absent"})
    assert (result["changed"], result["released"]) == (True, True)
    assert transport.sent[1].headers["Authorization"] == BASIC
    assert body_of(transport.sent[1]) == b"token=tok-1&token_type_hint=access_token"


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_a_given_token_is_not_revoked_without_credentials(vendor: Script, idp: dict[str, t.Any], missing: str) -> None:
    vendor()
    result = run(ActionModule, {**idp, missing: None, "access_token": "tok-s3cret-9", "state": "absent"})
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
    assert missing in result["msg"]
    assert "tok-s3cret-9" not in str(result)


def test_a_given_token_is_revoked_with_the_credentials(vendor: Script, idp: dict[str, t.Any]) -> None:
    transport = vendor(REVOKE)
    result = run(ActionModule, {**idp, "access_token": "tok-9", "state": "absent"})
    assert (result["changed"], result["released"]) == (True, True)
    assert body_of(transport.sent[0]).startswith(b"token=tok-9&")


def test_credentials_go_to_a_host_that_is_to_revoke(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor()
    token = Token("tok-host", expires_at=4_000_000_000.0)
    host = Host({"token": token.to_dict()}, {"released": True, "msg": "done"})
    run(ActionModule, {**idp, "request_from": "target"}, host=host)
    result = run(ActionModule, {**idp, "request_from": "target", "state": "absent"}, host=host)
    assert result["released"] is True
    assert (host.runs[1][1]["client_id"], host.runs[1][1]["client_secret"]) == ("client-1", "s3cret-value")


def test_no_credentials_go_to_a_host_where_the_controller_revokes(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor(GRANT, REVOKE)
    host = Host()
    run(ActionModule, idp, host=host)
    run(ActionModule, {**idp, "state": "absent"}, host=host)
    assert host.runs == []


def test_a_token_that_the_server_cannot_revoke_is_forgotten_and_no_more_is_claimed(
    vendor: Script, idp: dict[str, t.Any]
) -> None:
    vendor(GRANT)
    without = {**idp, "revocation_endpoint": None}
    run(ActionModule, without)
    result = run(ActionModule, {**without, "state": "absent"})
    assert (result["changed"], result["released"]) == (True, False)
    assert "until it expires" in result["msg"]
