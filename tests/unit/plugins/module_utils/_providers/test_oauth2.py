# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import secrets
import typing as t
from urllib.parse import parse_qsl

import jwt
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
from ansible_collections.apiops.access.plugins.module_utils._http import LONGEST_URL, HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, TransportOptions, Verdict
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ENDPOINTS, ServerMetadata
from ansible_collections.apiops.access.plugins.module_utils._providers._oauth import LONGEST_TOKEN
from ansible_collections.apiops.access.plugins.module_utils._providers.oauth2 import (
    LONGEST_CLIENT_ID,
    OAuth2,
    combined_verdict,
    may_have_acted,
    verdict_on_fresh_token,
)
from ansible_collections.apiops.access.tests.unit.scripted import (
    BASIC,
    ISSUER,
    NOW,
    SECRET,
    Clock,
    Exchange,
    Script,
    ScriptedTransport,
    answer,
    body_of,
    oauth2,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN, INTROSPECT, REVOKE, REGISTER = (
    f"POST {ISSUER}/{path}" for path in ("token", "introspect", "revoke", "register")
)
READ = f"GET {ISSUER}/api/read"
CLIENT = f"{ISSUER}/register/client-7"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 60}
ACTIVE = {"active": True, "client_id": "client-1"}
REGISTERED = {
    "client_id": "client-7",
    "client_secret": "new-secret",
    "client_secret_expires_at": 0,
    "registration_access_token": "rat-2",
    "registration_client_uri": CLIENT,
    "client_name": "idp",
}
EARLIER, SAME = "Fri, 15 Jan 2027 07:58:00 GMT", "Fri, 15 Jan 2027 08:00:00 GMT"
"""What the Date header of a server says that is two minutes behind the tests' clock, and of one that is not."""


def idp(*without: str, **changes: t.Any) -> Account:
    """An account at a server that publishes all endpoints but these."""
    paths = {name: f"{ISSUER}/{path}" for name, path in zip(ENDPOINTS, ("token", "introspect", "revoke", "register"))}
    metadata = ServerMetadata(ISSUER, {name: url for name, url in paths.items() if name not in without})
    return oauth2(**{"metadata": metadata, **changes})


def form_of(request: HttpRequest) -> list[tuple[str, str]]:
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return parse_qsl(body_of(request).decode(), keep_blank_values=True, strict_parsing=True)


def ask(script: Script, reply: HttpResponse, **changes: t.Any) -> Token:
    return OAuth2(idp(**changes), script((TOKEN, reply)), Clock()).request_token(None)


def refusal(script: Script, reply: HttpResponse, **changes: t.Any) -> AccessError:
    with pytest.raises(AccessError) as caught:
        ask(script, reply, **changes)
    return caught.value


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


# The request for a token


