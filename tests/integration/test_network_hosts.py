# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on hosts with their own addresses, by ssh: each has its own outcome, and none gets a client secret."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import secrets
import signal
import struct
import subprocess
import sys
import time
import typing as t
import zipfile
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle, running
from . import network_hosts
from .leaks import LeakDetector, forms
from .network_hosts import Fleet, Network, Plan, Traces, transferred, unpacked, watched
from .runner import AnsibleRunner, Run

# One worker makes the network, and namespaces and sshd are work for all processors.
pytestmark = pytest.mark.xdist_group("network")

HOSTS = (
    Plan("web1"), Plan("web2"), Plan("web3"), Plan("dmz1"), Plan("cut1", reaches_api=False),
    Plan("bare1", has_requests=False), Plan("late1", clock=-600),
)  # fmt: skip
GONE = "gone1"
ALLOWED = ("web1", "web2", "web3", "late1")

KEPT_FILES = {"ANSIBLE_KEEP_REMOTE_FILES": "1"}
PIPELINING = {"ANSIBLE_PIPELINING": "1"}
BOTH = pytest.mark.parametrize("env", [KEPT_FILES, PIPELINING], ids=["kept files", "pipelining"])

TESTER = b"def test_tokens("
"""In the source of the module's code, which travels to each host."""


def need(missing: str) -> None:
    """Skip for what is missing here, but not where everything is said to be there."""
    if missing and os.environ.get("APIOPS_TESTS_NEED_ALL"):
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="module")
def network() -> t.Iterator[Network]:
    need(network_hosts.missing())
    with network_hosts.network() as made:
        yield made


@pytest.fixture(scope="module")
def started_sandbox(network: Network, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SandboxHandle]:
    """In place of the one for all tests: it listens where hosts reach it, and sees each one's own address."""
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder, network.api) as handle:
        yield handle
    assert (folder / "stderr.txt").read_text() == ""


