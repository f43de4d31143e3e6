# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    API_ACCOUNT_SPEC,
    OAUTH_TOKEN_SPEC,
    TOKEN_TEST_SPEC,
)
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError
from ansible_collections.apiops.access.plugins.module_utils._model import Account
from ansible_collections.apiops.access.plugins.plugin_utils._options import (
    chosen_account,
    listed_accounts,
    merged_options,
    own_environment,
    secrets_in,
    validated,
    with_environment,
)

ACCOUNTS: list[dict[str, t.Any]] = [
    {"name": "packaging", "provider": "rimo3", "client_id": "r", "client_secret": "r-s3cret"},
    {"name": "erp", "provider": "jim2", "base_url": "https://jim2.example.com/Live", "client_id": "j", "scope": "view"},
]


def among(accounts: t.Any) -> t.Callable[[str], dict[str, t.Any]]:
    return lambda name: chosen_account(name, accounts, lambda value: value)


def merged(
    raw: dict[str, t.Any], environ: dict[str, str] | None = None, accounts: t.Any = None, spec: t.Any = None
) -> dict[str, t.Any]:
    return merged_options(
        raw, spec or OAUTH_TOKEN_SPEC, among(ACCOUNTS if accounts is None else accounts), environ or {}
    )[0]


# The environment


def from_environment(options: dict[str, t.Any], environ: dict[str, str]) -> dict[str, t.Any]:
    return with_environment(options, environ, ready_token=True)


def test_the_providers_variable_goes_before_the_general_one() -> None:
    environ = {"RIMO3_CLIENT_ID": "own", "APIOPS_CLIENT_ID": "general", "APIOPS_TIMEOUT": "5", "JIM2_CLIENT_ID": "j"}
    filled = from_environment({"provider": "rimo3"}, environ)
    assert (filled["client_id"], filled["timeout"]) == ("own", "5")


def test_the_task_goes_before_the_environment() -> None:
    assert (
        from_environment({"provider": "rimo3", "client_id": "task"}, {"RIMO3_CLIENT_ID": "own"})["client_id"] == "task"
    )


def test_the_provider_itself_can_come_from_the_environment() -> None:
    environ = {"APIOPS_PROVIDER": "jim2", "JIM2_CLIENT_ID": "j", "RIMO3_CLIENT_ID": "r"}
    filled = from_environment({}, environ)
    assert (filled["provider"], filled["client_id"]) == ("jim2", "j")


def test_an_empty_variable_is_none() -> None:
    environ = {"RIMO3_CLIENT_ID": "", "APIOPS_CLIENT_ID": "general"}
    assert from_environment({"provider": "rimo3"}, environ)["client_id"] == "general"


def test_what_beyondtrusts_command_line_reads_counts_for_beyondtrust() -> None:
    environ = {"BT_API_HOST": "support.example.com", "BT_CLIENT_ID": "id", "BT_CLIENT_SECRET": "secret"}
    assert from_environment({"provider": "beyondtrust"}, environ) == {
        "provider": "beyondtrust",
        "base_url": "https://support.example.com",
        "client_id": "id",
        "client_secret": "secret",
    }
    assert from_environment({"provider": "rimo3"}, environ) == {"provider": "rimo3"}


def test_our_own_variables_go_before_beyondtrusts() -> None:
    environ = {"BT_API_HOST": "a.example.com", "BEYONDTRUST_BASE_URL": "https://b.example.com/x"}
    assert from_environment({"provider": "beyondtrust"}, environ)["base_url"] == "https://b.example.com/x"


def test_a_host_with_its_scheme_is_left_as_it_is() -> None:
    environ = {"BT_API_HOST": "http://localhost:8080"}
    assert from_environment({"provider": "beyondtrust"}, environ)["base_url"] == "http://localhost:8080"


def test_an_option_that_the_provider_does_not_know_is_not_taken_from_the_environment() -> None:
    environ = {"APIOPS_SCOPE": "view", "APIOPS_SITE": "acme", "APIOPS_CLIENT_ID": "c"}
    assert from_environment({"provider": "rimo3"}, environ) == {"provider": "rimo3", "client_id": "c"}
    assert from_environment({"provider": "jim2"}, environ)["scope"] == "view"


