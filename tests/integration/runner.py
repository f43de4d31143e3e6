# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the real ansible commands as a user would, in a home of their own, and reads what they print."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ..sandbox.server import SandboxHandle
from .leaks import LeakDetector, assert_clean

REPOSITORY = Path(__file__).resolve().parents[2]
Result = t.Dict[str, t.Any]  # noqa: UP006

UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}
"""The environment that keeps coverage.py out of a process, where it would only take time."""

# So that a test can also be started by hand, out of make.
_TREE = (
    next(path for path in Path(__file__).absolute().parents if path.name == "ansible_collections").parent
    if ("ansible_collections" in Path(__file__).absolute().parts)
    else REPOSITORY / ".build"
)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a command: its status, all that it printed, and the registered results by host."""

    status: int
    output: str
    results: t.Mapping[str, t.Any]

    @property
    def result(self) -> Result:
        """The result of the only host."""
        (only,) = self.results.values()
        return t.cast(Result, only)


class AnsibleRunner:
    """Runs ansible in a folder of its own. Every run is searched for secrets."""

    def __init__(self, folder: Path, sandbox: SandboxHandle) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.home = folder / "home"
        self.ansible_home = self.home / ".ansible"
        self.remote = folder / "remote"
        self.inputs = folder / "inputs"
        self.registered = folder / "registered"
        self.more_secrets: list[str] = []
        self.more_servers: list[t.Callable[[], t.Iterable[str]]] = []
        """Each tells the secrets that it has handed out by then."""
        for path in (self.home, self.inputs, self.registered):
            path.mkdir(mode=0o700)

    @property
    def cache(self) -> Path:
        """Where the tokens are kept when nothing else is said."""
        return self.ansible_home / "apiops_access"

    def environment(self, extra: t.Mapping[str, str] | None = None) -> dict[str, str]:
        """What a run sees: a home of its own, and none of the caller's settings of Ansible or of this collection."""
        prefixes = ("ANSIBLE_", "APIOPS_", "RIMO3_", "CIMCLOUD_", "JIM2_", "BEYONDTRUST_", "BT_", "OAUTH2_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        return {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.folder),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}",
            "ANSIBLE_COLLECTIONS_PATH": str(_TREE),
            "ANSIBLE_CONNECTION_PLUGINS": str(REPOSITORY / "tests" / "integration" / "connection_plugins"),
            "ANSIBLE_CONFIG": str(REPOSITORY / "tests" / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.ansible_home),
            "ANSIBLE_REMOTE_TEMP": str(self.remote),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "200",
            **(extra or {}),
        }

    def inventory(self, hosts: t.Sequence[str], variables: t.Mapping[str, t.Any] | None = None) -> Path:
        """An inventory of local hosts."""
        path = self.inputs / "inventory.json"
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **(variables or {})}
        path.write_text(json.dumps({"all": {"hosts": {host: {} for host in hosts}, "vars": local}}))
        return path

    def variables(self, values: t.Mapping[str, t.Any], name: str = "variables") -> str:
        """A file of variables, as its command line argument: secrets are in no argument and in no playbook."""
        path = self.inputs / f"{name}.json"
        path.write_text(json.dumps(values))
        path.chmod(0o600)
        return f"@{path}"

    def command(self, *arguments: str, env: t.Mapping[str, str] | None = None, allowed: t.Iterable[Path] = ()) -> Run:
        """Run a command, and search all it printed and wrote for secrets. ``allowed``: folders that may hold some."""
        done = subprocess.run(
            arguments,
            env=self.environment(env),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        output = done.stdout.decode("utf-8", "surrogateescape")
        results = {path.stem: json.loads(path.read_text()) for path in self.registered.iterdir()}
        for path in self.registered.iterdir():
            path.unlink()
        excepted = {self.inputs, self.registered, *allowed}
        written = [path for path in self.folder.iterdir() if path not in excepted and path.is_dir()]
        handed_out = [secret for server in self.more_servers for secret in server()]
        assert_clean(LeakDetector(self.sandbox, more=[*self.more_secrets, *handed_out]), output, written)
        return Run(done.returncode, output, results)

    def playbook(
        self,
        playbook: str | Path | t.Sequence[t.Mapping[str, t.Any]],
        *arguments: str,
        hosts: t.Sequence[str] = ("host1",),
        variables: t.Mapping[str, t.Any] | None = None,
        env: t.Mapping[str, str] | None = None,
        verbosity: str = "-vvvv",
        allowed: t.Iterable[Path] = (),
    ) -> Run:
        """Run a playbook: its name, its path, or its plays. ``allowed``: folders that may hold secrets."""
        if not isinstance(playbook, (str, Path)):
            path = self.inputs / "playbook.json"
            path.write_text(json.dumps(playbook))
            playbook = path
        return self.command(
            "ansible-playbook", "-i", str(self.inventory(hosts)), "-e", self.variables(variables or {}),
            *([verbosity] if verbosity else []), *arguments, str(playbook), env=env, allowed=allowed,
        )  # fmt: skip

    def task(
        self,
        module: str,
        options: t.Mapping[str, t.Any],
        *arguments: str,
        hosts: t.Sequence[str] = ("host1",),
        variables: t.Mapping[str, t.Any] | None = None,
        env: t.Mapping[str, str] | None = None,
        keywords: t.Mapping[str, t.Any] | None = None,
        before: t.Sequence[t.Mapping[str, t.Any]] = (),
    ) -> Run:
        """Run one task of a module of this collection on each host, and return what it registered."""
        play = {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                *before,
                {
                    "name": "The task under test",
                    f"apiops.access.{module}": {option: f"{{{{ task_options['{option}'] }}}}" for option in options},
                    "register": "registered",
                    "ignore_errors": True,
                    **(keywords or {}),
                },
                {
                    "name": "Keep the result for the test",
                    "ansible.builtin.copy": {
                        "content": "{{ registered | to_json }}",
                        "dest": f"{self.registered}/{{{{ inventory_hostname }}}}.json",
                        "mode": "0600",
                    },
                    "delegate_to": "localhost",
                    "environment": UNMEASURED,
                    "check_mode": False,
                    "diff": False,
                    "no_log": True,
                },
            ],
        }  # fmt: skip
        return self.playbook(
            [play], *arguments, hosts=hosts, env=env, variables={**(variables or {}), "task_options": dict(options)}
        )
