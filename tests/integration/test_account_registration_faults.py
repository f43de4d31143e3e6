# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever breaks while an account is made or changed, no second one is made, and its owner is told what is left."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import os
import re
import secrets
import signal
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from . import oidc_server
from .leaks import LeakDetector
from .oidc_server import OidcServer
from .runner import AnsibleRunner, Run
from .test_account_registration import SHOPS, Options, Provisioner, account, run_task
from .test_oidc_server import wait_until

__all__ = ["account"]  # the fixture

NEW: Options = {"settings": {"contacts": ["new@example.com"]}}
ROTATION: Options = {"rotate_secret": "always"}
REPLACEMENT: Options = {**ROTATION, "rotate_by": "replace"}

in_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes of a run in /proc")


def failed(run: Run, kind: str, *parts: str) -> dict[str, t.Any]:
    """The result of a run that failed so, and said all parts."""
    result = run.result
    assert (result["failed"], result["changed"], result["failure"]["kind"]) == (True, False, kind), result["msg"]
    for part in parts:
        assert part in result["msg"], result["msg"]
    return result


def processes(ansible: AnsibleRunner) -> list[Path]:
    """The processes of a runner, which have the same home and sessions of their own."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"HOME={ansible.home}".encode() in (path / "environ").read_bytes().split(b"\0"):
                found.append(path)
    return found


@contextlib.contextmanager
def held(account: Provisioner, method: str, *arguments: str, **changes: t.Any) -> t.Iterator[t.Callable[[], Run]]:
    """A run whose request the server has answered, and whose answer waits; call what is given for the run's end."""
    account.oidc.fault("hold_after", method, "/tenant/reg")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        run = pool.submit(account.task, *arguments, **changes)
        try:
            wait_until(lambda: account.oidc.state()["held"] == 1 or run.done())
            assert not run.done(), run.result().output
            yield run.result
        finally:
            account.oidc.release()


def killed(account: Provisioner, method: str, **changes: t.Any) -> None:
    """A run all of which is killed between the server's answer and its arrival."""
    with held(account, method, **changes) as end:
        for path in processes(account.ansible):
            os.kill(int(path.name), signal.SIGKILL)
        assert end().status == -signal.SIGKILL


# The answer to the registration is lost


def assert_unfinished(account: Provisioner) -> None:
    """An attempt to make the account is noted: it keeps all runs from another one, until it is forgotten."""
    assert account.pending() == [("reporting", "create")]
    assert account.records() == {}
    stored, sent, clients = account.path.read_bytes(), account.sent(), account.oidc.clients()
    where = f"Look at the server ({account.oidc.issuer}/reg) for a client named 'reporting'"
    for arguments in ((), account.vault("--check")):
        failed(account.task(*arguments), "unfinished", "to create this account", where, "state: absent")
    assert (account.path.read_bytes(), account.sent(), account.oidc.clients()) == (stored, sent, clients)
    forgotten = account.task(state="absent").result
    assert (forgotten["failed"], forgotten["change"]) == (False, "forgotten")
    assert "only its administrator can delete that" in forgotten["msg"]
    assert account.sent() == sent
    assert account.created()["client_id"] not in clients
    assert account.works()
    assert account.pending() == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"action": "drop_after"}, "connection"),
        ({"action": "answer", "status": 503}, "server_error"),
        ({"action": "answer", "status": 201, "body": "<html>"}, "malformed_answer"),
    ],
    ids=["lost", "503", "page"],
)
def test_a_registration_without_a_usable_answer_is_neither_repeated_nor_forgotten(
    account: Provisioner, fault: Options, kind: str
) -> None:
    account.oidc.fault(method="POST", path="/tenant/reg", **fault)
    run = account.task()
    failed(run, kind, "may be there all the same", f"({account.oidc.issuer}/reg) for a client named 'reporting'")
    assert account.sent() == {"POST": 1}
    assert (account.pending(), account.records()) == ([("reporting", "create")], {})


def test_a_lost_registration_keeps_all_runs_from_another_until_it_is_forgotten(account: Provisioner) -> None:
    account.oidc.fault("drop_after", "POST", "/tenant/reg")
    account.task()
    assert len(account.oidc.clients()) == 1
    assert_unfinished(account)


