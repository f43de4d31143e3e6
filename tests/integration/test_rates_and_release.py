# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet within a vendor's rate, refusals that everybody hears of once, and runs that give back what they took."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .runner import AnsibleRunner, Run

SIX = tuple(f"host{number}" for number in range(1, 7))
TWELVE = tuple(f"host{number:02}" for number in range(1, 13))
ENABLED = {"ANSIBLE_CALLBACKS_ENABLED": "apiops.access.release_tokens"}


def options_of(sandbox: SandboxHandle, key: str, **more: t.Any) -> dict[str, t.Any]:
    return {**{option: value for option, value in sandbox.account(key).items() if option != "name"}, **more}


# Rates


def test_hosts_beyond_the_vendors_limit_hear_so_at_once_and_do_not_call(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    sandbox.control("POST", "/limits", {"cimcloud_per_window": 8})
    options = options_of(sandbox, "cimcloud", rate_wait=30)
    run = ansible.task("token_test", options, "--forks", "12", hosts=TWELVE)
    outcomes = [result["outcome"] for result in run.results.values()]
    valid = outcomes.count("valid")
    # On a slow machine answers overtake each other, and a call whose answer is not there yet counts as one to come.
    assert 5 <= valid <= 7, run.output[-3000:]
    for result in run.results.values():
        if result["outcome"] != "valid":
            assert result["reason"] == "rate_limited"
            assert re.search(r"The next is free in \d{3} s, and rate_wait allows 30 s", result["msg"])
            assert result["status"] is None
    counters = sandbox.counters()["cimcloud"]
    assert (counters["token_requests"], counters["tests"]) == (1, valid)


def test_hosts_wait_for_their_turn_and_one_line_says_so(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"cimcloud_per_window": 4, "cimcloud_window": 8})
    run = ansible.playbook(
        [{"hosts": "all", "gather_facts": False, "tasks": [{"apiops.access.token_test": {"account": "cimcloud"}}]}],
        "--forks", "6", hosts=SIX, variables={"api_accounts": [sandbox.account("cimcloud")]}, verbosity="",
    )  # fmt: skip
    assert run.status == 0, run.output
    counters = sandbox.counters()["cimcloud"]
    assert (counters["token_requests"], counters["tests"]) == (1, 6)
    waits = re.findall(r"Account cimcloud: waiting (\d+) s for its turn within the rate limit of cimcloud", run.output)
    assert len(waits) == 1
    assert 5 <= int(waits[0]) <= 9


def test_pacing_can_be_turned_off(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"cimcloud_per_window": 3})
    options = options_of(sandbox, "cimcloud", rate_limit=False, retries=0)
    run = ansible.task("token_test", options, hosts=SIX)
    assert {result["status"] for result in run.results.values()} == {200, 429}


# Refusals


