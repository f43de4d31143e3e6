# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.action.api_request import ActionModule
from ansible_collections.apiops.access.plugins.module_utils._arguments import API_REQUEST_SPEC, CREDENTIAL_OPTIONS
from ansible_collections.apiops.access.plugins.module_utils._errors import TransportError
from ansible_collections.apiops.access.plugins.module_utils._model import LAST_MOMENT, Token
from ansible_collections.apiops.access.plugins.module_utils._operations.api_request import ApiAnswer
from ansible_collections.apiops.access.plugins.plugin_utils import _token_access
from ansible_collections.apiops.access.tests.unit.actions import Host, run
from ansible_collections.apiops.access.tests.unit.scripted import Exchange, Script, ScriptedTransport, answer, body_of

RIMO3 = "https://rimo3cloud.com"
TOKEN = f"POST {RIMO3}/api/v2/connect/token"
X = f"GET {RIMO3}/x"
POST = f"POST {RIMO3}/x"
SITE = "https://support.example.com"
SHOP = "https://api.cimcloud.com/acme"
TOK_1, TOK_2 = secrets.token_urlsafe(), secrets.token_urlsafe()
PROOF = 'Bearer realm="api", error="invalid_token"'
PORTAL_SECRET = secrets.token_urlsafe()


def granted(token: str) -> t.Any:
    return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "provider": "rimo3",
        "client_id": "client-1",
        "client_secret": PORTAL_SECRET,
        "cache_path": str(tmp_path / "cache"),
        "path": "/x",
    }


