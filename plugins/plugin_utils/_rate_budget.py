# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Keep all processes that share a store within a vendor's published rate, by giving each call its moment."""

from __future__ import annotations

import dataclasses
import json
import time
import typing as t

from ..module_utils._errors import RateLimitedError
from ..module_utils._model import LONGEST_RATE_RESET, Account, RateNotice
from ..module_utils._providers._registry import PROVIDERS
from ._token_store import Seal, TokenStore

LONG_WAIT = 5.0
"""Seconds from which on a wait is told to the user."""

TELL_AGAIN = 30.0
"""Seconds for which one word on the waits of an account is enough, whatever number of hosts wait."""

_SPREAD = 1.1
"""Seconds over which the calls of one second are spread."""

_CLOCK_TOLERANCE = 60.0
"""Seconds by which a budget can be from the future; if it is from later, a clock was wrong."""

_FARTHEST = 2 * LONGEST_RATE_RESET
"""Seconds: no moment is given further ahead than this."""

_SAME_WINDOW = 5.0
"""Seconds by which two answers can differ about the end of the same window: delays, and rounding."""


@dataclasses.dataclass(frozen=True)
class Reservation:
    """Moments for some calls (seconds since 1970). ``wait``: seconds to the first. ``tell``: the user should know."""

    moments: tuple[float, ...] = ()
    wait: float = 0.0
    tell: bool = False


@dataclasses.dataclass(frozen=True)
class Budget:
    """What all know of one client's rate. Times are seconds since 1970.

    ``moments``: of the calls, made or to be made, in order. ``hold``: nobody calls before. The server said last that
    calls given a moment after ``since`` can be ``remaining`` until ``until``; ``answered`` are those of them that it
    knew of, as calls overtake each other. ``told``: when the user heard of a wait. ``at``: when all this was written.
    """

    moments: tuple[float, ...] = ()
    hold: float = 0.0
    since: float = 0.0
    remaining: int = 0
    until: float = 0.0
    answered: tuple[float, ...] = ()
    told: float = 0.0
    at: float = 0.0

    def current(self, now: float, window: float) -> Budget:
        """The same without what is over, by the documented window (s), and without what cannot be."""
        if not 0 <= self.at <= now + _CLOCK_TOLERANCE:
            return Budget()
        end = now + _FARTHEST

        def possible(moment: float) -> float:
            return moment if 0 <= moment < end else 0.0

        return dataclasses.replace(
            self,
            moments=tuple(moment for moment in self.moments if now - window < moment < end),
            hold=possible(self.hold),
            since=possible(self.since),
            until=possible(self.until),
            answered=tuple(moment for moment in self.answered if now - window < moment < end),
            told=possible(self.told),
        )

    def next_moment(self, now: float, per_second: int, most: int, window: float) -> float:
        """The first moment at which one more call is within all limits."""
        taken = self.moments
        moments = [now, self.hold]
        if taken:
            # Evenly spaced, since calls do not arrive quite at the moment that they are given here.
            moments.append(taken[-1] + _SPREAD / per_second)
        if len(taken) >= most:
            moments.append(taken[-most] + window + _SPREAD)
        moment = max(moments)
        if moment < self.until and self._counted(self.until) >= self.remaining:
            moment = self.until
        return moment

    def allows(self, moment: float) -> bool:
        """Whether a call at a moment that was given to it is still within what the server said since."""
        if moment < self.hold:
            return False
        return not self.since < moment < self.until or self._counted(moment) < self.remaining

    def _counted(self, end: float) -> int:
        """How many calls between the server's last word and ``end`` it did not know of yet."""
        end = min(end, self.until)
        answered = set(self.answered)
        return sum(self.since < moment < end and moment not in answered for moment in self.moments)

    def learned(self, notice: RateNotice, called: float, now: float) -> Budget:
        """The same after an answer at ``now`` to the call whose moment was ``called``."""
        until = now + notice.reset
        answered = (*self.answered, called)
        if notice.remaining == 0:
            return dataclasses.replace(self, hold=max(self.hold, until), answered=answered)
        # Answers come in any order: within one window the one with fewest calls left is the latest.
        same_window = now < self.until and until < self.until + _SAME_WINDOW
        if same_window and (notice.remaining, -called) > (self.remaining, -self.since):
            return dataclasses.replace(self, answered=answered)
        return dataclasses.replace(self, since=called, remaining=notice.remaining, until=until, answered=answered)


