# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._report_text import Report
from ansible_collections.apiops.access.plugins.plugin_utils._validation_history import (
    MOST_RUNS,
    read_history,
    written_history,
)
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import (
    validation_lines,
    validation_report,
)
from hypothesis import given, strategies as st

from .report_samples import HOSTILE, UNREACHABLE, result, verdict

GOOD = result(verdict())
BAD = result(verdict(outcome="invalid"))


def day(number: int) -> str:
    return f"2026-11-{number:02}T21:00:00Z"


def run(text: str, generated: str, results: dict[str, Any]) -> tuple[Report, str]:
    """One run: its report, and the file after it."""
    history = read_history(text)
    report = validation_report(results, generated=generated, history=history)
    return report, written_history(history, report)


def runs(*each: dict[str, Any]) -> tuple[Report, str]:
    """The last of several runs, one a day."""
    text = ""
    for number, results in enumerate(each, 1):
        report, text = run(text, day(number), results)
    return report, text


def titles(report: Report) -> list[str]:
    return [change["title"] for change in report["changes"]]


def test_the_first_run_has_nothing_to_compare_with() -> None:
    report, text = runs({"a": GOOD})
    assert (report["previous"], report["changes"]) == ("", [])
    assert report["hosts"][0]["since"] == report["hosts"][0]["verdicts"]["erp"]["since"] == day(1)
    assert "Changed" not in "\n".join(validation_lines(report))
    assert json.loads(text)["runs"][0]["totals"] == report["totals"]


def test_without_a_history_nothing_is_said() -> None:
    report = validation_report({"a": GOOD}, generated=day(1))
    assert (report["previous"], report["changes"], report["hosts"][0]["since"]) == ("", [], "")


def test_what_changes_is_told_with_the_time_since_when() -> None:
    report, text = runs({"a": GOOD, "b": GOOD}, {"a": BAD, "b": GOOD})
    assert report["previous"] == day(1)
    assert titles(report) == ["erp on a: invalid, was valid"]
    found = {host["host"]: host["verdicts"]["erp"] for host in report["hosts"]}
    assert (found["a"]["before"], found["a"]["since"]) == ("valid", day(2))
    assert (found["b"]["before"], found["b"]["since"]) == ("", day(1))
    assert validation_lines(report)[-6:-3] == ["", f"Changed since {day(1)}:", "  erp on a: invalid, was valid"]
    later, _text = run(text, day(3), {"a": BAD, "b": GOOD})
    assert titles(later) == []
    assert later["hosts"][0]["verdicts"]["erp"]["since"] == day(2)
    assert "  Nothing." in validation_lines(later)


def test_a_host_that_cannot_test_any_more_keeps_what_its_accounts_were() -> None:
    report, text = runs({"a": GOOD}, {"a": UNREACHABLE})
    assert titles(report) == ["a: unreachable, was tested"]
    back, _text = run(text, day(3), {"a": GOOD})
    assert titles(back) == ["a: tested, was unreachable"]
    assert back["hosts"][0]["verdicts"]["erp"]["since"] == day(1)


def test_new_hosts_and_new_accounts() -> None:
    both = result(verdict(), verdict("support"))
    report, _text = runs({"a": GOOD, "b": GOOD}, {"a": both, "b": both, "c": both, "d": both})
    assert titles(report) == ["support on a, b: valid, not tested before", "c, d: tested, not tested before"]


def test_a_run_of_some_hosts_and_accounts_leaves_the_others() -> None:
    both = result(verdict(), verdict("support"))
    report, _text = runs({"a": both, "b": both}, {"a": GOOD}, {"a": both, "b": both})
    assert titles(report) == []
    assert report["hosts"][1]["verdicts"]["support"]["since"] == day(1)


def test_old_runs_are_forgotten_with_what_only_they_saw() -> None:
    text = ""
    moments = [f"2026-{month:02}-{number:02}T00:00:00Z" for month in (1, 2) for number in range(1, 20)]
    _report, text = run(text, moments[0], {"a": GOOD, "gone": GOOD})
    for moment in moments[1:]:
        _report, text = run(text, moment, {"a": GOOD})
    document = json.loads(text)
    assert len(document["runs"]) == MOST_RUNS
    assert list(document["hosts"]) == ["a"]
    assert document["hosts"]["a"]["since"] == moments[0]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        "{}",
        '{"format": 1, "runs": []}',
        '{"format": 2, "runs": [{"generated": "x"}], "hosts": {}}',
        HOSTILE,
    ],
)
def test_a_damaged_file_is_said_and_begun_anew(text: str) -> None:
    report, after = run(text, day(2), {"a": GOOD})
    assert [note["title"] for note in report["notes"]] == ["The history file is damaged"]
    assert report["changes"] == []
    assert titles(run(after, day(3), {"a": BAD})[0]) == ["erp on a: invalid, was valid"]


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_file_is_no_damage(text: str) -> None:
    assert run(text, day(2), {"a": GOOD})[0]["notes"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["now", "since", "seen", "accounts", "a", "erp"]), inner)
    ),
)


@given(st.fixed_dictionaries({"format": st.just(1), "runs": st.just([{"generated": day(1)}]), "hosts": JSON}))
def test_whatever_a_file_has_makes_a_report(document: Any) -> None:
    report, text = run(json.dumps(document), day(2), {"a": GOOD})
    assert report["totals"]["checks"] == 1
    again, _text = run(text, day(3), {"a": GOOD})
    assert titles(again) == []


def test_hostile_text_of_a_file_is_cleaned() -> None:
    state = {"now": HOSTILE, "since": HOSTILE, "seen": day(1)}
    hosts = {"a": {**state, "accounts": {"erp": state}}}
    text = json.dumps({"format": 1, "runs": [{"generated": HOSTILE}], "hosts": hosts})
    report, _text = run(text, day(2), {"a": GOOD})
    shown = "\n".join(validation_lines(report))
    assert "\x1b" not in shown
    assert "{{" not in shown
