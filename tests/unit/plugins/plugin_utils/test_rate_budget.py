# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIMcloud allows 2 calls a second and 100 in 15 minutes for one client."""

from __future__ import annotations

import dataclasses
import heapq
import json
import random
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import RateLimitedError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, RateNotice
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._rate_budget import Budget, RateBudget, wait_for_turn
from ansible_collections.apiops.access.tests.unit.scripted import (
    NOW,
    Clock,
    beyondtrust,
    cimcloud,
    jim2,
    rimo3,
)

PATIENCE = 120.0


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> FileTokenStore:
    return FileTokenStore(tmp_path / "cache", clock)


@pytest.fixture
def budget(store: FileTokenStore, clock: Clock) -> RateBudget:
    return RateBudget(store, cimcloud(), clock)


def wait(budget: RateBudget, calls: int = 1, patience: float = PATIENCE) -> float:
    return budget.reserve(calls, patience).wait


def moments(budget: RateBudget, clock: Clock, count: int) -> list[float]:
    """When each of these calls may be made, in seconds from now. They come as soon as they may."""
    given = []
    for _call in range(count):
        clock.now += wait(budget)
        given.append(clock.now - NOW)
    return given


def test_no_second_has_more_than_two_calls(budget: RateBudget, clock: Clock) -> None:
    given = moments(budget, clock, 20)
    assert given[0] == 0
    assert all(later - sooner > 1 for sooner, later in zip(given, given[2:]))


def test_calls_that_come_at_once_are_given_different_moments(budget: RateBudget) -> None:
    waits = [wait(budget) for _host in range(20)]
    assert all(later - sooner > 1 for sooner, later in zip(waits, waits[2:]))


def test_calls_that_belong_together_take_their_share(budget: RateBudget) -> None:
    assert wait(budget, calls=2) == 0
    assert wait(budget) > 1


def test_no_quarter_of_an_hour_has_more_than_a_hundred_calls(budget: RateBudget, clock: Clock) -> None:
    moments(budget, clock, 100)
    with pytest.raises(RateLimitedError, match="100 in 15 minutes") as caught:
        wait(budget)
    assert caught.value.retry_after is not None
    clock.now += caught.value.retry_after
    assert clock.now >= NOW + 15 * 60
    assert wait(budget) < 1


def test_what_is_refused_takes_nothing(budget: RateBudget, clock: Clock) -> None:
    moments(budget, clock, 100)
    waits = []
    for _time in range(3):
        with pytest.raises(RateLimitedError) as caught:
            wait(budget)
        waits.append(caught.value.retry_after)
    assert len(set(waits)) == 1


def test_the_user_says_how_long_a_wait_may_be(budget: RateBudget, clock: Clock) -> None:
    assert wait(budget, patience=0) == 0
    with pytest.raises(RateLimitedError, match=r"Account 'shop' \(cimcloud\).* free in 1 s, and rate_wait allows 0 s"):
        wait(budget, patience=0)
    moments(budget, clock, 99)
    assert 840 < wait(budget, patience=1000) < 900


def test_each_client_has_a_budget_of_its_own(store: FileTokenStore, clock: Clock) -> None:
    def wait_of(**changes: t.Any) -> float:
        return wait(RateBudget(store, cimcloud(**changes), clock))

    wait_of()
    assert wait_of(client_id="client-2") == 0
    assert wait_of(site="other") == 0
    assert wait_of(name="same client", client_secret="rotated", customer="jo") > 0


@pytest.mark.parametrize("account", [rimo3(), jim2(), beyondtrust()])
def test_vendors_without_a_low_rate_wait_for_nothing(store: FileTokenStore, clock: Clock, account: Account) -> None:
    budget = RateBudget(store, account, clock)
    budget.learn(RateNotice(0, 300), NOW)
    assert [wait(budget) for _call in range(5)] == [0] * 5


def test_a_budget_that_was_damaged_starts_again(budget: RateBudget, tmp_path: Path) -> None:
    wait(budget)
    for path in (tmp_path / "cache").glob("*.token"):
        path.write_bytes(b"damaged")
    assert wait(budget) == 0


def test_a_budget_from_the_future_starts_again(budget: RateBudget, clock: Clock) -> None:
    clock.now += 3600
    moments(budget, clock, 100)
    budget.learn(RateNotice(0, 86400), clock.now)
    clock.now = NOW
    assert wait(budget) == 0


