# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller comes to a store, to its turn, and to a token."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.apiops.access.plugins.module_utils._errors import RateLimitedError, StoreError
from ansible_collections.apiops.access.plugins.plugin_utils import _token_access
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._rate_budget import RateBudget
from ansible_collections.apiops.access.plugins.plugin_utils._token_access import pace, request_in_turn, token_store
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock, Script, answer, cimcloud, rimo3

TOKEN = "POST https://api.cimcloud.com/acme/authenticate"
GRANTED = {"token": "tok-1", "refresh_token": "ref-1", "expiration": "2099-01-01T00:00:00Z"}


def params(folder: Path, **given: t.Any) -> dict[str, t.Any]:
    """What the options of a task say of its store and its rate."""
    return {"cache": "file", "cache_path": str(folder / "cache"), "rate_limit": True, "rate_wait": 3600, **given}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the user is shown, always and at -vv."""
    found: dict[str, list[str]] = {"display": [], "vv": []}
    monkeypatch.setattr(
        _token_access, "_display", types.SimpleNamespace(display=found["display"].append, vv=found["vv"].append)
    )
    return found


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[float]:
    """The seconds that were waited, on a clock that waiting moves."""
    found: list[float] = []

    def sleep(seconds: float) -> None:
        found.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(_token_access, "time", types.SimpleNamespace(sleep=sleep, time=clock))
    monkeypatch.setattr(RateBudget.__init__, "__defaults__", (clock,))
    monkeypatch.setattr(FileTokenStore.__init__, "__defaults__", (clock,))
    return found


# The store


def test_tokens_are_kept_below_ansibles_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants.config, "get_config_value", {"ANSIBLE_HOME": str(tmp_path)}.__getitem__)
    _token_access._default_cache_path.cache_clear()
    try:
        store = token_store(rimo3(), params(tmp_path, cache_path=None))
    finally:
        _token_access._default_cache_path.cache_clear()
    assert isinstance(store, FileTokenStore)
    store.write("a", b"sealed", NOW * 2)
    assert FileTokenStore(tmp_path / "apiops_access").read("a") == b"sealed"


def test_a_folder_that_cannot_be_used_is_told_with_the_account(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match=r"Account 'packaging' \(rimo3\): The token cache"):
        token_store(rimo3(), params(tmp_path))


# Its turn


def test_only_a_long_wait_is_told_to_every_user(
    tmp_path: Path, shown: dict[str, list[str]], waits: list[float]
) -> None:
    given = params(tmp_path)
    for _call in range(100):
        pace(cimcloud(), given, 1, 3600)
    assert (shown["display"], len(shown["vv"])) == ([], 99)
    pace(cimcloud(), given, 1, 3600)
    (text,) = shown["display"]
    assert text.startswith("Account shop: waiting ")
    assert "up to 3600 s (rate_wait)" in text
    assert waits[-1] > 800


def test_what_needs_no_call_waits_for_nothing(tmp_path: Path, waits: list[float]) -> None:
    assert [pace(cimcloud(), params(tmp_path), 0, 0.0) for _time in range(9)] == [0.0] * 9
    assert [pace(rimo3(), params(tmp_path), 1, 0.0) for _time in range(9)] == [0.0] * 9
    assert waits == []


# The token


def test_a_request_that_meets_the_rate_is_made_again_in_its_turn(
    vendor: Script, tmp_path: Path, shown: dict[str, list[str]], waits: list[float]
) -> None:
    vendor((TOKEN, answer(429)), (TOKEN, answer(429)), (TOKEN, answer(200, GRANTED)))
    assert request_in_turn(cimcloud(), None, params(tmp_path)).access_token == "tok-1"
    assert len(waits) == 2


def test_a_request_is_not_made_again_without_end(
    vendor: Script, tmp_path: Path, shown: dict[str, list[str]], waits: list[float]
) -> None:
    vendor(*[(TOKEN, answer(429))] * 5)
    with pytest.raises(RateLimitedError):
        request_in_turn(cimcloud(), None, params(tmp_path))


@pytest.mark.parametrize("given", [{}, {"rate_limit": False}, {"cache": "none"}])
def test_a_request_is_not_made_again_where_the_server_names_a_time_or_nobody_counts(
    vendor: Script, tmp_path: Path, waits: list[float], given: dict[str, t.Any]
) -> None:
    named = {} if given else {"retry_after": "600"}
    vendor((TOKEN, answer(429, **named)))
    with pytest.raises(RateLimitedError):
        request_in_turn(cimcloud(), None, params(tmp_path, **given))
    assert waits == []
