# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role validate_tokens, each as a user sets it, by its playbook."""

from __future__ import annotations

import json
import re
import stat
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ..sandbox.server import SandboxHandle
from .runner import AnsibleRunner, Run

pytestmark = pytest.mark.measured

WRONG = "not-the-secret-0123456789"


class Validation:
    """Runs the playbook on hosts of two groups, of which each can have accounts of its own."""

    def __init__(self, ansible: AnsibleRunner) -> None:
        self.ansible = ansible
        self.folder = ansible.folder / "access_report"
        self.groups: dict[str, t.Any] = {}

    def __call__(self, *arguments: str, **variables: t.Any) -> Run:
        inventory = self.ansible.inputs / "groups.json"
        inventory.write_text(json.dumps({"all": {"children": self.groups}}))
        return self.ansible.playbook(
            "apiops.access.validate", "-i", str(inventory), *arguments, hosts=[], variables=variables, verbosity="-vvv"
        )

    @property
    def report(self) -> dict[str, t.Any]:
        return dict(json.loads((self.folder / "report.json").read_text()))

    @property
    def tested(self) -> dict[str, list[str]]:
        return {host["host"]: list(host["verdicts"]) for host in self.report["hosts"]}


@pytest.fixture
def validate(ansible: AnsibleRunner) -> Validation:
    return Validation(ansible)


@pytest.fixture
def accounts(sandbox: SandboxHandle) -> list[dict[str, t.Any]]:
    return [sandbox.account("rimo3"), sandbox.account("beyondtrust")]


def group(*hosts: str, **variables: t.Any) -> dict[str, t.Any]:
    return {"hosts": {host: {} for host in hosts}, "vars": variables}


def changes(run: Run) -> str:
    return run.output.split("Changed since")[1].split("hosts,")[0]


def test_which_groups_test_and_which_accounts_each_has(
    validate: Validation, sandbox: SandboxHandle, accounts: list[dict[str, t.Any]]
) -> None:
    rimo3, beyondtrust = accounts
    validate.groups = {
        "inside": group("in1", "in2", api_accounts=[rimo3, beyondtrust]),
        "edge": group("edge1", api_accounts=[beyondtrust]),
        "other": group("other1", api_accounts=[{**rimo3, "client_secret": WRONG}]),
    }
    run = validate(validate_tokens_groups=["edge", "inside"])
    assert run.status == 0, run.output
    assert validate.tested == {
        "in1": ["rimo3", "beyondtrust"],
        "in2": ["rimo3", "beyondtrust"],
        "edge1": ["beyondtrust"],
    }
    assert sandbox.counters()["rimo3"]["refused_logins"] == 0
    only = validate("-e", "validate_tokens_groups=edge")  # as text, from a command line or a survey
    assert only.status == 0
    assert validate.tested == {"edge1": ["beyondtrust"]}
    narrowed = validate("--limit", "in1", validate_tokens_groups=["inside"])
    assert narrowed.status == 0
    assert list(validate.tested) == ["in1"]


def test_a_group_that_is_not_there_is_said_before_anything_is_sent(
    validate: Validation, sandbox: SandboxHandle, accounts: list[dict[str, t.Any]]
) -> None:
    validate.groups = {"inside": group("in1", api_accounts=accounts)}
    run = validate(validate_tokens_groups=["insde", "inside"])
    assert run.status != 0
    assert "validate_tokens_groups has what the inventory does not: insde." in run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 0


@pytest.mark.parametrize(
    ("most", "status"),
    [("0", 2), ("1", 2), (2, 0), ("49%", 2), ("50%", 0), ("", 2), ("many", 2), ("-1", 2), ("5 %", 2)],
)
def test_how_many_hosts_may_fail(
    validate: Validation, accounts: list[dict[str, t.Any]], most: str | int, status: int
) -> None:
    rimo3, beyondtrust = accounts
    wrong = {**rimo3, "client_secret": WRONG}
    validate.groups = {
        "good": group("a", "b", api_accounts=[rimo3, beyondtrust]),
        "bad": group("c", "d", api_accounts=[wrong, {**beyondtrust, "client_secret": WRONG}]),
    }
    run = validate(validate_tokens_max_hosts_failed=most)
    assert run.status == status, run.output
    if str(most) in ("many", "-1", "5 %"):
        assert "validate_tokens_max_hosts_failed is a number of hosts" in run.output
        assert not validate.folder.exists()
    else:
        assert validate.report["failed_hosts"] == ["c", "d"]


def test_a_name_that_no_host_has_fails_however_many_may(validate: Validation, accounts: list[dict[str, t.Any]]) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=accounts)}
    run = validate(validate_tokens_max_hosts_failed="100%", validate_tokens_names=["rimo3", "typo"])
    assert run.status == 2
    assert "typo: indeterminate (unknown). The report above says why." in run.output


