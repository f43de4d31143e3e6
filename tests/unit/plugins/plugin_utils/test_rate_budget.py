# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIMcloud allows 2 calls a second and 100 in 15 minutes for one client."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import RateLimitedError
from ansible_collections.apiops.access.plugins.module_utils._model import Account
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._rate_budget import reserve
from ansible_collections.apiops.access.tests.unit.scripted import (
    NOW,
    Clock,
    beyondtrust,
    cimcloud,
    jim2,
    rimo3,
)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> FileTokenStore:
    return FileTokenStore(tmp_path / "cache", clock)


def moments(store: FileTokenStore, clock: Clock, count: int) -> list[float]:
    """When each of these calls may be made, in seconds from now. They come as soon as they may."""
    given = []
    for _call in range(count):
        wait = reserve(store, cimcloud(), 1, clock)
        clock.now += wait
        given.append(clock.now - NOW)
    return given


def test_no_second_has_more_than_two_calls(store: FileTokenStore, clock: Clock) -> None:
    given = moments(store, clock, 20)
    assert given[0] == 0
    assert all(later - sooner > 1 for sooner, later in zip(given, given[2:]))


def test_calls_that_come_at_once_are_given_different_moments(store: FileTokenStore, clock: Clock) -> None:
    waits = [reserve(store, cimcloud(), 1, clock) for _host in range(20)]
    assert all(later - sooner > 1 for sooner, later in zip(waits, waits[2:]))


def test_calls_that_belong_together_take_their_share(store: FileTokenStore, clock: Clock) -> None:
    assert reserve(store, cimcloud(), 2, clock) == 0
    assert reserve(store, cimcloud(), 1, clock) > 1


def test_no_quarter_of_an_hour_has_more_than_a_hundred_calls(store: FileTokenStore, clock: Clock) -> None:
    moments(store, clock, 100)
    with pytest.raises(RateLimitedError, match="100 calls in 15 minutes") as caught:
        reserve(store, cimcloud(), 1, clock)
    assert caught.value.retry_after is not None
    clock.now += caught.value.retry_after
    assert clock.now >= NOW + 15 * 60
    assert reserve(store, cimcloud(), 1, clock) < 1


def test_what_is_refused_takes_nothing(store: FileTokenStore, clock: Clock) -> None:
    moments(store, clock, 100)
    waits = []
    for _time in range(3):
        with pytest.raises(RateLimitedError) as caught:
            reserve(store, cimcloud(), 1, clock)
        waits.append(caught.value.retry_after)
    assert len(set(waits)) == 1


def test_each_client_has_a_budget_of_its_own(store: FileTokenStore, clock: Clock) -> None:
    reserve(store, cimcloud(), 1, clock)
    assert reserve(store, cimcloud(client_id="client-2"), 1, clock) == 0
    assert reserve(store, cimcloud(site="other"), 1, clock) == 0
    assert reserve(store, cimcloud(name="same client", client_secret="rotated", customer="jo"), 1, clock) > 0


@pytest.mark.parametrize("account", [rimo3(), jim2(), beyondtrust()])
def test_vendors_without_a_low_rate_wait_for_nothing(store: FileTokenStore, clock: Clock, account: Account) -> None:
    assert [reserve(store, account, 1, clock) for _call in range(5)] == [0] * 5


def test_a_budget_that_was_damaged_starts_again(store: FileTokenStore, clock: Clock, tmp_path: Path) -> None:
    reserve(store, cimcloud(), 1, clock)
    for path in (tmp_path / "cache").glob("*.token"):
        path.write_bytes(b"damaged")
    assert reserve(store, cimcloud(), 1, clock) == 0
