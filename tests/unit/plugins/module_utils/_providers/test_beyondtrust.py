# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    MalformedAnswerError,
    RefusedError,
    ServerError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._http import HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.module_utils._providers._base import next_link
from ansible_collections.apiops.access.plugins.module_utils._providers.beyondtrust import BeyondTrust
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, NOW, Clock, Script, answer, beyondtrust

SITE = "https://support.example.com"
TOKEN = f"POST {SITE}/oauth2/token"
INFO = f"GET {SITE}/api/command/v2/info"
XML_INFO = f"GET {SITE}/api/command?action=get_api_info"
ACCOUNTS = f"GET {SITE}/api/config/v1/api-account?per_page=100&current_page="
NAMESPACES = ["http://www.bomgar.com/namespaces/API/command", "https://www.beyondtrust.com/namespaces/API/command"]
DENIED = {
    "error": "access_denied",
    "message": "The resource owner or authorization server denied the request.",
}
GOOD = Token("tok-1")


def xml(namespace: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<api_information xmlns="{namespace}">'
        "<api_version>1.24.1</api_version>"
        "<timestamp>1800000000</timestamp><permissions>"
        '<permission name="perm_command">full_access</permission>'
        '<permission name="perm_backup">1</permission>'
        '<permission name="perm_ecm">0</permission>'
        "</permissions></api_information>"
    )


def test_a_token_is_requested_as_documented(script: Script, clock: Clock) -> None:
    granted = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}
    transport = script((TOKEN, answer(200, granted, set_cookie="ns_sl=abc; path=/")))
    token = BeyondTrust(beyondtrust(), transport, clock).request_token(None)
    (request,) = transport.sent
    assert request.headers["Authorization"] == BASIC
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant_type=client_credentials"
    assert not request.repeatable
    assert token == Token("tok-1", "Bearer", NOW + 3600)


def test_every_connection_is_to_be_closed() -> None:
    assert BeyondTrust.close_connections is True


@pytest.mark.parametrize("code", ["invalid_client", "invalid_credentials"])
def test_refused_credentials_name_the_lock_of_the_account(script: Script, code: str) -> None:
    reply = answer(401, {"error": code, "message": "Client authentication failed"})
    with pytest.raises(RefusedError, match="Client authentication failed") as caught:
        BeyondTrust(beyondtrust(), script((TOKEN, reply))).request_token(None)
    assert (caught.value.kind, caught.value.error, caught.value.retryable) == ("invalid_client", code, False)
    assert "lock" in str(caught.value)


# The test endpoint


def test_the_newer_api_tells_the_permissions(script: Script) -> None:
    permissions = {"perm_command": "read_only", "perm_configuration": True, "perm_reporting_session": 1}
    transport = script((INFO, answer(200, {"permissions": permissions, "product": "pra", "new_field": []})))
    verdict = BeyondTrust(beyondtrust(), transport).test_token(GOOD)
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"
    assert (verdict.outcome, verdict.token_valid, verdict.permitted) == ("valid", True, True)
    # perm_reporting_session is the Command API's name for what the account calls perm_reporting_support
    assert verdict.permissions == {
        "perm_command": "read_only",
        "perm_configuration": True,
        "perm_reporting_support": True,
    }
    assert verdict.permissions["perm_reporting_support"] is True
    assert verdict.reason == "accepted"