def test_a_token_is_requested_with_basic_credentials(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    token = OAuth2(idp(), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.headers["Authorization"] == BASIC
    assert form_of(request) == [("grant_type", "client_credentials")]
    assert not request.repeatable
    assert token == Token("tok-1", "Bearer", NOW + 60)


def test_basic_credentials_are_form_encoded_first(script: Script) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    OAuth2(idp(client_id="client/1:é", client_secret="p:a%s+s &é"), transport, Clock()).request_token(None)
    # What `printf 'client%%2F1%%3A%%C3%%A9:p%%3Aa%%25s%%2Bs+%%26%%C3%%A9' | base64` prints.
    expected = "Basic Y2xpZW50JTJGMSUzQSVDMyVBOTpwJTNBYSUyNXMlMkJzKyUyNiVDMyVBOQ=="
    assert transport.sent[0].headers["Authorization"] == expected


def test_credentials_can_go_into_the_form(script: Script) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    account = idp(client_secret="p:a%s+s &é", token_endpoint_auth_method="client_secret_post")
    OAuth2(account, transport, Clock()).request_token(None)
    assert "Authorization" not in transport.sent[0].headers
    assert body_of(transport.sent[0]) == (
        b"grant_type=client_credentials&client_id=client-1&client_secret=p%3Aa%25s%2Bs+%26%C3%A9"
    )


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_with_a_certificate_only_the_name_goes_into_the_form(script: Script, method: str) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    account = idp(token_endpoint_auth_method=method, transport=TransportOptions(client_cert="/cert.pem"))
    OAuth2(account, transport, Clock()).request_token(None)
    assert form_of(transport.sent[0]) == [("grant_type", "client_credentials"), ("client_id", "client-1")]
    assert "Authorization" not in transport.sent[0].headers


def test_scope_audience_and_each_resource_are_asked_for(script: Script) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    resources = ("https://api.example.com/a?b=c", "urn:x:y")
    account = idp(scope=("read", "write:all"), audience="https://api.example.com/", resource=resources)
    OAuth2(account, transport, Clock()).request_token(None)
    assert form_of(transport.sent[0]) == [
        ("grant_type", "client_credentials"),
        ("scope", "read write:all"),
        ("audience", "https://api.example.com/"),
        ("resource", "https://api.example.com/a?b=c"),
        ("resource", "urn:x:y"),
    ]


def signed(transport: ScriptedTransport, public: t.Any, algorithm: str, number: int = 0) -> dict[str, t.Any]:
    """The claims of the assertion that another try of a request sends, its signature verified."""
    request = transport.sent[number]
    assert "Authorization" not in request.headers
    form = dict(form_of(request))
    assert form["client_id"] == "client-1"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in form
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(form["client_assertion"], public, algorithms=[algorithm], options=t.cast("t.Any", options))


def test_a_private_key_signs_for_the_token_endpoint(script: Script, key: ec.EllipticCurvePrivateKey, pem: str) -> None:
    transport = script((TOKEN, answer(200, GRANTED)))
    account = idp(private_key=pem, client_secret=None, token_endpoint_auth_method="private_key_jwt", scope=("read",))
    OAuth2(account, transport, Clock()).request_token(None)
    claims = signed(transport, key.public_key(), "ES256")
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("client-1", "client-1", f"{ISSUER}/token")
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 120)
    assert form_of(transport.sent[0])[:2] == [("grant_type", "client_credentials"), ("scope", "read")]


def test_a_secret_can_sign_instead_of_being_sent(script: Script) -> None:
    secret = secrets.token_hex(32)
    transport = script((TOKEN, answer(200, GRANTED)))
    account = idp(client_secret=secret, token_endpoint_auth_method="client_secret_jwt")
    OAuth2(account, transport, Clock()).request_token(None)
    assert signed(transport, secret, "HS256")["aud"] == f"{ISSUER}/token"
    assert secret.encode() not in body_of(transport.sent[0])


def test_each_try_is_signed_anew(script: Script, clock: Clock) -> None:
    secret = secrets.token_hex(32)
    transport = script((TOKEN, answer(200, GRANTED)))
    account = idp(client_secret=secret, token_endpoint_auth_method="client_secret_jwt")
    OAuth2(account, transport, clock).request_token(None)
    first = signed(transport, secret, "HS256")
    clock.now += 30
    second = signed(transport, secret, "HS256")
    assert first["jti"] != second["jti"]
    assert (second["iat"], second["exp"]) == (NOW + 30, NOW + 150)


@pytest.mark.parametrize(
    ("chosen", "audience"), [(None, f"{ISSUER}/token"), ("https://auth.example.com/", "https://auth.example.com/")]
)
def test_an_assertion_is_for_the_token_endpoint_at_each_endpoint_unless_another_audience_is_chosen(
    script: Script, chosen: str | None, audience: str
) -> None:
    secret = secrets.token_hex(32)
    transport = script((INTROSPECT, answer(200, ACTIVE)), (REVOKE, answer(503)))
    account = idp(client_secret=secret, token_endpoint_auth_method="client_secret_jwt", assertion_audience=chosen)
    provider = OAuth2(account, transport, Clock())
    provider.introspect_token(Token("tok-1"))
    with pytest.raises(ServerError):
        provider.release_token(Token("tok-1"))
    assert [signed(transport, secret, "HS256", number)["aud"] for number in (0, 1)] == [audience, audience]


# What the token endpoint answers


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_known_in_any_letters(script: Script, token_type: str) -> None:
    assert ask(script, answer(200, {**GRANTED, "token_type": token_type})).authorization == "Bearer tok-1"


@pytest.mark.parametrize("token_type", ["DPoP", "N_A", "mac"])
def test_a_token_that_is_bound_to_more_than_its_bearer_is_refused(script: Script, token_type: str) -> None:
    error = refusal(script, answer(200, {**GRANTED, "token_type": token_type}))
    assert isinstance(error, MalformedAnswerError)
    assert "token_type" in str(error)
    assert "tok-1" not in str(error)


def test_a_token_has_the_scope_that_was_asked_for_where_the_answer_does_not_say(script: Script) -> None:
    assert ask(script, answer(200, GRANTED), scope=("read", "write")).scope == ("read", "write")


def test_a_token_has_the_scope_that_was_granted(script: Script) -> None:
    assert ask(script, answer(200, {**GRANTED, "scope": "read"}), scope=("read", "write")).scope == ("read",)


@pytest.mark.parametrize(("assumed", "seconds"), [(None, 300), (3600, 3600)])
def test_a_token_without_a_lifetime_is_taken_for_five_minutes_unless_the_user_knows_better(
    script: Script, assumed: int | None, seconds: int
) -> None:
    reply = answer(200, {"access_token": "tok-1", "token_type": "Bearer"})
    assert ask(script, reply, assume_expires_in=assumed).expires_at == NOW + seconds


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(401, body=b""), "invalid_client"),
        (answer(401, {"error": "invalid_client"}), "invalid_client"),
        (answer(401, body="<html>no</html>", content_type="text/html"), "invalid_client"),
        (answer(403, body=b""), "refused"),
        (answer(400, {"error": "scope_invalid"}), "refused"),
        (answer(400, {"error": "invalid_scope"}), "invalid_scope"),
        (answer(400, {"error": "invalid_target"}), "invalid_target"),
        (answer(400, {"error": "unauthorized_client"}), "unauthorized_client"),
        (answer(400, ["error"]), "refused"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_check(script: Script, reply: HttpResponse, kind: str) -> None:
    error = refusal(script, reply)
    assert isinstance(error, RefusedError)
    assert (error.kind, error.status, error.retryable) == (kind, reply.status, False)
    assert "token_endpoint_auth_method" in str(error)


def test_the_code_of_a_refusal_is_told(script: Script) -> None:
    reply = answer(400, {"error": "scope_invalid", "error_description": "no such scope"})
    error = refusal(script, reply)
    assert error.error == "scope_invalid"
    assert "scope_invalid: no such scope" in str(error)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(429, {}, retry_after="7"), RateLimitedError),
        (answer(500), ServerError),
        (answer(503), ServerError),
        (answer(404), MalformedAnswerError),
        (answer(200, body="<html>Sign in</html>", content_type="text/html"), MalformedAnswerError),
        (answer(200, []), MalformedAnswerError),
        (answer(200, {"error": "invalid_client"}), MalformedAnswerError),
    ],
)
def test_other_answers_are_no_judgement_on_the_account(
    script: Script, reply: HttpResponse, kind: type[AccessError]
) -> None:
    assert refusal(script, reply).__class__ is kind


@pytest.mark.parametrize(("date", "told"), [(EARLIER, True), (SAME, False), ("yesterday", False)])
def test_a_clock_that_spoils_signatures_is_named_with_a_refusal(script: Script, date: str, told: bool) -> None:
    reply = answer(401, {"error": "invalid_client"}, date=date)
    error = refusal(script, reply, token_endpoint_auth_method="client_secret_jwt")
    assert ("clock is 120 s off" in str(error)) is told


def test_a_minute_is_enough_to_spoil_signatures(script: Script) -> None:
    reply = answer(401, {"error": "invalid_client"}, date="Fri, 15 Jan 2027 07:59:00 GMT")
    assert "clock is 60 s off" in str(refusal(script, reply, token_endpoint_auth_method="client_secret_jwt"))


def test_a_clock_is_not_blamed_where_nothing_is_signed(script: Script) -> None:
    assert "clock" not in str(refusal(script, answer(401, {}, date=EARLIER)))


def test_what_the_server_repeats_of_the_secret_is_masked(script: Script) -> None:
    told = f"bad {SECRET} in {BASIC}"
    text = str(refusal(script, answer(401, {"error": "invalid_client", "error_description": told})))
    assert SECRET not in text
    assert BASIC.partition(" ")[2] not in text
    assert "bad ********" in text


# Introspection


def introspected(script: Script, reply: HttpResponse, **changes: t.Any) -> Verdict:
    verdict = OAuth2(idp(**changes), script((INTROSPECT, reply)), Clock()).introspect_token(Token("tok-1"))
    assert verdict is not None
    return verdict


