# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._account_record import AccountRecord, Registration
from ansible_collections.apiops.access.plugins.module_utils._model import (
    Account,
    Token,
    TransportOptions,
    isoformat,
    worst_outcome,
)
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ServerMetadata
from ansible_collections.apiops.access.tests.unit.scripted import NOW, cimcloud, oauth2

TOKEN = Token("tok-s3cret", expires_at=NOW + 100, refresh_token="ref-s3cret", refresh_expires_at=NOW + 200)


def test_no_secret_shows_in_a_repr() -> None:
    account = cimcloud(
        client_secret="pass-s3cret", auth_key="key-s3cret", transport=TransportOptions(proxy="http://me:p-s3cret@proxy")
    )
    assert "s3cret" not in repr(account) + str(account) + repr(TOKEN) + str(TOKEN)
    assert "shop" in repr(account)


def test_all_secrets_are_known() -> None:
    account = cimcloud(transport=TransportOptions(proxy="http://me:p@proxy"))
    assert set(account.secrets) == {"s3cret-value", "k3y-value", "http://me:p@proxy"}
    assert set(TOKEN.secrets) == {"tok-s3cret", "ref-s3cret"}


def test_a_private_key_is_a_secret_and_its_path_is_none() -> None:
    account = oauth2(private_key="key-s3cret", private_key_path="/keys/mine.pem")
    assert set(account.secrets) == {"s3cret-value", "key-s3cret"}
    assert "key-s3cret" not in repr(account)


@pytest.mark.parametrize("path", [None, "/certs/mine.pem"])
def test_the_client_certificate_is_that_of_the_transport(path: str | None) -> None:
    account: Account = oauth2(transport=TransportOptions(client_cert=path))
    assert account.client_cert == path


REGISTRATION = Registration("client-7", "new-s3cret", NOW, "https://x/7", "rat-s3cret", {"client_name": "mine"})


def record(**changes: t.Any) -> AccountRecord:
    given: dict[str, t.Any] = {
        "name": "mine",
        "options": {"private_key": "key-s3cret", "proxy": "http://me:proxy-s3cret@proxy", "timeout": 5},
        "settings": {},
        "client_id": "client-7",
        "client_secret": "new-s3cret",
        "access_token": "rat-s3cret",
    }
    return AccountRecord(**{**given, **changes})


def test_no_secret_of_a_registered_account_shows_in_a_repr() -> None:
    shown = repr(REGISTRATION) + str(REGISTRATION) + repr(record(replaced=record())) + str(record())
    assert "s3cret" not in shown
    assert "client-7" in shown


def test_all_secrets_of_a_registered_account_are_known() -> None:
    assert set(REGISTRATION.secrets) == {"new-s3cret", "rat-s3cret"}
    assert Registration("client-7").secrets == ()
    own = {"new-s3cret", "rat-s3cret", "key-s3cret", "http://me:proxy-s3cret@proxy"}
    assert set(record().secrets) == own
    old = record(client_secret="old-s3cret", access_token=None, options={})
    assert set(record(replaced=old).secrets) == {*own, "old-s3cret"}


DOCUMENT = {
    "issuer": "https://auth.example.com",
    "token_endpoint": "https://auth.example.com/token",
    "introspection_endpoint": "",
    "revocation_endpoint": 7,
    "authorization_endpoint": "https://auth.example.com/authorize",
    "mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example.com/token", "userinfo_endpoint": "https://x"},
}


def test_of_metadata_the_endpoints_are_taken_that_are_used_here() -> None:
    assert ServerMetadata.from_document(DOCUMENT) == ServerMetadata(
        "https://auth.example.com",
        {"token_endpoint": "https://auth.example.com/token"},
        {"token_endpoint": "https://mtls.example.com/token"},
    )


@pytest.mark.parametrize("aliases", [None, [], "x", 7])
def test_aliases_that_are_none_do_no_harm(aliases: t.Any) -> None:
    metadata = ServerMetadata.from_document({**DOCUMENT, "mtls_endpoint_aliases": aliases})
    assert metadata.mtls_endpoint_aliases == {}


@pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"issuer": None}, {"issuer": ["https://x"]}])
def test_what_names_no_issuer_is_no_metadata(document: t.Any) -> None:
    with pytest.raises(ValueError):
        ServerMetadata.from_document(document)


def test_metadata_survive_json() -> None:
    metadata = ServerMetadata.from_document(DOCUMENT)
    assert ServerMetadata(**json.loads(json.dumps(metadata.to_dict()))) == metadata


def test_a_fingerprint_is_the_start_of_the_sha_256() -> None:
    assert Token("abc").fingerprint == "ba7816bf8f01"  # FIPS 180-2, appendix B.1


def test_the_header_is_that_of_rfc_6750() -> None:
    assert Token("abc").authorization == "Bearer abc"


@pytest.mark.parametrize(
    ("expires_at", "left"), [(NOW + 99.9, 99), (NOW + 0.5, 0), (NOW, 0), (NOW - 50, 0), (None, None)]
)
def test_the_seconds_left_are_whole_and_never_negative(expires_at: float | None, left: int | None) -> None:
    assert Token("abc", expires_at=expires_at).expires_in(NOW) == left


def test_a_token_of_unknown_lifetime_outlives_nothing() -> None:
    assert not Token("abc").outlives(0)
    assert Token("abc", expires_at=NOW).outlives(NOW - 1)
    assert not Token("abc", expires_at=NOW).outlives(NOW)


def test_a_token_survives_json() -> None:
    token = Token("abc", "Bearer", NOW, ("view", "all"), "ref", NOW + 1)
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 7},
        {"token_type": None},
        {"expires_at": "tomorrow"},
        {"refresh_token": 7},
        {"refresh_expires_at": []},
        {"scope": [1]},
        {"scope": None},
    ],
)
def test_what_is_no_token_is_not_taken_for_one(change: dict[str, t.Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Token.from_dict({**TOKEN.to_dict(), **change})


@pytest.mark.parametrize("field", ["access_token", "token_type", "expires_at", "scope"])
def test_half_a_token_is_none(field: str) -> None:
    data = TOKEN.to_dict()
    del data[field]
    with pytest.raises(KeyError):
        Token.from_dict(data)


@pytest.mark.parametrize(
    ("moment", "text"), [(0, "1970-01-01T00:00:00Z"), (NOW + 0.9, "2027-01-15T08:00:00Z"), (None, None)]
)
def test_a_moment_is_shown_in_utc(moment: float | None, text: str | None) -> None:
    assert isoformat(moment) == text


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ([], "valid"),
        (["valid", "valid"], "valid"),
        (["valid", "indeterminate"], "indeterminate"),
        (["invalid", "indeterminate", "valid"], "invalid"),
    ],
)
def test_one_bad_token_makes_the_whole_bad(outcomes: list[str], worst: str) -> None:
    assert worst_outcome(outcomes) == worst


@pytest.mark.parametrize(
    "damage",
    [
        {"access_token": "tok\r\nX: 1"}, {"access_token": "tok en"}, {"access_token": "t\u00f6k"},
        {"token_type": "Bearer\n"},
        {"token_type": ""}, {"scope": ["a\x1b"]}, {"refresh_token": "r\x00"}, {"scope": ["\ud800"]},
    ],
)  # fmt: skip
def test_what_no_header_can_carry_is_no_token_of_a_store_or_a_host(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="token"):
        Token.from_dict({**Token("tok-1").to_dict(), **damage})