def test_permissions_without_a_name_or_a_value_are_no_obstacle(script: Script) -> None:
    body = (
        "<api_information><permissions><permission>1</permission><permission name='perm_backup'> 1 </permission>"
        "<permission name='perm_ecm'/></permissions></api_information>"
    )
    transport = script((INFO, answer(404, body="")), (XML_INFO, answer(200, body=body, content_type="text/xml")))
    verdict = BeyondTrust(beyondtrust(), transport).test_token(GOOD)
    assert verdict.permissions == {"perm_backup": True, "perm_ecm": None}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_release_without_it_is_asked_by_the_xml_api(script: Script, namespace: str) -> None:
    transport = script(
        (INFO, answer(404, body="")), (XML_INFO, answer(200, body=xml(namespace), content_type="text/xml"))
    )
    verdict = BeyondTrust(beyondtrust(), transport).test_token(GOOD)
    assert transport.sent[1].headers == {"Authorization": "Bearer tok-1", "Accept": "text/xml"}
    assert (verdict.outcome, verdict.endpoint) == ("valid", f"{SITE}/api/command")
    assert verdict.permissions == {"perm_command": "full_access", "perm_backup": True, "perm_ecm": False}


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("status", [200, 202])
def test_a_missing_permission_comes_as_an_xml_error_with_a_success_status(
    script: Script, namespace: str, status: int
) -> None:
    text = "The API client &quot;support&quot; does not have permission to use the Command API."
    reply = answer(status, body=f'<error xmlns="{namespace}">{text}</error>', content_type="text/xml")
    transport = script((INFO, answer(404, body="")), (XML_INFO, reply))
    verdict = BeyondTrust(beyondtrust(), transport).test_token(GOOD)
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "not_permitted")
    assert (verdict.token_valid, verdict.permitted) == (True, False)
    assert "does not have permission to use the Command API" in verdict.message


def test_any_other_xml_error_is_no_success(script: Script) -> None:
    reply = answer(
        200, body=f'<error xmlns="{NAMESPACES[1]}">The <b>database</b> is busy</error>', content_type="text/xml"
    )
    transport = script((INFO, answer(404, body="")), (XML_INFO, reply))
    verdict = BeyondTrust(beyondtrust(), transport).test_token(GOOD)
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "unhealthy", None)
    assert "The database is busy" in verdict.message


@pytest.mark.parametrize(
    ("reply", "told"),
    [(answer(200, {"error": "quota_exceeded"}), "quota_exceeded"), (answer(200, body="<error/>"), "no reason given")],
)
def test_an_error_without_words_is_told_by_its_code(script: Script, reply: t.Any, told: str) -> None:
    verdict = BeyondTrust(beyondtrust(), script((INFO, reply))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "unhealthy")
    assert verdict.message.endswith(f": {told}")


def test_a_server_in_trouble_rejects_no_token_whatever_it_says(script: Script) -> None:
    verdict = BeyondTrust(beyondtrust(), script((INFO, answer(500, DENIED)))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "unhealthy", None)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_the_documented_words_for_a_bad_token_count_whatever_the_status(script: Script, status: int) -> None:
    verdict = BeyondTrust(beyondtrust(), script((INFO, answer(status, DENIED)))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("invalid", "token_rejected", False)
    assert "denied the request" in verdict.message


def test_the_xml_api_rejects_a_token_in_json_too(script: Script) -> None:
    transport = script((INFO, answer(404, body="")), (XML_INFO, answer(401, DENIED)))
    assert BeyondTrust(beyondtrust(), transport).test_token(GOOD).outcome == "invalid"


@pytest.mark.parametrize(
    ("path", "permission", "other"),
    [
        (None, "Command API: Read Only", "Configuration API"),
        (
            "/api/config/v1/api-account",
            "permission Configuration API (https://support",
            "Command API",
        ),
        ("api/reporting", "permission Reporting API (", "Command API"),
        ("/api/command/v2/info", "permission Command API (", "Configuration API"),
        ("/elsewhere", "Check its permissions", "Command API"),
    ],
)
@pytest.mark.parametrize("denied", [answer(403, body=""), answer(200, body="<error>Permission denied</error>")])
def test_what_the_account_lacks_is_named_by_the_path_that_was_tested(
    script: Script, denied: HttpResponse, path: str | None, permission: str, other: str
) -> None:
    url = f"GET https://support.example.com/{path.lstrip('/')}" if path else INFO
    verdict = BeyondTrust(beyondtrust(test_path=path), script((url, denied))).test_token(GOOD)
    assert (verdict.reason, verdict.permitted) == ("not_permitted", False)
    assert permission in verdict.message
    assert other not in verdict.message
    assert re.search(r"\w, or accept this by fail_on: \[invalid\]\.$", verdict.message)


def test_403_is_about_the_account_and_not_the_token(script: Script) -> None:
    verdict = BeyondTrust(beyondtrust(), script((INFO, answer(403, body="")))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason) == ("indeterminate", "not_permitted")
    assert (verdict.token_valid, verdict.permitted) == (True, False)


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (401, "invalid", "token_rejected"),
        (429, "indeterminate", "rate_limited"),
        (500, "indeterminate", "unhealthy"),
        (503, "indeterminate", "unhealthy"),
    ],
)
def test_other_statuses_are_judged_alone(script: Script, status: int, outcome: str, reason: str) -> None:
    verdict = BeyondTrust(beyondtrust(), script((INFO, answer(status, body="")))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<!DOCTYPE html><html><title>Sign in</title></html>", "text/html"),
        ("{}", "application/json"),
        ("[]", "application/json"),
        ("", "application/json"),
        ("<nothing/>", "text/xml"),
        ("<api_information><permissions>", "text/xml"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><api_information><permission name="p">&b;</permission></api_information>',
            "text/xml",
        ),
    ],
)
def test_a_success_without_permissions_proves_nothing(script: Script, body: str, content_type: str) -> None:
    reply = answer(200, body=body, content_type=content_type)
    verdict = BeyondTrust(beyondtrust(), script((INFO, reply))).test_token(GOOD)
    assert (verdict.outcome, verdict.reason, verdict.token_valid) == ("indeterminate", "unexpected_answer", None)


