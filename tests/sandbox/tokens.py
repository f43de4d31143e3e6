# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens that the sandbox has handed out, alive and dead."""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from dataclasses import dataclass

from .clock import Clock


@dataclass(eq=False)
class Token:
    """A token, known only by its hash. `expires_at`: epoch seconds. `pair`: a refresh token's bearer."""

    account: str
    kind: str
    expires_at: float
    scopes: frozenset[str] = frozenset()
    licence: bool = False
    session: str = ""
    pair: Token | None = None
    killed: bool = False


class TokenBook:
    """Found by SHA-256 of the value, so that a look-up's timing tells nothing of the value."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[bytes, Token] = {}
        self._by_account: defaultdict[str, list[Token]] = defaultdict(list)
        self.values: list[str] = []
        """Every value handed out: for tests that look for leaks, and for nothing that a vendor does."""

    def issue(self, token: Token, value: str = "") -> str:
        """Enter `token` and return its value: `value`, or a new opaque one."""
        value = value or secrets.token_urlsafe(32)
        self._tokens[_digest(value)] = token
        self.values.append(value)
        self._by_account[token.account].append(token)
        return value

    def find(self, value: str, kind: str = "access") -> Token | None:
        """The living token of that kind, or None."""
        token = self._tokens.get(_digest(value))
        return token if token is not None and token.kind == kind and self._alive(token) else None

    def owner(self, value: str) -> str | None:
        """The account a token was issued to, though it may have died since."""
        token = self._tokens.get(_digest(value))
        return token.account if token is not None else None

    def live(self, account: str, kind: str = "access") -> list[Token]:
        """An account's living tokens, oldest first."""
        kept = [token for token in self._by_account[account] if self._alive(token)]
        self._by_account[account] = kept
        return [token for token in kept if token.kind == kind]

    def kill_all(self, account: str) -> None:
        for token in self._by_account[account]:
            token.killed = True

    def _alive(self, token: Token) -> bool:
        return not token.killed and self._clock.now() < token.expires_at


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
