# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments, each with the version of ansible-core and of Python that is wanted, made once and kept."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Core:
    """A version of ansible-core that the collection is proven on, and which Python versions its controller runs on."""

    name: str
    requirement: str
    lowest: tuple[int, ...]
    highest: tuple[int, ...] | None = None


# It runs on Python 3.10 as well, which the libraries of the tests no longer do.
OLDEST = Core("2.16", "ansible-core == 2.16.*", (3, 11), (3, 12))
MIDDLE = Core("2.19", "ansible-core == 2.19.*", (3, 11), (3, 13))
NEWEST = Core("newest", "ansible-core", (3, 12))


@dataclasses.dataclass(frozen=True)
class Version:
    """A virtual environment with one ansible-core."""

    folder: Path
    core: tuple[int, ...]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")


class UnavailableError(Exception):
    """Why an environment cannot be had or used here."""


class NoPythonError(UnavailableError):
    """This machine has no Python that fits."""


def python_version(command: str) -> tuple[int, ...] | None:
    """The version of a Python that can make virtual environments; None for any other command."""
    try:
        done = subprocess.run(
            [command, "-c", "import ensurepip, sys, venv; print(*sys.version_info[:2])"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(int(number) for number in done.stdout.split())


def pyenv_folders() -> list[str]:
    """Where pyenv keeps the versions that PATH has only stand-ins for."""
    command = shutil.which("pyenv")
    if command is None:
        return []
    done = subprocess.run([command, "root"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [str(folder) for folder in Path(done.stdout.decode().strip()).glob("versions/*/bin")] if done.stdout else []


def pythons() -> dict[tuple[int, ...], str]:
    """The commands of the Python versions that there are and that hosts may have, this one's first."""
    # All of PATH, since the first of a name can be a mere stand-in that finds nothing.
    folders = [*os.get_exec_path(), *pyenv_folders()]
    names = [os.path.join(folder, f"python3.{minor}") for folder in folders for minor in range(9, 20)]
    found: dict[tuple[int, ...], str] = {}
    for name in (sys.executable, *filter(os.path.exists, names)):
        version = python_version(name)
        if version is not None:
            found.setdefault(version, name)
    return found


def python_for(core: Core) -> tuple[tuple[int, ...], str]:
    """The version and command of the Python for a core: the oldest that it runs on, for the newest core the newest.

    Raises NoPythonError where there is none, and UnavailableError where it cannot be used.
    """
    if core == OLDEST and " " in str(REPOSITORY):
        raise UnavailableError(f"ansible-core {core.name} cannot use an interpreter whose path has a space")
    known = pythons()
    fitting = [version for version in known if core.lowest <= version <= (core.highest or version)]
    if not fitting:
        first, last = (".".join(map(str, version or ())) for version in (core.lowest, core.highest))
        wanted = f"Python {first} to {last}" if last else f"Python {first} or later"
        raise NoPythonError(f"ansible-core {core.name} needs {wanted}, and none is in PATH")
    chosen = max(fitting) if core == NEWEST else min(fitting)
    return chosen, known[chosen]


def made(name: str, requirements: t.Sequence[str], python: str) -> Path:
    """The folder of the environment of this name, made once and kept between runs."""
    folder = REPOSITORY / ".build" / "versions" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Others may want the same environment at the same time.
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "made.json"
        wanted = json.dumps({"requirements": list(requirements), "python": python_version(python)})
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, *requirements], check=True, timeout=900)
            stamp.write_text(wanted)
    return folder


def version_of(core: Core, name: str, more: t.Sequence[str]) -> Version:
    """The environment of this name with a core and more packages; raises UnavailableError."""
    _number, python = python_for(core)
    folder = made(name, [core.requirement, *more], python)
    say = "import ansible.release; print(ansible.release.__version__)"
    told = subprocess.run([str(folder / "bin" / "python"), "-c", say], check=True, stdout=subprocess.PIPE).stdout
    return Version(folder, tuple(int(number) for number in told.decode().split(".")[:2]))
