# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sandbox for all tests of a worker, reset before each; and a runner of ansible for each test."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle, running
from .runner import AnsibleRunner

FOUR = ("rimo3", "cimcloud", "jim2", "beyondtrust")


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


@pytest.fixture
def ansible(tmp_path: Path, sandbox: SandboxHandle) -> AnsibleRunner:
    return AnsibleRunner(tmp_path, sandbox)


@pytest.fixture
def four_accounts(sandbox: SandboxHandle) -> list[dict[str, t.Any]]:
    """One account of each vendor."""
    return [sandbox.account(key) for key in FOUR]