class RateBudget:
    """The rate of one account's client, shared by a store. ``clock`` gives seconds since 1970."""

    def __init__(self, store: TokenStore, account: Account, clock: t.Callable[[], float] = time.time) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        provider = PROVIDERS[account.provider]
        self._title = provider.title
        self._per_second = provider.calls_per_second
        self._per_window = provider.calls_per_window
        # The vendor counts by client, whatever the request is for.
        identity = json.dumps(["rate", account.provider, account.base_url, account.site, account.client_id])
        self._seal = Seal(identity, (), store.secret)

    def reserve(self, calls: int, patience: float) -> Reservation:
        """Reserve the next moments for a number of calls.

        ``patience``: seconds that the first may wait. Raises RateLimitedError, and reserves nothing, where it would
        have to wait longer.
        """
        if self._per_second is None or self._per_window is None:
            return Reservation()
        most, window = self._per_window
        with self._store.lock(self._seal.name, patience=30.0):
            now = self._clock()
            budget = self._read(now, window)
            moments: list[float] = []
            for _call in range(calls):
                moments.append(budget.next_moment(now, self._per_second, most, window))
                budget = dataclasses.replace(budget, moments=(*budget.moments, moments[-1]))
            wait = moments[0] - now if moments else 0.0
            if wait > patience:
                raise self._too_long(wait, patience, most, window)
            tell = wait > LONG_WAIT and not 0 <= now - budget.told < TELL_AGAIN
            self._write(dataclasses.replace(budget, told=now) if tell else budget, now, window)
        return Reservation(tuple(moments), wait, tell)

    def still_holds(self, reservation: Reservation) -> bool:
        """Whether the reserved calls can be made now. If not, which a server can say at any time, they are given up."""
        if self._per_window is None or not reservation.moments:
            return True
        with self._store.lock(self._seal.name, patience=30.0):
            now, window = self._clock(), self._per_window[1]
            budget = self._read(now, window)
            if all(budget.allows(moment) for moment in reservation.moments):
                return True
            kept = tuple(moment for moment in budget.moments if moment not in reservation.moments)
            self._write(dataclasses.replace(budget, moments=kept), now, window)
        return False

    def learn(self, notice: RateNotice | None, called: float) -> None:
        """Note for all what the server said in its answer to the call that had the moment ``called``."""
        if notice is None or self._per_window is None:
            return
        with self._store.lock(self._seal.name, patience=30.0):
            now, window = self._clock(), self._per_window[1]
            self._write(self._read(now, window).learned(notice, called, now), now, window)

    def _too_long(self, wait: float, patience: float, most: int, window: int) -> RateLimitedError:
        # No status: the server was not asked.
        error = RateLimitedError(
            f"{self._title} has no room for another call now: it documents {self._per_second} calls a second and "
            f"{most} in {window // 60} minutes for one account, and those left by its own count or ours are taken. "
            f"The next is free in {wait:.0f} s, and rate_wait allows {patience:.0f} s. Run this on fewer hosts, again "
            "then, or with a longer rate_wait.",
            retry_after=wait,
        )
        return t.cast(RateLimitedError, error.about(self._account.name, self._account.provider))

    def _read(self, now: float, window: float) -> Budget:
        """The budget; a fresh one where it cannot be read."""
        try:
            data = json.loads(self._seal.open(self._store.read(self._seal.name)) or b"{}")
            budget = Budget(
                moments=tuple(sorted(float(moment) for moment in data.pop("moments", ()))),
                answered=tuple(float(moment) for moment in data.pop("answered", ())),
                remaining=int(data.pop("remaining", 0)),
                **{field: float(data[field]) for field in data},
            )
        except (AttributeError, OverflowError, TypeError, ValueError):
            return Budget()
        return budget.current(now, window)

    def _write(self, budget: Budget, now: float, window: float) -> None:
        last = max(budget.moments, default=now)
        data = json.dumps(dataclasses.asdict(dataclasses.replace(budget, at=now))).encode()
        self._store.write(self._seal.name, self._seal.seal(data), max(last + window, budget.hold, budget.until))


def wait_for_turn(
    budget: RateBudget,
    calls: int,
    patience: float,
    tell: t.Callable[[float, bool], None],
    sleep: t.Callable[[float], None],
) -> float:
    """Wait until there is room for some calls; return the moment of the last of them (seconds since 1970).

    ``patience``: seconds to wait at most in all. ``tell``: is told each wait (s), and whether the user should hear
    of it. Raises RateLimitedError.
    """
    while True:
        reservation = budget.reserve(calls, patience)
        if reservation.wait > 0:
            tell(reservation.wait, reservation.tell)
            sleep(reservation.wait)
            patience = max(0.0, patience - reservation.wait)
        if budget.still_holds(reservation):
            return reservation.moments[-1] if reservation.moments else 0.0