@pytest.mark.parametrize("formats", [["junit"], "json,junit", [], ["html", "json", "junit"]])
def test_formats(validate: Validation, accounts: list[dict[str, t.Any]], formats: t.Any) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=accounts)}
    run = validate(validate_tokens_report_formats=formats, validate_tokens_history_path="")
    assert run.status == 0, run.output
    wanted = formats.split(",") if isinstance(formats, str) else formats
    names = {"html": "report.html", "json": "report.json", "junit": "report.xml"}
    assert {path.name for path in validate.folder.iterdir()} == {names[format] for format in wanted}
    assert {stat.S_IMODE(path.stat().st_mode) for path in validate.folder.iterdir()} <= {0o600}
    if "junit" in wanted:
        root = ElementTree.parse(validate.folder / "report.xml").getroot()
        assert [(suite.get("name"), suite.get("tests")) for suite in root] == [
            ("hosts", "1"), ("rimo3", "1"), ("beyondtrust", "1"),
        ]  # fmt: skip


def test_a_format_that_is_not_there(validate: Validation, accounts: list[dict[str, t.Any]]) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=accounts)}
    run = validate(validate_tokens_report_formats=["pdf"])
    assert run.status != 0
    assert "value of validate_tokens_report_formats must be one or more of: html, json, junit" in run.output


def test_what_has_changed_since_the_last_run(
    validate: Validation, sandbox: SandboxHandle, accounts: list[dict[str, t.Any]]
) -> None:
    validate.groups = {"all_of_them": group("a", "b", api_accounts=accounts)}
    first = validate()
    assert first.status == 0
    assert "Changed since" not in first.output
    same = validate()
    assert "Nothing." in changes(same)
    since = validate.report["hosts"][0]["verdicts"]["beyondtrust"]["since"]
    sandbox.control("POST", "/accounts/beyondtrust", {"enabled": False})
    other = validate()
    assert other.status != 0
    assert "beyondtrust on a, b: invalid, was valid" in changes(other)
    verdict = validate.report["hosts"][1]["verdicts"]["beyondtrust"]
    assert verdict["before"] == "valid"
    assert verdict["since"] >= since
    assert validate.report["hosts"][1]["verdicts"]["rimo3"]["since"] == since
    assert stat.S_IMODE((validate.folder / "history.json").stat().st_mode) == 0o600
    assert re.search(r"changed=0\s", same.output)


def test_batches_are_compared_with_the_run_before_and_not_with_each_other(
    ansible: AnsibleRunner, sandbox: SandboxHandle, accounts: list[dict[str, t.Any]]
) -> None:
    play = {
        "hosts": "all",
        "gather_facts": False,
        "serial": 1,
        "vars": {"validate_tokens_fail_on": []},
        "roles": ["apiops.access.validate_tokens"],
    }
    variables = {"api_accounts": accounts}
    first = ansible.playbook([play], hosts=["a", "b"], variables=variables)
    assert first.status == 0, first.output
    assert "Changed since" not in first.output
    sandbox.control("POST", "/accounts/beyondtrust", {"enabled": False})
    second = ansible.playbook([play], hosts=["a", "b"], variables=variables)
    assert second.status == 0, second.output
    report = json.loads((ansible.folder / "access_report" / "report.json").read_text())
    assert [change["title"] for change in report["changes"]] == ["beyondtrust on a, b: invalid, was valid"]


def test_a_history_elsewhere_and_a_damaged_one(
    validate: Validation, ansible: AnsibleRunner, accounts: list[dict[str, t.Any]]
) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=accounts)}
    path = ansible.folder / "kept" / "history.json"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe not text")
    run = validate(validate_tokens_history_path=str(path))
    assert run.status == 0, run.output
    assert "The history file is damaged" in run.output
    again = validate(validate_tokens_history_path=str(path))
    assert "damaged" not in again.output.split("TASK")[-1]
    assert "Nothing." in changes(again)


def test_check_mode_reads_the_history_and_writes_nothing(
    validate: Validation, accounts: list[dict[str, t.Any]]
) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=accounts)}
    validate()
    before = {path.name: path.read_bytes() for path in validate.folder.iterdir()}
    run = validate("--check")
    assert run.status == 0, run.output
    assert "Nothing." in changes(run)
    assert {path.name: path.read_bytes() for path in validate.folder.iterdir()} == before


def test_the_table_is_the_last_thing_but_for_ansibles_own_recap(
    validate: Validation, accounts: list[dict[str, t.Any]]
) -> None:
    validate.groups = {"all_of_them": group("a", "b", api_accounts=accounts)}
    run = validate(validate_tokens_release=True)
    assert run.status == 0, run.output
    last = run.output.split("TASK [")[-1]
    tasks = re.findall(r"TASK \[([^]]+)\]", run.output)
    assert tasks[-2].endswith("Show the report"), tasks
    assert "skipping" in last


def test_a_token_that_cannot_be_given_back_is_said_after_the_report(
    validate: Validation, sandbox: SandboxHandle
) -> None:
    validate.groups = {"all_of_them": group("a", api_accounts=[sandbox.account("jim2_full")])}
    logoff = {"path": "/jim2/Jim_Sandbox/logoff", "times": 9, "status": 200, "truncate": True}
    sandbox.control("POST", "/faults", logoff)
    run = validate(validate_tokens_release=True)
    assert run.status == 2
    assert run.output.index("Give the tokens back") < run.output.index("Show the report")
    assert "a: tokens could not be given back. The report above says why." in run.output
    assert Path(validate.folder / "report.html").exists()
