# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of the check: each writes what it does to a file of its own and ends as passed, failed or skipped."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import re
import subprocess
import threading
import time
import traceback
import typing as t
from pathlib import Path

from ..environments import NoPythonError, UnavailableError

_COLUMNS = ("what", "ansible-core", "Python", "seconds", "result")
# Seconds of one command: far more than any takes on a quiet machine.
_TIMEOUT = 3600.0


class FailedError(Exception):
    """Why a step has failed. What its commands printed is in its log."""


class Log:
    """The file of one step. Commands are run by it, so that everything they print is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def write(self, text: str) -> None:
        with self.path.open("a") as file:
            file.write(text.rstrip("\n") + "\n")

    def run(self, *command: str, cwd: Path, env: t.Mapping[str, str] | None = None) -> str:
        """Run a command and return what it printed; raises FailedError where its status is not 0."""
        self.write(f"$ {' '.join(command)}")
        start = self.path.stat().st_size
        with self.path.open("ab") as file:
            done = subprocess.run(
                command, cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL, timeout=_TIMEOUT,
                stdout=file, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        output = self.path.read_bytes()[start:].decode("utf-8", "backslashreplace")
        if done.returncode:
            raise FailedError(f"{os.path.basename(command[0])} ended with status {done.returncode}")
        return output


@dataclasses.dataclass(frozen=True)
class Step:
    """One line of the table. ``work`` returns a remark for it, and raises FailedError or UnavailableError."""

    what: str
    work: t.Callable[[Log], str]
    core: str = ""
    python: str = ""

    @property
    def log_name(self) -> str:
        return re.sub(r"[^a-z0-9.]+", "-", f"{self.core} {self.what}".lower()).strip("-") + ".log"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a step has ended: its state is passed, FAILED or skipped."""

    step: Step
    state: str
    remark: str
    seconds: float
    log: Path

    @property
    def row(self) -> tuple[str, ...]:
        result = f"{self.state}: {self.remark}" if self.remark else self.state
        return (self.step.what, self.step.core, self.step.python, f"{self.seconds:.0f}", result)


def run_step(step: Step, folder: Path, *, skips_fail: bool) -> Outcome:
    """Run one step. With ``skips_fail``, one that is skipped without need has failed."""
    log = Log(folder / step.log_name)
    started = time.monotonic()
    try:
        state, remark = "passed", step.work(log)
    except NoPythonError as reason:
        state, remark = "skipped", str(reason)
    except UnavailableError as reason:
        state, remark = ("FAILED" if skips_fail else "skipped"), str(reason)
    except FailedError as reason:
        state, remark = "FAILED", str(reason)
    except Exception:  # of the check itself; the other steps shall still be seen
        log.write(traceback.format_exc())
        state, remark = "FAILED", "an error of the check itself"
    return Outcome(step, state, remark, time.monotonic() - started, log.path)


def run_chains(
    chains: t.Sequence[t.Sequence[Step]], folder: Path, *, workers: int, skips_fail: bool, say: t.Callable[[str], None]
) -> list[Outcome]:
    """Run chains of steps beside each other, the steps of each in their order, and say how each has ended."""
    lock = threading.Lock()

    def run(chain: t.Sequence[Step]) -> list[Outcome]:
        outcomes = []
        for step in chain:
            outcome = run_step(step, folder, skips_fail=skips_fail)
            outcomes.append(outcome)
            with lock:
                say(_progress(outcome))
                if outcome.state == "FAILED":
                    say(outcome.log.read_text(errors="backslashreplace"))
        return outcomes

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [outcome for outcomes in pool.map(run, chains) for outcome in outcomes]


def _progress(outcome: Outcome) -> str:
    what, core, python, seconds, result = outcome.row
    where = f" (ansible-core {core}, Python {python})" if core and python else f" (ansible-core {core})" if core else ""
    return f"{what}{where}: {result}, {seconds} s"


def table(outcomes: t.Sequence[Outcome]) -> str:
    rows = [_COLUMNS, *(outcome.row for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip() for row in rows
    )
