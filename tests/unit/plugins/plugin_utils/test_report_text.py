# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._report_text import clean, plain


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\r\nlines\tof  it", "two lines of it"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("a\u202eb\u200bc", "a\ufffdb\ufffdc"),
        ("{{ x }} {% y %} {# z #} {{{ a", "{ { x }} { % y %} { # z #} { { { a"),
        ("{ plain } é 漢", "{ plain } é 漢"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_clean(text: Any, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_clean_cuts_what_is_too_long() -> None:
    assert len(clean("x" * 5000)) == 2000
    assert clean("x" * 5000).endswith("…")


def test_plain_makes_pythons_own_types() -> None:
    class Text(str):
        pass

    class Number(int):
        pass

    value = plain({Text("a"): (Text("b"), Number(1), True, None, 1.5, [Text("c")])})
    assert value == {"a": ["b", 1, True, None, 1.5, ["c"]]}
    assert {type(item) for item in value["a"]} == {str, int, bool, type(None), float, list}
    assert next(iter(value)).__class__ is str


# Validation
