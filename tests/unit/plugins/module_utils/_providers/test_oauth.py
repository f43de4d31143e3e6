# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token endpoint may answer, as the tokens of a provider that only follows RFC 6749."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import MalformedAnswerError, ServerError
from ansible_collections.apiops.access.plugins.module_utils._http import HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token
from ansible_collections.apiops.access.plugins.module_utils._providers._oauth import LONGEST_TOKEN
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.plugins.module_utils._providers.beyondtrust import BeyondTrust
from ansible_collections.apiops.access.plugins.module_utils._providers.rimo3 import Rimo3
from ansible_collections.apiops.access.tests.unit import scripted
from ansible_collections.apiops.access.tests.unit.scripted import (
    ISSUER,
    NOW,
    Clock,
    Script,
    answer,
    beyondtrust,
    rimo3,
)

GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}
DECADE = 10 * 365 * 86400
TOKEN_URL = "https://rimo3cloud.com/api/v2/connect/token"
ABSENT = object()


def granted_with(**changes: t.Any) -> dict[str, t.Any]:
    return {field: value for field, value in {**GRANTED, **changes}.items() if value is not ABSENT}


def ask(script: Script, reply: HttpResponse, account: Account | None = None) -> Token:
    transport = script((f"POST {TOKEN_URL}", reply))
    return Rimo3(account or rimo3(), transport, Clock()).request_token(None)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (3600, 3600),
        (3599.9, 3599),
        ("3600", 3600),
        ("3600.0", 3600),
        (1, 1),
        (ABSENT, 3600),
        (None, 3600),
        (1e300, DECADE),
        ("1e300", DECADE),
    ],
)
def test_a_lifetime_in_any_form_is_understood(script: Script, expires_in: t.Any, seconds: int) -> None:
    token = ask(script, answer(200, granted_with(expires_in=expires_in)))
    assert token.expires_at == NOW + seconds


@pytest.mark.parametrize("expires_in", ["abc", "", -1, 0, "0", -3600.5, True, False, [], {}, [3600]])
def test_what_is_no_lifetime_is_an_error(script: Script, expires_in: t.Any) -> None:
    with pytest.raises(MalformedAnswerError, match=f"^{TOKEN_URL} answered with an expires_in"):
        ask(script, answer(200, granted_with(expires_in=expires_in)))


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "-1e300", "9" * 4000, "9" * 5000])
def test_numbers_without_sense_are_no_lifetime(script: Script, number: str) -> None:
    body = '{"access_token": "tok-1", "token_type": "Bearer", "expires_in": ' + number + "}"
    with pytest.raises(MalformedAnswerError):
        ask(script, answer(200, body=body))


def test_an_endless_lifetime_has_an_end(script: Script) -> None:
    body = '{"access_token": "tok-1", "expires_in": Infinity}'
    assert ask(script, answer(200, body=body)).expires_at == NOW + DECADE


def test_the_lifetime_to_assume_is_the_users(script: Script) -> None:
    reply = answer(200, granted_with(expires_in=ABSENT))
    assert ask(script, reply, rimo3(assume_expires_in=90)).expires_at == NOW + 90


def test_what_the_answer_says_goes_before_what_is_assumed(script: Script) -> None:
    assert ask(script, answer(200, GRANTED), rimo3(assume_expires_in=90)).expires_at == NOW + 3600


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", ABSENT])
def test_a_bearer_token_goes_into_the_header_as_rfc_6750_writes_it(script: Script, token_type: t.Any) -> None:
    assert ask(script, answer(200, granted_with(token_type=token_type))).authorization == "Bearer tok-1"


@pytest.mark.parametrize("token_type", ["DPoP", "mac", "", 7, ["Bearer"]])
def test_another_token_type_is_an_error(script: Script, token_type: t.Any) -> None:
    with pytest.raises(MalformedAnswerError, match="token_type"):
        ask(script, answer(200, granted_with(token_type=token_type)))


@pytest.mark.parametrize("value", [ABSENT, None, "", 7, True, ["tok"], {"token": "x"}])
def test_a_missing_token_is_an_error(script: Script, value: t.Any) -> None:
    with pytest.raises(MalformedAnswerError, match=f"^{TOKEN_URL} answered without access_token"):
        ask(script, answer(200, granted_with(access_token=value)))


