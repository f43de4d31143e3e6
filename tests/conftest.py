# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fails a run that takes too few of the plugins' branches, where ``make test`` asks for that."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import warnings
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--branches-of-plugins",
        type=float,
        metavar="PERCENT",
        help="Fail where the tests take fewer of the branches in plugins. Needs --cov and --cov-report=json:FILE.",
    )


def pytest_configure(config: pytest.Config) -> None:
    wanted = config.getoption("branches_of_plugins", None)
    if wanted is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(BranchCheck(wanted, Path(config.getoption("cov_report")["json"])))


@dataclasses.dataclass(frozen=True)
class Branches:
    """How many branches were taken, of how many, and the files of which nothing ran, so that nobody counted theirs."""

    taken: int
    all: int
    never_loaded: t.Sequence[str]

    @classmethod
    def from_report(cls, report: Path, plugins: Path) -> Branches:
        """``report``: as coverage.py writes it in JSON."""
        document = json.loads(report.read_text())
        files = {path.relative_to(plugins.parent).as_posix() for path in plugins.rglob("*.py")}
        totals = document["totals"]
        return cls(totals["covered_branches"], totals["num_branches"], sorted(files - set(document["files"])))

    @property
    def percent(self) -> float:
        return 100 * self.taken / self.all


class BranchCheck:
    """Judges what pytest-cov found. Its own limit counts lines and branches together."""

    def __init__(self, wanted: float, report: Path) -> None:
        self._wanted = wanted
        self._report = report
        self._branches: Branches | None = None

    @property
    def _enough(self) -> bool:
        found = self._branches
        return found is not None and found.percent >= self._wanted and not found.never_loaded

    # Outermost: pytest-cov writes its report when its own wrapper ends.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> t.Generator[None, object, object]:
        from coverage.exceptions import CoverageWarning  # where nothing is measured, it need not be there

        self._report.unlink(missing_ok=True)
        warnings.simplefilter("ignore", CoverageWarning)  # a process that a test kills leaves half a file
        result = yield
        self._branches = Branches.from_report(self._report, PLUGINS)
        if not self._enough:
            session.testsfailed += 1
        return result

    @pytest.hookimpl(trylast=True)  # behind the table of pytest-cov
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        found = self._branches
        if found is None:
            return
        text = (
            f"Branches (not lines) of plugins that the tests take: {found.taken} of {found.all}, "
            f"{found.percent:.1f} %. Wanted: at least {self._wanted:g} %."
        )
        if found.never_loaded:
            text += f" No test loads {', '.join(found.never_loaded)}."
        terminalreporter.write_line(text, green=self._enough, red=not self._enough, bold=True)
