# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import AccessError, RefusedError
from ansible_collections.apiops.access.plugins.module_utils._http import HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.module_utils._providers.jim2 import Jim2
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, NOW, Clock, Script, answer, body_of, jim2

BASE = "https://jim2.example.com/Jim_Live"
TOKEN = f"POST {BASE}/token"
TEST = f"GET {BASE}/api/v1/jobs/0/stock"
LOGOFF = f"POST {BASE}/logoff"


def test_a_token_is_requested_below_the_instance(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, {"access_token": "tok-1", "token_type": "bearer"})))
    token = Jim2(jim2(), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.headers["Authorization"] == BASIC
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant_type=client_credentials"
    assert token.authorization == "Bearer tok-1"


def test_a_token_lives_the_documented_20_minutes_where_the_answer_does_not_say(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, {"access_token": "tok-1"})))
    assert Jim2(jim2(), transport, clock).request_token(None).expires_at == NOW + 1200


def test_scopes_are_asked_for_by_space(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, {"access_token": "tok-1"})))
    token = Jim2(jim2(scope=("view", "jobs")), transport, clock).request_token(None)
    assert transport.sent[0].body == b"grant_type=client_credentials&scope=view+jobs"
    assert token.scope == ("view", "jobs")


def test_credentials_can_go_into_the_form_body(script: Script, clock: Clock) -> None:
    transport = script((TOKEN, answer(200, {"access_token": "tok-1"})))
    account = jim2(token_endpoint_auth_method="client_secret_post", scope=("view",))
    Jim2(account, transport, clock).request_token(None)
    assert transport.sent[0].body == (
        b"grant_type=client_credentials&scope=view&client_id=client-1&client_secret=s3cret-value"
    )
    assert "Authorization" not in transport.sent[0].headers


def test_a_refusal_names_the_licence_too(script: Script) -> None:
    with pytest.raises(RefusedError, match="licence"):
        Jim2(jim2(), script((TOKEN, answer(400, {"error": "invalid_grant"})))).request_token(None)


def test_a_read_that_answers_proves_the_token(script: Script) -> None:
    transport = script((TEST, answer(200, {"data": []})))
    assert Jim2(jim2(), transport).test_token(Token("tok-1")).outcome == "valid"
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"


def test_a_missing_record_proves_the_token_if_it_is_401_without_one(script: Script) -> None:
    transport = script((TEST, answer(404, {})), (TEST, answer(401, {})))
    verdict = Jim2(jim2(), transport).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.reason) == ("valid", "accepted")
    assert (verdict.token_valid, verdict.permitted) == (True, True)
    assert "Authorization" not in transport.sent[1].headers


@pytest.mark.parametrize("anonymous", [200, 403, 404, 500])
def test_a_missing_record_proves_nothing_if_it_is_not_401_without_a_token(script: Script, anonymous: int) -> None:
    transport = script((TEST, answer(404, {})), (TEST, answer(anonymous, {})))
    verdict = Jim2(jim2(), transport).test_token(Token("tok-1"))
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "unexpected_answer", None)
    assert "test_path" in verdict.message


@pytest.mark.parametrize(
    ("status", "outcome"), [(401, "invalid"), (403, "indeterminate"), (429, "indeterminate"), (500, "indeterminate")]
)
def test_other_statuses_are_judged_at_once(script: Script, status: int, outcome: str) -> None:
    assert Jim2(jim2(), script((TEST, answer(status, {})))).test_token(Token("tok-1")).outcome == outcome


def test_the_users_own_read_is_used_below_the_instance(script: Script) -> None:
    transport = script((f"GET {BASE}/api/v1/cardfiles/10/contacts", answer(200, {"data": []})))
    account = jim2(test_path="/api/v1/cardfiles/10/contacts")
    assert Jim2(account, transport).test_token(Token("tok-1")).outcome == "valid"


def test_json_api_errors_are_explained(script: Script) -> None:
    reply = answer(403, {"errors": [{"status": "403", "title": "Forbidden", "detail": "No access to jobs"}]})
    assert "No access to jobs" in Jim2(jim2(), script((TEST, reply))).test_token(Token("tok-1")).message


@pytest.mark.parametrize(("status", "released"), [(200, True), (204, True), (401, False), (403, False), (404, False)])
def test_a_logoff_counts_only_where_jim2_confirms_it(script: Script, status: int, released: bool) -> None:
    transport = script((LOGOFF, answer(status, {})))
    release = Jim2(jim2(), transport).release_token(Token("tok-1"))
    assert release.released is released
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"
    assert not transport.sent[0].repeatable
    assert body_of(transport.sent[0]) == b""


@pytest.mark.parametrize(("status", "told"), [(200, "is free again"), (401, "gone already"), (402, "may be held")])
def test_a_logoff_says_what_became_of_the_licence(script: Script, status: int, told: str) -> None:
    assert told in Jim2(jim2(), script((LOGOFF, answer(status, {})))).release_token(Token("tok-1")).message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(429, {}), "rate_limited"),
        (answer(500, {}), "server_error"),
        (answer(503, {}), "server_error"),
        (answer(200, body="<html>Log in</html>"), "malformed_answer"),
    ],
)
def test_a_logoff_that_was_not_made_is_an_error_so_that_the_token_is_kept(
    script: Script, reply: HttpResponse, kind: str
) -> None:
    with pytest.raises(AccessError) as caught:
        Jim2(jim2(), script((LOGOFF, reply))).release_token(Token("tok-1"))
    assert (caught.value.kind, caught.value.status) == (kind, reply.status)
    assert str(caught.value).startswith("The logoff at ")


def test_a_logoff_that_was_not_found_says_what_to_set(script: Script) -> None:
    release = Jim2(jim2(), script((LOGOFF, answer(404, {})))).release_token(Token("tok-1"))
    assert "logoff_path" in release.message
    assert "20 minutes" in release.message


def test_the_logoff_path_can_be_set(script: Script) -> None:
    transport = script((f"POST {BASE}/api/v1/logoff", answer(200, {})))
    assert Jim2(jim2(logoff_path="api/v1/logoff"), transport).release_token(Token("tok-1")).released


def test_a_proof_takes_no_licence(script: Script) -> None:
    assert Jim2(jim2(scope=("all",)), script()).proof_account().scope == ("view",)
