# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run requested: noted by all its processes, readable by them alone, released once."""

from __future__ import annotations

import dataclasses
import multiprocessing
import stat
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.apiops.access.plugins.module_utils._arguments import CACHE_SPEC
from ansible_collections.apiops.access.plugins.module_utils._errors import StoreError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ServerMetadata
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._release_ledger import (
    Ledger,
    Note,
    Outcome,
    keep_ledger,
    note_obtained,
    note_released,
    release_all,
    summary,
)
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import Obtained
from ansible_collections.apiops.access.plugins.plugin_utils._token_store import TokenStore
from ansible_collections.apiops.access.tests.unit.scripted import (
    BASIC,
    ISSUER,
    NOW,
    SECRET,
    Script,
    answer,
    body_of,
    cimcloud,
    jim2,
    oauth2,
    rimo3,
)

FORK = multiprocessing.get_context("fork")
LOGOFF = "POST https://jim2.example.com/Jim_Live/logoff"
OPTIONS = dict.fromkeys(CACHE_SPEC)


@pytest.fixture
def ledger(tmp_path: Path) -> t.Iterator[Ledger]:
    made = Ledger(tmp_path)
    keep_ledger(made)
    yield made
    keep_ledger(None)


def note(account: Account, access_token: str, entry: str | None = None, host: str = "") -> None:
    token = Token(access_token, expires_at=NOW + 60, refresh_token="ref-s3cret")
    note_obtained(account, Obtained(token, reused=False, entry=entry), OPTIONS, host)


def no_store(_account: Account, _options: t.Mapping[str, t.Any]) -> TokenStore | None:
    return None


def names(notes: t.Sequence[Note]) -> list[str]:
    return sorted(found.token.access_token for found in notes)


def test_nothing_is_noted_unless_somebody_asks(tmp_path: Path) -> None:
    note(jim2(), "tok-1")
    note_released(Token("tok-1"))
    assert list(tmp_path.iterdir()) == []


def test_a_note_has_what_the_release_takes_and_no_secret_of_the_account(ledger: Ledger) -> None:
    account = jim2(scope=("all",), logoff_path="/out", transport=TransportOptions(timeout=3.0, ca_path="/ca"))
    note(account, "tok-1", entry="name", host="web1")
    (found,) = ledger.take()
    assert found.account.client_secret is None
    assert found.account.transport == account.transport
    assert (found.account.scope, found.account.logoff_path) == (("all",), "/out")
    assert (found.token.access_token, found.token.refresh_token) == ("tok-1", None)
    assert (found.options, found.entry, found.host) == (OPTIONS, "name", "web1")
    assert ledger.take() == []


def test_credentials_are_noted_only_where_the_release_takes_them(ledger: Ledger) -> None:
    keys = {"auth_key": "k3y-value", "private_key": "k3y-pem"}
    note(oauth2(**keys), "tok-1")
    note(jim2(**keys), "tok-2")
    note(rimo3(**keys), "tok-3")
    found = {one.token.access_token: one.account for one in ledger.take()}
    assert (found["tok-1"].client_secret, found["tok-1"].private_key) == (SECRET, "k3y-pem")
    for account in found.values():
        assert account.auth_key is None
    for token in ("tok-2", "tok-3"):
        assert (found[token].client_secret, found[token].private_key) == (None, None)


def test_an_account_that_authenticates_its_release_is_noted_whole_but_for_metadata(
    ledger: Ledger,
) -> None:
    account = oauth2(
        private_key_path="/key.pem",
        key_id="k1",
        signing_alg="ES256",
        resource=("https://a.example.com", "https://b.example.com"),
        scope=("a", "b"),
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint=f"{ISSUER}/revoke",
        transport=TransportOptions(client_cert="/cert.pem", proxy="http://proxy.example.com"),
    )
    note(dataclasses.replace(account, metadata=ServerMetadata(ISSUER, {"token_endpoint": f"{ISSUER}/x"})), "tok-1")
    (found,) = ledger.take()
    assert found.account == account


def test_the_files_of_such_an_account_tell_nothing_either(ledger: Ledger) -> None:
    note(oauth2(private_key="k3y-pem"), "tok-s3cret-1")
    (path,) = ledger._folder.iterdir()
    for secret in (b"tok-s3cret-1", SECRET.encode(), b"k3y-pem", b"client-1"):
        assert secret not in path.read_bytes()
    assert SECRET not in repr(ledger.take())


def test_the_files_are_private_and_tell_nothing(ledger: Ledger, tmp_path: Path) -> None:
    note(cimcloud(), "tok-s3cret-1")
    (folder,) = tmp_path.iterdir()
    (path,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)
    for secret in (b"tok-s3cret-1", SECRET.encode(), b"client-1", b"cimcloud"):
        assert secret not in path.read_bytes()
    assert "tok-s3cret-1" not in repr(ledger.take())


def test_another_ledger_cannot_read_them(ledger: Ledger, tmp_path: Path) -> None:
    note(jim2(), "tok-1")
    other = Ledger(tmp_path)
    other._folder = ledger._folder
    assert other.take() == []