def test_the_server_is_asked_about_the_token_with_the_accounts_credentials(script: Script) -> None:
    transport = script((INTROSPECT, answer(200, ACTIVE)))
    verdict = OAuth2(idp(), transport, Clock()).introspect_token(Token("tok-1"))
    assert verdict is not None
    (request,) = transport.sent
    assert form_of(request) == [("token", "tok-1"), ("token_type_hint", "access_token")]
    assert request.headers["Authorization"] == BASIC
    assert request.repeatable
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("valid", "active", True)
    assert (verdict.status, verdict.endpoint) == (200, f"{ISSUER}/introspect")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_a_question_about_a_token_may_be_repeated(script: Script, method: str) -> None:
    transport = script((INTROSPECT, answer(200, ACTIVE)))
    account = idp(client_secret=secrets.token_hex(32), token_endpoint_auth_method=method)
    OAuth2(account, transport, Clock()).introspect_token(Token("tok-1"))
    assert transport.sent[0].repeatable


def test_an_inactive_token_is_invalid(script: Script) -> None:
    verdict = introspected(script, answer(200, {"active": False}))
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("invalid", "inactive", False)
    assert verdict.introspection == {"active": False}


@pytest.mark.parametrize("document", [{}, {"active": "true"}, {"active": 1}, {"active": None}, [], True, "active"])
def test_an_answer_that_does_not_say_whether_the_token_is_active_judges_nothing(
    script: Script, document: t.Any
) -> None:
    verdict = introspected(script, answer(200, document))
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "unexpected_answer", None)
    assert "introspection_endpoint" in verdict.message


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", ""])
def test_an_answer_that_is_no_json_judges_nothing(script: Script, body: str) -> None:
    assert introspected(script, answer(200, body=body)).outcome == "indeterminate"


@pytest.mark.parametrize(
    ("status", "document", "reason"),
    [
        (401, {"error": "invalid_client"}, "introspection_not_permitted"),
        (403, None, "introspection_not_permitted"),
        (400, {"error": "unsupported_token_type"}, "introspection_unsupported"),
        (404, None, "unexpected_answer"),
        (429, None, "rate_limited"),
        (500, None, "unhealthy"),
        (503, None, "unhealthy"),
    ],
)
def test_a_server_that_does_not_introspect_says_nothing_about_the_token(
    script: Script, status: int, document: t.Any, reason: str
) -> None:
    verdict = introspected(script, answer(status, document))
    assert (verdict.outcome, verdict.reason, verdict.status) == ("indeterminate", reason, status)
    assert verdict.token_valid is None
    assert verdict.introspection is None
    assert f"status {status}" in verdict.message
    assert "None" not in verdict.message
    assert (document is None) or f"({document['error']})" in verdict.message


@pytest.mark.parametrize("status", [400, 401, 403])
def test_where_introspection_does_not_help_a_read_is_recommended(script: Script, status: int) -> None:
    assert "test_path" in introspected(script, answer(status, {})).message


@pytest.mark.parametrize("status", [404, 405])
def test_an_introspection_endpoint_that_is_not_there_is_what_is_to_be_checked(script: Script, status: int) -> None:
    assert "introspection_endpoint" in introspected(script, answer(status, {})).message


@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_the_server_repeats_of_the_secret_is_masked_in_a_verdict(script: Script, status: int) -> None:
    told = {"error": f"e-{SECRET}", "error_description": f"bad {SECRET}\r\nin {BASIC}"}
    message = introspected(script, answer(status, told)).message
    assert SECRET not in message
    assert BASIC.partition(" ")[2] not in message
    assert message.isprintable()


def test_what_the_server_told_of_the_token_is_kept_in_the_right_types(script: Script) -> None:
    told = {**ACTIVE, "scope": "read write", "aud": "api", "exp": NOW + 60.5, "username": "jo", "sub": "x"}
    assert introspected(script, answer(200, told)).introspection == {
        "active": True,
        "scope": ["read", "write"],
        "missing_scope": [],
        "audience": ["api"],
        "client_id": "client-1",
        "expires_at": NOW + 60.5,
    }


def test_what_the_server_did_not_tell_of_the_token_is_none(script: Script) -> None:
    assert introspected(script, answer(200, {"active": True})).introspection == {
        "active": True,
        "scope": None,
        "missing_scope": None,
        "audience": None,
        "client_id": None,
        "expires_at": None,
    }


@pytest.mark.parametrize(
    ("told", "field"),
    [({"scope": 7}, "scope"), ({"aud": 7}, "audience"), ({"client_id": 7}, "client_id")],
)
def test_what_has_another_type_than_the_rfc_says_is_not_told(
    script: Script, told: dict[str, t.Any], field: str
) -> None:
    introspection = introspected(script, answer(200, {**ACTIVE, **told})).introspection
    assert introspection is not None
    assert introspection[field] is None


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        ("1800000060", 1_800_000_060.0),
        ("1800000060.25", 1_800_000_060.25),
        ("18e8", 1_800_000_000.0),
        ('"1800000060"', None),
        ("-1", None),
        ("true", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e300", None),
        ("9" * 400, None),
        ("null", None),
    ],
)
def test_a_moment_of_expiry_is_believed_where_it_can_be_one(script: Script, number: str, moment: float | None) -> None:
    verdict = introspected(script, answer(200, body=f'{{"active": true, "exp": {number}}}'))
    assert verdict.outcome == "valid"
    assert verdict.introspection is not None
    assert verdict.introspection["expires_at"] == moment


def test_a_scope_that_the_token_has_not_makes_it_invalid_for_the_account(script: Script) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, "scope": "read other"}), scope=("read", "write", "all"))
    assert (verdict.outcome, verdict.reason) == ("invalid", "scope_missing")
    assert (verdict.token_valid, verdict.permitted) == (True, False)
    assert verdict.introspection is not None
    assert verdict.introspection["missing_scope"] == ["write", "all"]
    assert "the scope write all" in verdict.message
    assert "read other" in verdict.message


@pytest.mark.parametrize("scope", [None, ["read"], 7])
def test_a_scope_that_the_server_does_not_tell_is_not_missing(script: Script, scope: t.Any) -> None:
    assert introspected(script, answer(200, {**ACTIVE, "scope": scope}), scope=("read",)).outcome == "valid"


def test_a_token_without_any_scope_has_not_the_wanted_one(script: Script) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, "scope": ""}), scope=("read",))
    assert verdict.reason == "scope_missing"
    assert "It has none" in verdict.message