@pytest.mark.parametrize(
    "value", [" ", "tok 1", "tok-1\n", "tok\r\nX-Evil: 1", "tök", "tok\x00", "tok\x7f", "\ufefftok"]
)
def test_a_token_that_cannot_go_into_a_header_is_an_error_that_does_not_show_it(script: Script, value: str) -> None:
    with pytest.raises(MalformedAnswerError, match=f"^{TOKEN_URL} answered with a access_token that holds") as caught:
        ask(script, answer(200, granted_with(access_token=value)))
    assert "Evil" not in str(caught.value)
    assert "tok-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("<html><body>Sign in</body></html>", "text/html; charset=utf-8", "web page"),
        ("\n <!doctype HTML><p>Sign in", "application/json", "web page"),
        (json.dumps(GRANTED)[:-9], "application/json", "not valid JSON"),
        ("", "application/json", "empty body"),
        (" \r\n", "application/json", "empty body"),
        (json.dumps([GRANTED]), "application/json", "not an object"),
        ('"tok-1"', "application/json", "not an object"),
        ("null", "application/json", "not an object"),
        ("[" * 100_000, "application/json", "not valid JSON"),
        ("\u00ff\u00fe".encode("latin-1"), "application/json", "not valid JSON"),
    ],
)
def test_a_success_that_is_no_token_answer_is_a_clear_error(
    script: Script, body: str | bytes, content_type: str, words: str
) -> None:
    with pytest.raises(MalformedAnswerError, match=words) as caught:
        ask(script, answer(200, body=body, content_type=content_type))
    assert TOKEN_URL in str(caught.value)
    assert caught.value.status == 200
    assert "tok-1" not in str(caught.value)
    assert "Sign in" not in str(caught.value)


def test_an_error_says_what_was_asked_for(script: Script) -> None:
    with pytest.raises(ServerError, match=f"^The request for a token at {TOKEN_URL} failed"):
        ask(script, answer(500, {}))


def test_a_byte_order_mark_is_no_obstacle(script: Script) -> None:
    assert ask(script, answer(200, body=b"\xef\xbb\xbf" + json.dumps(GRANTED).encode())).access_token == "tok-1"


def test_unknown_fields_and_content_types_are_passed_over(script: Script) -> None:
    reply = answer(200, body=json.dumps({**GRANTED, "x": 1, "refresh_token": 9}), content_type="text/plain")
    assert ask(script, reply).access_token == "tok-1"


def test_the_scope_is_what_was_granted(script: Script) -> None:
    assert ask(script, answer(200, granted_with(scope="read write"))).scope == ("read", "write")


def test_credentials_can_go_into_the_form(script: Script, clock: Clock) -> None:
    transport = script(("POST https://support.example.com/oauth2/token", answer(200, GRANTED)))
    account = beyondtrust(token_endpoint_auth_method="client_secret_post", client_secret="p:a%s+s &é")
    BeyondTrust(account, transport, clock).request_token(None)
    (request,) = transport.sent
    assert "Authorization" not in request.headers
    assert request.body == (b"grant_type=client_credentials&client_id=client-1&client_secret=p%3Aa%25s%2Bs+%26%C3%A9")


@pytest.mark.parametrize("provider", ["rimo3", "cimcloud", "jim2", "beyondtrust", "oauth2"])
@pytest.mark.parametrize(
    "value",
    [
        "tok\r\nX: 1", "tok\x00", "tok en", "tok\u2028", "t\u00f6k", "tok\x1b[2J",
        "x" * (LONGEST_TOKEN + 1), 5, ["tok"], True,
    ],
)  # fmt: skip
def test_what_no_header_can_carry_is_no_token(provider: str, value: object) -> None:
    account = getattr(scripted, provider)(**({"token_endpoint": f"{ISSUER}/token"} if provider == "oauth2" else {}))
    provider_of = PROVIDERS[provider](account, Anything(answer(200, {"access_token": value, "token": value})))
    with pytest.raises(MalformedAnswerError) as caught:
        provider_of.request_token(None)
    assert str(caught.value).isprintable()
    assert " answered with" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_token_and_a_scope_are_taken_up_to_the_longest_with_one_space_or_more() -> None:
    longest = "x" * LONGEST_TOKEN
    told = answer(200, {"access_token": longest, "scope": longest})
    token = PROVIDERS["rimo3"](scripted.rimo3(), Anything(told)).request_token(None)
    assert (token.access_token, token.scope) == (longest, (longest,))
    told = answer(200, {"access_token": "tok-1", "scope": " read  write "})
    assert PROVIDERS["rimo3"](scripted.rimo3(), Anything(told)).request_token(None).scope == ("read", "write")


@pytest.mark.parametrize("scope", ["read\x1b[2J", "read\nwrite", "read \u202e", "x " * LONGEST_TOKEN])
def test_a_scope_that_nobody_could_show_is_no_answer(scope: str) -> None:
    account = scripted.rimo3()
    told = answer(200, {"access_token": "tok-1", "scope": scope})
    with pytest.raises(MalformedAnswerError, match=r"^https://\S+ answered with a scope that"):
        PROVIDERS["rimo3"](account, Anything(told)).request_token(None)


class Anything(scripted.ScriptedTransport):
    """Gives the same answer to every request."""

    def __init__(self, reply: HttpResponse) -> None:
        super().__init__()
        self.reply = reply

    def send(self, request: HttpRequest) -> HttpResponse:
        return dataclasses.replace(self.reply, url=request.url)
