# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of the mutants: which change each is, and whether one that survived is explained."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import io
import re
import tokenize
import typing as t
from collections import Counter
from pathlib import Path

import yaml

from .workspace import COLLECTION

OUTCOMES = ("killed", "timed out", "explained", "wording", "survived", "not tried")
"""Columns of the table. ``wording``: only the words of a message changed, which no test is asked to know by heart."""

# The statuses of mutmut; any other, such as "no tests", is a mutant that nothing has noticed.
_STATUSES = {"killed": "killed", "segfault": "killed", "timeout": "timed out", "not checked": "not tried"}
_STATUSES["check was interrupted by user"] = "not tried"


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change: ``change`` has the function's name, and below it the lines that are gone (-) and came (+)."""

    file: str
    change: str
    outcome: str


@dataclasses.dataclass(frozen=True)
class Explanations:
    """The changes, by file, that nobody can notice, as ``explained.yml`` has them."""

    changes: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> Explanations:
        """Raises ValueError where a change has no reason."""
        changes = set()
        for entry in yaml.safe_load(path.read_text()):
            if not entry["why"].strip():
                raise ValueError(f"{path}: no reason is given for {entry['changes']}")
            changes |= {(entry["file"], change.strip()) for change in entry["changes"]}
        return cls(frozenset(changes))

    def judge(self, file: str, change: str, status: str, only_words: bool) -> Mutant:
        """A mutant, by the status that mutmut gave it."""
        outcome = _STATUSES.get(status, "survived")
        if outcome == "survived":
            outcome = "explained" if (file, change) in self.changes else "wording" if only_words else "survived"
        return Mutant(file, change, outcome)

    def unused(self, mutants: t.Collection[Mutant]) -> list[tuple[str, str]]:
        """Explanations that no survivor needs (any more)."""
        return sorted(
            self.changes - {(mutant.file, mutant.change) for mutant in mutants if mutant.outcome == "explained"}
        )


def judged(folder: Path, results: str, explanations: Explanations) -> list[Mutant]:
    """The mutants of a run in a folder; ``results`` is what ``mutmut results --all true`` printed."""
    modules: dict[str, dict[str, str]] = {}
    mutants = []
    for name, status in re.findall(r"^ {4}(\S+): (.+)$", results, re.MULTILINE):
        module, _dot, function = name.rpartition(".")
        path = folder / "mutants" / f"{module.replace('.', '/')}.py"
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if module not in modules:
            modules[module] = _sources(path.read_text())
        original, number = function.rsplit("__mutmut_", 1)
        before, after = (
            modules[module][f"{original}__mutmut_{kind}"].replace(f"{original}__mutmut_{kind}", _name_of(original), 1)
            for kind in ("orig", number)
        )
        file = str(path.relative_to(folder / "mutants" / COLLECTION))
        mutants.append(
            explanations.judge(
                file, change_of(_name_of(original, whole=True), before, after), status, only_words(before, after)
            )
        )
    return mutants


def _sources(code: str) -> dict[str, str]:
    """The source of every function, by its name: mutmut writes each mutant as one of its own."""
    lines = code.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef)
    }


def _name_of(mangled: str, *, whole: bool = False) -> str:
    """What mutmut calls ``x_function`` or ``xǁClassǁfunction``; ``whole``: with its class."""
    if mangled.startswith("x_"):
        return mangled.removeprefix("x_")
    return ".".join(mangled.split("ǁ")[1 if whole else 2 :])


def change_of(name: str, before: str, after: str) -> str:
    """A change as people read it and ``explained.yml`` names it: stable wherever the lines move to."""
    old, new = ([line.strip() for line in source.splitlines()] for source in (before, after))
    return "\n".join([name, *(line.rstrip() for line in difflib.ndiff(old, new) if line[0] in "-+")])


def only_words(before: str, after: str) -> bool:
    """Whether nothing but the text of one plain string of several words has changed."""
    pairs = list(zip(_tokens(before), _tokens(after)))
    changed = [(old, new) for old, new in pairs if old != new]
    if len(_tokens(before)) != len(_tokens(after)) or len(changed) != 1:
        return False
    ((old, new),) = changed
    words = re.match(r'".*[a-z]{2}[:;,.]? [(]?[a-z]{2}', old, re.IGNORECASE)
    return bool(words) and new.replace("XX", "").lower() == old.lower()


def _tokens(code: str) -> list[str]:
    code = "\n".join(line.rstrip() for line in ("if True:\n" + code if code[:1] == " " else code).splitlines())
    return [token.string for token in tokenize.generate_tokens(io.StringIO(f"{code}\n").readline)]


def table(mutants: t.Collection[Mutant]) -> str:
    """What became of the mutants, by file."""
    width = max(len(mutant.file) for mutant in mutants)
    rows = [f"{'':{width}}  mutants" + "".join(f"{outcome:>{len(outcome) + 2}}" for outcome in OUTCOMES)]
    for file in [*sorted({mutant.file for mutant in mutants}), "together"]:
        counts = Counter(mutant.outcome for mutant in mutants if file in (mutant.file, "together"))
        rows.append(
            f"{file:{width}}{sum(counts.values()):>9}"
            + "".join(f"{counts[outcome]:>{len(outcome) + 2}}" for outcome in OUTCOMES)
        )
    return "\n".join(rows)
