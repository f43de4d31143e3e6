# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the table of what is expected of each operation under each fault."""

from __future__ import annotations

from pathlib import Path

_SHORT = {"malformed": "malformed_answer", "rate": "rate_limited", "unexpected": "unexpected_answer"}

SLOW = frozenset(
    {
        "full queue",
        "black hole",
        "TLS in drips",
        "no answer",
        "drips of a status line",
        "drips of headers",
        "drips of 103",
        "drips of a body",
        "in drips",
    }
)
"""The faults that let the time run out."""

_FILE = Path(__file__).with_name("table.txt")


def _parsed(text: str) -> dict[str, dict[str, str]]:
    """Rows by fault, and cells by operation."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if "|" in line]
    columns = lines[0][1:]
    return {row[0]: dict(zip(columns, map(_in_full, row[1:]), strict=True)) for row in lines[1:]}


def _in_full(cell: str) -> str:
    outcome, _space, rest = cell.partition(" ")
    return f"{_SHORT.get(outcome, outcome)} {rest}"


TABLE = _parsed(_FILE.read_text())