ODD = [float("inf"), -float("inf"), float("nan"), 1e300, -1.0, NOW + 1e6, "x", None, [], {}, True]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Budget)])
def test_a_budget_with_odd_values_stops_nobody_for_ever(
    store: FileTokenStore, budget: RateBudget, clock: Clock, field: str, value: t.Any
) -> None:
    odd = {**dataclasses.asdict(Budget(at=NOW)), field: [value, value] if field in ("moments", "answered") else value}
    store.write(budget._seal.name, budget._seal.seal(json.dumps(odd).encode()), NOW + 900)
    reservation = budget.reserve(1, PATIENCE)
    assert 0 <= reservation.wait <= PATIENCE
    assert budget.still_holds(reservation)
    budget.learn(RateNotice(50, 300), NOW)


# What the server says


def test_nothing_left_means_that_nobody_calls_until_the_reset(
    store: FileTokenStore, budget: RateBudget, clock: Clock
) -> None:
    called = budget.reserve(1, PATIENCE).moments[-1]
    clock.now += 0.2
    budget.learn(RateNotice(0, 300), called)
    other = RateBudget(store, cimcloud(), clock)
    with pytest.raises(RateLimitedError, match="free in 300 s"):
        wait(other)
    assert wait(other, patience=300) == 300
    assert 300 < wait(other, patience=400) < 301


def test_what_is_left_is_shared(store: FileTokenStore, budget: RateBudget, clock: Clock) -> None:
    called = budget.reserve(1, PATIENCE).moments[-1]
    budget.learn(RateNotice(3, 600), called)
    waits = [wait(RateBudget(store, cimcloud(), clock), patience=700) for _process in range(5)]
    assert [given < 10 for given in waits] == [True, True, True, False, False]
    assert waits[3] == 600


def test_who_waits_already_hears_of_it(store: FileTokenStore, budget: RateBudget, clock: Clock) -> None:
    first, second, third = (budget.reserve(1, PATIENCE) for _process in range(3))
    clock.now += first.wait
    assert budget.still_holds(first)
    budget.learn(RateNotice(1, 300), first.moments[-1])
    clock.now = second.moments[0]
    assert budget.still_holds(second)
    clock.now = third.moments[0]
    assert not budget.still_holds(third)
    with pytest.raises(RateLimitedError):
        wait(budget)


def test_a_wait_that_turns_out_too_short_goes_on_within_the_same_patience(budget: RateBudget, clock: Clock) -> None:
    budget.reserve(20, PATIENCE)
    told: list[tuple[float, bool]] = []

    def sleep(seconds: float) -> None:
        if not told[1:]:
            budget.learn(RateNotice(0, 60), NOW)
        clock.now += seconds

    called = wait_for_turn(budget, 1, PATIENCE, lambda seconds, aloud: told.append((seconds, aloud)), sleep)
    assert [round(seconds) for seconds, _aloud in told] == [11, 49]
    assert called == clock.now == NOW + 60
    # One word is enough for both.
    assert [aloud for _seconds, aloud in told] == [True, False]
    told.clear()
    with pytest.raises(RateLimitedError):
        wait_for_turn(budget, 200, 0, lambda seconds, aloud: told.append((seconds, aloud)), sleep)
    assert told == []


def test_an_answer_that_comes_late_takes_nothing_back(budget: RateBudget) -> None:
    first, second = (budget.reserve(1, PATIENCE).moments[-1] for _process in range(2))
    budget.learn(RateNotice(0 + 1, 600), second)
    budget.learn(RateNotice(50, 600), first)
    wait(budget)
    with pytest.raises(RateLimitedError):
        wait(budget)


def test_calls_that_overtake_each_other_are_counted_once(budget: RateBudget, clock: Clock) -> None:
    first, second = (budget.reserve(1, PATIENCE).moments[-1] for _process in range(2))
    clock.now = second
    budget.learn(RateNotice(7, 600), second)
    budget.learn(RateNotice(6, 600), first)
    assert [wait(budget) < 5 for _call in range(6)] == [True] * 6
    with pytest.raises(RateLimitedError):
        wait(budget)


def test_a_new_window_is_believed(budget: RateBudget, clock: Clock) -> None:
    budget.learn(RateNotice(1, 30), NOW)
    clock.now += 31
    budget.learn(RateNotice(99, 900), clock.now)
    assert [wait(budget) < 5 for _call in range(5)] == [True] * 5


def test_a_server_never_widens_the_documented_rate(budget: RateBudget, clock: Clock) -> None:
    moments(budget, clock, 100)
    budget.learn(RateNotice(5000, 900), clock.now)
    with pytest.raises(RateLimitedError):
        wait(budget)


def test_a_long_wait_is_told_once_for_all_hosts(budget: RateBudget, clock: Clock) -> None:
    told = [budget.reserve(1, PATIENCE).tell for _host in range(60)]
    assert told.count(True) == 1
    assert told.index(True) == 10  # the first that waits for more than five seconds
    clock.now += 31
    assert budget.reserve(1, PATIENCE).tell is False  # it waits for two seconds
    assert [budget.reserve(1, PATIENCE).tell for _host in range(20)].count(True) == 1


