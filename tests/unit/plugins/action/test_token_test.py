# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.apiops.access.plugins.action.token_test import ActionModule
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    CREDENTIAL_OPTIONS,
    SECRET_OPTIONS,
    TOKEN_TEST_SPEC,
)
from ansible_collections.apiops.access.plugins.module_utils._errors import AccessError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._http import HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Verdict
from ansible_collections.apiops.access.plugins.modules import token_test as module
from ansible_collections.apiops.access.plugins.plugin_utils import _token_access
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._rate_budget import RateBudget
from ansible_collections.apiops.access.tests.unit.actions import Host, run
from ansible_collections.apiops.access.tests.unit.scripted import ISSUER, Script, answer, body_of, cimcloud
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

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


def verdicts(*outcomes: str, reason: str | None = None, status: int = 200) -> dict[str, t.Any]:
    """What the module returns for one run."""
    usual = {"valid": "accepted", "invalid": "token_rejected", "indeterminate": "unhealthy"}
    found = [Verdict(outcome, reason or usual[outcome], "Words.", status=status).to_dict() for outcome in outcomes]
    untold = [None] * len(found)
    return {"changed": False, "verdicts": found, "introspections": untold, "invocation": {"module_args": {}}}


def accounts(*names: str, **options: t.Any) -> list[dict[str, t.Any]]:
    usual = {"provider": "rimo3", "client_secret": "s3cret-value", **options}
    return [{"name": name, "client_id": name, **usual} for name in names]


def test_the_host_gets_the_token_and_no_secret(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    host = Host(verdicts("valid"))
    result = run(ActionModule, args, host=host)
    ((name, sent),) = host.runs
    assert name == "apiops.access.token_test"
    assert sent["access_tokens"] == {"client-1": "tok-1"}
    assert "s3cret" not in str(sent)
    assert (result["changed"], result["outcome"], result["verdicts"][0]["name"]) == (False, "valid", "client-1")
    assert (result["reused"], result["renewed"]) == (False, False)
    assert not result.get("failed")
    assert "tok-1" not in str(result)


def test_certificates_that_only_the_controller_has_go_along(
    vendor: Script, args: dict[str, t.Any], tmp_path: Path
) -> None:
    here = tmp_path / "ca.pem"
    here.write_text("-----BEGIN CERTIFICATE-----")
    for path, sent in (
        (here, {"ca_data": "-----BEGIN CERTIFICATE-----"}),
        (tmp_path, {"ca_path": str(tmp_path)}),
        (tmp_path / "only on the host.pem", {"ca_path": f"{tmp_path}/only on the host.pem"}),
    ):
        vendor((TOKEN, answer(200, GRANTED)))
        host = Host(verdicts("valid"))
        run(ActionModule, {**args, "ca_path": str(path), "cache": "none"}, host=host)
        ((_name, options),) = host.runs
        told = {"ca_data": options["ca_data"], **options["accounts"][0]}
        assert {option: told[option] for option in told if option.startswith("ca_") and told[option]} == sent


@pytest.mark.parametrize("same", [True, False])
def test_certificates_of_all_accounts_go_to_the_host_once(
    vendor: Script, args: dict[str, t.Any], tmp_path: Path, same: bool
) -> None:
    files = [tmp_path / "a.pem", tmp_path / ("a.pem" if same else "b.pem")]
    for path in files:
        path.write_text(path.name)
    vendor((TOKEN, answer(200, GRANTED)), (TOKEN, answer(200, {**GRANTED, "access_token": "tok-2"})))
    listed = [{**each, "ca_path": str(path)} for each, path in zip(accounts("a", "b"), files)]
    host = Host(verdicts("valid", "valid"))
    result = run(ActionModule, {"accounts": listed, "cache_path": args["cache_path"]}, host=host)
    ((_name, options),) = host.runs
    assert options.get("ca_data") == ("a.pem" if same else None)
    assert [each.get("ca_data") for each in options["accounts"]] == ([None, None] if same else ["a.pem", "b.pem"])
    assert "a.pem" not in str(result)


def test_check_mode_tests_as_ever(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    assert run(ActionModule, args, host=Host(verdicts("valid")), check_mode=True)["outcome"] == "valid"


def test_a_known_token_that_is_rejected_is_renewed_once(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)), (TOKEN, answer(200, {**GRANTED, "access_token": "tok-2"})))
    run(ActionModule, args, host=Host(verdicts("valid")))
    host = Host(verdicts("invalid", status=401), verdicts("valid"))
    result = run(ActionModule, args, host=host, task="task-2")
    assert [sent["access_tokens"]["client-1"] for _name, sent in host.runs] == ["tok-1", "tok-2"]
    assert (result["outcome"], result["renewed"], result["reused"]) == ("valid", True, False)


