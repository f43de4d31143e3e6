# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user has it: built, installed into an empty folder, and run by the names of its playbooks."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from .runner import REPOSITORY, AnsibleRunner, Run

GALAXY = str(Path(sys.executable).parent / "ansible-galaxy")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections that has this one alone, installed from its archive."""
    folder = tmp_path_factory.mktemp("installed")
    archives, collections = folder / "archives", folder / "collections"

    def galaxy(*arguments: str) -> None:
        command = [GALAXY, "collection", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    galaxy("build", str(REPOSITORY), "--output-path", str(archives))
    (archive,) = archives.iterdir()
    galaxy("install", "--offline", str(archive), "-p", str(collections))
    return collections


@pytest.fixture
def run(ansible: AnsibleRunner, installed: Path) -> t.Callable[..., Run]:
    nothing_set = ansible.inputs / "ansible.cfg"
    nothing_set.write_text("")

    def run(*arguments: str, env: t.Mapping[str, str] | None = None) -> Run:
        variables = {"ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_CONFIG": str(nothing_set), **(env or {})}
        return ansible.command("ansible-playbook", *arguments, env=variables)

    return run


def table_of(run: Run) -> str:
    """What follows the last task that shows something."""
    return run.output.split("Show the report]")[-1]


def test_validate_by_its_name_ends_with_the_table(
    run: t.Callable[..., Run], ansible: AnsibleRunner, four_accounts: list[dict[str, t.Any]]
) -> None:
    accounts = ansible.variables({"api_accounts": four_accounts}, "accounts")
    inventory = str(ansible.inventory([f"host{number}" for number in range(1, 7)]))
    done = run("-i", inventory, "apiops.access.validate", "-e", accounts)
    assert done.status == 0, done.output
    for host in range(1, 7):  # its progress, host by host
        assert f"ok: [host{host}]" in done.output
    table = table_of(done)
    assert "6 hosts, 0 of them not tested. 24 checks: 24 valid, 0 invalid, 0 indeterminate." in table
    assert table.index("24 checks") < table.index("PLAY RECAP")
    report = json.loads((ansible.folder / "access_report" / "report.json").read_text())
    assert report["totals"]["tokens_requested"] == 4


def test_without_an_inventory_the_controller_tests(
    run: t.Callable[..., Run], ansible: AnsibleRunner, four_accounts: list[dict[str, t.Any]]
) -> None:
    accounts = ansible.variables({"api_accounts": four_accounts}, "accounts")
    done = run("apiops.access.validate", "-e", accounts)
    assert done.status == 0, done.output
    assert "1 host, 0 of them not tested. 4 checks: 4 valid, 0 invalid, 0 indeterminate." in table_of(done)
    assert "localhost  valid" in table_of(done)


def test_with_nothing_but_the_environment(run: t.Callable[..., Run], sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    options = ("base_url", "client_id", "client_secret", "ca_path")
    done = run("apiops.access.validate", env={f"BEYONDTRUST_{name.upper()}": account[name] for name in options})
    assert done.status == 0, done.output
    assert "1 check: 1 valid" in table_of(done)


def test_with_nothing_at_all_it_says_what_is_missing(run: t.Callable[..., Run]) -> None:
    done = run("apiops.access.validate")
    assert done.status != 0
    assert "no account is defined for any host" in done.output


def test_another_target(run: t.Callable[..., Run], ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    accounts = ansible.variables({"api_accounts": [sandbox.account("rimo3")]}, "accounts")
    inventory = str(ansible.inventory(["host1", "host2", "host3"]))
    done = run("-i", inventory, "apiops.access.validate", "-e", accounts, "-e", "target=host2,host3")
    assert done.status == 0, done.output
    assert "2 hosts, 0 of them" in table_of(done)
    every = run("-i", inventory, "apiops.access.validate", "-e", accounts, "-e", "target=")
    assert "3 hosts, 0 of them" in table_of(every), every.output


def test_provision_by_its_name(
    run: t.Callable[..., Run], ansible: AnsibleRunner, four_accounts: list[dict[str, t.Any]]
) -> None:
    accounts = ansible.variables({"api_accounts": four_accounts}, "accounts")
    done = run("apiops.access.provision", "-e", accounts)
    assert done.status == 0, done.output
    assert "4 accounts: 4 as wanted" in table_of(done)
