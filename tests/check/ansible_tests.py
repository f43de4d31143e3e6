# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test with one version of ansible-core: sanity without ignore files, units and integration.

It wants a real copy of the collection below a folder ``ansible_collections``, and keeps what it makes below HOME.
"""

from __future__ import annotations

import ast
import configparser
import dataclasses
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

from ..environments import NEWEST, REPOSITORY, Core, UnavailableError, python_for, pythons, version_of
from .steps import FailedError, Log, Step

# In the place of the script by which ansible-test installs pip, so that package registries are all that is needed.
_PIP_INSTALLER = """
import subprocess, sys

options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
for command in (["ensurepip"], ["pip", "install", "--quiet", "--upgrade", *options]):
    subprocess.check_call([sys.executable, "-m", *command])
"""


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where one version of ansible-core tests its copy of the collection."""

    folder: Path
    core: Core
    python: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> Path:
        return REPOSITORY / ".build" / "versions" / f"check-{self.core.name}"

    @property
    def collection(self) -> Path:
        return self.folder / "ansible_collections" / "apiops" / "access"


def chain(core: Core, folder: Path) -> list[Step]:
    """All steps of one version of ansible-core, or the one that says why there are none."""
    try:
        number, _command = python_for(core)
        if " " in str(folder):
            raise UnavailableError("ansible-test cannot use an interpreter whose path has a space")
    except UnavailableError as reason:
        return [Step("ansible-test", _unavailable(reason), core.name)]
    bench = Bench(folder / core.name, core, ".".join(map(str, number)))
    steps = {
        "environment": prepare,
        "ansible-test sanity": sanity,
        "ansible-test units": units,
        "ansible-test integration": integration,
    }
    return [Step(what, _on(bench, work), core.name, bench.python) for what, work in steps.items()]


def _on(bench: Bench, work: t.Callable[[Bench, Log], str]) -> t.Callable[[Log], str]:
    return lambda log: work(bench, log)


def _unavailable(reason: UnavailableError) -> t.Callable[[Log], str]:
    def work(_log: Log) -> str:
        raise reason

    return work


def prepare(bench: Bench, log: Log) -> str:
    """Install ansible-core, and copy what git has of the collection."""
    version = version_of(bench.core, bench.environment.name, [])
    shutil.rmtree(bench.folder / "ansible_collections", ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (REPOSITORY / name).exists():
            target = bench.collection / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target)
    # Without a repository of its own, it would be taken for what the outer one ignores.
    log.run("git", "init", "--quiet", cwd=bench.collection)
    _write_home(bench, Path(version.python))
    return f"ansible-core {'.'.join(map(str, version.core))}"


def _write_home(bench: Bench, python: Path) -> None:
    cache = bench.home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (source,) = bench.environment.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py")
    for version in re.findall(r"pip='([0-9.]+)'", source.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(_PIP_INSTALLER)
    # ansible-test keeps nearly all variables from pip, so what they and the user's own file say goes where it looks.
    settings = configparser.RawConfigParser()
    settings["global"] = {}
    told = subprocess.run([str(python), "-m", "pip", "config", "list"], stdout=subprocess.PIPE, check=True).stdout
    for line in told.decode().splitlines():
        name, _equals, value = line.partition("=")
        section, _dot, option = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            settings["global"][option] = str(ast.literal_eval(value))
    path = bench.home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # an index can have a password
        settings.write(file)
    links = bench.folder / "pythons"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir()
    known = pythons()
    # Hosts have other Pythons than the controller. One core tries all, the others the oldest.
    chosen = known if bench.core == NEWEST else [min(known)]
    for number in chosen:
        command = known[number]
        (links / f"python{'.'.join(map(str, number))}").symlink_to(os.path.realpath(command))


def _ansible_test(bench: Bench, log: Log, *arguments: str) -> str:
    # Not the caller's PATH: what stands first in it can be a mere stand-in for a Python.
    folders = [str(bench.environment / "bin"), str(bench.folder / "pythons"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    environment = {"HOME": str(bench.home), "PATH": os.pathsep.join(folders), "LANG": "C.UTF-8"}
    python = str(bench.environment / "bin" / "python")
    ansible_test = str(bench.environment / "bin" / "ansible-test")
    return log.run(python, ansible_test, *arguments, "--color", "no", cwd=bench.collection, env=environment)


def sanity(bench: Bench, log: Log) -> str:
    """Every sanity test; what could not be run is in the remark."""
    ignored = [path.name for path in (bench.collection / "tests" / "sanity").glob("ignore*")]
    if ignored:
        raise FailedError(f"there are ignore files: {', '.join(ignored)}")
    output = _ansible_test(bench, log, "sanity", "--local")
    ran = set(re.findall(r'^Running sanity test "([^"]+)"', output, re.MULTILINE))
    if not {"validate-modules", "import", "compile", "pylint", "pep8", "yamllint", "ansible-doc"} <= ran:
        raise FailedError("tests that must run did not")
    # It also names a Python that it has nothing to do for.
    there = {path.name.removeprefix("python") for path in (bench.folder / "pythons").iterdir()} | {bench.python}
    named = re.findall(r'^Running sanity test "import" on Python (\S+)', output, re.MULTILINE)
    imported = [number for number in named if number in there]
    not_run = re.findall(
        r'^WARNING: (Skipping sanity test "[^"]+"(?! on Python).*|Required program.*)', output, re.MULTILINE
    )
    return "; ".join([f"{len(ran)} tests, imports on Python {', '.join(imported)}", *sorted(set(not_run))])


def units(bench: Bench, log: Log) -> str:
    output = _ansible_test(
        bench, log, "units", "--local", "--requirements", "--python", bench.python, "--num-workers", "1"
    )
    passed = [int(number) for number in re.findall(r"(\d+) passed", output)]
    if not passed:
        raise FailedError("no test has passed")
    return f"{sum(passed)} tests"


def integration(bench: Bench, log: Log) -> str:
    output = _ansible_test(bench, log, "integration", "--local", "--requirements", "--python", bench.python)
    targets = set(re.findall(r"^Running (\S+) integration test role", output, re.MULTILINE))
    wanted = {
        path.parent.name
        for path in (bench.collection / "tests" / "integration" / "targets").glob("*/aliases")
        if "hidden" not in path.read_text().split()
    }
    if targets != wanted:
        raise FailedError(f"not run: {', '.join(sorted(wanted - targets))}")
    return f"{len(targets)} targets"
