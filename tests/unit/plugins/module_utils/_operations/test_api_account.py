# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import API_ACCOUNT_SPEC
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    RefusedError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, Verdict
from ansible_collections.apiops.access.plugins.module_utils._operations.api_account import (
    WantedAccount,
    account_result,
    assess_account,
    checked_settings,
    finished_result,
    is_verified,
    prove_credentials,
    wanted_account,
)
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.tests.unit.scripted import ISSUER, Script, answer, oauth2

SITE = "https://support.example.com"
INFO = f"GET {SITE}/api/command/v2/info"
LIST = f"GET {SITE}/api/config/v1/api-account?per_page=100&current_page=1"
RIMO3_TEST = "GET https://rimo3cloud.com/api/v2/connect/test"
JIM2 = "https://jim2.example.com/Jim_Live"
TOLD = {"permissions": {"perm_command": "read_only", "perm_backup": False}}
MINE = {"id": 7, "name": "support", "client_id": "client-1", "enabled": True, "ip_addresses": "10.0.0.2, 10.0.0.1"}
REFUSED = RefusedError("Account 'mine' (x): It was refused.", status=401, error="invalid_client")


def assess(provider: str, *, token: Token | AccessError | None = None, **given: t.Any) -> dict[str, t.Any]:
    """The assessment of an account; ``token``: what a request for one ends with."""
    bases = {"beyondtrust": SITE, "jim2": JIM2}
    params = {name: option.get("default") for name, option in API_ACCOUNT_SPEC.items()}
    params |= {
        "provider": provider,
        "name": "mine",
        "base_url": bases.get(provider),
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        **given,
    }
    asked: list[Account] = []

    def token_for(account: Account) -> Token:
        asked.append(account)
        if isinstance(token, AccessError):
            raise token
        return token or Token("tok-s3cret")

    result = assess_account(wanted_account(params, frozenset(given)), token_for)
    assert "s3cret" not in str(result)
    assert (result["changed"], result["secret"]) == (False, "unchanged")
    assert result["management"] == "portal"
    return {**result, "asked": asked}


@pytest.mark.parametrize("provider", ["rimo3", "cimcloud", "jim2", "beyondtrust"])
def test_no_vendor_is_said_to_have_a_call_that_writes(provider: str) -> None:
    assert PROVIDERS[provider].management == "portal"


def test_credentials_that_work_are_all_there_is_to_want(vendor: Script) -> None:
    vendor((RIMO3_TEST, answer(200)))
    result = assess("rimo3")
    assert (result["verified"], result["action_required"], result["portal"]) == (True, False, None)
    assert result["verdict"]["outcome"] == "valid"


def test_refused_credentials_are_to_be_repaired_by_a_person(vendor: Script) -> None:
    vendor()
    result = assess("rimo3", token=REFUSED)
    assert (result["verified"], result["actions"]) == (False, ["repair"])
    assert result["portal"]["url"] == "https://rimo3cloud.com/PublicApiAccounts/Index"
    assert any("Client ID client-1" in step for step in result["portal"]["steps"])
    assert result["verdict"]["outcome"] == "invalid"


def test_a_server_out_of_reach_says_nothing_about_the_account(vendor: Script) -> None:
    vendor()
    with pytest.raises(TransportError):
        assess("rimo3", token=TransportError("It broke."))


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (503, True), (404, False)])
def test_a_test_that_could_not_tell_says_nothing_about_the_account(
    vendor: Script, status: int, retryable: bool
) -> None:
    vendor((RIMO3_TEST, answer(status)))
    with pytest.raises(AccessError) as caught:
        assess("rimo3")
    assert str(caught.value).startswith("Account 'mine' (rimo3): ")
    assert caught.value.retryable is retryable


def test_without_credentials_the_account_is_to_be_created(vendor: Script) -> None:
    vendor()
    result = assess("rimo3", client_id=None, client_secret=None, settings={"role": "API User"})
    assert (result["actions"], result["verified"], result["asked"]) == (["create"], False, [])
    assert "Set Role (role) to API User." in result["portal"]["steps"]


