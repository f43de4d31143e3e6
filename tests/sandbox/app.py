# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sandbox as one ASGI application."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Router
from starlette.types import Message, Receive, Scope, Send

from .beyondtrust import BeyondTrust
from .cimcloud import Cimcloud
from .connections import Connection
from .control import Control
from .faults import wait
from .jim2 import Jim2
from .rimo3 import Rimo3
from .vendor import Vendor
from .world import World

_VENDORS: tuple[type[Vendor], ...] = (Rimo3, Cimcloud, Jim2, BeyondTrust)


class Application:
    """Vendors below their names, and `/control`."""

    def __init__(self, world: World) -> None:
        self._world = world
        vendors: dict[str, Vendor] = {kind.provider: kind(world) for kind in _VENDORS}
        mounts = [
            Mount(
                f"/{provider}",
                app=Router(vendor.routes(), redirect_slashes=False, default=vendor.not_found),
            )
            for provider, vendor in vendors.items()
        ]
        self._vendors = Router(mounts, redirect_slashes=False)
        control = Router(Control(world, vendors).routes(), redirect_slashes=False)
        self._control = Router([Mount("/control", app=control)], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = self._world.clock.http_date().encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        if _is_below(scope["path"], "/control"):
            await self._control(scope, receive, send_dated)
        else:
            with suppress(ClientDisconnect):
                await self._serve(scope, receive, send_dated)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = scope["state"]["connection"]
        if connection.spent:
            await self._refuse_reuse(scope, receive, send)
            return
        # "You must close the connection after each API call" (Authenticate to the Remote Support API).
        connection.spent = _is_below(scope["path"], "/beyondtrust")
        fault = self._world.faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._vendors(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        if fault.delay:
            await wait(fault.delay, receive)
        if fault.status is not None:
            await fault.answer(scope, receive, send)
            return

        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        if fault.cut_after is None:
            await self._vendors(scope, replay, send)
        else:
            await fault.cut(self._vendors, scope, replay, send)

    async def _refuse_reuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._world.counters.reused_connections += 1
        message = "The connection has carried an API call, so it should have been closed."
        response = JSONResponse({"error": "invalid_request", "message": message}, 400, headers={"Connection": "close"})
        await response(scope, receive, send)


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(f"{prefix}/")