@in_proc
def test_a_run_that_is_killed_before_it_stores_the_account_is_seen_by_the_next(account: Provisioner) -> None:
    killed(account, "POST")
    assert len(account.oidc.clients()) == 1
    assert_unfinished(account)


def test_a_lost_registration_is_looked_for_by_the_name_that_it_has_at_the_server(account: Provisioner) -> None:
    account.oidc.fault("drop_after", "POST", "/tenant/reg")
    settings = {"client_name": "Reports of the east"}
    account.task(settings=settings)
    assert account.client()["client_name"] == "Reports of the east"
    failed(account.task(settings=settings), "unfinished", "a client named 'Reports of the east'")


# Registrations that come to nothing


def test_a_registration_that_the_server_puts_off_leaves_nothing(account: Provisioner) -> None:
    account.oidc.fault("answer", "POST", "/tenant/reg", status=429, headers={"Retry-After": "3600"})
    result = failed(account.task(), "rate_limited", "Try again later")
    assert (result["failure"]["retryable"], result["failure"]["status"]) == (True, 429)
    assert account.sent() == {"POST": 1}
    assert account.pending() == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_when_to_come_back_is_asked_again(account: Provisioner, status: int) -> None:
    account.oidc.fault("answer", "POST", "/tenant/reg", status=status, headers={"Retry-After": "1"})
    account.created()
    assert account.sent() == {"POST": 2}
    assert len(account.oidc.clients()) == 1


@pytest.mark.parametrize("given", [True, False], ids=["wrong", "none"])
def test_a_registration_without_a_good_initial_access_token_leaves_nothing(account: Provisioner, given: bool) -> None:
    wrong = secrets.token_urlsafe(24)
    account.ansible.more_secrets.append(wrong)
    run = account.task(initial_access_token=wrong if given else None)
    failed(run, "refused", "status 401", "invalid_token", "Set initial_access_token")
    assert account.pending() == []
    assert account.oidc.clients() == {}
    account.created()


WRONG_METADATA = ({"jwks_uri": "nonsense"}, ("status 400", "invalid_client_metadata", "jwks_uri must be a web uri"))


def test_metadata_that_the_server_refuses_are_told_in_its_words_and_leave_nothing(account: Provisioner) -> None:
    settings, parts = WRONG_METADATA
    failed(account.task(settings=settings), "invalid_client_metadata", *parts)
    assert (account.pending(), account.oidc.clients()) == ([], {})
    account.created(settings=SHOPS)
    failed(account.task(settings=settings), "invalid_client_metadata", *parts)
    assert account.pending() == []
    assert account.record()["settings"] == SHOPS
    assert account.task(settings=SHOPS).result["change"] == "none"


# The answer to an update is lost


@pytest.mark.parametrize(("changes", "change"), [(NEW, "updated"), (ROTATION, "rotated")], ids=["update", "rotation"])
def test_a_lost_answer_to_an_update_is_asked_for_again_where_the_handle_stays(
    account: Provisioner, changes: Options, change: str
) -> None:
    account.oidc.settings(rotate_registration_access_token=False, rotate_secret_on_update=True)
    before = account.created()
    account.oidc.fault("drop_after", "PUT", "/tenant/reg")
    result = account.task(**changes).result
    assert (result["failed"], result["change"], result["verified"]) == (False, change, True), result["msg"]
    assert account.sent()["PUT"] == 1
    assert account.pending() == []
    assert (account.record()["client_secret"] != before["client_secret"]) is (change == "rotated")
    assert account.works()
    assert account.task(**NEW if changes is NEW else {}).result["change"] == "none"


@pytest.mark.parametrize("changes", [NEW, ROTATION], ids=["update", "rotation"])
@pytest.mark.parametrize(
    "fault", [{"action": "drop_before"}, {"action": "answer", "status": 503}], ids=["dropped", "503"]
)
def test_an_update_that_was_not_made_leaves_the_account_as_it_was(
    account: Provisioner, changes: Options, fault: Options
) -> None:
    account.oidc.settings(rotate_secret_on_update=True)
    before = account.created()
    account.oidc.fault(method="PUT", path="/tenant/reg", **fault)
    kind = "server_error" if "status" in fault else "connection"
    failed(account.task(**changes), kind, "The update was not made; the account is as before. Run this again.")
    assert account.document() == {"api_accounts": [before]}
    assert account.task(**changes).result["change"] in ("updated", "rotated")


