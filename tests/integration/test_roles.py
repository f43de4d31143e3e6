# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles and their playbooks, run as a user runs them: everybody is heard, and what is wrong is said at the end."""

from __future__ import annotations

import json
import re
import stat
import typing as t
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .runner import AnsibleRunner, Run


def report_of(ansible: AnsibleRunner) -> dict[str, t.Any]:
    return dict(json.loads((ansible.folder / "access_report" / "report.json").read_text()))


def validate(
    ansible: AnsibleRunner, accounts: t.Any, *arguments: str, hosts: t.Sequence[str] = ("host1", "host2"),
    variables: t.Mapping[str, t.Any] | None = None,
) -> Run:  # fmt: skip
    """The playbook of the collection; every file that it writes is searched for secrets, as its output is."""
    return ansible.playbook(
        "apiops.access.validate", *arguments, hosts=hosts, variables={"api_accounts": accounts, **(variables or {})}
    )


def outcomes(report: dict[str, t.Any]) -> dict[str, dict[str, str]]:
    return {
        host["host"]: {name: verdict["outcome"] for name, verdict in host["verdicts"].items()}
        for host in report["hosts"]
    }


def test_every_account_from_every_host(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    run = validate(ansible, four_accounts, hosts=["host1", "host2", "host3", "host4"])
    assert run.status == 0, run.output
    report = report_of(ansible)
    valid = dict.fromkeys(FOUR, "valid")
    assert outcomes(report) == {"host1": valid, "host2": valid, "host3": valid, "host4": valid}
    assert (report["totals"]["checks"], report["totals"]["tokens_requested"]) == (16, 4)
    assert re.search(r"HOST\s+rimo3\s+cimcloud\s+jim2\s+beyondtrust", run.output)
    files = sorted((ansible.folder / "access_report").iterdir())
    assert [path.name for path in files] == ["history.json", "report.html", "report.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_page_needs_nothing_else_and_escapes_what_servers_say(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    hostile = {"error": "invalid_client", "error_description": "</td><script>alert(1)</script><img src=//evil.example>"}
    sandbox.control(
        "POST",
        "/faults",
        {"path": "/rimo3/api/v2/connect/token", "times": 1, "status": 401, "body": json.dumps(hostile)},
    )
    validate(ansible, [sandbox.account("rimo3"), sandbox.account("jim2")])
    page = (ansible.folder / "access_report" / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    tags: list[str] = []
    attributes: list[tuple[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            attributes.extend(attrs)

    Reader().feed(page)
    assert not {"img", "link", "iframe", "object"} & set(tags)
    assert tags.count("script") == 1  # the page's own
    assert not {"src", "onclick"} & {name for name, _value in attributes}
    assert all(str(value).startswith("#") for name, value in attributes if name == "href")
    assert not re.search(r"@import|url\(", page)
    for expected in ("host1", "host2", "rimo3", "jim2", "invalid_client", "viewport"):
        assert expected in page


def test_whoever_cannot_test_is_a_row_and_stops_nobody(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    accounts = [sandbox.account("rimo3"), {**sandbox.account("jim2"), "client_secret": "not-the-secret-0123456789"}]
    inventory = ansible.inputs / "more.json"
    gone = {"ansible_connection": "gone"}
    bare = {"ansible_python_interpreter": "/nowhere/python"}
    inventory.write_text(json.dumps({"all": {"hosts": {"gone": gone, "bare": bare}}}))
    run = validate(ansible, accounts, "-i", str(inventory), hosts=["host1"])
    assert run.status != 0
    report = report_of(ansible)
    rows = {host["host"]: host for host in report["hosts"]}
    assert set(rows) == {"host1", "gone", "bare"}
    assert rows["host1"]["verdicts"]["rimo3"]["outcome"] == "valid"
    assert rows["host1"]["verdicts"]["jim2"]["outcome"] == "invalid"
    assert rows["gone"]["state"] == "unreachable"
    assert rows["bare"]["state"] == "failed"
    assert "interpreter" in rows["bare"]["message"]
    assert "jim2" in run.output.split("Fail where a token is not as wanted")[1]
    assert sandbox.counters()["jim2"]["refused_logins"] == 1


@pytest.mark.parametrize(("fail_on", "status"), [([], 0), (["indeterminate"], 0), (["invalid"], 2)])
def test_the_user_says_what_fails(
    ansible: AnsibleRunner, sandbox: SandboxHandle, fail_on: list[str], status: int
) -> None:
    accounts = [{**sandbox.account("rimo3"), "client_secret": "not-the-secret-0123456789"}]
    run = validate(ansible, accounts, variables={"validate_tokens_fail_on": fail_on})
    assert run.status == status, run.output
    assert outcomes(report_of(ansible))["host2"] == {"rimo3": "invalid"}


def test_what_was_taken_is_given_back_also_after_a_failure(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    accounts = [sandbox.account("jim2_full"), {**sandbox.account("rimo3"), "base_url": "https://rimo3.invalid"}]
    run = validate(ansible, accounts, variables={"validate_tokens_release": True})
    assert run.status != 0
    counters = sandbox.counters()
    assert counters["jim2_full"]["logoffs"] == 1
    assert counters["licences_in_use"] == 0


def test_names_and_another_folder(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    chosen = {"validate_tokens_names": ["jim2"], "validate_tokens_report_path": str(ansible.folder / "elsewhere")}
    run = validate(ansible, four_accounts, variables=chosen)
    assert run.status == 0, run.output
    report = json.loads((ansible.folder / "elsewhere" / "report.json").read_text())
    assert [account["name"] for account in report["accounts"]] == ["jim2"]
    assert sandbox.counters()["rimo3"]["calls"] == 0


@pytest.mark.parametrize("wrong", [
    {"api_accounts": "{secret}"}, {"api_accounts": ["{secret}"]}, {"api_accounts": {"client_secret": "{secret}"}},
    {"api_accounts": [{"name": "x", "provider": "rimo3", "client_secret": ["{secret}"], "client_id": "y"}]},
    {"api_accounts": [{"name": "x", "provider": "rimo3", "client_secret": {"a": "{secret}"}, "client_id": "y"}]},
    {"api_accounts": [{"name": "x", "client_secrets": "{secret}"}]},
])  # fmt: skip
@pytest.mark.parametrize("playbook", ["apiops.access.validate", "apiops.access.provision"])
def test_accounts_of_the_wrong_form_end_in_an_error_and_no_leak(
    ansible: AnsibleRunner, sandbox: SandboxHandle, playbook: str, wrong: dict[str, t.Any]
) -> None:
    secret = json.dumps(sandbox.account("rimo3")["client_secret"])[1:-1]
    run = ansible.playbook(playbook, variables=json.loads(json.dumps(wrong).replace("{secret}", secret)))
    assert run.status != 0
    assert "Traceback" not in run.output


# Provisioning


def provision(ansible: AnsibleRunner, accounts: t.Any, *arguments: str, **variables: t.Any) -> Run:
    return ansible.playbook("apiops.access.provision", *arguments, variables={"api_accounts": accounts, **variables})


def test_all_accounts_proven(ansible: AnsibleRunner, four_accounts: list[dict[str, t.Any]]) -> None:
    run = provision(ansible, four_accounts)
    assert run.status == 0, run.output
    assert "4 accounts: 4 as wanted" in run.output
    again = provision(ansible, four_accounts)
    assert re.search(r"changed=0\s", again.output)


@pytest.mark.parametrize("arguments", [(), ("--check", "--diff")], ids=["run", "check"])
def test_one_account_stops_no_other_and_the_steps_are_one_list(
    ansible: AnsibleRunner, sandbox: SandboxHandle, arguments: tuple[str, ...]
) -> None:
    new = {option: value for option, value in sandbox.account("rimo3").items() if not option.startswith("client_")}
    accounts = [
        {**sandbox.account("cimcloud"), "base_url": "https://cimcloud.invalid", "retries": 0},
        {**sandbox.account("jim2"), "client_secret": "not-the-secret-0123456789"},
        {**sandbox.account("beyondtrust"), "settings": {"perm_command": "deny"}},
        {**new, "name": "new one"},
        sandbox.account("rimo3"),
    ]
    path = ansible.folder / "out" / "work.md"
    path.parent.mkdir()
    run = provision(ansible, accounts, *arguments, provision_accounts_report_path=str(path))
    assert run.status != 0
    shown = run.output.split("Show the report")[1]
    steps = shown.split("What people have to do")[1]
    for part in ("jim2: repair", "beyondtrust: change", "new one: create", "perm_command", "Add API Account"):
        assert part in steps
    assert "host name cimcloud.invalid is not known" in shown
    assert "Not as wanted: cimcloud, jim2, beyondtrust, new one" in run.output
    if arguments:
        assert not path.exists()
    else:
        written = path.read_text()
        assert "new one" in written
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Path(sandbox.config["ca_path"]).exists()


def test_provisioning_can_report_without_failing(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    accounts = [{**sandbox.account("rimo3"), "rotate_secret": "always"}]
    run = provision(ansible, accounts, provision_accounts_fail=False)
    assert run.status == 0, run.output
    assert "Regenerate" in run.output