def test_the_environment_does_not_choose_among_the_users_accounts() -> None:
    assert "account" not in from_environment({"provider": "rimo3"}, {"APIOPS_ACCOUNT": "x", "RIMO3_ACCOUNT": "y"})


def test_given_credentials_keep_the_environments_token_out() -> None:
    filled = from_environment({"provider": "rimo3", "client_secret": "s"}, {"APIOPS_ACCESS_TOKEN": "tok"})
    assert "access_token" not in filled


def test_the_environments_token_is_for_tests_alone() -> None:
    environ = {"APIOPS_ACCESS_TOKEN": "tok", "RIMO3_CLIENT_ID": "r"}
    assert merged({"provider": "rimo3"}, environ, spec=TOKEN_TEST_SPEC)["access_token"] == "tok"
    for spec in (OAUTH_TOKEN_SPEC, API_ACCOUNT_SPEC):
        assert merged({"provider": "rimo3"}, environ, spec=spec) == {"provider": "rimo3", "client_id": "r"}


# api_accounts


def test_an_account_is_chosen_by_its_name() -> None:
    options = merged({"account": "erp"})
    assert (options["provider"], options["client_id"], options["name"]) == ("jim2", "j", "erp")


def test_task_then_account_then_environment() -> None:
    environ = {"JIM2_CLIENT_ID": "environment", "JIM2_CLIENT_SECRET": "environment", "JIM2_TIMEOUT": "9"}
    options = merged({"account": "erp", "client_secret": "task", "timeout": 3}, environ)
    assert (options["client_id"], options["client_secret"], options["timeout"]) == ("j", "task", 3)


def test_what_is_null_was_not_given() -> None:
    assert merged({"account": "erp", "client_id": None})["client_id"] == "j"


def test_what_was_given_explicitly_is_known() -> None:
    _options, explicit = merged_options(
        {"account": "erp", "timeout": 3, "site": None}, OAUTH_TOKEN_SPEC, among(ACCOUNTS), {"JIM2_CLIENT_SECRET": "s"}
    )
    assert {"scope", "timeout", "client_id"} <= explicit
    assert not {"client_secret", "site"} & explicit


def test_the_variable_is_not_looked_at_without_need() -> None:
    def fail(_name: str) -> t.Any:
        raise AssertionError

    assert merged_options({"provider": "rimo3"}, OAUTH_TOKEN_SPEC, fail, {})[0] == {"provider": "rimo3"}


def test_an_unknown_account_is_told_with_the_names_that_there_are() -> None:
    with pytest.raises(ConfigurationError) as caught:
        among(ACCOUNTS)("shop")
    assert "packaging, erp" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_name_that_two_accounts_have_is_not_guessed() -> None:
    with pytest.raises(ConfigurationError, match="more than once"):
        among([*ACCOUNTS, {"name": "erp"}])("erp")


@pytest.mark.parametrize("accounts", [None, "", {}, {"erp": {}}, ["erp"], [["erp"]], 7])
def test_a_variable_that_is_no_list_of_accounts_is_told_so(accounts: t.Any) -> None:
    with pytest.raises(ConfigurationError, match="api_accounts is not a list of dictionaries"):
        among(accounts)("erp")


def templated(value: t.Any) -> t.Any:
    """What Ansible would make of a value; raises KeyError for what nobody knows."""
    if isinstance(value, dict):
        return {option: templated(part) for option, part in value.items()}
    if isinstance(value, list):
        return [templated(part) for part in value]
    return {"{{ name }}": "erp", "{{ secret }}": "s", "{{ all }}": ACCOUNTS}[value] if "{{" in str(value) else value


@pytest.mark.parametrize(
    "accounts",
    [
        [{"name": "erp", "client_secret": "{{ secret }}"}, {"name": "x", "client_secret": "{{ of another host }}"}],
        [{"client_id": "erp", "client_secret": "{{ secret }}"}, {"client_id": "x", "private_key": "{{ of another }}"}],
        [{"name": "erp", "client_secret": "{{ secret }}"}, {"name": "x", "client_id": "{{ of another host }}"}],
        [{"name": "{{ name }}", "client_secret": "{{ secret }}"}],
        [{"client_id": "{{ name }}", "client_secret": "{{ secret }}"}],
        [{"name": "erp", "scope": ["{{ secret }}"], "client_secret": "s"}],
    ],
)
def test_the_templates_of_an_account_are_resolved_and_no_others(accounts: list[dict[str, t.Any]]) -> None:
    found = chosen_account("erp", accounts, templated)
    assert found["client_secret"] == "s"
    assert found.get("scope", ["s"]) == ["s"]


