# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import RefusedError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import (
    release_token,
    request_token,
    token_result,
)
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, NOW, Script, answer, jim2, rimo3

TOKEN = "POST https://rimo3cloud.com/api/v2/connect/token"


def test_a_token_is_requested(vendor: Script) -> None:
    vendor((TOKEN, answer(200, {"access_token": "tok-1", "expires_in": 3600})))
    assert request_token(rimo3(), None).access_token == "tok-1"


@pytest.mark.parametrize("error", [RefusedError("It was refused."), TransportError("It broke.", kind="timeout")])
def test_an_error_names_the_account(vendor: Script, error: RefusedError | TransportError) -> None:
    vendor((TOKEN, error))
    with pytest.raises(type(error)) as caught:
        request_token(rimo3(), None)
    assert str(caught.value) == f"Account 'packaging' (rimo3): {error}"
    assert caught.value.kind == error.kind


def test_a_token_is_released(vendor: Script) -> None:
    vendor(("POST https://jim2.example.com/Jim_Live/logoff", answer(204)))
    assert release_token(jim2(), Token("tok-1")).released


def test_a_result_has_what_the_documentation_promises() -> None:
    token = Token("abc", expires_at=NOW + 3600.7, scope=("view",), refresh_token="ref-s3cret")
    assert token_result(token, reused=True, now=NOW) == {
        "access_token": "abc",
        "token_type": "Bearer",
        "authorization": "Bearer abc",
        "expires_at": "2027-01-15T09:00:00Z",
        "expires_in": 3600,
        "scope": ["view"],
        "reused": True,
        "fingerprint": "ba7816bf8f01",
    }


def test_basic_authorization_has_a_header_and_no_token() -> None:
    result = token_result(Token(BASIC.removeprefix("Basic "), "Basic"), reused=True, now=NOW)
    assert (result["access_token"], result["fingerprint"], result["expires_at"]) == (None, None, None)
    assert (result["token_type"], result["authorization"]) == ("Basic", BASIC)
