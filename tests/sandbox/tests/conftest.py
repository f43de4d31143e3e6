# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for all tests, reset before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..server import SandboxHandle, running
from .caller import Caller


@pytest.fixture(scope="session")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxHandle]:
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder) as handle:
        yield handle
    # An answer may look right though the sandbox failed after sending it.
    assert (folder / "stderr.txt").read_text() == ""


@pytest.fixture
def state_dir(sandbox: SandboxHandle) -> Path:
    return Path(sandbox.config["ca_path"]).parent


@pytest.fixture
def sandbox(_sandbox: SandboxHandle) -> SandboxHandle:
    _sandbox.control("POST", "/reset")
    return _sandbox


@pytest.fixture
def api(sandbox: SandboxHandle) -> Caller:
    return Caller(sandbox)
