# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import textwrap
import typing as t
from pathlib import Path

from ansible_collections.apiops.access.tests.mutation import workspace

SOURCE = Path(__file__).resolve().parents[3]

CODE = """
import contextlib, functools


@functools.lru_cache(maxsize=16)
def double(number):
    calls.append(number)
    return number * 2


class Door:
    is_open = False

    @property
    def state(self):
        return "open" if self.is_open else "shut"

    @contextlib.contextmanager
    def opened(self):
        self.is_open = True
        yield self.state
        self.is_open = False

    @staticmethod
    def knock():
        return "who is there"


calls = []
"""


def test_code_does_the_same_without_decorators_above_its_functions() -> None:
    code = workspace.undecorated(CODE)
    assert "@property" not in code
    assert "@contextlib" not in code
    assert "@functools" not in code
    assert "@staticmethod" in code
    names: dict[str, t.Any] = {}
    exec(code, names)
    door = names["Door"]()
    with door.opened() as state:
        assert state == door.state == "open"
    assert (door.state, door.knock()) == ("shut", "who is there")
    assert [names["double"](4), names["double"](4), names["calls"]] == [8, 8, [4]]


def test_a_function_with_several_decorators_is_left_as_it_is() -> None:
    code = textwrap.dedent(
        """\
        @one
        @property
        def function():
            return 1
        """
    )
    assert workspace.undecorated(code) == code


def test_the_copy_is_a_collection_of_its_own_and_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    for _time in range(2):
        workspace.prepare(SOURCE, folder)
        collection = folder / workspace.COLLECTION
        assert (collection / "galaxy.yml").exists()
        assert "@contextlib" not in (collection / "plugins" / "plugin_utils" / "_file_store.py").read_text()
        assert "[tool.mutmut]" in (folder / "pyproject.toml").read_text()
        assert not (folder / "left-over").exists()
        with contextlib.suppress(FileExistsError):
            (folder / "left-over").mkdir()
    assert "@contextlib" in (SOURCE / "plugins" / "plugin_utils" / "_file_store.py").read_text()


def test_the_number_of_the_plugins_changes_with_them_alone(tmp_path: Path) -> None:
    module = tmp_path / "plugins" / "module_utils" / "code.py"
    module.parent.mkdir(parents=True)
    module.write_text("one = 1\n")
    first = workspace.number_of(tmp_path)
    (tmp_path / "README.md").write_text("Other words\n")
    assert workspace.number_of(tmp_path) == first
    module.write_text("one = 2\n")
    assert workspace.number_of(tmp_path) != first
