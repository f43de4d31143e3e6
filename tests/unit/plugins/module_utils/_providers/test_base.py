# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every provider does unless the vendor says otherwise; what only one vendor says is tested with that vendor."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._http import LONGEST_URL, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.module_utils._providers._base import (
    Provider,
    clock_note,
    next_link,
    page_items,
    verdict_of_error,
)
from ansible_collections.apiops.access.plugins.module_utils._providers.jim2 import Jim2
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock, Script, answer, jim2

URL = "https://jim2.example.com/Jim_Live/api"
WHERE = f"The request at {URL}"


@pytest.fixture
def provider(script: Script, clock: Clock) -> Provider:
    return Jim2(jim2(), script(), clock)


def at_url(response: HttpResponse) -> HttpResponse:
    return dataclasses.replace(response, url=f"{URL}?secret=1")


# The verdict by the status alone


@pytest.mark.parametrize(
    ("response", "outcome", "reason", "token_valid", "permitted"),
    [
        (answer(200, {}), "valid", "accepted", True, True),
        (answer(299, {}), "valid", "accepted", True, True),
        (answer(200, body="<html>", content_type="text/html"), "indeterminate", "unexpected_answer", None, None),
        (answer(302, {}), "indeterminate", "unexpected_answer", None, None),
        (answer(400, {}), "indeterminate", "unexpected_answer", None, None),
        (answer(401, {}), "invalid", "token_rejected", False, None),
        (answer(403, {}), "indeterminate", "not_permitted", None, False),
        (answer(404, {}), "indeterminate", "unexpected_answer", None, None),
        (answer(429, {}), "indeterminate", "rate_limited", None, None),
        (answer(499, {}), "indeterminate", "unexpected_answer", None, None),
        (answer(500, {}), "indeterminate", "unhealthy", None, None),
        (answer(503, {}), "indeterminate", "unhealthy", None, None),
    ],
)
def test_a_status_says_so_much_and_no_more(
    provider: Provider,
    response: HttpResponse,
    outcome: str,
    reason: str,
    token_valid: bool | None,
    permitted: bool | None,
) -> None:
    verdict = provider.judge(at_url(response))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert (verdict.token_valid, verdict.permitted) == (token_valid, permitted)
    assert (verdict.status, verdict.endpoint, verdict.elapsed_ms) == (response.status, URL, 7)
    assert "None" not in verdict.message


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_verdict_names_the_status_and_has_the_servers_words(provider: Provider, status: int) -> None:
    verdict = provider.judge(at_url(answer(status, {"error": "code_1", "message": "Out of cheese"})))
    assert f"status {status}" in verdict.message
    assert "(code_1: Out of cheese)" in verdict.message


# Errors of the request for a token


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (302, MalformedAnswerError, "unexpected_status", False),
        (400, RefusedError, "refused", False),
        (401, RefusedError, "invalid_client", False),
        (402, MalformedAnswerError, "unexpected_status", False),
        (403, RefusedError, "refused", False),
        (404, MalformedAnswerError, "unexpected_status", False),
        (429, RateLimitedError, "rate_limited", True),
        (499, MalformedAnswerError, "unexpected_status", False),
        (500, ServerError, "server_error", True),
        (503, ServerError, "server_error", True),
    ],
)
def test_an_answer_that_is_no_success_is_the_error_of_its_status(
    provider: Provider, status: int, error: type[AccessError], kind: str, retryable: bool
) -> None:
    with pytest.raises(error, match=WHERE) as caught:
        provider.expect_success(at_url(answer(status, {"error": "code_1"})), "The request", remedy="Do this.")
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    assert (caught.value.status, caught.value.error) == (status, "code_1")
    assert f"status {status}" in str(caught.value)
    assert "(code_1)" in str(caught.value)
    assert ("Do this." in str(caught.value)) is (error is RefusedError)


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_scope", "unauthorized_client"])
def test_a_refusal_is_of_the_kind_that_rfc_6749_names(provider: Provider, code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        provider.expect_success(at_url(answer(400, {"error": code})), "The request", remedy="")
    assert caught.value.kind == code


@pytest.mark.parametrize(("headers", "told"), [({"retry_after": "7"}, "in 7 s."), ({}, "Try again later.")])
def test_a_limit_says_when_to_try_again(provider: Provider, headers: dict[str, str], told: str) -> None:
    with pytest.raises(RateLimitedError, match=told) as caught:
        provider.expect_success(at_url(answer(429, {}, **headers)), "The request", remedy="")
    assert caught.value.retry_after == (7 if headers else None)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_success_is_no_error(provider: Provider, status: int) -> None:
    provider.expect_success(at_url(answer(status, {"error": "code_1"})), "The request", remedy="")


# The verdict where no answer was had


def test_only_a_refusal_is_a_judgement_of_the_token() -> None:
    refused = verdict_of_error(RefusedError("No.", status=401), URL)
    assert (refused.outcome, refused.reason, refused.token_valid) == ("invalid", "invalid_client", False)
    assert (refused.message, refused.status, refused.endpoint) == ("No.", 401, URL)
    lost = verdict_of_error(TransportError("Gone.", kind="timeout", status=302))
    assert (lost.outcome, lost.reason, lost.token_valid) == ("indeterminate", "timeout", None)
    assert (lost.message, lost.status, lost.endpoint) == ("Gone.", 302, None)


# The clock


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (None, None), (0, None), (59, None), (-59, None),
        (60, "60 s ahead of"), (-60, "60 s behind"), (3600, "3600 s ahead of"), (-3600, "3600 s behind"),
    ],
)  # fmt: skip
def test_a_clock_is_spoken_of_from_a_minute_on(skew: int | None, words: str | None) -> None:
    assert clock_note(skew) == (f" The clock of this machine is {words} the server's: correct it." if words else "")


