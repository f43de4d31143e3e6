# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import socket
import stat
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import API_REQUEST_SPEC
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    MalformedAnswerError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._operations import api_request
from ansible_collections.apiops.access.plugins.module_utils._operations.api_request import (
    ApiAnswer,
    ApiCall,
    answer_from,
    api_call,
    exchange,
    is_safe,
    rate_notice,
    result_of,
)
from ansible_collections.apiops.access.plugins.modules import api_request as module
from ansible_collections.apiops.access.tests.unit.loopback import CLOSE, Loopback, reply
from ansible_collections.apiops.access.tests.unit.scripted import (
    SECRET,
    Script,
    answer,
    beyondtrust,
    body_of,
    cimcloud,
    jim2,
    rimo3,
)

SITE = "https://support.example.com"
RIMO3 = "https://rimo3cloud.com"
TOKEN = Token("tok-1")
DENIED = {"error": "access_denied", "message": "The resource owner or authorization server denied the request."}
XML_ERROR = '<error xmlns="https://www.beyondtrust.com/namespaces/API/command">The database is busy</error>'


def params(**given: t.Any) -> dict[str, t.Any]:
    """Options as they are after their validation."""
    return {**{name: option.get("default") for name, option in API_REQUEST_SPEC.items()}, "path": "/x", **given}


def called(vendor: Script, reply: t.Any, account: Account | None = None, **given: t.Any) -> ApiAnswer:
    """The judged answer to one call of BeyondTrust, unless another account is given."""
    account = account or beyondtrust()
    call = api_call(params(**given))
    vendor((f"{call.method} {account.base_url}/x", reply))
    return exchange(account, TOKEN, call)


# Calls that are refused before anything is sent


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.com/x",
        "http://support.example.com/api",
        "//evil.example.com://x",
        "/x#part",
        "/x?a=1#part",
        "/a b",
        "/x?a=b c",
        "/x\r\nHost: evil",
        "/x\ty",
        "/x\x00",
        " ",
    ],
)
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="path must be"):
        api_call(params(path=path))


@pytest.mark.parametrize("path", ["/x?next=https://a.example.com/b", "x", "/x%20y", "/x/?a=1&a=2", "/übung", "/x:1"])
def test_a_path_with_a_query_is_taken(path: str) -> None:
    assert api_call(params(path=path)).path == path


OWN_HEADERS = ["Authorization", "Proxy-Authorization", "Cookie", "Host", "Connection", "Content-Length"]


@pytest.mark.parametrize("name", [*OWN_HEADERS, "Transfer-Encoding"])
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_a_header_of_the_modules_own_is_refused_whatever_its_case(name: str, change: t.Callable[[str], str]) -> None:
    with pytest.raises(ConfigurationError, match=change(name)) as caught:
        api_call(params(headers={change(name): "header-s3cret"}))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-B: s3cret"},
        {"X-A": "s3cret\n"},
        {"X-A": "s3cret\x00"},
        {"X-A": "s3crèt"},
        {"X-A\r\nX-B": "s3cret"},
        {"X A": "s3cret"},
        {"X-A:": "s3cret"},
        {"": "s3cret"},
        {"Authorization ": "s3cret"},
    ],
)
def test_a_header_that_http_cannot_carry_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        api_call(params(headers=headers))
    assert "s3c" not in str(caught.value)


