# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive as users get it: what is in it, what Galaxy says of it, and the demo from where it was installed."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import yaml

from ..environments import REPOSITORY, made
from .steps import FailedError, Log, Step

# galaxy-importer wants an attrs that the other tools are too new for.
_IMPORTER = ("galaxy-importer", "attrs < 24", "ansible-core", "ansible-lint")
_REUSE = ("reuse",)
# The layout that ruff gives, which flake8 also knows; and playbooks of the collection that others import by their full
# names, which Galaxy looks for where nothing is installed.
_NO_DEFECTS = (" W503 ", " E203 ", "ERROR    Failed to find apiops.access.")
_MADE_BY_GALAXY = {"MANIFEST.json", "FILES.json"}


@dataclasses.dataclass(frozen=True)
class Archive:
    """Where the archive is built and installed."""

    folder: Path

    @property
    def file(self) -> Path:
        (file,) = (self.folder / "built").iterdir()
        return file

    @property
    def installed(self) -> Path:
        return self.folder / "collections" / "ansible_collections" / "apiops" / "access"

    def environment(self) -> dict[str, str]:
        """An empty home, and no setting but where to find the commands."""
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def chain(folder: Path) -> list[Step]:
    archive = Archive(folder)
    steps: dict[str, t.Callable[[Archive, Log], str]] = {
        "licences (REUSE)": licences,
        "build": build,
        "content of the archive": content,
        "galaxy-importer": importer,
        "install": install,
        "demo as installed": demo,
    }
    return [Step(what, _on(archive, work)) for what, work in steps.items()]


def _on(archive: Archive, work: t.Callable[[Archive, Log], str]) -> t.Callable[[Log], str]:
    return lambda log: work(archive, log)


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def tracked() -> set[str]:
    """What git has of the collection and is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
    return {name for name in listed.decode().split("\0") if name and (REPOSITORY / name).exists()}


def licences(archive: Archive, log: Log) -> str:
    """Every file that git has says its licence, and no text of a licence is there that no file has."""
    folder = archive.folder / "tracked"
    shutil.rmtree(folder, ignore_errors=True)
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    log.run(str(made("reuse", _REUSE, sys.executable) / "bin" / "reuse"), "--root", str(folder), "lint", cwd=folder)
    return ""


def build(archive: Archive, log: Log) -> str:
    built = archive.folder / "built"
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    environment = archive.environment()
    log.run(
        _command("ansible-galaxy"), "collection", "build", "--output-path", str(built), cwd=REPOSITORY, env=environment
    )
    return archive.file.name


def content(archive: Archive, log: Log) -> str:
    """All that git has is in the archive and nothing else, less what galaxy.yml leaves out."""
    with tarfile.open(archive.file) as file:
        packed = {member.name for member in file if not member.isdir()}
    ignored = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text())["build_ignore"]
    left_out = {name for name in tracked() if any(_matches(name, pattern) for pattern in ignored)}
    wanted = (tracked() - left_out - {"galaxy.yml"}) | _MADE_BY_GALAXY
    log.write("\n".join(sorted(packed)))
    if packed != wanted:
        raise FailedError(f"too many: {sorted(packed - wanted)}; missing: {sorted(wanted - packed)}")
    return f"{len(packed)} files, {archive.file.stat().st_size / 1e6:.1f} MB"


def _matches(name: str, pattern: str) -> bool:
    parts = name.split("/")
    return any(fnmatch.fnmatch("/".join(parts[:length]), pattern) for length in range(1, len(parts) + 1))


def importer(archive: Archive, log: Log) -> str:
    """What Galaxy does with an upload, with ansible-doc, ansible-lint and flake8; any warning is a failure."""
    folder = made("importer", _IMPORTER, sys.executable)
    environment = {
        **archive.environment(),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GALAXY_IMPORTER_RUN_FLAKE8": "true",
        "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    }
    output = log.run(
        str(folder / "bin" / "python"), "-m", "galaxy_importer.main", str(archive.file), cwd=archive.folder,
        env=environment,
    )  # fmt: skip
    found = [
        line
        for line in output.splitlines()
        if line.startswith(("WARNING", "ERROR")) and not any(sign in line for sign in _NO_DEFECTS)
    ]
    if found or "Importer processing completed successfully" not in output:
        raise FailedError(found[0] if found else "it did not come to its end")
    return ""


def install(archive: Archive, log: Log) -> str:
    """Into an empty folder, with an empty home."""
    collections = archive.folder / "collections"
    shutil.rmtree(collections, ignore_errors=True)
    environment = archive.environment()
    galaxy = _command("ansible-galaxy")
    log.run(
        galaxy, "collection", "install", "--offline", str(archive.file), "-p", str(collections), cwd=archive.folder,
        env=environment,
    )  # fmt: skip
    log.run(
        galaxy, "collection", "verify", "--offline", "apiops.access", "-p", str(collections), cwd=archive.folder,
        env=environment,
    )  # fmt: skip
    return ""


def demo(archive: Archive, log: Log) -> str:
    """The demo runs from what was installed, and finds nothing of the repository."""
    collections = archive.folder / "collections"
    environment = {**archive.environment(), "PYTHONPATH": str(collections)}
    module = "ansible_collections.apiops.access.tests.demo"
    output = log.run(
        sys.executable, "-m", module, str(archive.folder / "demo"), "-v", cwd=archive.folder, env=environment
    )
    if "all valid" not in output or str(REPOSITORY / "playbooks") in output:
        raise FailedError("it did not end as it should")
    for name in ("old_secret", "all_valid"):
        if not (archive.folder / "demo" / "reports" / name / "report.html").exists():
            raise FailedError(f"there is no report {name}")
    return ""
