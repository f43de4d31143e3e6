# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of ansible-playbook: what is compared, and what each takes."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

HERE = Path(__file__).resolve().parent
FORKS = 10

Play = t.Union[str, t.Mapping[str, t.Any]]
"""The name of a playbook, or what a play of its own has beside hosts."""


@dataclasses.dataclass(frozen=True)
class Timing:
    """One run: seconds of the whole and of its tasks by name, and the controller's peak memory in kB."""

    whole: float
    tasks: t.Mapping[str, float]
    peak_kb: int


class Playbooks:
    """Runs plays on local hosts, in a home of their own, with nothing of the user's settings."""

    def __init__(self, folder: Path, variables: t.Mapping[str, t.Any]) -> None:
        """``variables`` of all runs; secrets among them stay in a private file."""
        self.folder = folder
        self._variables = folder / "variables.json"
        self._variables.touch(mode=0o600)
        self._variables.write_text(json.dumps(dict(variables)))
        self._count = 0

    def inventory(self, hosts: int) -> Path:
        path = self.folder / f"hosts_{hosts}.json"
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        names: dict[str, dict[str, t.Any]] = {f"host{number:04}": {} for number in range(hosts)}
        path.write_text(json.dumps({"all": {"hosts": names, "vars": local}}))
        return path

    def run(self, play: Play, hosts: int) -> Timing:
        """Run a play. Raises RuntimeError where a host failed: what did not work is not measured."""
        playbook = play if isinstance(play, str) else str(self._written(play))
        timing = self.folder / "timing.json"
        timing.unlink(missing_ok=True)
        start = time.perf_counter()
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory(hosts)), "-e", f"@{self._variables}", playbook],
            env=self._environment(timing),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        whole = time.perf_counter() - start
        found = json.loads(timing.read_text()) if timing.exists() else {}
        if done.returncode or found.get("failed") or found.get("hosts") != hosts:
            raise RuntimeError(f"A measured run failed: {done.stdout.decode(errors='replace')[-3000:]}")
        return Timing(whole, found["seconds"], found["peak_kb"])

    def _written(self, play: t.Mapping[str, t.Any]) -> Path:
        self._count += 1
        path = self.folder / f"play_{self._count}.json"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **play}]))
        return path

    def _environment(self, timing: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "LC_ALL") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder),
            "ANSIBLE_HOME": str(self.folder / "ansible_home"),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "timing",
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_LIBRARY": str(HERE / "library"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "BENCHMARK_TIMING": str(timing),
        }