@pytest.mark.parametrize("told", ["api", ["other", "api"]])
def test_the_audience_can_be_one_or_a_list(script: Script, told: t.Any) -> None:
    assert introspected(script, answer(200, {**ACTIVE, "aud": told}), audience="api").outcome == "valid"


@pytest.mark.parametrize("told", ["other", ["other", "api/"], [], [7]])
def test_a_token_for_another_audience_is_invalid_for_the_account(script: Script, told: t.Any) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, "aud": told}), audience="api")
    assert (verdict.outcome, verdict.reason) == ("invalid", "audience_mismatch")
    assert (verdict.token_valid, verdict.permitted) == (True, False)
    assert "audience api" in verdict.message
    assert verdict.introspection is not None
    assert verdict.introspection["audience"] == ([told] if isinstance(told, str) else [x for x in told if x != 7])


@pytest.mark.parametrize(("told", "named"), [(["a b", "c"], "It is for a b, c."), ([], "It is for none.")])
def test_the_audience_of_a_token_is_named(script: Script, told: t.Any, named: str) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, "aud": told}), audience="api")
    assert named in verdict.message


@pytest.mark.parametrize("told", ["a b", ["a b"]])
def test_an_audience_may_have_a_space(script: Script, told: t.Any) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, "aud": told}), audience="a b")
    assert verdict.outcome == "valid"
    assert verdict.introspection is not None
    assert verdict.introspection["audience"] == ["a b"]


def test_what_cannot_be_shown_of_a_token_keeps_its_place(script: Script) -> None:
    told = {"scope": "read \x1b", "aud": ["", "api"]}
    introspection = introspected(script, answer(200, {**ACTIVE, **told})).introspection
    assert introspection is not None
    assert (introspection["scope"], introspection["audience"]) == (["read", ""], ["", "api"])


def test_an_audience_that_the_server_does_not_tell_is_no_mismatch(script: Script) -> None:
    assert introspected(script, answer(200, ACTIVE), audience="api").outcome == "valid"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"scope": "other \x00 \x1b[31m"}, "scope_missing"),
        ({"scope": "read", "aud": ["", "other"]}, "audience_mismatch"),
        ({"scope": "read", "aud": ""}, "audience_mismatch"),
        ({"scope": "read", "aud": ["\x1b"]}, "audience_mismatch"),
    ],
)
def test_strange_values_of_a_server_are_shown_as_far_as_they_can_be(
    script: Script, told: dict[str, t.Any], reason: str
) -> None:
    verdict = introspected(script, answer(200, {**ACTIVE, **told}), scope=("read",), audience="api")
    assert verdict.reason == reason
    assert verdict.message.isprintable()


@pytest.mark.parametrize("option", ["scope", "audience"])
def test_a_value_that_looks_like_the_secret_is_compared_as_it_is(script: Script, option: str) -> None:
    told = {"scope": "secret:read", "aud": "secret:read"}
    wanted = {"scope": ("secret:read",)} if option == "scope" else {"audience": "secret:read"}
    assert introspected(script, answer(200, {**ACTIVE, **told}), client_secret="secret", **wanted).outcome == "valid"


@pytest.mark.parametrize(
    "missing",
    [
        {"client_secret": None},
        {"client_id": None},
        {"client_secret": None, "token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
    ],
)
def test_without_credentials_the_server_is_not_asked(script: Script, missing: dict[str, t.Any]) -> None:
    provider = OAuth2(idp(**missing), script())
    assert not provider.can_authenticate
    assert provider.introspect_token(Token("tok-1")) is None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"private_key": "x", "client_secret": None, "token_endpoint_auth_method": "private_key_jwt"},
        {"private_key_path": "/x", "client_secret": None, "token_endpoint_auth_method": "private_key_jwt"},
        {
            "transport": TransportOptions(client_cert="/x"),
            "client_secret": None,
            "token_endpoint_auth_method": "tls_client_auth",
        },
    ],
)
def test_credentials_of_each_kind_are_known(script: Script, given: dict[str, t.Any]) -> None:
    assert OAuth2(idp(**given), script()).can_authenticate


def test_a_server_without_introspection_is_not_asked(script: Script) -> None:
    assert OAuth2(idp("introspection_endpoint"), script()).introspect_token(Token("tok-1")) is None


# The test


def test_a_read_is_made_beside_the_introspection(script: Script) -> None:
    transport = script((INTROSPECT, answer(200, ACTIVE)), (READ, answer(200, {})))
    provider = OAuth2(idp(test_path="/api/read"), transport, Clock())
    verdict = combined_verdict(provider.introspect_token(Token("tok-1")), provider.test_token(Token("tok-1")))
    assert transport.sent[1].headers["Authorization"] == "Bearer tok-1"
    assert (verdict.outcome, verdict.reason) == ("valid", "accepted")
    assert verdict.introspection is not None
    assert verdict.introspection["client_id"] == "client-1"


@pytest.mark.parametrize(
    ("told", "status", "outcome", "reason"),
    [
        (answer(200, ACTIVE), 401, "invalid", "token_rejected"),
        (answer(200, ACTIVE), 403, "indeterminate", "not_permitted"),
        (answer(200, {"active": False}), 200, "invalid", "inactive"),
        (answer(403), 200, "valid", "accepted"),
        (answer(400), 401, "invalid", "token_rejected"),
        (answer(500), 200, "valid", "accepted"),
    ],
)
def test_a_token_is_as_good_as_server_and_read_say(
    script: Script, told: HttpResponse, status: int, outcome: str, reason: str
) -> None:
    transport = script((INTROSPECT, told), (READ, answer(status, {})))
    provider = OAuth2(idp(test_path="api/read"), transport, Clock())
    verdict = combined_verdict(provider.introspect_token(Token("tok-1")), provider.test_token(Token("tok-1")))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_a_host_without_credentials_only_reads(script: Script) -> None:
    transport = script((READ, answer(200, {})))
    account = idp(client_secret=None, test_path="api/read")
    assert OAuth2(account, transport, Clock()).test_token(Token("tok-1")).outcome == "valid"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_with_nothing_to_test_the_token_with_only_the_server_is_reached(script: Script, status: int) -> None:
    transport = script((f"GET {ISSUER}/.well-known/openid-configuration", answer(status, {})))
    verdict = OAuth2(idp(client_secret=None), transport, Clock()).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "untested", None)
    assert "Authorization" not in transport.sent[0].headers
    assert transport.sent[0].repeatable
    assert "test_path" in verdict.message


