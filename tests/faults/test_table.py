# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each cell of the table, and what holds for all of them."""

from __future__ import annotations

import contextlib
import json
import time
import types
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ..integration import oidc_server
from ..integration.leaks import LeakDetector
from ..integration.oidc_server import OidcServer
from ..sandbox.server import SandboxHandle, running
from ..unit.loopback import Certificates
from .layer import Layer
from .operations import OPERATIONS, Operation, World
from .plays import PLAYS
from .table import SLOW, TABLE

TIMEOUT = 0.7
"""Seconds: the option timeout, for faults that let it run out."""

TIMEOUT_AFTER_ANSWERS = 2.5
"""Seconds: the same where the server has to answer another call in time before."""

PATIENCE = 10.0
"""Seconds: the same for the others, so that a busy machine makes no difference."""

PROMISED_CALLS = 3
"""The most calls that an operation makes, each with one repetition."""

SPARE = 4.0
"""Seconds: what a busy machine can take beside."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SandboxHandle]:
    with running(tmp_path_factory.mktemp("sandbox")) as handle:
        yield handle


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[OidcServer]:
    if not oidc_server.installed():
        pytest.fail(oidc_server.MISSING, pytrace=False)
    with oidc_server.running(tmp_path_factory.mktemp("oidc")) as server:
        yield server


@pytest.fixture(scope="module")
def layers(
    tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxHandle, oidc: OidcServer
) -> t.Iterator[tuple[Layer, Layer]]:
    certificates = Certificates.make(tmp_path_factory.mktemp("certificates"))
    port = urlsplit(sandbox.config["base_url"]).port
    assert port
    vendors = Layer(port, Path(sandbox.config["ca_path"]), certificates)
    registrar = Layer(oidc.port, oidc.ca, certificates)
    yield vendors, registrar
    vendors.close()
    registrar.close()


@pytest.fixture
def world(tmp_path: Path, sandbox: SandboxHandle, oidc: OidcServer, layers: tuple[Layer, Layer]) -> World:
    sandbox.control("POST", "/reset")
    sandbox.control("POST", "/limits", {"cimcloud_per_second": 1000, "cimcloud_per_window": 1000})
    oidc.reset()
    return World(tmp_path, sandbox, layers[0], oidc, layers[1])


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between repetitions take no time."""
    monkeypatch.setattr("urllib3.util.retry.time", types.SimpleNamespace(sleep=lambda _seconds: None, time=time.time))


def began(layer: Layer, fault: str, operation: Operation) -> contextlib.AbstractContextManager[None]:
    if fault in ("refused", "full queue"):
        # What is let pass cannot pass here: the operation then ends with its first call.
        return layer.deaf(refuse=fault == "refused")
    return layer.fault(PLAYS[fault], let_pass=operation.let_pass)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("fault", TABLE)
def test_cell(world: World, sandbox: SandboxHandle, oidc: OidcServer, fault: str, operation: Operation) -> None:
    layer = world.registrar if operation.registers else world.vendors
    before = operation.prepare(world)
    granted = grants(sandbox)
    timeout = (TIMEOUT_AFTER_ANSWERS if operation.let_pass else TIMEOUT) if fault in SLOW else PATIENCE
    world.limits = {"timeout": timeout, "retries": 1}
    started = time.monotonic()
    with began(layer, fault, operation):
        result = operation.run(world)
        elapsed, calls, forwarded = time.monotonic() - started, layer.calls, layer.forwarded
    world.limits = {}
    outcome = result["failure"]["kind"] if result.get("failed") else "ok"
    assert " ".join([outcome, str(calls), operation.kept(world, before)]) == TABLE[fault][operation.name], result["msg"]
    # What holds for all.
    assert elapsed < 2 * timeout * PROMISED_CALLS + SPARE
    assert outcome != "internal"
    assert grants(sandbox) - granted <= 1
    assert len(oidc.clients()) <= 1
    acts = [line for line in forwarded if not line.startswith("GET ")]
    assert len(acts) == len(set(acts)), "a call that may have acted was repeated"
    if operation.registers and oidc.clients() and outcome != "ok":  # what a server confirms wrongly, nobody can know
        assert operation.kept(world, before) != "none", "an account that nothing knows of"
    assert_tells_nothing(result, sandbox, oidc, world)


def grants(sandbox: SandboxHandle) -> int:
    return sum(each["tokens_granted"] for each in sandbox.counters().values() if isinstance(each, dict))


def assert_tells_nothing(result: t.Mapping[str, t.Any], sandbox: SandboxHandle, oidc: OidcServer, world: World) -> None:
    """No secret in the result, but for the token that was asked for."""
    asked_for = ("access_token", "authorization")
    text = json.dumps({key: value for key, value in result.items() if key not in asked_for})
    assert "Traceback" not in text
    more = [*oidc.secrets(), *oidc.tokens(), *world.secrets]
    assert LeakDetector(sandbox, more=more).in_text(text) == []


def test_every_fault_is_in_the_table() -> None:
    assert set(TABLE) == {*PLAYS, "refused", "full queue"}
    assert all(set(row) == {operation.name for operation in OPERATIONS} for row in TABLE.values())
