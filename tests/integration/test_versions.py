# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing leaks on the oldest and on the newest ansible-core either: output, files, logs, events and command lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from ..environments import NEWEST, OLDEST, UnavailableError, Version, version_of
from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .leaks import LeakDetector, assert_clean, forms
from .runner import AnsibleRunner
from .test_main_job import without_name

# One worker makes the environments, and does not meet itself.
pytestmark = pytest.mark.xdist_group("versions")

WRONG = "not-the-secret-0123456789"
MODULES = ("oauth_token", "token_test", "api_account")

SITECUSTOMIZE = """
import os, sys, types

def write(*parts, **more):
    with open(os.environ["TEST_SYSTEM_LOG"], "a") as file:
        file.write(f"{parts} {more}\\n")

if os.environ.get("TEST_JOURNAL"):
    systemd, journal, daemon = (types.ModuleType(name) for name in ("systemd", "systemd.journal", "systemd.daemon"))
    journal.send = journal.sendv = write
    daemon.booted = lambda: True
    systemd.journal, systemd.daemon = journal, daemon
    sys.modules.update({"systemd": systemd, "systemd.journal": journal, "systemd.daemon": daemon})
else:
    import syslog
    syslog.syslog = write
"""


@pytest.fixture(scope="session", params=[OLDEST, NEWEST], ids=["oldest", "newest"])
def version(request: pytest.FixtureRequest) -> Version:
    try:
        return version_of(request.param, f"runner-{request.param.name}", ["requests", "ansible-runner"])
    except UnavailableError as reason:
        pytest.skip(str(reason))


# What is run


def task(name: str, **keywords: t.Any) -> dict[str, t.Any]:
    return {"name": name, "ignore_errors": True, **keywords}


def module_tasks(module: str) -> list[dict[str, t.Any]]:
    """A module as it is used: well and badly, alone and with all keywords."""
    qualified = f"apiops.access.{module}"
    tasks = [
        task(f"{module} {account}", **{qualified: {"account": account}})
        for account in (*FOUR, "wrong", "untrusted", "down")
    ]
    inline = {option: f"{{{{ jim2_account['{option}'] }}}}" for option in ("base_url", "client_id", "ca_path")}
    tasks += [
        task(f"{module} from the host", **{qualified: {"account": "rimo3", "request_from": "target"}}),
        task(f"{module} from the host, wrong", **{qualified: {"account": "wrong", "request_from": "target"}}),
        task(f"{module} inline", **{qualified: {"provider": "jim2", "client_secret": "{{ wrong_secret }}", **inline}}),
        task(f"{module} mistaken", **{qualified: {"account": "rimo3", "client_secret": ["{{ wrong_secret }}"]}}),
        task(f"{module} loop", **{qualified: {"account": "{{ item }}"}}, loop=["rimo3", "beyondtrust"]),
        task(f"{module} bad loop", **{qualified: {"account": "{{ item }}"}}, loop=["rimo3", "wrong", "down"]),
        task(f"{module} once", **{qualified: {"account": "beyondtrust"}}, run_once=True),
        task(f"{module} delegated", **{qualified: {"account": "beyondtrust"}}, delegate_to="localhost"),
        task(f"{module} check", **{qualified: {"account": "rimo3"}}, check_mode=True, diff=True),
        task(f"{module} check down", **{qualified: {"account": "down"}}, check_mode=True, diff=True),
        task(f"{module} repeated", **{qualified: {"account": "wrong"}}, register="last", until="last is success",
             retries=1, delay=0),
    ]  # fmt: skip
    return tasks


def lookup_tasks() -> list[dict[str, t.Any]]:
    lookup = "lookup('apiops.access.oauth_token', item) | length > 10"
    return [
        task(f"lookup {account}", **{"ansible.builtin.assert": {"that": lookup.replace("item", f"'{account}'")}})
        for account in (*FOUR, "wrong", "untrusted", "down")
    ] + [task("lookup loop", **{"ansible.builtin.assert": {"that": [lookup]}}, loop=["rimo3", "wrong"])]


