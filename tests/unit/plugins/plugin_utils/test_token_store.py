# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seal of every entry."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import StoreError
from ansible_collections.apiops.access.plugins.plugin_utils import _token_store
from ansible_collections.apiops.access.plugins.plugin_utils._token_store import Seal, prepare_encryption

STORE = b"\x01" * 32
PLAIN = b'{"access_token": "tok-s3cret"}'


def seal(identity: str = "client-1", secrets: tuple[str, ...] = ("s3cret",), store: bytes = STORE) -> Seal:
    return Seal(identity, secrets, store)


OTHERS: list[dict[str, t.Any]] = [
    {"identity": "client-2"},
    {"secrets": ("s3cret ",)},
    {"secrets": ("s3cret", "")},
    {"store": b"\x02" * 32},
]


def test_what_is_sealed_can_be_opened() -> None:
    assert seal().open(seal().seal(PLAIN)) == PLAIN


def test_the_same_account_has_the_same_name_in_every_process() -> None:
    assert seal().name == seal().name
    assert seal().name.isalnum()


@pytest.mark.parametrize("other", OTHERS)
def test_another_account_secret_or_store_has_another_name_and_cannot_open_it(other: dict[str, t.Any]) -> None:
    assert seal(**other).name != seal().name
    assert seal(**other).open(seal().seal(PLAIN)) is None


def test_what_another_release_has_sealed_is_found_and_opened() -> None:
    """What the first release made of the same account, store and entry: every release of this version reads it."""
    sealed = (
        "6170696f70732e61636365737320310a721f7aadeabb5f813d2be05d31d9429357075d05a2aeab6087be7c94792daf44836a30e7b0c2"
        "736c202a7a2b06bb6ab8e38432f8e342250b8d71"
    )
    same = seal(secrets=("s3cret", "k3y"))
    assert same.name == "2081d6b2b588800a7d23c0042bfc22ad"
    assert same.open(bytes.fromhex(sealed)) == PLAIN


def test_secrets_cannot_be_shifted_into_each_other() -> None:
    assert seal(secrets=("ab", "c")).name != seal(secrets=("a", "bc")).name


def test_a_seal_tells_nothing() -> None:
    sealed = seal().seal(PLAIN)
    for told in (b"tok", b"s3cret", b"client-1", b"access"):
        assert told not in sealed.removeprefix(b"apiops.access 1\n")
        assert told not in seal().name.encode()


def test_no_two_seals_of_the_same_entry_are_alike() -> None:
    assert seal().seal(PLAIN) != seal().seal(PLAIN)


def test_a_damaged_entry_is_none() -> None:
    sealed = seal().seal(PLAIN)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        assert seal().open(bytes(damaged)) is None


def test_a_truncated_entry_is_none() -> None:
    sealed = seal().seal(PLAIN)
    assert [length for length in range(len(sealed)) if seal().open(sealed[:length]) is not None] == []
    assert seal().open(sealed + b"x") is None


def test_an_entry_of_another_version_is_none() -> None:
    assert seal().open(seal().seal(PLAIN).replace(b"apiops.access 1\n", b"apiops.access 2\n")) is None


@pytest.mark.parametrize("foreign", [None, b"", b"hello", b"\x00" * 1000, b"apiops.access 1\n", PLAIN])
def test_a_foreign_entry_is_none(foreign: bytes | None) -> None:
    assert seal().open(foreign) is None


def test_a_controller_without_cryptography_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_token_store, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(StoreError, match=r"cryptography is missing on the controller.*cache: none") as caught:
        Seal("identity", ["secret"], b"s" * 32)
    assert caught.value.kind == "cryptography_missing"


@pytest.mark.parametrize("available", [True, False])
def test_encryption_is_prepared_where_there_is_any(monkeypatch: pytest.MonkeyPatch, available: bool) -> None:
    monkeypatch.setattr(_token_store, "HAS_CRYPTOGRAPHY", available)
    prepare_encryption()
