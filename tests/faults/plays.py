# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults: what a network, something on the way, or a broken or hostile server does with a connection."""

from __future__ import annotations

import gzip
import socket
import time
import typing as t
from email.utils import formatdate

from .layer import Exchange, Play, honest

_BOMB = gzip.compress(b" " * (65 * 1024 * 1024))
"""More than any answer may have, in 65 KB."""


def after_handshake(rest: t.Callable[[Exchange], None], certificate: str = "good") -> Play:
    """TLS and a request as they should be, and then the rest."""

    def play(exchange: Exchange) -> None:
        exchange.tls(certificate)
        exchange.request()
        rest(exchange)

    return play


def raw(data: bytes, *, then: t.Callable[[Exchange], None] = Exchange.end) -> Play:
    """These bytes for an answer; the server sees nothing of the request."""

    def play(exchange: Exchange) -> None:
        exchange.send(data)
        then(exchange)

    return after_handshake(play)


def status(code: int, body: bytes = b"{}", **headers: str | t.Callable[[], str]) -> Play:
    """An answer that is whole; the server sees nothing of the request. Header names have underscores for dashes."""

    def play(exchange: Exchange) -> None:
        told = {"Content-Type": "application/json", "Connection": "close", "Content-Length": str(len(body))}
        for name, value in headers.items():
            told[name.replace("_", "-")] = value if isinstance(value, str) else value()
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        exchange.send(f"HTTP/1.1 {code} Status\r\n{lines}\r\n".encode() + body)

    return after_handshake(play)


def acted(change: t.Callable[[Exchange, bytes], None]) -> Play:
    """The server acts, and its answer is in the hands of ``change``."""

    def play(exchange: Exchange) -> None:
        exchange.tls()
        change(exchange, exchange.honest_answer(exchange.request()))

    return play


def once(play: Play) -> Play:
    """The fault on the first connection only."""
    return lambda exchange: (play if exchange.number == 1 else honest)(exchange)


def in_seconds(seconds: float) -> t.Callable[[], str]:
    """A moment as an HTTP-date (RFC 9110 section 5.6.7)."""
    return lambda: formatdate(time.time() + seconds, usegmt=True)