def test_a_token_that_was_requested_just_now_is_not_renewed(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    result = run(ActionModule, args, host=Host(verdicts("invalid", status=401)))
    assert (result["failed"], result["outcome"], result["renewed"]) == (True, "invalid", False)
    assert result["failure"] == {"kind": "token_rejected", "status": 401, "error": None, "retryable": False}
    assert "was granted just now" in result["msg"]
    assert "list of allowed addresses" in result["msg"]


def test_a_token_is_not_renewed_for_anything_but_a_rejection(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    run(ActionModule, args, host=Host(verdicts("valid")))
    result = run(ActionModule, args, host=Host(verdicts("indeterminate", status=500)), task="task-2")
    assert (result["outcome"], result["reused"]) == ("indeterminate", True)


@pytest.mark.parametrize("retryable", [True, False])
def test_whether_another_try_can_help_is_what_the_host_found(
    vendor: Script, args: dict[str, t.Any], retryable: bool
) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    found = verdicts("indeterminate", reason="not_permitted", status=403)
    found["verdicts"][0]["retryable"] = retryable
    result = run(ActionModule, args, host=Host(found))
    assert result["failed"]
    assert (result["failure"]["retryable"], result["verdicts"][0]["retryable"]) == (retryable, retryable)


@pytest.mark.parametrize(
    ("reply", "kind", "retryable"),
    [
        (answer(429, {}), "rate_limited", True),
        (answer(503, {}), "server_error", True),
        (answer(400, {"error": "invalid_scope"}), "invalid_scope", False),
        (answer(404, {}), "unexpected_status", False),
        (answer(200, body="<html>"), "malformed_answer", False),
        (TransportError("x", kind="timeout"), "timeout", True),
        (TransportError("x", kind="certificate", retryable=False), "certificate", False),
    ],
)
def test_a_token_that_is_not_had_says_whether_another_try_can_help(
    vendor: Script, args: dict[str, t.Any], reply: HttpResponse | AccessError, kind: str, retryable: bool
) -> None:
    vendor((TOKEN, reply))
    failure = run(ActionModule, {**args, "retries": 0})["failure"]
    assert (failure["kind"], failure["retryable"]) == (kind, retryable)


@pytest.mark.parametrize(
    ("fail_on", "outcome", "failed"),
    [
        (None, "invalid", True),
        (None, "indeterminate", True),
        (["invalid"], "indeterminate", False),
        (["invalid"], "invalid", True),
        (["indeterminate"], "invalid", False),
        ([], "invalid", False),
    ],
)
def test_the_task_fails_on_what_it_is_told_to(
    vendor: Script, args: dict[str, t.Any], fail_on: list[str] | None, outcome: str, failed: bool
) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    result = run(ActionModule, {**args, "fail_on": fail_on}, host=Host(verdicts(outcome)))
    assert bool(result.get("failed")) is failed
    assert result["outcome"] == outcome


def test_refused_credentials_are_a_verdict_without_a_module_run(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(401, {"error": "invalid_client"})))
    host = Host()
    result = run(ActionModule, args, host=host)
    assert (result["outcome"], result["reason"], result["token_valid"]) == ("invalid", "invalid_client", False)
    assert host.runs == []


def test_a_server_out_of_reach_is_indeterminate(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, TransportError("It broke.", kind="timeout")))
    result = run(ActionModule, args)
    assert (result["outcome"], result["reason"], result["token_valid"]) == ("indeterminate", "timeout", None)
    assert result["msg"] == "Account 'client-1' (rimo3): It broke."


