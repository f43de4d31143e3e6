# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One token for many controllers, by a real Redis server with TLS and a user that has only what is documented."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from . import redis_server
from .leaks import LeakDetector, assert_clean
from .redis_server import RedisHandle
from .runner import AnsibleRunner
from .test_main_job import HOSTS, without_name

CONTROLLERS = 8
TOKEN_PATH = "/rimo3/api/v2/connect/token"
TESTING = "inventory_hostname is search('host0[0-7]$')"
"""A third of the hosts: 200 modules are more than two processors do in a minute."""

pytestmark = [
    pytest.mark.skipif(redis_server.binary() is None, reason=redis_server.MISSING),
    # One server, and eight controllers at a time are work for all processors.
    pytest.mark.xdist_group("redis"),
]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RedisHandle]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as handle:
        yield handle


@pytest.fixture
def redis(started: RedisHandle, ansible: AnsibleRunner) -> RedisHandle:
    started.clear()
    ansible.more_secrets = started.secrets
    return started


# One controller


def test_all_hosts_and_runs_share_a_token_in_redis(
    ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    options = {"accounts": four_accounts, **redis.options()}
    for hosts in (HOSTS, HOSTS[:1]):
        run = ansible.task("token_test", options, hosts=hosts)
        assert {result["outcome"] for result in run.results.values()} == {"valid"}, run.output
    counters = sandbox.counters()
    assert [counters[account["name"]]["token_requests"] for account in four_accounts] == [1, 1, 1, 1]
    assert not ansible.cache.exists()
    assert_sealed(sandbox, redis, four_accounts)
    assert redis.refused() == []


def assert_sealed(sandbox: SandboxHandle, redis: RedisHandle, accounts: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Nothing that the server holds can be read, and nothing stays for ever."""
    content = redis.content()
    assert len(content) >= len(accounts)
    everything = b"\n".join(part for pair in content.items() for part in pair)
    assert LeakDetector(sandbox, more=redis.secrets).in_text(everything.decode("utf-8", "surrogateescape")) == []
    told = {str(account[option]) for account in accounts for option in ("name", "provider", "base_url", "client_id")}
    assert [what for what in told if what.encode() in everything] == []
    admin = redis.admin()
    assert all(key.startswith(redis_server.PREFIX.encode()) and admin.pttl(key) > 0 for key in content)


def test_the_module_and_the_lookup_share_it_with_the_secrets_from_the_environment(
    ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle
) -> None:
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {"apiops.access.oauth_token": {"account": "rimo3"}, "register": "module"},
                {
                    "ansible.builtin.assert": {
                        "that": ["lookup('apiops.access.oauth_token', 'rimo3') == module.access_token"],
                        "quiet": True,
                    },
                    "no_log": True,
                },
                {"apiops.access.oauth_token": {"account": "rimo3", "state": "absent"}},
            ],
        }
    ]
    env = {f"APIOPS_{option.upper()}": value for option, value in redis.options().items()}
    run = ansible.playbook(plays, hosts=HOSTS, variables={"api_accounts": [sandbox.account("rimo3")]}, env=env)
    assert run.status == 0, run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 1
    assert redis.content() == {}
    assert redis.refused() == []


@pytest.mark.parametrize(("wrong", "told"), [
    ({"cache_password": "not-the-password-0123456789"}, "refused the user or its password"),
    ({"cache_ca_path": None}, "is not trusted"),
    ({"cache_prefix": "elsewhere:"}, "may not do what is needed"),
    ({"cache_url": "rediss://apiops:hunter-2@localhost"}, "cache_url has a password in it"),
    ({"cache_url": "redis://apiops@192.0.2.1"}, "Use rediss://"),
    ({"cache_secret": "hunter-2"}, "cache_secret is too short"),
    ({"cache_secret": None}, "cache_secret"),
])  # fmt: skip
def test_what_is_set_wrong_fails_and_nothing_is_requested(
    ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle, wrong: dict[str, t.Any], told: str
) -> None:
    given = {**without_name(sandbox.account("rimo3")), **redis.options(cache_fallback="none"), **wrong}
    options = {option: value for option, value in given.items() if value is not None}
    run = ansible.task("oauth_token", options)
    assert run.result["failed"] is True
    assert told in run.result["msg"], run.result["msg"]
    assert run.result["msg"].startswith("Account '")
    assert "hunter" not in run.output
    assert "not-the-password" not in run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 0


@pytest.mark.parametrize("module", ["oauth_token", "token_test"])
def test_a_server_that_is_down(ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle, module: str) -> None:
    options = {
        **without_name(sandbox.account("rimo3")),
        **redis.options(cache_url=f"rediss://apiops@localhost:{redis_server.free_port()}"),
    }
    failed = ansible.task(module, options)
    assert failed.result["failed"] is True
    assert failed.result["failure"]["kind"] == "cache"
    assert failed.result["msg"].startswith("Account '")
    assert "Set cache_fallback: none" in failed.result["msg"]
    assert sandbox.counters()["rimo3"]["token_requests"] == 0
    direct = ansible.task(module, {**options, "cache_fallback": "none"})
    assert direct.result["failed"] is False, direct.output
    assert "[WARNING]" in direct.output
    assert "Tokens are requested without it." in " ".join(direct.output.split())
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


# Controllers side by side


class Controller:
    """A controller as under AWX: ansible-runner with a private data dir, a home and a process group of its own."""

    def __init__(self, ansible: AnsibleRunner, number: int, hosts: int, *tasks: t.Mapping[str, t.Any]) -> None:
        self.folder = ansible.folder / f"controller{number}"
        self.home = self.folder / "home"
        for name in ("home", "project", "inventory", "env"):
            (self.folder / name).mkdir(parents=True, mode=0o700)
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        names: dict[str, dict[str, str]] = {f"node{number}-host{host:02}": {} for host in range(hosts)}
        inventory = {"all": {"hosts": names, "vars": local}}
        (self.folder / "inventory" / "hosts.json").write_text(json.dumps(inventory))
        (self.folder / "project" / "job.json").write_text(json.dumps([
            {"hosts": "all", "gather_facts": False, "tasks": list(tasks)}
        ]))  # fmt: skip
        self._env = {
            **ansible.environment(),
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"),
            "ANSIBLE_PIPELINING": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, variables: t.Mapping[str, t.Any]) -> None:
        extra = self.folder / "env" / "extravars"
        extra.write_text(json.dumps(variables))
        extra.chmod(0o600)
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                ["ansible-runner", "run", str(self.folder), "--ident", "job", "-p", "job.json"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait(self) -> int:
        assert self.process
        return self.process.wait(120)

    def kill(self) -> None:
        """End all of it at once by SIGKILL; its parts have sessions of their own, but the same home."""
        mark = f"HOME={self.home}\0".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (path / "environ").read_bytes() + b"\0":
                    os.kill(int(path.name), signal.SIGKILL)
        if self.process:
            self.process.wait(10)

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace") if self.process else ""

    def results(self, module: str) -> list[dict[str, t.Any]]:
        """The results of a module, from the runner's events, as AWX reads them."""
        folder = self.folder / "artifacts" / "job" / "job_events"
        events = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        return [
            event["event_data"]["res"]
            for event in events
            if event["event"] in ("runner_on_ok", "runner_on_failed")
            and event["event_data"]["task_action"] == f"apiops.access.{module}"
        ]


@pytest.fixture
def controllers(ansible: AnsibleRunner, sandbox: SandboxHandle) -> t.Iterator[list[Controller]]:
    """Put controllers in; they are ended, and searched for secrets."""
    made: list[Controller] = []
    yield made
    for controller in made:
        if controller.process and controller.process.poll() is None:
            controller.kill()
    # In env is what they were given.
    folders = [controller.folder / name for controller in made for name in ("home", "artifacts", "inventory")]
    assert_clean(
        LeakDetector(sandbox, more=ansible.more_secrets),
        "\n".join(controller.output for controller in made),
        [folder for folder in folders if folder.exists()],
    )


def task_of(
    module: str, options: t.Iterable[str], variable: str = "task_options", **keywords: t.Any
) -> dict[str, t.Any]:
    given = {option: f"{{{{ {variable}['{option}'] }}}}" for option in options}
    return {f"apiops.access.{module}": given, **keywords}


def test_eight_controllers_with_25_hosts_each_request_one_token_an_account(
    ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle, controllers: list[Controller]
) -> None:
    accounts = [sandbox.account("rimo3"), sandbox.account("beyondtrust")]
    one, both = {**without_name(accounts[0]), **redis.options()}, {"accounts": accounts, **redis.options()}
    tasks = [task_of("oauth_token", one, "one"), task_of("token_test", both, "both", when=TESTING)]
    controllers += [Controller(ansible, number, 25, *tasks) for number in range(CONTROLLERS)]
    for controller in controllers:
        controller.start({"one": one, "both": both})
    assert [controller.wait() for controller in controllers] == [0] * CONTROLLERS, controllers[0].output
    assert [len(controller.results("oauth_token")) for controller in controllers] == [25] * CONTROLLERS
    tested = [result for controller in controllers for result in controller.results("token_test")]
    assert len(tested) == CONTROLLERS * 8
    assert {result["outcome"] for result in tested} == {"valid"}
    counters = sandbox.counters()
    assert [counters[account["name"]]["token_requests"] for account in accounts] == [1, 1]
    assert_sealed(sandbox, redis, accounts)
    assert redis.refused() == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds all of a controller's processes in /proc")
def test_a_controller_that_is_killed_with_the_lock_in_its_hand_stops_nobody(
    ansible: AnsibleRunner, sandbox: SandboxHandle, redis: RedisHandle, controllers: list[Controller]
) -> None:
    options = {**without_name(sandbox.account("rimo3")), **redis.options(), "timeout": 100}
    controllers += [Controller(ansible, number, 5, task_of("oauth_token", options)) for number in range(CONTROLLERS)]
    victim, *others = controllers
    # The token request of the first does not come back.
    sandbox.control("POST", "/faults", {"path": TOKEN_PATH, "status": None, "delay": 90, "times": 1})
    victim.start({"task_options": options})
    until(lambda: sandbox.control("GET", "/faults")["faults"][0]["hits"] == 1)
    for controller in others:
        controller.start({"task_options": options})
    # Each of the others has tried to get the lock, again and again.
    before = lock_attempts(redis)
    until(lambda: lock_attempts(redis) > before + 20 * len(others))
    assert len(redis.content()) == 1
    victim.kill()
    killed = time.monotonic()
    assert [controller.wait() for controller in others] == [0] * len(others), others[0].output
    assert time.monotonic() - killed < 45
    assert [len(controller.results("oauth_token")) for controller in others] == [5] * len(others)
    assert sandbox.counters()["rimo3"]["token_requests"] <= 2
    assert sandbox.counters()["rimo3"]["tokens_granted"] <= 2
    assert sorted(key.endswith(b":lock") for key in redis.content()) == [False]


def lock_attempts(redis: RedisHandle) -> int:
    return int(redis.admin().info("commandstats")["cmdstat_set"]["calls"])


def until(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