def test_an_update_whose_answer_had_the_new_handle_leaves_credentials_that_work_and_tells_who_can_repair_it(
    account: Provisioner,
) -> None:
    before = account.created()
    account.oidc.fault("drop_after", "PUT", "/tenant/reg")
    failed(account.task(**NEW), "connection", "The answer is lost", "Run this again")
    assert account.client()["contacts"] == ["new@example.com"]
    assert account.record() == before
    assert account.pending() == [("reporting", "update")]
    sent = account.sent()
    result = failed(account.task(**NEW), "action_required", "The answer to the update of ", "was lost", "still work")
    assert (result["verified"], result["management"]) == (True, "portal")
    assert "regain" in result["actions"]
    assert any(before["client_id"] in step for step in result["portal"]["steps"])
    assert account.sent() - sent == {"GET": 1}
    assert account.record() == before


def lost_rotation(account: Provisioner) -> dict[str, t.Any]:
    """The record of a client that is alive, and of which the new secret and the new handle are lost."""
    account.oidc.settings(rotate_secret_on_update=True)
    before = account.created()
    account.oidc.fault("drop_after", "PUT", "/tenant/reg")
    failed(account.task(**ROTATION), "connection", "The answer is lost", "Run this again")
    return before


def test_a_rotation_whose_answer_had_the_new_handle_tells_who_can_repair_it(account: Provisioner) -> None:
    before = lost_rotation(account)
    assert (account.record(), account.pending()) == (before, [("reporting", "rotate")])
    result = failed(account.task(), "action_required", "The answer to the rotate of ", "was lost")
    assert (result["verified"], result["actions"]) == (False, ["repair"])
    assert account.record() == before


def test_a_client_whose_rotation_was_lost_is_not_called_gone(account: Provisioner) -> None:
    before = lost_rotation(account)
    result = account.task(state="absent").result
    assert list(account.oidc.clients()) == [before["client_id"]]
    # Neither the old secret nor the old handle proves anything now.
    assert f"Client {before['client_id']} is gone" not in result["msg"]
    assert before["client_id"] in result["msg"] + "".join((result.get("portal") or {}).get("steps", ()))


# The replacement of an account is interrupted


def test_a_replacement_without_an_initial_access_token_leaves_the_old_account(account: Provisioner) -> None:
    before = account.created()
    failed(account.task(**REPLACEMENT, initial_access_token=None), "refused", "Set initial_access_token")
    assert account.document() == {"api_accounts": [before]}
    assert account.works()


def test_a_new_account_that_does_not_work_is_deleted_and_the_old_one_stays(account: Provisioner) -> None:
    before = account.created()
    refusal = {"status": 401, "body": {"error": "invalid_client"}}
    account.oidc.fault("answer", "POST", "/tenant/token", **refusal)
    failed(account.task(**REPLACEMENT), "rotation_failed", "It was deleted again", "The old one is kept")
    assert account.document() == {"api_accounts": [before]}
    assert list(account.oidc.clients()) == [before["client_id"]]
    assert account.works()


def test_a_replacement_whose_answer_is_lost_endangers_the_old_account_by_no_advice(account: Provisioner) -> None:
    before = account.created()
    account.oidc.fault("drop_after", "POST", "/tenant/reg")
    result = failed(account.task(**REPLACEMENT), "connection", "may be there all the same")
    assert account.record() == before
    assert account.pending() == [("reporting", "replace")]
    # That would delete the account which works.
    assert "state: absent" not in result["msg"]


@pytest.mark.parametrize("changes", [{}, REPLACEMENT], ids=["same", "again"])
def test_a_replacement_whose_answer_was_lost_is_told_by_the_next_run(account: Provisioner, changes: Options) -> None:
    account.created()
    account.oidc.fault("drop_after", "POST", "/tenant/reg")
    account.task(**REPLACEMENT)
    (lost,) = set(account.oidc.clients()) - {account.record()["client_id"]}
    result = account.task(**changes).result
    assert lost in account.oidc.clients()
    assert f"{account.oidc.issuer}/reg" in result["msg"], result["msg"]


