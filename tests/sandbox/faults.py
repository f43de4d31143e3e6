# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted answers: what a client must survive and no vendor documents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .connections import Connection

_CHUNK = b"x" * 65536
_TRUNCATED_BY = 1024


@dataclass
class Fault:
    """Answers `left` requests whose path begins with `path`, after the next `skip` of them.

    `status` None: the vendor answers, and only `delay` and `cut_after` are scripted. `body_size`: bytes, streamed
    without a Content-Length unless `headers` has one; `body` comes first, `x` fills the rest. `delay`: real seconds
    before the answer. `truncate`: the Content-Length promises more than is sent before the connection closes.
    `cut_after`: bytes of the vendor's own answer after which the connection closes.
    """

    path: str
    left: int
    method: str | None = None
    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    body_size: int | None = None
    delay: float = 0.0
    truncate: bool = False
    cut_after: int | None = None
    skip: int = 0
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        return self.left > 0 and path.startswith(self.path) and self.method in (None, method)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the scripted answer."""
        connection: Connection = scope["state"]["connection"]
        body = (self.body or "").encode()
        headers = {"content-type": "application/json"} | {name.lower(): value for name, value in self.headers.items()}
        if self.truncate:
            headers["content-length"] = str(max(len(body), self.body_size or 0) + _TRUNCATED_BY)
        elif self.body_size is None:
            headers.setdefault("content-length", str(len(body)))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": True})
        missing = max(0, (self.body_size or 0) - len(body))
        while missing and not connection.lost:
            chunk = _CHUNK[:missing]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            missing -= len(chunk)
            # Others want to be served while gigabytes go out.
            await asyncio.sleep(0)
        if self.truncate:
            connection.close()
            await _disconnected(receive)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def cut(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer of `app`, but the connection closes after `cut_after` bytes of the body."""
        connection: Connection = scope["state"]["connection"]
        left = self.cut_after or 0
        closed = False

        async def send_some(message: Message) -> None:
            nonlocal left, closed
            body = message.get("body", b"")
            if closed:
                return
            if message["type"] != "http.response.body" or len(body) < left:
                left -= len(body)
                await send(message)
                return
            await send({"type": "http.response.body", "body": body[:left], "more_body": True})
            closed = True
            connection.close()

        await app(scope, receive, send_some)
        if closed:
            await _disconnected(receive)


class Faults:
    """The scripted answers, first come first served."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any; it is used up by one."""
        for fault in self.all:
            if fault.matches(method, path):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.left -= 1
                fault.hits += 1
                return fault
        return None


async def wait(seconds: float, receive: Receive) -> None:
    """Wait, but no longer than the client does. The request's body must have been read."""
    try:
        await asyncio.wait_for(_disconnected(receive), seconds)
    except asyncio.TimeoutError:
        return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
