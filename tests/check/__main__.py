# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m ansible_collections.apiops.access.tests.check [TARGET ...]`: the whole check, and targets of make with it.

With APIOPS_TESTS_NEED_ALL=1 a version of ansible-core whose Python is there must be checked.
"""

from __future__ import annotations

import argparse
import os
import sys
import typing as t

from ..environments import MIDDLE, NEWEST, OLDEST, REPOSITORY
from . import ansible_tests, artifact
from .steps import Log, Step, run_chains, table

FOLDER = REPOSITORY / ".build" / "check"


def make(target: str) -> t.Callable[[Log], str]:
    def work(log: Log) -> str:
        log.run("make", "--no-print-directory", target, cwd=REPOSITORY)
        return ""

    return work


def main() -> int:
    parser = argparse.ArgumentParser(prog="check", description="The field's tools on all versions, and the archive.")
    parser.add_argument("target", nargs="*", help="targets of make to run as well")
    parser.add_argument("--only", default="", help="only the chains whose name has this in it")
    parser.add_argument("--workers", type=int, default=2, help="how many chains are run beside each other")
    arguments = parser.parse_args()
    chains: dict[str, list[Step]] = {core.name: ansible_tests.chain(core, FOLDER) for core in (OLDEST, MIDDLE, NEWEST)}
    chains["archive"] = artifact.chain(FOLDER / "archive")
    chains.update({target: [Step(f"make {target}", make(target))] for target in arguments.target})
    outcomes = run_chains(
        [steps for name, steps in chains.items() if arguments.only in name],
        FOLDER / "logs",
        workers=arguments.workers,
        skips_fail=os.environ.get("APIOPS_TESTS_NEED_ALL") == "1",
        say=lambda text: print(text, flush=True),
    )
    print(f"\n{table(outcomes)}\n\nWhat each has printed: {FOLDER / 'logs'}")
    return int(any(outcome.state == "FAILED" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
