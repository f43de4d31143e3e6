# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jump groups; the API accounts of the same API are tested with the rest of BeyondTrust."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from ..server import SandboxHandle
from .caller import Caller

GROUPS = "/api/config/v1/jump-group"
ACCOUNTS = "/api/config/v1/api-account"
JSON = {"Accept": "application/json"}


@pytest.fixture
def token(api: Caller, sandbox: SandboxHandle) -> str:
    """Without the limit of twenty calls a second."""
    sandbox.control("POST", "/limits", {"beyondtrust_per_second": 1000})
    return api.token("beyondtrust")


def call(api: Caller, method: str, path: str, token: str, **options: Any) -> requests.Response:
    return api("beyondtrust", method, path, token, headers=JSON, **options)


def acts(sandbox: SandboxHandle) -> int:
    return int(sandbox.counters()["beyondtrust"]["acts"])


def test_a_group_from_its_making_to_its_end(api: Caller, sandbox: SandboxHandle, token: str) -> None:
    fields = {"name": "Ünï", "code_name": "new-1", "comments": "x"}
    made = call(api, "POST", GROUPS, token, json=fields)
    assert (made.status_code, made.json()) == (201, {"id": 13, **fields})
    url = made.headers["Location"]
    assert url == sandbox.account("beyondtrust")["base_url"] + f"{GROUPS}/13"
    assert api.url("GET", url, token, headers=JSON).json() == made.json()
    changed = call(api, "PATCH", f"{GROUPS}/13", token, json={"id": 13, "comments": None})
    assert (changed.status_code, changed.json()) == (200, {"id": 13, **fields, "comments": None})
    assert call(api, "PATCH", f"{GROUPS}/13", token, json={}).json() == changed.json()
    assert acts(sandbox) == 3
    gone = call(api, "DELETE", f"{GROUPS}/13", token)
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE", "PATCH"):
        missing = call(api, method, f"{GROUPS}/13", token, json={})
        assert (missing.status_code, set(missing.json())) == (404, {"message"})
    assert acts(sandbox) == 4
    assert call(api, "POST", GROUPS, token, json={"name": "x"}).json() == {
        "id": 14,
        "name": "x",
        "code_name": "",
        "comments": None,
    }
    assert sandbox.counters()["beyondtrust"]["tests"] == 0


def test_pages_and_filters(api: Caller, sandbox: SandboxHandle, token: str) -> None:
    first = call(api, "GET", GROUPS, token, params={"per_page": 5})
    assert [group["id"] for group in first.json()] == [1, 2, 3, 4, 5]
    assert (first.headers["X-BT-Pagination-Total"], first.headers["X-BT-Pagination-Last-Page"]) == ("12", "3")
    assert first.links["next"]["url"].startswith("http://")
    last = call(api, "GET", GROUPS, token, params={"per_page": 5, "current_page": 3})
    assert ([group["id"] for group in last.json()], set(last.links)) == ([11, 12], {"first", "previous", "last"})
    sandbox.control("POST", "/switches", {"beyondtrust_http_links": False})
    for path in (GROUPS, ACCOUNTS):
        links = call(api, "GET", path, token, params={"per_page": 5}).links
        assert {link["url"].partition(":")[0] for link in links.values()} == {"https"}
    head = call(api, "HEAD", GROUPS, token)
    assert (head.status_code, head.content, head.headers["X-BT-Pagination-Total"]) == (200, b"", "12")
    assert call(api, "HEAD", f"{GROUPS}/1", token).status_code == 200
    assert call(api, "HEAD", f"{GROUPS}/99", token).status_code == 404
    by_name = call(api, "GET", GROUPS, token, params={"name": "SITE 07"})
    assert [group["id"] for group in by_name.json()] == [7]
    both = {"name": "site 07", "code_name": "site_08"}
    assert call(api, "GET", GROUPS, token, params=both).json() == []
    assert call(api, "GET", GROUPS, token, params={"code_name": "Site_08"}).json()[0]["id"] == 8


