# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sandbox and one OAuth server for all tests of a worker, reset before each; and each test's runner of ansible."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle, running
from . import oidc_server
from .oidc_server import OidcServer
from .runner import UNMEASURED, AnsibleRunner

FOUR = ("rimo3", "cimcloud", "jim2", "beyondtrust")


@pytest.fixture(autouse=True)
def only_some_are_measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """coverage.py makes an Ansible run take half as long again, so that not all tests can have their runs measured."""
    if request.node.get_closest_marker("measured") is None:
        for name, value in UNMEASURED.items():
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def started_sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SandboxHandle]:
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder) as handle:
        yield handle
    assert (folder / "stderr.txt").read_text() == ""


@pytest.fixture
def sandbox(started_sandbox: SandboxHandle) -> SandboxHandle:
    started_sandbox.control("POST", "/reset")
    return started_sandbox


@pytest.fixture(scope="session")
def started_oidc(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[OidcServer]:
    if not oidc_server.installed():
        pytest.fail(oidc_server.MISSING, pytrace=False)
    folder = tmp_path_factory.mktemp("oidc")
    with oidc_server.running(folder) as server:
        yield server
    assert (folder / "stderr.txt").read_text() == ""


@pytest.fixture
def oidc(started_oidc: OidcServer) -> OidcServer:
    started_oidc.reset()
    return started_oidc


@pytest.fixture
def ansible(tmp_path: Path, sandbox: SandboxHandle) -> AnsibleRunner:
    return AnsibleRunner(tmp_path, sandbox)


@pytest.fixture
def four_accounts(sandbox: SandboxHandle) -> list[dict[str, t.Any]]:
    """One account of each vendor."""
    return [sandbox.account(key) for key in FOUR]


@pytest.fixture
def oidc_ansible(ansible: AnsibleRunner, oidc: OidcServer) -> AnsibleRunner:
    """A runner whose runs are also searched for what the OAuth server has handed out by then."""
    ansible.more_servers.append(lambda: [*oidc.secrets(), *oidc.tokens(), *oidc.assertions()])
    return ansible


@pytest.fixture
def oidc_account(oidc: OidcServer) -> dict[str, t.Any]:
    """The options of an account at the OAuth server, less its credentials."""
    return {"name": "reporting", "provider": "oauth2", "issuer": oidc.issuer, "ca_path": str(oidc.ca)}