def test_another_read_can_be_the_test(script: Script) -> None:
    transport = script((f"GET {SITE}/api/config/v1/api-account?per_page=5", answer(200, [])))
    account = beyondtrust(test_path="/api/config/v1/api-account?per_page=5")
    verdict = BeyondTrust(account, transport).test_token(GOOD)
    assert (verdict.outcome, verdict.permissions) == ("valid", None)
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"


# The list of accounts


def listed(number: int, **changes: t.Any) -> dict[str, t.Any]:
    return {"id": number, "name": f"account {number}", "client_id": f"client-{number}", "enabled": True, **changes}


def link(url: str, relation: str = "next") -> str:
    return f'<{SITE}/api/config/v1/api-account?current_page=1>; rel="first", <{url}>; rel="{relation}"'


def test_the_account_is_found_on_a_later_page(script: Script) -> None:
    insecure = "http://support.example.com/api/config/v1/api-account?per_page=100&current_page=2"
    transport = script(
        (f"{ACCOUNTS}1", answer(200, [listed(7)], link=link(insecure))),
        (f"{ACCOUNTS}2", answer(200, [listed(1)], link=link(f"{SITE}/x", "previous"))),
    )
    listing = BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=True)
    assert listing is not None
    assert listing.found == listed(1)
    assert [request.headers["Authorization"] for request in transport.sent] == ["Bearer tok-1"] * 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.net/api/config/v1/api-account",
        "//evil.example.net/x",
        "https://support.example.com@evil.example.net/x",
        "https://support.example.com.evil.example.net/x",
    ],
)
def test_no_other_host_ever_gets_the_token(script: Script, url: str) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [listed(7)], link=link(url))))
    with pytest.raises(TransportError) as caught:
        BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=False)
    assert (caught.value.kind, caught.value.retryable) == ("redirect", False)


@pytest.mark.parametrize(
    "url", ["/api/config/v1/api-account?per_page=100&current_page=2", "?per_page=100&current_page=2"]
)
def test_a_relative_link_is_followed_on_the_same_server(script: Script, url: str) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [], link=link(url))), (f"{ACCOUNTS}2", answer(200, [listed(1)])))
    listing = BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=True)
    assert listing is not None
    assert listing.found == listed(1)


def test_pages_without_end_are_an_error(script: Script) -> None:
    again = link(f"{SITE}/api/config/v1/api-account?per_page=100&current_page=1")
    transport = script(*[(f"{ACCOUNTS}1", answer(200, [], link=again))] * 100)
    with pytest.raises(MalformedAnswerError, match="pages"):
        BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=True)


