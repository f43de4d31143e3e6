# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from ansible_collections.apiops.access.tests.benchmarks import results
from ansible_collections.apiops.access.tests.benchmarks.__main__ import GUIDE, README
from ansible_collections.apiops.access.tests.benchmarks.measurement import Row, Samples, alternate, ratio_row

ROWS = [
    Row(0, "the ceiling", 7500.4, "requests a second"),
    Row(1, "ours : theirs", 1.254, "x", 1.3, spread=0.021, detail="2.00 s & more"),
    Row(2, "theirs : <ours>", 2.5, "x", 3, at_least=True),
]


def test_each_round_has_another_order() -> None:
    order: list[str] = []

    def subject(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = alternate(3, {name: lambda name=name: subject(name) for name in "abc"})  # type: ignore[misc]
    assert "".join(order) == "abcbcacab"
    assert found["a"].values == (1.0, 6.0, 8.0)


def test_median_spread_and_percentile() -> None:
    samples = Samples((5.0, 1.0, 3.0, 2.0, 4.0))
    assert (samples.median, samples.spread) == (3.0, 1.0)
    assert Samples(tuple(float(value) for value in range(101))).percentile(95) == 95.0
    assert Samples((7.0,)).spread == 0.0


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds() -> None:
    row = ratio_row(1, "a : b", Samples((2.0, 4.0, 6.0)), Samples((2.0, 2.0, 2.0)), 1.9)
    assert (row.measured, row.spread, row.met) == (2.0, 0.5, False)


@pytest.mark.parametrize(
    ("row", "met"),
    [(Row(1, "", 2.0, "x", 2.0), True), (Row(1, "", 2.01, "x", 2.0), False), (ROWS[2], False), (ROWS[0], None)],
)
def test_a_goal_is_met_or_not(row: Row, met: bool | None) -> None:
    assert row.met is met


def test_the_table_says_all() -> None:
    lines = results.table(ROWS).splitlines()
    assert len(lines) == 4
    assert lines[2].split("  ")[0] == "1"
    for text in ("1.25 +-0.02 x", "at most 1.3 x", "met", "2.00 s & more"):
        assert text in lines[2]
    assert "NOT MET" in lines[3]
    assert "at least 3 x" in lines[3]


def test_the_chart_has_a_bar_for_each_goal() -> None:
    root = ElementTree.fromstring(results.chart(ROWS))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "2. theirs : <ours>" in texts
    bars = [element.get("fill") for element in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == ["#2b8a4b", "#c43d3d"]


def test_the_rows_come_back_from_the_document() -> None:
    assert results.rows_of(results.document(ROWS, {"processors": 2})) == ROWS


def test_a_table_takes_the_place_of_the_one_before() -> None:
    once = results.in_guide(GUIDE.read_text(), ROWS)
    assert results.in_guide(once, ROWS[:1]) == results.in_guide(GUIDE.read_text(), ROWS[:1])


def test_a_page_without_a_place_for_the_table_is_left_alone() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        results.in_guide("A page.", ROWS)


def test_what_is_around_the_table_stays() -> None:
    text = results.in_guide(GUIDE.read_text(), ROWS)
    assert text.startswith("..\n  Copyright")
    assert text.endswith("from run to run.\n")


def test_the_readme_has_some_of_the_rows_and_what_is_around_them_stays() -> None:
    rows = [Row(1, title, 20.0 + number, "x") for number, title in enumerate(results.README_ROWS)]
    text = results.in_readme(README.read_text(), rows)
    assert "beside `debug`, which does nothing | 20.0 x |" in text
    assert text.startswith("<!--\nCopyright")
    assert "## How fast it is" in text
    assert "## Try it" in text
    with pytest.raises(KeyError):
        results.in_readme(README.read_text(), rows[1:])
    with pytest.raises(ValueError, match="substring not found"):
        results.in_readme("A page.", rows)


def test_table_and_chart_of_the_documentation_are_those_of_one_run() -> None:
    text = (GUIDE.parent / "pictures" / "speed.json").read_text()
    rows = results.rows_of(text)
    assert results.in_guide(GUIDE.read_text(), rows) == GUIDE.read_text()
    assert results.in_readme(README.read_text(), rows) == README.read_text()
    assert results.chart(rows) == (GUIDE.parent / "pictures" / "speed.svg").read_text()
    assert {row.number for row in rows} == set(range(9))
    assert json.loads(text)["machine"]["processors"] == 2  # as the page says
