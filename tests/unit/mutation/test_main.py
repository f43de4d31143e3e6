# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.tests.mutation import __main__ as main


def parts_of(monkeypatch: pytest.MonkeyPatch, *, minutes: float, parts: str, each: float) -> list[str]:
    """The figures of each round, where a part takes so many minutes."""
    now = 1000.0
    rounds: list[str] = []

    def run(folder: Path, workers: int, ends: float | None, patterns: t.Sequence[str]) -> None:
        nonlocal now
        assert all(pattern[:-1] == "*__mutmut_*" for pattern in patterns)
        rounds.append("".join(pattern[-1] for pattern in patterns))
        now += 60 * each * len(patterns)

    monkeypatch.setattr(main, "run", run)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    main.run_parts(Path("folder"), 2, now + 60 * minutes, parts)
    return rounds


def test_with_time_enough_all_parts_are_tried_in_two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts_of(monkeypatch, minutes=14, parts="7890123456", each=1) == ["7", "890123456"]


def test_on_a_slow_machine_as_many_parts_are_tried_as_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts_of(monkeypatch, minutes=14, parts="0123456789", each=4) == ["0", "12", "3"]


def test_a_part_that_takes_all_the_time_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts_of(monkeypatch, minutes=14, parts="9012345678", each=20) == ["9"]
