# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Keep all processes that share a store within a vendor's published rate, by giving each call its moment."""

from __future__ import annotations

import json
import time
import typing as t

from ..module_utils._errors import RateLimitedError
from ..module_utils._model import Account
from ..module_utils._providers import PROVIDERS
from ._token_store import Seal, TokenStore

LONGEST_WAIT = 120.0
"""Seconds that a call waits for its moment; beyond that it fails at once, and says so."""

_SPREAD = 1.1
"""Seconds over which the calls of one second are spread."""


def reserve(store: TokenStore, account: Account, calls: int, clock: t.Callable[[], float] = time.time) -> float:
    """Reserve the next moments for a number of calls; return the seconds to wait before the first.

    Raises RateLimitedError, and reserves nothing, where that would be longer than LONGEST_WAIT.
    """
    provider = PROVIDERS[account.provider]
    if provider.calls_per_second is None or provider.calls_per_window is None:
        return 0.0
    most, window = provider.calls_per_window
    # The vendor counts by client, whatever the request is for.
    identity = json.dumps(["rate", account.provider, account.base_url, account.site, account.client_id])
    seal = Seal(identity, (), store.secret)
    with store.lock(seal.name, patience=30.0):
        now = clock()
        taken = [moment for moment in _moments(seal.open(store.read(seal.name))) if now - window < moment]
        first = len(taken)
        for _call in range(calls):
            # Evenly spaced, since calls do not arrive quite at the moment that they are given here.
            moments = [now]
            if taken:
                moments.append(taken[-1] + _SPREAD / provider.calls_per_second)
            if len(taken) >= most:
                moments.append(taken[-most] + window + _SPREAD)
            taken.append(max(moments))
        wait = taken[first] - now
        if wait > LONGEST_WAIT:
            raise RateLimitedError(
                f"{provider.title} allows {most} calls in {window // 60} minutes, and those are taken: the next is "
                f"free in {wait:.0f} s. Run this on fewer hosts, or again then.",
                retry_after=wait,
            ).about(account.name, account.provider)
        store.write(seal.name, seal.seal(json.dumps(taken).encode()), taken[-1] + window)
        return wait


def _moments(plain: bytes | None) -> list[float]:
    """The moments of an entry, in order; none where it cannot be read."""
    try:
        moments = json.loads(plain or b"[]")
        return sorted(float(moment) for moment in moments)
    except (TypeError, ValueError):
        return []