def _drip_a_handshake(exchange: Exchange) -> None:
    exchange.connection.recv(65536)
    exchange.send(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")  # a ServerHello of 16 KiB
    exchange.drip(b"\0")


def _half_close(exchange: Exchange) -> None:
    exchange.connection.shutdown(socket.SHUT_WR)
    exchange.hang()


def _garbage_for_tls(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    exchange.hang()


def _alert(exchange: Exchange) -> None:
    exchange.connection.recv(65536)
    exchange.send(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal, handshake_failure (RFC 8446 section 6)
    exchange.hang()


def _cut(exchange: Exchange, answer: bytes) -> None:
    exchange.send(answer[:-1])


def _reset_in_the_body(exchange: Exchange, answer: bytes) -> None:
    exchange.send(answer[:-1])
    time.sleep(0.05)  # a reset takes with it what was not read by then
    exchange.reset()


def _reset_in_the_head(exchange: Exchange, answer: bytes) -> None:
    exchange.send(answer[:20])
    time.sleep(0.05)
    exchange.reset()


def _slowly(exchange: Exchange, answer: bytes) -> None:
    for byte in answer:
        if exchange.over.wait(0.02):
            return
        exchange.send(bytes([byte]))


def _with_length(change: int) -> t.Callable[[Exchange, bytes], None]:
    """The answer with a Content-Length that is so much more than its body."""

    def play(exchange: Exchange, answer: bytes) -> None:
        head, _blank, body = answer.partition(b"\r\n\r\n")
        lines = [
            line
            for line in head.split(b"\r\n")
            if not line.lower().startswith((b"content-length:", b"transfer-encoding:"))
        ]
        length = b"Content-Length: %d" % max(0, len(body) + change)
        exchange.send(b"\r\n".join([*lines, length, b"", body]))

    return play


def _late(exchange: Exchange, answer: bytes) -> None:
    exchange.over.wait(0.2)
    exchange.send(answer)


def _lose(_exchange: Exchange, _answer: bytes) -> None:
    """The connection is closed without a word of the answer."""


_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_TOKEN = b'{"access_token": "x"'

PLAYS: t.Mapping[str, Play] = {
    # The connection is not made.
    "reset on connect": Exchange.reset,
    "close on connect": Exchange.end,
    "black hole": Exchange.hang,
    "garbage for TLS": _garbage_for_tls,
    "TLS alert": _alert,
    "TLS in drips": _drip_a_handshake,
    "expired certificate": after_handshake(Exchange.hang, "expired"),
    "certificate of another host": after_handshake(Exchange.hang, "other_host"),
    # The request arrives, and goes no further.
    "reset after the request": after_handshake(Exchange.reset),
    "close after the request": after_handshake(Exchange.end),
    "half closed after it": after_handshake(_half_close),
    "no answer": after_handshake(Exchange.hang),
    "garbage for HTTP": raw(b"\x00\x01\x02 hello\r\n\r\n" * 20),
    "drips of a status line": raw(b"HTTP/1.1 200 O", then=lambda exchange: exchange.drip(b"K")),
    "drips of headers": raw(_OK, then=lambda exchange: exchange.drip(b"X-A: a\r\n")),
    "endless headers": raw(_OK, then=lambda exchange: exchange.drip(b"X-A: a\r\n" * 1000)),
    "endless header": raw(_OK + b"X-A: ", then=lambda exchange: exchange.drip(b"a" * 65536)),
    "flood of 100": raw(b"", then=lambda exchange: exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "flood of 103": raw(b"", then=lambda exchange: exchange.drip(_HINTS * 1000)),
    "drips of 103": raw(_HINTS[:-2], then=lambda exchange: exchange.drip(b"X-A: a\r\n")),
    "two lengths": raw(_OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "endless body": raw(_OK + b"\r\n", then=lambda exchange: exchange.drip(b" " * (8 << 20))),
    "drips of a body": raw(_OK + b"\r\n", then=lambda exchange: exchange.drip(b" ")),
    "gzip bomb": status(200, _BOMB, Content_Encoding="gzip"),
    "gzip bomb as 503": status(503, _BOMB, Content_Encoding="gzip"),
    "packed by br": status(200, b"xxxx", Content_Encoding="br"),
    # Statuses.
    "redirect": status(302, b"", Location="https://elsewhere.example/"),
    "429": status(429),
    "429, 1 s": status(429, Retry_After="1"),
    "429, a date soon": status(429, Retry_After=in_seconds(2), Date=in_seconds(0)),
    "429, a date far off": status(429, Retry_After=in_seconds(1e9), Date=in_seconds(0)),
    "429, absurdly long": status(429, Retry_After="9" * 5000),
    "500": status(500),
    "502, a page": status(502, b"<html>Bad Gateway</html>", Content_Type="text/html"),
    "503": status(503),
    "503, 1 s": status(503, Retry_After="1"),
    "503, a date soon": status(503, Retry_After=in_seconds(2), Date=in_seconds(0)),
    "503, absurdly long": status(503, Retry_After="9" * 5000),
    # Successes that are none.
    "empty": status(200, b""),
    "a page": status(200, b"<html>Log in</html>", Content_Type="text/html"),
    "cut JSON": status(200, _TOKEN),
    "JSON in UTF-16": status(
        200, (_TOKEN + b"}").decode().encode("utf-16"), Content_Type="application/json; charset=x"
    ),
    # The server acts, and its answer suffers.
    "answer lost": acted(_lose),
    "reset in its head": acted(_reset_in_the_head),
    "closed in its head": acted(lambda exchange, answer: exchange.send(answer[:20])),
    "reset before its end": acted(_reset_in_the_body),
    "closed before its end": acted(_cut),
    "in drips": acted(_slowly),
    "length too large": acted(_with_length(9)),
    "length too small": acted(_with_length(-9)),
    # What does no harm.
    "latency": acted(_late),
    "103 before it": acted(lambda exchange, answer: exchange.send(_HINTS + answer)),
    "reset once on connect": once(Exchange.reset),
    "reset once after the request": once(after_handshake(Exchange.reset)),
    "503 once, 1 s": once(status(503, Retry_After="1")),
    "502 once": once(status(502)),
}
"""The faults by their names in the table."""