def test_a_server_without_an_issuer_is_reached_at_its_address(script: Script) -> None:
    transport = script((f"GET {ISSUER}", answer(404)))
    account = oauth2(issuer=None, token_endpoint=f"{ISSUER}/token")
    assert OAuth2(account, transport, Clock()).test_token(Token("tok-1")).reason == "untested"


def test_a_redirect_is_reached_as_well(script: Script) -> None:
    redirect = TransportError("a redirect", kind="redirect", status=302)
    transport = script((f"GET {ISSUER}", redirect))
    account = oauth2(issuer=None, token_endpoint=f"{ISSUER}/token")
    verdict = OAuth2(account, transport, Clock()).test_token(Token("tok-1"))
    assert (verdict.reason, verdict.status) == ("untested", 302)


def test_a_server_that_cannot_be_reached_is_an_error(script: Script) -> None:
    transport = script((f"GET {ISSUER}", TransportError("no way", kind="name_resolution")))
    account = oauth2(issuer=None, token_endpoint=f"{ISSUER}/token")
    with pytest.raises(TransportError):
        OAuth2(account, transport, Clock()).test_token(Token("tok-1"))


@pytest.mark.parametrize(
    ("introspected", "used", "expected"),
    [
        (None, ("valid", "accepted"), ("valid", "accepted")),
        (None, ("indeterminate", "untested"), ("indeterminate", "untested")),
        (("valid", "active"), ("valid", "accepted"), ("valid", "accepted")),
        (("valid", "active"), ("invalid", "token_rejected"), ("invalid", "token_rejected")),
        (("valid", "active"), ("indeterminate", "unhealthy"), ("indeterminate", "unhealthy")),
        (("valid", "active"), ("indeterminate", "untested"), ("valid", "active")),
        (("invalid", "inactive"), ("valid", "accepted"), ("invalid", "inactive")),
        (("invalid", "inactive"), ("invalid", "token_rejected"), ("invalid", "inactive")),
        (("invalid", "scope_missing"), ("valid", "accepted"), ("invalid", "scope_missing")),
        (("invalid", "inactive"), ("indeterminate", "untested"), ("invalid", "inactive")),
        (("indeterminate", "introspection_not_permitted"), ("valid", "accepted"), ("valid", "accepted")),
        (("indeterminate", "unhealthy"), ("invalid", "token_rejected"), ("invalid", "token_rejected")),
        (("indeterminate", "unhealthy"), ("indeterminate", "untested"), ("indeterminate", "unhealthy")),
    ],
)
def test_one_verdict_comes_of_two(
    introspected: tuple[str, str] | None, used: tuple[str, str], expected: tuple[str, str]
) -> None:
    told = {"active": True}
    first = None if introspected is None else Verdict(*introspected, "told", introspection=told, clock_skew=5)
    verdict = combined_verdict(first, Verdict(*used, "used", clock_skew=90))
    assert (verdict.outcome, verdict.reason) == expected
    assert verdict.introspection == (None if introspected is None else told)
    # That of the machine that uses the token, which the report is about.
    assert verdict.clock_skew == 90


@pytest.mark.parametrize(
    ("told", "used", "message"),
    [
        (5, 5, "told"),
        (None, 90, "told The clock of this machine is 90 s ahead of the server's: correct it."),
        (90, 90, "told"),  # which says so itself
        (5, None, "told"),
    ],
)
@pytest.mark.parametrize(("outcome", "reason"), [("indeterminate", "untested"), ("valid", "accepted")])
def test_what_the_server_said_of_a_token_is_said_with_the_clock_of_its_host(
    outcome: str, reason: str, told: int | None, used: int | None, message: str
) -> None:
    first = Verdict("invalid", "inactive", "told", clock_skew=told)
    assert combined_verdict(first, Verdict(outcome, reason, "used", clock_skew=used)).message == message


def test_a_token_that_was_granted_just_now_is_not_inactive_but_hidden_from_the_account() -> None:
    inactive = Verdict("invalid", "inactive", "x", status=200, token_valid=False, introspection={"active": False})
    verdict = verdict_on_fresh_token(inactive)
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "introspection_not_permitted")
    assert verdict.token_valid is None
    assert "test_path" in verdict.message


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict("valid", "active", "x", token_valid=True),
        Verdict("invalid", "scope_missing", "x", token_valid=True),
        Verdict("invalid", "token_rejected", "x", token_valid=False),
    ],
)
def test_other_verdicts_hold_for_a_fresh_token_too(verdict: Verdict) -> None:
    assert verdict_on_fresh_token(verdict) == verdict


# The way back


def test_a_token_is_revoked_with_the_accounts_credentials(script: Script) -> None:
    transport = script((REVOKE, answer(200)))
    release = OAuth2(idp("introspection_endpoint"), transport, Clock()).release_token(Token("tok-1"))
    (request,) = transport.sent
    assert form_of(request) == [("token", "tok-1"), ("token_type_hint", "access_token")]
    assert request.headers["Authorization"] == BASIC
    assert not request.repeatable
    assert release.released is True
    assert "no proof" in release.message


def test_a_token_cannot_be_given_back_to_a_server_without_revocation(script: Script) -> None:
    release = OAuth2(idp("revocation_endpoint"), script()).release_token(Token("tok-1"))
    assert release.released is False
    assert "revocation_endpoint" in release.message


@pytest.mark.parametrize("status", [400, 503])
def test_a_kind_of_token_that_cannot_be_revoked_is_told_so(script: Script, status: int) -> None:
    transport = script((REVOKE, answer(status, {"error": "unsupported_token_type"})))
    release = OAuth2(idp(), transport, Clock()).release_token(Token("tok-1"))
    assert release.released is False
    assert "until it expires" in release.message


@pytest.mark.parametrize(
    ("told", "released", "words"),
    [
        (answer(200, {"active": False}), True, "no longer active"),
        (answer(200, ACTIVE), False, "still says that the token is active"),
        (answer(200, {**ACTIVE, "scope": "other"}), False, "still says that the token is active"),
        (answer(403), True, "no proof"),
        (answer(503), True, "no proof"),
        (TransportError("no way"), True, "no proof"),
    ],
)
def test_a_revocation_is_looked_up_where_that_is_possible(
    script: Script, told: HttpResponse | AccessError, released: bool, words: str
) -> None:
    transport = script((REVOKE, answer(200)), (INTROSPECT, told))
    release = OAuth2(idp(scope=("read",)), transport, Clock()).release_token(Token("tok-1"))
    assert release.released is released
    assert words in release.message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(503), ServerError),
        (answer(401, {"error": "invalid_client"}), RefusedError),
        (answer(400, {"error": "invalid_request"}), RefusedError),
        (answer(429), RateLimitedError),
        (answer(404), MalformedAnswerError),
        (answer(200, body="<html>Log in</html>"), MalformedAnswerError),
    ],
)
def test_a_revocation_that_failed_is_an_error(script: Script, reply: HttpResponse, kind: type[AccessError]) -> None:
    with pytest.raises(kind, match=f"^The revocation of the token at {ISSUER}/revoke ") as caught:
        OAuth2(idp(), script((REVOKE, reply)), Clock()).release_token(Token("tok-1"))
    assert ("Check client_id" in str(caught.value)) is (kind is RefusedError)