@pytest.fixture
def fleet(network: Network, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    with network_hosts.running(network, tmp_path_factory.mktemp("hosts"), HOSTS) as started:
        yield started


@pytest.fixture
def pair(network: Network, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    plans = [Plan(name) for name in ("web1", "web2")]
    with network_hosts.running(network, tmp_path_factory.mktemp("hosts"), plans) as started:
        yield started


@pytest.fixture
def accounts(fleet: Fleet, sandbox: SandboxHandle) -> list[dict[str, t.Any]]:
    """One for everybody, and one with a list of addresses: the controller's, which requests the token, and some."""
    addresses = [fleet.network.controller_at_api, *(fleet.hosts[name].address for name in ALLOWED)]
    sandbox.control("POST", "/accounts/beyondtrust", {"ip_addresses": addresses})
    return [sandbox.account("rimo3"), sandbox.account("beyondtrust")]


def validate(
    ansible: AnsibleRunner, fleet: Fleet, accounts: t.Sequence[dict[str, t.Any]], env: t.Mapping[str, str],
    *, absent: t.Sequence[str] = (), **variables: t.Any,
) -> tuple[Run, Traces]:  # fmt: skip
    """The playbook of the collection, as a user runs it; and what it left on the hosts."""
    given = {"api_accounts": list(accounts), **variables}
    return play(ansible, fleet, "apiops.access.validate", env, absent=absent, variables=given)


def play(
    ansible: AnsibleRunner, fleet: Fleet, playbook: str, env: t.Mapping[str, str],
    *, absent: t.Sequence[str] = (), variables: t.Mapping[str, t.Any] | None = None, verbosity: str = "-vvv",
) -> tuple[Run, Traces]:  # fmt: skip
    inventory = fleet.inventory(ansible.inputs / "fleet.json", absent)
    given = ansible.variables(variables or {})
    with watched(fleet) as traces:
        run = ansible.command(
            "ansible-playbook", "-i", str(inventory), "-e", given, verbosity, playbook,
            env={"ANSIBLE_FORKS": "10", **env},
        )  # fmt: skip
    return run, traces


def playbook_of(ansible: AnsibleRunner, *tasks: dict[str, t.Any]) -> str:
    path = ansible.inputs / "tasks.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return str(path)


# The report


def rows(ansible: AnsibleRunner) -> dict[str, dict[str, t.Any]]:
    report = json.loads((ansible.folder / "access_report" / "report.json").read_text())
    return {host["host"]: host for host in report["hosts"]}


def outcomes(row: dict[str, t.Any]) -> dict[str, tuple[str, str]]:
    return {name: (verdict["outcome"], verdict["reason"]) for name, verdict in row["verdicts"].items()}


def table(output: str) -> dict[str, list[str]]:
    """The cells of the table on the terminal by host, without how long each test took."""
    shown = output.split("Show the report]")[1].split('"",')[0]
    lines = [re.split(r" {2,}", line) for line in re.findall(r'"(\S+ .*)"', shown)]
    return {host: [re.sub(r" \d+ ms$", "", cell) for cell in cells] for host, *cells in lines}


ACCEPTED = ("valid", "accepted")
CUT_OFF = ("indeterminate", "connection")
BOTH_ACCEPTED = {"rimo3": ACCEPTED, "beyondtrust": ACCEPTED}

EXPECTED = {
    "web1": ("tested", BOTH_ACCEPTED),
    "web2": ("tested", BOTH_ACCEPTED),
    "web3": ("tested", BOTH_ACCEPTED),
    "dmz1": ("tested", {"rimo3": ACCEPTED, "beyondtrust": ("invalid", "token_rejected")}),
    "cut1": ("tested", {"rimo3": CUT_OFF, "beyondtrust": CUT_OFF}),
    "bare1": ("failed", {}),
    "late1": ("tested", BOTH_ACCEPTED),
    GONE: ("unreachable", {}),
}

EXPECTED_TABLE = {
    "HOST": ["rimo3", "beyondtrust"],
    "web1": ["valid", "valid"],
    "web2": ["valid", "valid"],
    "web3": ["valid", "valid"],
    "dmz1": ["valid", "invalid"],
    "cut1": ["indeterminate", "indeterminate"],
    "bare1": ["failed", "failed"],
    "late1": ["valid", "valid"],
    GONE: ["unreachable", "unreachable"],
}


@BOTH
def test_each_host_has_its_own_outcome_and_none_gets_a_secret(
    ansible: AnsibleRunner, fleet: Fleet, sandbox: SandboxHandle, accounts: list[dict[str, t.Any]],
    env: dict[str, str],
) -> None:  # fmt: skip
    run, traces = validate(ansible, fleet, accounts, env, absent=[GONE])
    report = rows(ansible)
    assert {name: (row["state"], outcomes(row)) for name, row in report.items()} == EXPECTED
    assert table(run.output) == EXPECTED_TABLE
    assert_each_reason_is_said(report, sandbox)
    assert_requested_once(report, sandbox)
    # What is wrong is said at the end, after everybody was heard.
    assert run.status == 2
    assert "Fail where a token is not as wanted" in run.output

    everybody = set(fleet.hosts)
    assert set(tokens_in(traces, sandbox)) == everybody
    # The search looks into modules, which are a Base64 of an archive.
    assert set(places_of(traces, lambda part: part.startswith(b"# Copyright") and TESTER in part)) == everybody
    assert secrets_in(traces, sandbox) == {}


def assert_each_reason_is_said(report: dict[str, dict[str, t.Any]], sandbox: SandboxHandle) -> None:
    said = {
        (name, account): verdict["message"]
        for name, row in report.items()
        for account, verdict in row["verdicts"].items()
    }
    # The vendor's own words, which it has for an address as for a token.
    assert "The resource owner or authorization server denied the request." in said["dmz1", "beyondtrust"]
    for account in ("rimo3", "beyondtrust"):
        assert sandbox.config["base_url"] in said["cut1", account]
        clock = re.search(r"clock of this machine is (\d+) s behind", said["late1", account])
        assert clock
        assert 590 <= int(clock[1]) <= 600
        assert "clock" not in said["web1", account]
    assert report["bare1"]["reason"] == "requests_missing"
    assert re.search(rf"\(requests\) on bare1's Python {network_hosts.PYTHON}.* install", report["bare1"]["message"])
    assert report[GONE]["reason"] == "unreachable"
    assert "port 22" in report[GONE]["message"]


def assert_requested_once(report: dict[str, dict[str, t.Any]], sandbox: SandboxHandle) -> None:
    """Each token is requested once for all hosts, and each host that gets through tests it once."""
    counters = sandbox.counters()
    rimo3, beyondtrust = counters["rimo3"], counters["beyondtrust"]
    assert (rimo3["token_requests"], rimo3["tests"]) == (1, 5)
    # BeyondTrust says of an address what it says of a token that has died: one more is requested to find out which,
    # unless dmz1 was itself the host whose task requested the first.
    renewed = [
        (name, account)
        for name, row in report.items()
        for account, verdict in row["verdicts"].items()
        if verdict["renewed"]
    ]
    assert renewed in ([], [("dmz1", "beyondtrust")])
    assert beyondtrust["token_requests"] == 1 + len(renewed)
    assert (rimo3["refused_logins"], beyondtrust["refused_logins"]) == (0, 0)


# A host that lacks what the test needs


def changed(run: Run) -> dict[str, int]:
    return {
        host: int(number) for host, number in re.findall(r"^(\S+) +: ok=.* changed=(\d+) ", run.output, re.MULTILINE)
    }


def test_requests_is_installed_where_the_user_wants_that(
    network: Network, ansible: AnsibleRunner, sandbox: SandboxHandle,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    """By the real package manager, from a repository of the host's own."""
    need(network_hosts.without_apt())
    files = network_hosts.repository(tmp_path_factory.mktemp("package"))
    plans = [Plan("web1"), Plan("bare1", has_requests=False, files=files)]
    accounts = [sandbox.account("rimo3")]
    quick: dict[str, t.Any] = {"validate_tokens_report_formats": ["json"], "validate_tokens_history_path": ""}
    install = {**quick, "validate_tokens_install_requests": True}
    with network_hosts.running(network, tmp_path_factory.mktemp("hosts"), plans) as fleet:
        fleet.hosts["bare1"].run("apt-get", "--quiet", "update")

        run, traces = validate(ansible, fleet, accounts, PIPELINING, **quick)
        assert (run.status, changed(run)) == (2, {"web1": 0, "bare1": 0})
        assert rows(ansible)["bare1"]["reason"] == "requests_missing"
        assert installed(traces) == set()

        run, traces = validate(ansible, fleet, accounts, PIPELINING, **install)
        assert (run.status, changed(run)) == (0, {"web1": 0, "bare1": 1}), run.output
        assert "Install requests, which" in run.output
        assert {name: outcomes(row) for name, row in rows(ansible).items()} == {
            "web1": {"rimo3": ACCEPTED},
            "bare1": {"rimo3": ACCEPTED},
        }
        assert installed(traces) == {"bare1"}

        run, traces = validate(ansible, fleet, accounts, PIPELINING, **install)
        assert (run.status, changed(run)) == (0, {"web1": 0, "bare1": 0}), run.output
        assert "Install requests, which" not in run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


def installed(traces: Traces) -> set[str]:
    """Where the package is; of this machine's own there is nothing in a host's layer."""
    return {
        host
        for host, traced in traces.items()
        if b"\nVersion: 99\n" in traced.get("the file /var/lib/dpkg/status", b"")
    }


# The search


def places_of(traces: Traces, is_there: t.Callable[[bytes], t.Any]) -> dict[str, set[str]]:
    """Where on which hosts something is, also in what is packed. Each content is looked into once."""
    places: dict[bytes, list[tuple[str, str]]] = {}
    for host, traced in traces.items():
        for place, content in traced.items():
            for part in unpacked(content):
                places.setdefault(part, []).append((host, place))
    found: dict[str, set[str]] = {}
    for part, where in places.items():
        if is_there(part):
            for host, place in where:
                found.setdefault(host, set()).add(place)
    return found


def secrets_in(traces: Traces, sandbox: SandboxHandle) -> dict[str, set[str]]:
    """Where credentials are. Access tokens have to be on a host that tests them."""
    detector = LeakDetector(sandbox, tokens=False)
    return places_of(traces, lambda part: detector.in_text(part.decode("utf-8", "surrogateescape")))


def tokens_in(traces: Traces, sandbox: SandboxHandle) -> dict[str, set[str]]:
    known = {form for token in sandbox.control("GET", "/secrets")["tokens"] for form in forms(token)}
    return places_of(traces, lambda part: any(form in part for form in known))


def kinds(places: t.Iterable[str]) -> set[str]:
    """Places without what is different in each run."""
    return {re.sub(r"\d+|/tmp/ansible-tmp-.*/", "*", place) for place in places}


@pytest.mark.parametrize(("env", "expected"), [
    (KEPT_FILES, {"what arrived as *.input", "what arrived as *.input, file *",
                  "the file /home/manager/.ansible*AnsiballZ_oauth_token.py"}),
    (PIPELINING, {"what arrived as *.input"}),
], ids=["kept files", "pipelining"])  # fmt: skip
def test_a_secret_that_the_user_lets_a_host_have_is_found_there(
    ansible: AnsibleRunner, pair: Fleet, sandbox: SandboxHandle, env: dict[str, str], expected: set[str]
) -> None:
    accounts = [{**sandbox.account(key), "request_from": "target"} for key in ("rimo3", "beyondtrust_awkward")]
    task = {"apiops.access.token_test": {"accounts": "{{ api_accounts }}"}}
    run, traces = play(ansible, pair, playbook_of(ansible, task), env, variables={"api_accounts": accounts})
    assert run.status == 0, run.output
    found = secrets_in(traces, sandbox)
    assert {kind for places in found.values() for kind in kinds(places)} == expected
    for account in accounts:
        wanted = forms(account["client_secret"])
        assert places_of(traces, lambda part, wanted=wanted: any(form in part for form in wanted))  # type: ignore[misc]


def test_a_secret_in_an_argument_or_in_the_environment_of_a_process_is_found(
    ansible: AnsibleRunner, pair: Fleet, sandbox: SandboxHandle
) -> None:
    """Be it for a moment, in a process that ends before the run does."""
    argument = {
        "ansible.builtin.command": {"argv": ["sh", "-c", "sleep 1; true", "{{ secret }}"]},
        "when": "inventory_hostname == 'web1'",
        "no_log": True,
    }
    variable = {
        "ansible.builtin.command": {"argv": ["sleep", "1"]},
        "environment": {"SECRET": "{{ secret | b64encode }}"},
        "when": "inventory_hostname == 'web2'",
    }
    playbook = playbook_of(ansible, argument, variable)
    variables = {"secret": sandbox.account("rimo3")["client_secret"]}
    # More would show it on the terminal as well.
    run, traces = play(ansible, pair, playbook, PIPELINING, variables=variables, verbosity="-v")
    assert run.status == 0, run.output
    for name, places in secrets_in(traces, sandbox).items():
        assert "its process list" in places, name
    assert set(secrets_in(traces, sandbox)) == {"web1", "web2"}


def archive_of(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("module.py", content)
    return file.getvalue()


@pytest.mark.parametrize("before", [b"'", b"x", b"xy", b"xyz/", b"\\n"])
def test_what_is_packed_is_looked_into(before: bytes) -> None:
    secret = secrets.token_urlsafe(24).encode()
    module = b"argument = '" + secret + b"'\n" * 50
    packed = before + base64.b64encode(archive_of(module)) + b"'"
    assert secret not in packed
    assert module in unpacked(packed)
    assert module in unpacked(b"#!/usr/bin/python\n" + archive_of(b"data = '" + packed))
    escaped = json.dumps('a"b\\c')
    assert escaped.encode() not in repr(escaped).encode()
    assert any(escaped.encode() in part for part in unpacked(repr(escaped).encode()))
    assert secret in b"".join(unpacked(base64.urlsafe_b64encode(b"\xff" * 40 + secret + b"\xfe" * 40)))


def test_a_file_that_came_in_packets_is_put_together() -> None:
    content = secrets.token_bytes(1000)

    def packet(kind: int, *fields: bytes) -> bytes:
        body = bytes([kind]) + b"\0\0\0\7" + b"".join(fields)
        return struct.pack(">I", len(body)) + body

    def text(value: bytes) -> bytes:
        return struct.pack(">I", len(value)) + value

    written = [
        packet(6, text(b"handle"), struct.pack(">Q", start), text(content[start : start + 300]))
        for start in (300, 0, 900, 600)
    ]
    sent = packet(1) + packet(3, text(b"/tmp/file"), bytes(8)) + b"".join(written)
    assert list(transferred(sent)) == [content]
    assert list(transferred(sent + packet(4, text(b"handle")) + sent)) == [content, content]


# The hosts themselves


def test_what_is_missing_is_a_failure_where_everything_is_said_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APIOPS_TESTS_NEED_ALL", raising=False)
    need("")
    with pytest.raises(pytest.skip.Exception, match="no sshd"):
        need("no sshd")
    monkeypatch.setenv("APIOPS_TESTS_NEED_ALL", "1")
    need("")
    with pytest.raises(pytest.fail.Exception, match="no sshd"):
        need("no sshd")


def test_a_host_keeps_to_itself(pair: Fleet, tmp_path: Path) -> None:
    """What it writes is its own, and what the controller has for itself cannot be seen there."""
    mark = "/usr/share/apiops-mark"
    (tmp_path / "input").write_text("of the controller")
    web1, web2 = pair.hosts.values()
    with watched(pair) as traces:
        web1.run("sh", "-c", f"echo written > {mark}; ! test -e {tmp_path} && ! test -e {pair.folder}")
        web2.run("sh", "-c", f"! test -e {mark}")
    assert not Path(mark).exists()
    assert traces["web1"][f"the file {mark}"] == b"written\n"
    assert f"the file {mark}" not in traces["web2"]
    assert web1.run("hostname").strip() == "web1"


def test_nothing_is_left_of_a_run_that_was_killed(network: Network, tmp_path: Path) -> None:
    module = network_hosts.__name__
    script = (
        "import pathlib, sys\n"
        f"from {module} import Plan, network, running\n"
        "with network() as made, running(made, pathlib.Path(sys.argv[1]), [Plan('lost1')]) as fleet:\n"
        "    print(made.bridge, fleet.hosts['lost1'].process.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    root = Path(network_hosts.__file__).parents[len(module.split(".")) - 1]
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        bridge, host = process.stdout.readline().split()
        first = Path(f"/proc/{host}/task/{host}/children").read_text().strip()
        process.send_signal(signal.SIGKILL)
    # Its hosts end by themselves; then there is only the bridge.
    deadline = time.monotonic() + 10
    while Path("/proc", host).exists() or Path("/proc", first).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert Path("/sys/class/net", bridge).exists()
    network_hosts.remove_leftovers()
    assert not Path("/sys/class/net", bridge).exists()
    assert Path("/sys/class/net", network.bridge).exists()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
