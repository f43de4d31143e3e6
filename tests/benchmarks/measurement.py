# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Samples, taken in turns so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import dataclasses
import statistics
import time
import typing as t


@dataclasses.dataclass(frozen=True)
class Samples:
    """What one subject was measured at, in its order. The unit is the subject's."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles."""
        if len(self.values) < 2:
            return 0.0
        low, _middle, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return (high - low) / 2

    def percentile(self, part: int) -> float:
        return statistics.quantiles(self.values, n=100, method="inclusive")[part - 1]


def alternate(rounds: int, subjects: t.Mapping[str, t.Callable[[], float]]) -> dict[str, Samples]:
    """Measure each subject once a round, in another order each round. A subject measures itself."""
    names = list(subjects)
    found: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(subjects[name]())
    return {name: Samples(tuple(values)) for name, values in found.items()}


def timed(subject: t.Callable[[], object]) -> t.Callable[[], float]:
    """A subject that measures its own seconds."""

    def measure() -> float:
        start = time.perf_counter()
        subject()
        return time.perf_counter() - start

    return measure


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: a goal and what came of it, or a figure that explains one.

    :ivar number: the goal's number
    :ivar title: what was measured, beside what
    :ivar measured: the ratio, or the figure in ``unit``
    :ivar spread: of the measured, in the same unit; None for a count
    :ivar unit: x for ratios, else ms, kB, MB or a word
    :ivar limit: the goal; None where the row only explains
    :ivar at_least: whether the goal is a least and not a most
    :ivar detail: the absolute figures behind it
    """

    number: int
    title: str
    measured: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    spread: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def ratio_row(number: int, title: str, over: Samples, under: Samples, limit: float, **more: t.Any) -> Row:
    """A ratio of medians. Its spread is that of the rounds' own ratios, as far as they pair."""
    pairs = Samples(tuple(a / b for a, b in zip(over.values, under.values)))
    return Row(number, title, over.median / under.median, "x", limit, spread=pairs.spread, **more)