def test_headers_are_text_whatever_they_were() -> None:
    assert api_call(params(headers={"X-Number": 1, "If-Match": '"ü"'.encode("ascii", "ignore").decode()})).headers == {
        "X-Number": "1",
        "If-Match": '""',
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"src": "/file", "body": {"a": 1}}, "src and body"),
        ({"dest": "/file", "paginate": True}, "dest"),
        ({"dest": "/file", "method": "HEAD"}, "dest"),
        ({"paginate": True, "method": "POST"}, "method: GET"),
        ({"dest": "/file", "checksum": "2c26b46b68ffc68ff99b453c1d30413422d706483bfa0f98a5e886266e7ae"}, "ALGORITHM"),
        ({"dest": "/file", "checksum": "crc32:2c26b46b68ffc68ff99b453c1d304134"}, "ALGORITHM"),
        ({"dest": "/file", "checksum": "sha256:"}, "ALGORITHM"),
        ({"dest": "/file", "checksum": "sha256:https://example.com/SHA256SUMS"}, "ALGORITHM"),
        ({"dest": "/file", "checksum": "sha256:" + "g" * 64}, "ALGORITHM"),
        ({"checksum": "md5:" + "0" * 32}, "for dest"),
        ({"mode": "0600"}, "for dest"),
        ({"owner": "root"}, "for dest"),
        ({"group": "root"}, "for dest"),
    ],
)
def test_options_that_contradict_each_other_are_refused(given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        api_call(params(**given))


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha384", "sha512"])
def test_a_checksum_of_each_kind_is_taken(name: str) -> None:
    checksum = f"{name}:{hashlib.new(name, b'').hexdigest()}"
    assert api_call(params(dest="/file", checksum=checksum)).checksum == checksum


def test_a_call_that_goes_to_a_host_is_the_same_there() -> None:
    given = {
        "method": "PUT",
        "query": {"a": [1, True]},
        "headers": {"X-A": "1"},
        "body": {"b": None},
        "read_only": False,
        "status_code": [200, 409],
        "dest": "/file",
        "mode": 0o640,
        "backup": True,
    }
    call = api_call(params(**given))
    shipped = json.loads(json.dumps(call.to_options()))
    assert api_call(params(**shipped)) == call
    assert set(shipped) <= set(API_REQUEST_SPEC)


# What is sent


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/x", {}, f"{SITE}/x"),
        ("x", {"a": "1"}, f"{SITE}/x?a=1"),
        ("//x", {}, f"{SITE}/x"),
        ("/x?a=%20&b", {}, f"{SITE}/x?a=%20&b"),
        ("/x?a=1", {"b": ["2", 3], "c": True, "d": False, "e": None}, f"{SITE}/x?a=1&b=2&b=3&c=true&d=false&e="),
        ("/x", {"a b": "&=#?/ü +", "n": 0}, f"{SITE}/x?a+b=%26%3D%23%3F%2F%C3%BC+%2B&n=0"),
        ("/x?", {"a": "1"}, f"{SITE}/x?a=1"),
        ("/x", {"a": []}, f"{SITE}/x"),
    ],
)
def test_the_query_of_the_path_and_the_options_come_together(
    vendor: Script, path: str, query: dict[str, t.Any], url: str
) -> None:
    vendor((f"GET {url}", answer(200, {})))
    assert exchange(beyondtrust(), TOKEN, api_call(params(path=path, query=query))).url == f"{SITE}/x"


def test_a_path_is_below_the_path_of_base_url(vendor: Script) -> None:
    vendor(("GET https://jim2.example.com/Jim_Live/api/v1/jobs", answer(200, {})))
    assert not exchange(jim2(), TOKEN, api_call(params(path="/api/v1/jobs"))).error


def test_a_path_is_below_the_site_of_cimcloud(vendor: Script) -> None:
    vendor(("GET https://api.cimcloud.com/acme/orders/1", answer(200, [])))
    assert not exchange(cimcloud(), TOKEN, api_call(params(path="/orders/1"))).error


@pytest.mark.parametrize(
    ("account", "path", "accept"),
    [
        (rimo3(), "/x", "application/json, */*;q=0.5"),
        (beyondtrust(), "/api/command?action=get_api_info", "text/xml, */*;q=0.5"),
        (beyondtrust(), "api/command/?action=get_api_info", "text/xml, */*;q=0.5"),
        (beyondtrust(), "/api/config/v1/vendor", "application/json"),
        (beyondtrust(), "/api/command/v2/info", "application/json"),
        (beyondtrust(), "/api/backup", "*/*"),
    ],
)
def test_the_vendor_is_asked_for_what_it_has(vendor: Script, account: Account, path: str, accept: str) -> None:
    transport = vendor((f"GET {account.base_url}/{path.lstrip('/')}", answer(200, {})))
    exchange(account, TOKEN, api_call(params(path=path)))
    assert transport.sent[0].headers == {"Accept": accept, "Authorization": "Bearer tok-1"}


@pytest.mark.parametrize("names", [("Accept", "Content-Type"), ("accept", "content-type"), ("ACCEPT", "CONTENT-TYPE")])
def test_a_header_of_the_user_takes_the_place_of_the_usual_one(vendor: Script, names: tuple[str, str]) -> None:
    transport = vendor((f"POST {RIMO3}/x", answer(200, {})))
    headers = {names[0]: "text/csv", names[1]: "application/merge-patch+json", "X-More": "1"}
    exchange(rimo3(), TOKEN, api_call(params(method="POST", body={"a": 1}, headers=headers)))
    assert transport.sent[0].headers == {**headers, "Authorization": "Bearer tok-1"}
    assert json.loads(body_of(transport.sent[0])) == {"a": 1}


def test_the_type_of_a_body_is_told(vendor: Script) -> None:
    transport = vendor((f"POST {RIMO3}/x", answer(200, {})))
    exchange(rimo3(), TOKEN, api_call(params(method="POST", body={"a": 1}, body_format="form")))
    assert transport.sent[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("method", "read_only", "repeatable"),
    [
        ("GET", None, True),
        ("HEAD", None, True),
        ("OPTIONS", None, True),
        ("POST", None, False),
        ("PUT", None, False),
        ("PATCH", None, False),
        ("DELETE", None, False),
        ("POST", True, True),
        ("GET", False, False),
    ],
)
def test_a_call_may_be_repeated_where_it_changes_nothing(
    vendor: Script, method: str, read_only: bool | None, repeatable: bool
) -> None:
    transport = vendor((f"{method} {RIMO3}/x", answer(200, {})))
    call = api_call(params(method=method, read_only=read_only))
    exchange(rimo3(), TOKEN, call)
    assert transport.sent[0].repeatable is repeatable
    assert is_safe(rimo3(), call) is repeatable


