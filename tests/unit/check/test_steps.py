# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check itself: a step that fails is seen, and one that is left out is no success where nothing may be left out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.apiops.access.tests.check.steps import (
    FailedError,
    Log,
    Outcome,
    Step,
    run_chains,
    run_step,
    table,
)
from ansible_collections.apiops.access.tests.environments import NoPythonError, UnavailableError


def says(text: str, status: int = 0) -> Step:
    def work(log: Log) -> str:
        program = f"import sys; print({text!r}); sys.exit({status})"
        return log.run(sys.executable, "-c", program, cwd=log.path.parent).strip()

    return Step(text, work, "2.16", "3.10")


def raises(error: Exception) -> Step:
    def work(_log: Log) -> str:
        raise error

    return Step("raises", work)


def test_what_a_command_prints_is_the_remark_and_in_the_log(tmp_path: Path) -> None:
    outcome = run_step(says("well done"), tmp_path, skips_fail=False)
    assert (outcome.state, outcome.remark, outcome.log.name) == ("passed", "well done", "2.16-well-done.log")
    assert outcome.log.read_text().endswith("\nwell done\n")


def test_a_command_that_fails_fails_its_step(tmp_path: Path) -> None:
    outcome = run_step(says("oh no", 3), tmp_path, skips_fail=False)
    assert outcome.state == "FAILED"
    assert "status 3" in outcome.remark
    assert "oh no" in outcome.log.read_text()


@pytest.mark.parametrize(
    ("error", "skips_fail", "state", "remark"),
    [
        (UnavailableError("a space"), False, "skipped", "a space"),
        (UnavailableError("a space"), True, "FAILED", "a space"),
        (NoPythonError("no Python"), True, "skipped", "no Python"),
        (FailedError("too many files"), False, "FAILED", "too many files"),
        (ZeroDivisionError("x"), False, "FAILED", "an error of the check itself"),
    ],
)
def test_how_a_step_ends(tmp_path: Path, error: Exception, skips_fail: bool, state: str, remark: str) -> None:
    outcome = run_step(raises(error), tmp_path, skips_fail=skips_fail)
    assert (outcome.state, outcome.remark) == (state, remark)


def test_a_failure_stops_no_other_step_and_its_log_is_shown(tmp_path: Path) -> None:
    said: list[str] = []
    chains = [[says("oh no", 1), says("goes on")], [says("beside it")]]
    outcomes = run_chains(chains, tmp_path, workers=2, skips_fail=False, say=said.append)
    assert [outcome.state for outcome in outcomes] == ["FAILED", "passed", "passed"]
    assert len(said) == 4  # a line for each, and one log
    assert any(text.startswith("$ ") and "oh no" in text for text in said)


def test_the_table_has_a_row_for_each_step(tmp_path: Path) -> None:
    outcomes = [
        Outcome(says("sanity"), "passed", "34 tests", 61.2, tmp_path),
        Outcome(raises(ZeroDivisionError()), "FAILED", "", 0.0, tmp_path),
    ]
    assert table(outcomes).splitlines() == [
        "what    ansible-core  Python  seconds  result",
        "sanity  2.16          3.10    61       passed: 34 tests",
        "raises                        0        FAILED",
    ]