@pytest.mark.parametrize("query", ["per_page=4", "current_page=0", "name=", "code_name=a.b"])
def test_parameters_out_of_range(api: Caller, token: str, query: str) -> None:
    response = call(api, "GET", f"{GROUPS}?{query}", token)
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {query.partition("=")[0]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"name": 1}, "name"),
        ({"code_name": "a b"}, "code_name"),
        ({"code_name": "x" * 65}, "code_name"),
        ({"code_name": None}, "code_name"),
        ({"code_name": "site_01"}, "code_name"),
        ({"comments": "x" * 4097}, "comments"),
        ({"comments": 1}, "comments"),
        ({"id": 77}, "id"),
        ({"id": "2"}, "id"),
    ],
)
def test_fields_that_are_refused(
    api: Caller, sandbox: SandboxHandle, token: str, change: dict[str, Any], field: str
) -> None:
    for response in (
        call(api, "POST", GROUPS, token, json={"name": "New", **change}),
        call(api, "PATCH", f"{GROUPS}/2", token, json=change),
    ):
        assert (response.status_code, set(response.json())) == (422, {"message", "errors"})
        assert set(response.json()["errors"]) == {field}
    assert acts(sandbox) == 0
    assert call(api, "GET", GROUPS, token).headers["X-BT-Pagination-Total"] == "12"


def test_other_refusals(api: Caller, sandbox: SandboxHandle, token: str) -> None:
    assert set(call(api, "POST", GROUPS, token, json={"comments": "x"}).json()["errors"]) == {"name"}
    for body in ("{", "[]", '"x"', ""):
        kind = JSON | {"Content-Type": "application/json"}
        assert api("beyondtrust", "POST", GROUPS, token, data=body, headers=kind).status_code == 422
    for method, path in (("POST", GROUPS), ("PATCH", f"{GROUPS}/1")):
        # The odd 401 of the documentation.
        unknown = call(api, method, path, token, json={"name": "x", "colour": "red"})
        assert (unknown.status_code, unknown.json()["error"]) == (401, "access_denied")
        assert call(api, method, f"{path}?x=1", token, json={"name": "x"}).status_code == 401
        assert call(api, method, path, token, data={"name": "x"}).status_code == 415
        # Only GET and DELETE need an Accept.
        assert api("beyondtrust", method, path, token, json={"name": "x"}).status_code in (200, 201)
    for method, path in (("GET", GROUPS), ("HEAD", GROUPS), ("GET", f"{GROUPS}/1"), ("DELETE", f"{GROUPS}/1")):
        assert api("beyondtrust", method, path, token, headers={"Accept": "text/xml"}).status_code == 406
        assert call(api, method, path, token, params={"colour": "red"}).status_code == 401
    assert call(api, "GET", f"{GROUPS}/x", token).status_code == 404
    assert call(api, "GET", f"{GROUPS}/1?per_page=5", token).status_code == 401
    assert acts(sandbox) == 2


def test_verbs(api: Caller, token: str) -> None:
    for path, allow in (
        (GROUPS, "GET, HEAD, POST, OPTIONS"),
        (f"{GROUPS}/1", "GET, HEAD, PATCH, DELETE, OPTIONS"),
    ):
        response = call(api, "PUT", path, token, json={"name": "x"})
        assert (response.status_code, response.headers["Allow"]) == (405, allow)
        assert api("beyondtrust", "OPTIONS", path).headers["Allow"] == allow


def test_a_token_the_permission_and_the_address_are_needed(api: Caller, sandbox: SandboxHandle, token: str) -> None:
    limited = api.token("beyondtrust_limited")
    for method, path in (("POST", GROUPS), ("PATCH", f"{GROUPS}/1"), ("DELETE", f"{GROUPS}/1"), ("GET", GROUPS)):
        assert call(api, method, path, "wrong", json={"name": "x"}).json()["error"] == "access_denied"
        refused = api("beyondtrust_limited", method, path, limited, headers=JSON, json={"name": "x"})
        assert refused.status_code == 403
    sandbox.control("POST", "/accounts/beyondtrust", {"ip_addresses": ["192.0.2.0/24"]})
    assert call(api, "POST", GROUPS, token, json={"name": "x"}).status_code == 403
    assert acts(sandbox) == 0


def test_a_call_over_the_rate_does_not_act(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"beyondtrust_per_second": 2})
    token = api.token("beyondtrust")
    statuses = [call(api, "POST", GROUPS, token, json={"name": "x"}).status_code for _turn in range(2)]
    assert (statuses, acts(sandbox)) == ([201, 429], 1)
