# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests/faults has in full, by real runs: a server that breaks in the middle of one fails its tasks and no more.

No traceback, no hang, and nothing secret at the highest verbosity.
"""

from __future__ import annotations

import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ..faults.layer import Layer
from ..faults.plays import PLAYS
from ..sandbox.server import SandboxHandle
from ..unit.loopback import Certificates
from .runner import AnsibleRunner
from .test_main_job import without_name

OPTIONS = ("provider", "base_url", "client_id", "client_secret", "scope", "ca_path")
LIMITS = {"timeout": 1.0, "retries": 1}

LONGEST = 60.0
"""Seconds: a run of four tasks on a busy machine, of which three try twice for a second."""

KINDS = {
    "reset on connect": "connection",
    "black hole": "timeout",
    "TLS in drips": "timeout",
    "expired certificate": "certificate",
    "reset after the request": "connection",
    "drips of headers": "timeout",
    "flood of 103": "connection",
    "gzip bomb": "too_large",
    "429, absurdly long": "rate_limited",
    "in drips": "timeout",
}


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory, started_sandbox: SandboxHandle) -> t.Iterator[Layer]:
    config = started_sandbox.config
    port = urlsplit(config["base_url"]).port
    assert port
    made = Layer(port, Path(config["ca_path"]), Certificates.make(tmp_path_factory.mktemp("certificates")))
    yield made
    made.close()


def tasks(folder: Path) -> list[dict[str, t.Any]]:
    """A token is granted; then it is tested, used and given back, and what came of each is kept for the test."""
    steps = {
        "granted": ("oauth_token", {}),
        "tested": ("token_test", {}),
        "used": ("api_request", {"path": "/api/v1/jobs/1001/stock"}),
        "returned": ("oauth_token", {"state": "absent"}),
    }
    made: list[dict[str, t.Any]] = []
    for name, (module, options) in steps.items():
        own = {option: f"{{{{ account['{option}'] }}}}" for option in OPTIONS}
        made.append(
            {
                "name": f"The token is {name}",
                f"apiops.access.{module}": {**own, **LIMITS, **options},
                "register": name,
                "ignore_errors": True,
            }
        )
    kept = "{{ {" + ", ".join(f"'{name}': {name}" for name in steps) + "} | to_json }}"
    copy = {"content": kept, "dest": f"{folder}/host1.json", "mode": "0600"}
    return [*made, {"name": "Keep the results", "ansible.builtin.copy": copy, "no_log": True}]


@pytest.mark.parametrize("fault", KINDS)
def test_a_server_that_breaks_in_the_middle_of_a_run_fails_its_tasks_and_no_more(
    ansible: AnsibleRunner, sandbox: SandboxHandle, layer: Layer, fault: str
) -> None:
    account = without_name(sandbox.account("jim2"))
    account["base_url"] = account["base_url"].replace(sandbox.config["base_url"], layer.url)
    account["ca_path"] = str(layer.certificates.ca)
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks(ansible.registered)}
    started = time.monotonic()
    with layer.fault(PLAYS[fault], let_pass=1):
        run = ansible.playbook([play], variables={"account": account})
    assert time.monotonic() - started < LONGEST
    assert run.status == 0, run.output
    results = run.result
    assert not results["granted"].get("failed")
    kinds = {name: results[name]["failure"]["kind"] for name in ("tested", "used", "returned")}
    assert kinds == dict.fromkeys(kinds, KINDS[fault])
    for sign in ("Traceback", "Internal error", "MODULE FAILURE"):
        assert sign not in run.output
    assert sandbox.counters()["jim2"]["tokens_granted"] == 1
