# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import secrets
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.apiops.access.plugins.action import oauth_token
from ansible_collections.apiops.access.plugins.action.api_account import ActionModule
from ansible_collections.apiops.access.tests.unit.actions import Host, make_action, run
from ansible_collections.apiops.access.tests.unit.scripted import Exchange, Script, answer

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


# Accounts that are registered

AUTH = "https://auth.example.com"
REGISTER = f"POST {AUTH}/register"
CLIENT = f"{AUTH}/register/client-1"
PROVEN = [(f"POST {AUTH}/token", answer(200, GRANTED)), (f"GET {AUTH}/status", answer(200, {}))]
REFUSED = (f"POST {AUTH}/token", answer(401, {"error": "invalid_client"}))
VAULT = ("dev", VaultSecret(secrets.token_bytes(20)))
CLIENT_SECRET, NEW_SECRET, HANDLE, INITIAL = (secrets.token_urlsafe() for _number in range(4))
METADATA = {
    "client_name": "erp",
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
    "token_endpoint_auth_method": "client_secret_basic",
}


@pytest.fixture
def erp(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "name": "erp",
        "provider": "oauth2",
        "token_endpoint": f"{AUTH}/token",
        "registration_endpoint": f"{AUTH}/register",
        "test_path": "/status",
        "cache_path": str(tmp_path / "cache"),
        "records_file": str(tmp_path / "accounts.yml"),
    }


def told(**changes: t.Any) -> dict[str, t.Any]:
    """What the server says of the account."""
    return {
        **METADATA,
        "client_id": "client-1",
        "client_secret": CLIENT_SECRET,
        "client_secret_expires_at": 0,
        "registration_access_token": HANDLE,
        "registration_client_uri": CLIENT,
        **changes,
    }


def read(**changes: t.Any) -> Exchange:
    return (f"GET {CLIENT}", answer(200, told(**changes)))


def manage(
    args: dict[str, t.Any], *, vault: t.Sequence[t.Any] = (VAULT,), plugin: t.Any = ActionModule, **details: t.Any
) -> dict[str, t.Any]:
    """The result of a task in a run that has vault secrets; it has no secret unless it is asked for."""
    action = make_action(plugin, args, **details)
    action._loader = types.SimpleNamespace(_vault=types.SimpleNamespace(secrets=list(vault)))
    result = action.run(task_vars={"inventory_hostname": "web1"})
    shown = {
        key: value for key, value in result.items() if key not in ("client_secret", "access_token", "authorization")
    }
    for secret in (CLIENT_SECRET, NEW_SECRET, HANDLE, INITIAL):
        assert secret not in str(shown)
    return dict(result)