def test_a_verdict_tells_of_a_clock_that_is_wrong(script: Script) -> None:
    reply = at_url(answer(401, {}, date="Fri, 15 Jan 2027 08:00:00 GMT"))
    late = Jim2(jim2(), script(), Clock(NOW + 90)).judge(reply)
    assert late.clock_skew == 90
    assert "90 s ahead of the server's" in late.message
    right = Jim2(jim2(), script(), Clock(NOW)).judge(reply)
    assert right.clock_skew == 0
    assert "clock" not in right.message


# Pages


@pytest.mark.parametrize(
    ("document", "items"),
    [
        ([], []),
        ([1, 2], [1, 2]),
        ({"items": [1, 2]}, [1, 2]),
        ({"total": 2, "items": [1, 2], "links": {}}, [1, 2]),
        ({"data": [1], "included": [2, 3]}, [1]),
        ({"data": []}, []),
        ({"data": {}, "rows": [1]}, [1]),
    ],
)
def test_a_page_has_its_items_in_the_only_list_or_in_data(document: t.Any, items: list[t.Any]) -> None:
    assert page_items(document, URL) == items


@pytest.mark.parametrize("document", [None, "text", 1, {}, {"a": 1}, {"a": [1], "b": [2]}, {"data": {}}])
def test_what_is_no_page_is_an_error_that_names_it(document: t.Any) -> None:
    with pytest.raises(MalformedAnswerError, match=f"^{URL} .*paginate"):
        page_items(document, URL)


# Reads


def test_a_read_may_be_repeated_and_has_the_token_if_there_is_one(script: Script) -> None:
    transport = script((f"GET {URL}", answer(200, {})), (f"GET {URL}", answer(200, {})))
    provider = Jim2(jim2(), transport)
    provider.get("/api", Token("tok-1"), Accept="text/xml")
    provider.get("api", None)
    assert transport.sent[0].headers == {"Authorization": "Bearer tok-1", "Accept": "text/xml"}
    assert transport.sent[1].headers == {}
    assert [request.repeatable for request in transport.sent] == [True, True]


@pytest.mark.parametrize("path", ["X/api", "/X/api", "//X/api"])
def test_a_path_is_below_the_address_of_the_server(provider: Provider, path: str) -> None:
    assert provider.url(path) == "https://jim2.example.com/Jim_Live/X/api"


# What a vendor can leave as it is


def test_a_provider_that_does_not_say_how_to_ask_for_a_token_or_test_one_is_not_finished(
    script: Script,
) -> None:
    with pytest.raises(NotImplementedError):
        Provider(jim2(), script()).request_token(None)
    with pytest.raises(NotImplementedError):
        Provider(jim2(), script()).test_token(Token("tok-1"))


def test_an_authentication_method_that_the_vendor_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(ConfigurationError, match=r"'tls'.* Jim2; use client_secret_basic or client_secret_post\.$"):
        Jim2.check_account(jim2(token_endpoint_auth_method="tls"))


def test_a_token_that_is_not_given_back_is_said_to_live_on(script: Script) -> None:
    class Vendor(Provider):
        title = "The vendor"

    release = Vendor(jim2(), script()).release_token(Token("tok-1"))
    assert release.released is False
    assert release.message.startswith("The vendor documents no call")
    assert Vendor(jim2(), script()).introspect_token(Token("tok-1")) is None


