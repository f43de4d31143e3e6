# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest

from ..server import SandboxHandle
from .caller import FORM, Caller

DAY = 86400


@pytest.fixture
def fast(sandbox: SandboxHandle) -> SandboxHandle:
    """Without the limit of two calls a second."""
    sandbox.control("POST", "/limits", {"cimcloud_per_second": 1000})
    return sandbox


def test_authenticate_answers_expiration_and_a_pair(api: Caller) -> None:
    document = api.login("cimcloud").json()
    assert set(document) == {"expiration", "token", "refresh_token"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["expiration"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"AuthKey": "x"}, 401),
        ({"AuthUserName": "x"}, 401),
        ({"AuthPassword": "x"}, 401),
        ({"AuthPassword": 1}, 400),
        ({"AuthKey": None}, 400),
        ({"More": "x"}, 400),
    ],
)
def test_authenticate_takes_exactly_its_three_strings(api: Caller, change: dict[str, Any], status: int) -> None:
    assert api("cimcloud", "POST", "/authenticate", json=api.triple("cimcloud") | change).status_code == status


def test_authenticate_is_json_without_authorization(api: Caller, fast: SandboxHandle) -> None:
    triple = api.triple("cimcloud")
    assert api("cimcloud", "POST", "/authenticate", data=triple, headers=FORM).status_code == 415
    assert (
        api("cimcloud", "POST", "/authenticate", data="{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
    assert api("cimcloud", "POST", "/authenticate", json=triple, headers=api.basic("cimcloud")).status_code == 400
    assert api("cimcloud", "POST", "/authenticate", json=[triple]).status_code == 400
    assert api("cimcloud", "GET", "/authenticate", params=triple).status_code == 405
    url = fast.account("cimcloud")["base_url"]
    assert api.url("POST", f"{url}/other-store/authenticate", json=triple).status_code == 404
    assert api.url("POST", f"{url}/authenticate", json=triple).status_code == 404


def test_a_token_lives_seven_days(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("cimcloud")
    sandbox.advance(7 * DAY - 5)
    assert api("cimcloud", "GET", "/validate", token).status_code == 200
    sandbox.advance(6)
    assert api("cimcloud", "GET", "/validate", token).status_code == 401


def test_refresh_takes_a_bare_string_once_and_ends_the_old_pair(api: Caller, fast: SandboxHandle) -> None:
    old = api.login("cimcloud").json()
    assert api("cimcloud", "POST", "/refresh", json={"refresh_token": old["refresh_token"]}).status_code == 400
    kind = {"Content-Type": "text/plain"}
    assert api("cimcloud", "POST", "/refresh", data=f'"{old["refresh_token"]}"', headers=kind).status_code == 415
    assert api("cimcloud", "POST", "/refresh", json=old["token"]).status_code == 401
    new = api("cimcloud", "POST", "/refresh", json=old["refresh_token"]).json()
    assert set(new) == {"expiration", "token", "refresh_token"}
    assert api("cimcloud", "GET", "/validate", old["token"]).status_code == 401
    assert api("cimcloud", "GET", "/validate", new["token"]).status_code == 200
    assert api("cimcloud", "POST", "/refresh", json=old["refresh_token"]).status_code == 401
    counters = fast.counters()["cimcloud"]
    assert (counters["refreshes"], counters["tokens_granted"], counters["live_tokens"]) == (1, 2, 1)
    assert counters["token_requests"] == 5


def test_a_refresh_token_outlives_its_token_by_far(api: Caller, fast: SandboxHandle) -> None:
    pair = api.login("cimcloud").json()
    fast.advance(30 * DAY - 5)
    pair = api("cimcloud", "POST", "/refresh", json=pair["refresh_token"]).json()
    fast.advance(30 * DAY + 1)
    assert api("cimcloud", "POST", "/refresh", json=pair["refresh_token"]).status_code == 401


def test_refresh_can_be_missing(api: Caller, fast: SandboxHandle) -> None:
    pair = api.login("cimcloud").json()
    fast.control("POST", "/switches", {"cimcloud_refresh": False})
    assert api("cimcloud", "POST", "/refresh", json=pair["refresh_token"]).status_code == 404
    assert "refresh_token" not in api.login("cimcloud").json()


def test_names_and_zone_can_be_switched_for_all_and_for_one(api: Caller, fast: SandboxHandle) -> None:
    fast.control("POST", "/accounts/cimcloud", {"cimcloud_names": "bearer_token", "cimcloud_zone": False})
    document = api.login("cimcloud").json()
    assert set(document) == {"expiration", "bearer_token", "refresh_token"}
    assert not document["expiration"].endswith("Z")
    assert "token" in api.login("cimcloud_session").json()
    fast.control("POST", "/switches", {"cimcloud_names": "bearer_token"})
    assert "bearer_token" in api.login("cimcloud_session").json()


def test_a_basic_authorization_has_no_token_and_a_default_one_no_basic(api: Caller, fast: SandboxHandle) -> None:
    assert api.login("cimcloud_basic").status_code == 401
    assert api("cimcloud_basic", "GET", "/validate", headers=api.basic("cimcloud_basic")).status_code == 200
    assert api("cimcloud_basic", "GET", "/validate", headers=api.basic("cimcloud_basic", "wrong")).status_code == 401
    assert api("cimcloud", "GET", "/validate", headers=api.basic("cimcloud")).status_code == 401
    assert api("cimcloud", "GET", "/validate").status_code == 401
    assert api("cimcloud_basic", "GET", "/healthcheck", headers=api.basic("cimcloud_basic")).status_code == 401


def test_a_customer_session_replaces_the_token(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud_session")
    body = {"username": fast.account("cimcloud_session")["customer"]}
    path = "/GenerateCustomerSession/"
    assert "customer_price" not in api("cimcloud_session", "GET", "/products", token).json()[0]
    assert api("cimcloud_session", "POST", path[:-1], token, json=body).status_code == 404
    assert api("cimcloud_session", "POST", path, json=body).status_code == 401
    assert api("cimcloud_session", "POST", path, token, data=body).status_code == 415
    assert api("cimcloud_session", "POST", path, token, json={"user": "x"}).status_code == 400
    assert api("cimcloud_session", "POST", path, token, json={"username": "nobody"}).status_code == 404
    document = api("cimcloud_session", "POST", path, token, json=body).json()
    assert set(document) == {"expiration", "token", "session"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", document["expiration"])
    assert api("cimcloud_session", "GET", "/validate", token).status_code == 401
    assert "customer_price" in api("cimcloud_session", "GET", "/products", document["token"]).json()[0]
    assert fast.counters()["cimcloud_session"]["customer_sessions"] == 1


def test_sessions_follow_the_session_access_type(api: Caller, fast: SandboxHandle) -> None:
    body = {"username": fast.account("cimcloud_session")["customer"]}
    path = "/GenerateCustomerSession/"
    for key in ("cimcloud", "cimcloud_auto"):
        assert api(key, "POST", path, api.token(key), json=body).status_code == 403
    assert "customer_price" in api("cimcloud_auto", "GET", "/products", api.token("cimcloud_auto")).json()[0]


def test_health_checks(api: Caller, fast: SandboxHandle) -> None:
    assert api("cimcloud", "GET", "/healthcheck/canary").json() == {"status": "Running"}
    assert api("cimcloud", "GET", "/healthcheck").status_code == 401
    document = api("cimcloud", "GET", "/healthcheck", api.token("cimcloud")).json()
    assert document["databaeConnection"] is True
    assert document["usingStagingDB"] == "false"


def test_two_calls_a_second(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("cimcloud")
    assert api("cimcloud", "GET", "/validate", token).status_code == 200
    refused = api("cimcloud", "GET", "/validate", token)
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    assert api.login("cimcloud_session").status_code == 200
    sandbox.advance(1)
    assert api("cimcloud", "GET", "/validate", token).status_code == 200


def test_a_hundred_calls_in_fifteen_minutes(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    for left in range(98, -1, -1):
        response = api("cimcloud", "GET", "/validate", token)
        assert response.headers["X-RateLimit-Remaining"] == str(left)
    assert response.headers["X-RateLimit-Limit"] == "100"
    assert 800 < int(response.headers["X-RateLimit-Reset"]) <= 900
    assert api("cimcloud", "GET", "/validate", token).status_code == 429
    assert api.login("cimcloud").status_code == 429
    fast.advance(900)
    assert api("cimcloud", "GET", "/validate", token).status_code == 200


def test_a_window_that_is_over_counts_no_more(api: Caller, fast: SandboxHandle) -> None:
    api("cimcloud", "GET", "/healthcheck/canary")
    fast.advance(899)
    # An unknown path is answered without a call being counted.
    before = api("cimcloud", "GET", "/nowhere").headers
    fast.advance(2)
    after = api("cimcloud", "GET", "/nowhere").headers
    assert (before["X-RateLimit-Remaining"], before["X-RateLimit-Reset"]) == ("99", "1")
    assert (after["X-RateLimit-Remaining"], after["X-RateLimit-Reset"]) == ("100", "900")


def test_every_answer_has_the_rate_headers(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    for response in (
        api.login("cimcloud"),
        api.login("cimcloud", secret="wrong"),
        api("cimcloud", "GET", "/validate", "wrong"),
        api("cimcloud", "GET", "/nowhere", token),
        api("cimcloud", "PUT", "/validate", token),
        api("cimcloud", "GET", "/healthcheck/canary"),
    ):
        for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
            assert response.headers[name].isdigit()


def test_an_address_off_the_list_is_refused(api: Caller, fast: SandboxHandle) -> None:
    assert api.login("cimcloud_elsewhere").status_code == 403
    token = api.token("cimcloud")
    fast.control("POST", "/accounts/cimcloud", {"ip_addresses": ["192.0.2.1"]})
    assert api("cimcloud", "GET", "/validate", token).status_code == 403
    fast.control("POST", "/accounts/cimcloud", {"ip_addresses": ["127.0.0.0/8"]})
    assert api("cimcloud", "GET", "/validate", token).status_code == 200


def test_a_method_that_is_not_allowed_is_refused(api: Caller, fast: SandboxHandle) -> None:
    fast.control("POST", "/accounts/cimcloud", {"allowed_methods": ["POST"]})
    assert api("cimcloud", "GET", "/validate", api.token("cimcloud")).status_code == 403


def test_pages_of_fifty(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    for resource, sizes in (("products", [50, 50, 50, 20, 0]), ("customers", [50, 50, 50, 20, 0])):
        found = [len(api("cimcloud", "GET", f"/{resource}/{page}", token).json()) for page in (0, 1, 2, 3, 4)]
        assert found == sizes
        first = api("cimcloud", "GET", f"/{resource}", token).json()
        for path in (f"/{resource}/", f"/{resource}/0", f"/{resource}/1"):
            assert api("cimcloud", "GET", path, token).json() == first


def test_searchstrings(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    found = api("cimcloud", "GET", "/customers/searchlike~nm~CUSTOMER 1", token).json()
    assert (len(found), found[0]["nm"]) == (32, "Customer 1")
    assert len(api("cimcloud", "GET", "/customers/searchlike~ref_id~c-/3", token).json()) == 20
    assert api("cimcloud", "GET", "/customers/searchlike~nm~nobody/1", token).json() == []
    assert [item["ref_id"] for item in api("cimcloud", "GET", "/accounts/searchlike~nm~2", token).json()] == ["00-0002"]
    for path in (
        "all/1",
        "searchlike~nm",
        "searchlike~colour~red",
        "searchlike~nm~a|and|searchlike~nm~b",
        "1/x",
        "1/2/3",
    ):
        assert api("cimcloud", "GET", f"/customers/{path}", token).status_code == 400


def test_reading_orders_marks_them(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    assert fast.counters()["orders_exported"] == 0
    assert [order["c_ordnum"] for order in api("cimcloud", "GET", "/OnlineOrders", token).json()] == [
        115860,
        115861,
        115862,
    ]
    assert api("cimcloud", "GET", "/OnlineOrders", token).json() == []
    counters = fast.counters()
    assert (counters["orders_exported"], counters["cimcloud"]["acts"]) == (3, 1)


IMPORTED = {
    "action": "DataImported",
    "success": True,
    "importedRecords": 0,
    "updatedRecords": 0,
    "recordCountInRequest": 1,
    "message": None,
}


@pytest.mark.parametrize(
    ("path", "table"), [("/account/", "accounts"), ("/account", "accounts"), ("/customers", "customers")]
)
def test_a_post_adds_or_updates(api: Caller, fast: SandboxHandle, path: str, table: str) -> None:
    token = api.token("cimcloud")
    record = {"ref_id": "00-TEST012", "nm": "Test Account", "status": "1"}
    assert api("cimcloud", "POST", path, token, json=record).json() == {**IMPORTED, "importedRecords": 1}
    changed = {**record, "nm": "Changed"}
    assert api("cimcloud", "POST", path, token, json=[changed]).json() == {**IMPORTED, "updatedRecords": 1}
    (found,) = api("cimcloud", "GET", f"/{table}/searchlike~ref_id~TEST012", token).json()
    assert found["nm"] == "Changed"
    # Both keys: the primary one wins.
    both = {"id": found["id"], "ref_id": "00-OTHER"}
    answer = api("cimcloud", "POST", path, token, json=[both, {"ref_id": "00-MORE"}]).json()
    assert (answer["updatedRecords"], answer["importedRecords"], answer["recordCountInRequest"]) == (1, 1, 2)
    assert api("cimcloud", "GET", f"/{table}/searchlike~ref_id~OTHER", token).json()[0]["nm"] == "Changed"
    assert fast.counters()["cimcloud"]["acts"] == 3


def test_a_post_that_is_refused_imports_nothing(api: Caller, fast: SandboxHandle) -> None:
    token, path = api.token("cimcloud"), "/customers"
    record = {"ref_id": "C-NEW"}
    bodies: list[Any] = [[], [[]], {}, "C-NEW", 1, [record, 1], {**record, "details": [{}]}, {**record, "details": {}}]
    for body in bodies:
        assert api("cimcloud", "POST", path, token, json=body).status_code == 400
    assert (
        api("cimcloud", "POST", path, token, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    )
    assert api("cimcloud", "POST", path, token, data=record).status_code == 415
    assert api("cimcloud", "POST", path, json=record).status_code == 401
    assert api("cimcloud", "POST", "/customers/1", token, json=record).status_code == 405
    assert api("cimcloud", "POST", "/products", token, json=record).status_code == 405
    assert api("cimcloud", "PUT", path, token, json=record).status_code == 405
    for wrong in ({**record, "colour": "red"}, {"nm": "Nobody"}, {"id": 999}, {"ref_id": 1}):
        answer = api("cimcloud", "POST", path, token, json=[record, wrong])
        assert (answer.status_code, answer.json()["success"], answer.json()["importedRecords"]) == (200, False, 0)
        assert answer.json()["message"]
    assert api("cimcloud", "GET", "/customers/searchlike~ref_id~NEW", token).json() == []
    assert fast.counters()["cimcloud"]["acts"] == 0


def test_more_than_ten_records_wait(api: Caller, fast: SandboxHandle) -> None:
    token = api.token("cimcloud")
    records = [{"ref_id": f"C-NEW{number}"} for number in range(10)]
    assert api("cimcloud", "POST", "/customers", token, json=records).json()["importedRecords"] == 10
    more = [*({"ref_id": f"C-LATE{number}"} for number in range(10)), {"colour": "red"}]
    answer = api("cimcloud", "POST", "/customers", token, json=more).json()
    assert (answer["action"], answer["importedRecords"], answer["recordCountInRequest"]) == ("DataQueued", 0, 11)
    search = "/customers/searchlike~ref_id~LATE"
    assert api("cimcloud", "GET", search, token).json() == []
    fast.advance(60)
    assert len(api("cimcloud", "GET", search, token).json()) == 10


def test_a_resource_must_be_assigned(api: Caller, fast: SandboxHandle) -> None:
    fast.control("POST", "/accounts/cimcloud", {"resources": ["accounts"]})
    token = api.token("cimcloud")
    for path in ("/customers", "/products", "/OnlineOrders"):
        assert api("cimcloud", "GET", path, token).status_code == 403
    for path in ("/customers", "/account/"):
        assert api("cimcloud", "POST", path, token, json={"ref_id": "x"}).status_code == 403
    assert api("cimcloud", "GET", "/accounts", token).status_code == 200
    assert api("cimcloud", "GET", "/validate", token).status_code == 200
    fast.control("POST", "/accounts/cimcloud", {"resources": ["account", "customers"], "allowed_methods": ["GET"]})
    assert api("cimcloud", "POST", "/customers", token, json={"ref_id": "x"}).status_code == 403
    assert api("cimcloud", "GET", "/customers", token).status_code == 200
    counters = fast.counters()
    assert (counters["cimcloud"]["acts"], counters["orders_exported"]) == (0, 0)


def test_a_basic_authorization_reads_and_writes_too(api: Caller, fast: SandboxHandle) -> None:
    headers = api.basic("cimcloud_basic")
    assert api("cimcloud_basic", "GET", "/customers/2", headers=headers).status_code == 200
    assert api("cimcloud_basic", "POST", "/customers", headers=headers, json={"ref_id": "C-B"}).status_code == 200
    assert fast.counters()["cimcloud_basic"]["acts"] == 1


def test_data_calls_are_counted_for_the_rate(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("cimcloud")
    assert api("cimcloud", "GET", "/customers/1", token).headers["X-RateLimit-Remaining"] == "98"
    refused = api("cimcloud", "POST", "/customers", token, json={"ref_id": "x"})
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "98")
    assert sandbox.counters()["cimcloud"]["acts"] == 0


def test_a_disabled_authorization_neither_logs_in_nor_calls(api: Caller, fast: SandboxHandle) -> None:
    pair = api.login("cimcloud").json()
    for key in ("cimcloud", "cimcloud_basic"):
        fast.control("POST", f"/accounts/{key}", {"enabled": False})
    assert api.login("cimcloud").status_code == 401
    assert api("cimcloud", "GET", "/validate", pair["token"]).status_code == 401
    assert api("cimcloud", "POST", "/refresh", json=pair["refresh_token"]).status_code == 401
    assert api("cimcloud_basic", "GET", "/validate", headers=api.basic("cimcloud_basic")).status_code == 401


@pytest.mark.parametrize("body", [["username"], {"username": 1}, {"username": "x", "more": "x"}, "username"])
def test_a_customer_session_takes_a_username(api: Caller, fast: SandboxHandle, body: Any) -> None:
    token = api.token("cimcloud_session")
    assert api("cimcloud_session", "POST", "/GenerateCustomerSession/", token, json=body).status_code == 400


def test_unreadable_and_unknown_basic_credentials(api: Caller, fast: SandboxHandle) -> None:
    for credentials in ("!", "bm9ib2R5", "bm9ib2R5OngK"):
        headers = {"Authorization": f"Basic {credentials}"}
        assert api("cimcloud_basic", "GET", "/validate", headers=headers).status_code == 401


def test_a_refreshed_session_stays_one(api: Caller, fast: SandboxHandle) -> None:
    pair = api.login("cimcloud_auto").json()
    token = api("cimcloud_auto", "POST", "/refresh", json=pair["refresh_token"]).json()["token"]
    assert "customer_price" in api("cimcloud_auto", "GET", "/products", token).json()[0]