@pytest.mark.parametrize("key", ["rimo3", "cimcloud"])
def test_a_retry_after_holds_all_hosts_and_the_next_run(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    path = {"rimo3": "/rimo3/api/v2/connect/token", "cimcloud": "/cimcloud"}[key]
    fault = {"path": path, "method": "POST", "times": 50, "status": 429, "headers": {"Retry-After": "120"}}
    sandbox.control("POST", "/faults", fault)
    options = options_of(sandbox, key)
    first = ansible.task("oauth_token", options, "--forks", "6", hosts=SIX)
    second = ansible.task("oauth_token", options)
    assert [item["hits"] for item in sandbox.control("GET", "/faults")["faults"]] == [1]
    results = [*first.results.values(), second.result]
    assert {result["failure"]["kind"] for result in results} == {"rate_limited"}
    held = [result["msg"] for result in results if "nobody asks again for" in result["msg"]]
    assert len(held) == 6
    for message in held:
        found = re.search(r"nobody asks again for (\d+) s", message)
        assert found
        assert 60 < int(found[1]) <= 120
    assert sum("Try again in 120 s" in result["msg"] for result in results) == 7


# Release


def failing_play(account: dict[str, t.Any], *before: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """A play that takes a token and then fails."""
    tasks = [
        *before,
        {"apiops.access.oauth_token": {"account": account["name"]}},
        {"ansible.builtin.fail": {"msg": "as meant"}},
    ]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


def run_failing(ansible: AnsibleRunner, account: dict[str, t.Any], *before: dict[str, t.Any], **details: t.Any) -> Run:
    details.setdefault("env", ENABLED)
    run = ansible.playbook(failing_play(account, *before), variables={"api_accounts": [account]}, **details)
    assert run.status == 2, run.output
    return run


def test_a_play_that_fails_gives_its_licence_back(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2_full")
    run = run_failing(ansible, account, hosts=SIX)
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["jim2_full"]["logoffs"]) == (0, 1)
    assert run.output.count("Tokens that this run requested: 1 released: jim2_full.") == 1
    assert not list(ansible.folder.rglob("apiops-release-*"))
    # What was released is not given to the next run.
    run_failing(ansible, account)
    assert sandbox.counters()["jim2_full"]["tokens_granted"] == 2


def test_without_the_callback_a_licence_stays_taken(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    run = run_failing(ansible, sandbox.account("jim2_full"), env={})
    assert sandbox.counters()["licences_in_use"] == 1
    assert "Tokens that this run" not in run.output


def test_what_was_there_before_the_run_is_left_alone(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2_full")
    ansible.task("oauth_token", options_of(sandbox, "jim2_full"))
    run = run_failing(ansible, account)
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["jim2_full"]["logoffs"]) == (1, 0)
    assert "Tokens that this run" not in run.output


def test_what_a_task_released_itself_is_not_released_again(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2_full")
    taken = {"apiops.access.oauth_token": {"account": "jim2_full"}}
    given_back = {"apiops.access.oauth_token": {"account": "jim2_full", "state": "absent"}}
    looked_up = {
        "ansible.builtin.assert": {"that": ["lookup('apiops.access.oauth_token', 'jim2_full') is truthy"]},
        "no_log": True,
    }
    run = run_failing(ansible, account, taken, given_back, looked_up)
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["jim2_full"]["logoffs"]) == (0, 2)
    assert "requested: 1 released: jim2_full." in run.output


def test_every_token_of_a_run_without_a_cache_is_released(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"jim2_licences": 10})
    run = run_failing(ansible, {**sandbox.account("jim2_full"), "cache": "none"}, hosts=SIX)
    counters = sandbox.counters()
    assert (counters["licences_in_use"], counters["jim2_full"]["logoffs"]) == (0, 6)
    assert "requested: 6 released: jim2_full." in run.output


def test_a_run_that_is_interrupted_gives_its_licence_back(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2_full")
    play = failing_play(account)
    # A signal that meets Ansible while it forks a worker can be lost on it: this one comes in the middle of a task.
    under_way = ansible.inputs / "under_way"
    play[0]["tasks"][-1] = {"ansible.builtin.command": {"argv": ["sh", "-c", f"touch '{under_way}' && sleep 60"]}}
    path = ansible.inputs / "interrupted.json"
    path.write_text(json.dumps(play))
    arguments = ["ansible-playbook", "-i", str(ansible.inventory(["host1"]))]
    arguments += ["-e", ansible.variables({"api_accounts": [account]}), str(path)]
    with subprocess.Popen(
        arguments, env=ansible.environment(ENABLED), cwd=ansible.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 60
        while not under_way.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert sandbox.counters()["licences_in_use"] == 1
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 99, output
    assert sandbox.counters()["licences_in_use"] == 0
    assert "requested: 1 released: jim2_full." in output
    assert not list(ansible.folder.rglob("apiops-release-*"))


def test_tokens_of_vendors_without_a_release_are_forgotten(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    for _run in range(2):
        run = ansible.task("token_test", {"accounts": four_accounts}, hosts=("host1", "host2"), env=ENABLED)
        assert run.status == 0, run.output
        forgotten = "3 forgotten, as the vendor documents no release: beyondtrust, cimcloud, rimo3."
        assert f"requested: 1 released: jim2; {forgotten}" in run.output.replace("\n", " ")
    counters = sandbox.counters()
    assert [counters[key]["tokens_granted"] for key in FOUR] == [2, 2, 2, 2]
    assert counters["cimcloud"]["refreshes"] == 0


def test_a_release_that_fails_changes_nothing_about_the_run(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": "/jim2", "method": "POST", "times": 1, "status": None})
    sandbox.control("POST", "/faults", {"path": "/jim2", "method": "POST", "times": 9, "status": 500, "body": "{}"})
    play = [failing_play(sandbox.account("jim2_full"))[0]]
    play[0]["tasks"].pop()
    run = ansible.playbook(play, variables={"api_accounts": [sandbox.account("jim2_full")]}, env=ENABLED)
    assert run.status == 0, run.output
    assert re.search(r"requested: 1 not released: jim2_full \(.*status 500", run.output)


def test_the_proofs_tokens_are_forgotten_where_that_is_wanted(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    accounts = [*four_accounts, {"name": "incomplete", "provider": "rimo3"}]
    for wanted, cached in ((False, True), (True, False)):
        run = ansible.playbook(
            "apiops.access.provision",
            variables={"api_accounts": accounts, "provision_accounts_release": wanted},
        )
        assert run.status == 2, run.output
        assert "Not as wanted: incomplete." in run.output
        before = sandbox.counters()["beyondtrust"]["token_requests"]
        result = ansible.task("oauth_token", options_of(sandbox, "beyondtrust")).result
        assert result["reused"] is cached
        assert sandbox.counters()["beyondtrust"]["token_requests"] - before == (0 if cached else 1)