def test_the_account_is_found_by_client_id_in_any_case(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [listed(2), listed(9, client_id="ABC")])))
    listing = BeyondTrust(beyondtrust(client_id="abc"), transport).read_account(GOOD, own=True)
    assert listing is not None
    assert listing.found == listed(9, client_id="ABC")


def test_without_a_client_id_the_account_is_found_by_name_in_any_case(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [listed(2), listed(3, name="Support")])))
    listing = BeyondTrust(beyondtrust(client_id=None), transport).read_account(GOOD, own=False)
    assert listing is not None
    assert listing.found == listed(3, name="Support")


@pytest.mark.parametrize("name", ["support", "None"])
def test_an_account_that_is_listed_without_a_name_or_an_id_is_nobodys(script: Script, name: str) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [{"enabled": True}])))
    listing = BeyondTrust(beyondtrust(client_id=None, name=name), transport).read_account(GOOD, own=False)
    assert listing is not None
    assert listing.found is None


def test_an_id_that_is_not_listed_is_not_found_as_none(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [{"name": "account 1"}])))
    listing = BeyondTrust(beyondtrust(client_id="None"), transport).read_account(GOOD, own=False)
    assert listing is not None
    assert listing.found is None


def test_a_name_is_no_proof_where_the_client_id_differs(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(200, [listed(2, name="support")])))
    listing = BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=True)
    assert listing is not None
    assert listing.found is None


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_account_that_may_not_list_is_read_by_its_own_permissions(script: Script, status: int) -> None:
    transport = script(
        (f"{ACCOUNTS}1", answer(status, body="")), (INFO, answer(200, {"permissions": {"perm_command": "read_only"}}))
    )
    listing = BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=True)
    assert listing is not None
    assert (listing.source, listing.found) == ("get_api_info", {"perm_command": "read_only"})
    assert [request.headers["Authorization"] for request in transport.sent] == ["Bearer tok-1"] * 2


def test_a_list_that_knows_no_such_parameter_is_none(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(401, {"error": "invalid_parameter", "message": "per_page"})))
    assert BeyondTrust(beyondtrust(), transport).list_accounts(GOOD, None) is None


def test_a_token_that_may_not_be_used_for_the_list_is_an_error_of_its_own(script: Script) -> None:
    with pytest.raises(AccessError, match="did not accept the token") as caught:
        BeyondTrust(beyondtrust(), script((f"{ACCOUNTS}1", answer(401, DENIED)))).list_accounts(GOOD, None)
    assert (caught.value.kind, caught.value.status) == ("token_rejected", 401)


def test_a_list_that_is_refused_for_another_reason_says_so(script: Script) -> None:
    with pytest.raises(RefusedError) as caught:
        BeyondTrust(beyondtrust(), script((f"{ACCOUNTS}1", answer(400, body="")))).list_accounts(GOOD, None)
    where = f"The list of API accounts at {SITE}/api/config/v1/api-account"
    assert str(caught.value).strip() == f"{where} was refused (status 400)."


def test_a_list_is_a_read_that_may_be_repeated_and_has_no_names_that_are_none(script: Script) -> None:
    odd = {"name": "a", "": 1, "Name": 1, "na me": 1, "client-id": 1, "x" * 65: 1, "1st": 1, "x" * 64: 1, "perm_2": 1}
    transport = script((f"{ACCOUNTS}1", answer(200, [odd])))
    assert BeyondTrust(beyondtrust(), transport).list_accounts(GOOD, None) == [{"name": "a", "x" * 64: 1, "perm_2": 1}]
    assert transport.sent[0].repeatable


def test_a_manager_that_may_not_list_tells_nothing(script: Script) -> None:
    transport = script((f"{ACCOUNTS}1", answer(403, body="")))
    assert BeyondTrust(beyondtrust(), transport).read_account(GOOD, own=False) is None


def test_a_server_in_trouble_is_not_an_empty_list(script: Script) -> None:
    with pytest.raises(ServerError):
        BeyondTrust(beyondtrust(), script((f"{ACCOUNTS}1", answer(500, body="")))).read_account(GOOD, own=True)


