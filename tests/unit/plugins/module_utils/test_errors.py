# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
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
        "message", kind="special", status=401, error="invalid", retryable=True, retry_after=7.0, unsent=unsent
    )
    again = error_from_dict(json.loads(json.dumps(original.to_dict())))
    assert again.__class__ is error
    assert again.to_dict() == original.to_dict()
    assert again.unsent is unsent
    assert str(again) == "message"


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
