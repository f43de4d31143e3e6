# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every target for its share of the seconds given: python -m ...tests.fuzz SECONDS [TARGET ...].

With atheris, which looks for new branches; where there is none for this Python, with hypothesis for the same time.
"""

from __future__ import annotations

import gc
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

from .seeds import FIELDS, TEXTS, seeds
from .targets import TARGETS

PLUGINS = "ansible_collections.apiops.access.plugins."

LONGEST_RUN = 20
"""Seconds that one input may take."""

MOST_MEMORY = 1024
"""MiB that a target may take."""


def main(arguments: list[str]) -> int:
    """The status: 1 where any target failed."""
    if len(arguments) >= 2 and arguments[0] == "--one":
        return _fuzz_one(arguments[1], arguments[2:])
    seconds, names = float(arguments[0]), arguments[1:] or list(TARGETS)
    share = max(1, int(seconds / len(names)))
    has_atheris = importlib.util.find_spec("atheris") is not None
    if not has_atheris:
        print(f"There is no atheris for Python {sys.version.split()[0]}: the targets are run with hypothesis instead.")
    failed = []
    for name in names:
        print(f"{name}: {share} s ...", flush=True)
        if not (_by_atheris(name, share) if has_atheris else _by_hypothesis(name, share)):
            failed.append(name)
    print(f"{len(names) - len(failed)} of {len(names)} targets held.", *(f"Failed: {name}." for name in failed))
    return 1 if failed else 0


def _by_atheris(name: str, seconds: int) -> bool:
    """In a process of its own, since libFuzzer ends it."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, seed in enumerate(seeds()):
            (corpus / str(number)).write_bytes(seed)
        short = (text for text in TEXTS if 0 < len(text) < 60)
        words.write_text("".join(f"{_quoted(word)}\n" for word in (*FIELDS, *short)))
        done = subprocess.run(
            [
                sys.executable, "-m", str(__package__), "--one", name, f"-max_total_time={seconds}",
                f"-timeout={LONGEST_RUN}", f"-rss_limit_mb={MOST_MEMORY}", "-max_len=8192", f"-dict={words}",
                f"-artifact_prefix={folder}/", "-verbosity=0", "-print_final_stats=1", str(corpus),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        output = done.stdout.decode("utf-8", "backslashreplace")
        executed = re.search(r"number_of_executed_units: *(\d+)", output)
        print(f"  {executed[1] if executed else 'no'} inputs", flush=True)
        if done.returncode:
            print(output[-6000:])
            for found in Path(folder).glob("*-*"):
                print(f"  {found.name}: {found.read_bytes()[:2000]!r}")
    return done.returncode == 0


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


def _by_hypothesis(name: str, seconds: int) -> bool:
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
    except Exception as error:
        print(f"  {type(error).__name__}: {error}")
        return False
    finally:
        print(f"  {count} inputs", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
