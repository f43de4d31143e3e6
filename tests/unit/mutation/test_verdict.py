# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.apiops.access.tests.mutation import verdict
from ansible_collections.apiops.access.tests.mutation.verdict import Explanations, Mutant
from ansible_collections.apiops.access.tests.mutation.workspace import COLLECTION

FILE = "plugins/door.py"
CHANGE = "Door.open\n- return True\n+ return False"

# What mutmut writes: every mutant is a function of its own beside the original.
MUTATED = """
class Door:
    def xǁDoorǁopen__mutmut_orig(self):
        return True

    def xǁDoorǁopen__mutmut_1(self):
        return False


def x_close__mutmut_orig(door, hard=False):
    raise ValueError("The door is locked.")


def x_close__mutmut_1(door, hard=True):
    raise ValueError("The door is locked.")


def x_close__mutmut_2(door, hard=False):
    raise ValueError("THE DOOR IS LOCKED.")
"""

RESULTS = """
    ansible_collections.apiops.access.plugins.door.xǁDoorǁopen__mutmut_1: survived
    ansible_collections.apiops.access.plugins.door.x_close__mutmut_1: {}
    ansible_collections.apiops.access.plugins.door.x_close__mutmut_2: survived
"""


def explained(tmp_path: Path, why: str = "Nobody can tell.") -> Explanations:
    path = tmp_path / "explained.yml"
    lines = "".join(f"      {line}\n" for line in CHANGE.splitlines())
    path.write_text(f"- file: {FILE}\n  why: '{why}'\n  changes:\n    - |-\n{lines}")
    return Explanations.read(path)


def judged(tmp_path: Path, explanations: Explanations, status: str = "killed") -> list[Mutant]:
    path = tmp_path / "mutants" / COLLECTION / FILE
    path.parent.mkdir(parents=True)
    path.write_text(MUTATED)
    return verdict.judged(tmp_path, RESULTS.format(status), explanations)


def test_a_mutant_is_known_by_its_file_its_function_and_its_lines(tmp_path: Path) -> None:
    first, second, _third = judged(tmp_path, Explanations(frozenset()))
    assert first == Mutant(FILE, CHANGE, "survived")
    assert second.change == "close\n- def close(door, hard=False):\n+ def close(door, hard=True):"


def test_a_survivor_that_is_explained_is_no_survivor(tmp_path: Path) -> None:
    explanations = explained(tmp_path)
    mutants = judged(tmp_path, explanations)
    assert [mutant.outcome for mutant in mutants] == ["explained", "killed", "wording"]
    assert explanations.unused(mutants) == []
    assert explanations.unused(mutants[1:]) == [(FILE, CHANGE)]


def test_an_explanation_without_a_reason_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no reason"):
        explained(tmp_path, why=" ")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("killed", "killed"),
        ("timeout", "timed out"),
        ("survived", "survived"),
        ("no tests", "survived"),
        ("suspicious", "survived"),
        ("not checked", "not tried"),
        ("check was interrupted by user", "not tried"),
    ],
)
def test_whatever_was_not_noticed_is_a_survivor(tmp_path: Path, status: str, outcome: str) -> None:
    assert judged(tmp_path, Explanations(frozenset()), status)[1].outcome == outcome


@pytest.mark.parametrize(
    ("before", "after", "only"),
    [
        ('say("The door is locked.")', 'say("XXThe door is locked.XX")', True),
        ('say("The door is locked.")', 'say("the door is locked.")', True),
        ('say("The door is locked.")', "say(None)", False),
        ('say("The door is locked.", 1)', 'say("The door is locked.", 2)', False),
        ('say("The door is locked.", 1)', 'say("THE DOOR IS LOCKED.", 2)', False),
        ('get("door_state")', 'get("DOOR_STATE")', False),
        ('get("text/xml, */*;q=0.5")', 'get("TEXT/XML, */*;Q=0.5")', False),
        ('get("Basic ")', 'get("BASIC ")', False),
        ('say(f"The {door} is locked.")', 'say(f"THE {door} IS LOCKED.")', False),
    ],
)
def test_only_the_words_of_a_message_may_change(before: str, after: str, only: bool) -> None:
    assert verdict.only_words(before, after) is only
    indented = [f"    def f():\n        {text}" for text in (before, after)]
    assert verdict.only_words(*indented) is only


def test_the_table_counts_by_file_and_together() -> None:
    mutants = [Mutant("a.py", "x", "killed"), Mutant("a.py", "y", "not tried"), Mutant("b.py", "z", "survived")]
    header, first, second, last = verdict.table(mutants).splitlines()
    assert header.split() == ["mutants", *" ".join(verdict.OUTCOMES).split()]
    assert first.split() == ["a.py", "2", "1", "0", "0", "0", "0", "1"]
    assert second.split() == ["b.py", "1", "0", "0", "0", "0", "1", "0"]
    assert last.split() == ["together", "3", "1", "0", "0", "0", "1", "1"]