@pytest.fixture
def known(vendor: Script, args: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options of an account whose token, the first, is known from another task."""
    vendor((TOKEN, granted(TOK_1)), (X, answer(200, {})))
    assert not run(ActionModule, args, task="task-0").get("failed")
    return args


def ready(args: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """The options of a task with a token of its own."""
    return {**args, "client_secret": None, "access_token": TOK_1, **changes}


def tokens(transport: ScriptedTransport) -> list[str]:
    """The authorization of each call but those for tokens."""
    return [sent.headers["Authorization"] for sent in transport.sent if not sent.url.endswith("/token")]


# The token


def test_a_call_is_made_with_the_fleets_token(vendor: Script, args: dict[str, t.Any]) -> None:
    transport = vendor((TOKEN, granted(TOK_1)), (X, answer(200, {"a": 1})), (X, answer(200, {"a": 2})))
    first, second = (run(ActionModule, args, task=task) for task in ("task-1", "task-2"))
    assert (first["json"], second["json"]) == ({"a": 1}, {"a": 2})
    assert tokens(transport) == [f"Bearer {TOK_1}"] * 2
    assert (first["changed"], first["status"], first["url"]) == (False, 200, f"{RIMO3}/x")
    assert not {"failed", "msg", "xml", "content", "pages", "dest", "failure"} & set(first)


def test_a_known_token_that_is_rejected_is_renewed_once_and_the_read_repeated(
    vendor: Script, known: dict[str, t.Any]
) -> None:
    transport = vendor((X, answer(401)), (TOKEN, granted(TOK_2)), (X, answer(200, [7])))
    result = run(ActionModule, known)
    assert (result["json"], result["status"], result.get("failed")) == ([7], 200, None)
    assert tokens(transport) == [f"Bearer {TOK_1}", f"Bearer {TOK_2}"]


def test_a_token_that_is_rejected_again_is_not_renewed_again(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((X, answer(401)), (TOKEN, granted(TOK_2)), (X, answer(401)))
    result = run(ActionModule, known)
    assert (result["failed"], result["failure"]["kind"]) == (True, "token_rejected")


def test_a_token_that_was_requested_just_now_is_not_renewed(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, granted(TOK_1)), (X, answer(401)))
    assert run(ActionModule, args)["failure"]["kind"] == "token_rejected"


def test_the_same_token_again_is_not_tried_again(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((X, answer(401)), (TOKEN, granted(TOK_1)))
    assert run(ActionModule, known)["failure"]["kind"] == "token_rejected"


def test_a_token_is_not_renewed_for_anything_but_its_rejection(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((X, answer(403)))
    assert run(ActionModule, known)["failure"]["kind"] == "not_permitted"


def test_a_rejected_token_that_the_user_takes_for_a_success_is_not_renewed(
    vendor: Script, known: dict[str, t.Any]
) -> None:
    vendor((X, answer(401, {})))
    result = run(ActionModule, {**known, "status_code": [401]})
    assert (result["status"], result.get("failed")) == (401, None)


def test_a_call_that_was_refused_with_proof_is_repeated(vendor: Script, known: dict[str, t.Any]) -> None:
    transport = vendor(
        (POST, answer(401, www_authenticate=PROOF)), (TOKEN, granted(TOK_2)), (POST, answer(201, {"id": 7}))
    )
    result = run(ActionModule, {**known, "method": "POST", "body": {"a": 1}})
    assert (result["changed"], result["status"], result["json"]) == (True, 201, {"id": 7})
    assert [body_of(sent) for sent in (transport.sent[0], transport.sent[2])] == [b'{"a": 1}'] * 2


def test_a_call_that_may_have_acted_is_not_repeated_but_the_token_renewed(
    vendor: Script, known: dict[str, t.Any]
) -> None:
    vendor((POST, answer(401)), (TOKEN, granted(TOK_2)))
    result = run(ActionModule, {**known, "method": "POST"})
    assert (result["failed"], result["changed"], result["failure"]["kind"]) == (True, False, "token_rejected")
    assert "not repeated, since it may have taken effect" in result["msg"]
    transport = vendor((X, answer(200, {})))
    run(ActionModule, known, task="task-2")
    assert tokens(transport) == [f"Bearer {TOK_2}"]


def test_a_call_that_changes_nothing_is_repeated_whatever_its_method(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((POST, answer(401)), (TOKEN, granted(TOK_2)), (POST, answer(200, [])))
    result = run(ActionModule, {**known, "method": "POST", "read_only": True})
    assert (result["status"], result["changed"]) == (200, False)


def test_a_get_that_acts_is_not_repeated(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((X, answer(401)), (TOKEN, granted(TOK_2)))
    assert "not repeated" in run(ActionModule, {**known, "read_only": False})["msg"]


def test_beyondtrusts_words_prove_that_a_call_did_not_act(vendor: Script, args: dict[str, t.Any]) -> None:
    site = {**args, "provider": "beyondtrust", "base_url": SITE, "path": "/api/config/v1/vendor"}
    token, call = f"POST {SITE}/oauth2/token", f"{SITE}/api/config/v1/vendor"
    vendor((token, granted(TOK_1)), (f"GET {call}", answer(200, [])))
    run(ActionModule, site, task="task-0")
    denied = answer(401, {"error": "access_denied", "message": "Denied."})
    vendor((f"POST {call}", denied), (token, granted(TOK_2)), (f"POST {call}", answer(201, {})))
    assert run(ActionModule, {**site, "method": "POST"})["status"] == 201


def test_a_ready_token_is_used_and_never_renewed(vendor: Script, args: dict[str, t.Any]) -> None:
    transport = vendor((X, answer(401)))
    result = run(ActionModule, ready(args))
    assert (result["failed"], result["failure"]["status"]) == (True, 401)
    assert tokens(transport) == [f"Bearer {TOK_1}"]


def test_a_refused_token_request_is_no_call(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(401, {"error": "invalid_client"})))
    result = run(ActionModule, args)
    assert (result["failed"], result["failure"]["kind"]) == (True, "invalid_client")


def test_basic_authorization_needs_no_token(vendor: Script, args: dict[str, t.Any]) -> None:
    transport = vendor((f"GET {SHOP}/x", answer(200, [])))
    basic = {**args, "provider": "cimcloud", "site": "acme", "authorization_type": "basic"}
    assert run(ActionModule, basic)["status"] == 200
    assert tokens(transport)[0].startswith("Basic ")


# What is returned


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"method": "GET"}, False),
        ({"method": "HEAD"}, False),
        ({"method": "OPTIONS"}, False),
        ({"method": "POST"}, True),
        ({"method": "PUT"}, True),
        ({"method": "PATCH"}, True),
        ({"method": "DELETE"}, True),
        ({"method": "POST", "read_only": True}, False),
        ({"method": "GET", "read_only": False}, True),
    ],
)
def test_a_call_changes_what_its_method_or_the_user_says(
    vendor: Script, args: dict[str, t.Any], given: dict[str, t.Any], changed: bool
) -> None:
    vendor((f"{given['method']} {RIMO3}/x", answer(200, {})))
    assert run(ActionModule, ready(args, **given))["changed"] is changed


@pytest.mark.parametrize(
    ("status", "wanted", "changed", "retryable"),
    [(400, None, False, False), (429, None, False, True), (500, None, False, True), (200, [201], True, False)],
)
def test_a_failure_says_what_it_is(
    vendor: Script, args: dict[str, t.Any], status: int, wanted: list[int] | None, changed: bool, retryable: bool
) -> None:
    vendor((POST, answer(status, {"error": "bad_thing", "message": "It is bad"}, retry_after="90")))
    result = run(ActionModule, ready(args, method="POST", status_code=wanted))
    assert (result["failed"], result["changed"], result["status"]) == (True, changed, status)
    assert result["json"]["error"] == "bad_thing"
    assert result["headers"]["retry-after"] == "90"
    assert (result["failure"]["status"], result["failure"]["retryable"]) == (status, retryable)
    assert result["failure"]["error"] == "bad_thing"
    assert set(result["failure"]) == {"kind", "status", "error", "retryable"}
    assert result["msg"].startswith(f"Account 'client-1' (rimo3): POST {RIMO3}/x was answered with status {status}")
    assert "bad_thing: It is bad" in result["msg"]


def test_a_server_out_of_reach_is_told_of_the_account(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((X, TransportError("It broke.", kind="timeout")))
    result = run(ActionModule, ready(args))
    assert result["msg"] == "Account 'client-1' (rimo3): It broke."
    assert result["failure"] == {"kind": "timeout", "status": None, "error": None, "retryable": True}


@pytest.mark.parametrize("status", [200, 400])
def test_what_the_api_echoes_shows_no_secret(vendor: Script, known: dict[str, t.Any], status: int) -> None:
    echo = {"message": f"{PORTAL_SECRET} Bearer {TOK_1}", "list": [{"deep": PORTAL_SECRET}], "other": "kept"}
    vendor((X, answer(status, echo, x_echo=f"Bearer {TOK_1}")))
    result = run(ActionModule, {**known, "return_content": True})
    assert result["json"]["other"] == "kept"
    assert result["content"]
    assert PORTAL_SECRET not in str(result)
    assert TOK_1 not in str(result)


def test_an_echoed_token_that_was_renewed_is_masked_too(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor((X, answer(401)), (TOKEN, granted(TOK_2)), (X, answer(200, {"before": TOK_1, "now": TOK_2})))
    result = run(ActionModule, known)
    assert TOK_1 not in str(result)
    assert TOK_2 not in str(result)


def test_a_ready_token_that_is_echoed_is_masked(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((X, answer(200, body=f"<a>{TOK_1}</a>", content_type="text/xml")))
    result = run(ActionModule, ready(args))
    assert result["xml"] == {"a": "********"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": None},
        {"path": "https://evil.example.com/"},
        {"method": "TRACE"},
        {"headers": {"authorization": "Bearer x"}},
        {"max_pages": 0},
        {"max_pages": -1},
        {"colour": "blue"},
        {"body": [], "body_format": "raw", "method": "POST"},
        {"src": "/not/there", "method": "POST"},
    ],
)
def test_options_that_are_wrong_are_found_before_the_call(
    vendor: Script, args: dict[str, t.Any], wrong: dict[str, t.Any]
) -> None:
    vendor()
    result = run(ActionModule, ready(args, **wrong))
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
    assert "Account 'client-1'" in result["msg"]


# Check mode


@pytest.mark.parametrize("given", [{"method": "POST"}, {"method": "DELETE"}, {"read_only": False}])
def test_check_mode_sends_no_call_that_changes_something(
    vendor: Script, args: dict[str, t.Any], given: dict[str, t.Any]
) -> None:
    vendor()
    result = run(ActionModule, {**args, "path": "/x?key=query-s3cret", **given}, check_mode=True)
    assert (result["changed"], result.get("failed")) == (True, None)
    assert f"Would send {given.get('method', 'GET')} /x." in result["msg"]
    assert "query-s3cret" not in str(result)


def test_check_mode_makes_the_calls_that_change_nothing(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((X, answer(200, {"a": 1})))
    result = run(ActionModule, ready(args), check_mode=True)
    assert (result["json"], result["changed"]) == ({"a": 1}, False)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/api/command?action=get_logged_in_reps", True),
        ("/api/command?action=check_health", True),
        ("/api/command?action=terminate_session", False),
        ("/api/command/?action=terminate_session", False),
    ],
)
def test_check_mode_knows_the_actions_of_beyondtrusts_xml_api(
    vendor: Script, args: dict[str, t.Any], path: str, sent: bool
) -> None:
    vendor(*[(f"GET {SITE}{path}", answer(200, {}))] * sent)
    result = run(ActionModule, ready(args, provider="beyondtrust", base_url=SITE, path=path), check_mode=True)
    assert result["changed"] is not sent


# Files


def test_a_file_that_differs_is_a_change_with_a_diff_of_checksums(
    vendor: Script, args: dict[str, t.Any], tmp_path: Path
) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    given = ready(args, dest=str(tmp_path / "file"))
    for before, changed, check_mode in ((None, True, True), (None, True, False), (empty, False, False)):
        vendor((X, answer(200)))
        result = run(ActionModule, given, diff=True, check_mode=check_mode)
        assert result["changed"] is changed
        assert result["diff"] == {"before": {"checksum": before}, "after": {"checksum": empty}}
        assert (result["dest"], result["checksum"], result["size"]) == (str(tmp_path / "file"), empty, 0)
        assert (tmp_path / "file").exists() is not check_mode


def test_there_is_no_diff_unless_it_is_wanted(vendor: Script, args: dict[str, t.Any], tmp_path: Path) -> None:
    vendor((X, answer(200)), (X, answer(200, {})))
    assert "diff" not in run(ActionModule, ready(args, dest=str(tmp_path / "file")))
    assert "diff" not in run(ActionModule, ready(args), diff=True)


def test_a_call_that_changes_something_is_a_change_whatever_its_file(
    vendor: Script, args: dict[str, t.Any], tmp_path: Path
) -> None:
    given = ready(args, method="POST", dest=str(tmp_path / "file"))
    for _time in range(2):
        vendor((POST, answer(200)))
        assert run(ActionModule, given)["changed"] is True


# Pages


def page(number: int, *items: t.Any, last: bool = False, **headers: str) -> Exchange:
    link = {} if last else {"link": f'<{RIMO3}/x?page={number + 1}>; rel="next"'}
    where = X if number == 1 else f"{X}?page={number}"
    return where, answer(200, list(items), **link, **headers)


def test_all_pages_are_one_list(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(page(1, 1, 2, etag="first"), page(2, 3), page(3, last=True))
    result = run(ActionModule, ready(args, paginate=True))
    assert (result["json"], result["pages"], result["changed"]) == ([1, 2, 3], 3, False)
    assert result["elapsed_ms"] == 21
    assert result["headers"]["etag"] == "first"


def test_the_query_of_the_task_is_not_added_to_the_next_pages(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"{X}?q=1", page(1, 1)[1]), page(2, 2, last=True))
    assert run(ActionModule, ready(args, paginate=True, query={"q": 1}))["json"] == [1, 2]


def test_the_headers_of_the_task_go_to_every_page(vendor: Script, args: dict[str, t.Any]) -> None:
    transport = vendor(page(1, 1), page(2, 2, last=True))
    run(ActionModule, ready(args, paginate=True, headers={"X-A": "1"}))
    assert [sent.headers["X-A"] for sent in transport.sent] == ["1", "1"]


def test_items_in_an_object_are_found(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(
        (X, answer(200, {"data": [1], "included": []}, link="</x?page=2>; rel=next")),
        (f"{X}?page=2", answer(200, {"items": [2], "total": 2})),
    )
    assert run(ActionModule, ready(args, paginate=True))["json"] == [1, 2]


@pytest.mark.parametrize("document", [{"a": [1], "b": [2]}, {"a": 1}, "text", 7])
def test_an_answer_without_one_list_is_no_page(vendor: Script, args: dict[str, t.Any], document: t.Any) -> None:
    vendor((X, answer(200, document)))
    result = run(ActionModule, ready(args, paginate=True))
    assert (result["failed"], result["failure"]["kind"]) == (True, "malformed_answer")


def test_a_list_with_more_pages_than_wanted_fails(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(page(1, 1), page(2, 2))
    result = run(ActionModule, ready(args, paginate=True, max_pages=2))
    assert (result["failed"], result["failure"]["kind"]) == (True, "too_many_pages")
    assert "more than 2 pages" in result["msg"]


def test_a_list_with_just_as_many_pages_is_whole(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(page(1, 1), page(2, 2, last=True))
    assert run(ActionModule, ready(args, paginate=True, max_pages=2))["pages"] == 2


def test_an_error_on_a_later_page_fails_with_its_number(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor(page(1, 1), (f"{X}?page=2", answer(500, {})))
    result = run(ActionModule, ready(args, paginate=True))
    assert (result["failed"], result["failure"]["status"]) == (True, 500)
    assert result["failure"]["retryable"] is True
    assert "Page 2: " in result["msg"]
    assert "json" not in result


def test_a_token_that_ends_between_two_pages_is_renewed(vendor: Script, known: dict[str, t.Any]) -> None:
    transport = vendor(page(1, 1), (f"{X}?page=2", answer(401)), (TOKEN, granted(TOK_2)), page(2, 2, last=True))
    assert run(ActionModule, {**known, "paginate": True})["json"] == [1, 2]
    assert tokens(transport)[-1] == f"Bearer {TOK_2}"


def test_a_later_page_of_a_list_that_acts_is_not_repeated(vendor: Script, known: dict[str, t.Any]) -> None:
    vendor(page(1, 1), (f"{X}?page=2", answer(401)), (TOKEN, granted(TOK_2)))
    result = run(ActionModule, {**known, "paginate": True, "read_only": False})
    assert (result["failed"], result["failure"]["status"]) == (True, 401)
    assert "not repeated" in result["msg"]


def test_a_first_page_that_fails_is_an_answer_like_any_other(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((X, answer(404, {"message": "No"})))
    result = run(ActionModule, ready(args, paginate=True))
    assert (result["status"], result["failure"]["kind"], result["json"]) == (404, "not_found", {"message": "No"})


# The vendor's rate


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    noted: list[float] = []
    monkeypatch.setattr(_token_access, "time", types.SimpleNamespace(sleep=noted.append, time=time.time))
    return noted


@pytest.fixture
def shop(args: dict[str, t.Any]) -> dict[str, t.Any]:
    return ready(args, provider="cimcloud", site="acme", rate_wait=5)


def test_pages_of_cimcloud_are_numbered(vendor: Script, shop: dict[str, t.Any], pauses: list[float]) -> None:
    vendor(
        (f"GET {SHOP}/orders/open/1?a=1", answer(200, list(range(50)))),
        (f"GET {SHOP}/orders/open/2?a=1", answer(200, [50])),
    )
    result = run(ActionModule, {**shop, "path": "/orders/open/?a=1", "paginate": True, "rate_limit": False})
    assert (result["json"], result["pages"]) == (list(range(51)), 2)


def test_what_the_server_says_of_its_rate_holds_for_the_next(
    vendor: Script, shop: dict[str, t.Any], pauses: list[float]
) -> None:
    vendor((f"GET {SHOP}/x", answer(200, [], x_ratelimit_remaining="0", x_ratelimit_reset="300")))
    assert run(ActionModule, shop)["status"] == 200
    result = run(ActionModule, shop, task="task-2")
    assert (result["failed"], result["failure"]["kind"]) == (True, "rate_limited")
    assert "rate_wait allows 5 s" in result["msg"]


def test_a_call_that_the_rate_put_off_is_made_again(
    vendor: Script, shop: dict[str, t.Any], pauses: list[float]
) -> None:
    vendor((f"POST {SHOP}/x", answer(429)), (f"POST {SHOP}/x", answer(200, [])))
    assert run(ActionModule, {**shop, "method": "POST", "rate_wait": 60})["status"] == 200


def test_a_call_that_is_put_off_without_end_fails(vendor: Script, shop: dict[str, t.Any], pauses: list[float]) -> None:
    vendor(*[(f"GET {SHOP}/x", answer(429))] * 5)
    result = run(ActionModule, {**shop, "rate_wait": 3600})
    assert (result["status"], result["failure"]["kind"]) == (429, "rate_limited")


def test_a_vendor_without_a_low_rate_is_asked_once(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((X, answer(429)))
    assert run(ActionModule, ready(args))["failure"] == {
        "kind": "rate_limited",
        "status": 429,
        "error": None,
        "retryable": True,
    }


# Calls from the host


def by_host(status: int = 200, **details: t.Any) -> dict[str, t.Any]:
    """What the module returns on a host."""
    made = ApiAnswer(status=status, url=f"{RIMO3}/x", headers={}, elapsed_ms=7, **details)
    return {"changed": False, "answer": made.to_text(), "invocation": {"module_args": {}}}


def test_a_host_gets_the_token_and_the_call_and_no_secret(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    call = {"method": "POST", "query": {"a": [1]}, "body": {"b": 1}, "headers": {"X-A": "1"}, "status_code": [201]}
    host = Host({"token": Token(TOK_1, expires_at=LAST_MOMENT - 1).to_dict()}, by_host(201))
    result = run(ActionModule, {**args, **call, "request_from": "target"}, host=host)
    assert (result["status"], result["changed"]) == (201, True)
    (first, _sent), (second, sent) = host.runs
    assert (first, second) == ("apiops.access.oauth_token", "apiops.access.api_request")
    assert sent["access_token"] == TOK_1
    assert {option: sent[option] for option in call} == call
    assert not set(CREDENTIAL_OPTIONS) & set(sent)
    assert PORTAL_SECRET not in str(sent)
    assert not {"cache_path", "request_from", "max_pages", "check_mode"} & set(sent)
    assert set(sent) <= set(API_REQUEST_SPEC)


def test_a_host_calls_with_a_ready_token(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    host = Host(by_host(document={"a": TOK_1}))
    result = run(ActionModule, ready(args, request_from="target"), host=host)
    assert result["json"] == {"a": "********"}
    assert host.runs[0][1]["access_token"] == TOK_1


def test_pages_are_followed_by_the_host(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    host = Host(by_host(document=[1], next_path="x?page=2"), by_host(document=[2]))
    result = run(ActionModule, ready(args, request_from="target", paginate=True, query={"q": 1}), host=host)
    assert result["json"] == [1, 2]
    assert [(sent["path"], sent["query"]) for _name, sent in host.runs] == [("/x", {"q": 1}), ("x?page=2", {})]


def test_an_error_on_a_host_is_the_tasks(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    host = Host({"failed": True, "access_error": TransportError("It broke.", kind="timeout").to_dict()})
    result = run(ActionModule, ready(args, request_from="target"), host=host)
    assert (result["msg"], result["failure"]["kind"]) == ("Account 'client-1' (rimo3): It broke.", "timeout")


@pytest.mark.parametrize("told", [{"answer": {"colour": "blue"}}, {"answer": None}])
def test_a_host_that_answers_something_else_is_an_error(
    vendor: Script, args: dict[str, t.Any], told: dict[str, t.Any]
) -> None:
    vendor()
    result = run(ActionModule, ready(args, request_from="target"), host=Host(told))
    assert result["failed"] is True
    assert "something else" in result["msg"]


def test_check_mode_sends_nothing_from_a_host_either(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    host = Host()
    assert run(ActionModule, ready(args, request_from="target", method="POST"), host=host, check_mode=True)["changed"]
    assert host.runs == []