def test_the_whole_variable_can_be_a_template() -> None:
    assert chosen_account("erp", "{{ all }}", templated)["provider"] == "jim2"


def test_a_name_that_comes_of_a_template_counts_among_the_names() -> None:
    with pytest.raises(ConfigurationError, match="more than once"):
        chosen_account("erp", [{"name": "erp"}, {"name": "{{ name }}"}], templated)


def test_what_a_template_made_is_no_template_again() -> None:
    def once(value: t.Any) -> t.Any:
        assert value == "{{ all }}"
        return [{"name": "erp", "client_secret": "a secret with {{ braces }}"}]

    assert chosen_account("erp", "{{ all }}", once)["client_secret"] == "a secret with {{ braces }}"


def test_of_the_machines_environment_only_what_is_ours_is_looked_at() -> None:
    ours = {"APIOPS_TIMEOUT": "5", "BT_API_HOST": "a", "RIMO3_CLIENT_ID": "r", "OAUTH2_ISSUER": "i", "JIM2_SCOPE": "s"}
    assert own_environment({**ours, "HOME": "/root", "CIMCLOUD": "x", "MY_APIOPS_TIMEOUT": "7"}) == ours


class Encrypted:
    """What Ansible's vault leaves in a variable until it is templated."""


def test_what_is_encrypted_is_left_to_ansible() -> None:
    found = chosen_account("erp", [{"name": "erp", "client_secret": Encrypted()}], lambda _one: {"client_secret": "s"})
    assert found == {"client_secret": "s"}
    found = chosen_account("erp", [{"name": Encrypted()}], lambda _all: [{"name": "erp", "site": "acme"}])
    assert found == {"name": "erp", "site": "acme"}


def test_an_option_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="unknown options: clientid"):
        merged({"account": "x"}, accounts=[{"name": "x", "clientid": "c", "client_secret": "s3cret"}])


def test_what_an_account_has_for_api_account_alone_reaches_only_that() -> None:
    accounts = [{**ACCOUNTS[0], "state": "absent", "settings": {"name": "x"}, "rotate_secret": "always"}]
    assert not {"state", "settings", "rotate_secret"} & set(merged({"account": "packaging"}, accounts=accounts))
    options = merged({"account": "packaging"}, accounts=accounts, spec=API_ACCOUNT_SPEC)
    assert (options["state"], options["settings"], options["rotate_secret"]) == ("absent", {"name": "x"}, "always")


def test_an_account_with_a_ready_token_can_be_used_with_api_account_too() -> None:
    accounts = [{**ACCOUNTS[0], "access_token": "tok"}]
    options = merged({"account": "packaging"}, accounts=accounts, spec=API_ACCOUNT_SPEC)
    assert validated(API_ACCOUNT_SPEC, options, "packaging")["client_id"] == "r"


def test_a_token_in_the_environment_does_not_trouble_api_account() -> None:
    environ = {"APIOPS_ACCESS_TOKEN": "tok"}
    options = merged({"provider": "rimo3", "name": "packaging"}, environ, spec=API_ACCOUNT_SPEC)
    assert validated(API_ACCOUNT_SPEC, options, "packaging")["name"] == "packaging"


# Validation


