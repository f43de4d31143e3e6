# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedError,
    ServerError,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.plugins.module_utils._providers.rimo3 import Rimo3
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, NOW, SECRET, Clock, Script, answer, rimo3

TOKEN = "POST https://rimo3cloud.com/api/v2/connect/token"
TEST = "GET https://rimo3cloud.com/api/v2/connect/test"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}


def test_the_documented_host_is_the_default() -> None:
    assert PROVIDERS["rimo3"].default_base_url == "https://rimo3cloud.com"


def test_a_token_is_requested_as_documented(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    token = Rimo3(rimo3(), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.headers["Authorization"] == BASIC
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant_type=client_credentials"
    assert not request.repeatable
    assert token == Token("tok-1", "Bearer", NOW + 3600)


def test_the_literal_body_of_the_page_can_be_chosen(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    Rimo3(rimo3(token_body="json"), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.body == b'{"Form-Data": "grant_type=client_credentials"}'
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"] == BASIC


def test_credentials_of_every_character_go_unencoded_into_basic(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    account = rimo3(client_id="api user", client_secret="p:a%s+s é\"'wörd")
    Rimo3(account, transport, clock).request_token(None)
    assert transport.sent[0].headers["Authorization"] == "Basic YXBpIHVzZXI6cDphJXMrcyDDqSInd8O2cmQ="


def test_the_test_endpoint_gets_the_token(script: Script, clock: Clock) -> None:
    transport = script((TEST, answer(200, {})))
    verdict = Rimo3(rimo3(), transport, clock).test_token(Token("tok-1"))
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"
    assert transport.sent[0].body is None
    assert (verdict.outcome, verdict.reason, verdict.status) == ("valid", "accepted", 200)
    assert (verdict.token_valid, verdict.permitted, verdict.elapsed_ms) == (True, True, 7)
    assert verdict.endpoint == "https://rimo3cloud.com/api/v2/connect/test"


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (204, "valid", "accepted"),
        (401, "invalid", "token_rejected"),
        (403, "invalid", "token_rejected"),
        (404, "indeterminate", "unexpected_answer"),
        (429, "indeterminate", "rate_limited"),
        (500, "indeterminate", "unhealthy"),
        (503, "indeterminate", "unhealthy"),
    ],
)
def test_the_status_alone_decides(script: Script, status: int, outcome: str, reason: str) -> None:
    verdict = Rimo3(rimo3(), script((TEST, answer(status, body="")))).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, status)


def test_a_web_page_proves_nothing(script: Script) -> None:
    page = answer(200, body="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
    verdict = Rimo3(rimo3(), script((TEST, page))).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.token_valid) == ("indeterminate", None)


def test_another_read_can_be_the_test(script: Script) -> None:
    transport = script(("GET https://rimo3cloud.com/api/v2/application-packages", answer(403, body="")))
    verdict = Rimo3(rimo3(test_path="api/v2/application-packages"), transport).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "not_permitted")


def test_nothing_is_released_since_no_call_is_documented(script: Script) -> None:
    release = Rimo3(rimo3(), script()).release_token(Token("tok-1"))
    assert not release.released
    assert "no call" in release.message


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_asked_once(script: Script, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        Rimo3(rimo3(), script((TOKEN, answer(status, body="")))).request_token(None)
    assert (caught.value.status, caught.value.retryable) == (status, False)


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (404, MalformedAnswerError, "unexpected_status", False),
        (418, MalformedAnswerError, "unexpected_status", False),
        (429, RateLimitedError, "rate_limited", True),
        (500, ServerError, "server_error", True),
        (503, ServerError, "server_error", True),
    ],
)
def test_what_is_no_refusal_is_told_apart(
    script: Script, status: int, error: type[AccessError], kind: str, retryable: bool
) -> None:
    with pytest.raises(error) as caught:
        Rimo3(rimo3(), script((TOKEN, answer(status, body="")))).request_token(None)
    assert (caught.value.kind, caught.value.status, caught.value.retryable) == (kind, status, retryable)


def test_the_wait_that_a_server_asks_for_is_handed_on(script: Script) -> None:
    with pytest.raises(RateLimitedError) as caught:
        Rimo3(rimo3(), script((TOKEN, answer(429, body="", retry_after="120")))).request_token(None)
    assert caught.value.retry_after == 120
    assert "120 s" in str(caught.value)


def test_the_servers_words_are_shown_without_the_secret(script: Script) -> None:
    said = {"error": "invalid_client", "error_description": f"no\x1b[31m such {SECRET}\n{BASIC} client"}
    with pytest.raises(RefusedError) as caught:
        Rimo3(rimo3(), script((TOKEN, answer(401, said)))).request_token(None)
    text = str(caught.value)
    assert "invalid_client" in text
    assert "client" in text
    assert SECRET not in text
    assert "Y2xpZW50LTE6" not in text
    assert "\x1b" not in text
    assert "\n" not in text