def test_a_secret_is_renewed_by_a_person(vendor: Script) -> None:
    vendor((RIMO3_TEST, answer(200)))
    result = assess("rimo3", rotate_secret="always")
    assert (result["actions"], result["secret"]) == (["rotate"], "unchanged")
    assert any("Regenerate" in step for step in result["portal"]["steps"])


def test_settings_that_nobody_can_read_are_said_to_be_unchecked(vendor: Script) -> None:
    vendor((RIMO3_TEST, answer(200)))
    result = assess("rimo3", settings={"name": "automation"})
    assert (result["unchecked"], result["differences"], result["action_required"]) == (["name"], [], False)
    assert "name" in result["msg"]


# Jim2: the licence


def test_jim2_is_proven_without_a_licence_and_logged_off(vendor: Script) -> None:
    vendor((f"GET {JIM2}/api/v1/jobs/0/stock", answer(200, {})), (f"POST {JIM2}/logoff", answer(204)))
    result = assess("jim2", scope=["all"])
    assert result["verified"] is True
    assert [account.scope for account in result["asked"]] == [("view",)]


def test_jim2_is_logged_off_even_where_the_test_breaks_off(vendor: Script) -> None:
    vendor(
        (f"GET {JIM2}/api/v1/jobs/0/stock", TransportError("It broke.", kind="timeout")),
        (f"POST {JIM2}/logoff", answer(204)),
    )
    with pytest.raises(TransportError) as caught:
        assess("jim2")
    assert caught.value.kind == "timeout"


def test_the_site_of_an_account_is_told(vendor: Script) -> None:
    vendor(("GET https://api.cimcloud.com/acme/validate", answer(200)))
    result = assess("cimcloud", site="acme", auth_key="k3y-value")
    assert (result["account"]["site"], result["account"]["base_url"]) == ("acme", "https://api.cimcloud.com")


# BeyondTrust: what can be read


def test_settings_are_compared_with_the_list(vendor: Script) -> None:
    vendor((INFO, answer(200, TOLD)), (LIST, answer(200, [{**MINE, "client_secret": "s3cret"}])))
    wanted = {"enabled": False, "ip_addresses": ["10.0.0.1", "10.0.0.2"], "name": "support", "perm_scim": True}
    result = assess("beyondtrust", settings=wanted)
    assert result["differences"] == [{"field": "enabled", "wanted": False, "found": True}]
    assert result["unchecked"] == ["perm_scim"]
    assert result["actions"] == ["change"]
    assert "Set Enabled (enabled) to off. It is now on." in result["portal"]["steps"]
    assert result["account"]["fields"] == MINE
    assert result["account"]["source"] == "api-account"


def test_a_value_that_the_vendor_has_in_another_form_is_a_difference(vendor: Script) -> None:
    vendor((INFO, answer(200, TOLD)), (LIST, answer(200, [{**MINE, "enabled": "perhaps", "ip_addresses": None}])))
    result = assess("beyondtrust", settings={"enabled": True, "ip_addresses": []})
    assert result["differences"] == [
        {"field": "enabled", "wanted": True, "found": "perhaps"},
        {"field": "ip_addresses", "wanted": [], "found": None},
    ]


def test_permissions_are_compared_with_what_the_account_is_told(vendor: Script) -> None:
    vendor((INFO, answer(200, TOLD)), (LIST, answer(403)), (INFO, answer(200, TOLD)))
    result = assess("beyondtrust", settings={"perm_command": "full_access", "comments": "x"})
    assert result["differences"] == [{"field": "perm_command", "wanted": "full_access", "found": "read_only"}]
    assert result["unchecked"] == ["comments"]
    assert result["account"]["source"] == "get_api_info"


def test_an_account_that_may_not_use_the_test_is_verified_all_the_same(vendor: Script) -> None:
    vendor((INFO, answer(403)), (LIST, answer(200, [MINE])))
    result = assess("beyondtrust")
    assert (result["verified"], result["action_required"]) == (True, False)


