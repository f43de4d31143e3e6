# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    CREDENTIAL_OPTIONS,
    TRANSPORT_SPEC,
    account_from,
)
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ENDPOINTS
from ansible_collections.apiops.access.tests.unit.scripted import ISSUER

TRANSPORT: dict[str, t.Any] = {option: spec.get("default") for option, spec in TRANSPORT_SPEC.items()}
CREDENTIALS: dict[str, t.Any] = {"client_id": "client-1", "client_secret": "s3cret-value"}
COMPLETE: dict[str, dict[str, t.Any]] = {
    "rimo3": CREDENTIALS,
    "cimcloud": {**CREDENTIALS, "site": "acme", "auth_key": "k3y-value"},
    "jim2": {**CREDENTIALS, "base_url": "https://jim2.example.com/Jim_Live/"},
    "beyondtrust": {**CREDENTIALS, "base_url": "https://support.example.com"},
    "oauth2": {**CREDENTIALS, "issuer": ISSUER},
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
        ("oauth2", ISSUER),
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
        ("oauth2", "issuer"),
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
    assert "beyondtrust, cimcloud, jim2, oauth2, rimo3" in text


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
        ("rimo3", "issuer", ISSUER),
        ("cimcloud", "token_endpoint", f"{ISSUER}/token"),
        ("jim2", "private_key", "x"),
        ("jim2", "signing_alg", "RS256"),
        ("beyondtrust", "audience", "x"),
        ("beyondtrust", "resource", ["x"]),
        ("oauth2", "site", "acme"),
        ("oauth2", "auth_key", "k"),
        ("oauth2", "customer", "c"),
        ("oauth2", "token_body", "json"),
        ("oauth2", "authorization_type", "basic"),
        ("oauth2", "logoff_path", "x"),
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


# Any OAuth 2.0 server

BASE = "https://api.example.com/v1"
KEY = "-----BEGIN PRIVATE KEY-----\ns3cret-value\n-----END PRIVATE KEY-----"


def oauth2_options(**changes: t.Any) -> dict[str, t.Any]:
    """Options of an account without an address, unless the changes give one."""
    return options("oauth2", **{"issuer": None, **changes})


@pytest.mark.parametrize(
    ("given", "issuer", "base_url"),
    [
        ({"issuer": ISSUER}, ISSUER, ISSUER),
        ({"issuer": f"{ISSUER}/realms/main/"}, f"{ISSUER}/realms/main/", f"{ISSUER}/realms/main"),
        ({"base_url": ISSUER}, ISSUER, ISSUER),
        ({"issuer": ISSUER, "base_url": BASE}, ISSUER, BASE),
        ({"token_endpoint": f"{ISSUER}:8443/oauth/token/?tenant=7"}, None, f"{ISSUER}:8443"),
        ({"token_endpoint": f"{ISSUER}/token", "base_url": BASE}, None, BASE),
        ({"token_endpoint": f"{ISSUER}/token", "issuer": ISSUER}, ISSUER, ISSUER),
        ({"token_endpoint": f"{ISSUER}/token", "issuer": ISSUER, "base_url": BASE}, ISSUER, BASE),
        ({"issuer": "", "base_url": ISSUER, "token_endpoint": ""}, ISSUER, ISSUER),
    ],
)
def test_one_address_is_enough(given: dict[str, t.Any], issuer: str | None, base_url: str) -> None:
    account = account_from(oauth2_options(**given))
    assert (account.issuer, account.base_url) == (issuer, base_url)
    assert account.token_endpoint == given.get("token_endpoint")


@pytest.mark.parametrize("option", ["issuer", *ENDPOINTS])
@pytest.mark.parametrize(
    "url",
    [
        "auth.example.com/token",
        "http://auth.example.com/token",
        "https://me:s3cret-value@auth.example.com/token",
        "https://auth.example.com/token#part",
        "https://auth.example.com/to ken",
        "https://[::1/token",
        "https://auth.example.com:port/token",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_option(option: str, url: str) -> None:
    assert f"Option '{option}'" in refusal(oauth2_options(**{"base_url": BASE, option: url}))


@pytest.mark.parametrize(
    "url", ["https://[::1/token", "auth.example.com", "https://me:s3cret-value@auth.example.com/token", "https://"]
)
def test_a_token_endpoint_that_is_the_only_address_is_refused_as_itself(url: str) -> None:
    assert "Option 'token_endpoint'" in refusal(oauth2_options(token_endpoint=url))


@pytest.mark.parametrize("option", ENDPOINTS)
def test_an_endpoint_may_have_a_query_and_is_kept_as_it_is(option: str) -> None:
    url = f"{ISSUER}/x/?tenant=7"
    assert getattr(account_from(oauth2_options(**{"issuer": ISSUER, option: url})), option) == url


def test_an_issuer_has_no_query() -> None:
    assert "Option 'issuer'" in refusal(oauth2_options(issuer=f"{ISSUER}?tenant=7"))


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({}, "client_secret_basic"),
        ({"client_secret": None, "private_key": KEY}, "private_key_jwt"),
        ({"client_secret": None, "private_key_path": "/key.pem"}, "private_key_jwt"),
        ({"private_key": KEY}, "client_secret_basic"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
        ({"token_endpoint_auth_method": "client_secret_jwt", "private_key": KEY}, "client_secret_jwt"),
        ({"token_endpoint_auth_method": "private_key_jwt", "private_key": KEY}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "tls_client_auth", "client_cert": "/c.pem"}, "tls_client_auth"),
    ],
)
def test_the_way_to_authenticate_follows_from_the_credentials_unless_it_is_given(
    given: dict[str, t.Any], method: str
) -> None:
    assert account_from(options("oauth2", **given)).token_endpoint_auth_method == method


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        ("client_secret_basic", "client_secret"),
        ("client_secret_post", "client_secret"),
        ("client_secret_jwt", "client_secret"),
        ("private_key_jwt", "private_key"),
        ("tls_client_auth", "client_cert"),
        ("self_signed_tls_client_auth", "client_cert"),
    ],
)
def test_each_way_to_authenticate_needs_its_own_credential(method: str, missing: str) -> None:
    given = options("oauth2", client_secret=None, token_endpoint_auth_method=method)
    text = refusal(given)
    assert f"option {missing} is missing" in text
    assert f"APIOPS_{missing.upper()}" in text
    assert account_from({**given, missing: "x"}).client_id == "client-1"
    assert "client_id is missing" in refusal({**given, missing: "x", "client_id": None})