# A fleet, in simulated time


class Server:
    """Counts as CIMcloud documents: in any second, and in a window that opens with its first call."""

    def __init__(self, per_window: int = 100, window: float = 900.0) -> None:
        self.per_window = per_window
        self.window = window
        self.calls: list[float] = []
        self.refused = 0
        self.opened = 0.0
        self.used = 0

    def call(self, now: float) -> RateNotice:
        if not self.calls or now >= self.opened + self.window:
            self.opened, self.used = now, 0
        if self.used >= self.per_window:
            self.refused += 1
        else:
            self.used += 1
            self.calls.append(now)
        return RateNotice(self.per_window - self.used, self.opened + self.window - now)


class Fleet:
    """Hosts that call once each. What waits is in ``events``: (moment, number, what happens then)."""

    def __init__(self, folder: Path, server: Server, patience: float) -> None:
        self.clock = Clock()
        self.store = FileTokenStore(folder, self.clock)
        self.server = server
        self.patience = patience
        self.events: list[tuple[float, int, t.Callable[[], None]]] = []
        self.number = 0
        self.told = 0
        self.gave_up: list[RateLimitedError] = []
        self.random = random.Random(1)

    def at(self, moment: float, event: t.Callable[[], None]) -> None:
        self.number += 1
        heapq.heappush(self.events, (moment, self.number, event))

    def host(self, patience: float) -> None:
        """A process of its own: it knows nothing but what the store has."""
        budget = RateBudget(self.store, cimcloud(), self.clock)
        try:
            reservation = budget.reserve(1, patience)
        except RateLimitedError as error:
            self.gave_up.append(error)
            return
        self.told += reservation.tell

        def turn() -> None:
            if not budget.still_holds(reservation):
                self.host(patience - reservation.wait)
                return
            called = reservation.moments[-1]
            # The way to the server and back takes a while, which differs.
            self.at(self.clock.now + self.random.uniform(0.05, 0.1), lambda: arrive(called))

        def arrive(called: float) -> None:
            notice = self.server.call(self.clock.now)
            self.at(self.clock.now + self.random.uniform(0.05, 2.0), lambda: budget.learn(notice, called))

        self.at(self.clock.now + reservation.wait, turn)

    def run(self, hosts: int, over: float) -> None:
        for _host in range(hosts):
            self.at(NOW + self.random.uniform(0, over), lambda: self.host(self.patience))
        while self.events:
            self.clock.now, _number, event = heapq.heappop(self.events)
            event()


def busiest(calls: t.Sequence[float], window: float) -> int:
    return max(sum(first <= call < first + window for call in calls) for first in calls)


@pytest.mark.parametrize("over", [0.0, 5.0, 60.0])
def test_150_hosts_stay_within_both_limits(tmp_path: Path, over: float) -> None:
    fleet = Fleet(tmp_path / "cache", Server(), PATIENCE)
    fleet.run(150, over)
    assert (len(fleet.server.calls), len(fleet.gave_up), fleet.server.refused) == (100, 50, 0)
    assert busiest(fleet.server.calls, 1) <= 2
    assert fleet.clock.now - NOW < PATIENCE + over
    assert all("The next is free in" in error.message for error in fleet.gave_up)
    assert fleet.told < 5


def test_150_patient_hosts_all_come_through(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "cache", Server(), 1000.0)
    fleet.run(150, 1.0)
    assert (len(fleet.server.calls), fleet.gave_up, fleet.server.refused) == (150, [], 0)
    assert busiest(fleet.server.calls, 1) <= 2
    assert busiest(fleet.server.calls, 899) <= 100


@pytest.mark.parametrize(("patience", "served"), [(PATIENCE, 8), (1000.0, 16)])
def test_a_lower_limit_is_learned_from_the_headers(tmp_path: Path, patience: float, served: int) -> None:
    fleet = Fleet(tmp_path / "cache", Server(per_window=8), patience)
    fleet.run(150, 1.0)
    assert len(fleet.server.calls) == served
    assert len(fleet.gave_up) == 150 - served
    # Those on their way when the first answer came, and no more.
    assert fleet.server.refused <= 2 * served / 8
    assert busiest(fleet.server.calls, 899) <= 8


def test_a_vendor_without_a_rate_takes_every_call_at_once(store: FileTokenStore, clock: Clock) -> None:
    budget = RateBudget(store, rimo3(), clock)
    reserved = budget.reserve(1000, 0.0)
    assert (reserved.wait, budget.still_holds(reserved)) == (0.0, True)
    budget.learn(RateNotice(remaining=0, reset=300.0), clock.now)
    assert budget.reserve(1, 0.0).wait == 0.0