def test_a_manager_reads_an_account_whose_credentials_are_not_known(vendor: Script) -> None:
    transport = vendor((LIST, answer(200, [MINE])))
    result = assess("beyondtrust", client_secret=None, manager={"access_token": "mgr-tok"}, settings={"enabled": True})
    assert (result["verified"], result["actions"]) == (False, [])
    assert transport.sent[0].headers["Authorization"] == "Bearer mgr-tok"


def test_a_managers_own_credentials_are_used_for_the_list(vendor: Script) -> None:
    vendor((LIST, answer(200, [MINE])))
    manager = {"client_id": "boss", "client_secret": "boss-s3cret"}
    result = assess("beyondtrust", client_secret=None, manager=manager)
    assert [account.client_id for account in result["asked"]] == ["boss"]


def test_a_manager_that_may_not_list_is_an_error(vendor: Script) -> None:
    vendor((LIST, answer(403)))
    with pytest.raises(AccessError, match="Configuration API"):
        assess("beyondtrust", client_secret=None, manager={"access_token": "mgr-tok"})


def test_an_account_that_the_list_does_not_have_is_to_be_created(vendor: Script) -> None:
    vendor((LIST, answer(200, [{**MINE, "client_id": "other"}])))
    result = assess("beyondtrust", token=REFUSED, manager={"access_token": "mgr-tok"})
    assert result["actions"] == ["create"]


def test_a_manager_is_refused_where_the_vendor_has_no_list() -> None:
    with pytest.raises(ConfigurationError, match="manager"):
        assess("rimo3", manager={"access_token": "x"})


# Absent


def test_credentials_that_still_work_are_to_be_deleted(vendor: Script) -> None:
    vendor((RIMO3_TEST, answer(200)))
    result = assess("rimo3", state="absent")
    assert (result["actions"], result["differences"]) == (["delete"], [])


def test_credentials_that_no_longer_work_are_gone_and_no_more_is_claimed(vendor: Script) -> None:
    vendor()
    result = assess("rimo3", state="absent", token=REFUSED)
    assert (result["action_required"], result["actions"]) == (False, [])
    assert "only the portal shows" in result["msg"]


def test_an_account_that_is_listed_is_not_gone(vendor: Script) -> None:
    vendor((LIST, answer(200, [MINE])))
    result = assess("beyondtrust", state="absent", token=REFUSED, manager={"access_token": "mgr-tok"})
    assert result["actions"] == ["delete"]


def test_an_account_that_is_not_listed_is_gone(vendor: Script) -> None:
    vendor((LIST, answer(200, [])))
    result = assess("beyondtrust", state="absent", client_secret=None, manager={"access_token": "mgr-tok"})
    assert result["actions"] == []


def test_whether_an_account_is_gone_cannot_be_seen_without_credentials(vendor: Script) -> None:
    vendor()
    with pytest.raises(ConfigurationError):
        assess("rimo3", state="absent", client_secret=None)


# Settings