@in_proc
@pytest.mark.parametrize("interrupted", ["killed", "drop_before"])
def test_a_replacement_that_is_interrupted_at_the_deletion_is_finished_by_the_next_run(
    account: Provisioner, interrupted: str
) -> None:
    before = account.created()
    if interrupted == "killed":
        killed(account, "DELETE", **REPLACEMENT)
    else:
        account.oidc.fault("drop_before", "DELETE", "/tenant/reg")
        failed(account.task(**REPLACEMENT), "connection")
        assert account.works(before)
    after = account.record()
    assert after["client_id"] != before["client_id"]
    assert account.works(after)
    assert account.task().result["failed"] is False
    assert list(account.oidc.clients()) == [after["client_id"]]
    assert "replaced" not in account.record()["registration"]
    assert account.record()["client_id"] == after["client_id"]


# The answer to a deletion is lost


@pytest.mark.parametrize("interrupted", ["drop_after", pytest.param("killed", marks=in_proc)])
def test_a_deletion_whose_answer_is_lost_is_found_done_by_the_next_run(account: Provisioner, interrupted: str) -> None:
    before = account.created()
    if interrupted == "killed":
        killed(account, "DELETE", state="absent")
    else:
        account.oidc.fault("drop_after", "DELETE", "/tenant/reg")
        failed(account.task(state="absent"), "connection", "whether the call took effect")
    assert account.oidc.clients() == {}
    assert account.record() == before
    assert account.pending() == [("reporting", "delete")]
    told = failed(account.task(), "action_required", "The answer to the delete of ", "was lost", "state: absent")
    assert told["verified"] is False
    assert account.sent()["POST"] == 1
    again = account.task(state="absent").result
    assert (again["failed"], again["change"]) == (False, "deleted"), again["msg"]
    assert account.document() == {"api_accounts": []}
    assert account.task(state="absent").result["change"] == "none"


def test_a_deletion_that_was_not_made_is_made_by_the_next_run(account: Provisioner) -> None:
    before = account.created()
    account.oidc.fault("answer", "DELETE", "/tenant/reg", status=503)
    failed(account.task(state="absent"), "server_error", "status 503")
    assert account.record() == before
    assert account.task().result["change"] == "none"
    assert account.pending() == []
    assert account.task(state="absent").result["change"] == "deleted"
    assert account.oidc.clients() == {}


# The file cannot be used


def unencrypted(account: Provisioner) -> None:
    account.path.write_text("api_accounts: []\n")


def no_variables(account: Provisioner) -> None:
    account.write("- just a list\n")


def no_list(account: Provisioner) -> None:
    account.write("api_accounts: 3\n")


def read_only(account: Provisioner) -> None:
    account.write("api_accounts: []\n")
    account.path.chmod(0o400)


def no_folder(account: Provisioner) -> None:
    account.path.parent.rmdir()


def other_password(account: Provisioner) -> None:
    account.write("api_accounts: []\n")
    account.password_file = account.new_password("other")


