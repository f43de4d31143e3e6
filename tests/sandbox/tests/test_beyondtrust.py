# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests

from ..server import SandboxHandle
from .caller import FORM, GRANT, Caller

TOKEN = "/oauth2/token"
INFO = "/api/command/v2/info"
HEALTH = "/api/command/v2/health"
COMMAND = "/api/command"
ACCOUNTS = "/api/config/v1/api-account"
JSON = {"Accept": "application/json"}
DENIED = {
    "error": "access_denied",
    "message": "The resource owner or authorization server denied the request.",
}
FIELDS = {
    "id",
    "name",
    "comments",
    "enabled",
    "ip_addresses",
    "client_id",
    "failed_login_attempts",
    "failed_login_expiration",
    "perm_command",
    "perm_reporting_support",
    "perm_reporting_license",
    "perm_reporting_archive",
    "perm_reporting_vault",
    "perm_reporting_jump_item",
    "perm_reporting_syslog",
    "perm_backup",
    "perm_vault_backup",
    "perm_real_time_state",
    "perm_ecm",
    "perm_configuration",
    "perm_configuration_vault_account",
}


def get(
    api: Caller, path: str, key: str = "beyondtrust", token: str | None = None, **options: Any
) -> requests.Response:
    return api(key, "GET", path, token or api.token(key), headers=JSON, **options)


def record(api: Caller, name: str, **options: Any) -> dict[str, Any]:
    found = get(api, ACCOUNTS, params={"name": name}, **options).json()
    assert len(found) == 1
    return dict(found[0])


def test_token_shape(api: Caller, sandbox: SandboxHandle) -> None:
    response = api.login("beyondtrust")
    document = response.json()
    assert document == {"access_token": document["access_token"], "token_type": "Bearer", "expires_in": 3600}
    assert len(document["access_token"]) == 40
    assert document["access_token"].isalnum()
    assert set(response.cookies.keys()) == {"ns_sl", "global_warnings"}
    assert len(sandbox.account("beyondtrust")["client_id"]) == 40
    assert len(sandbox.account("beyondtrust")["client_secret"]) == 44


def test_the_other_two_forms_that_clients_use(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    body = {key: account[key] for key in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    grant = {"grant_type": "client_credentials"}
    assert api("beyondtrust", "POST", TOKEN, data=body).status_code == 200
    assert api("beyondtrust", "POST", TOKEN, json=grant, headers=api.basic("beyondtrust")).status_code == 200
    assert api("beyondtrust", "POST", TOKEN, json=body).status_code == 400
    assert api("beyondtrust", "POST", TOKEN, data=body, headers=api.basic("beyondtrust")).status_code == 400


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"data": "grant_type=password", "headers": FORM}, "unsupported_grant_type"),
        ({"data": "", "headers": FORM}, "invalid_request"),
        ({"data": GRANT, "headers": {"Content-Type": "text/plain"}}, "invalid_request"),
        ({"data": GRANT, "headers": FORM, "params": {"client_id": "x"}}, "invalid_request"),
        ({"json": {"grant_type": "client_credentials", "client_id": "x"}, "headers": {}}, "invalid_request"),
    ],
)
def test_a_request_that_is_no_grant_is_refused(api: Caller, options: dict[str, Any], error: str) -> None:
    options["headers"] = api.basic("beyondtrust") | options["headers"]
    response = api("beyondtrust", "POST", TOKEN, **options)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_credentials_in_the_query_are_refused(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    query = {key: account[key] for key in ("client_id", "client_secret")}
    assert api("beyondtrust", "POST", TOKEN, headers=FORM, data=GRANT, params=query).status_code == 400
    assert api("beyondtrust", "GET", TOKEN, headers=api.basic("beyondtrust")).status_code == 405


def test_bad_credentials(api: Caller, sandbox: SandboxHandle) -> None:
    response = api.login("beyondtrust", secret="wrong")
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert sandbox.counters()["beyondtrust"]["refused_logins"] == 1


@pytest.mark.parametrize("path", [INFO, HEALTH, f"{COMMAND}?action=get_api_info", ACCOUNTS, f"{ACCOUNTS}/1"])
def test_a_bad_token_is_answered_in_json_everywhere(api: Caller, sandbox: SandboxHandle, path: str) -> None:
    token = api.token("beyondtrust")
    assert get(api, path, token=token).status_code == 200
    sandbox.advance(3601)
    for bad in (token, "wrong"):
        response = get(api, path, token=bad)
        assert (response.status_code, response.json()) == (401, DENIED)
    assert api("beyondtrust", "GET", path, headers=JSON).status_code == 401


def test_the_31st_token_silently_ends_the_oldest(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"beyondtrust_per_second": 1000})
    tokens = [api.token("beyondtrust") for _turn in range(30)]
    assert get(api, INFO, token=tokens[0]).status_code == 200
    assert sandbox.counters()["beyondtrust"]["live_tokens"] == 30
    newest = api.token("beyondtrust")
    assert get(api, INFO, token=tokens[0]).status_code == 401
    assert get(api, INFO, token=tokens[1]).status_code == 200
    assert get(api, INFO, token=newest).status_code == 200
    assert sandbox.counters()["beyondtrust"]["live_tokens"] == 30


