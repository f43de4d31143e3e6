# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox has seen, for each account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

UNKNOWN = "unknown"


@dataclass
class AccountCounters:
    """Numbers of requests since the start, or since the counters were reset.

    `token_requests`: requests at the token, authenticate or refresh endpoint that name the account, granted or refused.
    `refused_logins`: those of them answered 401 or 403. `tests`, `calls`: requests elsewhere that carry a token of the
    account, dead ones included, or its Basic credentials; `tests` are those at a test endpoint, `calls` are all.
    `acts`: calls that were carried out and changed what the vendor keeps, whatever became of their answers; tokens,
    sessions and logoffs have counters of their own.
    """

    token_requests: int = 0
    tokens_granted: int = 0
    refused_logins: int = 0
    tests: int = 0
    refreshes: int = 0
    logoffs: int = 0
    calls: int = 0
    customer_sessions: int = 0
    acts: int = 0


class Counters:
    """Per account key, and `unknown` for what names no account of ours."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._accounts = {key: AccountCounters() for key in (*keys, UNKNOWN)}
        self.reused_connections = 0
        self.cookies_presented = 0
        self.orders_exported = 0

    def of(self, key: str | None) -> AccountCounters:
        return self._accounts[key or UNKNOWN]

    def as_dict(self) -> dict[str, dict[str, int]]:
        return {key: asdict(counters) for key, counters in self._accounts.items()}
