# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ..server import SandboxHandle
from .caller import FORM, GRANT, Caller

STOCK = "/api/v1/jobs/1001/stock"
CONTACTS = "/api/v1/cardfiles/10/contacts"
VIEW = f"{GRANT}&scope=view"


def credentials(sandbox: SandboxHandle) -> dict[str, str]:
    account = sandbox.account("jim2")
    return {"client_id": account["client_id"], "client_secret": account["client_secret"]}


def test_credentials_by_basic_or_in_the_body(api: Caller, sandbox: SandboxHandle) -> None:
    body = {"grant_type": "client_credentials", "scope": "view", **credentials(sandbox)}
    assert api.login("jim2", body=VIEW).status_code == 200
    assert api("jim2", "POST", "/token", data=body).status_code == 200
    both = api("jim2", "POST", "/token", data=body, headers=api.basic("jim2"))
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


def test_the_answer_has_no_expires_in_unless_switched_on(api: Caller, sandbox: SandboxHandle) -> None:
    assert set(api.login("jim2", body=VIEW).json()) == {"access_token", "token_type"}
    sandbox.control("POST", "/switches", {"jim2_expires_in": 1200})
    assert api.login("jim2", body=VIEW).json()["expires_in"] == 1200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("grant_type=refresh_token", "unsupported_grant_type"),
        ("scope=view", "invalid_request"),
        ("", "invalid_request"),
        (f"{GRANT}&{GRANT}", "invalid_request"),
        (f"{GRANT}&scope=admin", "invalid_scope"),
        (f"{GRANT}&scope=view admin", "invalid_scope"),
    ],
)
def test_a_bad_request_is_refused(api: Caller, body: str, error: str) -> None:
    response = api.login("jim2", body=body)
    assert (response.status_code, response.json()) == (400, {"error": error})


def test_the_place_and_type_of_credentials_are_checked(api: Caller, sandbox: SandboxHandle) -> None:
    basic = api.basic("jim2")
    json_body = {"grant_type": "client_credentials", "scope": "view"}
    assert api("jim2", "POST", "/token", headers=basic, json=json_body).status_code == 400
    assert api("jim2", "POST", "/token", headers=FORM, data=VIEW, params=credentials(sandbox)).status_code == 400
    assert api("jim2", "POST", "/token", headers=FORM, data=VIEW).status_code == 401
    assert api("jim2", "GET", "/token", headers=basic).status_code == 405
    url = sandbox.account("jim2")["base_url"].replace("Jim_Sandbox", "Jim_Test")
    assert api.url("POST", f"{url}/token", headers=basic | FORM, data=VIEW).status_code == 404


def test_a_missing_licence_looks_like_bad_credentials(api: Caller, sandbox: SandboxHandle) -> None:
    for _turn in range(2):
        assert api.login("jim2_full").status_code == 200
    full = api.login("jim2_full", body=f"{GRANT}&scope=view all")
    bad = api.login("jim2_full", secret="wrong")
    assert (full.status_code, full.content) == (bad.status_code, bad.content) == (401, bad.content)
    assert api.login("jim2", body=VIEW).status_code == 200
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["licences_total"]) == (2, 2)
    assert counters["jim2_full"]["refused_logins"] == 2
    sandbox.control("POST", "/limits", {"jim2_licences": 3})
    assert api.login("jim2_full").status_code == 200