def test_lockout_and_its_end(api: Caller, sandbox: SandboxHandle) -> None:
    reader = api.token("beyondtrust")
    for _turn in range(5):
        assert api.login("beyondtrust_limited", secret="wrong").status_code == 401
    assert api.login("beyondtrust_limited").json()["error"] == "invalid_client"
    locked = record(api, "beyondtrust_limited", token=reader)
    assert locked["failed_login_attempts"] == 5
    assert locked["failed_login_expiration"].endswith("Z")
    sandbox.advance(901)
    assert api.login("beyondtrust_limited").status_code == 200
    free = record(api, "beyondtrust_limited", token=reader)
    assert (free["failed_login_attempts"], free["failed_login_expiration"]) == (0, "")


def test_four_bad_logins_and_a_good_one_do_not_lock(api: Caller) -> None:
    for _turn in range(2):
        for _turn in range(4):
            api.login("beyondtrust_limited", secret="wrong")
        assert api.login("beyondtrust_limited").status_code == 200


def test_disabling_and_regenerating_end_tokens_at_once(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    new = sandbox.control("POST", "/accounts/beyondtrust", {"regenerate_secret": True})["client_secret"]
    assert get(api, INFO, token=token).status_code == 401
    assert api.login("beyondtrust").status_code == 401
    token = api.token("beyondtrust", secret=new)
    sandbox.control("POST", "/accounts/beyondtrust", {"enabled": False})
    assert get(api, INFO, token=token).status_code == 401
    assert api.login("beyondtrust", secret=new).status_code == 401
    sandbox.control("POST", "/accounts/beyondtrust", {"enabled": True})
    assert get(api, INFO, token=token).status_code == 401
    assert api.login("beyondtrust", secret=new).status_code == 200


def test_an_address_off_the_list_is_refused(api: Caller, sandbox: SandboxHandle) -> None:
    assert api.login("beyondtrust_elsewhere").status_code == 403
    token = api.token("beyondtrust")
    sandbox.control("POST", "/accounts/beyondtrust", {"ip_addresses": ["192.0.2.0/24"]})
    assert get(api, INFO, token=token).status_code == 403


def test_a_second_request_on_one_connection_is_refused(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    token = api.token("beyondtrust")
    headers = JSON | {"Authorization": f"Bearer {token}"}
    with requests.Session() as session:
        session.trust_env, session.verify = False, account["ca_path"]
        assert session.get(account["base_url"] + INFO, headers=headers).status_code == 200
        again = session.get(account["base_url"] + INFO, headers=headers)
        assert again.status_code == 400
        assert again.headers["Connection"] == "close"
        assert sandbox.counters()["reused_connections"] == 1
        assert session.get(account["base_url"] + INFO, headers=headers).status_code == 200
    with requests.Session() as session:
        session.trust_env, session.verify = False, account["ca_path"]
        for _turn in range(2):
            closing = headers | {"Connection": "close"}
            assert session.get(account["base_url"] + INFO, headers=closing).status_code == 200
    assert sandbox.counters()["reused_connections"] == 1


def test_other_vendors_do_not_mind_reuse(sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    with requests.Session() as session:
        session.trust_env, session.verify = False, account["ca_path"]
        for _turn in range(2):
            assert session.get(account["base_url"] + "/api/v2/connect/test").status_code == 401
    assert sandbox.counters()["reused_connections"] == 0


def test_a_cookie_is_refused_and_counted(api: Caller, sandbox: SandboxHandle) -> None:
    headers = JSON | {"Cookie": "ns_sl=1"}
    assert api("beyondtrust", "GET", INFO, api.token("beyondtrust"), headers=headers).status_code == 400
    assert sandbox.counters()["cookies_presented"] == 1


def test_twenty_calls_a_second(api: Caller, sandbox: SandboxHandle) -> None:
    # Fewer, so that a slow machine cannot let a second pass.
    sandbox.control("POST", "/limits", {"beyondtrust_per_second": 3})
    token = api.token("beyondtrust")
    assert [get(api, INFO, token=token).status_code for _turn in range(3)] == [200, 200, 429]
    sandbox.advance(1)
    assert get(api, INFO, token=token).status_code == 200


def test_calls_an_hour_and_the_headers(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    response = get(api, INFO, token=token)
    assert (response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]) == ("15000", "14998")
    sandbox.control("POST", "/limits", {"beyondtrust_per_hour": 3})
    assert get(api, INFO, token=token).status_code == 200
    assert get(api, INFO, token=token).status_code == 429
    assert api.login("beyondtrust").status_code == 429
    sandbox.advance(3599)
    token = api.token("beyondtrust_limited")
    sandbox.advance(2)
    assert api.login("beyondtrust").status_code == 200


def test_info_shows_the_callers_permissions(api: Caller) -> None:
    document = get(api, INFO, "beyondtrust_limited").json()
    assert document["product"] == "rs"
    assert document["permissions"]["perm_command"] == "read_only"
    assert document["permissions"]["perm_configuration"] is False


def test_v2_wants_accept_and_no_parameters(api: Caller) -> None:
    token = api.token("beyondtrust")
    assert api("beyondtrust", "GET", INFO, token).status_code == 406
    assert api("beyondtrust", "GET", ACCOUNTS, token, headers={"Accept": "text/xml"}).status_code == 406
    assert get(api, INFO, token=token, params={"x": "1"}).status_code == 400
    assert get(api, ACCOUNTS, token=token, params={"x": "1"}).status_code == 401


def test_old_releases_have_no_v2(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/switches", {"beyondtrust_v2": False})
    assert get(api, INFO).status_code == 404
    assert get(api, f"{COMMAND}?action=get_api_info").status_code == 200


def test_without_the_permission(api: Caller) -> None:
    token = api.token("beyondtrust_reporting")
    assert get(api, INFO, "beyondtrust_reporting", token).status_code == 403
    assert get(api, ACCOUNTS, "beyondtrust_reporting", token).status_code == 403
    response = get(api, f"{COMMAND}?action=get_api_info", "beyondtrust_reporting", token)
    assert response.status_code == 200
    root = ET.fromstring(response.content)
    assert root.tag.endswith("}error")
    assert root.text == 'The API client "beyondtrust_reporting" does not have permission to use the Command API.'


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("new", "https://www.beyondtrust.com/namespaces/API/command"),
        ("old", "http://www.bomgar.com/namespaces/API/command"),
    ],
)
def test_get_api_info(api: Caller, sandbox: SandboxHandle, name: str, uri: str) -> None:
    sandbox.control("POST", "/switches", {"beyondtrust_namespace": name})
    response = get(api, f"{COMMAND}?action=get_api_info")
    assert response.headers["Content-Type"].startswith("text/xml")
    root = ET.fromstring(response.content)
    assert root.tag == f"{{{uri}}}api_information"
    permissions = {item.get("name"): item.text for item in root.iter(f"{{{uri}}}permission")}
    assert permissions["perm_command"] == "full_access"
    assert permissions["perm_configuration"] == "1"
    assert permissions["perm_ecm"] == "0"


def test_command_by_form(api: Caller) -> None:
    token = api.token("beyondtrust")
    assert b"<api_information" in api("beyondtrust", "POST", COMMAND, token, data={"action": "get_api_info"}).content
    multipart = api("beyondtrust", "POST", COMMAND, token, files={"action": (None, "get_api_info")})
    assert b"<error" in multipart.content
    assert b"<error" in get(api, f"{COMMAND}?action=nonsense", token=token).content
    assert api("beyondtrust", "PUT", COMMAND, token).status_code == 405


def test_a_sick_appliance_with_a_good_token(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    check = f"{COMMAND}?action=check_health"
    assert get(api, HEALTH, token=token).status_code == 200
    assert b"<success>1</success>" in get(api, check, token=token).content
    assert api("beyondtrust", "GET", "/check_health").status_code == 200
    sandbox.control("POST", "/switches", {"beyondtrust_healthy": False})
    assert get(api, HEALTH, token=token).status_code == 500
    sick = get(api, check, token=token)
    assert sick.status_code == 200
    assert b"<success>0</success>" in sick.content
    assert b"<error_message>" in sick.content
    assert api("beyondtrust", "GET", "/check_health").status_code == 500


def test_pages_of_accounts(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    first = get(api, ACCOUNTS, token=token, params={"per_page": 5})
    assert len(first.json()) == 5
    assert set(first.json()[0]) == FIELDS
    assert {
        name: first.headers[f"X-BT-Pagination-{name}"] for name in ("Current-Page", "Last-Page", "Per-Page", "Total")
    } == {
        "Current-Page": "1",
        "Last-Page": "4",
        "Per-Page": "5",
        "Total": "17",
    }
    assert set(first.links) == {"first", "next", "last"}
    names = []
    url: str | None = sandbox.account("beyondtrust")["base_url"] + ACCOUNTS + "?per_page=5"
    while url:
        response = api.url("GET", url, token, headers=JSON)
        names += [item["name"] for item in response.json()]
        url = response.links.get("next", {}).get("url")
        assert url is None or url.startswith("http://")
        url = url.replace("http://", "https://") if url else None
    assert len(set(names)) == len(names) == 17
    sandbox.control("POST", "/switches", {"extra_beyondtrust_accounts": 233})
    whole = get(api, ACCOUNTS, token=token)
    assert (len(whole.json()), whole.headers["X-BT-Pagination-Total"]) == (100, "250")
    assert get(api, ACCOUNTS, token=token, params={"current_page": 9}).json() == []


@pytest.mark.parametrize("query", ["per_page=4", "per_page=101", "per_page=x", "current_page=0", "name="])
def test_parameters_out_of_range(api: Caller, query: str) -> None:
    response = get(api, f"{ACCOUNTS}?{query}")
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {query.partition("=")[0]}


def test_one_account(api: Caller) -> None:
    token = api.token("beyondtrust")
    found = record(api, "BeyondTrust_LIMITED", token=token)
    assert found["perm_command"] == "read_only"
    assert get(api, ACCOUNTS, token=token, params={"name": "beyondtrust_limite"}).json() == []
    assert get(api, f"{ACCOUNTS}/{found['id']}", token=token).json() == found
    missing = get(api, f"{ACCOUNTS}/999", token=token)
    assert (missing.status_code, set(missing.json())) == (404, {"message"})
    assert record(api, "beyondtrust_elsewhere", token=token)["ip_addresses"] == "192.0.2.0/24"


def test_accounts_are_only_read(api: Caller) -> None:
    token = api.token("beyondtrust")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = api("beyondtrust", method, f"{ACCOUNTS}/1", token, headers=JSON)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert api("beyondtrust", "OPTIONS", ACCOUNTS).headers["Allow"] == "GET, HEAD, OPTIONS"
    head = api("beyondtrust", "HEAD", ACCOUNTS, token, headers=JSON)
    assert (head.status_code, head.content, head.headers["X-BT-Pagination-Total"]) == (200, b"", "17")


def test_an_unknown_client_is_refused(api: Caller, sandbox: SandboxHandle) -> None:
    body = {"client_id": "0" * 40, "client_secret": "x", "grant_type": "client_credentials"}
    response = api("beyondtrust", "POST", TOKEN, data=body)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert sandbox.counters()["unknown"]["refused_logins"] == 1


def test_half_of_the_credentials_elsewhere(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    for name in ("client_id", "client_secret"):
        body = {"grant_type": "client_credentials", name: account[name]}
        assert api("beyondtrust", "POST", TOKEN, data=body, headers=api.basic("beyondtrust")).status_code == 400
        assert api("beyondtrust", "POST", TOKEN, data=body).status_code == 401
    whole = {name: account[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    assert api("beyondtrust", "POST", TOKEN, data=whole, headers={"Authorization": "Bearer x"}).status_code == 400
    assert api("beyondtrust", "POST", TOKEN, data=GRANT, headers=FORM).status_code == 400


def test_an_action_has_one_place(api: Caller) -> None:
    token = api.token("beyondtrust")
    action = "action=get_api_info"
    assert b"<error" in api("beyondtrust", "POST", f"{COMMAND}?{action}", token, data=action, headers=FORM).content
    plain = {"Content-Type": "text/plain"}
    assert b"<error" in api("beyondtrust", "POST", COMMAND, token, data=action, headers=plain).content


def test_with_room_for_one_token(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"beyondtrust_tokens": 1})
    first, second = api.token("beyondtrust"), api.token("beyondtrust")
    assert [get(api, INFO, token=token).status_code for token in (first, second)] == [401, 200]


SESSION = "c69a8e10bea9428f816cfababe9815fe"
EXTERNAL_KEY, PRIORITY = "session.custom.external_key", "session.custom.ticket_priority"
ASSET = "session.custom.asset_tag"


def command(api: Caller, token: str, method: str = "POST", **parameters: str) -> ET.Element:
    options: dict[str, Any] = {"data": parameters} if method == "POST" else {"params": parameters}
    response = api("beyondtrust", method, COMMAND, token, **options)
    assert response.status_code == 200
    return ET.fromstring(response.content)


def attributes(api: Caller, token: str) -> dict[str | None, str | None]:
    root = command(api, token, "GET", action="get_session_attributes", lsid=SESSION)
    assert root.tag.endswith("}custom_attributes")
    assert all(item.tag.endswith("}custom_attribute") and item.get("display_name") for item in root)
    return {item.get("code_name"): item.text for item in root}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_session_attributes_are_set(api: Caller, sandbox: SandboxHandle, method: str) -> None:
    token = api.token("beyondtrust")
    assert attributes(api, token) == {"external_key": "TICKET-1"}
    action = {"action": "set_session_attributes", "lsid": SESSION}
    done = command(api, token, method, **action, **{PRIORITY: "<high> & é"})
    assert (done.tag.rpartition("}")[2], done.text) == ("success", "Session attributes were set")
    assert attributes(api, token) == {"external_key": "TICKET-1", "ticket_priority": "<high> & é"}
    command(api, token, method, **action, **{EXTERNAL_KEY: "", PRIORITY: "x" * 1024})
    assert attributes(api, token) == {"ticket_priority": "x" * 1024}
    counters = sandbox.counters()["beyondtrust"]
    assert (counters["acts"], counters["tests"], counters["calls"]) == (2, 0, 5)


@pytest.mark.parametrize(
    "parameters",
    [
        {"lsid": "0" * 32},
        {"lsid": ""},
        {EXTERNAL_KEY: "x"},
        {"lsid": SESSION, EXTERNAL_KEY: "x" * 1025},
        {"lsid": SESSION, "session.custom.colour": "red"},
        {"lsid": SESSION, "external_key": "x"},
    ],
)
def test_attributes_that_are_refused(api: Caller, sandbox: SandboxHandle, parameters: dict[str, str]) -> None:
    token = api.token("beyondtrust")
    assert command(api, token, action="set_session_attributes", **parameters).tag.endswith("}error")
    assert attributes(api, token) == {"external_key": "TICKET-1"}
    assert sandbox.counters()["beyondtrust"]["acts"] == 0


def test_attributes_are_limited_in_all(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    # 4 KB each, so that two fit into 10 KB and three do not, whether they come together or one after the other.
    large = "\N{GRINNING FACE}" * 1024
    action = {"action": "set_session_attributes", "lsid": SESSION}
    assert command(api, token, **action, **{EXTERNAL_KEY: large, PRIORITY: large}).tag.endswith("}success")
    assert command(api, token, **action, **{ASSET: large}).tag.endswith("}error")
    assert set(attributes(api, token)) == {"external_key", "ticket_priority"}
    assert command(api, token, **action, **{PRIORITY: "", ASSET: large}).tag.endswith("}success")
    unknown = command(api, token, action="get_session_attributes", lsid=SESSION, colour="red")
    assert unknown.tag.endswith("}error")
    assert sandbox.counters()["beyondtrust"]["acts"] == 2


def test_reading_commands_do_not_act(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust_limited")
    options = {"action": "set_session_attributes", "lsid": SESSION, EXTERNAL_KEY: "x"}
    refused = api("beyondtrust_limited", "POST", COMMAND, token, data=options)
    assert (refused.status_code, b"<error" in refused.content) == (200, True)
    reading = {"action": "get_session_attributes", "lsid": SESSION}
    assert b"TICKET-1" in api("beyondtrust_limited", "POST", COMMAND, token, data=reading).content
    # Multipart, a query with a form, and another content type are not looked at.
    token = api.token("beyondtrust")
    plain = {"Content-Type": "text/plain"}
    for response in (
        api("beyondtrust", "POST", COMMAND, token, files={key: (None, value) for key, value in options.items()}),
        api("beyondtrust", "POST", COMMAND, token, params=options),
        api("beyondtrust", "POST", f"{COMMAND}?x=1", token, data=options),
        api("beyondtrust", "POST", COMMAND, token, data="action=set_session_attributes", headers=plain),
    ):
        assert (response.status_code, b"<error" in response.content) == (200, True)
    assert api("beyondtrust", "POST", COMMAND, data=options).status_code == 401
    counters = sandbox.counters()
    assert (counters["beyondtrust"]["acts"], counters["beyondtrust_limited"]["acts"]) == (0, 0)