def plays() -> list[dict[str, t.Any]]:
    roles = [{"role": f"apiops.access.{role}"} for role in ("provision_accounts", "validate_tokens")]
    tasks = [task("HTML", **{"apiops.access.oauth_token": {"account": "jim2"}})]
    for module in MODULES:
        tasks += module_tasks(module)
    tasks += [
        task("all", **{"apiops.access.token_test": {"accounts": "{{ api_accounts }}"}}),
        task(
            "call",
            **{"apiops.access.api_request": {"account": "{{ item }}", "path": "/x", "body": {"a": 1}}},
            loop=[*FOUR, "wrong"],
        ),
        task("list", **{"apiops.access.api_account_info": {"account": "{{ item }}"}}, loop=[*FOUR, "wrong"]),
        *lookup_tasks(),
        task("release", **{"apiops.access.oauth_token": {"account": "{{ item }}", "state": "absent"}}, loop=list(FOUR)),
    ]
    return [
        {"hosts": "all", "gather_facts": True, "gather_subset": ["!all"], "tasks": tasks},
        {"hosts": "all", "gather_facts": False, "roles": roles,
         "vars": {"provision_accounts_fail": False, "validate_tokens_fail_on": []}},
        # At the end, so that there is a retry file.
        {"hosts": "host1", "gather_facts": False, "tasks": [{"apiops.access.token_test": {"account": "wrong"}}]},
    ]  # fmt: skip


def variables(sandbox: SandboxHandle) -> dict[str, t.Any]:
    base = sandbox.account("rimo3")
    awkward = sandbox.account("rimo3_awkward")
    return {
        "api_accounts": [
            *(sandbox.account(key) for key in FOUR),
            {**base, "name": "wrong", "client_secret": WRONG},
            # Each with an account of its own, whose token is in no cache.
            {**awkward, "name": "untrusted", "ca_path": sandbox.config["other_ca_path"]},
            {**awkward, "name": "down", "base_url": "https://localhost:1", "retries": 0},
        ],
        "jim2_account": without_name(sandbox.account("jim2")),
        "wrong_secret": WRONG,
    }


def one_html_answer(sandbox: SandboxHandle) -> None:
    """What a proxy says in the vendor's stead; it echoes what it was sent."""
    secret = sandbox.account("jim2")["client_secret"]
    page = f"<html><body>Who are you? client_secret={secret}</body></html>"
    fault = {"path": "/jim2", "times": 1, "status": 200, "headers": {"Content-Type": "text/html"}, "body": page}
    sandbox.control("POST", "/faults", fault)


# What is searched