def test_an_answer_of_some_size_is_taken_into_memory(vendor: Script) -> None:
    transport = vendor((f"GET {RIMO3}/x", answer(200, {})))
    exchange(rimo3(), TOKEN, api_call(params()))
    assert transport.sent[0].limit == 64 * 1024 * 1024


# Answers


def test_json_is_returned_as_data(vendor: Script) -> None:
    found = called(vendor, answer(200, {"a": [1]}, x_kind="test"))
    assert (found.status, found.document, found.xml, found.content, found.error) == (200, {"a": [1]}, None, None, None)
    assert found.headers["x-kind"] == "test"
    assert found.elapsed_ms == 7


def test_json_without_its_type_is_found(vendor: Script) -> None:
    assert called(vendor, answer(200, body='  {"a": 1}', content_type="text/plain")).document == {"a": 1}


def test_text_that_begins_like_json_is_text(vendor: Script) -> None:
    found = called(vendor, answer(200, body="[1] is a note", content_type="text/plain"))
    assert (found.document, found.content, found.error) == (None, "[1] is a note", None)


def test_xml_is_returned_as_data_by_the_name_of_its_root(vendor: Script) -> None:
    found = called(vendor, answer(200, body='<h:up xmlns:h="urn:1"><ok>1</ok></h:up>', content_type="text/xml"))
    assert (found.document, found.xml, found.content) == (None, {"up": {"ok": "1"}}, None)


@pytest.mark.parametrize(("body", "kind"), [('{"a": 1}', "application/json"), ("<a/>", "text/xml")])
def test_the_text_can_be_returned_too(vendor: Script, body: str, kind: str) -> None:
    assert called(vendor, answer(200, body=body, content_type=kind), return_content=True).content == body


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", "ü".encode(), "ü"),
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ü"),
        ('text/plain; charset="utf-16"', "ü".encode("utf-16"), "ü"),
        ("application/octet-stream", b"\xff\xfe\x00", None),
        ("text/plain; charset=no-such", b"a", None),
        ("text/plain; charset=base64", b"a", None),
        ("text/plain; charset=undefined", b"a", None),
        ("text/plain; charset=idna", b"xn--\xff..a", None),
        ("text/plain", b"", ""),
    ],
)
def test_text_is_read_by_its_charset_and_bytes_are_no_text(
    vendor: Script, kind: str, body: bytes, text: str | None
) -> None:
    found = called(vendor, answer(200, body=body, content_type=kind))
    assert (found.content, found.error) == (text, None)


def test_a_web_page_is_no_json(vendor: Script) -> None:
    page = "<html><body>Sign in</body></html>"
    found = called(vendor, answer(200, body=page, content_type="text/html"))
    assert (found.document, found.xml, found.content) == (None, None, page)


@pytest.mark.parametrize("body", ['{"a": ', "<html>Sign in</html>", "[" * 100_000])
def test_an_answer_that_calls_itself_json_and_is_none_is_an_error(vendor: Script, body: str) -> None:
    with pytest.raises(MalformedAnswerError):
        called(vendor, answer(200, body=body, content_type="application/json"))


def test_an_error_that_calls_itself_json_and_is_none_keeps_its_status(vendor: Script) -> None:
    found = called(vendor, answer(502, body='{"a": ', content_type="application/json"))
    assert (found.status, found.kind, found.content) == (502, "server_error", '{"a": ')


def test_xml_that_is_too_deep_to_be_data_is_no_internal_error(vendor: Script) -> None:
    body = "<a>" * 20_000 + "</a>" * 20_000
    try:
        found = called(vendor, answer(200, body=body, content_type="text/xml"))
    except AccessError:
        return
    assert found.xml is None


def test_headers_that_open_something_are_left_out(vendor: Script) -> None:
    given = {"set_cookie": "a", "set_cookie2": "b", "authorization": "c", "proxy_authorization": "d", "etag": "e"}
    assert called(vendor, answer(200, {}, **given)).headers == {"etag": "e", "content-type": "application/json"}


@pytest.mark.parametrize(("status", "queued"), [(202, True), (200, False), (204, False)])
def test_an_answer_says_whether_the_call_was_queued(vendor: Script, status: int, queued: bool) -> None:
    found = called(vendor, answer(status, {"requestNumber": 7}))
    assert (found.error, result_of(found)["queued"]) == (None, queued)


def test_a_rate_is_passed_on(vendor: Script) -> None:
    found = called(vendor, answer(200, {}, x_ratelimit_remaining="3", x_ratelimit_reset="60"))
    notice = rate_notice(answer_from(found.to_text()))
    assert notice is not None
    assert (notice.remaining, notice.reset) == (3, 60.0)


