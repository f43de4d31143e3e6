# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make fuzz``: every parser is given whatever breaks it, each for its share of the time.

With atheris, which looks for new branches; where there is none for this Python, with hypothesis for the same time.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import functools
import gc
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import traceback
import types
import typing as t
from pathlib import Path

from .seeds import FIELDS, TEXTS, seeds
from .targets import TARGETS

PLUGINS = "ansible_collections.apiops.access.plugins."

LONGEST_RUN = 20
"""Seconds that one input may take."""

MOST_MEMORY = 1024
"""MiB that a target may take."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """How many inputs a target was given, and what went wrong."""

    inputs: int
    problem: str | None = None


def main() -> int:
    """What the command line asks for; 1 where any target failed."""
    if sys.argv[1:2] == ["--one"]:
        return _fuzz_one(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=290, help="the time of all targets together")
    parser.add_argument("--seed", type=int, default=1, help="where the search begins; 0: anywhere")
    parser.add_argument("--workers", type=int, default=2, help="how many targets are run beside each other")
    parser.add_argument("--only", nargs="*", default=list(TARGETS), choices=TARGETS, help="these targets alone")
    chosen = parser.parse_args()
    names = chosen.only
    if importlib.util.find_spec("atheris") is None:
        print(f"There is no atheris for Python {sys.version.split()[0]}: the targets are run with hypothesis instead.")
        share = max(1, int(chosen.seconds / len(names)))
        findings: t.Iterable[Finding] = map(functools.partial(_by_hypothesis, seconds=share), names)
    else:
        share = max(1, int(chosen.seconds * chosen.workers / len(names)))
        # Each is a process of its own, which a thread waits for.
        pool = concurrent.futures.ThreadPoolExecutor(chosen.workers)
        findings = pool.map(functools.partial(_by_atheris, seconds=share, seed=chosen.seed), names)
    failed = []
    print(f"Each of {len(names)} targets for {share} s:")
    for number, (name, finding) in enumerate(zip(names, findings), 1):
        print(f"{number}/{len(names)} {name}: {finding.inputs} inputs", flush=True)
        if finding.problem:
            failed.append(name)
            print(finding.problem, flush=True)
    print(f"{len(names) - len(failed)} of {len(names)} targets held.", *(f"Failed: {name}." for name in failed))
    return 1 if failed else 0


def _by_atheris(name: str, seconds: int, seed: int) -> Finding:
    """In a process of its own, since libFuzzer ends it."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, content in enumerate(seeds()):
            (corpus / str(number)).write_bytes(content)
        short = (text for text in TEXTS if 0 < len(text) < 60)
        words.write_text("".join(f"{_quoted(word)}\n" for word in (*FIELDS, *short)))
        done = subprocess.run(
            [
                sys.executable, "-m", str(__package__), "--one", name, f"-max_total_time={seconds}", f"-seed={seed}",
                f"-timeout={LONGEST_RUN}", f"-rss_limit_mb={MOST_MEMORY}", "-max_len=8192", f"-dict={words}",
                f"-artifact_prefix={folder}/", "-verbosity=0", "-print_final_stats=1", str(corpus),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        output = done.stdout.decode("utf-8", "backslashreplace")
        executed = re.search(r"number_of_executed_units: *(\d+)", output)
        inputs = int(executed[1]) if executed else 0
        if not done.returncode and inputs:
            return Finding(inputs)
        found = [f"{path.name}: {path.read_bytes()[:2000]!r}" for path in Path(folder).glob("*-*")]
        return Finding(inputs, "\n".join([output[-6000:], *found]) or "It did not run.")


def _quoted(word: str) -> str:
    """A word of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass")) + '"'


def _fuzz_one(name: str, options: list[str]) -> int:
    import atheris

    # Those of the collection alone: to instrument all of Python takes minutes.
    for found in gc.get_objects():
        if isinstance(found, types.FunctionType) and str(found.__module__).startswith(PLUGINS):
            atheris.instrument_func(found)
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()
    return 0


def _by_hypothesis(name: str, seconds: int) -> Finding:
    from hypothesis import HealthCheck, given, settings

    from .inputs import inputs

    ends, count = time.monotonic() + seconds, 0

    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs())
    def holds(data: bytes) -> None:
        nonlocal count
        count += 1
        TARGETS[name](data)

    try:
        while time.monotonic() < ends:
            holds()
    except Exception:
        return Finding(count, traceback.format_exc())
    return Finding(count)


if __name__ == "__main__":
    sys.exit(main())