def test_a_licence_is_held_for_twenty_minutes_whatever_the_use(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("jim2_full")
    sandbox.advance(1195)
    assert api("jim2_full", "GET", STOCK, token).status_code == 200
    assert sandbox.counters()["licences_in_use"] == 1
    sandbox.advance(6)
    assert api("jim2_full", "GET", STOCK, token).status_code == 401
    assert sandbox.counters()["licences_in_use"] == 0


def test_logoff_gives_the_licence_back(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("jim2_full")
    assert api("jim2_full", "GET", "/logoff", token).status_code == 405
    assert api("jim2_full", "POST", "/logoff").status_code == 401
    assert sandbox.counters()["licences_in_use"] == 1
    assert api("jim2_full", "POST", "/logoff", token).status_code == 200
    assert api("jim2_full", "GET", STOCK, token).status_code == 401
    assert api("jim2_full", "POST", "/logoff", token).status_code == 401
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["jim2_full"]["logoffs"]) == (0, 1)


@pytest.mark.parametrize(("path", "kind"), [(STOCK, "JobStock"), (CONTACTS, "CardFileContact")])
def test_reads(api: Caller, path: str, kind: str) -> None:
    token = api.token("jim2", body=VIEW)
    assert api("jim2", "GET", path).status_code == 401
    assert api("jim2", "GET", path, token).json()["data"][0]["type"] == kind
    missing = api("jim2", "GET", path.replace("10", "77"), token)
    assert missing.status_code == 404
    assert missing.json()["errors"][0]["status"] == "404"


def test_jobs_have_stock_lines(api: Caller) -> None:
    token = api.token("jim2", body=VIEW)
    response = api("jim2", "GET", "/api/v1/jobs/1002/stock", token)
    assert response.headers["Content-Type"] == "application/vnd.api+json"
    lines = response.json()["data"]
    assert [(line["id"], line["attributes"]["stockCode"]) for line in lines] == [("1002-1", "SAND"), ("1002-2", "LIME")]
    assert set(response.json()) == {"data"}
    assert api("jim2", "GET", "/api/v1/jobs/1003/stock", token).json() == {"data": []}
    assert api("jim2", "GET", "/api/v1/cardfiles/11/contacts", token).json() == {"data": []}
    for path in (STOCK, CONTACTS):
        assert api("jim2", "GET", path, token, params={"page": "1"}).status_code == 400
        assert api("jim2", "POST", path, token, json={}).status_code == 405
        assert api("jim2", "GET", path).status_code == 401


CREATE = "/api/v1/cardfilecreate"
CARD = {"cardCode": "NEW", "name": "New", "customer": {}}


def test_view_modifies_nothing(api: Caller, sandbox: SandboxHandle) -> None:
    response = api("jim2", "POST", CREATE, api.token("jim2", body=VIEW), json=CARD)
    assert (response.status_code, response.headers["Content-Type"]) == (403, "application/vnd.api+json")
    assert response.json()["errors"][0]["status"] == "403"
    assert api("jim2", "POST", CREATE, json=CARD).status_code == 401
    assert sandbox.counters()["jim2"]["acts"] == 0


def test_a_card_is_made_at_once(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("jim2_full")
    response = api("jim2_full", "POST", CREATE, token, json=CARD)
    assert (response.status_code, response.json()) == (200, {"cardNo": 12, "cardCode": "NEW", "name": "New"})
    assert api("jim2_full", "GET", "/api/v1/cardfiles/12/contacts", token).status_code == 200
    assert api("jim2_full", "POST", CREATE, token, json=CARD).status_code == 409
    for code in ({}, {"cardCode": ""}, {"cardCode": None}):
        made = api("jim2_full", "POST", f"{CREATE}?Queue=0", token, json={"name": "No code", **code})
        assert (made.status_code, bool(made.json()["cardCode"])) == (200, True)
    assert sandbox.counters()["jim2_full"]["acts"] == 4


@pytest.mark.parametrize("value", ["true", "1", "t"])
def test_a_card_is_queued(api: Caller, sandbox: SandboxHandle, value: str) -> None:
    token = api.token("jim2_full")
    first = api("jim2_full", "POST", CREATE, token, params={"Queue": value}, json=CARD)
    assert (first.status_code, first.json()) == (202, {"requestNumber": 1})
    other = {"cardCode": "OTHER2", "name": "Other", "submitRefId": "ref-1"}
    params = {"Queue": value, "SubmitRefId": "ref-1"}
    for _turn in range(2):
        again = api("jim2_full", "POST", CREATE, token, params=params, json=other)
        assert (again.status_code, again.json()) == (202, {"requestNumber": 2})
    assert sandbox.counters()["jim2_full"]["acts"] == 2
    assert [card["code"] for card in sandbox.control("GET", "/records")["cards"]][2:] == ["NEW", "OTHER2"]


@pytest.mark.parametrize(
    ("query", "card"),
    [
        ("Queue=yes", CARD),
        ("queue=true", CARD),
        ("SubmitRefId=ref-1", CARD),
        ("Queue=f&SubmitRefId=ref-1", CARD),
        ("Queue=1&SubmitRefId=ref-1", {**CARD, "submitRefId": "ref-2"}),
        ("Queue=1", {**CARD, "submitRefId": 1}),
        ("", {}),
        ("", {"cardCode": "NEW"}),
        ("", {"cardCode": 1, "name": "New"}),
        ("", {"cardCode": "NEW", "name": ""}),
    ],
)
def test_a_card_that_is_refused_is_not_made(api: Caller, sandbox: SandboxHandle, query: str, card: object) -> None:
    response = api("jim2_full", "POST", f"{CREATE}?{query}", api.token("jim2_full"), json=card)
    assert (response.status_code, response.json()["errors"][0]["status"]) == (400, "400")
    assert sandbox.counters()["jim2_full"]["acts"] == 0


def test_getdata(api: Caller) -> None:
    token = api.token("jim2", body=VIEW)
    path = "/api/v1/custom/getdata"
    assert "resultSets" in api("jim2", "GET", path, token, params={"queryname": "Sandbox"}).json()
    assert api("jim2", "GET", path, token, params={"queryname": "Other"}).status_code == 404


def test_a_user_who_may_not_log_in(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("jim2", body=VIEW)
    sandbox.control("POST", "/accounts/jim2", {"ip_addresses": ["192.0.2.0/24"]})
    assert api.login("jim2", body=VIEW).status_code == 401
    sandbox.control("POST", "/accounts/jim2", {"ip_addresses": [], "enabled": False})
    assert api.login("jim2", body=VIEW).status_code == 401
    assert api("jim2", "GET", STOCK, token).status_code == 401


def test_the_type_and_a_second_place_are_checked_by_themselves(api: Caller, sandbox: SandboxHandle) -> None:
    basic = api.basic("jim2")
    assert api("jim2", "POST", "/token", headers=basic | {"Content-Type": "text/plain"}, data=VIEW).status_code == 400
    for name, value in credentials(sandbox).items():
        body = {"grant_type": "client_credentials", "scope": "view", name: value}
        assert api("jim2", "POST", "/token", headers=basic, data=body).status_code == 400
    body = {"grant_type": "client_credentials", "scope": "view", **credentials(sandbox)}
    assert api("jim2", "POST", "/token", headers={"Authorization": "Bearer x"}, data=body).status_code == 400


def test_a_card_file_is_a_json_object(api: Caller) -> None:
    token, path = api.token("jim2_full"), "/api/v1/cardfilecreate"
    kind = {"Content-Type": "text/plain"}
    assert api("jim2_full", "POST", path, token, data='{"cardCode": "NEW"}', headers=kind).status_code == 400
    assert api("jim2_full", "POST", path, token, json=["cardCode"]).status_code == 400


def test_a_refused_login_names_its_scheme(api: Caller) -> None:
    assert api.login("jim2", secret="wrong").headers["WWW-Authenticate"].startswith("Basic")