@pytest.mark.parametrize(
    ("headers", "proven"),
    [
        ({"www_authenticate": 'Bearer error="invalid_token"'}, True),
        ({"www_authenticate": "Bearer"}, False),
        ({}, False),
    ],
)
def test_only_an_invalid_token_proves_that_nothing_was_done(
    provider: Provider, headers: dict[str, str], proven: bool
) -> None:
    assert provider.has_not_acted(answer(401, **headers)) is proven


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, ""),
        ([], ""),
        ({"message": "Out of cheese"}, " (Out of cheese)"),
        ({"error_description": "Out of milk", "message": "Out of cheese"}, " (Out of milk)"),
        ({"errors": [{"detail": "A", "title": "B"}, {"title": "C"}, {}, "D"]}, " (A; C)"),
        ({"errors": [{}], "message": "Out of cheese"}, " (Out of cheese)"),
        ({"error": "code_1", "errors": [{"detail": "A"}]}, " (code_1)"),
        ({"errors": {"name": ["is short", "is odd"], "role": "is none"}}, " (name: is short is odd; role: is none)"),
        ({"errors": {"name": "is short"}, "message": "Out of cheese"}, " (Out of cheese; name: is short)"),
    ],
)
def test_the_servers_words_go_into_brackets(provider: Provider, document: t.Any, said: str) -> None:
    assert provider.said_in(answer(400, document))[1] == said


# Whether another try can help


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(200, False), (401, False), (403, False), (404, False), (418, False), (429, True), (500, True), (503, True)],
)
def test_a_verdict_says_whether_the_same_test_may_come_out_otherwise(
    provider: Provider, status: int, retryable: bool
) -> None:
    verdict = provider.judge(answer(status, {}))
    assert verdict.retryable is retryable
    assert verdict.to_dict()["retryable"] is retryable


def test_a_verdict_that_rests_on_an_error_is_as_retryable_as_that() -> None:
    assert verdict_of_error(TransportError("x", kind="timeout")).retryable
    assert verdict_of_error(ServerError("x")).retryable
    assert not verdict_of_error(TransportError("x", kind="certificate", retryable=False)).retryable
    assert not verdict_of_error(RefusedError("x")).retryable


# Links


HERE = "https://api.example.com/base/list?page=1"


def following(link: str) -> str | None:
    return next_link(dataclasses.replace(answer(200, [], link=link), url=HERE))


@pytest.mark.parametrize(
    "target",
    [
        "https://user:pw@api.example.com/x", "https://evil.example.com\\@api.example.com/x", "\\\\evil.example.com/x",
        "/base/%2e%2e/%2E%2E/x", "/base/..%2fx", "/base/%2e/x", "/base/..%5cx", "https://api.example.com/base/../../x",
        "/x\x1b[2J", "/x\x9b", "/x y", "ftp://api.example.com/x", "javascript:alert(1)", "file:///x", "/" + "x" * 5000,
    ],
)  # fmt: skip
def test_a_link_that_is_not_plain_is_not_asked(target: str) -> None:
    with pytest.raises(TransportError) as caught:
        following(f"<{target}>; rel=next")
    assert (caught.value.kind, caught.value.retryable) == ("redirect", False)
    assert str(caught.value).startswith("https://api.example.com/base/list")
    assert str(caught.value).isprintable()


def test_a_link_is_followed_up_to_the_longest_url() -> None:
    longest = "/" + "x" * (LONGEST_URL - 1)
    assert following(f"<{longest}>; rel=next") == f"https://api.example.com{longest}"
    with pytest.raises(TransportError):
        following(f"<{longest}x>; rel=next")


@pytest.mark.parametrize(
    "link",
    [
        "<a>;rel=" + " " * 500_000, "<a>" + ";rel=" * 200_000, "<a>;" + " " * 500_000, "<" * 500_000, "<a>" * 200_000,
        '<a>;rel="' + " " * 500_000, "<a>;" + "x" * 500_000, '<a>;a="' * 100_000, "<a>;rel" + " \t" * 250_000 + "=",
        '<a>; rel="' + "prev " * 100_000 + '"', "<a>" + '; rel="x' * 100_000,
    ],
)  # fmt: skip
def test_a_link_header_takes_no_longer_than_it_is_long(link: str) -> None:
    started = time.process_time()
    with contextlib.suppress(TransportError):
        following(link)
    assert time.process_time() - started < 10
