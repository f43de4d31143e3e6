# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What the roles' reports have in common: plain data from results, and tables of it.

Results quote servers, so no text is trusted: it is cleaned when a report is made, and escaped when it is written.
"""

from __future__ import annotations

import re
import typing as t

Report = t.Dict[str, t.Any]  # noqa: UP006 (evaluated on every Python that Ansible runs on)

_LONGEST_TEXT = 2000
_WIDEST_NAME = 32


def plain(value: t.Any) -> t.Any:
    """The same data in Python's own types: Ansible's are lazy, tagged or proxies."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {clean(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return clean(value)


def clean(value: t.Any) -> str:
    """Text on one line, with nothing that a terminal obeys or that Ansible takes for a template."""
    text = " ".join(str.__str__(value if isinstance(value, str) else str(value)).split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    text = re.sub(r"\{(?=[{%#])", "{ ", text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def dict_of(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []


def number_of(value: t.Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def without_name(message: str, name: str, provider: str) -> str:
    """A message without the account that it begins with: in a report it stands beside that."""
    return message.removeprefix(f"Account '{name}' ({provider}): ")


def aligned(table: t.Sequence[t.Sequence[str]]) -> list[str]:
    rows = [[_short(cell) for cell in row] for row in table]
    widths = [max(len(row[index]) for row in rows if index < len(row)) for index in range(max(map(len, rows)))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST_NAME else f"{text[: _WIDEST_NAME - 1]}…"
