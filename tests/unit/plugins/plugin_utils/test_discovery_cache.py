# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers publish is asked once in a run, and held for whom it was told."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import stat
import threading
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError, ServerError
from ansible_collections.apiops.access.plugins.module_utils._http import HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ServerMetadata
from ansible_collections.apiops.access.plugins.plugin_utils._discovery_cache import with_metadata
from ansible_collections.apiops.access.tests.unit.scripted import ISSUER, Exchange, Script, answer, oauth2, rimo3

FORK = multiprocessing.get_context("fork")
PUBLISHED = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "mtls_endpoint_aliases": {"token_endpoint": f"{ISSUER}/mtls/token"},
}
METADATA = ServerMetadata(ISSUER, {"token_endpoint": f"{ISSUER}/token"}, {"token_endpoint": f"{ISSUER}/mtls/token"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of its own for each test."""
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(run))
    return run


def notes(folder: Path) -> list[Path]:
    """What is kept, without the locks beside it."""
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def asked(issuer: str = ISSUER, document: t.Any = None) -> Exchange:
    return (f"GET {issuer}/.well-known/openid-configuration", answer(200, document or {**PUBLISHED, "issuer": issuer}))


def test_a_server_is_asked_once_in_a_run(vendor: Script) -> None:
    vendor(asked())
    for name in ("one", "another"):
        assert with_metadata(oauth2(name=name, client_id=name)).metadata == METADATA


def test_another_run_asks_again(vendor: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor(asked(), asked(document={**PUBLISHED, "token_endpoint": f"{ISSUER}/new"}))
    with_metadata(oauth2())
    (tmp_path / "next").mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "next"))
    metadata = with_metadata(oauth2()).metadata
    assert metadata is not None
    assert metadata.endpoints["token_endpoint"] == f"{ISSUER}/new"


def test_all_processes_of_a_run_share_the_answer(vendor: Script) -> None:
    vendor(asked())
    with_metadata(oauth2())
    # Their copy of the script has nothing left, so that a request of theirs would fail.
    workers = [FORK.Process(target=with_metadata, args=(oauth2(),)) for _number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * 3


@pytest.mark.parametrize(
    "other",
    [
        {"validate_certs": False},
        {"ca_path": "/other/ca.pem"},
        {"proxy": "http://proxy.example.com:3128"},
        {"client_cert": "/cert.pem"},
    ],
)
def test_who_reaches_the_server_in_another_way_asks_for_himself(vendor: Script, other: dict[str, t.Any]) -> None:
    vendor(asked(document={"issuer": ISSUER, "token_endpoint": f"{ISSUER}/spoofed"}), asked())
    with_metadata(oauth2(transport=TransportOptions(**other)))
    assert with_metadata(oauth2()).metadata == METADATA


def test_patience_is_no_other_way(vendor: Script) -> None:
    vendor(asked())
    with_metadata(oauth2())
    assert with_metadata(oauth2(transport=TransportOptions(timeout=1.0, retries=0))).metadata == METADATA


def test_each_issuer_has_its_own_answer(vendor: Script) -> None:
    other = f"{ISSUER}/realms/other"
    vendor(asked(), asked(other))
    assert with_metadata(oauth2()).metadata == METADATA
    metadata = with_metadata(oauth2(issuer=other)).metadata
    assert metadata is not None
    assert metadata.issuer == other


def test_accounts_without_an_issuer_ask_nobody(vendor: Script, folder: Path) -> None:
    vendor()
    for account in (rimo3(), oauth2(issuer=None, token_endpoint=f"{ISSUER}/token"), oauth2(metadata=METADATA)):
        assert with_metadata(account) == account
    assert list(folder.iterdir()) == []


def test_an_answer_that_is_none_is_not_kept(vendor: Script, folder: Path) -> None:
    vendor((asked()[0], answer(503)), asked())
    with pytest.raises(ServerError, match="Account 'idp'"):
        with_metadata(oauth2())
    assert notes(folder) == []
    assert with_metadata(oauth2()).metadata == METADATA


def test_a_server_without_metadata_is_no_matter_where_the_token_endpoint_is_given(vendor: Script) -> None:
    # Its absence is told with the words "or set token_endpoint".
    places = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
    vendor(*((f"GET {ISSUER}{place}", answer(404)) for place in places))
    account = oauth2(token_endpoint=f"{ISSUER}/token")
    assert with_metadata(account).token_endpoint == f"{ISSUER}/token"


def test_the_metadata_of_another_server_are_not_kept(vendor: Script, folder: Path) -> None:
    foreign = {"issuer": "https://evil.example.com", "token_endpoint": "https://evil.example.com/token"}
    vendor(
        asked(document=foreign),
        (f"GET {ISSUER}/.well-known/oauth-authorization-server", answer(404)),
    )
    with pytest.raises(ConfigurationError):
        with_metadata(oauth2())
    assert notes(folder) == []


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"7", b"null", b'{"issuer": "x", "odd": 1}', b"\xff\xfe", b"{}"])
def test_a_damaged_note_is_asked_for_again(vendor: Script, folder: Path, damaged: bytes) -> None:
    vendor(asked(), asked())
    with_metadata(oauth2())
    (note,) = notes(folder)
    note.write_bytes(damaged)
    assert with_metadata(oauth2()).metadata == METADATA


def test_the_note_is_private_and_has_no_secret(vendor: Script, folder: Path) -> None:
    vendor(asked())
    with_metadata(oauth2(transport=TransportOptions(proxy="http://user:pr0xy-s3cret@proxy.example.com")))
    (note,) = notes(folder)
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    for told in ("s3cret", "client-1"):
        assert told not in note.read_text() + note.name


@pytest.mark.parametrize("step", ["tempfile.mkstemp", "os.replace"])
def test_what_cannot_be_kept_is_asked_again(vendor: Script, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_args: object, **_details: object) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    vendor(asked(), asked())
    with monkeypatch.context() as patched:
        patched.setattr(step, full)
        assert with_metadata(oauth2()).metadata == METADATA
    assert with_metadata(oauth2()).metadata == METADATA


def test_a_note_takes_its_place_whole(vendor: Script, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    replace = os.replace

    def noted(source: str, target: str) -> None:
        seen.append(Path(source).read_text())
        assert not Path(target).exists()
        replace(source, target)

    monkeypatch.setattr(os, "replace", noted)
    vendor(asked())
    with_metadata(oauth2())
    (note,) = notes(folder)
    assert seen == [note.read_text()]


class Counting:
    """A server that answers each process, and notes that it was asked. It waits for another, which must not come."""

    def __init__(self, log: Path, crowd: t.Any) -> None:
        self.log = log
        self.crowd = crowd

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *_details: object) -> None:
        pass

    def send(self, request: HttpRequest) -> HttpResponse:
        with self.log.open("a") as file:
            file.write("x")
        with contextlib.suppress(threading.BrokenBarrierError):
            self.crowd.wait(0.3)
        return answer(200, PUBLISHED)


def test_processes_that_begin_together_ask_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, start, crowd = tmp_path / "log", FORK.Barrier(6), FORK.Barrier(2)
    monkeypatch.setattr(
        "ansible_collections.apiops.access.plugins.module_utils._transport.Transport",
        lambda _options, **_details: Counting(log, crowd),
    )

    def ask() -> None:
        start.wait(30)
        os._exit(0 if with_metadata(oauth2()).metadata == METADATA else 1)

    workers = [FORK.Process(target=ask) for _number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert log.read_text() == "x"
