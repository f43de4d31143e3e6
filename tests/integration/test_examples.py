# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example playbooks do their jobs, change nothing where nothing is to change, and say clearly what went wrong."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import stat
import typing as t
from pathlib import Path

import pytest

from ..environments import Version
from ..sandbox import beyondtrust_backup
from ..sandbox.server import SandboxHandle
from .runner import REPOSITORY, AnsibleRunner, Run
from .test_versions import version

__all__ = ["version"]  # the fixture

CHANGES = {"beyondtrust_backup": 3, "cimcloud_customers": 1, "jim2_job_stock": 0, "rimo3_package": 1}
"""How many tasks of each change something the first time."""

NAMES = tuple(CHANGES)
PACKAGE = {
    "fileLink": "https://files.example.com/tool-2.1.msi",
    "displayName": "Tool",
    "fileName": "tool-2.1.msi",
    "publisher": "Example",
    "name": "Tool",
    "version": "2.1",
    "installCommand": "msiexec /i tool-2.1.msi /qn",
    "uninstallCommand": "msiexec /x tool-2.1.msi /qn",
}


class Examples:
    """The example playbooks, run by name as a user would, on the accounts that they expect."""

    def __init__(self, ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
        self.ansible = ansible
        self.sandbox = sandbox
        self.folder = ansible.folder / "kept"
        names = {"support": "beyondtrust", "packaging": "rimo3", "shop": "cimcloud", "erp": "jim2_full"}
        self.accounts = [{**sandbox.account(key), "name": name} for name, key in names.items()]
        del self.accounts[-1]["scope"]  # Jim2 then grants all, which takes a licence

    def run(self, name: str, *arguments: str, env: t.Mapping[str, str] | None = None, **variables: t.Any) -> Run:
        return self.ansible.playbook(
            f"apiops.access.examples.{name}", *arguments, env=env,
            variables={
                "api_accounts": self.accounts,
                "backup_folder": str(self.folder),
                "customers_report": str(self.ansible.folder / "remote" / "customers.csv"),
                "package": PACKAGE,
                "package_delay": 0,
                "job": 1002,
                **variables,
            },
        )  # fmt: skip

    def backup(self, *arguments: str, **variables: t.Any) -> Run:
        return self.run("beyondtrust_backup", *arguments, **variables)

    @property
    def copies(self) -> list[Path]:
        """The kept backups, the oldest first."""
        return sorted(self.folder.glob("backup-*.nsb"))


@pytest.fixture
def examples(ansible: AnsibleRunner, sandbox: SandboxHandle) -> Examples:
    (ansible.folder / "remote").mkdir(exist_ok=True)
    return Examples(ansible, sandbox)


def changed(run: Run) -> int:
    """How many tasks changed something; the run succeeded."""
    assert run.status == 0, run.output
    (count,) = re.findall(r"^localhost +: ok=\d+ +changed=(\d+)", run.output, re.MULTILINE)
    return int(count)


def assert_failed(run: Run, *parts: str) -> None:
    """The run failed, and its output has all parts, however it is wrapped."""
    assert run.status == 2, run.output
    said = " ".join(run.output.split())
    for part in parts:
        assert part in said, run.output


def content(revision: int) -> bytes:
    return b"".join(beyondtrust_backup.content(revision, 100_000))


SEQUENCES = "/rimo3/api/v2/application-packages/3/sequences"
"""Of the first package that is uploaded."""


def sequence_says(sandbox: SandboxHandle, *states: str) -> None:
    for state in states:
        body = f'[{{"sequenceIdentifier": "1", "status": "{state}"}}]'
        headers = {"Content-Type": "application/json"}
        sandbox.control("POST", "/faults", {"path": SEQUENCES, "status": 200, "headers": headers, "body": body})


def hits(sandbox: SandboxHandle) -> list[int]:
    """How often each scripted answer was given."""
    return [fault["hits"] for fault in sandbox.control("GET", "/faults")["faults"]]


def server_fails(sandbox: SandboxHandle, path: str) -> None:
    sandbox.control("POST", "/faults", {"path": path, "times": 50, "status": 500, "body": "{}"})


# Every example


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_changes_nothing(examples: Examples, sandbox: SandboxHandle, name: str) -> None:
    sandbox.control("POST", "/limits", {"rimo3_queued": 0, "rimo3_running": 0})
    first = examples.run(name)
    assert changed(first) == CHANGES[name]
    assert changed(examples.run(name, "--check", "--diff")) == 0
    acts = {key: sandbox.counters()[key]["acts"] for key in ("beyondtrust", "cimcloud", "jim2_full", "rimo3")}
    assert changed(examples.run(name)) == 0
    assert {key: sandbox.counters()[key]["acts"] for key in acts} == acts


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("beyondtrust_backup", "/beyondtrust/api/backup"),
        ("cimcloud_customers", "/cimcloud/sandbox-store/customers"),
        ("jim2_job_stock", "/jim2/Jim_Sandbox/api/v1/jobs"),
        ("rimo3_package", "/rimo3/api/v2/application-packages"),
    ],
)
def test_a_server_with_a_problem_is_named(examples: Examples, sandbox: SandboxHandle, name: str, path: str) -> None:
    server_fails(sandbox, path)
    run = examples.run(name)
    assert_failed(run, f"{path}", "was answered with status 500. The server has a problem. Try again later.")


