# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    ConfigurationError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedError,
    ServerError,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token
from ansible_collections.apiops.access.plugins.module_utils._providers.cimcloud import CIMcloud
from ansible_collections.apiops.access.tests.unit.scripted import (
    BASIC,
    NOW,
    SECRET,
    Clock,
    Script,
    answer,
    body_of,
    cimcloud,
)

BASE = "https://api.cimcloud.com/acme"
AUTHENTICATE = f"POST {BASE}/authenticate"
REFRESH = f"POST {BASE}/refresh"
SESSION = f"POST {BASE}/GenerateCustomerSession/"
VALIDATE = f"GET {BASE}/validate"
WEEK, MONTH = 7 * 86400, 30 * 86400
IN_A_WEEK = "2027-01-22T08:00:00Z"
GRANTED = {"expiration": IN_A_WEEK, "token": "tok-1"}
EXPIRED = Token("tok-0", expires_at=NOW - 1, refresh_token="ref-0", refresh_expires_at=NOW + 86400)


def test_a_token_is_requested_as_documented(script: Script, clock: Clock) -> None:
    transport = script((AUTHENTICATE, answer(200, GRANTED)))
    token = CIMcloud(cimcloud(), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers
    assert json.loads(body_of(request)) == {
        "AuthKey": "k3y-value",
        "AuthUserName": "client-1",
        "AuthPassword": "s3cret-value",
    }
    assert not request.repeatable
    assert token == Token("tok-1", "Bearer", NOW + WEEK)


@pytest.mark.parametrize("field", ["token", "bearer_token"])
def test_both_documented_names_of_the_token_are_known(script: Script, clock: Clock, field: str) -> None:
    reply = answer(200, {"expiration": IN_A_WEEK, field: "tok-1", "refresh_token": "ref-1"})
    token = CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)
    assert token == Token("tok-1", "Bearer", NOW + WEEK, refresh_token="ref-1", refresh_expires_at=NOW + MONTH)


@pytest.mark.parametrize(
    "expiration",
    [
        "2027-01-15T09:00:00Z",
        "2027-01-15T09:00:00z",
        "2027-01-15T09:00:00",
        "2027-01-15 09:00:00",
        "2027-01-15T09:00:00.1234567Z",
        "2027-01-15T09:00:00.1234567",
        "2027-01-15T09:00:00+00:00",
        "2027-01-15T04:00:00-05:00",
        "2027-01-15T11:30:00.5+0230",
        " 2027-01-15T09:00:00Z ",
    ],
)
def test_an_expiration_in_any_of_the_seen_forms_is_one_moment(script: Script, clock: Clock, expiration: str) -> None:
    reply = answer(200, {"expiration": expiration, "token": "tok-1"})
    token = CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)
    assert token.expires_at == NOW + 3600


def test_a_token_lives_the_documented_week_where_the_answer_does_not_say(script: Script, clock: Clock) -> None:
    transport = script((AUTHENTICATE, answer(200, {"token": "tok-1"})))
    assert CIMcloud(cimcloud(), transport, clock).request_token(None).expires_at == NOW + WEEK


@pytest.mark.parametrize("expiration", ["", "tomorrow", "2027-13-01T00:00:00Z", 3600, True, {}, "XXXX-XX-XXXXX:XX:XX"])
def test_an_expiration_that_is_no_date_is_an_error(script: Script, clock: Clock, expiration: t.Any) -> None:
    reply = answer(200, {"expiration": expiration, "token": "tok-1"})
    with pytest.raises(MalformedAnswerError, match=f"^{BASE}/authenticate .*expiration"):
        CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)


@pytest.mark.parametrize(
    "expiration", ["2022-01-01T01:00:00Z", "2027-01-15T08:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01 00:00:00"]
)
def test_a_token_that_has_expired_already_is_an_error(script: Script, clock: Clock, expiration: str) -> None:
    reply = answer(200, {"expiration": expiration, "token": "tok-1"})
    with pytest.raises(MalformedAnswerError, match="in the past"):
        CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)


def test_a_clock_that_is_wrong_here_does_not_change_the_lifetime(script: Script) -> None:
    clock = Clock(NOW + 3 * WEEK)
    reply = answer(200, GRANTED, date="Fri, 15 Jan 2027 08:00:00 GMT")
    token = CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)
    assert token.expires_at == NOW + 4 * WEEK


