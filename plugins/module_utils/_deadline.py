# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Connections that keep the time which a try has as a whole: urllib3 by itself counts it anew for each read.

Here is also what a connection must know besides: whether it has sent anything, and which answer is the final one.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import os
import socket
import ssl
import threading
import time
import typing as t

LEAST_PROGRESS = 256 * 1024
"""Bytes of a large body that must get through in each ``timeout``, so that it can take longer as a whole."""

LONGEST_LINE = 65536
"""Bytes of a line of an answer's frame, as http.client has it for headers."""

MOST_INTERIM_ANSWERS = 100


class Deadline:
    """The time that one try has: from the search for the server's address to the end of the answer.

    When it is over, the connection is shut down, so that whoever waits for it, in TLS or in a proxy's tunnel, waits
    no longer.

    :ivar seconds: the time of each try
    :ivar over: the time of the last try was up before its end
    :ivar sent: a server can have seen some of the request
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.over = False
        self.sent = False
        self._until = 0.0
        self._progress = 0
        self._wire: socket.socket | None = None
        self._guard: threading.Thread | None = None
        self._finished = threading.Event()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """The time of a try runs from now on."""
        self.end()
        self.over, self._finished = False, threading.Event()
        self._extend()
        self._guard = threading.Thread(target=self._wait, args=(self._finished,), daemon=True)
        self._guard.start()

    def end(self) -> None:
        """The try has come to its end, in time or not."""
        self._finished.set()
        if self._guard:
            self._guard.join()
            self._guard = None
        if self._wire:
            self._wire.close()
            self._wire = None

    def remaining(self) -> float:
        """Seconds that are left, and next to nothing where none are."""
        return max(0.001, self._until - time.monotonic())

    def watch(self, connection: t.Any) -> None:
        """Shut this connection down when the time is over."""
        # By a descriptor of our own, since TLS takes the connection's away and a proxy's tunnel hides it.
        wire = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            if self._wire:
                self._wire.close()
            self._wire = wire
            if self.over:
                self._shut_down()

    def moved(self, count: int) -> None:
        """So many bytes of a body got through; with enough of them, the time begins anew."""
        self._progress += count
        if self._progress >= LEAST_PROGRESS:
            self._extend()

    def _extend(self) -> None:
        self._progress, self._until = 0, time.monotonic() + self.seconds

    def _wait(self, finished: threading.Event) -> None:
        while not finished.wait(min(self.remaining(), threading.TIMEOUT_MAX)):
            with self._lock:
                if not finished.is_set() and time.monotonic() >= self._until:
                    self.over = True
                    self._shut_down()
                    return

    def _shut_down(self) -> None:
        if self._wire:
            with contextlib.suppress(OSError):  # it is closed by now
                self._wire.shutdown(socket.SHUT_RDWR)


class _Lines(io.BufferedReader):
    """Reads lines that end, and end within LONGEST_LINE bytes.

    By http.client alone, headers are complete where the connection breaks, and the first line of a chunk, which urllib3
    asks for, can be endless.
    """

    in_head = False

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(LONGEST_LINE + 1 if size is None or size < 0 else size)
        if len(line) > LONGEST_LINE:
            raise http.client.LineTooLong("line")
        if self.in_head and not line.endswith(b"\n"):
            raise http.client.RemoteDisconnected("in the head of the answer")
        return line


class _FinalAnswer(http.client.HTTPResponse):
    """An answer, past all interim ones (RFC 9110 section 15.2): http.client takes any but 100 for the final one.

    That would leave the true answer on the connection, for whoever uses it next.
    """

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = _Lines(self.fp.detach())

    def _read_status(self) -> tuple[str, int, str]:
        for _answer in range(MOST_INTERIM_ANSWERS):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("too many interim answers")

    def begin(self) -> None:
        lines = t.cast(_Lines, self.fp)
        lines.in_head = True
        super().begin()
        lines.in_head = False
        if self.status == http.client.SWITCHING_PROTOCOLS:  # nobody asked for it, and what follows is no HTTP
            self.will_close = True


try:
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
    from urllib3.util.connection import allowed_gai_family
except ImportError:
    pass  # _transport tells so
else:

    class BrokenConnectError(NewConnectionError):
        """The server, or the network, closed a connection while it was made."""

    class _TimedConnection(HTTPConnection):
        deadline: Deadline
        response_class = _FinalAnswer
        _connecting = False

        def _new_conn(self) -> socket.socket:
            host, timeout = self._dns_host, self.timeout
            addresses = self._addresses(host)
            try:
                # Each has its share of the time, so that one which does not answer leaves some for the others.
                for left in range(len(addresses), 0, -1):
                    self._dns_host, self.timeout = addresses[-left], self.deadline.remaining() / left
                    try:
                        connection = super()._new_conn()
                        break
                    except (ConnectTimeoutError, NewConnectionError):
                        if left == 1:
                            raise
            finally:
                self._dns_host, self.timeout = host, timeout
            # From here on the deadline alone ends what takes too long.
            connection.settimeout(self.deadline.seconds)
            self.deadline.watch(connection)
            return connection

        def _addresses(self, host: str) -> list[str]:
            """The addresses of a host, as text. Raises ConnectTimeoutError and NewConnectionError."""
            look_up = functools.partial(
                socket.getaddrinfo, host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM
            )
            found: list[t.Any] = []

            def ask(**options: t.Any) -> None:
                with contextlib.suppress(OSError, UnicodeError):
                    found.extend(look_up(**options))

            ask(flags=socket.AI_NUMERICHOST)
            if not found:
                # The machine's resolver has its own, often longer times, and cannot be interrupted.
                asking = threading.Thread(target=ask, daemon=True)
                asking.start()
                asking.join(self.deadline.remaining())
                if asking.is_alive():
                    raise ConnectTimeoutError(self, "")
            if not found:
                raise NewConnectionError(self, "") from socket.gaierror()
            flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
            return list(dict.fromkeys(socket.getnameinfo(address[4], flags)[0] for address in found))

        def connect(self) -> None:
            self._connecting = True
            try:
                super().connect()
            except (ConnectTimeoutError, NewConnectionError):
                raise
            except Exception as error:
                # On a busy machine the socket's own time can be up before its guard gets its turn.
                if self.deadline.over or isinstance(error, socket.timeout):
                    raise ConnectTimeoutError(self, "") from error
                if isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                    raise BrokenConnectError(self, "") from error
                raise
            finally:
                self._connecting = False

        def send(self, data: t.Any) -> None:
            if self.sock is None and self.auto_open:
                self.connect()  # which http.client would do, and with it send
            self.deadline.sent |= not self._connecting
            if not isinstance(data, (bytes, bytearray, memoryview)):
                super().send(data)
                return
            view = memoryview(data)
            for start in range(0, len(view), LEAST_PROGRESS):
                piece = view[start : start + LEAST_PROGRESS]
                super().send(piece)
                self.deadline.moved(len(piece))

    class _TimedTlsConnection(_TimedConnection, HTTPSConnection):
        pass

    class _TimedPool(HTTPConnectionPool):
        """A try of urllib3 lasts from when it takes a connection out of its pool until it puts it back."""

        deadline: Deadline
        ConnectionCls = _TimedConnection

        def _new_conn(self) -> t.Any:
            connection = t.cast(_TimedConnection, super()._new_conn())
            connection.deadline = self.deadline
            return connection

        def _get_conn(self, timeout: float | None = None) -> t.Any:
            self.deadline.begin()
            connection: t.Any = super()._get_conn(timeout)
            if connection.sock is not None and getattr(connection.sock, "pending", int)():
                # What nobody has asked for; urllib3 sees it only before it is decrypted.
                connection.close()
                connection = self._new_conn()
            if connection.sock is not None:
                self.deadline.watch(connection.sock)
            return connection

        def _put_conn(self, conn: t.Any) -> None:
            self.deadline.end()
            super()._put_conn(conn)

    class _TimedTlsPool(_TimedPool, HTTPSConnectionPool):
        ConnectionCls = _TimedTlsConnection

    def _pool(kind: type[_TimedPool], deadline: Deadline, *args: t.Any, **kwargs: t.Any) -> HTTPConnectionPool:
        pool = kind(*args, **kwargs)
        pool.deadline = deadline
        return pool

    def timed_pools(deadline: Deadline) -> dict[str, t.Any]:
        """What a PoolManager of urllib3 makes its pools with, by scheme."""
        return {
            "http": functools.partial(_pool, _TimedPool, deadline),
            "https": functools.partial(_pool, _TimedTlsPool, deadline),
        }