# Registration

WANTED = {"client_name": "idp", "grant_types": ["client_credentials"], "scope": "read"}
CALLS: dict[str, tuple[str, t.Callable[[OAuth2, str], t.Any]]] = {
    "register": (REGISTER, lambda provider, token: provider.register(WANTED, token)),
    "read": (f"GET {CLIENT}", lambda provider, token: provider.read_registration(CLIENT, token)),
    "update": (f"PUT {CLIENT}", lambda provider, token: provider.update_registration(CLIENT, token, WANTED)),
    "delete": (f"DELETE {CLIENT}", lambda provider, token: provider.delete_registration(CLIENT, token)),
}


def managed(script: Script, call: str, reply: HttpResponse | AccessError) -> t.Any:
    exchange: Exchange = (CALLS[call][0], reply)
    return CALLS[call][1](OAuth2(idp(), script(exchange), Clock()), "rat-1")


def managed_error(script: Script, call: str, reply: HttpResponse | AccessError) -> AccessError:
    with pytest.raises(AccessError) as caught:
        managed(script, call, reply)
    return caught.value


@pytest.mark.parametrize("call", CALLS)
def test_a_page_is_no_answer_about_a_client_and_no_proof_that_it_is_gone(script: Script, call: str) -> None:
    error = managed_error(script, call, answer(200, body="<!DOCTYPE html><html>Log in</html>"))
    assert (error.kind, error.status, may_have_acted(error)) == ("malformed_answer", 200, True)
    if call == "delete":
        assert str(error).startswith(f"{ACTIONS[call]} was answered with status 200 and a web page")


@pytest.mark.parametrize("call", CALLS)
def test_a_call_about_a_client_bears_its_token_and_only_a_read_is_repeated(script: Script, call: str) -> None:
    transport = script((CALLS[call][0], answer(200, REGISTERED)))
    CALLS[call][1](OAuth2(idp(), transport, Clock()), "rat-1")
    (request,) = transport.sent
    assert request.headers["Authorization"] == "Bearer rat-1"
    assert request.repeatable is (call == "read")
    if call in ("register", "update"):
        assert request.headers["Content-Type"] == "application/json"
        assert json.loads(body_of(request)) == WANTED
    else:
        assert request.body is None


def test_where_anyone_may_register_no_token_is_sent(script: Script) -> None:
    transport = script((REGISTER, answer(201, REGISTERED)))
    OAuth2(idp(), transport, Clock()).register(WANTED, None)
    assert "Authorization" not in transport.sent[0].headers


@pytest.mark.parametrize("status", [200, 201])
def test_a_client_is_what_the_server_answers(script: Script, status: int) -> None:
    registration = managed(script, "register", answer(status, {**REGISTERED, "client_id_issued_at": 1}))
    assert (registration.client_id, registration.client_secret) == ("client-7", "new-secret")
    assert (registration.client_uri, registration.access_token) == (CLIENT, "rat-2")
    assert registration.metadata == {"client_name": "idp", "client_id_issued_at": 1}


@pytest.mark.parametrize("call", ["read", "update"])
def test_a_client_that_is_read_or_changed_can_have_a_new_secret_and_handle(script: Script, call: str) -> None:
    registration = managed(script, call, answer(200, REGISTERED))
    assert (registration.client_secret, registration.access_token) == ("new-secret", "rat-2")
    assert registration.client_uri == CLIENT


@pytest.mark.parametrize("call", ["register", "read", "update"])
def test_a_client_without_secret_and_handle_is_one_all_the_same(script: Script, call: str) -> None:
    registration = managed(script, call, answer(200, {"client_id": "client-7"}))
    assert registration.client_id == "client-7"
    assert (registration.client_secret, registration.secret_expires_at) == (None, None)
    assert (registration.client_uri, registration.access_token) == (None, None)


def test_a_server_without_registration_is_told_so_before_anything_is_sent(script: Script) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{ISSUER} publishes no registration_endpoint\. Set it, or"):
        OAuth2(idp("registration_endpoint"), script()).register(WANTED, "rat-1")
    account = oauth2(issuer=None, token_endpoint=f"{ISSUER}/token")
    with pytest.raises(ConfigurationError, match=r"^The options have no registration_endpoint\. Set it, or"):
        OAuth2(account, script()).register(WANTED, "rat-1")


@pytest.mark.parametrize(
    "uri",
    [
        CLIENT,
        f"{ISSUER}/register?client_id=client-7",
        "https://AUTH.example.com:8443/register/client-7",
        # RFC 7592 section 3: it is to be used as it was given.
        f"{CLIENT}/",
    ],
)
def test_the_address_of_a_client_is_kept_as_it_was_given(script: Script, uri: str) -> None:
    assert managed(script, "register", answer(201, {**REGISTERED, "registration_client_uri": uri})).client_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example.com/register/client-7",
        "https://auth.example.com.evil.example/register/client-7",
        "https://auth.example.com@evil.example.com/register/client-7",
        "https://me:pass@auth.example.com/register/client-7",
        "http://auth.example.com/register/client-7",
        "https://auth.example.com/register/client-7\r\nX: 1",
        "https://[::1",
        "/register/client-7",
        "//auth.example.com/register/client-7",
        f"{CLIENT}\\x",
        CLIENT.ljust(LONGEST_URL + 1, "x"),
        "",
        None,
        7,
        [CLIENT],
    ],
)
@pytest.mark.parametrize("call", ["register", "update"])
def test_an_address_that_the_token_must_not_go_to_is_none(script: Script, call: str, uri: t.Any) -> None:
    registration = managed(script, call, answer(200, {**REGISTERED, "registration_client_uri": uri}))
    assert registration.client_uri is None
    assert registration.client_secret == "new-secret"


