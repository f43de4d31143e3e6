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
from pathlib import Path

from . import verdict, workspace

SOURCE = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("explained.yml")

_NOTE = """\
Each mutant is one small change in a function: another operator, a value or an argument that is gone, another text.
What is stated outside of functions (constants, the contracts of vendors) is not changed.
"""


def main() -> int:
    """What the command line asks for; 1 where a mutant survived that nobody has explained, or most were not tried."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".build/mutation"), help="folder of the private copy")
    parser.add_argument("--minutes", type=float, help="end after so many minutes, whatever is left")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    workspace.prepare(SOURCE, folder)
    ended = run(folder, chosen.workers, chosen.minutes)
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
    if ended and tried == len(mutants):
        for file, change in explanations.unused(mutants):
            print(f"\nThis needs no explanation any more in {EXPLAINED.name}: {file}: {change}")
    print(f"\n{tried} of {len(mutants)} mutants were tried; {len(survivors)} survived without an explanation.")
    if tried < len(mutants) / 2:
        print("That is too few for a verdict. Give it more time: make mutation MUTATION=all", file=sys.stderr)
    return int(bool(survivors) or tried < len(mutants) / 2)


def run(folder: Path, workers: int, minutes: float | None) -> bool:
    """Try the mutants; False where the time was up before the end. mutmut begins with those that take the least."""
    copy = str(folder / "mutants")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": copy, "PYTHONPATH": copy, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["mutmut", "run", "--max-children", str(workers)]
    # Whoever started this may ignore the signal, as a shell does for what is in its background; mutmut shall not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(folder / "mutmut.log", "w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(None if minutes is None else minutes * 60)
            return True
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
