# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pytest does differently for a mutant: it makes no other tests, and the fastest go first: one that fails will do.

Tests of a file stay together, as they share what the file has set up. The private copy has this file as its
``conftest.py``. mutmut notes how long each test takes before it changes anything.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

_WANTED = pytest.StashKey[frozenset[str]]()


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
    """Make nothing of a file's other tests: all their parameters take longer than the few tests that are wanted."""
    stash = collector.config.stash
    if _WANTED not in stash:
        stash[_WANTED] = _functions(collector.config.args)
    wanted = stash[_WANTED]
    if wanted and isinstance(collector, pytest.Module) and name.startswith("test_") and name not in wanted:
        return []
    return None


def _functions(arguments: list[str]) -> frozenset[str]:
    """The names in the likes of ``file.py::test_name[parameters]``; none where a whole file is asked for."""
    names = [re.match(r"[^\[]+\.py::(\w+)", argument) for argument in arguments]
    return frozenset(name[1] for name in names if name) if all(names) else frozenset()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    notes = Path(config.rootpath, "mutmut-stats.json")
    if notes.exists():
        seconds = json.loads(notes.read_text())["duration_by_test"]
        files = defaultdict(list)
        for item in items:
            files[item.path].append(seconds.get(item.nodeid, 0.0))
        means = {path: sum(taken) / len(taken) for path, taken in files.items()}
        items.sort(key=lambda item: (means[item.path], str(item.path), seconds.get(item.nodeid, 0.0)))