def test_what_a_server_tells_of_a_client_is_taken_up_to_the_longest(script: Script) -> None:
    longest = {
        "client_id": "x" * LONGEST_CLIENT_ID,
        "client_secret": "x" * LONGEST_TOKEN,
        "registration_access_token": "x" * LONGEST_TOKEN,
        "registration_client_uri": CLIENT.ljust(LONGEST_URL, "x"),
    }
    found = managed(script, "register", answer(201, {**REGISTERED, **longest}))
    assert [found.client_id, found.client_secret, found.access_token, found.client_uri] == list(longest.values())


@pytest.mark.parametrize(("field", "longest"), [("client_id", LONGEST_CLIENT_ID), ("client_secret", LONGEST_TOKEN)])
def test_what_no_request_can_carry_is_no_account(script: Script, field: str, longest: int) -> None:
    error = managed_error(script, "register", answer(201, {**REGISTERED, field: "x" * (longest + 1)}))
    assert (error.kind, error.status, may_have_acted(error)) == ("malformed_answer", 201, True)
    assert str(error).startswith(f"{ISSUER}/register answered with a client_id or a client_secret that is too long")


def test_the_token_of_a_client_that_was_made_over_tls_goes_nowhere_without(script: Script) -> None:
    reply = answer(201, {**REGISTERED, "registration_client_uri": CLIENT.replace("https:", "http:")})
    account = idp(transport=TransportOptions(allow_http=True))
    assert OAuth2(account, script((REGISTER, reply)), Clock()).register(WANTED, "rat-1").client_uri is None


def test_a_client_that_was_made_without_tls_is_managed_without(script: Script) -> None:
    server = "http://auth.example.com"
    account = oauth2(
        issuer=None,
        token_endpoint=f"{server}/token",
        registration_endpoint=f"{server}/register",
        transport=TransportOptions(allow_http=True),
    )
    reply = answer(201, {**REGISTERED, "registration_client_uri": f"{server}/register/client-7"})
    transport = script((f"POST {server}/register", reply))
    assert OAuth2(account, transport, Clock()).register(WANTED, "rat-1").client_uri == f"{server}/register/client-7"


@pytest.mark.parametrize(
    "token", ["rat\r\nX: 1", "rat 2", "r\u00e4t", "rat\x00", "x" * (LONGEST_TOKEN + 1), "", None, 7, ["rat"]]
)
def test_a_registration_token_that_no_header_can_carry_is_none(script: Script, token: t.Any) -> None:
    registration = managed(script, "register", answer(201, {**REGISTERED, "registration_access_token": token}))
    assert registration.access_token is None
    assert registration.client_id == "client-7"


@pytest.mark.parametrize("secret", ["", None, 7, ["x"]])
def test_what_is_no_secret_is_none(script: Script, secret: t.Any) -> None:
    assert managed(script, "register", answer(201, {**REGISTERED, "client_secret": secret})).client_secret is None


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        ("0", None),
        ("0.0", None),
        ("1800000060", 1_800_000_060.0),
        ("1800000060.5", 1_800_000_060.0),
        ('"tomorrow"', None),
        ("true", None),
        ("-5", None),
        ("1e300", None),
        ("9" * 400, None),
        ("null", None),
        ("[]", None),
    ],
)
def test_the_end_of_a_secret_is_believed_where_it_can_be_one(script: Script, number: str, moment: float | None) -> None:
    body = f'{{"client_id": "client-7", "client_secret": "x", "client_secret_expires_at": {number}}}'
    assert managed(script, "register", answer(201, body=body)).secret_expires_at == moment


@pytest.mark.parametrize(
    "reply",
    [
        answer(201, {}),
        answer(201, {**REGISTERED, "client_id": None}),
        answer(201, {**REGISTERED, "client_id": 7}),
        answer(201, {**REGISTERED, "client_id": ""}),
        answer(201, {**REGISTERED, "client_id": "client\r\n7"}),
        answer(201, [REGISTERED]),
        answer(201, body="<html>Welcome</html>", content_type="text/html"),
        answer(201, body=json.dumps(REGISTERED)[:-9]),
        answer(201, body=b""),
    ],
)
def test_an_account_that_was_made_but_is_not_told_may_be_there(script: Script, reply: HttpResponse) -> None:
    error = managed_error(script, "register", reply)
    assert isinstance(error, MalformedAnswerError)
    assert error.status == 201
    assert may_have_acted(error)
    assert "new-secret" not in str(error)


@pytest.mark.parametrize("status", [200, 204])
def test_a_deletion_needs_no_answer(script: Script, status: int) -> None:
    assert managed(script, "delete", answer(status, body=b"")) is None


@pytest.mark.parametrize(
    ("status", "document", "expected", "kind", "acted"),
    [
        (400, {"error": "invalid_client_metadata"}, ConfigurationError, "invalid_client_metadata", False),
        (400, {"error": "invalid_redirect_uri"}, ConfigurationError, "invalid_redirect_uri", False),
        (400, {"error": "invalid_software_statement"}, ConfigurationError, "invalid_software_statement", False),
        (400, {"error": "unapproved_software_statement"}, ConfigurationError, "unapproved_software_statement", False),
        (400, {"error": "Bad Code: \x1b"}, ConfigurationError, "invalid_client_metadata", False),
        # A word of the server's own is none of ours, be it one that means something here.
        (400, {"error": "rate_limited"}, ConfigurationError, "invalid_client_metadata", False),
        (400, {"error": "made_up"}, ConfigurationError, "invalid_client_metadata", False),
        (400, None, ConfigurationError, "invalid_client_metadata", False),
        (422, {}, ConfigurationError, "invalid_client_metadata", False),
        (401, {"error": "invalid_token"}, RefusedError, "refused", False),
        (403, None, RefusedError, "refused", False),
        (404, None, MalformedAnswerError, "unexpected_status", False),
        (405, None, MalformedAnswerError, "unexpected_status", False),
        (409, None, MalformedAnswerError, "unexpected_status", False),
        (429, None, RateLimitedError, "rate_limited", False),
        (500, None, ServerError, "server_error", True),
        (502, None, ServerError, "server_error", True),
        (202, None, MalformedAnswerError, "unexpected_status", True),
    ],
)
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_about_a_client_that_is_no_success_is_an_error_of_its_own(
    script: Script,
    call: str,
    status: int,
    document: t.Any,
    expected: type[AccessError],
    kind: str,
    acted: bool,
) -> None:
    if call in ("read", "delete") and expected is ConfigurationError:
        expected, kind = MalformedAnswerError, "unexpected_status"  # they carry no settings that could be wrong
    error = managed_error(script, call, answer(status, document))
    assert error.__class__ is expected
    assert (error.kind, error.status) == (kind, status)
    assert may_have_acted(error) is acted
    assert str(error).isprintable()


