# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pytest does differently for a mutant: the fastest tests first, since one that fails ends the try.

Those of a file stay together, as they share what the file has set up. The private copy has this file as its
``conftest.py``. mutmut notes how long each test takes before it changes anything.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    notes = Path(config.rootpath, "mutmut-stats.json")
    if notes.exists():
        seconds = json.loads(notes.read_text())["duration_by_test"]
        files = defaultdict(list)
        for item in items:
            files[item.path].append(seconds.get(item.nodeid, 0.0))
        means = {path: sum(taken) / len(taken) for path, taken in files.items()}
        items.sort(key=lambda item: (means[item.path], str(item.path), seconds.get(item.nodeid, 0.0)))