@pytest.mark.xdist_group("versions")
def test_the_examples_do_their_jobs_on_other_versions(
    examples: Examples, sandbox: SandboxHandle, version: Version
) -> None:
    environment = {"PATH": f"{version.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    sandbox.control("POST", "/limits", {"rimo3_queued": 0, "rimo3_running": 0})
    for name in NAMES:
        for expected in (CHANGES[name], 0):
            run = examples.run(name, env=environment, stock_needed={"SAND": 2})
            assert f"[core {version.core[0]}.{version.core[1]}." in run.output
            assert changed(run) == expected
    run = examples.run("jim2_job_stock", env=environment, stock_needed={"SAND": 3})
    assert_failed(run, "Job 1002 is short of SAND: 3 needed, 2.0 there.")
    slow = {**PACKAGE, "version": "2.2"}
    sandbox.control("POST", "/limits", {"rimo3_queued": 60})
    run = examples.run("rimo3_package", env=environment, package=slow, package_retries=1)
    assert_failed(run, "Tool 2.2 is not ready. Its sequence is Queued. Run this again to wait on.")


def test_every_example_is_tested() -> None:
    folder = REPOSITORY / "playbooks" / "examples"
    assert sorted(path.stem for path in folder.glob("*.yml")) == sorted(NAMES)


# BeyondTrust


def test_a_backup_is_the_owners_alone(examples: Examples) -> None:
    assert changed(examples.backup()) == 3
    (copy,) = examples.copies
    latest = examples.folder / "latest.nsb"
    assert copy.read_bytes() == latest.read_bytes() == content(1)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (examples.folder, latest, copy)] == [0o700, 0o600, 0o600]
    assert sorted(path.name for path in examples.folder.iterdir()) == [copy.name, "latest.nsb"]


def test_a_backup_that_differs_is_kept_and_the_oldest_goes(examples: Examples, sandbox: SandboxHandle) -> None:
    for revision in (1, 2, 3):
        sandbox.control("POST", "/backup", {"revision": revision})
        run = examples.backup(backup_keep="2")
    assert changed(run) == 3  # the newest, its copy, and what was removed
    assert [path.read_bytes() for path in examples.copies] == [content(2), content(3)]
    assert (examples.folder / "latest.nsb").read_bytes() == content(3)


def test_a_copy_that_an_interrupted_run_did_not_make_is_made_up_for(examples: Examples) -> None:
    examples.backup()
    (copy,) = examples.copies
    copy.unlink()
    assert changed(examples.backup()) == 1
    (copy,) = examples.copies
    assert hashlib.sha256(copy.read_bytes()).digest() == hashlib.sha256(content(1)).digest()


