# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured does what it says: on few hosts, and without a clock."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ..benchmarks import fleet as plays, template
from ..benchmarks.peers import VENDORS, expert_tasks, naive_tasks
from ..sandbox.server import SandboxHandle

HOSTS = 3


@pytest.fixture
def fleet(tmp_path: Path, sandbox: SandboxHandle) -> plays.Fleet:
    plays.open_gates(sandbox)
    return plays.Fleet(tmp_path, sandbox)


@pytest.mark.parametrize(
    ("play", "requests"),
    [
        ({"tasks": naive_tasks()}, HOSTS * len(VENDORS)),
        ({"tasks": expert_tasks()}, len(VENDORS)),
        (plays.VALIDATION, len(VENDORS)),
        ({"tasks": [plays.TOKEN]}, 1),
        (plays.PING, 0),
        ({"tasks": [plays.DEBUG]}, 0),
    ],
    ids=["naive", "expert", "validation", "oauth_token", "ping", "debug"],
)
def test_who_requests_how_many_tokens(fleet: plays.Fleet, play: t.Any, requests: int) -> None:
    assert fleet.token_requests(fleet.whole("the play", play, HOSTS)) == requests


@pytest.mark.parametrize("play", ["naive", "expert", "validation", "bare"])
def test_every_host_makes_the_same_calls(fleet: plays.Fleet, play: str) -> None:
    subject: dict[str, t.Any] = {
        "naive": {"tasks": naive_tasks()},
        "expert": {"tasks": expert_tasks()},
        "validation": plays.VALIDATION,
        "bare": plays.bare_calls(fleet.sandbox),
    }
    fleet.sandbox.control("POST", "/counters/reset")
    fleet.run(play, subject[play], HOSTS)
    counters = fleet.sandbox.counters()
    calls = {vendor: counters[vendor]["calls"] for vendor in VENDORS}
    assert calls == dict.fromkeys(VENDORS, HOSTS)


def test_a_warm_run_requests_nothing(fleet: plays.Fleet) -> None:
    run = fleet.task("oauth_token", plays.TOKEN, HOSTS)
    run()
    assert fleet.token_requests(run) == 0


def test_the_lookup_is_made_as_often_as_is_said(fleet: plays.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "TIMES", 3)
    rows = template.lookup(fleet, 1)
    assert len(rows) == 2
    assert all(row.measured for row in rows)


def test_a_run_that_failed_is_not_measured(fleet: plays.Fleet) -> None:
    with pytest.raises(RuntimeError, match="A measured run failed"):
        fleet.run("failed", {"tasks": [{"ansible.builtin.command": "false"}]}, 1)