def test_a_private_key_can_be_in_a_file() -> None:
    given = options(
        "oauth2", client_secret=None, token_endpoint_auth_method="private_key_jwt", private_key_path="/key.pem"
    )
    assert account_from(given).private_key_path == "/key.pem"


def test_one_private_key_is_enough() -> None:
    text = refusal(options("oauth2", private_key=KEY, private_key_path="/key.pem"))
    assert "private_key and private_key_path exclude each other" in text


@pytest.mark.parametrize("provider", ["jim2", "beyondtrust"])
@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt", "tls_client_auth"])
def test_a_vendor_without_signatures_and_certificates_refuses_them(provider: str, method: str) -> None:
    text = refusal(options(provider, token_endpoint_auth_method=method))
    assert f"token_endpoint_auth_method '{method}' is not known" in text


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [
        ("client_secret_basic", "RS256"),
        ("client_secret_post", "HS256"),
        ("client_secret_jwt", "RS256"),
        ("client_secret_jwt", "EdDSA"),
        ("private_key_jwt", "HS256"),
        ("tls_client_auth", "ES256"),
    ],
)
def test_an_algorithm_that_is_not_for_the_way_to_authenticate_is_refused(method: str, algorithm: str) -> None:
    given = options(
        "oauth2", token_endpoint_auth_method=method, signing_alg=algorithm, private_key=KEY, client_cert="/c.pem"
    )
    assert f"signing_alg '{algorithm}' is not for token_endpoint_auth_method '{method}'" in refusal(given)


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [
        ("client_secret_jwt", "HS256"),
        ("client_secret_jwt", "HS512"),
        ("private_key_jwt", "RS256"),
        ("private_key_jwt", "PS512"),
        ("private_key_jwt", "ES512"),
        ("private_key_jwt", "EdDSA"),
    ],
)
def test_an_algorithm_that_is_for_the_way_to_authenticate_is_taken(method: str, algorithm: str) -> None:
    given = options("oauth2", token_endpoint_auth_method=method, signing_alg=algorithm, private_key=KEY)
    assert account_from(given).signing_alg == algorithm


def test_what_a_host_is_told_of_an_account_that_signs_is_complete_without_its_credentials() -> None:
    given = options(
        "oauth2",
        token_endpoint_auth_method="private_key_jwt",
        private_key=KEY,
        signing_alg="PS256",
        key_id="key-7",
        assertion_audience=ISSUER,
    )
    told = {option: value for option, value in given.items() if option not in CREDENTIAL_OPTIONS}
    assert account_from(told, need_credentials=False).issuer == ISSUER


def test_each_resource_is_kept_in_order() -> None:
    assert account_from(options("oauth2", resource=["urn:b", "urn:a"])).resource == ("urn:b", "urn:a")
