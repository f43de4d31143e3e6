# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private copy of the collection that is changed, and never the collection itself."""

from __future__ import annotations

import ast
import hashlib
import shutil
import typing as t
from pathlib import Path

COLLECTION = Path("ansible_collections/apiops/access")
"""Where the collection is below the folder of the copy."""

_PARTS = ("galaxy.yml", "meta", "plugins", "tests")

# mutmut leaves decorated functions alone, but these decorators can as well be called below the function.
_DECORATORS = frozenset({"contextlib.contextmanager", "functools.cached_property", "functools.lru_cache", "property"})


def prepare(source: Path, folder: Path) -> None:
    """Make the copy anew, with the settings of mutmut beside it."""
    if folder.exists():
        shutil.rmtree(folder)
    target = folder / COLLECTION
    target.mkdir(parents=True)
    for name in _PARTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "output"))
        else:
            shutil.copy(source / name, target / name)
    for path in (target / "plugins").rglob("*.py"):
        path.write_text(undecorated(path.read_text()))
    shutil.copy(source / "tests" / "mutation" / "mutmut.toml", folder / "pyproject.toml")
    shutil.copy(source / "tests" / "mutation" / "fastest_first.py", target / "conftest.py")


def number_of(source: Path) -> int:
    """A number that the same plugins always have, and others not."""
    text = "".join(path.read_text() for path in sorted((source / "plugins").rglob("*.py")))
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def undecorated(code: str) -> str:
    """The same code where the known decorators are called below their function: ``name = decorator(name)``."""
    lines = code.splitlines()
    for function in sorted(_functions(code), key=lambda node: node.lineno, reverse=True):
        if len(function.decorator_list) != 1:
            continue
        (decorator,) = function.decorator_list
        if ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator) not in _DECORATORS:
            continue
        assert function.end_lineno is not None
        indent = " " * function.col_offset
        lines.insert(function.end_lineno, f"{indent}{function.name} = {ast.unparse(decorator)}({function.name})")
        del lines[decorator.lineno - 1 : function.lineno - 1]
    return "\n".join(lines) + "\n"


def _functions(code: str) -> t.Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef))
