# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that rotates secrets: wherever it stops, an account works, and the next run goes on from there."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import signal
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from ..sandbox.server import SandboxHandle
from .oauth2_clients import using
from .oidc_server import OidcServer
from .runner import AnsibleRunner, Run
from .test_account_registration import SHOPS, Options, Provisioner
from .test_account_registration_faults import in_proc, processes

HOSTS = ("host1", "host2")
NAMED: Options = {"rotate": "reporting"}
REFUSED: Options = {"action": "answer", "status": 401, "body": {"error": "invalid_client"}}

_REACHED_WITHIN = 120.0

STORE = [
    {
        "name": "Put it on the shelf",
        "ansible.builtin.copy": {
            "content": "{{ provision_accounts_record | combine({'change': provision_accounts_change}) | to_json }}",
            "dest": "{{ shelf }}/{{ provision_accounts_record.name }}.json",
            "mode": "0600",
        },
    }
]


class Rotation(Provisioner):
    """An account in a records file, a store, and the playbook."""

    def __init__(self, ansible: AnsibleRunner, oidc: OidcServer, options: Options, folder: Path | None = None) -> None:
        super().__init__(ansible, oidc, options, folder)
        # The controller and the hosts use the token there, each time that they prove one.
        self.options.update(using(oidc))
        self.shelf = ansible.inputs / "shelf"
        self.allowed: list[Path] = []
        self.store = ansible.folder / "store.yml"
        self.store.write_text(yaml.safe_dump(STORE))

    def rotate(self, *arguments: str, **variables: t.Any) -> Run:
        """Run the playbook; ``variables`` of None take one out."""
        given = {
            "records_file": str(self.path),
            "initial_access_token": self.options["initial_access_token"],
            "store": str(self.store),
            "shelf": str(self.shelf),
            **variables,
        }
        return self.ansible.playbook(
            "apiops.access.rotate", *self.vault(*arguments), hosts=HOSTS,
            variables={name: value for name, value in given.items() if value is not None}, allowed=self.allowed,
        )  # fmt: skip

    def begin(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Have an account whose new secret no host has proven yet; its records, old and new."""
        old = self.created()
        self.task(rotate_secret="always", rotate_by="replace", retire="later")
        return old, self.record()

    def stored(self) -> str | None:
        """The client ID of the account that the store has."""
        file = self.shelf / "reporting.json"
        return str(json.loads(file.read_text())["client_id"]) if file.exists() else None

    def killed(self, method: str, path: str, skip: int = 0) -> None:
        """A run all of which is killed between an answer of the server and its arrival."""
        # A module that is killed leaves itself on its host, with the access token that it was given.
        self.allowed = [self.ansible.remote]
        self.oidc.fault("hold_after", method, path, skip=skip)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            run = pool.submit(self.rotate, **NAMED)
            deadline = time.monotonic() + _REACHED_WITHIN
            try:
                while self.oidc.state()["held"] == 0 and not run.done():
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                assert not run.done(), run.result().output
                for process in processes(self.ansible):
                    os.kill(int(process.name), signal.SIGKILL)
                assert run.result().status == -signal.SIGKILL
            finally:
                self.oidc.release()


@pytest.fixture
def rotation(oidc_ansible: AnsibleRunner, oidc: OidcServer, oidc_account: Options) -> Rotation:
    made = Rotation(oidc_ansible, oidc, oidc_account)
    made.shelf.mkdir()
    return made


def changes(run: Run) -> list[int]:
    """The number of changed tasks of each host."""
    return [int(number) for number in re.findall(r"changed=(\d+)", run.output)]


def left(run: Run) -> str:
    """What a run says at its end that failed."""
    assert run.status == 2, run.output
    said = re.findall(r'"msg": "(Not done for [^"]*)"', run.output)
    assert len(said) == 1, run.output
    return str(said[0])


def assert_begun(rotation: Rotation, old: dict[str, t.Any], *, stored: bool = True) -> dict[str, t.Any]:
    """The new account is recorded, and both work; return the new one's record."""
    new = rotation.record()
    assert new["client_id"] != old["client_id"]
    assert new["registration"]["replaced"] == old
    assert (rotation.works(old), rotation.works(new)) == (True, True)
    assert set(rotation.oidc.clients()) >= {old["client_id"], new["client_id"]}
    assert (rotation.stored() == new["client_id"]) is stored
    return new


def assert_over(
    rotation: Rotation, run: Run, old: dict[str, t.Any], registered: int = 2, lost: t.Collection[str] = ()
) -> None:
    """The rotation is done, with no registration more than it takes."""
    assert run.status == 0, run.output
    new = rotation.record()
    assert (rotation.works(old), rotation.works(new)) == (False, True)
    assert set(rotation.oidc.clients()) - set(lost) == {new["client_id"]}
    assert rotation.stored() == new["client_id"]
    assert "replaced" not in new["registration"]
    assert rotation.pending() == []
    assert rotation.sent()["POST"] == registered


def assert_unchanged(rotation: Rotation) -> None:
    """Another run changes nothing."""
    files = {path: path.read_bytes() for folder in (rotation.path.parent, rotation.shelf) for path in folder.iterdir()}
    clients, sent = rotation.oidc.clients(), rotation.sent()
    again = rotation.rotate()
    assert (again.status, set(changes(again))) == (0, {0}), again.output
    assert {path: path.read_bytes() for path in files} == files
    assert rotation.oidc.clients() == clients
    assert (rotation.sent() - sent).keys() == {"GET"}


def test_a_secret_is_renewed_proven_by_every_host_and_only_then_is_the_old_one_retired(rotation: Rotation) -> None:
    old = rotation.created(settings=SHOPS)
    run = rotation.rotate(**NAMED)
    assert "as wanted (rotated)" in run.output
    assert "2 checks: 2 valid" in run.output
    new = rotation.record()
    told = f"Client {old['client_id']}, whose place it has taken, was deleted."
    assert run.output.index("2 checks: 2 valid") < run.output.index(told)
    # Nothing else about the account has changed.
    kept = ("client_id", "client_secret", "registration")
    assert {key: new[key] for key in new if key not in kept} == {key: old[key] for key in old if key not in kept}
    assert rotation.client()["contacts"] == SHOPS["contacts"]
    assert_over(rotation, run, old)
    assert_unchanged(rotation)


def test_what_is_old_enough_is_renewed_and_nothing_else(rotation: Rotation) -> None:
    young = rotation.created(name="young")
    old = rotation.created()
    document = rotation.document()
    document["api_accounts"][1]["registration"]["secret_changed_at"] = "2020-01-01T00:00:00Z"
    rotation.write(yaml.safe_dump(document))
    unchanged = rotation.rotate(store=None)
    assert (unchanged.status, set(changes(unchanged))) == (0, {0}), unchanged.output
    run = rotation.rotate(rotate_after_days=90)
    assert run.status == 0, run.output
    assert rotation.record("young") == young
    assert set(rotation.oidc.clients()) == {young["client_id"], rotation.record()["client_id"]}
    assert (rotation.works(old), rotation.works()) == (False, True)


def test_check_mode_says_what_it_would_do_and_does_nothing(rotation: Rotation) -> None:
    rotation.created()
    stored, sent = rotation.path.read_bytes(), rotation.sent()
    run = rotation.rotate("--check", "--diff", **NAMED)
    assert run.status == 0, run.output
    assert "It would be given a new secret." in run.output
    assert (rotation.sent() - sent).keys() == {"GET"}
    assert rotation.path.read_bytes() == stored
    rotation.task(rotate_secret="always", rotate_by="replace", retire="later")
    old = rotation.record()["registration"]["replaced"]
    stored, sent = rotation.path.read_bytes(), rotation.sent()
    run = rotation.rotate("--check", "--diff")
    assert run.status == 0, run.output
    assert f"Client {old['client_id']}, whose place it has taken, would be deleted." in run.output
    assert (rotation.sent() - sent).keys() == {"GET"}
    assert rotation.path.read_bytes() == stored
    assert rotation.stored() is None
    assert rotation.works(old)


def test_records_among_the_group_vars_are_rotated_as_any(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, oidc_account: Options
) -> None:
    folder = oidc_ansible.inputs / "group_vars" / "all"
    folder.mkdir(parents=True)
    rotation = Rotation(oidc_ansible, oidc, oidc_account, folder)
    rotation.shelf.mkdir()
    old = rotation.created()
    assert_over(rotation, rotation.rotate(**NAMED), old)


def test_without_an_inventory_the_controller_is_the_host_that_proves(rotation: Rotation) -> None:
    old = rotation.created()
    variables = {"records_file": str(rotation.path), "rotate": "reporting"}
    token = {"initial_access_token": rotation.options["initial_access_token"]}
    run = rotation.ansible.command(
        "ansible-playbook", "apiops.access.rotate", "-vvvv", *rotation.vault(),
        "-e", rotation.ansible.variables({**variables, **token}),
    )  # fmt: skip
    assert run.status == 0, run.output
    assert "1 check: 1 valid" in run.output
    assert (rotation.works(old), rotation.works()) == (False, True)


# Something breaks


def test_a_registration_whose_answer_is_lost_costs_nobody_the_old_account(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.oidc.fault("drop_after", "POST", "/tenant/reg")
    assert "reporting" in left(rotation.rotate(**NAMED))
    unsettled(rotation, old)


@in_proc
def test_a_run_that_is_killed_before_it_records_the_new_account_costs_nobody_the_old_one(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.killed("POST", "/tenant/reg")
    unsettled(rotation, old)


def unsettled(rotation: Rotation, old: dict[str, t.Any]) -> None:
    """An account may be there that nobody knows: the old one works, and the rotation waits for a person."""
    (lost,) = set(rotation.oidc.clients()) - {old["client_id"]}
    assert (rotation.record(), rotation.pending(), rotation.works(old)) == (old, [("reporting", "replace")], True)
    run = rotation.rotate(**NAMED)
    assert "reporting" in left(run)
    assert "Look at the server" in run.output
    assert (rotation.record(), rotation.sent()["POST"]) == (old, 2)
    # As the message says, apart from the deletion at the server.
    rotation.write(yaml.safe_dump({"api_accounts": [old]}))
    assert_over(rotation, rotation.rotate(**NAMED), old, registered=3, lost=[lost])


def test_a_new_account_that_does_not_work_leaves_the_old_one(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.oidc.fault(method="POST", path="/tenant/token", **REFUSED)
    run = rotation.rotate(**NAMED)
    assert "reporting" in left(run)
    assert "does not work" in run.output
    assert rotation.document() == {"api_accounts": [old]}
    assert list(rotation.oidc.clients()) == [old["client_id"]]
    assert (rotation.works(old), rotation.stored()) == (True, None)
    assert_over(rotation, rotation.rotate(**NAMED), old, registered=3)


@in_proc
def test_a_run_that_is_killed_before_it_proves_the_new_account_is_continued(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.killed("POST", "/tenant/token")
    assert_begun(rotation, old, stored=False)
    assert_over(rotation, rotation.rotate(**NAMED), old)


def test_a_store_that_fails_keeps_the_old_account_until_it_has_the_new_one(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.shelf.rmdir()
    run = rotation.rotate(**NAMED)
    assert "reporting" in left(run)
    assert 'the task \\"Put it on the shelf\\" failed' in run.output
    # There is nothing that a host could have a use for.
    assert "HOST" not in run.output
    assert_begun(rotation, old, stored=False)
    again = rotation.rotate(**NAMED)
    assert "reporting" in left(again)
    assert_begun(rotation, old, stored=False)
    assert "DELETE" not in rotation.sent()
    rotation.shelf.mkdir()
    assert_over(rotation, rotation.rotate(**NAMED), old)
    assert_unchanged(rotation)


@pytest.mark.parametrize("fail_on", [None, ["invalid"]], ids=["strict", "lenient"])
def test_a_secret_that_no_host_can_use_keeps_the_old_one(rotation: Rotation, fail_on: list[str] | None) -> None:
    old = rotation.created()
    # After the two proofs of the controller.
    rotation.oidc.fault("answer", "GET", "/resource/me", status=403, skip=2, times=2)
    run = rotation.rotate(**NAMED, validate_tokens_fail_on=fail_on)
    assert "2 checks: 0 valid, 0 invalid, 2 indeterminate" in run.output
    if fail_on:
        assert "reporting" in left(run)
    assert run.status == 2
    assert_begun(rotation, old)
    assert_over(rotation, rotation.rotate(**NAMED), old)


def test_a_host_that_is_gone_keeps_the_old_secret_unless_the_user_can_do_without(rotation: Rotation) -> None:
    old = rotation.created()
    gone = rotation.ansible.inputs / "gone.json"
    gone.write_text(json.dumps({"all": {"hosts": {"gone": {"ansible_connection": "gone"}}}}))
    assert rotation.rotate("-i", str(gone), **NAMED).status != 0
    assert_begun(rotation, old)
    run = rotation.rotate("-i", str(gone), **NAMED, validate_tokens_max_hosts_failed=1)
    assert_over(rotation, run, old)


def test_hosts_that_are_not_there_prove_nothing(rotation: Rotation) -> None:
    old = rotation.created()
    assert "reporting" in left(rotation.rotate(**NAMED, target="nobody"))
    assert_begun(rotation, old)
    assert_over(rotation, rotation.rotate(**NAMED, target="host2"), old)


@in_proc
def test_a_run_that_is_killed_while_the_hosts_prove_is_continued(rotation: Rotation) -> None:
    old = rotation.created()
    rotation.killed("GET", "/resource/me", skip=2)
    assert_begun(rotation, old)
    assert_over(rotation, rotation.rotate(), old)


@pytest.mark.parametrize("fault", ["answer", "drop_after", pytest.param("killed", marks=in_proc)])
def test_a_deletion_that_fails_is_made_by_the_next_run(rotation: Rotation, fault: str) -> None:
    old = rotation.created()
    if fault == "killed":
        rotation.killed("DELETE", "/tenant/reg")
    else:
        status = {"status": 503} if fault == "answer" else {}
        rotation.oidc.fault(fault, "DELETE", "/tenant/reg", **status)
        assert "reporting" in left(rotation.rotate(**NAMED))
    new = rotation.record()
    assert (new["registration"]["replaced"], rotation.works(new)) == (old, True)
    assert rotation.stored() == new["client_id"]
    assert rotation.works(old) is (fault == "answer")
    assert_over(rotation, rotation.rotate(**NAMED), old)
    assert_unchanged(rotation)


# By an update


def test_a_secret_can_be_renewed_in_place(rotation: Rotation) -> None:
    rotation.oidc.settings(rotate_secret_on_update=True)
    old = rotation.created()
    run = rotation.rotate(**NAMED, rotate_by="update")
    assert run.status == 0, run.output
    assert "2 checks: 2 valid" in run.output
    new = rotation.record()
    assert (new["client_id"], rotation.works(old), rotation.works(new)) == (old["client_id"], False, True)
    assert rotation.stored() == new["client_id"]


def test_an_account_that_was_begun_to_be_replaced_is_not_also_renewed_in_place(rotation: Rotation) -> None:
    rotation.oidc.settings(rotate_secret_on_update=True)
    old, new = rotation.begin()
    rotation.oidc.fault("answer", "GET", "/resource/me", status=403, times=2)
    run = rotation.rotate(**NAMED, rotate_by="update")
    assert run.status == 2
    assert "2 checks: 0 valid" in run.output
    assert assert_begun(rotation, old, stored=False) == new
    assert_over(rotation, rotation.rotate(**NAMED, rotate_by="update"), old)
    assert "PUT" not in rotation.sent()


# What people have to do


def test_of_an_account_that_no_program_can_change_people_are_told_and_the_others_are_renewed(
    rotation: Rotation, sandbox: SandboxHandle
) -> None:
    old = rotation.created()
    inventory = rotation.ansible.inputs / "accounts.json"
    packaging = {**sandbox.account("rimo3"), "name": "packaging"}
    inventory.write_text(json.dumps({"all": {"vars": {"api_accounts": [packaging]}}}))
    run = rotation.rotate("-i", str(inventory), rotate="packaging,reporting")
    assert left(run).startswith("Not done for packaging: ")
    assert "packaging: renew the secret" in run.output
    assert (rotation.works(old), rotation.works()) == (False, True)
    assert rotation.stored() == rotation.record()["client_id"]


@pytest.mark.parametrize(
    ("variables", "arguments", "part"),
    [
        (
            {"api_accounts": [{"name": "reporting", "provider": "oauth2"}]},
            (),
            "which hides the accounts of records_file",
        ),
        ({"rotate": "reporting,erp"}, (), "rotate names accounts that neither records_file nor api_accounts has: erp."),
        ({**NAMED, "rotate_after_days": 90}, (), "Give either rotate, "),
        ({"records_file": "/nowhere/accounts.yml"}, (), "There is none at /nowhere/accounts.yml."),
        ({"records_file": None}, (), "Set records_file to the file of account records"),
        ({**NAMED, "store": "/nowhere/store.yml"}, (), "/nowhere/store.yml is none."),
        (NAMED, ("--limit", "host1"), "Choose the hosts that prove by -e target=GROUP."),
    ],
    ids=["hidden", "unknown", "both", "missing", "none", "store", "limit"],
)
def test_what_cannot_be_done_is_told_before_anything_is_sent(
    rotation: Rotation, variables: Options, arguments: tuple[str, ...], part: str
) -> None:
    shown = {option: rotation.options[option] for option in ("name", "provider", "issuer", "ca_path")}
    rotation.write(yaml.safe_dump({"api_accounts": [{**shown, "client_id": "nobody", "registration": {}}]}))
    stored = rotation.path.read_bytes()
    run = rotation.rotate(*arguments, **variables)
    assert run.status == 2, run.output
    assert part in run.output
    assert (rotation.path.read_bytes(), rotation.oidc.requests()) == (stored, {})
