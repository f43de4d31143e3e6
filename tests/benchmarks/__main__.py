# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: measure, print the table, and write it as JSON and as a chart."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ..integration import redis_server
from ..sandbox.server import running
from . import client, download, fleet, flight, keycloak, results, stores, template
from .measurement import Row
from .playbooks import FORKS

ROOT = Path(__file__).resolve().parents[2]
GUIDE, README = ROOT / "docs" / "docsite" / "rst" / "guide_speed.rst", ROOT / "README.md"


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(".build/bench"), help="folder of the results")
    parser.add_argument("--document", action="store_true", help="put the results into the documentation, too")
    parser.add_argument("--rounds", type=int, default=5, help="how often the long runs are measured")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the goals to measure")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="apiops-bench-") as folder:
        rows = measured(Path(folder), chosen.rounds, chosen.only)
    print(results.table(rows))
    chosen.output.mkdir(parents=True, exist_ok=True)
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "forks": FORKS}
    (chosen.output / "results.json").write_text(results.document(rows, machine))
    (chosen.output / "chart.svg").write_text(results.chart(rows))
    if chosen.document:
        GUIDE.write_text(results.in_guide(GUIDE.read_text(), rows))
        README.write_text(results.in_readme(README.read_text(), rows))
        for name, text in (("speed.json", results.document(rows, machine)), ("speed.svg", results.chart(rows))):
            (GUIDE.parent / "pictures" / name).write_text(text)


def measured(folder: Path, rounds: int, only: t.Collection[int] | None) -> list[Row]:
    """All rows, one after the other: what is measured has the machine for itself."""
    rows: list[Row] = []

    def measure(number: int, title: str, work: t.Callable[[], list[Row]]) -> None:
        if only is None or number in only:
            print(f"Measuring: {title} ...", file=sys.stderr, flush=True)
            start = time.monotonic()
            rows.extend(work())
            print(f"  {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    for name in ("sandbox", "work", "flight", "files", "keycloak", "redis"):
        (folder / name).mkdir(mode=0o700)
    with running(folder / "sandbox") as sandbox:
        fleet.open_gates(sandbox)
        plays = fleet.Fleet(folder / "work", sandbox)
        rows.append(fleet.ceiling(sandbox))
        measure(1, "a known token, 200 hosts", lambda: fleet.warm_token(plays, rounds))
        measure(2, "the whole validation, 40 hosts", lambda: fleet.validation(plays, rounds))
        measure(3, "the whole validation, 400 hosts", lambda: fleet.growth(plays, max(1, rounds // 2)))
        measure(4, "the lookup", lambda: template.lookup(plays, rounds))
        measure(5, "64 processes at once", lambda: flight.single_flight(folder / "flight", rounds))
        measure(6, "one token request", lambda: client.token_request(sandbox, 200))
        measure(6, "a token of Keycloak's endpoint", lambda: keycloak.helper(folder / "keycloak", 200))
        measure(6, "the start of the module", lambda: client.start_up(8 * rounds))
        if redis_server.binary():
            with redis_server.running(folder / "redis") as redis:
                measure(7, "the stores", lambda: stores.stored_tokens(folder / "files", redis, 500))
        measure(8, "2 GB to a file", lambda: download.large_answer(folder, sandbox, 2 * rounds))
    return rows


if __name__ == "__main__":
    main()
