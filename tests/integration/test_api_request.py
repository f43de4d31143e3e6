# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of the user's own with the fleet's token: what is sent and returned, and what is made of each refusal."""

from __future__ import annotations

import json
import re
import secrets
import typing as t

import pytest

from ..sandbox.records import SESSION
from ..sandbox.server import SandboxHandle
from .leaks import LeakDetector
from .runner import AnsibleRunner, Result, Run
from .test_examples import PACKAGE
from .test_main_job import HOSTS, without_name
from .test_versions import SITECUSTOMIZE

Options = dict[str, t.Any]

GROUPS = "/api/config/v1/jump-group"
PACKAGES = "/api/v2/application-packages"
ATTRIBUTES = {"action": "set_session_attributes", "lsid": SESSION, "session.custom.external_key": "TICKET-2"}
FIVE = tuple(f"host{number}" for number in range(1, 6))
SIX = (*FIVE, "host6")

UPLOAD = {**PACKAGE, "progressStep": 0}
POST_UPLOAD = {"path": f"{PACKAGES}/upload/manual/link", "method": "POST", "body": UPLOAD}


def call_all(
    ansible: AnsibleRunner, account: Options, calls: t.Sequence[Options], *arguments: str, **details: t.Any
) -> Run:
    """Make one call after the other in one run; the registered result is the list of what they returned."""
    tasks: list[dict[str, t.Any]] = [
        {
            "apiops.access.api_request": {option: f"{{{{ calls[{number}]['{option}'] }}}}" for option in options},
            "register": f"answer{number}",
            "ignore_errors": True,
        }
        for number, options in enumerate({**without_name(account), **call} for call in calls)
    ]
    tasks.append(
        {
            "ansible.builtin.copy": {
                "content": f"{{{{ [{', '.join(f'answer{number}' for number in range(len(calls)))}] | to_json }}}}",
                "dest": f"{ansible.registered}/{{{{ inventory_hostname }}}}.json",
                "mode": "0600",
            },
            "delegate_to": "localhost",
            "check_mode": False,
            "diff": False,
            "no_log": True,
        }
    )
    variables = {
        **details.pop("variables", {}),
        "calls": [{**without_name(account), **call} for call in calls],
    }
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    run = ansible.playbook([play], *arguments, variables=variables, **details)
    assert "Traceback" not in run.output
    assert run.results, run.output
    return run


def answers(
    ansible: AnsibleRunner, account: Options, *calls: Options, arguments: t.Sequence[str] = (), **details: t.Any
) -> list[Result]:
    """What the calls returned on the only host."""
    return t.cast("list[Result]", call_all(ansible, account, calls, *arguments, **details).results["host1"])


def expect(result: Result, **fields: t.Any) -> None:
    """The result has these fields; all of it is shown where it has not."""
    assert {name: result.get(name) for name in fields} == fields, result


# Reads


@pytest.mark.parametrize(("key", "path", "find", "value"), [
    ("rimo3", PACKAGES, lambda result: result["json"][0]["displayName"], "Editor"),
    ("cimcloud", "/accounts", lambda result: [item["nm"] for item in result["json"]][2], "Account 3"),
    ("jim2", "/api/v1/jobs/1001/stock", lambda result: result["json"]["data"][0]["id"], "1001-1"),
    ("beyondtrust", f"{GROUPS}?per_page=5", lambda result: len(result["json"]), 5),
    ("beyondtrust", "/api/command?action=check_health", lambda result: result["xml"]["health_check"]["success"], "1"),
])  # fmt: skip
def test_five_hosts_read_with_one_token(
    ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    key: str,
    path: str,
    find: t.Callable[[Result], t.Any],
    value: t.Any,
) -> None:
    account = sandbox.account(key)
    run = ansible.task("api_request", {**without_name(account), "path": path}, hosts=FIVE)
    assert run.status == 0, run.output
    assert len(run.results) == 5
    for result in run.results.values():
        expect(result, status=200, changed=False, failed=False, queued=False)
        assert find(result) == value
        assert result["url"].startswith(account["base_url"])
        assert "?" not in result["url"]
        assert "content" not in result
    counters = sandbox.counters()
    assert (counters[key]["token_requests"], counters[key]["calls"], counters[key]["acts"]) == (1, 5, 0)
    assert (counters["reused_connections"], counters["cookies_presented"]) == (0, 0)