@pytest.mark.parametrize(
    ("prepare", "kind", "part"),
    [
        (unencrypted, "records", "is not encrypted"),
        (no_variables, "records", "is no file of variables in YAML"),
        (no_list, "records", "has no list api_accounts"),
        (read_only, "records", "is read-only"),
        (no_folder, "records", "No such file or directory"),
        (other_password, "vault", "cannot be decrypted with the vault secrets of this run"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_before_anything_is_sent(
    account: Provisioner, prepare: t.Callable[[Provisioner], None], kind: str, part: str
) -> None:
    prepare(account)
    stored = account.path.read_bytes() if account.path.exists() else None
    failed(account.task(), kind, f"records_file '{account.path}' ", part)
    assert account.oidc.requests() == {}
    assert (account.path.read_bytes() if account.path.exists() else None) == stored


@pytest.mark.parametrize("there", [True, False])
def test_without_a_vault_password_nothing_is_sent(account: Provisioner, there: bool) -> None:
    if there:
        account.write("api_accounts: []\n")
    before = account.path.read_bytes() if there else None
    failed(account.task("--diff"), "vault", "needs a vault secret", "--vault-password-file")
    assert account.oidc.requests() == {}
    assert (account.path.read_bytes() if account.path.exists() else None) == before


@pytest.mark.parametrize("changes", [NEW, REPLACEMENT, {"state": "absent"}], ids=["change", "replace", "delete"])
def test_an_account_in_a_read_only_file_is_not_touched(account: Provisioner, changes: Options) -> None:
    account.created()
    account.path.chmod(0o400)
    stored, requests = account.path.read_bytes(), account.oidc.requests()
    failed(account.task(**changes), "records", "is read-only")
    reads = ("GET /tenant/reg/ID", "GET /tenant/.well-known/openid-configuration")
    assert (collections.Counter(account.oidc.requests()) - collections.Counter(requests)).keys() <= set(reads)
    assert account.path.read_bytes() == stored
    assert account.works()


def test_an_account_that_can_no_longer_be_stored_is_deleted_again(account: Provisioner) -> None:
    with held(account, "POST") as end:
        assert len(account.oidc.clients()) == 1
        account.path.chmod(0o400)
        account.oidc.release()
        failed(end(), "records", "is read-only", "the new account was deleted at the server again")
    assert account.oidc.clients() == {}
    account.path.chmod(0o600)
    # As the message says: the note could not be taken back.
    failed(account.task(), "unfinished")
    account.task(state="absent")
    account.created()


def test_an_account_that_can_neither_be_stored_nor_deleted_again_is_named(account: Provisioner) -> None:
    account.oidc.fault("drop_before", "DELETE", "/tenant/reg")
    with held(account, "POST") as end:
        account.path.chmod(0o400)
        account.oidc.release()
        failed(end(), "records", f"have client {account.client()['client_id']} deleted at the server")
    account.path.chmod(0o600)
    failed(account.task(), "unfinished", "Look at the server")


def test_a_handle_that_can_no_longer_be_stored_is_told(account: Provisioner) -> None:
    before = account.created()
    with held(account, "PUT", **NEW) as end:
        account.path.chmod(0o400)
        account.oidc.release()
        failed(end(), "records", "is read-only", f"manage client {before['client_id']}", "is lost")
    account.path.chmod(0o600)
    assert account.record() == before
    told = failed(account.task(**NEW), "action_required", "The answer to the update of ", "was lost")
    assert told["verified"] is True


# Two runs at once


class Both(t.NamedTuple):
    """Two controllers with one records file, in a folder that no run searches while the other writes."""

    first: Provisioner
    second: Provisioner


@pytest.fixture
def both(
    oidc_ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    oidc: OidcServer,
    oidc_account: Options,
    tmp_path_factory: pytest.TempPathFactory,
) -> t.Iterator[Both]:
    shared = tmp_path_factory.mktemp("shared")
    first = Provisioner(oidc_ansible, oidc, oidc_account, shared)
    other = AnsibleRunner(tmp_path_factory.mktemp("second"), sandbox)
    other.more_servers = oidc_ansible.more_servers
    other.more_secrets = oidc_ansible.more_secrets
    second = Provisioner(other, oidc, oidc_account, shared)
    second.password_file = first.password_file
    yield Both(first, second)
    detector = LeakDetector(sandbox, more=[*other.more_secrets, *oidc.secrets(), *oidc.tokens()])
    assert detector.in_files(shared) == {}
    assert sorted(path.name for path in shared.iterdir()) == ["accounts.yml", "accounts.yml.lock"]


def patience(account: Provisioner) -> int:
    """How often the process of this controller that is at the lock has slept."""
    for path in processes(account.ansible):
        with contextlib.suppress(OSError):
            if f"{account.path}.lock" in {str(link.readlink()) for link in (path / "fd").iterdir()}:
                (count,) = re.findall(
                    r"^voluntary_ctxt_switches:\s+(\d+)$", (path / "status").read_text(), re.MULTILINE
                )
                return int(count)
    return 0


@in_proc
@pytest.mark.parametrize(
    ("name", "changes"), [("reporting", ["created", "none"]), ("other", ["created", "created"])], ids=["same", "two"]
)
def test_two_runs_at_once_make_each_account_once_and_lose_none(both: Both, name: str, changes: list[str]) -> None:
    with concurrent.futures.ThreadPoolExecutor() as pool, held(both.first, "POST") as end:
        second = pool.submit(both.second.task, name=name)
        wait_until(lambda: patience(both.second) > 0 or second.done())
        before = patience(both.second)
        wait_until(lambda: patience(both.second) > before + 10 or second.done())
        assert not second.done(), second.result().output
        assert both.first.sent() == {"POST": 1}
        both.first.oidc.release()
        assert [end().result["change"], second.result().result["change"]] == changes
    records = both.first.records()
    assert sorted(records) == sorted({"reporting", name})
    assert {record["client_id"] for record in records.values()} == set(both.first.oidc.clients())
    assert all(both.first.works(record) for record in records.values())


def test_thirty_accounts_that_two_runs_make_in_one_file_are_all_there(both: Both) -> None:
    names = [[f"{part}{number:02}" for number in range(15)] for part in ("east", "west")]

    def make(account: Provisioner, given: list[str]) -> Run:
        options = {**account.options, "name": "{{ item }}"}
        return run_task(account.ansible, options, *account.vault(), loop=given)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = list(pool.map(make, both, names))
    for run in runs:
        assert [result["change"] for result in run.result["results"]] == ["created"] * 15, run.output
    records = both.first.records()
    assert sorted(records) == sorted([*names[0], *names[1]])
    assert {record["client_id"] for record in records.values()} == set(both.first.oidc.clients())
    assert {record["client_id"]: name for name, record in records.items()} == {
        client["client_id"]: client["client_name"] for client in both.first.oidc.clients().values()
    }


@in_proc
def test_while_it_works_a_run_shows_no_secret_to_other_users(account: Provisioner, sandbox: SandboxHandle) -> None:
    account.created()
    with held(account, "PUT", **NEW):
        detector = LeakDetector(sandbox, more=[*account.ansible.more_secrets, *account.oidc.secrets()])
        running = processes(account.ansible)
        seen = "\n".join(
            (path / name).read_bytes().decode(errors="replace") for path in running for name in ("cmdline", "environ")
        )
        assert str(account.password_file) in seen
        assert detector.in_text(seen) == []
        folder = account.ansible.folder
        excepted = {account.ansible.inputs, account.ansible.registered}
        assert [
            leaked for path in folder.iterdir() if path.is_dir() and path not in excepted
            for leaked in detector.in_files(path).items()
        ] == []  # fmt: skip


# The server's administrator has acted


def test_a_handle_that_was_revoked_is_a_persons_work_while_the_credentials_work(account: Provisioner) -> None:
    before = account.created()
    # Who updates a client gets the new handle, and ends the old.
    given = account.by_hand("PUT")["registration_access_token"]
    stored, sent = account.path.read_bytes(), account.sent()
    result = failed(account.task(), "action_required", "no longer accepts the registration access token", "still work")
    assert (result["actions"], result["management"], result["verified"]) == (["regain"], "portal", True)
    steps = "\n".join(result["portal"]["steps"])
    assert before["client_id"] in steps
    assert "registration.access_token" in steps
    reported = account.task(on_portal_action="report").result
    assert (reported["failed"], reported["actions"]) == (False, ["regain"])
    absent = failed(account.task(state="absent"), "action_required")
    assert absent["actions"] == ["delete"]
    assert account.sent() - sent == {"GET": 2, "DELETE": 1}
    assert account.record() == before
    account.path.write_bytes(stored)
    # As the steps say.
    account.set_registration(access_token=given)
    assert account.task().result["change"] == "none"
    assert account.task(**NEW).result["change"] == "updated"


def test_a_client_that_was_deleted_at_the_server_is_told_and_can_be_forgotten(account: Provisioner) -> None:
    account.created()
    account.by_hand("DELETE")
    result = failed(account.task(), "action_required", "seems to be deleted or disabled", "state: absent")
    assert (result["verified"], result["actions"]) == (False, ["repair"])
    assert account.sent()["POST"] == 1
    assert account.task(state="absent").result["change"] == "deleted"
    assert account.records() == {}
    assert account.created()["client_id"] in account.oidc.clients()


def test_the_credentials_of_one_server_are_never_shown_to_another(
    account: Provisioner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with oidc_server.running(tmp_path_factory.mktemp("elsewhere") / "oidc") as other:
        trusted = account.ansible.inputs / "trusted.pem"
        trusted.write_bytes(account.oidc.ca.read_bytes() + other.ca.read_bytes())
        account.options["ca_path"] = str(trusted)
        before = account.created()
        stored = account.path.read_bytes()
        result = account.task(issuer=other.issuer).result
        assert result["failed"] is True
        assert "POST /tenant/token" not in other.requests()
    assert account.path.read_bytes() == stored
    assert account.works(before)