def recorded(args: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The accounts of the records file."""
    content = VaultLib([VAULT]).decrypt(Path(args["records_file"]).read_bytes())
    return t.cast("list[dict[str, t.Any]]", yaml.safe_load(content)["api_accounts"])


def by_itself(args: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options with which another module uses the account."""
    own = {option: value for option, value in args.items() if option not in ("name", "records_file")}
    return {**own, "client_id": "client-1", "client_secret": CLIENT_SECRET}


@pytest.fixture
def registered(vendor: Script, erp: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options of an account that a task has registered."""
    vendor((REGISTER, answer(201, told())), *PROVEN)
    assert manage(erp, task="task-0")["changed"] is True
    return erp


def test_an_account_is_registered_and_recorded(vendor: Script, erp: dict[str, t.Any]) -> None:
    transport = vendor((REGISTER, answer(201, told())), *PROVEN)
    result = manage({**erp, "initial_access_token": INITIAL, "vault_id": "dev"}, diff=True)
    assert (result["changed"], result["secret"], result["verified"]) == (True, "created", True)
    assert "client_secret" not in result
    assert not result.get("_ansible_no_log")
    assert transport.sent[0].headers["Authorization"] == f"Bearer {INITIAL}"
    (element,) = recorded(erp)
    assert (element["client_secret"], element["registration"]["access_token"]) == (CLIENT_SECRET, HANDLE)
    assert INITIAL not in str(element)
    assert result["diff"] == {"before": {}, "after": {**METADATA, "secret": "created"}}


def test_a_second_task_changes_nothing_and_leaves_the_file_alone(vendor: Script, registered: dict[str, t.Any]) -> None:
    before = Path(registered["records_file"]).read_bytes()
    vendor(read(), *PROVEN)
    result = manage(registered, task="task-2")
    assert (result["changed"], result["secret"], result["verified"]) == (False, "unchanged", True)
    assert Path(registered["records_file"]).read_bytes() == before


def test_options_of_every_type_are_recorded_so_that_they_are_the_same_again(
    vendor: Script, erp: dict[str, t.Any]
) -> None:
    settings = {"contacts": "b a", "x_limits": {"rate": 0.5, "on": True}, "tos_uri": "{{ 7 * 7 }}"}
    given = {
        **erp,
        "scope": "b,a",
        "resource": ["https://api.example.com"],
        "timeout": "7.5",
        "retries": 0,
        "validate_certs": "no",
        "assume_expires_in": "60",
        "audience": "api",
        "settings": settings,
    }
    answered = told(**{**settings, "contacts": ["a", "b"], "scope": "a b"})
    vendor((REGISTER, answer(201, answered)), *PROVEN)
    manage(given)
    before = Path(erp["records_file"]).read_bytes()
    vendor((f"GET {CLIENT}", answer(200, answered)), *PROVEN)
    assert manage(given, task="task-2")["changed"] is False
    assert Path(erp["records_file"]).read_bytes() == before


def test_the_recorded_account_is_one_for_all_modules(vendor: Script, registered: dict[str, t.Any]) -> None:
    transport = vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    args = {"account": "erp", "cache_path": registered["cache_path"]}
    result = run(oauth_token.ActionModule, args, {"api_accounts": recorded(registered)})
    assert result["access_token"] == "tok-1"
    assert transport.sent[0].headers["Authorization"].startswith("Basic ")


def test_the_recorded_account_can_be_managed_by_its_name(vendor: Script, registered: dict[str, t.Any]) -> None:
    vendor(read(), *PROVEN)
    args = {"account": "erp", "cache_path": registered["cache_path"], "records_file": registered["records_file"]}
    action = make_action(ActionModule, args, task="task-2")
    action._loader = types.SimpleNamespace(_vault=types.SimpleNamespace(secrets=[VAULT]))
    result = action.run(task_vars={"api_accounts": recorded(registered)})
    assert (result["changed"], result["verified"]) == (False, True)


def test_the_secret_is_returned_censored_where_that_is_wanted(vendor: Script, erp: dict[str, t.Any]) -> None:
    vendor((REGISTER, answer(201, told())), *PROVEN)
    result = manage({**erp, "return_secret": True})
    assert (result["client_secret"], result["_ansible_no_log"]) == (CLIENT_SECRET, True)


def test_an_account_without_a_secret_returns_none(vendor: Script, registered: dict[str, t.Any]) -> None:
    vendor((f"DELETE {CLIENT}", answer(204)))
    result = manage({**registered, "return_secret": True, "state": "absent"})
    assert ("client_secret" in result, result.get("_ansible_no_log")) == (False, None)


def test_a_task_that_fails_shows_no_secret_and_is_readable(vendor: Script, registered: dict[str, t.Any]) -> None:
    vendor(read(), REFUSED)
    result = manage({**registered, "return_secret": True}, task="task-2")
    assert (result["failed"], result["actions"]) == (True, ["repair"])
    assert not result.get("_ansible_no_log")
    assert CLIENT_SECRET not in str(result)


@pytest.mark.parametrize("length", [0, 250, 280, 299])
@pytest.mark.parametrize("repeated", [CLIENT_SECRET, HANDLE], ids=["secret", "handle"])
def test_words_of_the_server_show_no_secret_nor_the_beginning_of_one(
    vendor: Script, registered: dict[str, t.Any], repeated: str, length: int
) -> None:
    words = {"error": "invalid_client_metadata", "error_description": f"{'x' * length} {repeated}"}
    vendor(read(), (f"PUT {CLIENT}", answer(400, words)))
    result = manage({**registered, "settings": {"contacts": ["a"]}}, task="task-2")
    assert (result["failed"], result["failure"]["status"]) == (True, 400)
    assert repeated[:8] not in result["msg"]


def test_a_renewed_secret_is_recorded_and_the_token_of_the_old_one_forgotten(
    vendor: Script, registered: dict[str, t.Any]
) -> None:
    token = by_itself(registered)
    vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    run(oauth_token.ActionModule, token)
    renewed = told(client_secret=NEW_SECRET)
    transport = vendor(read(), (f"PUT {CLIENT}", answer(200, renewed)), *PROVEN)
    result = manage({**registered, "rotate_secret": "always"}, task="task-2", diff=True)
    assert (result["changed"], result["secret"]) == (True, "rotated")
    assert result["diff"] == {"before": {"secret": "unchanged"}, "after": {"secret": "rotated"}}
    assert "client_secret" not in json.loads(t.cast(bytes, transport.sent[1].body))
    assert recorded(registered)[0]["client_secret"] == NEW_SECRET
    vendor((f"POST {AUTH}/token", answer(200, {**GRANTED, "access_token": "tok-2"})))
    assert run(oauth_token.ActionModule, token, task="task-3")["access_token"] == "tok-2"


def test_the_token_of_a_replaced_account_is_kept_as_long_as_that_is(
    vendor: Script, registered: dict[str, t.Any]
) -> None:
    token = by_itself(registered)
    vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    run(oauth_token.ActionModule, token)
    other = f"{AUTH}/register/client-2"
    new = told(client_id="client-2", client_secret=NEW_SECRET, registration_client_uri=other)
    rotation = {**registered, "rotate_secret": "always", "rotate_by": "replace", "retire": "later"}
    vendor(read(), (REGISTER, answer(201, new)), *PROVEN, *PROVEN)
    result = manage(rotation, task="task-2", diff=True)
    assert (result["secret"], result["replaced"]["client_id"]) == ("rotated", "client-1")
    assert result["diff"] == {"before": {"secret": "unchanged"}, "after": {"secret": "rotated"}}
    assert run(oauth_token.ActionModule, token, task="task-3")["reused"] is True
    vendor(*PROVEN, (f"DELETE {CLIENT}", answer(204)), (f"GET {other}", answer(200, new)), *PROVEN)
    result = manage(registered, task="task-4", diff=True)
    assert (result["replaced"], result["retired"]) == (None, ["client-1"])
    assert result["diff"] == {"before": {"replaced": "client-1"}, "after": {"replaced": None}}
    vendor()
    assert run(oauth_token.ActionModule, {**token, "state": "absent"})["changed"] is False


def test_a_deleted_account_is_forgotten_with_its_token(vendor: Script, registered: dict[str, t.Any]) -> None:
    token = by_itself(registered)
    vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    run(oauth_token.ActionModule, token)
    vendor((f"DELETE {CLIENT}", answer(204)))
    result = manage({**registered, "state": "absent"}, diff=True)
    assert (result["changed"], recorded(registered)) == (True, [])
    assert result["diff"] == {"before": {"client_id": "client-1"}, "after": {"client_id": None}}
    vendor()
    assert run(oauth_token.ActionModule, {**token, "state": "absent"})["changed"] is False
    assert manage({**registered, "state": "absent"})["changed"] is False


@pytest.mark.parametrize("options", [{}, {"settings": {"contacts": ["a"]}}])
def test_a_token_is_kept_where_the_secret_is(
    vendor: Script, registered: dict[str, t.Any], options: dict[str, t.Any]
) -> None:
    token = by_itself(registered)
    vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    run(oauth_token.ActionModule, token)
    changed = told(contacts=["a"])
    vendor(read(), *([(f"PUT {CLIENT}", answer(200, changed))] if options else []), *PROVEN)
    manage({**registered, **options}, task="task-2")
    vendor()
    assert run(oauth_token.ActionModule, token, task="task-3")["reused"] is True


@pytest.mark.parametrize("options", [{"rotate_secret": "always"}, {"state": "absent"}, {"settings": {"contacts": []}}])
def test_check_mode_sends_no_change_and_keeps_file_and_token(
    vendor: Script, registered: dict[str, t.Any], options: dict[str, t.Any]
) -> None:
    token = by_itself(registered)
    vendor((f"POST {AUTH}/token", answer(200, GRANTED)))
    run(oauth_token.ActionModule, token)
    before = Path(registered["records_file"]).read_bytes()
    absent = options.get("state") == "absent"
    vendor(*([] if absent else [read(contacts=["old"]), *PROVEN]))
    result = manage({**registered, **options}, task="task-2", check_mode=True)
    assert not result.get("failed")
    assert Path(registered["records_file"]).read_bytes() == before
    vendor()
    assert run(oauth_token.ActionModule, token, task="task-3")["reused"] is True


def test_check_mode_of_a_new_account_makes_no_file(vendor: Script, erp: dict[str, t.Any]) -> None:
    vendor()
    result = manage(erp, check_mode=True, diff=True)
    assert (result["changed"], result["secret"], result.get("failed")) == (True, "created", None)
    assert result["diff"]["after"]["client_name"] == "erp"
    assert not Path(erp["records_file"]).exists()


def test_the_token_of_a_proof_is_nobody_elses(vendor: Script, registered: dict[str, t.Any]) -> None:
    vendor((f"POST {AUTH}/token", answer(200, {**GRANTED, "access_token": "tok-2"})))
    token = by_itself(registered)
    assert run(oauth_token.ActionModule, token)["reused"] is False


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ({"request_from": "target"}, "configuration", "request_from"),
        ({"provider": "rimo3", "token_endpoint": None, "registration_endpoint": None}, "configuration", "records_file"),
        ({"rotate_secret": "always", "private_key": "x"}, "configuration", "rotate_secret"),
        ({"vault_id": "prod"}, "vault", "'prod'"),
        ({"records_file": "/nowhere/accounts.yml"}, "records", "/nowhere/accounts.yml"),
        ({"rotate_after_days": 0}, "configuration", "rotate_after_days"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_sent(
    vendor: Script, erp: dict[str, t.Any], wrong: dict[str, t.Any], kind: str, words: str
) -> None:
    vendor()
    result = manage({**erp, **wrong})
    assert (result["failed"], result["failure"]["kind"]) == (True, kind)
    assert words in result["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_run_without_a_vault_secret_sends_nothing(vendor: Script, registered: dict[str, t.Any], state: str) -> None:
    vendor()
    result = manage({**registered, "state": state}, vault=())
    assert (result["failed"], result["failure"]["kind"]) == (True, "vault")


def test_a_read_only_file_sends_nothing(vendor: Script, registered: dict[str, t.Any]) -> None:
    Path(registered["records_file"]).chmod(0o400)
    vendor()
    result = manage({**registered, "rotate_secret": "always"})
    assert (result["failure"]["kind"], "read-only" in result["msg"]) == ("records", True)


def test_an_end_of_the_secret_with_a_fraction_is_no_news_each_time(vendor: Script, erp: dict[str, t.Any]) -> None:
    ends = 4_000_000_000.5
    vendor((REGISTER, answer(201, told(client_secret_expires_at=ends))), *PROVEN)
    manage(erp)
    before = Path(erp["records_file"]).read_bytes()
    vendor(read(client_secret_expires_at=ends), *PROVEN)
    manage(erp, task="task-2")
    assert Path(erp["records_file"]).read_bytes() == before