def test_a_query_is_added_to_that_of_the_path_and_the_text_is_returned_where_it_is_wanted(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    (found,) = answers(
        ansible,
        sandbox.account("beyondtrust"),
        {"path": f"{GROUPS}?per_page=5", "query": {"name": "site 07"}, "return_content": True},
    )
    assert [group["code_name"] for group in found["json"]] == ["site_07"]
    assert json.loads(found["content"]) == found["json"]
    assert found["headers"]["x-bt-pagination-per-page"] == "5"


def test_a_template_in_an_answer_stays_text(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    text = "{{ 7*7 }}{% raw %}{{ lookup('pipe', 'touch owned') }}"
    fault = {"path": f"/rimo3{PACKAGES}", "headers": {"X-Note": text}, "body": json.dumps({text: [text]}), "times": 9}
    sandbox.control("POST", "/faults", fault)
    task = {"apiops.access.api_request": {"account": "rimo3", "path": PACKAGES}, "register": "found"}
    message = "{{ found.json.values() | first | first }} is {{ found.headers['x-note'] }}"
    shown = {"ansible.builtin.debug": {"msg": message}}
    play = {"hosts": "all", "gather_facts": False, "tasks": [task, shown]}
    run = ansible.playbook([play], variables={"api_accounts": [sandbox.account("rimo3")]})
    assert f'"msg": "{text} is {text}"' in run.output
    assert not (ansible.folder / "owned").exists()


def test_an_answer_shows_none_of_the_accounts_secrets(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    known = answers(ansible, account, {"path": PACKAGES}) and sandbox.control("GET", "/secrets")["tokens"][-1]
    body = json.dumps({"secret": account["client_secret"], "text": f"Bearer {known}.", "kept": "this"})
    sandbox.control(
        "POST",
        "/faults",
        {
            "path": f"/rimo3{PACKAGES}",
            "times": 2,
            "headers": {"Set-Cookie": f"a={known}", "X-Echo": f"Bearer {known}"},
            "body": body,
        },
    )
    for found in answers(ansible, account, {"path": PACKAGES}, {"path": PACKAGES, "return_content": True}):
        expect(found, failed=False, status=200)
        assert found["json"]["kept"] == "this"
        assert "set-cookie" not in found["headers"]


def test_what_is_neither_json_nor_xml_is_text(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    page = "<!DOCTYPE html><html><body>Sign in</body></html>"
    for kind, body in (("text/html; charset=utf-8", page), ("text/plain; charset=iso-8859-1", "all well")):
        fault = {"path": f"/rimo3{PACKAGES}", "headers": {"Content-Type": kind}, "body": body}
        sandbox.control("POST", "/faults", fault)
    web, plain = answers(ansible, sandbox.account("rimo3"), {"path": PACKAGES}, {"path": PACKAGES})
    expect(web, json=None, content=page)
    expect(plain, json=None, content="all well", failed=False)
    assert "xml" not in web


def test_json_that_was_cut_short_is_a_failure(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": f"/rimo3{PACKAGES}", "body": '{"cut": "sho'})
    (found,) = answers(ansible, sandbox.account("rimo3"), {"path": PACKAGES})
    expect(found, failed=True, changed=False)
    assert "not valid JSON" in found["msg"]
    assert "(rimo3): " in found["msg"]


def test_a_redirect_is_not_followed(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    target = "https://elsewhere.example.com/api"
    sandbox.control("POST", "/faults", {"path": f"/rimo3{PACKAGES}", "status": 302, "headers": {"Location": target}})
    (found,) = answers(ansible, sandbox.account("rimo3"), {"path": PACKAGES})
    expect(found, failed=True, changed=False)
    expect(found["failure"], kind="redirect", status=302, retryable=False)
    assert "not followed" in found["msg"]
    assert "elsewhere.example.com" in found["msg"]


# Writes


def test_a_jump_group_is_made_changed_and_deleted(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    number = 13
    calls: list[Options] = [
        {"path": GROUPS, "method": "POST", "body": {"name": "Østfold", "code_name": "ostfold"}},
        {"path": f"{GROUPS}/{number}", "method": "PATCH", "body": {"comments": "seen"}},
        {"path": f"{GROUPS}/{number}", "method": "DELETE"},
        {"path": f"{GROUPS}/{number}", "status_code": [200, 404]},
    ]
    account = sandbox.account("beyondtrust")
    dry = answers(ansible, account, *calls, arguments=["--check"])
    assert [result["changed"] for result in dry] == [True, True, True, False]
    assert f"Would send POST {GROUPS}" in dry[0]["msg"]
    assert "beyondtrust" in dry[0]["msg"]
    assert sandbox.counters()["beyondtrust"]["calls"] == 1
    made, changed, deleted, gone = answers(ansible, account, *calls)
    whole = {"id": number, "name": "Østfold", "code_name": "ostfold", "comments": None}
    expect(made, changed=True, failed=False, status=201, json=whole)
    assert made["headers"]["location"].endswith(f"{GROUPS}/{number}")
    expect(changed, changed=True, failed=False, status=200, json={**whole, "comments": "seen"})
    expect(deleted, changed=True, failed=False, status=204, json=None)
    expect(gone, changed=False, failed=False, status=404, json={"message": "The Jump Group was not found."})
    counters = sandbox.counters()
    assert (counters["beyondtrust"]["acts"], counters["beyondtrust"]["token_requests"]) == (3, 1)
    assert counters["reused_connections"] == 0


def test_a_read_that_acts_is_a_change_and_is_not_made_in_check_mode(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    path = "/api/command"
    form = {"path": path, "method": "POST", "body_format": "form"}
    calls: list[Options] = [
        {"path": path, "query": ATTRIBUTES},
        {"path": f"{path}?action=set_session_attributes&lsid={SESSION}&session.custom.asset_tag=A%2B1"},
        {**form, "body": {**ATTRIBUTES, "session.custom.external_key": "ä & b"}},
        {**form, "body": {"action": "get_session_attributes", "lsid": SESSION}, "read_only": True},
    ]
    account = sandbox.account("beyondtrust")
    dry = answers(ansible, account, *calls, arguments=["--check"])
    assert [result["changed"] for result in dry] == [True, True, True, False]
    assert sandbox.counters()["beyondtrust"]["acts"] == 0
    run = answers(ansible, account, *calls)
    assert [(result["failed"], result["changed"]) for result in run] == [(False, True)] * 3 + [(False, False)]
    assert run[0]["xml"] == {"success": "Session attributes were set"}
    attributes = {item["@code_name"]: item["#text"] for item in run[3]["xml"]["custom_attributes"]["custom_attribute"]}
    assert attributes == {"external_key": "ä & b", "asset_tag": "A+1"}
    assert sandbox.counters()["beyondtrust"]["acts"] == 3


def test_reading_the_online_orders_is_a_change(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("cimcloud")
    (dry,) = answers(ansible, account, {"path": "OnlineOrders"}, arguments=["--check"])
    expect(dry, changed=True)
    assert sandbox.counters()["orders_exported"] == 0
    (read,) = answers(ansible, account, {"path": "OnlineOrders"})
    expect(read, changed=True, failed=False)
    assert len(read["json"]) == sandbox.counters()["orders_exported"] == 3


def test_what_jim2_queues_is_returned_as_it_is(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    call = {"path": "/api/v1/cardfilecreate", "method": "POST", "body": {"name": "New customer"}}
    queued, at_once = answers(
        ansible, sandbox.account("jim2_full"), {**call, "query": {"Queue": True, "SubmitRefId": "a b"}}, call
    )
    expect(queued, status=202, queued=True, changed=True, failed=False, json={"requestNumber": 1})
    expect(at_once, status=200, queued=False, changed=True)
    cards = sandbox.control("GET", "/records")["cards"]
    assert [card["submit_ref_id"] for card in cards[-2:]] == ["a b", ""]
    assert sandbox.counters()["jim2_full"]["acts"] == 2


# Refusals: who, what, and what to do


def test_each_refusal_says_who_what_and_what_to_do(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    reporting = without_name(sandbox.account("beyondtrust_reporting"))
    calls: list[tuple[Options, int, str, str]] = [
        ({"path": GROUPS, "method": "POST", "body": {"code_name": "x"}}, 422, "refused", "The name field is required"),
        ({"path": f"{GROUPS}/999"}, 404, "not_found", "The Jump Group was not found.). Check path and base_url."),
        ({**reporting, "path": GROUPS}, 403, "not_permitted", "Give the account the permission Configuration API"),
        ({"path": GROUPS, "method": "DELETE"}, 405, "refused", "vendor's documentation"),
        ({"path": "/api/command?action=get_session_attributes"}, 200, "api_error", "The lsid is missing"),
    ]
    found = answers(ansible, account, *(call for call, _status, _kind, _words in calls))
    for (call, status, kind, words), result in zip(calls, found):
        expect(result, failed=True, changed=False, status=status)
        expect(result["failure"], status=status, kind=kind, retryable=False)
        assert words in result["msg"], result["msg"]
        assert result["msg"].startswith("Account '"), result["msg"]
        plain = call["path"].partition("?")[0]
        sent = f"(beyondtrust): {call.get('method', 'GET')} {account['base_url']}{plain} was answered with"
        assert f"{sent} status {status}" in result["msg"]
    assert f"{account['base_url']}/login/api_account" in found[2]["msg"]
    counters = sandbox.counters()
    assert [counters[key]["token_requests"] for key in ("beyondtrust", "beyondtrust_reporting")] == [1, 1]
    assert counters["beyondtrust"]["acts"] == 0


def test_an_unknown_parameter_is_not_taken_for_a_bad_account(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    # BeyondTrust says 401 of it, as of a token, so that a known token is renewed once to find out.
    account = sandbox.account("beyondtrust")
    calls = [{"path": GROUPS}, {"path": f"{GROUPS}?colour=red"}, {"path": f"{GROUPS}?colour=red"}]
    for result in answers(ansible, account, *calls)[1:]:
        expect(result, failed=True, changed=False, status=401)
        assert "parameter" in result["msg"]
        assert re.search(r"Unknown parameter|query", result["msg"])


def test_an_account_that_may_not_do_that_hears_of_its_own_vendor(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    sandbox.control("POST", "/accounts/cimcloud", {"allowed_methods": ["GET"]})
    body = {"ref_id": "00-0001", "nm": "Renamed"}
    (result,) = answers(ansible, sandbox.account("cimcloud"), {"path": "account/", "method": "POST", "body": body})
    expect(result, failed=True, changed=False, status=403)
    assert "does not allow this method" in result["msg"]
    assert "permissions" in result["msg"]
    assert sandbox.counters()["cimcloud"]["token_requests"] == 1


def test_a_call_whose_answer_is_lost_is_not_repeated_and_says_that_it_may_have_taken_effect(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    fault = {"path": f"/beyondtrust{GROUPS}", "method": "POST", "status": None, "cut_after": 0}
    sandbox.control("POST", "/faults", fault)
    call = {"path": GROUPS, "method": "POST", "body": {"name": "Once"}}
    (result,) = answers(ansible, sandbox.account("beyondtrust"), call)
    expect(result, failed=True)
    assert "whether the call took effect" in result["msg"]
    assert sandbox.counters()["beyondtrust"]["acts"] == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_a_moment_gets_it(ansible: AnsibleRunner, sandbox: SandboxHandle, status: int) -> None:
    fault = {"path": f"/rimo3{PACKAGES}", "status": status, "headers": {"Retry-After": "1"}}
    for method in ("GET", "POST"):
        sandbox.control("POST", "/faults", {**fault, "method": method})
    read, written = answers(ansible, sandbox.account("rimo3"), {"path": PACKAGES}, POST_UPLOAD)
    expect(read, failed=False, status=200)
    expect(written, failed=False, changed=True, status=200)
    assert [item["hits"] for item in sandbox.control("GET", "/faults")["faults"]] == [1, 1]
    assert sandbox.counters()["rimo3"]["acts"] == 1


def test_a_wait_that_is_too_long_is_reported(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    fault = {"path": f"/rimo3{PACKAGES}", "status": 429, "headers": {"Retry-After": "120"}, "times": 9}
    sandbox.control("POST", "/faults", fault)
    (result,) = answers(ansible, sandbox.account("rimo3"), {"path": PACKAGES})
    expect(result, failed=True, status=429)
    expect(result["failure"], kind="rate_limited", retryable=True)
    assert "Try again in 120 s" in result["msg"]
    assert [item["hits"] for item in sandbox.control("GET", "/faults")["faults"]] == [1]


def test_cimclouds_rate_is_kept_and_its_refusals_are_waited_out(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": "/cimcloud/sandbox-store/accounts", "status": 429, "skip": 1})
    sandbox.control("POST", "/limits", {"cimcloud_per_window": 8})
    options = {**without_name(sandbox.account("cimcloud")), "rate_wait": 30, "path": "accounts"}
    run = ansible.task("api_request", options, "--forks", "12", hosts=[f"host{number:02}" for number in range(12)])
    good = [result for result in run.results.values() if not result["failed"]]
    limited = [result for result in run.results.values() if result["failed"]]
    assert 5 <= len(good) <= 7, run.output
    for result in limited:
        assert result["failure"]["kind"] == "rate_limited"
        assert re.search(r"The next is free in \d{3} s, and rate_wait allows 30 s", result["msg"])
    assert sandbox.counters()["cimcloud"]["calls"] == len(good)


# Tokens that are no longer good


def test_a_token_that_the_server_forgot_is_renewed_once_for_all_hosts(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = {**without_name(sandbox.account("rimo3")), "path": PACKAGES}
    ansible.task("api_request", options)
    sandbox.control("POST", "/accounts/rimo3", {"revoke_tokens": True})
    run = ansible.task("api_request", options, "--forks", "6", hosts=SIX)
    assert [(result["failed"], result["status"]) for result in run.results.values()] == [(False, 200)] * 6, run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 2


@pytest.mark.parametrize(("call", "acts"), [
    ({"path": GROUPS, "paginate": True, "query": {"per_page": 5}}, 0),
    ({"path": GROUPS, "method": "POST", "body": {"name": "After the eviction"}}, 1),
])  # fmt: skip
def test_beyondtrusts_token_is_renewed_where_others_pushed_it_out(
    ansible: AnsibleRunner, sandbox: SandboxHandle, call: Options, acts: int
) -> None:
    sandbox.control("POST", "/limits", {"beyondtrust_tokens": 1})
    account = sandbox.account("beyondtrust")
    known, other, after = answers(ansible, account, {"path": GROUPS}, {"path": GROUPS, "cache": "none"}, call)
    assert [known["failed"], other["failed"]] == [False, False]
    expect(after, failed=False, changed=bool(acts))
    counters = sandbox.counters()["beyondtrust"]
    assert (counters["token_requests"], counters["acts"]) == (3, acts)


@pytest.mark.parametrize("proven", [True, False])
def test_a_write_is_repeated_only_where_the_server_says_that_it_did_not_act(
    ansible: AnsibleRunner, sandbox: SandboxHandle, proven: bool
) -> None:
    account = sandbox.account("rimo3")
    answers(ansible, account, {"path": PACKAGES})
    challenge = 'Bearer realm="api", error="invalid_token"' if proven else "Bearer"
    fault = {"path": f"/rimo3{PACKAGES}", "method": "POST", "status": 401, "headers": {"WWW-Authenticate": challenge}}
    sandbox.control("POST", "/faults", fault)
    first, second = answers(ansible, account, POST_UPLOAD, {"path": PACKAGES})
    expect(second, failed=False, status=200)
    counters = sandbox.counters()["rimo3"]
    assert (counters["acts"], counters["token_requests"]) == (1 if proven else 0, 2)
    if proven:
        expect(first, failed=False, changed=True, status=200)
    else:
        expect(first, failed=True, status=401)
        assert first["failure"]["kind"] == "token_rejected"
        assert "not repeated, since it may have taken effect" in first["msg"]


def test_a_token_that_is_refused_again_is_the_accounts_problem_and_ends_it(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    account = sandbox.account("rimo3")
    answers(ansible, account, {"path": PACKAGES})
    sandbox.control("POST", "/faults", {"path": f"/rimo3{PACKAGES}", "status": 401, "times": 9})
    (result,) = answers(ansible, account, {"path": PACKAGES})
    expect(result, failed=True, changed=False, status=401)
    assert result["failure"]["kind"] == "token_rejected"
    assert "did not accept the token" in result["msg"]
    assert [item["hits"] for item in sandbox.control("GET", "/faults")["faults"]] == [2]
    assert sandbox.counters()["rimo3"]["token_requests"] == 2


def test_a_ready_token_is_used_and_not_renewed(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    ready = ansible.task("oauth_token", without_name(account)).result["access_token"]
    base = {option: account[option] for option in ("provider", "base_url", "ca_path")}
    good, stale = answers(
        ansible, base, {"path": PACKAGES, "access_token": ready},
        {"path": PACKAGES, "access_token": "stale-token-0123456789"},
    )  # fmt: skip
    expect(good, failed=False, status=200)
    expect(stale, failed=True, status=401)
    assert "stale-token" not in json.dumps(stale)
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


# Customers and Basic credentials of CIMcloud


def test_a_customers_prices_come_with_a_session_that_is_kept_apart_and_had_anew(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    session = sandbox.account("cimcloud_session")
    assert session["customer"]
    plain = {option: value for option, value in session.items() if option != "customer"}
    path = {"path": "products/searchlike~name~Product 120".replace(" ", "%20")}
    without = answers(ansible, plain, path)
    with_customer = answers(ansible, session, path)
    assert answers(ansible, plain, path)[0]["json"] == without[0]["json"] == [
        {"id": 120, "name": "Product 120", "price": 10.0}
    ]  # fmt: skip
    assert with_customer[0]["json"][0]["customer_price"] == 9.0
    counters = sandbox.counters()["cimcloud_session"]
    assert (counters["token_requests"], counters["customer_sessions"]) == (2, 1)
    sandbox.control("POST", "/accounts/cimcloud_session", {"revoke_tokens": True})
    (again,) = answers(ansible, session, path)
    expect(again, failed=False, json=with_customer[0]["json"])
    assert sandbox.counters()["cimcloud_session"]["customer_sessions"] == 2


def test_basic_credentials_go_into_the_call_itself(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("cimcloud_basic")
    good, bad = answers(
        ansible, account, {"path": "accounts/1"}, {"path": "accounts/1", "client_secret": "not-the-secret-0123456789"}
    )
    expect(good, failed=False, status=200)
    expect(bad, failed=True, status=401)
    assert "not-the-secret" not in json.dumps(bad)
    assert sandbox.counters()["cimcloud_basic"]["token_requests"] == 0


# Lists


def test_all_pages_of_beyondtrust_are_one_list(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    calls: list[Options] = [
        {"path": f"{GROUPS}?per_page=5", "paginate": True},
        {"path": GROUPS, "query": {"per_page": 5, "name": "Site 03"}, "paginate": True},
        {"path": GROUPS, "query": {"per_page": 5}, "paginate": True, "max_pages": 2},
        {"path": GROUPS, "query": {"per_page": 5}, "paginate": True, "max_pages": 3},
        {"path": "/api/command/v2/info", "paginate": True},
    ]
    for http in (True, False):
        sandbox.control("POST", "/switches", {"beyondtrust_http_links": http})
        whole, one, cut, fits, no_list = answers(ansible, account, *calls)
        expect(whole, failed=False, changed=False, pages=3)
        assert [group["id"] for group in whole["json"]] == list(range(1, 13))
        expect(one, pages=1)
        assert [group["id"] for group in one["json"]] == [3]
        expect(cut, failed=True)
        assert "more than 2 pages" in cut["msg"]
        assert "raise max_pages" in cut["msg"]
        expect(fits, failed=False, pages=3)
        expect(no_list, failed=True)
        assert "something else than a page of a list" in no_list["msg"]
    counters = sandbox.counters()
    assert (counters["beyondtrust"]["token_requests"], counters["reused_connections"]) == (1, 0)


def test_a_page_that_fails_makes_the_list_fail(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": f"/beyondtrust{GROUPS}", "skip": 2, "status": 500, "times": 9})
    call = {"path": GROUPS, "query": {"per_page": 5}, "paginate": True}
    (result,) = answers(ansible, sandbox.account("beyondtrust"), call)
    expect(result, failed=True)
    expect(result["failure"], kind="server_error", status=500, retryable=True)
    assert "Page 3" in result["msg"]
    assert not result.get("json")


def test_all_pages_of_cimcloud_are_one_list_within_its_rate(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("cimcloud")
    added = [{"ref_id": f"N-{number}", "nm": f"Customer N{number}"} for number in range(30)]
    assert answers(ansible, account, {"path": "customers", "method": "POST", "body": added})[0]["changed"]
    sandbox.advance(61)
    # 150 customers: the third page is full, so that only the fourth, which is empty, tells that it was the last.
    whole, some = answers(
        ansible, account, {"path": "customers/", "paginate": True},
        {"path": "customers/searchlike~nm~Customer%20N", "paginate": True},
    )  # fmt: skip
    expect(whole, failed=False, pages=4)
    assert len({customer["id"] for customer in whole["json"]}) == len(whole["json"]) == 150
    expect(some, failed=False, pages=1)
    assert [customer["ref_id"] for customer in some["json"]] == [record["ref_id"] for record in added]
    assert sandbox.counters()["cimcloud"]["calls"] == 6


# Ways to run it


def test_the_documented_play_works_with_the_defaults_of_the_action_group(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    account = {option: f"{{{{ account['{option}'] }}}}" for option in without_name(sandbox.account("beyondtrust"))}
    call = "apiops.access.api_request"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {"group/apiops.access.all": account},
        "tasks": [
            {call: {"path": "/api/command?action=check_health"}, "register": "health"},
            {"ansible.builtin.assert": {"that": "health.xml.health_check.success == '1'"}},
            {call: {"path": "/api/config/v1/api-account", "paginate": True}, "register": "listed"},
            {"ansible.builtin.debug": {"msg": "{{ listed.json | map(attribute='name') }}"}},
            {"apiops.access.api_account_info": {}, "register": "found"},
            {"ansible.builtin.assert": {"that": "found.accounts | length == listed.json | length"}},
        ],
    }
    run = ansible.playbook([play], variables={"account": sandbox.account("beyondtrust")})
    assert run.status == 0, run.output
    assert "beyondtrust_reporting" in run.output
    assert sandbox.counters()["beyondtrust"]["token_requests"] == 1


def test_the_ad_hoc_form_needs_no_playbook(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    env = {"RIMO3_CLIENT_ID": account["client_id"], "RIMO3_CLIENT_SECRET": account["client_secret"],
           "APIOPS_BASE_URL": account["base_url"], "APIOPS_CA_PATH": account["ca_path"]}  # fmt: skip
    run = ansible.command(
        "ansible", "-i", str(ansible.inventory(HOSTS)), "all", "-vvvv",
        "-m", "apiops.access.api_request", "-a", f"provider=rimo3 path={PACKAGES}", env=env,
    )  # fmt: skip
    assert run.status == 0, run.output
    assert run.output.count('"displayName": "Editor"') >= len(HOSTS)
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


@pytest.mark.parametrize("key", ["cimcloud", "beyondtrust"])
def test_a_host_calls_itself_and_never_sees_the_credentials(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    account = sandbox.account(key)
    calls: list[Options] = [
        {"path": "customers" if key == "cimcloud" else f"{GROUPS}?per_page=5", "paginate": True},
        {"path": "account/", "method": "POST", "body": {"ref_id": "new", "nm": "New"}}
        if key == "cimcloud"
        else {"path": GROUPS, "method": "POST", "body": {"name": "New"}},
        {"path": "nothing-here"},
    ]
    from_target = [{**call, "request_from": "target"} for call in calls]
    # A host that requests the token itself has the credentials for that; here it is there already.
    answers(ansible, account, {**from_target[0], "paginate": False})
    sandbox.control("POST", "/counters/reset")
    run = call_all(
        ansible, account, from_target, variables={"ansible_connection": "loud"},
        env={"ANSIBLE_KEEP_REMOTE_FILES": "1"}, allowed=[ansible.remote],
    )  # fmt: skip
    listed, written, missing = run.results["host1"]
    expect(listed, failed=False, pages=3, changed=False)
    assert len(listed["json"]) == (120 if key == "cimcloud" else 12)
    expect(written, failed=False, changed=True)
    expect(missing, failed=True, status=404)
    assert sandbox.counters()[key]["acts"] == 1
    sent = b"".join(path.read_bytes() for path in ansible.remote.rglob("*") if path.is_file())
    assert account["base_url"].encode() in sent  # these are the right files
    assert LeakDetector(sandbox, tokens=False).in_files(ansible.remote) == {}


def test_what_a_host_sends_is_in_no_log_of_that_host(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    """A body and headers of the user's can hold secrets that no argument spec knows."""
    account = sandbox.account("cimcloud")
    customized = ansible.inputs / "customized"
    customized.mkdir()
    (customized / "sitecustomize.py").write_text(SITECUSTOMIZE)
    system_log = ansible.home / "system.log"
    marks = {place: f"{place}-{secrets.token_hex(8)}" for place in ("header", "body", "query")}
    call = {
        "path": "account/", "method": "POST", "query": {"mark": marks["query"]}, "headers": {"X-Mark": marks["header"]},
        "body": {"ref_id": "new", "nm": marks["body"]}, "request_from": "target",
    }  # fmt: skip
    env = {"PYTHONPATH": str(customized), "TEST_SYSTEM_LOG": str(system_log)}
    call_all(ansible, account, [call], env=env)
    assert sandbox.counters()["cimcloud"]["acts"] == 1
    logged = system_log.read_text()
    assert "Invoked with account=" in logged  # by oauth_token, so this is the right file
    assert [place for place, mark in marks.items() if mark in logged] == []