def test_a_ready_token_needs_no_credentials(vendor: Script, tmp_path: Path) -> None:
    vendor()
    host = Host(verdicts("valid"))
    result = run(ActionModule, {"provider": "rimo3", "access_token": "tok-9"}, host=host)
    assert list(host.runs[0][1]["access_tokens"].values()) == ["tok-9"]
    assert result["outcome"] == "valid"
    assert "tok-9" not in str(result)


# Many accounts


def test_many_accounts_are_tested_in_one_module_run(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(*[(TOKEN, answer(200, GRANTED))] * 3)
    host = Host(verdicts("valid", "indeterminate", "valid"))
    result = run(ActionModule, {"accounts": accounts("a", "b", "c"), "cache_path": args["cache_path"]}, host=host)
    assert len(host.runs) == 1
    assert [verdict["name"] for verdict in result["verdicts"]] == ["a", "b", "c"]
    assert (result["outcome"], result["failed"]) == ("indeterminate", True)
    assert "Account 'b'" in result["msg"]
    assert "Account 'a'" not in result["msg"]
    assert "s3cret" not in str(host.runs)


def test_an_account_that_gets_no_token_spares_the_others(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"POST {JIM2}/token", answer(401)))
    mixed = [
        {"name": "bad", "provider": "jim2", "base_url": JIM2, "client_id": "x", "client_secret": "s3cret-value"},
        {"name": "good", "provider": "rimo3"},
    ]
    host = Host(verdicts("valid"))
    result = run(
        ActionModule,
        {"accounts": mixed, "access_tokens": {"good": "tok-9"}, "cache_path": args["cache_path"], "fail_on": []},
        host=host,
    )
    assert [verdict["outcome"] for verdict in result["verdicts"]] == ["invalid", "valid"]
    assert host.runs[0][1]["access_tokens"] == {"good": "tok-9"}
    assert not result.get("failed")


