# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A layer of TCP and TLS in front of a server: it passes connections on, or plays a fault on them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import typing as t
from pathlib import Path

from ..unit.loopback import Certificates, server_context

Play = t.Callable[["Exchange"], None]
"""What happens on one connection."""

_LONGEST = 30.0
"""Seconds after which nothing of this waits any longer."""


class Exchange:
    """One connection of a client, which brings at most one request. The connection is closed after its play."""

    def __init__(self, layer: Layer, connection: socket.socket, number: int, over: threading.Event) -> None:
        self.connection = connection
        self.number = number
        self.over = over
        """Set when the fault is over, so that nobody has to wait for its end."""
        self._layer = layer

    def tls(self, certificate: str = "good") -> None:
        """Make TLS of the connection, with one of ``Certificates``."""
        context = server_context(getattr(self._layer.certificates, certificate))
        self.connection = context.wrap_socket(self.connection, server_side=True)

    def request(self) -> bytes:
        """The whole request, once there is TLS."""
        return _message(self.connection)

    def honest_answer(self, request: bytes) -> bytes:
        """What the server answers, which has acted then."""
        self._layer.forwarded.append(request.partition(b" HTTP/")[0].decode())
        head, _blank, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        context = ssl.create_default_context(cafile=str(self._layer.upstream_ca))
        plain = socket.create_connection(("127.0.0.1", self._layer.upstream_port), timeout=_LONGEST)
        with context.wrap_socket(plain, server_hostname="localhost") as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
            return b"".join(iter(lambda: server.recv(65536), b""))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, piece: bytes) -> None:
        """Send a piece again and again, far more often than any timeout, and too seldom for 100 headers in it."""
        while not self.over.wait(0.05):
            self.connection.sendall(piece)

    def end(self) -> None:
        """Nothing more: the connection is closed after its play."""

    def hang(self) -> None:
        """Wait for the end of the fault."""
        self.over.wait(_LONGEST)

    def reset(self) -> None:
        """End the connection by RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def honest(exchange: Exchange) -> None:
    """No fault."""
    exchange.tls()
    exchange.send(exchange.honest_answer(exchange.request()))


class Layer:
    """Listens on a port of 127.0.0.1, in front of one of a server that has TLS too.

    :ivar calls: connections that came since the last fault began, but for those that it let pass
    :ivar forwarded: the method and path of each request since then that the server has seen
    """

    def __init__(self, upstream_port: int, upstream_ca: Path, certificates: Certificates) -> None:
        self.upstream_port = upstream_port
        self.upstream_ca = upstream_ca
        self.certificates = certificates
        self.calls = 0
        self.forwarded: list[str] = []
        self._play: Play = honest
        self._let_pass = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._listen()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._over.set()
        self._shut()

    @contextlib.contextmanager
    def fault(self, play: Play, *, let_pass: int = 0) -> t.Iterator[None]:
        """Play this on all connections but the first ``let_pass``."""
        self.calls, self.forwarded = 0, []
        self._play, self._let_pass, self._over = play, let_pass, threading.Event()
        try:
            yield
        finally:
            self._over.set()
            self._play, self._let_pass = honest, 0

    @contextlib.contextmanager
    def deaf(self, *, refuse: bool) -> t.Iterator[None]:
        """Refuse all connections, or let them wait in a queue that is full."""
        self.calls, self.forwarded = 0, []
        self._shut()
        with contextlib.ExitStack() as stack:
            if not refuse:
                full = stack.enter_context(socket.create_server(("127.0.0.1", self.port), backlog=0))
                for _place in range(3):
                    filler = stack.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(full.getsockname())
            yield
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def _listen(self) -> None:
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._listener.close()
        self._accepting.join()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listener.accept()
                play = self._play
                if self._let_pass:
                    self._let_pass -= 1
                    play = honest
                elif play is not honest:
                    self.calls += 1
                exchange = Exchange(self, connection, self.calls, self._over)
                threading.Thread(target=_serve, args=(play, exchange), daemon=True).start()


def _serve(play: Play, exchange: Exchange) -> None:
    with contextlib.suppress(OSError):  # the client has had enough
        exchange.connection.settimeout(_LONGEST)
        play(exchange)
    exchange.connection.close()


def _message(connection: socket.socket) -> bytes:
    """A request with a Content-Length, or without a body. Raises OSError where there is none."""
    data = b""
    while True:
        head, blank, body = data.partition(b"\r\n\r\n")
        if blank:
            lengths = [
                line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            ]
            if len(body) >= int(lengths[0] if lengths else 0):
                return data
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("no request")
        data += piece
