# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client, over real sockets of the loopback interface."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gzip
import io
import os
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
import types
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3.response
import urllib3.util.connection
from ansible_collections.apiops.access.plugins.module_utils import _transport
from ansible_collections.apiops.access.plugins.module_utils._body import JoinedFiles
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._http import (
    HttpRequest,
    HttpResponse,
    check_url,
    is_loopback,
    printable_url,
)
from ansible_collections.apiops.access.plugins.module_utils._model import RateNotice, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._transport import Transport
from ansible_collections.apiops.access.tests.unit.loopback import (
    CLOSE,
    HANG,
    Certificates,
    Loopback,
    Wire,
    drip,
    read_head,
    reply,
    server_context,
)
from ansible_collections.apiops.access.tests.unit.scripted import NOW

MARKERS = ("header-s3cret", "body-s3cret", "query-s3cret", "answer-s3cret", "path-proxy-s3cret")
Serve = t.Callable[..., Loopback]
Play = t.Callable[..., Wire]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that gives these replies, one after the other."""
    servers: list[Loopback] = []

    def start(*replies: bytes, certificate: Path | None = None) -> Loopback:
        servers.append(Loopback(replies, server_context(certificate) if certificate else None))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def play() -> Iterator[Play]:
    """Start a server that plays each of its connections as a function does."""
    servers: list[Wire] = []

    def start(function: t.Callable[..., None], certificate: Path | None = None) -> Wire:
        servers.append(Wire(function, server_context(certificate) if certificate else None))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between repetitions, noted instead of slept."""
    noted: list[float] = []
    fake = types.SimpleNamespace(sleep=noted.append, time=time.time)
    monkeypatch.setattr("urllib3.util.retry.time", fake)
    return noted


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


def get(url: str, *, headers: dict[str, str] | None = None, close: bool = False, **options: t.Any) -> HttpResponse:
    request = HttpRequest("GET", url, {"Authorization": "Bearer header-s3cret", **(headers or {})}, repeatable=True)
    with Transport(TransportOptions(**{"timeout": 5.0, "retries": 2, **options}), close_connections=close) as transport:
        return transport.send(request)


def post(url: str, **options: t.Any) -> HttpResponse:
    request = HttpRequest("POST", url, {"Authorization": "Basic header-s3cret"}, b"body-s3cret")
    with Transport(TransportOptions(**{"timeout": 5.0, "retries": 2, **options})) as transport:
        return transport.send(request)


def post_anew(url: str, *, repeatable: bool = False, made: list[bytes] | None = None, **options: t.Any) -> HttpResponse:
    """A POST whose body says how many there were before it."""
    bodies = [] if made is None else made

    def body() -> bytes:
        bodies.append(b"body-s3cret %d" % (len(bodies) + 1))
        return bodies[-1]

    request = HttpRequest("POST", url, {}, body, repeatable)
    with Transport(TransportOptions(**{"timeout": 5.0, "retries": 2, **options})) as transport:
        return transport.send(request)


FIRST, SECOND, THIRD = (b"body-s3cret %d" % number for number in (1, 2, 3))


def failure_of(call: t.Callable[[], object]) -> AccessError:
    """The error that a call ends with, after a look whether anything in it tells a secret."""
    with pytest.raises(AccessError) as caught:
        call()
    error = caught.value
    shown = [
        str(error),
        repr(error),
        str(error.to_dict()),
        "".join(traceback.format_exception_only(type(error), error)),
    ]
    shown.append(str(error.__cause__))
    if not error.__suppress_context__:
        shown.append(str(error.__context__))
    assert not [marker for marker in MARKERS for text in shown if marker in text]
    return error


# What is sent


def test_a_request_arrives_as_it_was_given(serve: Serve) -> None:
    server = serve(reply(200, b'{"a": 1}', "X-Kind: Test"))
    response = post(f"{server.url}/token?x=1")
    (received,) = server.received
    assert (received.line, received.body) == ("POST /token?x=1 HTTP/1.1", b"body-s3cret")
    assert received.headers["authorization"] == "Basic header-s3cret"
    assert received.headers["accept"] == "application/json"
    assert "cookie" not in received.headers
    assert (response.status, response.json(), response.headers["x-kind"]) == (200, {"a": 1}, "Test")


def test_a_header_of_the_request_goes_before_the_usual_one(serve: Serve) -> None:
    server = serve(reply(200))
    get(server.url, headers={"Accept": "text/xml"})
    assert server.received[0].headers["accept"] == "text/xml"


