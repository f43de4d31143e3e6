# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    TRANSPORT_SPEC,
    account_from,
)
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError

TRANSPORT: dict[str, t.Any] = {option: spec.get("default") for option, spec in TRANSPORT_SPEC.items()}
CREDENTIALS: dict[str, t.Any] = {"client_id": "client-1", "client_secret": "s3cret-value"}
COMPLETE: dict[str, dict[str, t.Any]] = {
    "rimo3": CREDENTIALS,
    "cimcloud": {**CREDENTIALS, "site": "acme", "auth_key": "k3y-value"},
    "jim2": {**CREDENTIALS, "base_url": "https://jim2.example.com/Jim_Live/"},
    "beyondtrust": {**CREDENTIALS, "base_url": "https://support.example.com"},
}


def options(provider: str, **changes: t.Any) -> dict[str, t.Any]:
    return {**TRANSPORT, "provider": provider, **COMPLETE[provider], **changes}


def refusal(given: t.Mapping[str, t.Any], **details: t.Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        account_from(given, name="mine", **details)
    assert "s3cret-value" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("provider", "base_url"),
    [
        ("rimo3", "https://rimo3cloud.com"),
        ("cimcloud", "https://api.cimcloud.com"),
        ("jim2", "https://jim2.example.com/Jim_Live"),
        ("beyondtrust", "https://support.example.com"),
    ],
)
def test_an_account_is_complete_with_what_its_vendor_needs(provider: str, base_url: str) -> None:
    account = account_from(options(provider), name="mine")
    assert (account.name, account.provider, account.base_url) == ("mine", provider, base_url)
    assert (account.client_id, account.client_secret) == ("client-1", "s3cret-value")


@pytest.mark.parametrize(
    ("provider", "option"),
    [
        *[(provider, option) for provider in COMPLETE for option in ("client_id", "client_secret")],
        ("jim2", "base_url"),
        ("beyondtrust", "base_url"),
        ("cimcloud", "site"),
        ("cimcloud", "auth_key"),
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named_with_the_remedy(provider: str, option: str, value: str | None) -> None:
    text = refusal(options(provider, **{option: value}))
    assert text.startswith(f"Account 'mine' ({provider}): ")
    assert f"{option} is missing" in text
    assert f"APIOPS_{option.upper()}" in text


def test_all_that_is_missing_is_named_at_once() -> None:
    text = refusal({**TRANSPORT, "provider": "cimcloud"})
    assert [option for option in ("client_id", "client_secret", "site", "auth_key") if option not in text] == []


def test_basic_authorization_needs_no_auth_key() -> None:
    account = account_from(options("cimcloud", authorization_type="basic", auth_key=None))
    assert account.authorization_type == "basic"


def test_a_ready_token_needs_no_credentials() -> None:
    given = options("jim2", client_id=None, client_secret=None)
    assert account_from(given, need_credentials=False).base_url == "https://jim2.example.com/Jim_Live"


def test_without_a_provider_the_choices_are_named() -> None:
    text = refusal({**TRANSPORT, **CREDENTIALS})
    assert "beyondtrust, cimcloud, jim2, rimo3" in text


@pytest.mark.parametrize(
    ("provider", "option", "value"),
    [
        ("rimo3", "scope", ["view"]),
        ("rimo3", "site", "acme"),
        ("rimo3", "token_endpoint_auth_method", "client_secret_post"),
        ("cimcloud", "scope", ["view"]),
        ("cimcloud", "token_body", "json"),
        ("jim2", "auth_key", "k"),
        ("jim2", "customer", "c"),
        ("beyondtrust", "logoff_path", "x"),
        ("beyondtrust", "authorization_type", "basic"),
    ],
)
def test_an_option_of_another_vendor_is_an_error_only_where_it_was_given(
    provider: str, option: str, value: t.Any
) -> None:
    given = options(provider, **{option: value})
    assert f"option {option} is not for provider {provider}" in refusal(given, explicit=[option])
    inherited = account_from(given)
    assert getattr(inherited, option) == getattr(account_from(options(provider)), option)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("timeout", 0.0),
        ("timeout", -1.0),
        ("timeout", 4000.0),
        ("timeout", float("nan")),
        ("retries", -1),
        ("retries", 11),
        ("assume_expires_in", 0),
        ("assume_expires_in", -5),
    ],
)
def test_a_number_out_of_range_is_refused(option: str, value: float) -> None:
    assert option in refusal(options("rimo3", **{option: value}))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("support.example.com", "https://"),
        ("http://support.example.com", "plain http"),
        ("https://a:b@support.example.com", "credentials"),
        ("https://support.example.com/?a=b", "query"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_with_the_account(url: str, words: str) -> None:
    text = refusal(options("beyondtrust", base_url=url))
    assert text.startswith("Account 'mine' (beyondtrust): Option 'base_url'")
    assert words in text


def test_plain_http_is_for_this_machine_or_who_allows_it() -> None:
    assert account_from(options("jim2", base_url="http://localhost:80/Jim_Test/")).base_url.startswith("http://")
    given = options("jim2", base_url="http://jim2.example.com", allow_http=True)
    assert account_from(given).base_url == "http://jim2.example.com"


def test_transport_options_reach_the_account() -> None:
    account = account_from(
        options("rimo3", timeout=3.5, retries=0, validate_certs=False, ca_path="/x", proxy="http://p")
    )
    transport = account.transport
    assert (transport.timeout, transport.retries, transport.validate_certs) == (3.5, 0, False)
    assert (transport.ca_path, transport.proxy) == ("/x", "http://p")


def test_an_account_without_a_name_is_called_by_its_client_id() -> None:
    assert account_from(options("rimo3")).name == "client-1"


def test_scopes_are_kept_in_order() -> None:
    assert account_from(options("jim2", scope=["view", "all"])).scope == ("view", "all")
