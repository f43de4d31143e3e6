# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on adding a provider, applied to a copy of the collection: it is complete, and what it adds works."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from .documents import GUIDES, Shown, blocks, loaded
from .runner import REPOSITORY, AnsibleRunner

PAGE = GUIDES / "guide_adding_a_provider.rst"
NEEDED = (
    "plugins",
    "extensions",
    "changelogs",
    "meta",
    "playbooks",
    "roles",
    "tests",
    "galaxy.yml",
    "pyproject.toml",
    "README.md",
    "docs",
)

# What of the copy's own tests looks at a provider from outside: documentation, AWX, the provider, its twin.
TESTS = (
    "tests/unit/plugins/test_documentation.py",
    "tests/unit/extensions/test_awx.py",
    "tests/unit/plugins/module_utils/_providers/test_depot.py",
    "tests/sandbox/tests/test_depot.py",
)


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of the collection, in a tree of collections of its own."""

    tree: Path

    @property
    def root(self) -> Path:
        return self.tree / "ansible_collections" / "apiops" / "access"

    def apply(self, block: Shown, less: str = "") -> None:
        """Write the file, or make the changes, that a block of the page has; but for those of the file ``less``."""
        if block.language != "diff":
            if block.caption != less:
                (self.root / block.caption).write_text(block.text)
            return
        for change in re.split(r"^(?=--- a/)", block.text, flags=re.MULTILINE):
            if change and less not in change.splitlines()[0].split("/", 1):
                self.command("git", "apply", "--recount", "-", stdin=change)

    def command(self, *arguments: str, stdin: str = "") -> None:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, as the collection that it is."""
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(self.tree),
            "GIT_CEILING_DIRECTORIES": str(self.root.parent),
            "PYTHONPATH": str(self.tree),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            arguments, cwd=self.root, env=environment, input=stdin, text=True, timeout=300, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def tested(self) -> subprocess.CompletedProcess[str]:
        """Run those of its tests that look at a provider."""
        return self.run(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS)


def copied(folder: Path) -> Copy:
    copy = Copy(folder / "tree")
    for name in NEEDED:
        origin = REPOSITORY / name
        if origin.is_dir():
            shutil.copytree(origin, copy.root / name, ignore=shutil.ignore_patterns("__pycache__", "output", ".*"))
        else:
            copy.root.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, copy.root / name)
    return copy


def applied() -> list[Shown]:
    return [block for block in blocks(PAGE) if block.caption or block.language == "diff"]


def touched(block: Shown) -> list[str]:
    """The files that a block writes or changes."""
    return [block.caption] if block.caption else re.findall(r"^\+\+\+ b/(\S+)$", block.text, re.MULTILINE)


FILES = [path for block in applied() for path in touched(block)]


def test_the_list_of_places_is_what_is_touched_and_in_that_order() -> None:
    text = PAGE.read_text()
    table = text[text.index("The places to touch") : text.index("What is written for people")]
    listed = re.findall(r"\* - ``(\S+)``", table)
    assert sorted(listed) == sorted(FILES)
    new = set(re.findall(r"\* - ``(\S+)``\n     - new: ", table))
    assert new == {path for path in FILES if not (REPOSITORY / path).exists()}


def test_whatever_lists_the_providers_is_touched() -> None:
    """A file lists them where it has the name of each of the four in quotes, or as a key."""
    names = [
        re.compile(rf"[\"']{name}[\"']|^ *{name}: ", re.MULTILINE)
        for name in ("rimo3", "cimcloud", "jim2", "beyondtrust")
    ]
    folders = ("plugins", "extensions", "meta", "playbooks", "roles", "tests/sandbox")
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.suffix in (".py", ".yml")]
    listing = {
        str(path.relative_to(REPOSITORY)) for path in paths if all(name.search(path.read_text()) for name in names)
    }
    assert len(listing) > 2
    # What the sandbox shows when it starts is a choice of accounts, and so is what it has in its own tests.
    assert {name for name in listing if "sandbox/tests" not in name} - {"tests/sandbox/__main__.py"} <= set(FILES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = copied(tmp_path_factory.mktemp("whole"))
    for block in applied():
        copy.apply(block)
    return copy


def test_the_new_provider_passes_the_tests_of_the_collection(whole: Copy) -> None:
    done = whole.tested()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "place", [path for path in FILES if not path.startswith(("tests/unit", "tests/sandbox/tests", "changelogs"))]
)
def test_each_place_is_needed(place: str, tmp_path: Path) -> None:
    copy = copied(tmp_path)
    for block in applied():
        copy.apply(block, less=place)
    assert copy.tested().returncode != 0


@pytest.fixture(scope="module")
def depot(whole: Copy, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SandboxHandle]:
    """The sandbox of the copy, which has the twin."""
    folder = tmp_path_factory.mktemp("depot")
    serve = [sys.executable, "-m", "ansible_collections.apiops.access.tests.sandbox", "--state", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(whole.tree)}
    with subprocess.Popen(serve, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "serves" in process.stdout.readline()  # it says so when the port accepts
            yield SandboxHandle(json.loads((folder / "sandbox.json").read_text()))
        finally:
            process.terminate()


def test_modules_and_lookup_use_the_new_provider(depot: SandboxHandle, whole: Copy, tmp_path: Path) -> None:
    ansible = AnsibleRunner(tmp_path, depot)
    (block,) = [block for block in blocks(PAGE) if block not in applied()]
    plays = [{**play, "hosts": "all"} for play in loaded(block)]
    account = {**depot.account("depot"), "name": "stock"}
    run = ansible.playbook(
        plays, hosts=("host1", "host2"), variables={"api_accounts": [account]},
        env={"ANSIBLE_COLLECTIONS_PATH": str(whole.tree)},
    )  # fmt: skip
    assert run.status == 0, run.output
    # One token for both hosts and the lookup, and one that the proof of the account takes and gives back.
    counters = depot.counters()["depot"]
    assert (counters["token_requests"], counters["logoffs"], counters["live_tokens"]) == (2, 2, 0)
    run = ansible.command(
        "ansible-doc",
        "-t",
        "module",
        "--json",
        "apiops.access.token_test",
        env={"ANSIBLE_COLLECTIONS_PATH": str(whole.tree)},
    )
    options = json.loads(run.output[run.output.index("{") :])["apiops.access.token_test"]["doc"]["options"]
    assert "depot" in options["provider"]["choices"]