@pytest.mark.parametrize(
    ("settings", "checked"),
    [
        ({"enabled": "yes"}, {"enabled": True}),
        ({"ecm_group_id": "7"}, {"ecm_group_id": 7}),
        ({"ip_addresses": "10.0.0.2,10.0.0.1"}, {"ip_addresses": ["10.0.0.1", "10.0.0.2"]}),
        ({"perm_command": "deny"}, {"perm_command": "deny"}),
    ],
)
def test_settings_get_the_vendors_types(settings: dict[str, t.Any], checked: dict[str, t.Any]) -> None:
    assert checked_settings(PROVIDERS["beyondtrust"], settings) == checked


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"colour": "blue"}, "'colour'"),
        ({"enabled": "perhaps"}, "true or false"),
        ({"perm_command": "all"}, "deny, read_only, full_access"),
        ({"name": "x" * 256}, "255 characters"),
        ({"comments": "x" * 4097}, "4096 characters"),
        ({"name": 7}, "settings.name"),
        ({"ecm_group_id": "seven"}, "whole number"),
        ({"ip_addresses": 7}, "list"),
        ({"client_id": "x"}, "client_id"),
    ],
)
def test_a_setting_that_the_vendor_cannot_have_is_named(settings: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        checked_settings(PROVIDERS["beyondtrust"], settings)


# The result


@pytest.mark.parametrize(
    ("action_required", "on_portal_action", "failed"),
    [(True, "fail", True), (True, "report", None), (False, "fail", None)],
)
def test_the_task_fails_where_a_person_must_act(
    action_required: bool, on_portal_action: str, failed: bool | None
) -> None:
    result = finished_result(
        {"action_required": action_required, "differences": []}, on_portal_action=on_portal_action, diff=False
    )
    assert result.get("failed") is failed
    assert "diff" not in result


# Any OAuth 2.0 server

TEST = f"GET {ISSUER}/status"
INTROSPECT = f"POST {ISSUER}/introspect"
REVOKE = f"POST {ISSUER}/revoke"


def idp(**changes: t.Any) -> Account:
    """An account at a server that publishes nothing."""
    return oauth2(issuer=None, token_endpoint=f"{ISSUER}/token", **changes)


def prove(account: Account, token: Token | AccessError | None = None) -> Verdict:
    """The verdict of a proof; ``token``: what the request for one ends with."""

    def token_for(_account: Account) -> Token:
        if isinstance(token, AccessError):
            raise token
        return token or Token("tok-s3cret")

    verdict, _listing = prove_credentials(account, token_for)
    assert "s3cret" not in str(verdict)
    return verdict


def test_that_a_token_was_granted_proves_the_credentials_where_nothing_can_be_tested(vendor: Script) -> None:
    vendor((f"GET {ISSUER}", answer(200)))
    verdict = prove(idp())
    assert (verdict.reason, verdict.token_valid, is_verified(verdict)) == ("untested", True, True)
    assert verdict.message.startswith("A token was granted")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(401, {}), "introspection_not_permitted"),
        (answer(403, {}), "introspection_not_permitted"),
        (answer(400, {"error": "unsupported_token_type"}), "introspection_unsupported"),
        # A token of this moment is not dead: the server does not let the account know of it.
        (answer(200, {"active": False}), "introspection_not_permitted"),
    ],
)
def test_a_server_that_tells_nothing_of_a_granted_token_takes_nothing_from_the_proof(
    vendor: Script, reply: t.Any, reason: str
) -> None:
    vendor((INTROSPECT, reply))
    verdict = prove(idp(introspection_endpoint=f"{ISSUER}/introspect"))
    assert (verdict.reason, is_verified(verdict)) == (reason, True)


def test_a_token_that_is_introspected_is_proven(vendor: Script) -> None:
    vendor((INTROSPECT, answer(200, {"active": True})))
    verdict = prove(idp(introspection_endpoint=f"{ISSUER}/introspect"))
    assert (verdict.outcome, verdict.reason) == ("valid", "active")


def test_a_token_that_the_api_rejects_is_no_proof(vendor: Script) -> None:
    vendor((TEST, answer(401)))
    verdict = prove(idp(test_path="/status"))
    assert (verdict.outcome, is_verified(verdict)) == ("invalid", False)


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (500, True), (404, False)])
def test_a_test_that_fails_is_not_taken_for_a_proof(vendor: Script, status: int, retryable: bool) -> None:
    vendor((TEST, answer(status)))
    with pytest.raises(AccessError, match="A token was granted, but it could not be tested") as caught:
        prove(idp(test_path="/status"))
    assert (caught.value.status, caught.value.retryable) == (status, retryable)


def test_a_refused_request_for_a_token_is_no_proof(vendor: Script) -> None:
    vendor()
    verdict = prove(idp(), REFUSED)
    assert (verdict.outcome, verdict.reason, is_verified(verdict)) == ("invalid", "invalid_client", False)