def test_check_mode_tells_of_a_new_backup_and_keeps_none(examples: Examples, sandbox: SandboxHandle) -> None:
    examples.backup()
    sandbox.control("POST", "/backup", {"revision": 2})
    assert changed(examples.backup("--check")) == 1
    assert (examples.folder / "latest.nsb").read_bytes() == content(1)
    assert len(examples.copies) == 1


def test_check_mode_before_the_first_backup_makes_no_folder(examples: Examples) -> None:
    assert changed(examples.backup("--check")) >= 1
    assert not examples.folder.exists()


def test_a_backup_without_the_permission_says_which_to_give(examples: Examples, sandbox: SandboxHandle) -> None:
    examples.backup()
    sandbox.control("POST", "/accounts/beyondtrust", {"permissions": {"perm_backup": False}})
    assert_failed(examples.backup(), "status 403", "Give the account the permission", "Backup API")
    assert (examples.folder / "latest.nsb").read_bytes() == content(1)
    assert len(examples.copies) == 1


def test_keeping_no_backup_at_all_is_refused(examples: Examples) -> None:
    assert_failed(examples.backup(backup_keep=0), "backup_keep must be a number above 0.")
    assert not examples.folder.exists()


# Rimo3


def test_a_package_is_uploaded_once_and_waited_for(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"rimo3_queued": 0, "rimo3_running": 0})
    sequence_says(sandbox, "Queued", "Running")
    assert changed(examples.run("rimo3_package")) == 1
    assert hits(sandbox) == [1, 1]
    assert changed(examples.run("rimo3_package")) == 0
    packages = sandbox.control("GET", "/records")["packages"]
    assert [package["display_name"] for package in packages] == ["Editor", "Viewer", "Tool"]
    assert changed(examples.run("rimo3_package", package={**PACKAGE, "version": "2.2"})) == 1


def test_a_package_that_takes_too_long_can_be_waited_for_again(examples: Examples, sandbox: SandboxHandle) -> None:
    assert_failed(
        examples.run("rimo3_package", package_retries=2),
        "Tool 2.1 is not ready. Its sequence is Queued. Run this again to wait on.",
    )
    sandbox.advance(60 + 240)
    assert changed(examples.run("rimo3_package")) == 0
    assert sandbox.counters()["rimo3"]["acts"] == 1


def test_a_package_that_fails_is_not_waited_for(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/switches", {"rimo3_sequences_fail": True})
    sandbox.control("POST", "/limits", {"rimo3_queued": 0, "rimo3_running": 0})
    for _run in range(2):
        before = sandbox.counters()["rimo3"]["calls"]
        assert_failed(examples.run("rimo3_package"), "Tool 2.1 failed in Rimo3: its sequence is Failed.")
        assert sandbox.counters()["rimo3"]["calls"] - before <= 4


def test_a_wait_outlasts_a_problem_of_the_server(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"rimo3_queued": 0, "rimo3_running": 0})
    sandbox.control("POST", "/faults", {"path": SEQUENCES, "times": 2, "status": 500, "body": '{"status": 500}'})
    assert changed(examples.run("rimo3_package")) == 1
    assert hits(sandbox) == [2]


