# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The texts that a validation's report can be made into, and how they become private files."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import typing as t
from pathlib import Path

from ._report_text import Report
from ._validation_junit import validation_junit
from ._validation_page import validation_html

PARTS = frozenset(
    {
        "generated",
        "previous",
        "accounts",
        "hosts",
        "problems",
        "changes",
        "notes",
        "failed_hosts",
        "totals",
        "holders",
    }
)
"""The keys of a report, by which it is told from results."""

FORMATS: dict[str, t.Callable[[Report], str]] = {
    "json": lambda report: json.dumps(report, indent=2) + "\n",
    "html": validation_html,
    "junit": validation_junit,
}

FILE_NAMES = {"html": "report.html", "json": "report.json", "junit": "report.xml"}


def make_folder(path: Path) -> None:
    """Have a folder (0700) for reports. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)


def would_write_file(path: Path, text: str) -> bool:
    """Whether ``write_file`` would change the file."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read() != text.encode() or stat.S_IMODE(os.fstat(file.fileno()).st_mode) != 0o600
    return True


def write_file(path: Path, text: str) -> bool:
    """Have a text in a file (0600), whole or not at all; return whether it was another before. Raises OSError."""
    target = os.path.realpath(path)  # a link stays one
    if not would_write_file(path, text):
        return False
    descriptor, aside = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".report-")  # 0600 by contract
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    return True