@pytest.mark.parametrize("value", ["", " ", "tok\r\nX: 1", None, 5])
def test_an_answer_without_a_usable_token_is_an_error(script: Script, clock: Clock, value: t.Any) -> None:
    reply = answer(200, {"expiration": IN_A_WEEK, "token": value})
    with pytest.raises(MalformedAnswerError, match=f"^{BASE}/authenticate answered (without|with a) token"):
        CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_asked_once(script: Script, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        CIMcloud(cimcloud(), script((AUTHENTICATE, answer(status, body="")))).request_token(None)
    assert "IP whitelist" in str(caught.value)
    assert str(caught.value).startswith(f"The request for a token at {BASE}/authenticate ")


def test_the_auth_key_is_as_secret_as_the_password(script: Script) -> None:
    reply = answer(401, {"message": f"bad k3y-value for {SECRET}"})
    with pytest.raises(RefusedError) as caught:
        CIMcloud(cimcloud(), script((AUTHENTICATE, reply))).request_token(None)
    assert "k3y-value" not in str(caught.value)
    assert SECRET not in str(caught.value)


# The refresh token


def test_an_expired_token_is_refreshed_by_a_bare_json_string(script: Script, clock: Clock) -> None:
    reply = answer(200, {"expiration": IN_A_WEEK, "token": "tok-1", "refresh_token": "ref-1"})
    transport = script((REFRESH, reply))
    token = CIMcloud(cimcloud(), transport, clock).request_token(EXPIRED)
    (request,) = transport.sent
    assert request.body == b'"ref-0"'
    assert request.headers["Content-Type"] == "application/json"
    assert token == Token("tok-1", "Bearer", NOW + WEEK, refresh_token="ref-1", refresh_expires_at=NOW + MONTH)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refresh_token_that_is_used_up_means_to_authenticate(script: Script, clock: Clock, status: int) -> None:
    transport = script((REFRESH, answer(status, body="")), (AUTHENTICATE, answer(200, GRANTED)))
    assert CIMcloud(cimcloud(), transport, clock).request_token(EXPIRED).access_token == "tok-1"


@pytest.mark.parametrize(
    "previous",
    [
        None,
        Token("tok-0", expires_at=NOW - 1),
        Token("tok-0", expires_at=NOW - 1, refresh_token="ref-0", refresh_expires_at=NOW),
        Token("tok-0", expires_at=NOW - 1, refresh_token="ref-0"),
    ],
)
def test_without_a_living_refresh_token_nothing_is_refreshed(
    script: Script, clock: Clock, previous: Token | None
) -> None:
    transport = script((AUTHENTICATE, answer(200, GRANTED)))
    assert CIMcloud(cimcloud(), transport, clock).request_token(previous).access_token == "tok-1"


@pytest.mark.parametrize(("status", "error"), [(429, RateLimitedError), (500, ServerError)])
def test_a_server_in_trouble_is_not_asked_twice(
    script: Script, clock: Clock, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"^The refresh of the token at {BASE}/refresh "):
        CIMcloud(cimcloud(), script((REFRESH, answer(status, body=""))), clock).request_token(EXPIRED)


@pytest.mark.parametrize("value", [" ", "ref\r\nX: 1", 5])
def test_a_refresh_token_that_cannot_be_one_is_an_error(script: Script, clock: Clock, value: t.Any) -> None:
    reply = answer(200, {**GRANTED, "refresh_token": value})
    with pytest.raises(MalformedAnswerError, match=f"^{BASE}/authenticate answered (without|with a) refresh_token"):
        CIMcloud(cimcloud(), script((AUTHENTICATE, reply)), clock).request_token(None)


# A customer's session


def test_a_session_is_asked_for_with_the_token_and_replaces_it(script: Script, clock: Clock) -> None:
    first = answer(200, {**GRANTED, "refresh_token": "ref-1"})
    session = answer(200, {"expiration": "2027-01-15T09:00:00", "token": "tok-2", "session": "abc"})
    transport = script((AUTHENTICATE, first), (SESSION, session))
    token = CIMcloud(cimcloud(customer="jo@example.com"), transport, clock).request_token(None)
    assert transport.sent[1].headers["Authorization"] == "Bearer tok-1"
    assert transport.sent[1].headers["Content-Type"] == "application/json"
    assert json.loads(body_of(transport.sent[1])) == {"username": "jo@example.com"}
    assert token == Token("tok-2", "Bearer", NOW + 3600, refresh_token="ref-1", refresh_expires_at=NOW + MONTH)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_session_names_the_customer(script: Script, clock: Clock, status: int) -> None:
    transport = script((AUTHENTICATE, answer(200, GRANTED)), (SESSION, answer(status, body="")))
    with pytest.raises(RefusedError, match=r"jo@example\.com") as caught:
        CIMcloud(cimcloud(customer="jo@example.com"), transport, clock).request_token(None)
    assert (caught.value.kind, caught.value.status) == ("session_refused", status)


def test_a_session_that_fails_otherwise_is_told_from_the_token(script: Script, clock: Clock) -> None:
    transport = script((AUTHENTICATE, answer(200, GRANTED)), (SESSION, answer(500, body="")))
    with pytest.raises(ServerError, match="customer's session"):
        CIMcloud(cimcloud(customer="jo@example.com"), transport, clock).request_token(None)


# Basic authorization


def basic(**changes: t.Any) -> Account:
    return cimcloud(authorization_type="basic", auth_key=None, **changes)


def test_basic_authorization_is_the_header_and_needs_no_call(script: Script, clock: Clock) -> None:
    token = CIMcloud(basic(), script(), clock).request_token(None)
    assert token.authorization == BASIC
    assert token.expires_at is None


def test_basic_authorization_is_tested_with_the_credentials(script: Script) -> None:
    transport = script((VALIDATE, answer(200, body="")))
    provider = CIMcloud(basic(), transport)
    assert provider.test_token(provider.request_token(None)).outcome == "valid"
    assert transport.sent[0].headers["Authorization"] == BASIC


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (basic(customer="jo"), "customer"),
        (cimcloud(site="acme/authenticate"), "site"),
        (cimcloud(site="../acme"), "site"),
        (cimcloud(site="acme?x=1"), "site"),
        (cimcloud(site="acme\n"), "site"),
        (cimcloud(token_endpoint_auth_method="client_secret_post"), "token_endpoint_auth_method"),
    ],
)
def test_options_that_contradict_the_vendor_are_refused(account: Account, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        CIMcloud.check_account(account)


@pytest.mark.parametrize(
    "account", [cimcloud(), cimcloud(site="ACME-2.test_x"), cimcloud(customer="jo"), basic(), basic(site="Z9")]
)
def test_options_that_fit_the_vendor_are_taken(account: Account) -> None:
    CIMcloud.check_account(account)


def test_what_is_required_depends_on_the_authorization_type() -> None:
    assert set(CIMcloud.required_options(cimcloud())) == {"base_url", "client_id", "client_secret", "site", "auth_key"}
    assert set(CIMcloud.required_options(basic())) == {"base_url", "client_id", "client_secret", "site"}


# The test


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "valid"), (401, "invalid"), (403, "indeterminate"), (429, "indeterminate"), (500, "indeterminate")],
)
def test_validate_judges_the_token(script: Script, status: int, outcome: str) -> None:
    transport = script((VALIDATE, answer(status, body="")))
    assert CIMcloud(cimcloud(), transport).test_token(Token("tok-1")).outcome == outcome
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"