ACTIONS = {
    "register": f"The registration of the account at {ISSUER}/register",
    "read": f"The read of the account's registration at {CLIENT}",
    "update": f"The update of the account's registration at {CLIENT}",
    "delete": f"The deletion of the account at {CLIENT}",
}


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("call", CALLS)
def test_an_error_says_what_was_asked_and_answered(script: Script, call: str, status: int) -> None:
    error = managed_error(script, call, answer(status, {"error": "code_1", "error_description": "Out of cheese"}))
    assert str(error).startswith(ACTIONS[call])
    assert f"(status {status})" in str(error) or f"with status {status}" in str(error)
    assert "(code_1: Out of cheese)" in str(error)
    assert error.error == "code_1"


@pytest.mark.parametrize("call", ["read", "update", "delete"])
def test_a_handle_that_is_refused_is_all_there_is_to_say(script: Script, call: str) -> None:
    assert str(managed_error(script, call, answer(401))) == f"{ACTIONS[call]} was refused (status 401)."


@pytest.mark.parametrize(("status", "after", "unsent"), [(503, "9", True), (503, None, False), (500, "9", False)])
def test_a_server_that_asks_to_come_back_later_has_not_acted(
    script: Script, status: int, after: str | None, unsent: bool
) -> None:
    headers = {} if after is None else {"retry_after": after}
    error = managed_error(script, "register", answer(status, **headers))
    assert (error.unsent, may_have_acted(error)) == (unsent, not unsent)


@pytest.mark.parametrize("body", ["{}", "[]"])
def test_an_answer_without_a_client_is_named(script: Script, body: str) -> None:
    assert str(managed_error(script, "register", answer(201, body=body))).startswith(f"{ISSUER}/register answered ")


@pytest.mark.parametrize(("expires", "tells"), [(0, True), (1_800_000_060, True), (None, False), ("soon", False)])
def test_whether_a_server_tells_when_a_secret_ends_is_known(script: Script, expires: t.Any, tells: bool) -> None:
    registered = {**REGISTERED, "client_secret_expires_at": expires}
    assert managed(script, "register", answer(201, registered)).tells_expiry is tells


@pytest.mark.parametrize(("call", "status"), [("read", 201), ("read", 204), ("update", 201), ("update", 204)])
def test_only_the_documented_success_is_one(script: Script, call: str, status: int) -> None:
    assert managed_error(script, call, answer(status, REGISTERED)).kind == "unexpected_status"


@pytest.mark.parametrize("call", CALLS)
def test_a_redirect_of_a_call_about_a_client_is_an_error(script: Script, call: str) -> None:
    redirect = TransportError("a redirect", kind="redirect", status=307, retryable=False)
    assert managed_error(script, call, redirect).kind == "redirect"


def test_a_registration_that_is_put_off_tells_for_how_long(script: Script) -> None:
    assert managed_error(script, "register", answer(429, {}, retry_after="90")).retry_after == 90


def test_a_refused_registration_names_the_initial_access_token(script: Script) -> None:
    assert "initial_access_token" in str(managed_error(script, "register", answer(401)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_the_server_repeats_is_masked(script: Script, call: str, status: int) -> None:
    handle = f"{secrets.token_urlsafe(24)}/+"
    account = idp(client_id="client-10")  # so long that the secret's own Base64 is no part of theirs
    credentials = base64.b64encode(f"client-10:{SECRET}".encode()).decode().rstrip("=")
    told = {"error": f"x {handle}", "error_description": f"bad {handle} and {SECRET}, {credentials}"}
    provider = OAuth2(account, script((CALLS[call][0], answer(status, told))), Clock())
    with pytest.raises(AccessError) as caught:
        CALLS[call][1](provider, handle)
    shown = str(caught.value) + json.dumps(caught.value.to_dict())
    assert handle not in shown
    assert SECRET not in shown
    assert credentials not in shown
    assert "bad ********" in shown


def test_a_secret_that_is_sent_along_is_masked_too(script: Script) -> None:
    sent = secrets.token_urlsafe(24)
    reply = answer(400, {"error_description": f"{sent} is too short"})
    with pytest.raises(ConfigurationError, match="is too short") as caught:
        OAuth2(idp(), script((f"PUT {CLIENT}", reply)), Clock()).update_registration(
            CLIENT, "rat-1", {**WANTED, "client_secret": sent}
        )
    assert sent not in str(caught.value)


def test_an_earlier_token_is_masked_too(script: Script) -> None:
    old, new = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    told = {"error_description": f"{old} was replaced by {new}"}
    transport = script((REGISTER, answer(201, REGISTERED)), (f"GET {CLIENT}", answer(401, told)))
    provider = OAuth2(idp(), transport, Clock())
    provider.register(WANTED, old)
    with pytest.raises(RefusedError) as caught:
        provider.read_registration(CLIENT, new)
    assert old not in str(caught.value)
    assert new not in str(caught.value)


@pytest.mark.parametrize("token", ["iat-s3cret\n", "iat s3cret", "iat-s3cr\u00e9t", "iat-s3cret\x00"])
def test_an_initial_token_that_no_header_can_carry_is_refused_before_anything_is_sent(
    script: Script, token: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OAuth2(idp(), script()).register(WANTED, token)
    assert "initial_access_token" in str(caught.value)
    assert "iat" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "acted"),
    [
        (TransportError("x"), True),
        (TransportError("x", kind="timeout"), True),
        (TransportError("x", kind="certificate", unsent=True), False),
        (TransportError("x", unsent=True), False),
        (ServerError("x", status=500), True),
        (ServerError("x"), True),
        (MalformedAnswerError("x", status=201), True),
        (MalformedAnswerError("x"), True),
        (MalformedAnswerError("x", status=400), False),
        (MalformedAnswerError("x", status=404), False),
        (MalformedAnswerError("x", status=499), False),
        (MalformedAnswerError("x", status=302), True),
        (RefusedError("x", status=401), False),
        (RateLimitedError("x", status=429), False),
        (ConfigurationError("x"), False),
        # What nobody foresaw can have happened at any moment.
        (AccessError("x"), True),
    ],
)
def test_a_call_can_have_acted_unless_the_server_said_no_or_never_saw_it(error: AccessError, acted: bool) -> None:
    assert may_have_acted(error) is acted
