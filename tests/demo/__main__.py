# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m ansible_collections.apiops.access.tests.demo DIR [OPTIONS]`: run the demo in that folder.

OPTIONS are those of ansible-playbook, such as -v.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..sandbox.server import SandboxHandle, running

HOSTS = ("web-1", "web-2", "app-1", "app-2")
VENDORS = ("rimo3", "cimcloud", "jim2", "beyondtrust")

# What the demo finds different, so that there is something to tell a person.
WANTED_SETTINGS = {"perm_command": "read_only", "perm_configuration": True}

_OURS = ("accounts.json", "ansible.cfg", "inventory.yml")
_OUR_FOLDERS = ("ansible_home", "reports", "sandbox")
_FOREIGN_PREFIXES = ("APIOPS_", "BT_", *(f"{vendor.upper()}_" for vendor in VENDORS), "ANSIBLE_")


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description="The collection's main job, on the built-in sandbox.")
    parser.add_argument("folder", type=Path, help="where everything is written; what an earlier demo wrote is replaced")
    arguments, options = parser.parse_known_args()
    folder = arguments.folder.absolute()
    _clear(folder)
    started = time.monotonic()
    print("Starting the sandbox: four vendors on this machine ...", flush=True)
    with running(folder / "sandbox") as sandbox:
        _write_files(folder, sandbox)
        status = subprocess.run(
            _command(folder, options), cwd=folder, env=_environment(folder, sandbox, os.environ), check=False
        ).returncode
    if status != 0:
        print(f"\nThe demo failed (ansible-playbook ended with status {status}).", file=sys.stderr)
        return status
    print(f"The demo took {time.monotonic() - started:.0f} s. The reports, to open in a browser:")
    print(f"  with an old secret: {folder / 'reports' / 'old_secret' / 'report.html'}")
    print(f"  all valid:          {folder / 'reports' / 'all_valid' / 'report.html'}")
    return 0


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _OUR_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)


def _write_files(folder: Path, sandbox: SandboxHandle) -> None:
    accounts = [sandbox.account(vendor) for vendor in VENDORS]
    for account in accounts:
        if account["provider"] == "beyondtrust":
            account["settings"] = WANTED_SETTINGS
    _write(folder / "accounts.json", json.dumps({"api_accounts": accounts}, indent=2))
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    # JSON is YAML, and Ansible reads this name as an inventory.
    _write(
        folder / "inventory.yml",
        json.dumps({"all": {"hosts": {host: {} for host in HOSTS}, "vars": variables}}, indent=2),
    )
    _write(folder / "ansible.cfg", "")


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _command(folder: Path, options: list[str]) -> list[str]:
    playbook = Path(__file__).parents[2] / "playbooks" / "demo.yml"
    files = ["-i", str(folder / "inventory.yml"), "-e", f"@{folder / 'accounts.json'}"]
    return [sys.executable, "-m", "ansible", "playbook", *files, *options, str(playbook)]


def _environment(folder: Path, sandbox: SandboxHandle, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what could change the demo, and with what it needs."""
    root = str(Path(__file__).absolute().parents[5])
    control: dict[str, Any] = sandbox.config["control"]
    kept = {name: value for name, value in environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
    if sys.stdout.isatty():
        kept["ANSIBLE_FORCE_COLOR"] = "true"
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": root,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_HOME": str(folder / "ansible_home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
        # Only this playbook's own calls of the sandbox's control API use these.
        "DEMO_CONTROL_CA": str(sandbox.config["ca_path"]),
        "DEMO_CONTROL_SECRET": str(control["secret"]),
        "DEMO_CONTROL_URL": str(control["url"]),
        "DEMO_FOLDER": str(folder),
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [environ.get("PYTHONPATH")])]),
    }


if __name__ == "__main__":
    sys.exit(main())