@pytest.mark.parametrize("document", [{"accounts": []}, ["client-1"], "client-1", 7])
def test_what_is_no_list_of_accounts_is_an_error(script: Script, document: t.Any) -> None:
    with pytest.raises(MalformedAnswerError, match=f"^{SITE}/api/config/v1/api-account answered"):
        BeyondTrust(beyondtrust(), script((f"{ACCOUNTS}1", answer(200, document)))).read_account(GOOD, own=True)


# Calls of the user's own


@pytest.mark.parametrize(
    ("method", "path", "query", "safe"),
    [
        ("GET", "/api/command?action=get_api_info", {}, True),
        ("GET", "/api/command", {"action": "check_health"}, True),
        ("GET", "api/command/", {"action": "get_api_info"}, True),
        ("GET", "/api/command?action=terminate_session&lsid=1", {}, False),
        ("GET", "/api/command/?action=terminate_session", {}, False),
        ("GET", "//api/command?action=terminate_session", {}, False),
        ("GET", "/api/command", {"action": "set_session_attributes"}, False),
        ("GET", "/api/command", {"action": ["get_api_info", "terminate_session"]}, False),
        ("GET", "/api/command?action=get_api_info", {"action": "terminate_session"}, False),
        ("GET", "/api/command?action=get_api_info&action=terminate_session", {}, False),
        ("GET", "/api/command?action=%74erminate_session", {}, False),
        ("GET", "/api/command/v2/info", {}, True),
        ("GET", "/api/config/v1/vendor?action=terminate_session", {}, True),
        ("GET", "/api/backup", {}, True),
        ("GET", "/X/api/command?action=terminate_session", {}, True),
        ("GET", "X/api/command?action=terminate_session", {}, True),
        ("POST", "/api/command?action=get_api_info", {}, False),
        ("DELETE", "/api/config/v1/vendor/1", {}, False),
    ],
)
def test_the_xml_api_acts_by_get_and_its_reads_are_known_by_name(
    method: str, path: str, query: dict[str, t.Any], safe: bool
) -> None:
    assert BeyondTrust.is_safe(method, path, query) is safe


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/command", "text/xml, */*;q=0.5"),
        ("api/command/?action=get_api_info", "text/xml, */*;q=0.5"),
        ("/api/command/v2/info", "application/json"),
        ("api/config/v1/vendor", "application/json"),
        ("/api/backup", "*/*"),
        ("/api/reporting?report=X", "*/*"),
        ("/X/api/command/X", "*/*"),
        ("X/api/command", "*/*"),
    ],
)
def test_each_api_is_asked_for_what_it_has(script: Script, path: str, wanted: str) -> None:
    assert BeyondTrust(beyondtrust(), script()).request_headers(path) == {"Accept": wanted}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_an_xml_error_is_stated_whatever_its_namespace(script: Script, namespace: str) -> None:
    provider = BeyondTrust(beyondtrust(), script())
    error = answer(200, body=f'<error xmlns="{namespace}">\n The <b>database</b> is busy </error>')
    assert provider.stated_error(error) == "The database is busy"
    assert provider.stated_error(answer(200, body=xml(namespace))) is None


@pytest.mark.parametrize(
    ("reply", "rejected", "proof"),
    [
        (answer(401, DENIED), True, True),
        (answer(403, DENIED), True, True),
        (answer(401, body=""), True, False),
        (answer(401, body="", www_authenticate='Bearer error="invalid_token"'), True, True),
        (answer(401, {"error": "invalid_parameter", "message": "nam"}), False, False),
        (answer(403, body=""), False, False),
        (answer(200, {}), False, False),
    ],
)
def test_a_rejected_token_is_told_from_an_unknown_parameter(
    script: Script, reply: t.Any, rejected: bool, proof: bool
) -> None:
    provider = BeyondTrust(beyondtrust(), script())
    assert (provider.rejects_token(reply), provider.has_not_acted(reply)) == (rejected, proof)


