# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of a run, as text, as JSON, and as a chart."""

from __future__ import annotations

import dataclasses
import html
import json
import typing as t

from .measurement import Row

_BAR, _LABEL, _LINE = 300, 420, 24


def table(rows: t.Sequence[Row]) -> str:
    """The rows for a terminal."""
    cells = [("GOAL", "WHAT", "MEASURED", "WANTED", "", "BEHIND IT")]
    for row in rows:
        cells.append((str(row.number or "-"), row.title, _measured(row), _wanted(row), _judged(row), row.detail))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells)


def restructured(rows: t.Sequence[Row]) -> str:
    """The same as a table of the documentation."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 8 40 16 14 22", ""]
    table_rows = [("Goal", "What", "Measured", "Wanted", "Behind it")]
    for row in rows:
        measured = f"{_measured(row)} {_judged(row)}".strip()
        table_rows.append((str(row.number or ""), row.title, measured, _wanted(row), row.detail))
    for cells in table_rows:
        lines += [f"   {'*' if index == 0 else ' '} - {cell}".rstrip() for index, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


_BEGIN, _END = ".. The table of make bench begins.\n\n", "\n.. The table of make bench ends.\n"


def in_guide(text: str, rows: t.Sequence[Row]) -> str:
    """A page of the documentation with the table of these rows in the place of the one that it has.

    Raises ValueError for a page that has no place for one.
    """
    start, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    return f"{text[:start]}{restructured(rows)}{text[end:]}"


README_ROWS = {
    "oauth_token, warm : debug": "a known token on 200 hosts, beside `debug`, which does nothing",
    "uri token task : oauth_token, warm": "a token request by `uri` on each of these hosts, beside that",
    "naive uri : validation": "40 hosts and 4 accounts tested by `uri`, each host with its tokens, beside `validate`",
    "expert uri : validation": "the same with one token for all, handed on by the playbook",
    "token requests of a cold validation, an account": "token requests for an account, whatever the number of hosts",
    "token requests of these": "token requests of 64 processes that start at once",
    "lookup, warm : ansible.builtin.env": "the token by a lookup, beside the lookup `env`",
}
"""The rows that the README has, by their titles, and in its words."""

_README_BEGIN, _README_END = "<!-- The table of make bench begins. -->\n", "<!-- The table of make bench ends. -->\n"


def in_readme(text: str, rows: t.Sequence[Row]) -> str:
    """The README with some of these rows in the place of those that it has.

    Raises ValueError for one that has no place for them, KeyError for rows that lack one.
    """
    found = {row.title: row for row in rows}
    lines = ["| what | measured |", "|---|---|"]
    lines += [f"| {words} | {_measured(found[title])} |" for title, words in README_ROWS.items()]
    start, end = text.index(_README_BEGIN) + len(_README_BEGIN), text.index(_README_END)
    return f"{text[:start]}\n" + "\n".join(lines) + f"\n\n{text[end:]}"


def rows_of(text: str) -> list[Row]:
    """The rows of a ``document``."""
    found = [{name: value for name, value in row.items() if name != "met"} for row in json.loads(text)["rows"]]
    return [Row(**row) for row in found]


def document(rows: t.Sequence[Row], machine: t.Mapping[str, t.Any]) -> str:
    """The same for programs."""
    found = [{**dataclasses.asdict(row), "met": row.met} for row in rows]
    return json.dumps({"machine": dict(machine), "rows": found}, indent=2) + "\n"


def chart(rows: t.Sequence[Row]) -> str:
    """Each goal as a bar that ends where it was measured, on a scale on which all goals are at the same line."""
    goals = [row for row in rows if row.limit is not None]
    height = _LINE * len(goals) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LABEL + 2 * _BAR + 90} {height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Measured beside the goals">',
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LABEL + _BAR}" y="16" text-anchor="middle" fill="#4a5560">goal</text>',
        f'<path d="M{_LABEL + _BAR} 22V{height - 8}" stroke="#4a5560" stroke-dasharray="4 3"/>',
    ]
    for index, row in enumerate(goals):
        top = 26 + index * _LINE
        # For a goal that is a least, less is more as well: what is shown is always how much of the allowed is used.
        used = t.cast(float, row.limit) / row.measured if row.at_least else row.measured / t.cast(float, row.limit)
        width = max(2.0, min(2.0, max(0.0, used)) * _BAR)
        colour = "#2b8a4b" if row.met else "#c43d3d"
        label = html.escape(f"{row.number}. {row.title}")
        parts += [
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end" fill="#1b1f24">{label}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{width:.0f}" height="{_LINE - 9}" rx="3" fill="{colour}"/>',
            f'<text x="{_LABEL + width + 6:.0f}" y="{top + 14}" fill="#1b1f24">{html.escape(_measured(row))}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _measured(row: Row) -> str:
    spread = "" if row.spread is None else f" +-{_number(row.spread)}"
    return f"{_number(row.measured)}{spread} {row.unit}"


def _wanted(row: Row) -> str:
    if row.limit is None:
        return ""
    return f"{'at least' if row.at_least else 'at most'} {row.limit:g} {row.unit}"


def _judged(row: Row) -> str:
    return {None: "", True: "met", False: "NOT MET"}[row.met]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
