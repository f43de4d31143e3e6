# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.apiops.access.plugins.lookup import environment_accounts
from ansible_collections.apiops.access.plugins.plugin_utils._options import listed_accounts

SECRET = "s3cret-value"
RIMO3 = {"RIMO3_CLIENT_ID": "r", "RIMO3_CLIENT_SECRET": SECRET}
CIMCLOUD = {
    "CIMCLOUD_SITE": "acme", "CIMCLOUD_CLIENT_ID": "c", "CIMCLOUD_CLIENT_SECRET": SECRET, "CIMCLOUD_AUTH_KEY": SECRET,
}  # fmt: skip
JIM2 = {"JIM2_BASE_URL": "https://j.example.com/Live", "JIM2_CLIENT_ID": "j", "JIM2_CLIENT_SECRET": SECRET}
BEYONDTRUST = {"BT_API_HOST": "support.example.com", "BT_CLIENT_ID": "b", "BT_CLIENT_SECRET": SECRET}
OAUTH2 = {"OAUTH2_ISSUER": "https://login.example.com/t", "OAUTH2_CLIENT_ID": "o", "OAUTH2_CLIENT_SECRET": SECRET}
WHOLE = {"rimo3": RIMO3, "cimcloud": CIMCLOUD, "jim2": JIM2, "beyondtrust": BEYONDTRUST, "oauth2": OAUTH2}


@pytest.fixture
def accounts_of(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., list[str]]:
    """Look up with an environment, and return the accounts' names."""

    def look_up(*environments: t.Mapping[str, str]) -> list[str]:
        for environment in environments:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
        found = environment_accounts.LookupModule().run([])
        assert found == [{"name": account["name"], "provider": account["name"]} for account in found]
        return [account["name"] for account in found]

    return look_up


AccountsOf = t.Callable[..., list[str]]


def test_without_credentials_there_are_no_accounts(accounts_of: AccountsOf) -> None:
    assert accounts_of() == []


@pytest.mark.parametrize("provider", WHOLE)
def test_each_provider_is_found_by_its_own_variables(accounts_of: AccountsOf, provider: str) -> None:
    assert accounts_of(WHOLE[provider]) == [provider]


def test_all_of_them_are_accounts_that_modules_take(accounts_of: AccountsOf) -> None:
    assert accounts_of(*WHOLE.values()) == list(WHOLE)
    elements = environment_accounts.LookupModule().run([])
    found = listed_accounts(elements, {}, lambda _name: {})
    assert {account.name: account.client_secret for account, _options in found} == dict.fromkeys(WHOLE, SECRET)


@pytest.mark.parametrize(("provider", "left_out", "told"), [
    ("rimo3", "RIMO3_CLIENT_SECRET", "client_secret"),
    ("rimo3", "RIMO3_CLIENT_ID", "client_id"),
    ("cimcloud", "CIMCLOUD_SITE", "site"),
    ("cimcloud", "CIMCLOUD_AUTH_KEY", "auth_key"),
    ("jim2", "JIM2_BASE_URL", "base_url"),
    ("beyondtrust", "BT_API_HOST", "base_url"),
    ("oauth2", "OAUTH2_ISSUER", "issuer"),
    ("oauth2", "OAUTH2_CLIENT_SECRET", "client_secret"),
])  # fmt: skip
def test_half_an_account_fails_and_what_is_missing_is_told(
    accounts_of: AccountsOf, provider: str, left_out: str, told: str
) -> None:
    half = {name: value for name, value in WHOLE[provider].items() if name != left_out}
    with pytest.raises(AnsibleLookupError) as caught:
        accounts_of(RIMO3 if provider != "rimo3" else JIM2, half)
    assert f"Account '{provider}' ({provider}): option {told} is missing." in str(caught.value)
    assert "The environment has its " in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "variable",
    ["RIMO3_CLIENT_ID", "RIMO3_CLIENT_SECRET", "CIMCLOUD_AUTH_KEY", "OAUTH2_PRIVATE_KEY", "OAUTH2_PRIVATE_KEY_PATH"],
)
def test_one_of_the_credentials_alone_is_half_an_account(accounts_of: AccountsOf, variable: str) -> None:
    with pytest.raises(AnsibleLookupError, match=f"The environment has its {variable.partition('_')[2].lower()}"):
        accounts_of({variable: SECRET})


def test_an_empty_variable_is_none(accounts_of: AccountsOf) -> None:
    assert accounts_of(RIMO3, dict.fromkeys(JIM2, "")) == ["rimo3"]


@pytest.mark.parametrize(
    "environment",
    [
        {"JIM2_BASE_URL": "https://j.example.com/Live"},
        {"BT_API_HOST": "support.example.com"},
        {"RIMO3_TIMEOUT": "5", "RIMO3_TOKEN_BODY": "json"},
        {"RIMO3_ACCESS_TOKEN": "tok"},
        {"APIOPS_CLIENT_ID": "x", "APIOPS_CLIENT_SECRET": SECRET},
    ],
)
def test_what_is_no_account(accounts_of: AccountsOf, environment: dict[str, str]) -> None:
    assert accounts_of(environment) == []


def test_general_variables_are_the_account_of_the_provider_that_is_chosen(accounts_of: AccountsOf) -> None:
    general = {"APIOPS_PROVIDER": "jim2", **{f"APIOPS_{name[5:]}": value for name, value in JIM2.items()}}
    assert accounts_of(general) == ["jim2"]


def test_general_variables_complete_an_account_as_they_do_for_modules(accounts_of: AccountsOf) -> None:
    assert accounts_of({"RIMO3_CLIENT_ID": "r", "APIOPS_CLIENT_SECRET": SECRET}) == ["rimo3"]


def test_a_private_key_takes_the_place_of_a_secret(accounts_of: AccountsOf) -> None:
    without = {name: value for name, value in OAUTH2.items() if not name.endswith("SECRET")}
    assert accounts_of(without, {"OAUTH2_PRIVATE_KEY_PATH": "/no/such/key.pem"}) == ["oauth2"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"APIOPS_PROVIDER": SECRET}, "APIOPS_PROVIDER is none of beyondtrust, cimcloud, jim2, oauth2, rimo3"),
        ({"RIMO3_TIMEOUT": "soon"}, "timeout"),
        ({"RIMO3_BASE_URL": "http://api.example.com"}, "base_url"),
        ({"APIOPS_CACHE": "redis"}, "cache_url and cache_secret"),
    ],
)
def test_what_modules_would_refuse_is_refused_here(accounts_of: AccountsOf, wrong: dict[str, str], told: str) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        accounts_of(RIMO3, wrong)
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("terms", "options"), [(["rimo3"], {}), ([], {"provider": "rimo3"})])
def test_names_and_options_are_refused(terms: list[str], options: dict[str, str]) -> None:
    with pytest.raises(AnsibleLookupError, match="neither names nor options"):
        environment_accounts.LookupModule().run(terms, {}, **options)
