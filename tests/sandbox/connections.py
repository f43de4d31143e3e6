# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the application see which TCP connection a request came by."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_numbers = itertools.count(1)


@dataclass
class Connection:
    """One TCP connection. `spent`: it has carried a BeyondTrust call, so it should have been closed."""

    number: int
    spent: bool = False
    lost: bool = False
    transport: asyncio.Transport | None = None

    def close(self) -> None:
        """Close after what was written so far, whatever the answer's length promised."""
        if self.transport is not None:
            self.transport.close()


class NumberedProtocol(H11Protocol):
    """uvicorn's protocol, with a `Connection` in each request's `scope["state"]["connection"]`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.connection = Connection(next(_numbers))
        super().__init__(config, server_state, {**app_state, "connection": self.connection}, _loop)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connection.transport = transport
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost = True
        super().connection_lost(exc)

    def shutdown(self) -> None:
        # An idle TLS peer need not answer a polite close, and nobody waits for a sandbox.
        self.transport.abort()