def test_the_test_path_is_below_the_site(script: Script) -> None:
    transport = script((f"GET {BASE}/healthcheck", answer(200, {"status": "Running"})))
    assert CIMcloud(cimcloud(test_path="healthcheck"), transport).test_token(Token("tok-1")).outcome == "valid"


@pytest.mark.parametrize("path", ["X/orders", "/X/orders"])
def test_every_path_is_below_the_site(script: Script, path: str) -> None:
    assert CIMcloud(cimcloud(), script()).url(path) == f"{BASE}/X/orders"


def test_the_published_rates_are_stated() -> None:
    assert CIMcloud.calls_per_second == 2
    assert CIMcloud.calls_per_window == (100, 15 * 60)


# Calls of the user's own


@pytest.mark.parametrize(
    ("method", "path", "safe"),
    [
        ("GET", "/orders/open", True),
        ("HEAD", "orders", True),
        ("POST", "/orders", False),
        ("GET", "/OnlineOrders/open", False),
        ("GET", "onlineorders", False),
        ("HEAD", "/onlineOrders/", False),
        ("GET", "/OnlineOrders?a=1", False),
        ("GET", "//OnlineOrders/open", False),
        ("GET", "/OnlineOrdersArchive/open", True),
        ("GET", "/XOnlineOrders/open", True),
        ("GET", "/orders/onlineorders", True),
    ],
)
def test_reading_online_orders_marks_them(method: str, path: str, safe: bool) -> None:
    assert CIMcloud.is_safe(method, path, {}) is safe


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/orders/open", "/orders/open/1"),
        ("orders/open/", "orders/open/1"),
        ("/orders/open?a=1", "/orders/open/1?a=1"),
        ("/orders/BOX", "/orders/BOX/1"),
    ],
)
def test_the_first_page_has_the_number_1(path: str, first: str) -> None:
    assert CIMcloud.first_page(path) == first


@pytest.mark.parametrize(
    ("records", "page", "following"),
    [(50, "9", "10"), (51, "1", "2"), (49, "1", None), (0, "3", None)],
)
def test_a_page_that_is_not_full_is_the_last(script: Script, records: int, page: str, following: str | None) -> None:
    provider = CIMcloud(cimcloud(), script())
    reply = dataclasses.replace(answer(200), url=f"{BASE}/orders/open/{page}?a=1")
    found = provider.next_page(reply, [{}] * records)
    assert found == (f"{BASE}/orders/open/{following}?a=1" if following else None)


def test_a_page_that_is_no_list_is_an_error(script: Script) -> None:
    reply = dataclasses.replace(answer(200), url=f"{BASE}/orders/open/1")
    with pytest.raises(MalformedAnswerError, match=f"^{BASE}/orders/open/1 "):
        CIMcloud(cimcloud(), script()).next_page(reply, {"message": "no"})


def test_a_token_that_was_requested_elsewhere_goes_into_the_right_header() -> None:
    assert CIMcloud.ready_token(cimcloud(), "tok-1").authorization == "Bearer tok-1"
    assert CIMcloud.ready_token(basic(), "Y2xpZW50").authorization == "Basic Y2xpZW50"
