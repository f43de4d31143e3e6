# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import math
import pathlib
import re

import pytest
from ansible_collections.apiops.access.plugins.module_utils import _errors
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    MalformedAnswerError,
    RateLimitedError,
    RecordsError,
    RefusedError,
    ServerError,
    StoreError,
    TransportError,
    error_from_dict,
)

KINDS = [
    (AccessError, "internal", False),
    (ConfigurationError, "configuration", False),
    (TransportError, "connection", True),
    (MalformedAnswerError, "malformed_answer", False),
    (ServerError, "server_error", True),
    (RefusedError, "invalid_client", False),
    (RateLimitedError, "rate_limited", True),
    (StoreError, "cache", False),
    (RecordsError, "records", False),
]


@pytest.mark.parametrize(("error", "kind", "retryable"), KINDS)
def test_a_failure_has_the_four_published_fields(error: type[AccessError], kind: str, retryable: bool) -> None:
    assert error("x").as_failure() == {"kind": kind, "status": None, "error": None, "retryable": retryable}


@pytest.mark.parametrize("unsent", [True, False])
@pytest.mark.parametrize("error", [entry[0] for entry in KINDS])
def test_an_error_survives_the_store_and_the_way_from_a_host(error: type[AccessError], unsent: bool) -> None:
    original = error(
        "message", kind="timeout", status=401, error="invalid", retryable=True, retry_after=7.0, unsent=unsent
    )
    again = error_from_dict(json.loads(json.dumps(original.to_dict())))
    assert again.__class__ is error
    assert again.to_dict() == original.to_dict()
    assert again.unsent is unsent
    assert str(again) == "message"


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "anything"}, {"kind": None}, {"kind": ["timeout"]}, {"message": b"x"}, {"status": "401"}, {"error": 5},
        {"retryable": "yes"}, {"retry_after": "7"}, {"retry_after": -1}, {"retry_after": math.nan},
        {"retry_after": math.inf},
    ],
)  # fmt: skip
def test_what_was_never_written_as_an_error_is_none(damage: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        error_from_dict({**RefusedError("x").to_dict(), **damage})


def test_every_kind_and_reason_of_the_tables_comes_from_somewhere() -> None:
    collection = pathlib.Path(_errors.__file__).parents[2]
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("plugins", "roles")
        for path in (collection / folder).rglob("*.*")
        if path.suffix in (".py", ".yml") and path.name != "_errors.py"
    ]
    defaults = {error("").kind for error, _kind, _retryable in KINDS}
    words = (set(_errors.KINDS) | set(_errors.VALID_REASONS)) - defaults
    never = {word for word in words if not any(f'"{word}"' in text or f"'{word}'" in text for text in sources)}
    assert never == set()


def test_kinds_and_reasons_are_words_each_with_one_sentence_or_two() -> None:
    for word, meaning in {**_errors.KINDS, **_errors.VALID_REASONS}.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", word)
        assert re.fullmatch(r"[A-Z][^\n]{10,110}\.", meaning)
    assert not set(_errors.KINDS) & set(_errors.VALID_REASONS)


def test_an_unknown_type_of_error_is_still_an_error() -> None:
    data = {**RefusedError("x").to_dict(), "type": "FromTheFuture"}
    assert error_from_dict(data).__class__ is AccessError


@pytest.mark.parametrize("field", ["type", "message", "kind", "status", "error", "retryable", "retry_after"])
def test_half_an_error_is_none(field: str) -> None:
    data = RefusedError("x").to_dict()
    del data[field]
    with pytest.raises(KeyError):
        error_from_dict(data)


@pytest.mark.parametrize("unsent", [None, "yes", 1, "absent"])
def test_only_who_says_so_never_sent_anything(unsent: object) -> None:
    data = {**TransportError("x", unsent=True).to_dict(), "unsent": unsent}
    if unsent == "absent":  # an error that an earlier version stored
        del data["unsent"]
    assert error_from_dict(data).unsent is False


def test_an_error_with_another_message_is_the_same_otherwise() -> None:
    error = TransportError("x", kind="timeout", status=504, retry_after=7.0, unsent=True).about("erp", "jim2")
    again = error.with_message("y")
    assert again.__class__ is TransportError
    assert again.to_dict() == {**error.to_dict(), "message": "y"}
    assert again.unsent


def test_an_error_names_its_account_once() -> None:
    error = RefusedError("It was refused.", status=401, error="invalid_client").about("erp", "jim2")
    assert str(error) == "Account 'erp' (jim2): It was refused."
    assert str(error.about("other", "rimo3")) == str(error)
    assert isinstance(error, RefusedError)
    assert error.status == 401