def test_all_processes_of_a_run_share_it(ledger: Ledger) -> None:
    workers = [FORK.Process(target=note, args=(jim2(), f"tok-{number}")) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert names(ledger.take()) == [f"tok-{number}" for number in range(8)]


def test_what_was_released_or_noted_twice_is_not_given_back_again(ledger: Ledger) -> None:
    note(jim2(), "tok-1")
    note(jim2(), "tok-2")
    note(jim2(), "tok-2")
    note_released(Token("tok-1"))
    assert names(ledger.take()) == ["tok-2"]


def test_basic_credentials_are_no_token(ledger: Ledger) -> None:
    note(cimcloud(authorization_type="basic"), "credentials")
    assert ledger.take() == []


def test_a_damaged_note_stops_no_other(ledger: Ledger) -> None:
    note(jim2(), "tok-1")
    (ledger._folder / "note-broken").write_bytes(b"damaged")
    odds: list[t.Any] = [None, [], {"account": {}}, {"account": 7}, {"account": {"scope": [], "transport": {"x": 1}}}]
    for odd in odds:
        ledger.write(odd)
    assert names(ledger.take()) == ["tok-1"]
    assert list(ledger._folder.iterdir()) == []


def test_a_note_that_cannot_be_kept_stops_no_task(ledger: Ledger) -> None:
    note(jim2(), "tok-1")
    ledger.remove()
    assert not ledger._folder.exists()
    note(jim2(), "tok-2")
    ledger.remove()


# The release


def notes(*accounts: tuple[Account, str], entry: str | None = None, host: str = "") -> list[Note]:
    return [Note(account, Token(token), {}, entry, host) for account, token in accounts]


def test_each_token_is_released_and_forgotten(vendor: Script, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "cache")
    store.write("entry", b"sealed", NOW * 2)
    transport = vendor((LOGOFF, answer(204)), (LOGOFF, answer(204)))
    found = notes((jim2(), "tok-1"), (jim2(name="other"), "tok-2"), (rimo3(), "tok-3"), entry="entry")
    outcomes = release_all(found, lambda _account, _options: store)
    assert outcomes == [Outcome("erp", "released"), Outcome("other", "released"), Outcome("packaging", "forgotten")]
    assert [request.headers["Authorization"] for request in transport.sent] == ["Bearer tok-1", "Bearer tok-2"]
    assert store.read("entry") is None


def test_noted_tokens_are_revoked_with_what_the_server_publishes_then(
    vendor: Script, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(run))
    old = ServerMetadata(ISSUER, {"revocation_endpoint": f"{ISSUER}/old"})
    for token in ("tok-1", "tok-2"):
        note(oauth2(metadata=old), token)
    published = {"issuer": ISSUER, "revocation_endpoint": f"{ISSUER}/revoke"}
    revoke = (f"POST {ISSUER}/revoke", answer(200))
    # Asked once for all.
    transport = vendor((f"GET {ISSUER}/.well-known/openid-configuration", answer(200, published)), revoke, revoke)
    assert release_all(ledger.take(), no_store) == [Outcome("idp", "released")] * 2
    assert {request.headers["Authorization"] for request in transport.sent[1:]} == {BASIC}
    assert {body_of(request)[:12] for request in transport.sent[1:]} == {b"token=tok-1&", b"token=tok-2&"}


def test_what_the_vendor_did_not_take_back_is_told(vendor: Script) -> None:
    vendor((LOGOFF, answer(401)), (LOGOFF, answer(500)))
    gone, failed = release_all(notes((jim2(), "tok-1"), (jim2(), "tok-2")), no_store)
    assert (gone.state, failed.state) == ("unreleased", "unreleased")
    assert "gone already" in gone.reason
    assert "status 500" in failed.reason


def test_a_server_out_of_reach_is_waited_for_once_and_its_tokens_are_kept(vendor: Script, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "cache")
    store.write("entry", b"sealed", NOW * 2)
    vendor((LOGOFF, TransportError("It broke.")))
    found = notes((jim2(), "tok-1"), (jim2(), "tok-2"), (rimo3(), "tok-3"), entry="entry")
    outcomes = release_all(found[:2], lambda _account, _options: store)
    assert [outcome.state for outcome in outcomes] == ["unreleased", "unreleased"]
    assert store.read("entry") == b"sealed"


def test_a_store_that_cannot_be_used_is_told(vendor: Script) -> None:
    def broken(_account: Account, _options: t.Mapping[str, t.Any]) -> TokenStore | None:
        raise StoreError("The folder is gone.")

    vendor()
    assert release_all(notes((rimo3(), "tok-1"), entry="entry"), broken) == [
        Outcome("packaging", "unreleased", "The folder is gone.")
    ]


def test_what_only_a_host_can_release_is_left_to_it(vendor: Script) -> None:
    vendor()
    (outcome,) = release_all(notes((jim2(), "tok-1"), host="web1"), no_store)
    assert outcome == Outcome("erp", "unreleased", "only host web1 reaches its server")


def test_the_summary_is_one_line() -> None:
    outcomes = [
        Outcome("b", "released"),
        Outcome("a", "released"),
        Outcome("a", "released"),
        Outcome("c", "forgotten"),
        Outcome("d", "unreleased", "It broke."),
    ]
    assert summary(outcomes) == (
        "Tokens that this run requested: 3 released: a, b; 1 forgotten, as the vendor documents no release: c; "
        "1 not released: d (It broke)."
    )