def test_options_get_their_types_and_defaults() -> None:
    options = validated(
        OAUTH_TOKEN_SPEC, {"provider": "jim2", "scope": "view,all", "timeout": "7", "force": "yes"}, "x"
    )
    assert (options["scope"], options["timeout"], options["force"]) == (["view", "all"], 7.0, True)
    assert (options["retries"], options["min_ttl"], options["validate_certs"]) == (2, 60, True)
    assert options["client_id"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"provider": "okta"}, "beyondtrust, cimcloud, jim2, oauth2, rimo3"),
        ({"timeout": "soon"}, "timeout"),
        ({"clientsecret": "x"}, "clientsecret"),
        ({"validate_certs": "perhaps"}, "validate_certs"),
    ],
)
def test_an_option_that_is_wrong_is_named_with_its_account(change: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validated(OAUTH_TOKEN_SPEC, {"provider": "rimo3", **change}, "mine")
    assert str(caught.value).startswith("Account 'mine': ")
    assert words in str(caught.value)


def test_a_secret_in_the_place_of_another_value_is_masked() -> None:
    options = {"provider": "s3cret-value", "timeout": "s3cret-value", "client_secret": "s3cret-value"}
    with pytest.raises(ConfigurationError) as caught:
        validated(OAUTH_TOKEN_SPEC, options, "mine")
    assert "s3cret" not in str(caught.value)


def test_every_secret_is_found_however_deep() -> None:
    options = {
        "client_secret": "a1",
        "auth_key": "a2",
        "client_id": "not this",
        "manager": {"client_secret": "a3", "client_id": "nor this"},
        "accounts": [{"client_secret": "a4", "access_token": "a5"}, {"proxy": "a6"}],
        "access_tokens": {"erp": "a7", "shop": "a8"},
    }
    assert secrets_in(options) == {f"a{number}" for number in range(1, 9)}


# Lists of accounts


def listed(
    elements: list[dict[str, t.Any]], defaults: dict[str, t.Any] | None = None, environ: dict[str, str] | None = None
) -> list[tuple[Account, dict[str, t.Any]]]:
    return listed_accounts(elements, defaults or {}, among(ACCOUNTS), environ=environ or {})


def test_a_list_inherits_what_the_task_has() -> None:
    ((account, params),) = listed([ACCOUNTS[0]], {"timeout": 3, "min_ttl": 7, "client_id": "task"})
    assert (account.name, account.client_id, account.transport.timeout, params["min_ttl"]) == ("packaging", "r", 3.0, 7)


def test_a_default_of_another_vendor_is_left_out() -> None:
    elements = [ACCOUNTS[0], {**ACCOUNTS[1], "client_secret": "s", "scope": None}]
    found = listed(elements, {"scope": ["all"], "provider": "jim2"})
    assert [account.scope for account, _params in found] == [(), ("all",)]


def test_a_list_takes_the_environment_of_each_provider() -> None:
    environ = {"JIM2_CLIENT_SECRET": "j-s3cret", "APIOPS_CLIENT_SECRET": "general"}
    found = listed(ACCOUNTS, environ=environ)
    assert [account.client_secret for account, _params in found] == ["r-s3cret", "j-s3cret"]


def test_an_element_can_name_an_account() -> None:
    ((account, _params),) = listed([{"account": "packaging", "timeout": 2}])
    assert (account.name, account.client_secret, account.transport.timeout) == ("packaging", "r-s3cret", 2.0)


def test_an_account_that_is_listed_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'packaging' is listed more than once"):
        listed([ACCOUNTS[0], ACCOUNTS[0]])


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ({"name": "x", "provider": "rimo3"}, "Account 'x' (rimo3): options client_id, client_secret are missing"),
        ({**ACCOUNTS[0], "scope": ["view"]}, "Account 'packaging' (rimo3): option scope is not for provider rimo3"),
        ({**ACCOUNTS[0], "sekret": "s3cret"}, "Account 'packaging' has unknown options: sekret"),
        ({"name": "x", "provider": "okta", "client_secret": "s3cret"}, "Account 'x': "),
    ],
)
def test_an_element_that_is_wrong_is_named(element: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        listed([element])
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_what_an_element_has_for_api_account_alone_is_passed_over() -> None:
    ((account, params),) = listed([{**ACCOUNTS[0], "settings": {"name": "x"}, "state": "present"}])
    assert account.name == "packaging"
    assert "settings" not in params


def test_an_element_with_a_token_needs_no_credentials() -> None:
    ((account, params),) = listed([{"name": "x", "provider": "rimo3", "access_token": "tok"}])
    assert (account.client_secret, params["access_token"]) == (None, "tok")


def test_an_elements_own_secret_goes_before_the_tasks_token() -> None:
    ((_account, params),) = listed([ACCOUNTS[0]], {"access_token": "tok"})
    assert params["access_token"] is None
