# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import traceback
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.apiops.access.plugins.action.oauth_token import ActionModule
from ansible_collections.apiops.access.plugins.lookup import oauth_token
from ansible_collections.apiops.access.plugins.module_utils import _transport
from ansible_collections.apiops.access.tests.unit.actions import run
from ansible_collections.apiops.access.tests.unit.scripted import BASIC, Script, answer

TOKEN = "POST https://rimo3cloud.com/api/v2/connect/token"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "provider": "rimo3",
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        "cache_path": str(tmp_path / "cache"),
    }


def look_up(*terms: str, variables: dict[str, t.Any] | None = None, **options: t.Any) -> list[str]:
    templar = types.SimpleNamespace(template=lambda value: value)
    return oauth_token.LookupModule(loader=None, templar=templar).run(list(terms), variables, **options)


def test_the_token_is_returned(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    assert look_up(**options) == ["tok-1"]
    assert look_up(**{**options, "return": "authorization"}) == ["Bearer tok-1"]


def test_task_and_template_share_the_token(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    assert run(ActionModule, options)["access_token"] == "tok-1"
    assert look_up(**options) == ["tok-1"]


def test_each_name_gives_one_value(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)), (TOKEN, answer(200, {**GRANTED, "access_token": "tok-2"})))
    variables = {"api_accounts": [{**options, "name": "a"}, {**options, "name": "b", "client_id": "client-2"}]}
    assert look_up("a", "b", "a", variables=variables) == ["tok-1", "tok-2", "tok-1"]


def test_what_changes_between_two_templates_counts_at_once(
    vendor: Script, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor(*((TOKEN, answer(200, {**GRANTED, "access_token": f"tok-{number}"})) for number in (1, 2, 3)))
    variables = {"api_accounts": [{**options, "name": "a", "client_secret": None}]}
    monkeypatch.setenv("RIMO3_CLIENT_SECRET", "one")
    assert look_up("a", "a", variables=variables) == ["tok-1", "tok-1"]
    monkeypatch.setenv("RIMO3_CLIENT_SECRET", "two")
    assert look_up("a", variables=variables) == ["tok-2"]
    variables["api_accounts"][0]["client_secret"] = "three"  # also where the list itself is the same
    assert look_up("a", variables=variables) == ["tok-3"]
    assert look_up("a", variables=variables, **{"return": "authorization"}) == ["Bearer tok-3"]


def test_a_token_that_another_process_dropped_is_requested_again(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(200, GRANTED)), (TOKEN, answer(200, {**GRANTED, "access_token": "tok-2"})))
    assert look_up(**options) == ["tok-1"]
    shutil.rmtree(options["cache_path"])
    assert look_up(**options) == ["tok-2"]


def test_what_is_remembered_of_a_lookup_shows_no_secret(options: dict[str, t.Any]) -> None:
    asked = oauth_token.Asked("text s3cret-value", options, options, {"RIMO3_CLIENT_SECRET": "s3cret-value"})
    assert "s3cret" not in repr(asked)


def test_basic_authorization_has_a_header_and_no_token(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor()
    basic = {**options, "provider": "cimcloud", "site": "acme", "authorization_type": "basic"}
    assert look_up(**{**basic, "return": "authorization"}) == [BASIC]
    with pytest.raises(AnsibleLookupError, match="return='authorization'"):
        look_up(**basic)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_secret": None}, "client_secret is missing"),
        ({"return": "everything"}, "access_token, authorization"),
        ({"request_form": "x"}, "request_form"),
        ({"provider": "s3cret-value"}, "provider"),
    ],
)
def test_wrong_options_are_named_without_a_secret(
    vendor: Script, options: dict[str, t.Any], change: dict[str, t.Any], words: str
) -> None:
    vendor()
    with pytest.raises(AnsibleLookupError) as caught:
        look_up(**{**options, **change})
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_refusal_is_readable_and_holds_no_secret(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor((TOKEN, answer(401, {"error": "invalid_client", "error_description": f"s3cret-value {BASIC}"})))
    with pytest.raises(AnsibleLookupError) as caught:
        look_up(**options)
    assert "Account 'client-1' (rimo3): " in str(caught.value)
    shown = "".join(traceback.format_exception_only(caught.value))
    assert "s3cret" not in shown
    assert "Y2xpZW50" not in shown


def test_an_unknown_account_is_told_with_the_names_that_there_are(vendor: Script, options: dict[str, t.Any]) -> None:
    vendor()
    with pytest.raises(AnsibleLookupError, match="which has: a"):
        look_up("b", variables={"api_accounts": [{**options, "name": "a"}]})


def test_a_missing_library_is_named_where_it_is_needed(
    vendor: Script, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    look_up(**options)
    monkeypatch.setattr(_transport, "REQUESTS_IMPORT_ERROR", "Traceback")
    assert look_up(**options)  # a stored token takes no request
    with pytest.raises(AnsibleLookupError, match="pip install requests"):
        look_up(**{**options, "client_secret": "another"})


def test_an_account_may_have_options_that_are_not_the_lookups(
    vendor: Script, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    monkeypatch.setenv("APIOPS_REQUEST_FROM", "target")
    account = {**options, "name": "a", "settings": {"name": "x"}, "request_from": "target", "state": "present"}
    assert look_up("a", variables={"api_accounts": [account]}) == ["tok-1"]