class CommandLines(threading.Thread):
    """Every command line on this machine that lives long enough to be seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self.seen: set[bytes] = set()

    def run(self) -> None:
        while not self._over.wait(0.01):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    try:
                        self.seen.add(Path(entry.path, "cmdline").read_bytes())
                    except OSError:
                        continue  # it is over already

    def __enter__(self) -> CommandLines:
        self.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._over.set()
        self.join(30)

    @property
    def text(self) -> str:
        return b"\n".join(sorted(self.seen)).decode("utf-8", "surrogateescape")


def run(ansible: AnsibleRunner, version: Version, *command: str, **more: str) -> tuple[int, str]:
    """Run a command of this version; return its status and its output."""
    environment = ansible.environment(
        {"ANSIBLE_RETRY_FILES_ENABLED": "1", "ANSIBLE_RETRY_FILES_SAVE_PATH": str(ansible.folder / "retry"),
         "ANSIBLE_LOG_PATH": str(ansible.folder / "ansible.log"), **more}
    )  # fmt: skip
    environment["PATH"] = f"{version.folder / 'bin'}{os.pathsep}{environment['PATH']}"
    if "PYTHONPATH" not in more:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(version.folder / "bin" / command[0]), *command[1:]], env=environment, cwd=ansible.folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "surrogateescape")


def assert_nothing_leaked(sandbox: SandboxHandle, output: str, folder: Path, *excepted: Path) -> None:
    """Nothing in the output, and nothing in any file below the folder but the excepted ones."""
    texts = {"the output": output}
    for path in folder.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(other) for other in excepted):
            texts[str(path)] = f"{path}\n{path.read_bytes().decode('utf-8', 'surrogateescape')}"
    everything = "\n".join(texts.values())
    detector = LeakDetector(sandbox)
    if detector.in_text(everything):
        raise AssertionError({name: detector.in_text(text) for name, text in texts.items() if detector.in_text(text)})
    wrong = [form.decode() for form in forms(WRONG)]
    assert [name for name, text in texts.items() if any(form in text for form in wrong)] == []


def playbook_file(ansible: AnsibleRunner) -> Path:
    path = ansible.inputs / "playbook.json"
    path.write_text(json.dumps(plays()))
    return path


def inventory(ansible: AnsibleRunner, version: Version) -> Path:
    return ansible.inventory(["host1", "host2"], {"ansible_python_interpreter": version.python})


def assert_used(sandbox: SandboxHandle, output: str) -> None:
    """All that was to happen has happened, so that there was something to leak."""
    counters = sandbox.counters()
    for key in FOUR:
        assert counters[key]["tokens_granted"] >= 1, key
    assert counters["rimo3"]["refused_logins"] >= 1
    for sign in ("invalid_client", "certificate", "Connection", "HTML", "Would request"):
        assert sign.lower() in output.lower(), sign
    assert "Traceback" not in output
    assert "Internal error" not in output


@pytest.mark.parametrize("journal", ["", "1"], ids=["syslog", "journal"])
def test_a_playbook_leaks_nothing(
    ansible: AnsibleRunner, sandbox: SandboxHandle, version: Version, journal: str
) -> None:
    """The second time in check and diff mode, and with modules as files."""
    customized = ansible.inputs / "customized"
    customized.mkdir()
    (customized / "sitecustomize.py").write_text(SITECUSTOMIZE)
    system_log = ansible.folder / "system.log"
    one_html_answer(sandbox)
    with CommandLines() as lines:
        status, output = run(
            ansible, version, "ansible-playbook", "-i", str(inventory(ansible, version)), "-vvvv",
            "-e", ansible.variables(variables(sandbox)), *(["--check", "--diff"] if journal else []),
            str(playbook_file(ansible)),
            PYTHONPATH=str(customized), TEST_SYSTEM_LOG=str(system_log), TEST_JOURNAL=journal,
            **({"ANSIBLE_PIPELINING": "false"} if journal else {}),
        )  # fmt: skip
    assert status == 2, output[-3000:]
    assert f"ansible-playbook [core {version.core[0]}.{version.core[1]}." in output
    assert_used(sandbox, output)
    assert_nothing_leaked(sandbox, output, ansible.folder, ansible.inputs)
    assert "HTML" in (ansible.folder / "ansible.log").read_text()
    logged = system_log.read_text()
    assert "Invoked with" in logged
    assert "access_tokens=NOT_LOGGING_PARAMETER" in logged
    assert ("'ACCESS_TOKENS':" in logged) == bool(journal)
    assert ("AnsiballZ_token_test" if journal else f"/bin/sh\0-c\0{version.python}") in lines.text
    assert_clean(LeakDetector(sandbox), lines.text, [])
    assert list((ansible.folder / "retry").iterdir())


def test_ansible_runner_keeps_nothing(ansible: AnsibleRunner, sandbox: SandboxHandle, version: Version) -> None:
    """Its standard output, its events as JSON, its cache of facts, and all else it keeps of a run."""
    private = ansible.folder / "private"
    for name in ("env", "inventory", "project"):
        (private / name).mkdir(parents=True)
    shutil.copy(inventory(ansible, version), private / "inventory" / "hosts.json")
    shutil.copy(playbook_file(ansible), private / "project" / "playbook.json")
    (private / "env" / "extravars").write_text(json.dumps(variables(sandbox)))
    (private / "env" / "cmdline").write_text("-vvvv --diff")
    one_html_answer(sandbox)
    _status, output = run(ansible, version, "ansible-runner", "run", str(private), "-p", "playbook.json", "-i", "one")
    artifacts = private / "artifacts" / "one"
    assert (artifacts / "rc").read_text() == "2", output[-3000:]
    assert_used(sandbox, output)
    events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
    assert {"runner_on_ok", "runner_on_failed", "runner_item_on_ok"} <= {event["event"] for event in events}
    assert list((artifacts / "fact_cache").iterdir())
    assert_nothing_leaked(sandbox, output, ansible.folder, ansible.inputs, private / "env", private / "inventory")


# The search itself


def test_what_leaks_would_be_found(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    secret = sandbox.account("beyondtrust")["client_secret"]
    with CommandLines() as lines:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)", f"--password={secret}"], check=True)
    with pytest.raises(AssertionError):
        assert_clean(LeakDetector(sandbox), lines.text, [])
    for leaked in (secret, WRONG):
        with pytest.raises(AssertionError):
            assert_nothing_leaked(sandbox, f"before {leaked} after", ansible.folder)
        (ansible.folder / "left_behind").write_text(leaked)
        with pytest.raises(AssertionError, match="left_behind"):
            assert_nothing_leaked(sandbox, "", ansible.folder)
        assert_nothing_leaked(sandbox, "", ansible.folder, ansible.folder / "left_behind")