def test_a_netrc_file_does_not_touch_the_authorization(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password netrc-s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(reply(200))
    get(server.url)
    assert server.received[0].headers["authorization"] == "Bearer header-s3cret"


def test_without_an_authorization_none_is_sent(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("default login mallory password netrc-s3cret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server = serve(reply(200))
    with Transport(TransportOptions()) as transport:
        transport.send(HttpRequest("GET", server.url, repeatable=True))
    assert "authorization" not in server.received[0].headers


def test_a_cookie_is_never_kept(serve: Serve) -> None:
    server = serve(reply(200, b"{}", "Set-Cookie: ns_sl=abc; path=/"))
    with Transport(TransportOptions()) as transport:
        for method in ("POST", "GET", "GET"):
            transport.send(HttpRequest(method, server.url, repeatable=method == "GET"))
    assert [received.headers.get("cookie") for received in server.received] == [None, None, None]


def test_a_connection_is_closed_after_each_call_where_the_vendor_wants_that(serve: Serve) -> None:
    server = serve(reply(200))
    with Transport(TransportOptions(), close_connections=True) as transport:
        for _time in range(3):
            transport.send(HttpRequest("GET", server.url, repeatable=True))
    assert [received.headers["connection"] for received in server.received] == ["close"] * 3
    assert [received.connection for received in server.received] == [1, 2, 3]


def test_a_connection_is_used_again_otherwise(serve: Serve) -> None:
    server = serve(reply(200))
    with Transport(TransportOptions()) as transport:
        for _time in range(3):
            transport.send(HttpRequest("GET", server.url, repeatable=True))
    assert {received.connection for received in server.received} == {1}


def test_the_proxy_of_the_environment_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(reply(200, b'{"by": "proxy"}'))
    monkeypatch.setenv("http_proxy", proxy.url)
    assert get("http://jim2.example.com/token").json() == {"by": "proxy"}
    assert proxy.received[0].line == "GET http://jim2.example.com/token HTTP/1.1"


def test_no_proxy_is_honoured(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(reply(200, b'{"by": "server"}'))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert get(server.url).json() == {"by": "server"}


def test_the_proxy_option_goes_before_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(reply(200, b'{"by": "option"}'))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get("http://jim2.example.com/", proxy=proxy.url).json() == {"by": "option"}


def test_a_proxy_that_is_not_there_is_named_without_its_password(pauses: list[float]) -> None:
    error = failure_of(lambda: get("http://jim2.example.com/", proxy="http://me:path-proxy-s3cret@127.0.0.1:1"))
    assert error.kind == "proxy"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("send", [get, post])
def test_no_redirect_is_followed(serve: Serve, send: t.Callable[[str], HttpResponse], status: int) -> None:
    elsewhere = serve(reply(200))
    server = serve(reply(status, b"", f"Location: {elsewhere.url}/query-s3cret?query-s3cret"))
    error = failure_of(lambda: send(server.url))
    assert (error.kind, error.status, error.retryable) == ("redirect", status, False)
    assert "127.0.0.1" in str(error)
    assert len(server.received) == 1
    assert elsewhere.received == []


def test_a_redirect_to_the_same_host_is_not_followed_either(serve: Serve) -> None:
    server = serve(reply(302, b"", "Location: /login"), reply(200))
    assert failure_of(lambda: get(server.url)).kind == "redirect"
    assert len(server.received) == 1


@pytest.mark.parametrize("location", ["https://evil\x1b[31m.example/", "https://[::1", "https://exa<script>mple/", ""])
def test_a_strange_location_is_not_printed(serve: Serve, location: str) -> None:
    text = str(failure_of(lambda: get(serve(reply(302, b"", f"Location: {location}")).url)))
    assert "\x1b" not in text
    assert "<" not in text


# Answers


def test_a_body_over_the_limit_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "BODY_LIMIT", 1000)
    assert len(get(serve(reply(200, b"x" * 1000)).url).body) == 1000
    error = failure_of(lambda: get(serve(reply(200, b"x" * 1001)).url))
    assert (error.kind, error.retryable) == ("too_large", False)


def test_a_packed_body_cannot_get_past_the_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "BODY_LIMIT", 1000)
    packed = gzip.compress(b"x" * 100_000)
    assert len(packed) < 1000
    error = failure_of(lambda: get(serve(reply(200, packed, "Content-Encoding: gzip")).url))
    assert error.kind == "too_large"


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{"access_token": "answer-s3cret',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nanswer-s3cret",
        b"answer-s3cret\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 13\r\nConnection: close\r\n\r\nanswer-s3cret",
    ],
)
def test_an_answer_that_is_cut_short_or_garbled_is_an_error(serve: Serve, pauses: list[float], answer: bytes) -> None:
    error = failure_of(lambda: post(serve(answer).url))
    assert (error.kind, error.retryable) == ("connection", True)
    assert "took effect" in str(error)


def test_a_server_that_does_not_answer_is_a_timeout(serve: Serve) -> None:
    error = failure_of(lambda: get(serve(HANG).url, timeout=0.1, retries=0))
    assert (error.kind, error.retryable) == ("timeout", True)
    assert "0.1 s" in str(error)


def test_a_post_without_an_answer_is_not_repeated(serve: Serve, pauses: list[float]) -> None:
    server = serve(HANG)
    assert failure_of(lambda: post(server.url, timeout=SPARE)).kind == "timeout"
    assert len(server.received) == 1


def test_a_refused_connection_is_told_so(pauses: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/token?query-s3cret"
        error = failure_of(lambda: post(url))
    assert (error.kind, error.retryable) == ("connection", True)
    assert "refused" in str(error)
    assert len(pauses) == 2


def test_an_unknown_host_is_told_so(pauses: list[float]) -> None:
    error = failure_of(lambda: get("https://api.apiops-access.invalid/token?query-s3cret", retries=0))
    assert (error.kind, error.retryable) == ("name_resolution", True)
    assert "api.apiops-access.invalid" in str(error)


def test_what_nobody_foresaw_is_told_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("body-s3cret")

    monkeypatch.setattr("requests.Session.request", fail)
    error = failure_of(lambda: get("https://api.example.com/"))
    assert "RuntimeError" in str(error)
    assert error.kind == "internal"


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    failure_of(lambda: get("http://127.0.0.1:1/", headers={"X-Bad": "header-s3cret\r\nX: 1"}))


def into(sink: t.Callable[[bytes], None], url: str, *, repeatable: bool = True, **details: t.Any) -> HttpResponse:
    request = HttpRequest("GET", url, repeatable=repeatable, sink=sink, **details)
    with Transport(TransportOptions(timeout=5.0, retries=2)) as transport:
        return transport.send(request)


@pytest.mark.parametrize("status", [200, 201, 226])
def test_a_sink_takes_the_body_of_a_success_which_is_kept_nowhere_else(serve: Serve, status: int) -> None:
    pieces: list[bytes] = []
    response = into(pieces.append, serve(reply(status, b"x" * 600_000)).url)
    assert (b"".join(pieces), response.body) == (b"x" * 600_000, b"")
    assert len(pieces) > 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_sink_is_given_nothing_of_an_error(serve: Serve, status: int) -> None:
    pieces: list[bytes] = []
    response = into(pieces.append, serve(reply(status, b"words")).url)
    assert (pieces, response.body) == ([], b"words")


def test_a_sink_is_given_nothing_of_a_redirect(serve: Serve) -> None:
    pieces: list[bytes] = []
    assert failure_of(lambda: into(pieces.append, serve(reply(302, b"words")).url)).kind == "redirect"
    assert pieces == []


def test_a_sink_is_given_the_answer_of_the_try_that_succeeds(serve: Serve, pauses: list[float]) -> None:
    pieces: list[bytes] = []
    into(pieces.append, serve(reply(503, b"busy"), CLOSE, reply(200, b"content")).url)
    assert b"".join(pieces) == b"content"


def test_a_sink_takes_more_than_any_limit_but_an_error_does_not(serve: Serve) -> None:
    pieces: list[bytes] = []
    into(pieces.append, serve(reply(200, b"x" * 1001)).url, limit=1000)
    assert len(b"".join(pieces)) == 1001
    error = failure_of(lambda: into(pieces.append, serve(reply(404, b"x" * 1001)).url, limit=1000))
    assert error.kind == "too_large"


def test_an_error_of_the_sink_is_told_as_it_is(serve: Serve) -> None:
    def full(_chunk: bytes) -> None:
        raise ConfigurationError("The disk is full.", kind="dest")

    error = failure_of(lambda: into(full, serve(reply(200, b"x")).url))
    assert (str(error), error.kind) == ("The disk is full.", "dest")


def test_a_request_can_have_a_limit_of_its_own(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "BODY_LIMIT", 1000)
    server = serve(reply(200, b"x" * 1001))
    with Transport(TransportOptions(retries=0)) as transport:
        assert len(transport.send(HttpRequest("GET", server.url, limit=1001)).body) == 1001
        small = HttpRequest("GET", server.url, limit=1000)
        assert failure_of(lambda: transport.send(small)).kind == "too_large"


@pytest.mark.parametrize("enforced", [True, False])
@pytest.mark.parametrize("sink", [True, False])
def test_a_body_shorter_than_its_length_is_an_error_by_any_urllib3(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, enforced: bool, sink: bool
) -> None:
    # urllib3 1 enforces the length only where it is asked to, which requests does not do.
    usual = urllib3.response.HTTPResponse.__init__

    def made(self: t.Any, *args: t.Any, **details: t.Any) -> None:
        usual(self, *args, **{**details, "enforce_content_length": enforced})

    monkeypatch.setattr(urllib3.response.HTTPResponse, "__init__", made)
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nanswer")
    pieces: list[bytes] = []
    error = failure_of(lambda: into(pieces.append, server.url) if sink else get(server.url, retries=0))
    assert (error.kind, error.unsent) == ("connection", False)
    assert "broke before the answer was complete" in str(error)


@pytest.mark.parametrize("length", [0, 999])
def test_a_head_has_a_length_and_no_body(serve: Serve, length: int) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
    with Transport(TransportOptions(retries=0, timeout=5.0)) as transport:
        response = transport.send(HttpRequest("HEAD", server.url, repeatable=True))
    assert (response.status, response.body, response.headers["content-length"]) == (200, b"", str(length))


@pytest.mark.parametrize("content", [b"{}", b"x" * 1000])
def test_a_packed_body_is_whole_whatever_its_size_when_unpacked(serve: Serve, content: bytes) -> None:
    server = serve(reply(200, gzip.compress(content), "Content-Encoding: gzip"))
    assert get(server.url, retries=0).body == content


def test_what_is_not_modified_is_no_redirect(serve: Serve) -> None:
    # RFC 9110 section 15.4.5; its Content-Length is that of the body that was not sent (section 8.6).
    server = serve(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nConnection: close\r\n\r\n")
    assert get(server.url, headers={"If-None-Match": '"1"'}, retries=0).status == 304


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nDate: Fri", b"HTTP/1.1 204 No Content\r\nA: b\r\n"]
)
def test_an_answer_that_breaks_in_its_head_is_no_answer(
    serve: Serve, play: Play, pauses: list[float], head: bytes
) -> None:
    def serve_once(number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        connection.sendall(head if number == 1 else reply(200, b"whole"))

    assert get(play(serve_once).url).body == b"whole"
    error = failure_of(lambda: post(play(serve_once).url))
    assert (error.kind, error.unsent) == ("connection", False)


# The time that a call can take


QUICK = 0.3
"""Seconds: the option timeout where it is to run out."""

SPARE = 1.0
"""Seconds: the option timeout where the call must come to a certain point before it runs out, on a busy machine too."""

PROMPT = 15.0
"""Seconds: far above what any of these calls may take, and far below what their servers would."""

ANSWERED = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def promptly() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < PROMPT


def dripping(start: bytes, piece: bytes) -> t.Callable[..., None]:
    """What a server does that answers a request with ``start`` and then only with drips, each far within timeout."""

    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        connection.sendall(start)
        drip(connection, over, piece)

    return serve


DRIPS = {
    "status line": (b"HTTP/1.1 200 O", b"K"),
    "one header": (ANSWERED + b"X-A: ", b"a"),
    "headers": (ANSWERED, b"X-A: a\r\n"),
    "body with a length": (ANSWERED + b"Content-Length: 100000\r\n\r\n", b"x"),
    "body to the end": (ANSWERED + b"\r\n", b"x"),
    "chunks": (ANSWERED + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a chunk's first line": (ANSWERED + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": (ANSWERED + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-A: a\r\n"),
    "100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "one interim answer": (b"HTTP/1.1 103 Early Hints\r\n", b"Link: </a>\r\n"),
    "packed nothing": (
        ANSWERED + b"Content-Encoding: gzip\r\n\r\n",
        gzip.compress(b""),
    ),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("drips", DRIPS)
def test_an_answer_in_drips_takes_no_longer_than_timeout(
    play: Play, certificates: Certificates, drips: str, tls: bool
) -> None:
    server = play(dripping(*DRIPS[drips]), certificate=certificates.good if tls else None)
    with promptly():
        error = failure_of(lambda: post(server.url, timeout=SPARE, ca_path=str(certificates.ca)))
    assert (error.kind, error.retryable, error.unsent, server.connections) == ("timeout", True, False, 1)
    assert "within 1 s" in str(error)


def test_each_try_has_its_own_time_and_no_more(play: Play, pauses: list[float]) -> None:
    server = play(dripping(*DRIPS["headers"]))
    started = time.monotonic()
    assert failure_of(lambda: get(server.url, timeout=QUICK, retries=2)).kind == "timeout"
    assert 3 * QUICK <= time.monotonic() - started < PROMPT
    assert (server.connections, len(pauses)) == (3, 2)


@pytest.mark.parametrize("anew", [False, True])
def test_a_try_after_one_that_took_too_long_can_succeed(play: Play, pauses: list[float], anew: bool) -> None:
    def serve(number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        if number == 1:
            over.wait(30)
        connection.sendall(reply(200, b"{}"))

    assert get(play(serve).url, timeout=SPARE).status == 200


def test_a_connection_that_is_used_again_has_no_more_time(play: Play) -> None:
    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        connection.sendall(reply(200))
        dripping(*DRIPS["one header"])(1, connection, over)

    server = play(serve)
    with Transport(TransportOptions(timeout=SPARE, retries=0)) as transport, promptly():
        assert transport.send(HttpRequest("GET", server.url)).status == 200
        error = failure_of(lambda: transport.send(HttpRequest("GET", server.url)))
    assert (error.kind, error.unsent, server.connections) == ("timeout", False, 1)


def handshake(piece: bytes) -> t.Callable[..., None]:
    """What a server does that never comes to the end of its TLS handshake: one record, of which bytes arrive."""

    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")  # a ServerHello of 16 KiB
        drip(connection, over, piece)

    return serve


def test_a_tls_handshake_in_drips_is_given_up_and_nothing_was_sent(play: Play, certificates: Certificates) -> None:
    server = play(handshake(b"\0"))
    url = server.url.replace("http:", "https:")
    with promptly():
        error = failure_of(lambda: post(url, timeout=QUICK, retries=1, ca_path=str(certificates.ca)))
    # What was never sent can be sent again.
    assert (error.kind, error.unsent, server.connections) == ("timeout", True, 2)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_proxy_that_does_not_make_its_tunnel_is_given_up(play: Play, certificates: Certificates, tls: bool) -> None:
    proxy = play(dripping(b"HTTP/1.1 200 O", b"K"), certificate=certificates.good if tls else None)
    with promptly():
        error = failure_of(
            lambda: post(
                "https://api.example.com/", proxy=proxy.url, timeout=QUICK, retries=0, ca_path=str(certificates.ca)
            )
        )
    assert (error.kind, error.unsent) == ("timeout", True)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_handshake_in_drips_through_a_proxy_is_given_up(play: Play, certificates: Certificates, tls: bool) -> None:
    def tunnel(number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        handshake(b"\0")(number, connection, over)

    proxy = play(tunnel, certificate=certificates.good if tls else None)
    ca = str(certificates.ca)
    with promptly():
        error = failure_of(
            lambda: post("https://api.example.com/", proxy=proxy.url, timeout=QUICK, retries=0, ca_path=ca)
        )
    assert (error.kind, error.unsent) == ("timeout", True)


LOOK_UP = socket.getaddrinfo


def addresses(*hosts: str) -> t.Callable[..., list[t.Any]]:
    """A resolver that knows these addresses for every name."""

    def found(host: str, port: int, *args: t.Any, **kwargs: t.Any) -> list[t.Any]:
        if kwargs.get("flags"):
            return LOOK_UP(host, port, *args, **kwargs)
        return [LOOK_UP(one, port, socket.AF_INET, socket.SOCK_STREAM)[0] for one in hosts]

    return found


def full(stack: contextlib.ExitStack) -> int:
    """The port of a listener on 127.0.0.1 that is full, so that a connection to it is not made."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    port = int(listener.getsockname()[1])
    for _connection in range(3):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    return port


def test_addresses_that_do_not_answer_share_the_time_and_leave_some_for_one_that_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with contextlib.ExitStack() as stack:
        port = full(stack)
        silent = f"http://silent.example:{port}/"
        monkeypatch.setattr("socket.getaddrinfo", addresses("127.0.0.1", "127.0.0.1", "127.0.0.1"))
        with promptly():
            error = failure_of(lambda: post(silent, timeout=QUICK, retries=0, allow_http=True))
        assert (error.kind, error.unsent) == ("timeout", True)
        good = stack.enter_context(socket.create_server(("127.0.0.2", port)))

        def serve() -> None:
            connection, _address = good.accept()
            read_head(connection)
            connection.sendall(reply(200))

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setattr("socket.getaddrinfo", addresses("127.0.0.1", "127.0.0.2"))
        with promptly():
            assert post(silent, timeout=3 * SPARE, retries=0).status == 200


def test_a_resolver_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(*args: t.Any, **kwargs: t.Any) -> list[t.Any]:
        if kwargs.get("flags"):
            return LOOK_UP(*args, **kwargs)
        over.wait(30)
        return []

    monkeypatch.setattr("socket.getaddrinfo", slow)
    with promptly():
        error = failure_of(lambda: post("https://api.example.com/", timeout=QUICK, retries=0))
    over.set()
    assert (error.kind, error.unsent) == ("timeout", True)


def test_a_name_that_no_resolver_can_be_asked_for_is_not_known(pauses: list[float]) -> None:
    error = failure_of(lambda: get(f"https://{'a' * 70}.example.com/", retries=0))
    assert (error.kind, error.unsent) == ("name_resolution", True)


def test_a_call_leaves_neither_a_thread_nor_a_descriptor(serve: Serve, play: Play, certificates: Certificates) -> None:
    good = serve(reply(200), certificate=certificates.good)
    slow = play(dripping(*DRIPS["headers"]))

    def client() -> tuple[int, int]:
        mine = [thread for thread in threading.enumerate() if "_wait" in repr(thread)]
        return len(mine), len([name for name in os.listdir("/proc/self/fd") if is_client(name)])

    def is_client(name: str) -> bool:
        """Whether a descriptor is a socket of a client: the servers of these tests are in this process too."""
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as one:
            return bool(one.getpeername()[1] in (good.port, slow.port))
        return False

    for _time in range(2):
        get(good.url, ca_path=str(certificates.ca))
        failure_of(lambda: post(slow.url, timeout=0.05))
    assert client() == (0, 0)


# Large bodies, which may take longer


def test_a_file_can_take_longer_than_timeout_as_long_as_it_comes(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        # Closed with the answer: a connection that ends a moment later might be used again before.
        connection.sendall(ANSWERED + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (10 * _transport._PIECE))
        for _piece in range(10):
            over.wait(SPARE / 4)
            connection.sendall(b"x" * _transport._PIECE)

    sizes: list[int] = []
    request = HttpRequest("GET", play(serve).url, sink=lambda chunk: sizes.append(len(chunk)))
    with Transport(TransportOptions(timeout=2 * SPARE, retries=0)) as transport:
        transport.send(request)
        assert sum(sizes) == 10 * _transport._PIECE
        # What is kept in memory has no more time than any answer.
        large = dataclasses.replace(request, sink=None)
        assert failure_of(lambda: transport.send(large)).kind == "timeout"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (ANSWERED + b"Content-Length: 1000000000\r\n\r\n", b"x"),
        (ANSWERED + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nxxxxx\r\n"),
    ],
)
def test_a_file_in_drips_is_given_up(play: Play, start: bytes, piece: bytes) -> None:
    request = HttpRequest("GET", play(dripping(start, piece)).url, sink=bytearray().extend)
    with Transport(TransportOptions(timeout=QUICK, retries=0)) as transport, promptly():
        assert failure_of(lambda: transport.send(request)).kind == "timeout"


LARGE = 24 * 1024 * 1024
"""Bytes: more than the buffers of two sockets take."""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("file", [False, True])
def test_an_upload_can_take_longer_than_timeout_as_long_as_it_is_taken(
    play: Play, certificates: Certificates, tls: bool, file: bool
) -> None:
    taken: list[int] = []

    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        size = len(read_head(connection).partition(b"\r\n\r\n")[2])
        for _part in range(3):
            over.wait(0.75 * SPARE)
            target = size + LARGE // 4
            while size < target:
                size += len(connection.recv(1 << 20))
        while size < LARGE:
            size += len(connection.recv(1 << 20))
        taken.append(size)
        connection.sendall(reply(200))

    server = play(serve, certificate=certificates.good if tls else None)
    content = b"x" * LARGE
    body: t.Any = (lambda: io.BytesIO(content)) if file else content
    with Transport(TransportOptions(timeout=2 * SPARE, retries=0, ca_path=str(certificates.ca))) as transport:
        assert transport.send(HttpRequest("PUT", server.url, {}, body)).status == 200
    assert taken == [LARGE]


def test_an_upload_that_nobody_takes_is_given_up(play: Play) -> None:
    def serve(_number: int, connection: socket.socket, over: threading.Event) -> None:
        read_head(connection)
        over.wait(30)

    request = HttpRequest("PUT", play(serve).url, {}, b"x" * LARGE)
    with Transport(TransportOptions(timeout=SPARE, retries=2)) as transport, promptly():
        error = failure_of(lambda: transport.send(request))
    assert (error.kind, error.unsent) == ("timeout", False)


# Answers that nobody asked for


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


@pytest.mark.parametrize("interim", [HINTS, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 199 Odd\r\n\r\n" + HINTS])
def test_an_interim_answer_is_passed_over(serve: Serve, interim: bytes) -> None:
    server = serve(interim + reply(201, b'{"a": 1}'), interim + reply(202, b'{"b": 1}'))
    with Transport(TransportOptions()) as transport:
        answers = [transport.send(HttpRequest("GET", server.url, repeatable=True)) for _time in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(201, b'{"a": 1}'), (202, b'{"b": 1}')]


@pytest.mark.parametrize("interim", [HINTS, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_flood_of_interim_answers_is_an_error(serve: Serve, interim: bytes) -> None:
    error = failure_of(lambda: post(serve(interim * 200 + reply(200)).url))
    assert (error.kind, error.unsent) == ("connection", False)


def test_what_follows_a_switch_of_protocols_is_nobodys_answer(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + reply(200, b"mine"), reply(200, b"yours"))
    with Transport(TransportOptions()) as transport:
        answers = [transport.send(HttpRequest("GET", server.url, repeatable=True)) for _time in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(101, b""), (200, b"yours")]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("more", [b"x" * 12_000, b"HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n" + b"y" * 12_000])
def test_what_comes_behind_an_answer_is_nobodys_answer(
    serve: Serve, certificates: Certificates, more: bytes, tls: bool
) -> None:
    server = serve(reply(200, b"mine") + more, reply(200, b"yours"), certificate=certificates.good if tls else None)
    with Transport(TransportOptions(retries=0, ca_path=str(certificates.ca))) as transport:
        bodies = [transport.send(HttpRequest("GET", server.url)).body for _time in range(2)]
    assert bodies == [b"mine", b"yours"]


# Answers that are to fill the memory


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


BOMB = gzip.compress(b"\0" * (128 * 1024 * 1024))


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_packed_bomb_takes_little_memory(serve: Serve, pauses: list[float], status: int, chunked: bool) -> None:
    frame = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(BOMB)}"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB) if chunked else BOMB
    head = f"HTTP/1.1 {status} Status\r\nContent-Encoding: gzip\r\n{frame}\r\nConnection: close\r\n\r\n"
    server = serve(head.encode() + body)
    with little_memory():
        error = failure_of(lambda: get(server.url))
    assert (error.kind, len(server.received)) == ("too_large", 1)


@pytest.mark.parametrize("status", [200, 503])
def test_an_endless_body_takes_little_memory_whatever_its_status(play: Play, status: int) -> None:
    server = play(dripping(b"HTTP/1.1 %d Status\r\n\r\n" % status, b"x" * (1 << 20)))
    with little_memory():
        assert failure_of(lambda: get(server.url)).kind == "too_large"


@pytest.mark.parametrize("start", [b"", b"Transfer-Encoding: chunked\r\n\r\n", b"X-A: "])
def test_an_endless_line_takes_little_memory(play: Play, start: bytes) -> None:
    server = play(dripping(ANSWERED + start, b"1" * (1 << 20)))
    with little_memory():
        error = failure_of(lambda: get(server.url, retries=0))
    assert (error.kind, error.unsent) == ("connection", False)


def test_endless_headers_are_an_error_of_the_connection(play: Play) -> None:
    error = failure_of(lambda: get(play(dripping(ANSWERED + b"X-A: a\r\n" * 200, b"X-A: a\r\n")).url, retries=0))
    assert error.kind == "connection"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_body_that_is_packed_in_another_way_is_told_so(serve: Serve, coding: str) -> None:
    error = failure_of(lambda: get(serve(reply(200, b"x" * 99, f"Content-Encoding: {coding}")).url))
    assert (error.kind, error.status) == ("malformed_answer", 200)
    # The status of an error says enough.
    response = get(serve(reply(404, b"x" * 99, f"Content-Encoding: {coding}")).url)
    assert (response.status, response.body) == (404, b"")


def test_two_lengths_that_contradict_each_other_do_not_say_that_nothing_was_sent(serve: Serve) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}"
    error = failure_of(lambda: post(serve(answer).url))
    assert (error.kind, error.unsent) == ("connection", False)


# Bodies from files


def put_files(url: str, make: t.Callable[[], t.BinaryIO], **options: t.Any) -> list[t.BinaryIO]:
    """Send a body from a file; return the files that were made for it."""
    made: list[t.BinaryIO] = []

    def body() -> t.BinaryIO:
        made.append(make())
        return made[-1]

    with Transport(TransportOptions(**{"timeout": 5.0, "retries": 2, **options})) as transport:
        transport.send(HttpRequest("PUT", url, {}, body))
    return made


CONTENT = b"0123456789" * 20_000


def file_body(tmp_path: Path) -> t.BinaryIO:
    (tmp_path / "file").write_bytes(CONTENT)
    return open(tmp_path / "file", "rb")


def joined_body(tmp_path: Path) -> t.BinaryIO:
    (tmp_path / "file").write_bytes(CONTENT[4:-4])
    return t.cast(t.BinaryIO, JoinedFiles([CONTENT[:4], str(tmp_path / "file"), CONTENT[-4:]]))


Maker = t.Callable[[Path], t.BinaryIO]


@pytest.mark.parametrize("make", [file_body, joined_body])
def test_a_body_from_a_file_is_sent_whole_with_its_length_and_closed(serve: Serve, tmp_path: Path, make: Maker) -> None:
    server = serve(reply(200))
    (file,) = put_files(server.url, lambda: make(tmp_path))
    (received,) = server.received
    assert received.body == CONTENT
    assert received.headers["content-length"] == str(len(CONTENT))
    assert "transfer-encoding" not in received.headers
    assert file.closed


@pytest.mark.parametrize("make", [file_body, joined_body])
def test_each_try_has_a_file_of_its_own(serve: Serve, tmp_path: Path, pauses: list[float], make: Maker) -> None:
    server = serve(reply(429), reply(429), reply(200))
    files = put_files(server.url, lambda: make(tmp_path))
    assert [received.body for received in server.received] == [CONTENT] * 3
    assert len({id(file) for file in files}) == 3
    assert all(file.closed for file in files)


@pytest.mark.parametrize("make", [lambda: io.BytesIO(b""), lambda: JoinedFiles([])])
def test_an_empty_file_has_a_length_too(serve: Serve, make: t.Callable[[], t.BinaryIO]) -> None:
    server = serve(reply(200))
    put_files(server.url, make)
    assert server.received[0].headers.get("content-length") == "0"
    assert "transfer-encoding" not in server.received[0].headers


def test_a_file_is_closed_where_the_call_fails(serve: Serve, tmp_path: Path, pauses: list[float]) -> None:
    made: list[t.BinaryIO] = []

    def make() -> t.BinaryIO:
        made.append(file_body(tmp_path))
        return made[-1]

    failure_of(lambda: put_files(serve(CLOSE).url, make))
    assert [file.closed for file in made] == [True]


# Repetitions


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_read_is_repeated_while_the_server_is_busy(serve: Serve, pauses: list[float], status: int) -> None:
    server = serve(reply(status), reply(status), reply(200, b'{"third": true}'))
    assert get(server.url).json() == {"third": True}
    assert len(server.received) == 3


def test_repetitions_come_to_an_end_with_the_last_answer(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(503))
    assert get(server.url).status == 503
    assert len(server.received) == 1 + 2


def test_a_read_is_repeated_after_a_broken_connection(serve: Serve, pauses: list[float]) -> None:
    server = serve(CLOSE, reply(200))
    assert get(server.url).status == 200
    assert len(server.received) == 2


def test_retries_0_means_once(serve: Serve) -> None:
    server = serve(reply(503))
    assert get(server.url, retries=0).status == 503
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
@pytest.mark.parametrize("send", [get, post])
def test_an_answer_that_is_final_is_not_asked_for_again(
    serve: Serve, send: t.Callable[[str], HttpResponse], status: int
) -> None:
    server = serve(reply(status, b"{}", "Retry-After: 0"))
    assert send(server.url).status == status
    assert len(server.received) == 1


@pytest.mark.parametrize("answer", [reply(502), reply(503), reply(504), reply(502, b"", "Retry-After: 0")])
def test_a_post_is_not_repeated_unless_the_server_says_so(serve: Serve, answer: bytes) -> None:
    server = serve(answer, reply(200))
    assert post(server.url).status >= 429
    assert len(server.received) == 1


def test_a_post_that_a_rate_limit_put_off_is_repeated(serve: Serve) -> None:
    server = serve(reply(429), reply(200))
    assert post(server.url).status == 200
    assert [received.body for received in server.received] == [b"body-s3cret", b"body-s3cret"]


def test_a_post_is_not_repeated_after_a_broken_connection(serve: Serve) -> None:
    server = serve(CLOSE, reply(200))
    assert failure_of(lambda: post(server.url)).kind == "connection"
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_post_is_repeated_where_the_server_says_when(serve: Serve, pauses: list[float], status: int) -> None:
    server = serve(reply(status, b"", "Retry-After: 0"), reply(200))
    assert post(server.url).status == 200
    assert [received.body for received in server.received] == [b"body-s3cret", b"body-s3cret"]


@pytest.mark.parametrize("send", [get, post])
def test_a_short_wait_is_waited_as_long_as_the_server_says(
    serve: Serve, pauses: list[float], send: t.Callable[[str], HttpResponse]
) -> None:
    server = serve(reply(429, b"", "Retry-After: 7"), reply(200))
    assert send(server.url).status == 200
    assert pauses == [7]


@pytest.mark.parametrize("send", [get, post])
@pytest.mark.parametrize("wait", ["31", "3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_long_wait_is_reported_and_not_slept(
    serve: Serve, pauses: list[float], send: t.Callable[[str], HttpResponse], wait: str
) -> None:
    server = serve(reply(429, b"", f"Retry-After: {wait}"), reply(200))
    response = send(server.url)
    assert response.status == 429
    assert response.retry_after == (None if "GMT" in wait else float(wait))
    assert pauses == []
    assert len(server.received) == 1


@pytest.mark.parametrize("send", [get, post, post_anew])
@pytest.mark.parametrize(
    ("wait", "tries"), [("9" * 5000, 1), ("soon", 2), ("Fri, 15 Jan 99999 08:00:00 GMT", 1), ("", 2)]
)
def test_a_wait_that_is_no_time_is_not_slept(
    serve: Serve, pauses: list[float], send: t.Callable[[str], HttpResponse], wait: str, tries: int
) -> None:
    server = serve(reply(429, b"", f"Retry-After: {wait}"), reply(200))
    assert send(server.url).status == (429 if tries == 1 else 200)
    assert len(server.received) == tries
    assert sum(pauses) < 1  # its own pause


def test_the_pauses_grow_and_are_spread(serve: Serve, pauses: list[float]) -> None:
    assert get(serve(reply(503)).url, retries=3).status == 503
    assert len(pauses) == 3
    assert 0.5 <= pauses[0] <= 0.75
    assert 1.0 <= pauses[1] <= 1.5
    assert 2.0 <= pauses[2] <= 3.0


# Bodies that are made anew


def refuse_at_first(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The first connections are refused, and then they are made."""
    connect, failures = urllib3.util.connection.create_connection, [ConnectionRefusedError() for _time in range(times)]

    def create_connection(*args: t.Any, **kwargs: t.Any) -> socket.socket:
        if failures:
            raise failures.pop()
        return connect(*args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.create_connection", create_connection)


@pytest.mark.parametrize("busy", [reply(429), reply(429, b"", "Retry-After: 0"), reply(503, b"", "Retry-After: 0")])
@pytest.mark.parametrize("repeatable", [True, False])
def test_each_try_has_a_body_of_its_own(serve: Serve, pauses: list[float], busy: bytes, repeatable: bool) -> None:
    server = serve(busy, busy, reply(200, b'{"third": true}'))
    assert post_anew(server.url, repeatable=repeatable).json() == {"third": True}
    assert [received.body for received in server.received] == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize(("repeatable", "tries"), [(True, 3), (False, 1)])
@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_busy_server_gets_a_new_body_only_where_a_repetition_does_no_harm(
    serve: Serve, pauses: list[float], status: int, repeatable: bool, tries: int
) -> None:
    server = serve(reply(status))
    assert post_anew(server.url, repeatable=repeatable).status == status
    assert [received.body for received in server.received] == [FIRST, SECOND, THIRD][:tries]


def test_tries_with_new_bodies_come_to_an_end_with_the_last_answer(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(429, b'{"a": 1}'))
    assert post_anew(server.url).status == 429
    assert len(server.received) == 1 + 2


def test_retries_0_means_one_body(serve: Serve) -> None:
    server = serve(reply(429), reply(200))
    assert post_anew(server.url, retries=0).status == 429
    assert [received.body for received in server.received] == [FIRST]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_final_answer_takes_no_second_body(serve: Serve, status: int) -> None:
    made: list[bytes] = []
    assert post_anew(serve(reply(status, b"{}", "Retry-After: 0")).url, made=made, repeatable=True).status == status
    assert made == [FIRST]


def test_a_new_body_waits_as_long_as_the_server_says(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(429, b"", "Retry-After: 7"), reply(200))
    assert post_anew(server.url).status == 200
    assert pauses == [7]


def test_a_new_body_does_not_wait_for_long(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(429, b"", "Retry-After: 3600"), reply(200))
    assert post_anew(server.url).retry_after == 3600
    assert (pauses, len(server.received)) == ([], 1)


@pytest.mark.parametrize("send", [get, post_anew])
def test_tries_that_were_answered_and_those_that_were_not_are_counted_together(
    serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch, send: t.Callable[..., HttpResponse]
) -> None:
    server = serve(reply(429))
    refuse_at_first(monkeypatch, 1)
    assert send(server.url).status == 429
    assert (len(server.received), len(pauses)) == (2, 2)


def test_a_body_that_the_server_never_saw_is_kept(
    serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, made = serve(reply(200)), list[bytes]()
    refuse_at_first(monkeypatch, 2)
    assert post_anew(server.url, made=made).status == 200
    assert [received.body for received in server.received] == made == [FIRST]


@pytest.mark.parametrize("repeatable", [True, False])
def test_no_body_is_seen_twice_after_a_broken_connection(serve: Serve, pauses: list[float], repeatable: bool) -> None:
    server = serve(CLOSE)
    error = failure_of(lambda: post_anew(server.url, repeatable=repeatable))
    assert (error.kind, error.unsent) == ("connection", False)
    seen = [received.body for received in server.received]
    assert len(set(seen)) == len(seen)
    assert repeatable or seen == [FIRST]


def test_a_body_that_cannot_be_made_is_an_error_of_its_own(serve: Serve) -> None:
    def body() -> bytes:
        raise ConfigurationError("no key")

    server = serve(reply(200))
    with Transport(TransportOptions()) as transport, pytest.raises(ConfigurationError, match="no key"):
        transport.send(HttpRequest("POST", server.url, {}, body))
    assert server.received == []


@pytest.mark.parametrize("anew_first", [True, False])
def test_requests_of_both_kinds_are_repeated_each_in_its_way(
    serve: Serve, pauses: list[float], anew_first: bool
) -> None:
    server = serve(reply(429), reply(200), reply(429), reply(200))
    numbers = iter([b"1", b"2"])
    requests = [HttpRequest("POST", server.url, {}, lambda: next(numbers)), HttpRequest("POST", server.url, {}, b"x")]
    with Transport(TransportOptions(retries=1)) as transport:
        for request in requests if anew_first else requests[::-1]:
            assert transport.send(request).status == 200
    seen = [received.body for received in server.received]
    assert seen == ([b"1", b"2", b"x", b"x"] if anew_first else [b"x", b"x", b"1", b"2"])


# Whether the server can have seen it


def test_a_refused_connection_saw_nothing(pauses: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert failure_of(lambda: post(f"http://127.0.0.1:{unused.getsockname()[1]}/")).unsent


def test_a_network_without_a_way_saw_nothing(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr("urllib3.util.connection.create_connection", no_way)
    error = failure_of(lambda: get("https://192.0.2.1/", retries=0))
    assert (error.kind, error.unsent) == ("connection", True)
    assert "No connection to https://192.0.2.1/ can be made from here" in str(error)


def test_an_unknown_host_saw_nothing(pauses: list[float]) -> None:
    assert failure_of(lambda: post("https://api.apiops-access.invalid/", retries=0)).unsent


def test_a_connection_that_was_not_made_in_time_saw_nothing(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(*_args: object, **_kwargs: object) -> None:
        raise TimeoutError("body-s3cret")

    monkeypatch.setattr("urllib3.util.connection.create_connection", too_slow)
    error = failure_of(lambda: post("https://192.0.2.1/"))
    assert (error.kind, error.unsent) == ("timeout", True)


@pytest.mark.parametrize("certificate", ["expired", "other_host"])
def test_a_server_that_is_not_trusted_saw_nothing(serve: Serve, certificates: Certificates, certificate: str) -> None:
    server = serve(reply(200), certificate=getattr(certificates, certificate))
    assert failure_of(lambda: post(server.url, ca_path=str(certificates.ca))).unsent


def test_a_proxy_that_is_not_there_passed_nothing_on(pauses: list[float]) -> None:
    assert failure_of(lambda: post("http://jim2.example.com/", proxy="http://127.0.0.1:1")).unsent


def test_a_request_that_http_cannot_carry_was_not_sent(serve: Serve) -> None:
    server = serve(reply(200))
    error = failure_of(lambda: get(server.url, headers={"Authorization": "Bearer header-s3cret\n"}))
    assert server.received == []
    assert error.unsent


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_did_not_answer_can_have_seen_it(serve: Serve, host: str) -> None:
    server = serve(HANG)
    error = failure_of(lambda: post(server.url.replace("127.0.0.1", host), timeout=SPARE))
    assert (error.kind, error.unsent) == ("timeout", False)


@pytest.mark.parametrize(
    "answer",
    [
        CLOSE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{",
        b"answer-s3cret\r\nConnection: close\r\n\r\n",
        reply(302, b"", "Location: https://elsewhere.example.com/"),
    ],
)
def test_a_server_that_answered_something_can_have_acted(serve: Serve, pauses: list[float], answer: bytes) -> None:
    assert not failure_of(lambda: post(serve(answer).url)).unsent


def test_a_connection_that_breaks_while_it_is_made_brought_nothing_and_is_made_again(
    play: Play, pauses: list[float], certificates: Certificates
) -> None:
    def reset(_number: int, connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(1)  # with the rest unread, the end is a reset

    server = play(reset)
    error = failure_of(lambda: post(server.url.replace("http:", "https:"), ca_path=str(certificates.ca)))
    assert (error.kind, error.retryable, error.unsent) == ("connection", True, True)
    assert server.connections == 1 + 2


def test_a_refused_try_does_not_hide_one_before_that_can_have_arrived(
    serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(CLOSE)
    connect, made = urllib3.util.connection.create_connection, list[int]()

    def once(*args: t.Any, **kwargs: t.Any) -> socket.socket:
        if made:
            raise ConnectionRefusedError
        made.append(1)
        return connect(*args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.create_connection", once)
    error = failure_of(lambda: get(server.url))
    assert (error.kind, error.unsent) == ("connection", False)


def test_whether_a_call_was_sent_has_nothing_to_do_with_the_one_before(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(200, b"{}", "Connection: close"))
    with Transport(TransportOptions()) as transport:
        transport.send(HttpRequest("GET", server.url))
        server.close()
        assert failure_of(lambda: transport.send(HttpRequest("GET", server.url))).unsent


@pytest.mark.parametrize(("status", "unsent"), [(429, True), (503, False)])
def test_a_refused_try_after_an_answer_is_as_unsent_as_the_answer_says(
    serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch, status: int, unsent: bool
) -> None:
    server = serve(reply(status, b"", "Connection: close"))
    connect, made = urllib3.util.connection.create_connection, list[int]()

    def once(*args: t.Any, **kwargs: t.Any) -> socket.socket:
        if made:
            raise ConnectionRefusedError
        made.append(1)
        return connect(*args, **kwargs)

    monkeypatch.setattr("urllib3.util.connection.create_connection", once)
    assert failure_of(lambda: get(server.url)).unsent is unsent


@pytest.mark.parametrize("answer", [CLOSE, HANG])
@pytest.mark.parametrize("send", [post, post_anew])
def test_a_last_try_that_can_have_arrived_counts_more_than_the_refused_ones_before(
    serve: Serve,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    send: t.Callable[..., HttpResponse],
    answer: bytes,
) -> None:
    refuse_at_first(monkeypatch, 2)
    assert not failure_of(lambda: send(serve(answer).url, timeout=SPARE)).unsent


def test_a_connection_that_broke_on_its_second_use_can_have_brought_it(serve: Serve, pauses: list[float]) -> None:
    server = serve(reply(200), CLOSE)
    with Transport(TransportOptions()) as transport:
        transport.send(HttpRequest("GET", server.url))
        error = failure_of(lambda: transport.send(HttpRequest("POST", server.url, {}, b"body-s3cret")))
    assert not error.unsent


# Certificates


def test_a_server_is_trusted_by_ca_path(serve: Serve, certificates: Certificates) -> None:
    server = serve(reply(200), certificate=certificates.good)
    assert get(server.url, ca_path=str(certificates.ca)).status == 200


def test_a_server_is_trusted_by_ca_data(serve: Serve, certificates: Certificates, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    server = serve(reply(200), reply(200), certificate=certificates.good)
    assert get(server.url, ca_data=certificates.ca.read_text()).status == 200
    assert list(tmp_path.iterdir()) == []
    # A path goes before the text, and no check before both.
    other = certificates.other_ca.read_text()
    assert failure_of(lambda: get(server.url, ca_data=other, retries=0)).kind == "certificate"
    assert get(server.url, ca_path=str(certificates.ca), ca_data=other).status == 200
    assert failure_of(lambda: get(server.url, ca_data="no certificate", retries=0)).kind == "tls"


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", "has expired"),
        ("expired", "UTC by the clock of this machine: correct that, or"),
        ("not_yet", "is not valid yet"),
        ("not_yet", "UTC by the clock of this machine: correct that, or"),
        ("other_host", "another"),
        ("other_address", "another"),
        ("other_host", "Set ca_path"),
        ("other_purpose", "purpose"),  # as OpenSSL says it
    ],
)
def test_a_certificate_that_is_wrong_is_told_why(
    serve: Serve, certificates: Certificates, certificate: str, words: str
) -> None:
    server = serve(reply(200), certificate=getattr(certificates, certificate))
    error = failure_of(lambda: post(f"{server.url}/token?query-s3cret", ca_path=str(certificates.ca)))
    assert (error.kind, error.retryable) == ("certificate", False)
    assert words in str(error)
    assert server.received == []


def test_a_name_that_the_certificate_lacks_is_told_so(serve: Serve, certificates: Certificates) -> None:
    server = serve(reply(200), certificate=certificates.other_host)
    url = server.url.replace("127.0.0.1", "localhost")
    assert "another host name" in str(failure_of(lambda: get(url, ca_path=str(certificates.ca))))


@pytest.mark.parametrize("ca", [None, "other_ca"])
def test_an_authority_that_is_not_trusted_is_told_so(serve: Serve, certificates: Certificates, ca: str | None) -> None:
    server = serve(reply(200), certificate=certificates.good)
    error = failure_of(lambda: post(server.url, ca_path=str(getattr(certificates, ca)) if ca else None))
    assert (error.kind, error.retryable) == ("certificate", False)
    assert "ca_path" in str(error)
    assert "not trusted" in str(error)
    assert server.received == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_does_not_weaken_ca_path(
    serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates.ca))
    server = serve(reply(200), certificate=certificates.good)
    assert failure_of(lambda: get(server.url, ca_path=str(certificates.other_ca))).kind == "certificate"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_does_not_replace_ca_path(
    serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates.other_ca))
    server = serve(reply(200), certificate=certificates.good)
    assert get(server.url, ca_path=str(certificates.ca)).status == 200
    assert get(server.url, validate_certs=False).status == 200


def test_a_bundle_of_the_environment_counts_where_nothing_is_set(
    serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    assert get(serve(reply(200), certificate=certificates.good).url).status == 200


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_validate_certs_false_trusts_any(serve: Serve, certificates: Certificates) -> None:
    server = serve(reply(200), certificate=certificates.expired)
    assert get(server.url, validate_certs=False).status == 200


def test_a_server_without_tls_is_told_so(play: Play, certificates: Certificates) -> None:
    def complain(_number: int, connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        over.wait(5)

    url = play(complain).url.replace("http:", "https:")
    error = failure_of(lambda: post(url, ca_path=str(certificates.ca), retries=0))
    assert (error.kind, error.retryable, error.unsent) == ("tls", False, True)


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_is_missing_is_named_before_anything_is_sent(serve: Serve, option: str) -> None:
    server = serve(reply(200))
    with pytest.raises(ConfigurationError, match=f"{option} '/nowhere/x.pem'"):
        get(server.url, **t.cast("dict[str, t.Any]", {option: "/nowhere/x.pem"}))
    assert server.received == []


def test_a_client_certificate_is_shown(serve: Serve, certificates: Certificates) -> None:
    server = serve(reply(200), certificate=certificates.good)
    assert server._context is not None
    server._context.load_verify_locations(certificates.ca)
    server._context.verify_mode = ssl.CERT_REQUIRED
    ca, mine = str(certificates.ca), str(certificates.good)
    assert get(server.url, ca_path=ca, client_cert=mine).status == 200
    assert get(server.url, ca_path=ca, client_cert=mine, client_key=mine).status == 200
    failure_of(lambda: get(server.url, ca_path=ca, retries=0))


# Clocks


@pytest.fixture(params=["UTC", "UTC-10", "UTC+7"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is in each of these time zones."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Fri, 15 Jan 2027 08:00:00 GMT", 0),
        ("Fri, 15 Jan 2027 07:58:00 GMT", 120),
        ("Fri, 15 Jan 2027 09:00:00 GMT", -3600),
        # RFC 9110 section 5.6.7: forms that a recipient must take, all of them in UTC.
        ("Friday, 15-Jan-27 07:58:00 GMT", 120),
        ("Fri Jan 15 07:58:00 2027", 120),
        ("yesterday", None),
        ("", None),
        ("Fri, 15 Jan 99999 08:00:00 GMT", None),
        ("Fri, 99 Jan 2027 08:00:00 GMT", None),
    ],
)
def test_a_wrong_clock_is_measured_by_the_servers_date(date: str, skew: int | None) -> None:
    assert HttpResponse(200, "https://x", {"date": date}).clock_skew(NOW) == skew


def test_a_clock_is_not_measured_without_a_date() -> None:
    assert HttpResponse(200, "https://x").clock_skew(NOW) is None


# URLs


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://support.example.com", "https://support.example.com"),
        ("https://support.example.com/", "https://support.example.com"),
        ("https://jim2.example.com:8443/Jim_Live/", "https://jim2.example.com:8443/Jim_Live"),
        ("http://localhost:80/Jim_Test/", "http://localhost:80/Jim_Test"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]/api", "https://[2001:db8::1]/api"),
    ],
)
def test_a_usable_url_keeps_its_path_and_loses_its_last_slash(url: str, kept: str) -> None:
    assert check_url("base_url", url, allow_http=False) == kept


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("support.example.com", "https://"),
        ("support.example.com:443", "https://"),
        ("ftp://support.example.com", "https://"),
        ("https://", "https://"),
        ("https:///path", "https://"),
        ("https://me:s3cret@support.example.com", "credentials"),
        ("https://support.example.com?key=s3cret", "query"),
        ("https://support.example.com/#s3cret", "fragment"),
        ("https://support.example.com:99999", "not a valid URL"),
        ("https://[::1", "not a valid URL"),
        ("https://support.example.com/a b", "white space"),
        ("https://support.example.com\r\nX: 1", "white space"),
        ("https://support.example.com/\x1b", "control character"),
        ("http://support.example.com", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("http://localhost.example.com", "plain http"),
        ("http://10.0.0.1", "plain http"),
    ],
)
def test_an_unusable_url_is_refused_with_the_reason(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_url("base_url", url, allow_http=False)
    assert words in str(caught.value)
    assert "base_url" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://auth.example.com/token?tenant=7", "https://auth.example.com/token/?next=/"])
def test_a_query_is_kept_as_it_is_where_there_may_be_one(url: str) -> None:
    assert check_url("token_endpoint", url, allow_http=False, query=True) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://auth.example.com/token?a=b#s3cret", "fragment"),
        ("https://me:s3cret@auth.example.com/token?a=b", "credentials"),
        ("http://auth.example.com/token?a=b", "plain http"),
        ("https://?a=b", "https://"),
        ("https://auth.example.com/token?a= b", "white space"),
    ],
)
def test_a_url_with_a_query_is_checked_like_any_other(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match="token_endpoint") as caught:
        check_url("token_endpoint", url, allow_http=False, query=True)
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_plain_http_can_be_allowed() -> None:
    assert check_url("base_url", "http://jim2.example.com/", allow_http=True) == "http://jim2.example.com"


def test_a_printed_url_has_neither_query_nor_user() -> None:
    url = "https://me:s3cret@api.example.com:8443/a/b?token=s3cret#s3cret"
    assert printable_url(url) == "https://api.example.com:8443/a/b"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "api.localhost"])
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.com", "notlocalhost", "", "0.0.0.0", "example.com"])
def test_other_machines_are_known(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120.0), (" 5 ", 5.0), ("", None), ("-1", None), ("1.5", None), ("\u00b2", None)]
)
def test_only_whole_seconds_are_a_wait(value: str, seconds: float | None) -> None:
    assert HttpResponse(429, "https://x", {"retry-after": value}).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "headers", "notice"),
    [
        (200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "300"}, RateNotice(7, 300.0)),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": " 12 "}, RateNotice(0, 12.0)),
        (429, {"retry-after": "60", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "9"}, RateNotice(0, 60.0)),
        (200, {"retry-after": "60"}, None),
        (429, {"retry-after": "99999999999"}, None),
        (200, {}, None),
        (200, {"x-ratelimit-remaining": "7"}, None),
        (200, {"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "300"}, None),
        (200, {"x-ratelimit-remaining": "\u00b2", "x-ratelimit-reset": "300"}, None),
        (200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1795000000"}, None),
        (200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "2027-01-15T08:00:00Z"}, None),
        (200, {"x-ratelimit-remaining": "9" * 5000, "x-ratelimit-reset": "300"}, None),
    ],
)
def test_a_rate_limit_is_believed_where_it_can_be_true(
    status: int, headers: dict[str, str], notice: RateNotice | None
) -> None:
    assert HttpResponse(status, "https://x", headers).rate_notice == notice


def test_the_last_word_on_the_rate_is_kept(serve: Serve) -> None:
    server = serve(reply(200, b"{}", "X-RateLimit-Remaining: 9", "X-RateLimit-Reset: 300"), reply(200))
    with Transport(TransportOptions()) as transport:
        assert transport.rate_notice is None
        for _call in range(2):
            transport.send(HttpRequest("GET", server.url))
        assert transport.rate_notice == RateNotice(9, 300.0)


def test_neither_request_nor_answer_shows_its_content() -> None:
    request = HttpRequest("POST", "https://x", {"Authorization": "Basic header-s3cret"}, b"body-s3cret")
    answer = HttpResponse(200, "https://x", {"set-cookie": "header-s3cret"}, b"answer-s3cret")
    assert not [marker for marker in MARKERS if marker in repr(request) + repr(answer)]


def test_a_transport_error_says_that_it_may_pass() -> None:
    assert TransportError("x").retryable
