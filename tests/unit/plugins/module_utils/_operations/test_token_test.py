# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import AccessError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, TransportOptions, Verdict
from ansible_collections.apiops.access.plugins.module_utils._operations import token_test
from ansible_collections.apiops.access.tests.unit.scripted import ISSUER, Script, answer, oauth2, rimo3

TEST = "GET https://rimo3cloud.com/api/v2/connect/test"


@pytest.mark.parametrize("kind", ["connection", "timeout", "certificate", "name_resolution", "redirect", "too_large"])
def test_a_network_in_trouble_is_no_judgement(vendor: Script, kind: str) -> None:
    vendor((TEST, TransportError("It broke.", kind=kind)))
    verdict = token_test.test_token(rimo3(), Token("tok-1")).used
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", kind, None)
    assert verdict.message == "Account 'packaging' (rimo3): It broke."
    assert verdict.endpoint == "https://rimo3cloud.com"


def test_options_that_do_not_fit_this_machine_are_a_verdict_too() -> None:
    account = rimo3(transport=TransportOptions(ca_path="/nowhere/ca.pem"))
    verdict = token_test.test_token(account, Token("tok-1")).used
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "configuration")
    assert "/nowhere/ca.pem" in verdict.message


def test_one_account_is_tested(vendor: Script) -> None:
    vendor((TEST, answer(200)))
    assert [tested.used.outcome for tested in token_test.test_tokens([(rimo3(), Token("tok-1"))])] == ["valid"]


def test_no_account_is_no_verdict() -> None:
    assert token_test.test_tokens([]) == []


def test_many_are_tested_at_the_same_time_and_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(5, timeout=10)

    def meet(account: Account, token: Token) -> token_test.Tested:
        together.wait()
        return token_test.Tested(Verdict("valid", "accepted", f"{account.name} {token.access_token}"), None)

    monkeypatch.setattr(token_test, "test_token", meet)
    pairs = [(rimo3(name=f"a{number}"), Token(f"tok-{number}")) for number in range(5)]
    expected = [f"a{number} tok-{number}" for number in range(5)]
    assert [tested.used.message for tested in token_test.test_tokens(pairs)] == expected


def test_one_failure_spares_the_others(monkeypatch: pytest.MonkeyPatch, vendor: Script) -> None:
    class Half:
        def __init__(self, options: TransportOptions, **_details: object) -> None:
            if options.ca_path:
                raise AccessError("no")
            self.inner = transport

        def __enter__(self) -> object:
            return self.inner

        def __exit__(self, *_details: object) -> None:
            pass

    transport = vendor((TEST, answer(200)))
    monkeypatch.setattr("ansible_collections.apiops.access.plugins.module_utils._transport.Transport", Half)
    broken = rimo3(name="broken", transport=TransportOptions(ca_path="/x"))
    found = token_test.test_tokens([(broken, Token("tok-0")), (rimo3(), Token("tok-1"))])
    assert [tested.used.outcome for tested in found] == ["indeterminate", "valid"]


# What the server says of a token


def test_a_token_is_asked_about_with_the_accounts_credentials(vendor: Script) -> None:
    vendor((f"POST {ISSUER}/introspect", answer(200, {"active": True})))
    account = oauth2(introspection_endpoint=f"{ISSUER}/introspect")
    verdict = token_test.introspect_token(account, Token("tok-1"))
    assert verdict is not None
    assert (verdict.outcome, verdict.token_valid) == ("valid", True)


def test_nothing_is_said_where_nobody_can_be_asked(vendor: Script) -> None:
    vendor()
    assert token_test.introspect_token(rimo3(), Token("tok-1")) is None
    without = oauth2(issuer=None, token_endpoint=f"{ISSUER}/token")
    assert token_test.introspect_token(without, Token("tok-1")) is None


def test_a_network_in_trouble_says_nothing_of_the_token(vendor: Script) -> None:
    vendor((f"POST {ISSUER}/introspect", TransportError("It broke.", kind="timeout")))
    account = oauth2(introspection_endpoint=f"{ISSUER}/introspect")
    verdict = token_test.introspect_token(account, Token("tok-1"))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "timeout", None)
    assert verdict.message == "Account 'idp' (oauth2): It broke."


def test_the_use_of_a_token_and_what_the_server_says_of_it_are_told_apart(vendor: Script) -> None:
    vendor((f"GET {ISSUER}/status", answer(401)), (f"POST {ISSUER}/introspect", answer(200, {"active": True})))
    account = oauth2(introspection_endpoint=f"{ISSUER}/introspect", test_path="/status")
    tested = token_test.test_token(account, Token("tok-1"))
    assert tested.introspected is not None
    assert (tested.used.outcome, tested.introspected.outcome) == ("invalid", "valid")


def test_a_token_that_cannot_be_used_is_asked_about_all_the_same(vendor: Script) -> None:
    broke = TransportError("It broke.", kind="timeout")
    vendor((f"GET {ISSUER}/status", broke), (f"POST {ISSUER}/introspect", answer(200, {"active": False})))
    account = oauth2(introspection_endpoint=f"{ISSUER}/introspect", test_path="/status")
    tested = token_test.test_token(account, Token("tok-1"))
    assert tested.introspected is not None
    assert (tested.used.reason, tested.introspected.reason) == ("timeout", "inactive")