# Judgements


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226])
def test_every_status_of_success_is_one(vendor: Script, status: int) -> None:
    assert called(vendor, answer(status)).error is None


@pytest.mark.parametrize(
    ("status", "wanted", "kind"),
    [
        (200, [201], "unexpected_status"),
        (201, [201], None),
        (404, [200, 404], None),
        (401, [401], None),
        (500, [500], None),
        (404, [200], "not_found"),
    ],
)
def test_the_user_says_which_status_is_a_success(
    vendor: Script, status: int, wanted: list[int], kind: str | None
) -> None:
    found = called(vendor, answer(status, {}), status_code=wanted)
    assert (found.kind, found.error is None, found.rejected) == (kind, kind is None, False)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, "refused", "Check path, query and body"),
        (404, "not_found", "Check path and base_url"),
        (409, "refused", "status 409"),
        (429, "rate_limited", "Try again later"),
        (500, "server_error", "Try again later"),
        (503, "server_error", "status 503"),
    ],
)
def test_an_error_says_what_to_do(vendor: Script, status: int, kind: str, words: str) -> None:
    found = called(vendor, answer(status, {}))
    assert found.kind == kind
    assert found.error is not None
    assert found.error.startswith(f"GET {SITE}/x was answered with status {status}.")
    assert words in found.error
    assert (found.rejected, found.acted) == (False, True)


def test_a_rate_limit_says_for_how_long(vendor: Script) -> None:
    found = called(vendor, answer(429, {}, retry_after="90"))
    assert found.retry_after == 90
    assert "Try again in 90 s" in str(found.error)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"error": "bad_thing", "message": "No such thing"}, "(bad_thing: No such thing)"),
        ({"errors": [{"title": "Not valid", "detail": "Name is missing"}, {"title": "Second"}]}, "Name is missing"),
        ({"message": "Not valid.", "errors": {"name": ["is missing", "is short"], "id": "7"}}, "name: is missing is"),
        ([], "status 422. "),
    ],
)
def test_the_servers_own_words_are_told(vendor: Script, document: t.Any, words: str) -> None:
    found = called(vendor, answer(422, document), method="POST")
    assert words in str(found.error)
    assert found.document == document


def test_the_servers_words_show_no_secret_and_no_control_character(vendor: Script) -> None:
    found = called(vendor, answer(400, {"error": "a\x1b[31m", "message": f"not {SECRET}\n"}))
    assert SECRET not in str(found.error)
    assert "\x1b" not in str(found.error)
    assert str(found.error).isprintable()


@pytest.mark.parametrize("status", [200, 202])
def test_beyondtrusts_xml_error_is_one_whatever_the_status(vendor: Script, status: int) -> None:
    found = called(vendor, answer(status, body=XML_ERROR, content_type="text/xml"))
    assert found.kind == "api_error"
    assert "(The database is busy)" in str(found.error)
    assert found.xml is not None


def test_a_status_list_makes_no_success_of_beyondtrusts_xml_error(vendor: Script) -> None:
    reply = answer(200, body=XML_ERROR, content_type="text/xml")
    assert called(vendor, reply, status_code=[200]).kind == "api_error"


def test_an_xml_error_of_another_vendor_is_its_own_matter(vendor: Script) -> None:
    assert called(vendor, answer(200, body=XML_ERROR, content_type="text/xml"), rimo3()).error is None


@pytest.mark.parametrize(
    ("account", "reply", "rejected", "acted"),
    [
        (beyondtrust(), answer(401, DENIED), True, False),
        (beyondtrust(), answer(400, DENIED), True, False),
        (beyondtrust(), answer(401, {"error": "Unknown parameter: nam"}), False, True),
        (beyondtrust(), answer(401, body=""), True, True),
        (rimo3(), answer(401, body=""), True, True),
        (rimo3(), answer(401, body="", www_authenticate='Bearer error="invalid_token"'), True, False),
        (rimo3(), answer(403, body="", www_authenticate='Bearer error="insufficient_scope"'), False, True),
        (rimo3(), answer(200, body="", www_authenticate='Bearer error="invalid_token"'), False, True),
    ],
)
def test_a_rejected_token_is_told_from_all_else(
    vendor: Script, account: Account, reply: t.Any, rejected: bool, acted: bool
) -> None:
    found = called(vendor, reply, account, method="POST")
    assert (found.rejected, found.acted) == (rejected, acted)
    assert (found.kind == "token_rejected") is rejected


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/api/config/v1/vendor", "Configuration API"),
        ("api/command?action=check_health", "Command API"),
        ("/api/backup", "Backup API"),
        ("/api/reporting", "Reporting API"),
    ],
)
def test_a_missing_permission_is_named(vendor: Script, path: str, permission: str) -> None:
    vendor((f"GET {SITE}/{path.lstrip('/')}", answer(403, {})))
    found = exchange(beyondtrust(), TOKEN, api_call(params(path=path)))
    assert found.kind == "not_permitted"
    assert f"the permission {permission} ({SITE}/login/api_account)" in str(found.error)


