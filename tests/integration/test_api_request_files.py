# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are sent, and answers that become files: whole or not at all, and never in memory."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import sys
from pathlib import Path

import pytest

from ..sandbox.beyondtrust_backup import content
from ..sandbox.server import SandboxHandle
from .leaks import LeakDetector
from .runner import AnsibleRunner
from .test_api_request import UPLOAD, Options, answers, expect

BACKUP = "/api/backup"
UPLOAD_PATH = "/api/v2/application-packages/upload/manual"


def backup(revision: int = 1, size: int = 100_000) -> bytes:
    return b"".join(content(revision, size))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(ansible: AnsibleRunner) -> Path:
    path = ansible.folder / "downloads"
    path.mkdir()
    return path


# Sending


def test_a_file_of_five_megabytes_goes_up_in_a_form(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    file = ansible.inputs / 'tool "2".msi'
    file.write_bytes(secrets.token_bytes(5 << 20))
    fields = {name: value for name, value in UPLOAD.items() if name != "fileLink"}
    body = {**fields, "displayName": "Wérkzeug", "tags": ["a", "b"], "file": {"filename": str(file)}}
    call = {"path": UPLOAD_PATH, "method": "POST", "body_format": "form-multipart"}
    found, text, missing = answers(
        ansible, sandbox.account("rimo3"),
        {**call, "body": body},
        {**call, "body": {**body, "file": {"filename": "made.msi", "content": "short", "mime_type": "text/plain"}}},
        {**call, "body": {**body, "file": {"filename": str(ansible.inputs / "missing.msi")}}},
    )  # fmt: skip
    expect(found, failed=False, changed=True, status=200)
    expect(text, failed=False, changed=True, status=200)
    expect(missing, failed=True, changed=False)
    assert "missing.msi' cannot be read on " in missing["msg"]
    assert sandbox.control("GET", "/records")["packages"][-2]["display_name"] == "Wérkzeug"
    assert sandbox.counters()["rimo3"]["acts"] == 2


def test_a_file_or_a_text_is_sent_as_it_is(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    file = ansible.inputs / "body.json"
    file.write_text('{"name": "From a file"}')
    call = {"path": "/api/config/v1/jump-group", "method": "POST", "headers": {"content-type": "application/json"}}
    from_file, from_text, untyped = answers(
        ansible, sandbox.account("beyondtrust"), {**call, "src": str(file)},
        {**call, "body": ' {"name": "From a text"} ', "body_format": "raw"},
        {**call, "src": str(file), "headers": {}},
    )  # fmt: skip
    expect(from_file, failed=False, changed=True, status=201)
    expect(from_text, failed=False, changed=True, status=201)
    expect(untyped, failed=True, changed=False, status=415)
    assert [from_file["json"]["name"], from_text["json"]["name"]] == ["From a file", "From a text"]


# Receiving


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_a_backup_is_written_once_and_again_when_it_differs(
    ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path, request_from: str
) -> None:
    dest = folder / "support.nsb"
    account = {**sandbox.account("beyondtrust"), "request_from": request_from}
    call = {"path": BACKUP, "dest": str(dest)}
    # So that nothing which the host gets below has the credentials in it.
    answers(ansible, account, {"path": "/api/command?action=check_health"})
    details: Options = {"env": {"ANSIBLE_KEEP_REMOTE_FILES": "1"}, "allowed": [ansible.remote]}
    dry, first, second = (
        *answers(ansible, account, call, arguments=["--check", "--diff"]),
        *answers(ansible, account, call, call, **details),
    )
    wanted = sha256(backup())
    diff = {"before": {"checksum": None}, "after": {"checksum": wanted}}
    expect(dry, changed=True, failed=False, checksum=wanted, diff=diff)
    expect(first, changed=True, failed=False, status=200, checksum=wanted, size=100_000, dest=str(dest), json=None)
    expect(second, changed=False, failed=False, checksum=wanted)
    assert not any("content" in result or "backup_file" in result for result in (first, second))
    assert dest.read_bytes() == backup()
    assert mode_of(dest) == 0o600

    dest.chmod(0o640)
    sandbox.control("POST", "/backup", {"revision": 2})
    dry, third = (
        *answers(ansible, account, call, arguments=["--check"], **details),
        *answers(ansible, account, {**call, "backup": True}, **details),
    )
    expect(dry, changed=True, checksum=sha256(backup(2)))
    expect(third, changed=True, failed=False, checksum=sha256(backup(2)))
    assert (dest.read_bytes(), mode_of(dest)) == (backup(2), 0o640)
    former = Path(third["backup_file"])
    assert (former.read_bytes(), former.parent) == (backup(), folder)
    assert sorted(folder.iterdir()) == sorted([dest, former])
    assert LeakDetector(sandbox, tokens=False).in_files(folder) == {}
    if request_from == "target":
        assert any(ansible.remote.rglob("*"))
        assert LeakDetector(sandbox, tokens=False).in_files(ansible.remote) == {}
    assert sandbox.counters()["beyondtrust"]["token_requests"] == 1


def test_check_mode_leaves_the_folder_as_it_is(ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path) -> None:
    dest = folder / "support.nsb"
    dest.write_bytes(b"old")
    call = {"path": BACKUP, "dest": str(dest), "mode": "0644", "backup": True}
    (result,) = answers(ansible, sandbox.account("beyondtrust"), call, arguments=["--check"])
    expect(result, changed=True, failed=False)
    assert (list(folder.iterdir()), dest.read_bytes()) == ([dest], b"old")


def test_the_checksum_mode_and_owner_that_are_wanted_are_those_of_the_file(
    ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path
) -> None:
    dest = folder / "support.nsb"
    call = {"path": BACKUP, "dest": str(dest)}
    good = f"sha512:{hashlib.sha512(backup()).hexdigest().upper()}"
    bad, unknown, right, same, symbols = answers(
        ansible, sandbox.account("beyondtrust"),
        {**call, "checksum": f"sha256:{sha256(b'other')}"},
        {**call, "owner": "nobody-of-that-name"},
        {**call, "checksum": good, "mode": "0640", "owner": str(os.getuid())},
        {**call, "checksum": good, "mode": "0640"},
        {**call, "mode": "u=rw,go="},
    )  # fmt: skip
    expect(bad, failed=True, changed=False)
    assert "another checksum" in bad["msg"]
    expect(unknown, failed=True, changed=False)
    assert "nobody-of-that-name" in unknown["msg"]
    expect(right, failed=False, changed=True)
    expect(same, failed=False, changed=False)
    expect(symbols, failed=False, changed=True)
    assert (mode_of(dest), dest.stat().st_uid) == (0o600, os.getuid())
    assert list(folder.iterdir()) == [dest]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to others")
def test_a_file_that_is_replaced_keeps_its_owner(ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path) -> None:
    dest = folder / "support.nsb"
    dest.write_bytes(b"old")
    os.chown(dest, 65534, 65534)
    call = {"path": BACKUP, "dest": str(dest)}
    (result,) = answers(ansible, sandbox.account("beyondtrust"), call)
    expect(result, failed=False, changed=True)
    assert (dest.stat().st_uid, dest.stat().st_gid) == (65534, 65534)


@pytest.mark.parametrize("fault", [
    {"status": None, "cut_after": 65536},
    {"status": 403, "body": '{"error": "forbidden"}'},
    {"status": 200, "body": "<error>The backup is not there.</error>", "headers": {"Content-Type": "text/xml"}},
], ids=["cut", "refused", "xml_error"])  # fmt: skip
def test_what_is_no_whole_backup_leaves_the_old_one(
    ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path, fault: Options
) -> None:
    dest = folder / "support.nsb"
    dest.write_bytes(b"old")
    sandbox.control("POST", "/faults", {"path": f"/beyondtrust{BACKUP}", "times": 9, **fault})
    (result,) = answers(ansible, sandbox.account("beyondtrust"), {"path": BACKUP, "dest": str(dest)})
    assert (dest.read_bytes(), list(folder.iterdir())) == (b"old", [dest])
    expect(result, failed=True, changed=False)


def test_a_token_that_was_forgotten_does_not_spoil_the_file(
    ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path
) -> None:
    account = sandbox.account("beyondtrust")
    dest = folder / "support.nsb"
    answers(ansible, account, {"path": "/api/command?action=check_health"})
    sandbox.control("POST", "/accounts/beyondtrust", {"revoke_tokens": True})
    (result,) = answers(ansible, account, {"path": BACKUP, "dest": str(dest)})
    expect(result, failed=False, changed=True, checksum=sha256(backup()))
    assert dest.read_bytes() == backup()


def test_a_place_that_cannot_be_written_is_named(ansible: AnsibleRunner, sandbox: SandboxHandle, folder: Path) -> None:
    for result in answers(
        ansible, sandbox.account("beyondtrust"), {"path": BACKUP, "dest": str(folder)},
        {"path": BACKUP, "dest": str(folder / "missing" / "support.nsb")},
    ):  # fmt: skip
        expect(result, failed=True, changed=False)
        assert re.search(r"dest '.*downloads.*' (is a folder|cannot be written)", result["msg"])
    assert list(folder.iterdir()) == []


def test_a_gigabyte_takes_no_more_memory_than_a_small_file(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    dest = ansible.inputs / "large.nsb"
    measure = (
        "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:]);"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)"
    )
    variables = ansible.variables({"api_accounts": [account]})
    peaks = []
    try:
        for size in (1000, 1 << 30):
            sandbox.control("POST", "/backup", {"size": size})
            run = ansible.command(
                sys.executable, "-c", measure, "ansible", "-i", str(ansible.inventory(["host1"])), "all",
                "-e", variables, "-m", "apiops.access.api_request",
                "-a", f"account=beyondtrust path={BACKUP} dest={dest}",
            )  # fmt: skip
            assert run.status == 0, run.output
            assert dest.stat().st_size == size
            found = re.search(r"^peak (\d+)$", run.output, re.MULTILINE)
            assert found, run.output
            peaks.append(int(found[1]) // 1024)
    finally:
        dest.unlink(missing_ok=True)
    assert peaks[1] - peaks[0] < 200, peaks  # MiB
