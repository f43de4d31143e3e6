# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the collection's archive, and of the example of an execution environment."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from .awx import EXTENSIONS
from .runner import REPOSITORY

BIN = Path(sys.executable).parent
EXAMPLE = EXTENSIONS / "execution-environment.yml"
LIBRARIES = {"requests": "", "cryptography": "", "PyJWT": "2.10", "redis": "5.0"}
"""The libraries that the plugins import, with the oldest version."""


def command(*arguments: str, folder: Path) -> str:
    """Run a command of the virtual environment, and return what it printed."""
    name, *others = arguments
    env = {"PATH": f"{BIN}{os.pathsep}{os.defpath}", "HOME": str(folder), "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    done = subprocess.run([str(BIN / name), *others], env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has this collection alone, installed from its archive."""
    folder = tmp_path_factory.mktemp("builder")
    command("ansible-galaxy", "collection", "build", str(REPOSITORY), "--output-path", "archive", folder=folder)
    (archive,) = (folder / "archive").iterdir()
    command("ansible-galaxy", "collection", "install", "--offline", str(archive), "-p", str(folder), folder=folder)
    return folder


def without_origin(line: str) -> str:
    text, _mark, origin = line.partition("#")
    assert origin.strip() == "from collection apiops.access"
    return text.strip()


def test_the_requirements_are_found_in_the_installed_collection(installed: Path) -> None:
    found = yaml.safe_load(command("ansible-builder", "introspect", str(installed), folder=installed))
    python = [Requirement(without_origin(line)) for line in found["python"]]
    assert {requirement.name: str(requirement.specifier) for requirement in python} == {
        name: f">={oldest}" if oldest else "" for name, oldest in LIBRARIES.items()
    }
    assert {requirement.name: requirement.extras for requirement in python if requirement.extras} == {
        "PyJWT": {"crypto"}
    }
    lines = (REPOSITORY / "bindep.txt").read_text().splitlines()
    assert [without_origin(line) for line in found["system"]] == [line for line in lines if line and line[0] != "#"]


def test_they_are_what_the_plugins_import() -> None:
    imported = set()
    for path in (REPOSITORY / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    others = {name for name in imported if name not in sys.stdlib_module_names}
    # ansible-core has these, and requests has urllib3.
    assert others - {"ansible", "ansible_collections", "jinja2", "yaml", "urllib3"} == {
        "requests",
        "cryptography",
        "jwt",
        "redis",
    }


@pytest.mark.parametrize(("platform", "package"), [("platform:dpkg", "python3-dev"), ("platform:rpm", "python3-devel")])
def test_system_packages_are_for_compiling_alone(platform: str, package: str) -> None:
    bindep: t.Any = importlib.import_module("bindep.depends")  # without type information
    depends = bindep.Depends((REPOSITORY / "bindep.txt").read_text())
    assert depends.active_rules([platform]) == []
    names = [name for name, *_more in depends.active_rules([platform, "compile"])]
    assert {"gcc", "cargo", package} <= set(names)
    other = "-devel" if platform == "platform:dpkg" else "-dev"
    assert [name for name in names if name.endswith(other)] == []


def test_the_example_makes_a_build_context_that_finds_them(installed: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    command("ansible-builder", "create", "-f", str(EXAMPLE), "-c", str(context), folder=tmp_path)
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    assert [collection["name"] for collection in wanted] == ["apiops.access"]
    (steps,) = (path.read_text() for path in context.glob("*file"))
    assert steps.index("collection install") < steps.index("introspect.py introspect")
    # What that step does in the image, with the collection that was installed before it.
    command(
        "python", str(context / "_build" / "scripts" / "introspect.py"), "introspect",
        "--write-pip=pip.txt", "--write-bindep=bindep.txt", str(installed),
        folder=tmp_path,
    )  # fmt: skip
    assert "redis >= 5.0" in (tmp_path / "pip.txt").read_text()
    assert "gcc [compile]" in (tmp_path / "bindep.txt").read_text()