def test_a_missing_permission_of_no_name_is_told(vendor: Script) -> None:
    assert "Check its permissions" in str(called(vendor, answer(403, {}), rimo3()).error)


# Pages


def test_the_next_page_is_a_path_below_base_url(vendor: Script) -> None:
    link = '</Jim_Live/x?page=2>; rel="next"'
    assert called(vendor, answer(200, [], link=link), jim2(), paginate=True).next_path == "x?page=2"


def test_no_next_page_is_looked_for_unless_it_is_wanted(vendor: Script) -> None:
    assert called(vendor, answer(200, [], link="<https://evil.example.com/>; rel=next")).next_path is None


@pytest.mark.parametrize("link", ["/other?page=2", "https://evil.example.com/Jim_Live/x?page=2", "/Jim_Live2/x"])
def test_a_next_page_elsewhere_is_not_asked(vendor: Script, link: str) -> None:
    with pytest.raises(TransportError, match="not asked"):
        called(vendor, answer(200, [], link=f'<{link}>; rel="next"'), jim2(), paginate=True)


@pytest.mark.parametrize("link", ["/Jim_Live/../other", "/Jim_Live/a/../../other?page=2"])
def test_a_next_page_cannot_climb_out_of_base_url(vendor: Script, link: str) -> None:
    with pytest.raises(TransportError, match="not asked"):
        called(vendor, answer(200, [], link=f'<{link}>; rel="next"'), jim2(), paginate=True)


# Files


@pytest.fixture
def serve() -> Iterator[t.Callable[..., Loopback]]:
    servers: list[Loopback] = []

    def start(*replies: bytes) -> Loopback:
        servers.append(Loopback(replies))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


