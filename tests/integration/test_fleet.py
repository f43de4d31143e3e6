# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of 300 hosts whose token is revoked in the middle of a task."""

from __future__ import annotations

import collections
import json
import threading
import typing as t

from ..sandbox.server import SandboxHandle
from .runner import AnsibleRunner
from .test_main_job import without_name

HOSTS = 300
REVOKED_AFTER = 100


class Revocation(threading.Thread):
    """Revokes the account's tokens once that many tests were made."""

    def __init__(self, sandbox: SandboxHandle) -> None:
        super().__init__(daemon=True)
        self._sandbox = sandbox
        self.over = threading.Event()
        self.tests_before: int | None = None

    def run(self) -> None:
        while not self.over.wait(0.1):
            tests = self._sandbox.counters()["rimo3"]["tests"]
            if tests >= REVOKED_AFTER:
                self._sandbox.control("POST", "/accounts/rimo3", {"revoke_tokens": True})
                self.tests_before = tests
                return


def test_a_token_that_is_revoked_in_mid_task_is_renewed_once_for_300_hosts(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    hosts = [f"host{number:03}" for number in range(HOSTS)]
    plays: list[dict[str, t.Any]] = [{
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"apiops.access.token_test": {option: f"{{{{ account['{option}'] }}}}"
                                          for option in without_name(sandbox.account("rimo3"))},
             "register": "tested", "ignore_errors": True},
            {"ansible.builtin.copy": {
                "content": "{{ dict(ansible_play_hosts_all | zip(results)) | to_json }}",
                "dest": f"{ansible.registered}/fleet.json", "mode": "0600"},
             "vars": {"results": "{{ ansible_play_hosts_all | map('extract', hostvars, 'tested') }}"},
             "run_once": True, "no_log": True},
        ],
    }]  # fmt: skip
    revocation = Revocation(sandbox)
    revocation.start()
    try:
        run = ansible.playbook(plays, "--forks", "10", hosts=hosts, variables={"account": sandbox.account("rimo3")})
    finally:
        revocation.over.set()
        revocation.join(30)
    assert run.status == 0, run.output[-3000:]
    assert revocation.tests_before is not None
    assert revocation.tests_before < HOSTS - 50  # in the middle, indeed
    tested = run.results["fleet"]
    assert set(tested) == set(hosts)
    refused = {host: result["msg"] for host, result in tested.items() if result.get("outcome") != "valid"}
    assert refused == {}, json.dumps(refused)[:2000]
    counters = sandbox.counters()["rimo3"]
    assert (counters["token_requests"], counters["tokens_granted"], counters["refused_logins"]) == (2, 2, 0)
    by_token = collections.Counter(result["fingerprint"] for result in tested.values())
    assert len(by_token) == 2
    assert min(by_token.values()) >= 50
    # Every host that met the old token's end was given its successor, which one of them requested.
    renewed = [result for result in tested.values() if result["renewed"]]
    assert 1 <= len(renewed) <= 10
    assert counters["tests"] == HOSTS + len(renewed)