@pytest.mark.parametrize("revoked", [answer(200), answer(500), TransportError("It broke.")])
def test_the_token_of_a_proof_is_given_back_whatever_it_proved(vendor: Script, revoked: t.Any) -> None:
    for status, outcome in ((200, "valid"), (401, "invalid")):
        transport = vendor((TEST, answer(status)), (REVOKE, revoked))
        assert prove(idp(test_path="/status", revocation_endpoint=f"{ISSUER}/revoke")).outcome == outcome
        assert len(transport.sent) == 2


# Options of registered accounts


def wanted(**given: t.Any) -> WantedAccount:
    params = {name: option.get("default") for name, option in API_ACCOUNT_SPEC.items()}
    endpoints = {"provider": "oauth2", "name": "mine", "issuer": ISSUER}
    return wanted_account({**params, **endpoints, **given}, frozenset(given))


@pytest.mark.parametrize("provider", ["rimo3", "cimcloud", "jim2", "beyondtrust"])
def test_vendors_whose_accounts_only_a_person_makes_have_no_records(provider: str) -> None:
    given = {"provider": provider, "issuer": None, "base_url": ISSUER, "site": "x" if provider == "cimcloud" else None}
    with pytest.raises(ConfigurationError, match="records_file"):
        wanted(records_file="/accounts.yml", **given)


@pytest.mark.parametrize(
    "idle", [{"initial_access_token": "x"}, {"rotate_after_days": 30}, {"return_secret": True}, {"vault_id": "dev"}]
)
def test_options_for_records_are_nothing_without_them(idle: dict[str, t.Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(idle))} can only be used with records_file"):
        wanted(**idle)
    assert wanted(records_file="/accounts.yml", **idle).account.name == "mine"


def test_an_old_account_is_kept_only_where_records_are() -> None:
    with pytest.raises(ConfigurationError, match="retire: later can only be used with records_file"):
        wanted(retire="later")
    assert wanted(retire="now").retire == "now"


@pytest.mark.parametrize("asked", [{"rotate_secret": "always"}, {"rotate_after_days": 30}])
def test_an_old_account_cannot_be_kept_by_a_rotation_that_ends_its_secret(asked: dict[str, t.Any]) -> None:
    given = {"records_file": "/accounts.yml", "retire": "later"}
    with pytest.raises(ConfigurationError, match="by which the server ends the old secret at once"):
        wanted(**given, **asked)
    assert wanted(**given, **asked, rotate_by="replace").retire == "later"
    assert wanted(**given).retire == "later"