Serve = t.Callable[..., Loopback]
NEW, OLD = b"new content " + secrets.token_bytes(100_000), b"old content"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for downloads, in which nothing is to be left that does not belong there."""
    made = tmp_path / "downloads"
    made.mkdir()
    return made


def download(server: Loopback, dest: Path, *, check_mode: bool = False, **given: t.Any) -> ApiAnswer:
    transport = TransportOptions(timeout=5, retries=0)
    maker = given.pop("account", rimo3)
    call = api_call(params(dest=str(dest), **given), check_mode=check_mode)
    return exchange(maker(base_url=server.url, transport=transport), TOKEN, call)


def file_of(found: ApiAnswer) -> t.Mapping[str, t.Any]:
    assert found.error is None
    assert found.file is not None
    return found.file


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_answer_is_written_to_its_file(serve: Serve, folder: Path) -> None:
    found = download(serve(reply(200, NEW)), folder / "file")
    assert (folder / "file").read_bytes() == NEW
    assert dict(file_of(found)) == {
        "dest": str(folder / "file"),
        "checksum": hashlib.sha256(NEW).hexdigest(),
        "checksum_before": None,
        "size": len(NEW),
        "changed": True,
    }
    assert names(folder) == ["file"]
    assert mode_of(folder / "file") == 0o600
    assert set(result_of(found)) >= {"dest", "checksum", "size"}
    assert not {"changed", "checksum_before", "backup_file"} & set(result_of(found))


def test_a_file_is_put_into_its_place_whole(serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[str, bytes, bytes]] = []
    usual = os.replace

    def noting(source: str, target: str) -> None:
        moved.append((os.path.dirname(source), Path(source).read_bytes(), Path(target).read_bytes()))
        usual(source, target)

    monkeypatch.setattr(os, "replace", noting)
    (folder / "file").write_bytes(OLD)
    download(serve(reply(200, NEW)), folder / "file")
    assert moved == [(str(folder), NEW, OLD)]


def test_a_file_that_has_the_content_is_left_alone(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(NEW)
    before = (folder / "file").stat()
    assert file_of(download(serve(reply(200, NEW)), folder / "file"))["changed"] is False
    after = (folder / "file").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_mode) == (before.st_ino, before.st_mtime_ns, before.st_mode)


def test_a_file_keeps_its_mode(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    (folder / "file").chmod(0o664)
    assert file_of(download(serve(reply(200, NEW)), folder / "file"))["checksum_before"] is not None
    assert mode_of(folder / "file") == 0o664


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a file to others")
def test_a_file_keeps_its_owner(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    os.chown(folder / "file", 4711, 4712)
    download(serve(reply(200, NEW)), folder / "file")
    after = (folder / "file").stat()
    assert (after.st_uid, after.st_gid) == (4711, 4712)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("0640", 0o640), ("640", 0o640), (0o640, 0o640), ("u=rw,g=r", 0o640), ("u+x,o+r", 0o704), ("2750", 0o2750)],
)
def test_a_mode_is_given_in_digits_and_symbols(serve: Serve, folder: Path, mode: t.Any, expected: int) -> None:
    download(serve(reply(200, NEW)), folder / "file", mode=mode)
    assert mode_of(folder / "file") == expected


@pytest.mark.parametrize("mode", ["rw", "0999", "u=q", "preserve", ["0600"]])
def test_a_mode_that_is_none_writes_nothing(serve: Serve, folder: Path, mode: t.Any) -> None:
    (folder / "file").write_bytes(OLD)
    with pytest.raises(ConfigurationError, match="mode must be"):
        download(serve(reply(200, NEW)), folder / "file", mode=mode)
    assert (folder / "file").read_bytes() == OLD
    assert names(folder) == ["file"]


@pytest.mark.parametrize("option", ["owner", "group"])
def test_an_owner_that_nobody_knows_writes_nothing(serve: Serve, folder: Path, option: str) -> None:
    wrong: dict[str, t.Any] = {option: "no-such-name"}
    with pytest.raises(ConfigurationError, match=f"{option} 'no-such-name' is not known on {socket.gethostname()}"):
        download(serve(reply(200, NEW)), folder / "file", **wrong)
    assert names(folder) == []


@pytest.mark.parametrize("wrong", [{"mode": "rw"}, {"owner": "no-such-name"}])
def test_what_cannot_be_done_to_the_file_is_known_before_the_call(
    serve: Serve, folder: Path, wrong: dict[str, t.Any]
) -> None:
    server = serve(reply(200, NEW))
    with pytest.raises(ConfigurationError):
        download(server, folder / "file", method="POST", **wrong)
    assert server.received == []


def test_an_owner_can_be_a_number_or_a_name(serve: Serve, folder: Path) -> None:
    import grp

    group = grp.getgrgid(os.getgid()).gr_name
    server = serve(reply(200, NEW))
    assert file_of(download(server, folder / "file", owner=str(os.getuid()), group=group))["changed"] is True
    assert file_of(download(server, folder / "file", owner=str(os.getuid()), group=group))["changed"] is False


def test_attributes_alone_are_a_change(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(NEW)
    (folder / "file").chmod(0o600)
    server = serve(reply(200, NEW))
    assert file_of(download(server, folder / "file", mode="0640", check_mode=True))["changed"] is True
    assert mode_of(folder / "file") == 0o600
    assert file_of(download(server, folder / "file", mode="0640"))["changed"] is True
    assert mode_of(folder / "file") == 0o640
    assert file_of(download(server, folder / "file", mode="0640"))["changed"] is False


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha384", "sha512"])
def test_a_checksum_that_is_right_lets_the_file_through(serve: Serve, folder: Path, name: str) -> None:
    checksum = f"{name}:{hashlib.new(name, NEW).hexdigest().upper()}"
    download(serve(reply(200, NEW)), folder / "file", checksum=checksum)
    assert (folder / "file").read_bytes() == NEW


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_checksum_that_is_wrong_leaves_the_old_file(serve: Serve, folder: Path, check_mode: bool) -> None:
    (folder / "file").write_bytes(OLD)
    checksum = f"sha256:{hashlib.sha256(OLD).hexdigest()}"
    with pytest.raises(ConfigurationError, match="another checksum"):
        download(serve(reply(200, NEW)), folder / "file", checksum=checksum, backup=True, check_mode=check_mode)
    assert (folder / "file").read_bytes() == OLD
    assert names(folder) == ["file"]


def test_the_former_file_is_kept_where_that_is_wanted(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    (folder / "file").chmod(0o640)
    kept = Path(file_of(download(serve(reply(200, NEW)), folder / "file", backup=True))["backup_file"])
    assert (kept.read_bytes(), mode_of(kept)) == (OLD, 0o640)
    assert re.fullmatch(r"file\.\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ~", kept.name)
    assert names(folder) == sorted(["file", kept.name])


@pytest.mark.parametrize("before", [None, NEW])
def test_nothing_is_kept_where_nothing_was_replaced(serve: Serve, folder: Path, before: bytes | None) -> None:
    if before is not None:
        (folder / "file").write_bytes(before)
    assert "backup_file" not in file_of(download(serve(reply(200, NEW)), folder / "file", backup=True))
    assert names(folder) == ["file"]


def test_a_file_that_is_kept_takes_the_place_of_no_other(
    serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "strftime", lambda _format, _moment: "2027-01-15T08:00:00Z")
    (folder / "file").write_bytes(OLD)
    (folder / "file.2027-01-15T08:00:00Z~").write_bytes(b"kept before")
    with pytest.raises(ConfigurationError, match="cannot be put into its place: File exists"):
        download(serve(reply(200, NEW)), folder / "file", backup=True)
    assert (folder / "file").read_bytes() == OLD
    assert (folder / "file.2027-01-15T08:00:00Z~").read_bytes() == b"kept before"
    assert names(folder) == ["file", "file.2027-01-15T08:00:00Z~"]


@pytest.mark.parametrize(("before", "changed"), [(None, True), (OLD, True), (NEW, False)])
def test_check_mode_writes_nothing_and_knows_what_it_would(
    serve: Serve, folder: Path, before: bytes | None, changed: bool
) -> None:
    if before is not None:
        (folder / "file").write_bytes(before)
    found = file_of(download(serve(reply(200, NEW)), folder / "file", backup=True, check_mode=True))
    assert (found["changed"], found["checksum"]) == (changed, hashlib.sha256(NEW).hexdigest())
    assert "backup_file" not in found
    assert [path.read_bytes() for path in folder.iterdir()] == ([] if before is None else [before])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_an_error_writes_nothing_and_tells_what_the_server_said(serve: Serve, folder: Path, status: int) -> None:
    (folder / "file").write_bytes(OLD)
    body = b'{"message": "It is not so"}'
    found = download(serve(reply(status, body, "Content-Type: application/json")), folder / "file")
    assert (found.status, found.file) == (status, None)
    assert "It is not so" in str(found.error)
    assert (folder / "file").read_bytes() == OLD
    assert names(folder) == ["file"]


def test_a_status_that_was_not_wanted_writes_nothing(serve: Serve, folder: Path) -> None:
    found = download(serve(reply(200, NEW)), folder / "file", status_code=[201])
    assert found.kind == "unexpected_status"
    assert names(folder) == []


def test_an_error_that_the_user_takes_for_a_success_does_not_empty_the_file(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    found = download(serve(reply(404, b"not there")), folder / "file", status_code=[200, 404])
    assert found.error is None
    assert (folder / "file").read_bytes() in (OLD, b"not there")


def test_a_login_page_is_not_taken_for_the_file(serve: Serve, folder: Path) -> None:
    page = reply(200, b"<html>Please sign in</html>", "Content-Type: text/html")
    (folder / "file").write_bytes(OLD)
    found = download(serve(page), folder / "file")
    assert "web page" in str(found.error)
    assert (folder / "file").read_bytes() == OLD
    assert file_of(download(serve(page), folder / "file", headers={"Accept": "text/html"}))["changed"] is True


def test_an_error_that_comes_with_a_success_is_not_taken_for_the_file(serve: Serve, folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    server = serve(reply(200, XML_ERROR.encode(), "Content-Type: text/xml"))
    found = download(server, folder / "file", account=beyondtrust)
    assert found.kind == "api_error"
    assert (folder / "file").read_bytes() == OLD


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\nConnection: close\r\n\r\n" + NEW,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nabcde\r\n9\r\nabc",
        CLOSE,
    ],
)
def test_an_answer_that_breaks_off_leaves_nothing(serve: Serve, folder: Path, broken: bytes) -> None:
    (folder / "file").write_bytes(OLD)
    with pytest.raises(TransportError):
        download(serve(broken), folder / "file")
    assert (folder / "file").read_bytes() == OLD
    assert names(folder) == ["file"]


def test_a_disk_that_is_full_leaves_nothing(serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_bytes(OLD)

    def opened(descriptor: int, mode: str) -> t.IO[bytes]:
        os.close(descriptor)
        return open("/dev/full", mode, buffering=0)

    monkeypatch.setattr(api_request, "open", opened, raising=False)
    with pytest.raises(ConfigurationError, match="No space left on device") as caught:
        download(serve(reply(200, NEW)), folder / "file")
    assert str(folder / "file") in str(caught.value)
    monkeypatch.undo()
    assert (folder / "file").read_bytes() == OLD
    assert names(folder) == ["file"]


@pytest.mark.parametrize(("kind", "check_mode"), [("folder", False), ("folder", True), ("no folder", False)])
def test_a_place_that_cannot_be_is_known_before_the_call(
    serve: Serve, folder: Path, kind: str, check_mode: bool
) -> None:
    server = serve(reply(200, NEW))
    dest = folder if kind == "folder" else folder / "missing" / "file"
    with pytest.raises(ConfigurationError) as caught:
        download(server, dest, check_mode=check_mode)
    assert caught.value.kind == "dest"
    assert f"'{dest}'" in str(caught.value)
    assert socket.gethostname() in str(caught.value)
    assert server.received == []


def test_in_check_mode_a_folder_that_an_earlier_task_would_have_made_is_no_trouble(serve: Serve, folder: Path) -> None:
    answer = download(serve(reply(200, NEW)), folder / "missing" / "file", check_mode=True)
    assert answer.file is not None
    assert answer.file["changed"] is True
    assert names(folder) == []


def test_what_is_no_file_is_not_replaced(serve: Serve, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        with pytest.raises(ConfigurationError):
            download(serve(reply(200, NEW)), folder / "s")
        assert stat.S_ISSOCK((folder / "s").stat().st_mode)


def test_a_link_is_followed_and_stays(serve: Serve, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(OLD)
    (folder / "link").symlink_to(tmp_path / "real")
    assert file_of(download(serve(reply(200, NEW)), folder / "link"))["dest"] == str(tmp_path / "real")
    assert (tmp_path / "real").read_bytes() == NEW
    assert (folder / "link").is_symlink()


def test_a_file_larger_than_any_answer_in_memory_is_written(
    serve: Serve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_request, "LARGEST_ANSWER", 1000)
    download(serve(reply(200, NEW)), folder / "file")
    assert (folder / "file").read_bytes() == NEW


def test_a_file_of_many_pieces_is_the_one_whose_checksum_is_told(serve: Serve, folder: Path) -> None:
    large = secrets.token_bytes(1 << 20) * 7
    found = file_of(
        download(serve(reply(200, large)), folder / "file", checksum=f"md5:{hashlib.md5(large).hexdigest()}")
    )
    assert (found["checksum"], found["size"]) == (hashlib.sha256(large).hexdigest(), len(large))
    assert (folder / "file").read_bytes() == large


def test_an_answer_too_large_for_memory_is_an_error(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_request, "LARGEST_ANSWER", 1000)
    account = rimo3(base_url=serve(reply(200, NEW)).url, transport=TransportOptions(retries=0))
    with pytest.raises(TransportError) as caught:
        exchange(account, TOKEN, api_call(params()))
    assert caught.value.kind == "too_large"


def test_a_server_that_packs_its_answer_unasked_is_understood(serve: Serve, folder: Path) -> None:
    packed = gzip.compress(b"{}")
    found = download(serve(reply(200, packed, "Content-Encoding: gzip")), folder / "file")
    assert file_of(found)["size"] == 2


# The module, on a host


def test_the_module_calls_with_the_token_that_it_is_given(vendor: Script) -> None:
    transport = vendor((f"POST {RIMO3}/x?a=1", answer(201, {"b": 2})))
    given = {"account": "mine", "provider": "rimo3", "access_token": "tok-9", "method": "POST", "query": {"a": 1}}
    result = module.work({**params(**given), "base_url": RIMO3, "check_mode": False})
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-9"
    found = answer_from(result["answer"])
    assert (found.status, found.document) == (201, {"b": 2})


def test_the_module_writes_nothing_in_check_mode(serve: Serve, folder: Path) -> None:
    given = {"account": "mine", "provider": "rimo3", "access_token": "tok-9", "dest": str(folder / "file")}
    base_url = serve(reply(200, NEW)).url
    result = module.work({**params(**given), "base_url": base_url, "check_mode": True})
    assert (answer_from(result["answer"]).file or {})["changed"] is True
    assert names(folder) == []


def test_an_answer_comes_back_from_a_host_as_it_was() -> None:
    found = ApiAnswer(200, RIMO3, {"__ansible_type": "x"}, 7, document={"__ansible_unsafe": "{{ 1 }}", "a": [1.5]})
    text = found.to_text()
    assert isinstance(text, str)  # in which Ansible looks for nothing
    assert answer_from(text) == found


@pytest.mark.parametrize(
    "wrong", ['{"status": 200, "colour": "blue"}', "{}", "[]", "", None, 5, {"status": 200}, "[" * 5000]
)
def test_what_is_no_answer_is_told_so(wrong: object) -> None:
    with pytest.raises(AccessError, match="something else"):
        answer_from(wrong)


def test_an_answer_has_no_kind_of_failure_of_its_own() -> None:
    text = ApiAnswer(200, RIMO3, {}, 7, kind="not_found").to_text()
    assert answer_from(text).kind == "not_found"
    with pytest.raises(AccessError, match="something else"):
        answer_from(text.replace("not_found", "made_up"))


def test_a_call_without_details_has_the_documented_defaults() -> None:
    assert api_call(params()) == ApiCall("/x")


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "\u00fc".encode(), "\u00fc"), ("ISO-8859-1", b"\xfc", "\u00fc"), ("windows-1252", b"\x80", "\u20ac"),
        ("shift_jis", "\u3042".encode("shift_jis"), "\u3042"), ("gb18030", "\u4e2d".encode("gb18030"), "\u4e2d"),
        ("utf-7", b"+2AA-", None), ("unicode_escape", b"\\ud800", None), ("idna", b"x" * 200_000, None),
        ("punycode", b"a" * 200_000 + b"-" + b"9" * 200_000, None), ("undefined", b"x", None), ("rot13", b"x", None),
        ("base64", b"eA==", None), ("x" * 60_000, b"x", None),
    ],
)  # fmt: skip
def test_text_is_in_a_code_of_the_web(vendor: Script, charset: str, body: bytes, text: str | None) -> None:
    vendor((f"GET {RIMO3}/x", answer(200, body=body, content_type=f"text/plain; charset={charset}")))
    started = time.process_time()
    found = exchange(rimo3(), Token("tok-1"), api_call(params()))
    assert found.content == text
    assert time.process_time() - started < 5