def test_a_wait_ends_at_once_where_waiting_is_of_no_use(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": SEQUENCES, "times": 9, "status": 404, "body": "{}"})
    assert_failed(examples.run("rimo3_package", package_retries=5), "was answered with status 404. Check path")
    assert hits(sandbox) == [1]


def test_other_words_for_the_states_can_be_given(examples: Examples, sandbox: SandboxHandle) -> None:
    sequence_says(sandbox, "Completed", "Published")
    run = examples.run("rimo3_package", package_ready=["Published"], package_failed=["Broken"])
    assert changed(run) == 1


def test_an_upload_in_check_mode_uploads_nothing(examples: Examples, sandbox: SandboxHandle) -> None:
    assert changed(examples.run("rimo3_package", "--check")) == 1
    assert sandbox.counters()["rimo3"]["acts"] == 0


def test_a_package_that_rimo3_refuses_is_said_with_its_reason(examples: Examples) -> None:
    run = examples.run("rimo3_package", package={**PACKAGE, "publisher": ""})
    assert_failed(run, "status 400", "The publisher field is not a text.")


# CIMcloud


def rows(examples: Examples) -> list[list[str]]:
    with (examples.ansible.folder / "remote" / "customers.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_the_report_has_every_customer_of_all_pages(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"cimcloud_per_window": 4})  # the token, and three pages
    assert changed(examples.run("cimcloud_customers")) == 1
    expected = [[str(number), f"C-{number:04d}", f"Customer {number}", "1"] for number in range(1, 121)]
    assert rows(examples) == [["id", "ref_id", "nm", "status"], *expected]
    counters = sandbox.counters()["cimcloud"]
    assert (counters["token_requests"], counters["calls"]) == (1, 3)


def test_a_search_narrows_the_report(examples: Examples) -> None:
    search = "searchlike~nm~Customer 12"
    examples.run("cimcloud_customers", customers_search=search, customers_columns=["nm", "gone"])
    assert rows(examples) == [["nm", "gone"], ["Customer 12", ""], ["Customer 120", ""]]


def test_a_report_is_written_again_where_a_customer_differs(examples: Examples, sandbox: SandboxHandle) -> None:
    examples.run("cimcloud_customers")
    renamed = {"path": "customers", "method": "POST", "body": {"id": 7, "nm": 'The "7", Ltd'}}
    shop = {**examples.accounts[2]}
    del shop["name"]
    assert examples.ansible.task("api_request", {**shop, **renamed}).status == 0
    assert changed(examples.run("cimcloud_customers")) == 1
    assert rows(examples)[7] == ["7", "C-0007", 'The "7", Ltd', "1"]


def test_more_customers_than_allowed_for_leave_no_report(examples: Examples) -> None:
    run = examples.run("cimcloud_customers", customers_pages=2)
    assert_failed(run, "has more than 2 pages. Narrow the list, or raise max_pages.")
    assert not (examples.ansible.folder / "remote" / "customers.csv").exists()


def test_customers_that_are_not_assigned_are_said_to_be_not_permitted(
    examples: Examples, sandbox: SandboxHandle
) -> None:
    sandbox.control("POST", "/accounts/cimcloud", {"resources": ["products"]})
    assert_failed(examples.run("cimcloud_customers"), "status 403", "is not assigned to the authorization", "Check its")


# Jim2


def test_a_job_with_enough_stock_passes_and_takes_no_licence(examples: Examples, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"jim2_licences": 0})
    assert changed(examples.run("jim2_job_stock", stock_needed={"SAND": 2, "LIME": "1"})) == 0
    counters = sandbox.counters()["jim2_full"]
    assert (counters["tokens_granted"], counters["logoffs"], counters["live_tokens"]) == (1, 1, 0)


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_short_is_told(examples: Examples, strict: bool) -> None:
    needed = {"SAND": 3, "LIME": 1, "BRICK": 10}
    run = examples.run("jim2_job_stock", stock_needed=needed, stock_must_suffice=strict)
    assert run.status == (2 if strict else 0), run.output
    assert "Job 1002 is short of SAND: 3 needed, 2.0 there." in run.output
    assert "Job 1002 is short of BRICK: 10 needed, 0 there." in run.output
    assert "short of LIME" not in run.output


def test_a_job_that_is_not_there_is_said_and_the_token_given_back(examples: Examples, sandbox: SandboxHandle) -> None:
    assert_failed(examples.run("jim2_job_stock", job=9999), "status 404", "There is no such job", "Check path")
    counters = sandbox.counters()["jim2_full"]
    assert (counters["logoffs"], counters["live_tokens"]) == (1, 0)


def test_a_job_that_is_not_named_is_asked_for(examples: Examples, sandbox: SandboxHandle) -> None:
    assert_failed(examples.run("jim2_job_stock", job=""), "Name the job by its number, as in -e job=1001.")
    assert sandbox.counters()["jim2_full"]["token_requests"] == 0