def test_a_token_for_an_account_that_is_not_listed_is_refused(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    wrong = {"accounts": accounts("a"), "access_tokens": {"b": "tok-s3cret"}, "cache_path": args["cache_path"]}
    result = run(ActionModule, wrong)
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
    assert "tok-s3cret" not in str(result)


def test_an_error_in_one_account_stops_all_before_anything_is_sent(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    result = run(ActionModule, {"accounts": [*accounts("a"), {"name": "b"}], "cache_path": args["cache_path"]})
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
    assert "Account 'b'" in result["msg"]


def test_a_budget_that_is_spent_is_the_verdict_of_that_account_alone(
    vendor: Script, args: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_token_access, "time", types.SimpleNamespace(sleep=lambda _seconds: None, time=time.time))
    vendor()
    store = FileTokenStore(args["cache_path"])
    shop = cimcloud()
    now = time.time()
    for number in range(100):
        RateBudget(store, shop, lambda number=number: now - 60 + number * 0.6).reserve(1, 120)  # type: ignore[misc]
    given = {
        "accounts": [
            {"name": "shop", "provider": "cimcloud", "site": "acme", "client_id": "client-1", "auth_key": "k3y-value"},
            {"name": "packaging", "provider": "rimo3"},
        ],
        "access_tokens": {"shop": "tok-1", "packaging": "tok-2"},
        "fail_on": [],
        "cache_path": args["cache_path"],
    }
    result = run(ActionModule, given, host=Host(verdicts("valid")))
    assert not result.get("failed")
    assert [verdict["outcome"] for verdict in result["verdicts"]] == ["indeterminate", "valid"]
    assert result["verdicts"][0]["reason"] == "rate_limited"


@pytest.fixture
def shop(args: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        **args,
        "provider": "cimcloud",
        "site": "acme",
        "client_secret": None,
        "access_token": "tok-1",
        "rate_wait": 5,
    }


def test_what_the_server_says_to_one_host_holds_for_the_next(vendor: Script, shop: dict[str, t.Any]) -> None:
    vendor()
    host = Host({**verdicts("valid"), "rates": [{"remaining": 0, "reset": 300.0}]})
    first = run(ActionModule, shop, host=host)
    assert first["outcome"] == "valid"
    assert "rates" not in first
    second = run(ActionModule, shop, host=host, task="task-2")
    assert (second["outcome"], second["reason"], second["status"]) == ("indeterminate", "rate_limited", None)
    assert "free in 300 s, and rate_wait allows 5 s" in second["msg"]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for a turn."""
    found: list[float] = []
    monkeypatch.setattr(_token_access, "time", types.SimpleNamespace(sleep=found.append, time=time.time))
    return found


LIMITED = verdicts("indeterminate", reason="rate_limited", status=429)


def test_a_test_that_the_rate_put_off_is_made_again(
    vendor: Script, shop: dict[str, t.Any], pauses: list[float]
) -> None:
    vendor()
    host = Host(LIMITED, verdicts("valid"))
    assert run(ActionModule, {**shop, "rate_wait": 3600}, host=host)["outcome"] == "valid"
    assert len(host.runs) == 2


def test_a_test_that_is_put_off_without_end_is_a_verdict(
    vendor: Script, shop: dict[str, t.Any], pauses: list[float]
) -> None:
    vendor()
    host = Host(*[LIMITED] * 5)
    result = run(ActionModule, {**shop, "rate_wait": 3600}, host=host)
    assert (result["outcome"], result["reason"], result["status"]) == ("indeterminate", "rate_limited", 429)
    assert len(host.runs) == 5


def test_the_token_request_tells_of_the_rate_too(vendor: Script, shop: dict[str, t.Any]) -> None:
    given = {"token": "tok-1", "refresh_token": "ref-1", "expiration": "2099-01-01T00:00:00Z"}
    vendor(
        (
            "POST https://api.cimcloud.com/acme/authenticate",
            answer(200, given, x_ratelimit_remaining="0", x_ratelimit_reset="300"),
        )
    )
    account = {**shop, "access_token": None, "client_secret": "s3cret-value", "auth_key": "k3y-value"}
    assert run(ActionModule, account)["reason"] == "rate_limited"


@pytest.mark.parametrize("off", [{"rate_limit": False}, {"cache": "none"}])
def test_nothing_is_paced_where_that_is_turned_off(
    vendor: Script, shop: dict[str, t.Any], off: dict[str, t.Any]
) -> None:
    vendor()
    told = {**verdicts("valid"), "rates": [{"remaining": 0, "reset": 300.0}]}
    host = Host(*[told] * 9)
    results = [run(ActionModule, {**shop, **off, "rate_wait": 0}, host=host) for _host in range(9)]
    assert {result["outcome"] for result in results} == {"valid"}


@pytest.mark.parametrize("rates", [[], [None], [{"remaining": -1, "reset": 1}], [{"reset": 1e9}], [7], ["x"]])
def test_odd_words_of_a_host_on_the_rate_are_passed_over(
    vendor: Script, shop: dict[str, t.Any], rates: list[t.Any]
) -> None:
    vendor()
    host = Host({**verdicts("valid"), "rates": rates}, verdicts("valid"))
    assert [run(ActionModule, shop, host=host)["outcome"] for _run in range(2)] == ["valid", "valid"]


def test_a_negative_wait_is_an_error(vendor: Script, shop: dict[str, t.Any]) -> None:
    vendor()
    result = run(ActionModule, {**shop, "rate_wait": -1})
    assert (result["failure"]["kind"], "rate_wait" in result["msg"]) == ("configuration", True)


# Basic authorization


def test_basic_credentials_go_to_a_host_only_where_that_is_wanted(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    basic = {**args, "provider": "cimcloud", "site": "acme", "authorization_type": "basic", "cache": "none"}
    host = Host(verdicts("valid"))
    result = run(ActionModule, basic, host=host)
    assert (result["failed"], result["failure"]["kind"], host.runs) == (True, "configuration", [])
    result = run(ActionModule, {**basic, "request_from": "target"}, host=host)
    assert (result["outcome"], result["fingerprint"]) == ("valid", None)
    assert "Y2xpZW50" not in str(result)


# Introspection, by who has the credentials

GRANT = (f"POST {ISSUER}/token", answer(200, {**GRANTED, "scope": "orders.read"}))
ASKED = f"POST {ISSUER}/introspect"
ACTIVE = answer(200, {"active": True, "scope": "orders.read"})
INACTIVE = answer(200, {"active": False})


@pytest.fixture
def idp(args: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        **args,
        "provider": "oauth2",
        "base_url": "https://api.example.com",
        "token_endpoint": f"{ISSUER}/token",
        "introspection_endpoint": f"{ISSUER}/introspect",
        "test_path": "/status",
    }


@pytest.fixture
def key() -> str:
    """A new private key in PEM form."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_the_controller_asks_the_server_about_the_token_and_the_host_uses_it(
    vendor: Script, idp: dict[str, t.Any]
) -> None:
    transport = vendor(GRANT, (ASKED, ACTIVE))
    result = run(ActionModule, idp, host=Host(verdicts("valid")))
    assert body_of(transport.sent[1]).startswith(b"token=tok-1&")
    assert (result["outcome"], result["reason"]) == ("valid", "accepted")
    assert (result["introspection"]["active"], result["introspection"]["scope"]) == (True, ["orders.read"])


@pytest.mark.parametrize(
    ("told", "used", "outcome", "reason"),
    [
        (ACTIVE, verdicts("valid"), "valid", "accepted"),
        (ACTIVE, verdicts("invalid"), "invalid", "token_rejected"),
        (ACTIVE, verdicts("indeterminate", reason="timeout"), "indeterminate", "timeout"),
        (ACTIVE, verdicts("indeterminate", reason="untested"), "valid", "active"),
        (answer(403), verdicts("valid"), "valid", "accepted"),
        (answer(403), verdicts("indeterminate", reason="untested"), "indeterminate", "introspection_not_permitted"),
        (answer(400), verdicts("invalid"), "invalid", "token_rejected"),
        (answer(200, {"active": True, "scope": "other"}), verdicts("valid"), "invalid", "scope_missing"),
        (TransportError("It broke.", kind="timeout"), verdicts("invalid"), "invalid", "token_rejected"),
    ],
)
def test_what_the_server_says_and_what_the_host_meets_are_one_verdict(
    vendor: Script, idp: dict[str, t.Any], told: t.Any, used: dict[str, t.Any], outcome: str, reason: str
) -> None:
    vendor(GRANT, (ASKED, told))
    result = run(ActionModule, {**idp, "scope": ["orders.read"]}, host=Host(used))
    assert (result["outcome"], result["reason"]) == (outcome, reason)


def test_a_known_token_that_the_server_calls_inactive_is_renewed_once(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor(GRANT, (ASKED, ACTIVE))
    run(ActionModule, idp, host=Host(verdicts("valid")))
    vendor((ASKED, INACTIVE), (GRANT[0], answer(200, {**GRANTED, "access_token": "tok-2"})), (ASKED, ACTIVE))
    host = Host(verdicts("valid"), verdicts("valid"))
    result = run(ActionModule, idp, host=host, task="task-2")
    assert [sent["access_tokens"]["client-1"] for _name, sent in host.runs] == ["tok-1", "tok-2"]
    assert (result["outcome"], result["renewed"]) == ("valid", True)


@pytest.mark.parametrize(
    ("used", "outcome", "reason"),
    [
        (verdicts("valid"), "valid", "accepted"),
        (verdicts("invalid"), "invalid", "token_rejected"),
        (verdicts("indeterminate", reason="untested"), "indeterminate", "introspection_not_permitted"),
    ],
)
def test_a_token_of_this_moment_that_is_called_inactive_is_judged_by_its_use_alone(
    vendor: Script, idp: dict[str, t.Any], used: dict[str, t.Any], outcome: str, reason: str
) -> None:
    # RFC 7662 section 2.2: the same is said of a token that the caller may not know of.
    vendor(GRANT, (ASKED, INACTIVE))
    result = run(ActionModule, idp, host=Host(used))
    assert (result["outcome"], result["reason"]) == (outcome, reason)


@pytest.mark.parametrize(
    ("granted", "reason"),
    [("orders.read", "scope_missing"), ("orders.write orders.read", "accepted"), (None, "accepted")],
)
def test_a_scope_that_was_not_granted_is_missing(
    vendor: Script, idp: dict[str, t.Any], granted: str | None, reason: str
) -> None:
    del idp["introspection_endpoint"]
    told = {**GRANTED, "scope": granted} if granted else GRANTED
    vendor((GRANT[0], answer(200, told)))
    result = run(ActionModule, {**idp, "scope": ["orders.read", "orders.write"]}, host=Host(verdicts("valid")))
    assert result["reason"] == reason
    assert ("orders.write" in result["msg"]) is (reason == "scope_missing")


def test_a_ready_token_is_not_asked_about_without_credentials(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor()
    given = {**idp, "access_token": "tok-9", "client_secret": None}
    assert run(ActionModule, given, host=Host(verdicts("valid")))["outcome"] == "valid"


@pytest.mark.parametrize("trouble", [answer(503), TransportError("It broke.", kind="timeout"), answer(404)])
def test_a_ready_token_is_judged_though_the_servers_metadata_cannot_be_had(
    vendor: Script, idp: dict[str, t.Any], trouble: t.Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    places = ("openid-configuration", "oauth-authorization-server")
    tries = places if getattr(trouble, "status", None) == 404 else places[:1]
    vendor(*((f"GET {ISSUER}/.well-known/{place}", trouble) for place in tries))
    given = {**idp, "issuer": ISSUER, "token_endpoint": None, "introspection_endpoint": None, "access_token": "tok-9"}
    result = run(ActionModule, given, host=Host(verdicts("valid")))
    assert result["outcome"] in ("valid", "indeterminate")


def test_a_known_token_that_is_inactive_to_the_host_is_renewed_too(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor()
    token, another = ({**TOKEN_DICT, "access_token": f"tok-{number}"} for number in (1, 2))
    told = Verdict("invalid", "inactive", "It is not active.", token_valid=False).to_dict()
    by_host = {**idp, "request_from": "target"}
    run(ActionModule, by_host, host=Host({"token": token}, verdicts("valid")))
    host = Host({**verdicts("valid"), "introspections": [told]}, {"token": another}, verdicts("valid"))
    result = run(ActionModule, by_host, host=host, task="task-2")
    assert (result["outcome"], result["renewed"]) == ("valid", True)


def test_a_renewal_of_a_moment_ago_that_is_called_inactive_is_not_judged(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor(GRANT, (ASKED, ACTIVE))
    run(ActionModule, idp, host=Host(verdicts("valid")))
    vendor((ASKED, INACTIVE), (GRANT[0], answer(200, {**GRANTED, "access_token": "tok-2"})), (ASKED, ACTIVE))
    run(ActionModule, idp, host=Host(verdicts("valid"), verdicts("valid")), task="task-2")
    # Another host of the task, which finds the renewed token in the cache.
    vendor((ASKED, INACTIVE))
    untested = Host(verdicts("indeterminate", reason="untested"))
    result = run(ActionModule, idp, {"inventory_hostname": "web2"}, host=untested, task="task-2")
    assert (result["outcome"], result["reason"]) == ("indeterminate", "introspection_not_permitted")


# What the host is told


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_credentials_go_to_a_host_only_where_it_requests_tokens_itself_and_apart_from_the_account(
    vendor: Script, idp: dict[str, t.Any], key: str, request_from: str
) -> None:
    host_has_them = request_from == "target"
    grant = (
        Host({"changed": True, "token": {**TOKEN_DICT}}, verdicts("valid"))
        if host_has_them
        else Host(verdicts("valid"))
    )
    vendor(*([] if host_has_them else [GRANT, (ASKED, ACTIVE)]))
    signed = {**idp, "client_secret": None, "private_key": key, "token_endpoint_auth_method": "private_key_jwt"}
    result = run(ActionModule, {**signed, "request_from": request_from}, host=grant)
    assert result["outcome"] == "valid"
    (sent,) = [args for name, args in grant.runs if name.endswith("token_test")]
    (account,) = sent["accounts"]
    # The module masks what is in account_secrets, and nothing of what is in accounts.
    assert not set(account) & SECRET_OPTIONS
    assert sent["account_secrets"]["client-1"] == ({"private_key": key} if host_has_them else {})
    assert ({*CREDENTIAL_OPTIONS} & set(account) == {"token_endpoint_auth_method"}) is host_has_them
    assert (key[40:80] in str(grant.runs)) is host_has_them


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_a_proxy_with_a_password_goes_to_the_host_apart_from_the_account(
    vendor: Script, args: dict[str, t.Any], request_from: str
) -> None:
    vendor(*([] if request_from == "target" else [(TOKEN, answer(200, GRANTED))]))
    proxy = "http://user:pr0xy-s3cret@proxy.example.com"
    grants = [{"changed": True, "token": TOKEN_DICT}] if request_from == "target" else []
    host = Host(*grants, verdicts("valid"))
    run(ActionModule, {**args, "proxy": proxy, "request_from": request_from}, host=host)
    sent = host.runs[-1][1]
    assert "pr0xy" not in str(sent["accounts"])
    assert sent["account_secrets"] == {"client-1": {"proxy": proxy}}


def test_no_other_vendors_host_has_credentials_though_it_requests_tokens(
    vendor: Script, args: dict[str, t.Any]
) -> None:
    vendor()
    host = Host({"changed": True, "token": TOKEN_DICT}, verdicts("valid"))
    run(ActionModule, {**args, "request_from": "target"}, host=host)
    assert "s3cret" not in str(host.runs[1])


TOKEN_DICT = {
    "access_token": "tok-1",
    "token_type": "Bearer",
    "expires_at": 4_000_000_000.0,
    "scope": [],
    "refresh_token": None,
    "refresh_expires_at": None,
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"signing_alg": "ES256", "key_id": "k1", "assertion_audience": ISSUER},
        {"audience": "api", "resource": ["https://api.example.com"], "scope": ["orders.read"]},
    ],
)
def test_the_host_can_use_what_it_is_told(
    vendor: Script, idp: dict[str, t.Any], key: str, options: dict[str, t.Any]
) -> None:
    vendor(GRANT, (ASKED, ACTIVE))
    host = Host(verdicts("valid"))
    signed = {**idp, "client_secret": None, "private_key": key, **options}
    run(ActionModule, signed, host=host)
    ((_name, sent),) = host.runs
    vendor(("GET https://api.example.com/status", answer(200, {})))
    (verdict,) = module.work({**dict.fromkeys(TOKEN_TEST_SPEC), **sent})["verdicts"]
    assert (verdict["outcome"], verdict["reason"]) == ("valid", "accepted")


def test_a_host_that_has_the_credentials_asks_about_the_token_itself(vendor: Script, idp: dict[str, t.Any]) -> None:
    vendor()
    host = Host({"changed": True, "token": TOKEN_DICT}, verdicts("valid"))
    run(ActionModule, {**idp, "request_from": "target"}, host=host)
    sent = host.runs[1][1]
    vendor(("GET https://api.example.com/status", answer(200, {})), (ASKED, ACTIVE))
    found = module.work({**dict.fromkeys(TOKEN_TEST_SPEC), **sent})
    assert [found["verdicts"][0]["outcome"], found["introspections"][0]["reason"]] == ["valid", "active"]
    again = Host({"changed": True, "token": {**TOKEN_DICT, "access_token": "tok-2"}}, found)
    result = run(ActionModule, {**idp, "cache": "none", "request_from": "target"}, host=again)
    assert (result["outcome"], result["introspection"]["active"]) == ("valid", True)
