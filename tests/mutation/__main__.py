# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make mutation``: change the code that keeps tokens and talks to vendors, and see whether a test notices."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from . import verdict, workspace

SOURCE = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("explained.yml")

_NOTE = """\
Each mutant is one small change in a function: another operator, a value or an argument that is gone, another text.
What is stated outside of functions (constants, the contracts of vendors) is not changed.
"""


# mutmut begins with those that take the least, so that a run which ends early would never come to the others. A part,
# one tenth of every function, has of all kinds: the mutants whose numbers end in the same figure.
_FIGURES = "0123456789"
_FEWEST = 0.05
"""Share of the mutants below which a run says nothing about the tests."""


def main() -> int:
    """What the command line asks for; 1 where a mutant survived that nobody has explained, or hardly any was tried."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".build/mutation"), help="folder of the private copy")
    parser.add_argument("--minutes", type=float, help="end after so many minutes, whatever is left")
    parser.add_argument("--parts", type=int, default=len(_FIGURES), help="how many tenths to try at most")
    parser.add_argument("--begin", choices=list(_FIGURES), help="first part to try; without it, the code decides")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    ends = None if chosen.minutes is None else time.monotonic() + chosen.minutes * 60
    folder = chosen.folder.resolve()
    workspace.prepare(SOURCE, folder)
    if ends is None:
        run(folder, chosen.workers, None, [])
    else:
        begin = int(chosen.begin or workspace.number_of(SOURCE) % len(_FIGURES))
        run_parts(folder, chosen.workers, ends, (_FIGURES[begin:] + _FIGURES[:begin])[: chosen.parts])
    results = subprocess.run(
        ["mutmut", "results", "--all", "true"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    explanations = verdict.Explanations.read(EXPLAINED)
    mutants = verdict.judged(folder, results, explanations)
    if not mutants:
        print(f"Nothing was tried; {folder}/mutmut.log says why.", file=sys.stderr)
        return 1
    print(_NOTE)
    print(verdict.table(mutants))
    survivors = [mutant for mutant in mutants if mutant.outcome == "survived"]
    for mutant in survivors:
        print(f"\nNo test notices this in {mutant.file}:\n{mutant.change}")
    tried = sum(mutant.outcome != "not tried" for mutant in mutants)
    if tried == len(mutants):
        for file, change in explanations.unused(mutants):
            print(f"\nThis needs no explanation any more in {EXPLAINED.name}: {file}: {change}")
    print(f"\n{tried} of {len(mutants)} mutants were tried; {len(survivors)} survived without an explanation.")
    if tried < len(mutants):
        print("Other code begins with another part; make mutation MUTATION=all tries all of them.")
    if tried < len(mutants) * _FEWEST:
        print(f"That is too few for a verdict; {folder}/mutmut.log says how far it came.", file=sys.stderr)
    return int(bool(survivors) or tried < len(mutants) * _FEWEST)


def run_parts(folder: Path, workers: int, ends: float, left: str) -> None:
    """Try the first of these parts, and then as many more as should be done by ``ends`` (of ``time.monotonic``)."""
    number, each = 1, 0.0
    while left and time.monotonic() < ends:
        parts, left = left[:number], left[number:]
        print(f"Of each function, the mutants whose numbers end in {', '.join(parts)}", flush=True)
        began = time.monotonic()
        run(folder, workers, ends, [f"*__mutmut_*{figure}" for figure in parts])
        # Of the first, with all that has to be done but once: rather too much than too little.
        each = each or time.monotonic() - began
        number = max(1, int((ends - time.monotonic()) / each))


def run(folder: Path, workers: int, ends: float | None, patterns: t.Sequence[str]) -> None:
    """Try the mutants whose names fit the patterns, until ``ends``; all of them without patterns."""
    copy = str(folder / "mutants")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": copy, "PYTHONPATH": copy, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["mutmut", "run", "--max-children", str(workers), *patterns]
    # Whoever started this may ignore the signal, as a shell does for what is in its background; mutmut shall not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(folder / "mutmut.log", "a") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(None if ends is None else max(0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