@pytest.mark.parametrize(("days", "wrong"), [(-1, True), (0, True), (1, False), (None, False)])
def test_a_secret_is_renewed_after_a_day_at_the_earliest(days: int | None, wrong: bool) -> None:
    given = {"records_file": "/accounts.yml", "rotate_after_days": days}
    if wrong:
        with pytest.raises(ConfigurationError, match="rotate_after_days must be"):
            wanted(**given)
    else:
        assert wanted(**given).rotate_after_days == days


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("client_id", "the server chooses"),
        ("client_secret", "the server chooses"),
        ("client_secret_expires_at", "the server chooses"),
        ("client_id_issued_at", "the server chooses"),
        ("registration_access_token", "the server chooses"),
        ("registration_client_uri", "the server chooses"),
        ("token_endpoint_auth_method", "the option of that name"),
        ("token_endpoint_auth_signing_alg", "signing_alg"),
    ],
)
def test_a_setting_that_is_set_elsewhere_is_refused(field: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        wanted(settings={field: "x"})


@pytest.mark.parametrize("value", ["x", 7, 0.5, True, None, [1, "a"], {"a": {"b": [None]}}])
def test_a_setting_of_the_servers_own_is_taken_as_it_is(value: t.Any) -> None:
    assert wanted(settings={"x_own": value}).settings == {"x_own": value}


@pytest.mark.parametrize(
    "value", [datetime.date(2026, 1, 1), {"deep": datetime.datetime(2026, 1, 1)}, {1, 2}, b"x", float("nan")]
)
def test_a_setting_that_no_json_can_hold_is_refused_before_anything_is_sent(value: t.Any) -> None:
    # Unquoted dates of YAML are such.
    with pytest.raises(ConfigurationError, match="x_own"):
        wanted(settings={"x_own": value})


def test_a_record_has_the_options_that_the_user_gave_and_no_credentials_of_the_server() -> None:
    given = {
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        "scope": ["a"],
        "test_path": "/status",
        "timeout": 5.0,
        "retries": 0,
        "allow_http": False,
        "settings": {"client_name": "x"},
        "rotate_after_days": 30,
        "initial_access_token": "s3cret-iat",
        "records_file": "/accounts.yml",
        "cache": "none",
    }
    options = wanted(**given).options
    assert options["provider"] == "oauth2"
    assert {key: options[key] for key in ("issuer", "scope", "test_path", "timeout", "retries")} == {
        "issuer": ISSUER,
        "scope": ["a"],
        "test_path": "/status",
        "timeout": 5.0,
        "retries": 0,
    }
    assert "s3cret" not in str(options)
    assert not {"client_id", "allow_http", "settings", "rotate_after_days", "records_file", "cache"} & set(options)


def test_a_task_and_its_manager_do_not_show_their_secrets() -> None:
    given = wanted(records_file="/accounts.yml", initial_access_token="s3cret-iat", client_secret="s3cret-value")
    assert "s3cret" not in repr(given)


# The result of a change


def shown(change: str, **changes: t.Any) -> dict[str, t.Any]:
    verdict = Verdict("valid", "active", "It works.", token_valid=True)
    account = dataclasses.replace(idp(), **changes)
    return account_result(WantedAccount(account), verdict, None, [], [], [], change=change)


@pytest.mark.parametrize(
    ("change", "method", "changed", "secret"),
    [
        ("none", "client_secret_basic", False, "unchanged"),
        ("created", "client_secret_basic", True, "created"),
        ("created", "private_key_jwt", True, "unchanged"),
        ("rotated", "client_secret_post", True, "rotated"),
        ("updated", "client_secret_basic", True, "unchanged"),
        ("deleted", "client_secret_basic", True, "unchanged"),
        ("forgotten", "client_secret_basic", True, "unchanged"),
    ],
)
def test_a_change_says_what_became_of_the_secret(change: str, method: str, changed: bool, secret: str) -> None:
    result = shown(change, token_endpoint_auth_method=method)
    assert (result["change"], result["changed"], result["secret"]) == (change, changed, secret)
    assert "s3cret" not in str(result)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("none", {}, {}),
        ("rotated", {"secret": "unchanged"}, {"secret": "rotated"}),
        ("created", {}, {"secret": "created"}),
        ("updated", {}, {}),
    ],
)
def test_a_diff_shows_a_new_secret_by_a_word_alone(
    change: str, before: dict[str, t.Any], after: dict[str, t.Any]
) -> None:
    result = finished_result(shown(change), on_portal_action="fail", diff=True)
    assert result["diff"] == {"before": before, "after": after}


def test_a_diff_shows_settings_and_the_new_secret() -> None:
    result = {**shown("rotated"), "differences": [{"field": "scope", "wanted": "a b", "found": "a"}]}
    finished = finished_result(result, on_portal_action="fail", diff=True)
    assert finished["diff"] == {
        "before": {"scope": "a", "secret": "unchanged"},
        "after": {"scope": "a b", "secret": "rotated"},
    }


def test_steps_for_a_person_can_have_settings_of_the_servers_own(vendor: Script) -> None:
    vendor()
    result = assess("oauth2", issuer=ISSUER, client_id=None, client_secret=None, settings={"x_tier": "gold"})
    assert result["actions"] == ["create"]
    assert any("x_tier" in step and "gold" in step for step in result["portal"]["steps"])