@pytest.mark.parametrize("path", ["/api/config/v1/vendor", "api/config", "/api/config/"])
def test_the_permission_for_a_path_is_named_with_its_page(script: Script, path: str) -> None:
    remedy = BeyondTrust(beyondtrust(), script()).permission_remedy(path)
    assert "Configuration API" in remedy
    assert f"{SITE}/login/api_account" in remedy


@pytest.mark.parametrize("path", ["/api/other", "/", "/XX/api/config"])
def test_a_path_that_belongs_to_no_permission_gets_the_general_remedy(script: Script, path: str) -> None:
    remedy = BeyondTrust(beyondtrust(), script()).permission_remedy(path)
    assert "permission Configuration API" not in remedy
    assert "Check its permissions" in remedy


# What all providers share: the server's words, and links to the next page


@pytest.mark.parametrize(
    ("document", "code", "text"),
    [
        ({"error": "a", "error_description": "b"}, "a", "b"),
        ({"error": "a", "message": "b"}, "a", "b"),
        ({"errors": [{"detail": "a"}, {"title": "b"}, "c", {}]}, None, "a; b"),
        ({"message": "m", "errors": []}, None, "m"),
        (
            {"message": "m", "errors": {"name": ["is short", "is bad"], "id": "is 7"}},
            None,
            "m; name: is short is bad; id: is 7",
        ),
        ({"errors": {"name": 7}}, None, "name: 7"),
        ({"errors": {}}, None, None),
        ({"error": {"code": 7}}, None, None),
        ([], None, None),
    ],
)
def test_the_servers_words_are_found(script: Script, document: t.Any, code: str | None, text: str | None) -> None:
    assert BeyondTrust(beyondtrust(), script()).words_of(answer(422, document)) == (code, text)


@pytest.mark.parametrize("errors", [[{"detail": "not s3cret-value"}], {"s3cret-value": ["s3cret-value"]}])
def test_the_servers_words_show_no_secret(script: Script, errors: t.Any) -> None:
    _code, text = BeyondTrust(beyondtrust(), script()).words_of(answer(422, {"errors": errors}))
    assert "s3cret" not in str(text)
    assert "********" in str(text)


HERE = f"{SITE}:8443/base/list?page=1"


def following(link: str) -> str | None:
    return next_link(dataclasses.replace(answer(200, [], link=link), url=HERE))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("", None),
        ("</list?page=2>", None),
        ('</a>; rel="prev"', None),
        ('</a>; rel="next"', "/a"),
        ("</a>;rel=next", "/a"),
        ('</a>; rel="prev next"', "/a"),
        ('</a>; REL="Next"', "/a"),
        ('</a>; rel = "next"', "/a"),
        ('</a>; title="t"; rel="next"', "/a"),
        ('</a>; rel="prev", </b>; rel="next", </c>; rel="last"', "/b"),
        ('</a?x=1,2;3>; rel="prev", </b?x=1,2;3>; rel="next"', "/b?x=1,2;3"),
        ('</a>; rel="next-archive"', None),
        ('</a>; rel="nextish"', None),
        ('</a>; rel="nextX"', None),
        ('</a>; rev="next"', None),
        ('</a>; title="rel=next"; rel="last"', None),
        ("<?page=2>; rel=next", "/base/list?page=2"),
        ("<other?page=2>; rel=next", "/base/other?page=2"),
        ("<http://support.example.com/a?b>; rel=next", "/a?b"),
        ("<https://SUPPORT.example.com:1/a>; rel=next", "/a"),
        (f"<{SITE}/a#part>; rel=next", "/a"),
    ],
)
def test_the_next_page_is_found_among_links_and_stays_at_its_server(link: str, url: str | None) -> None:
    assert following(link) == (None if url is None else f"{SITE}:8443{url}")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example.com/a", "//evil.example.com/a", "https://support.example.com.evil.com/", "https://[::1/"],
)
def test_a_next_page_at_another_host_is_not_asked(target: str) -> None:
    with pytest.raises(TransportError) as caught:
        following(f"<{target}>; rel=next")
    assert (caught.value.kind, caught.value.retryable) == ("redirect", False)
    assert "evil" not in str(caught.value)
