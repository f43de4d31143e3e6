# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What the user wrote, made into validated options: task, then api_accounts, then the controller's environment."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._arguments import (
    API_ACCOUNT_ONLY_SPEC,
    ELEMENT_OPTIONS,
    READY_TOKEN_SPEC,
    SECRET_OPTIONS,
    SHARED_SPEC,
    Spec,
    account_from,
)
from ..module_utils._errors import ConfigurationError
from ..module_utils._model import Account
from ..module_utils._providers._base import SPECIAL_OPTIONS
from ..module_utils._providers._registry import PROVIDERS
from ..module_utils._redaction import Redactor

ACCOUNTS_VARIABLE = "api_accounts"

# What BeyondTrust's own command line reads.
_FOREIGN_VARIABLES = {
    ("beyondtrust", "base_url"): "BT_API_HOST",
    ("beyondtrust", "client_id"): "BT_CLIENT_ID",
    ("beyondtrust", "client_secret"): "BT_CLIENT_SECRET",
}

_RECORDS_OPTIONS = ("records_file", "vault_id", "initial_access_token")


_PREFIXES = ("APIOPS_", "BT_", *(f"{provider.upper()}_" for provider in PROVIDERS))


def own_environment(environ: t.Mapping[str, str]) -> dict[str, str]:
    """What of an environment can matter here."""
    return {name: environ[name] for name in environ if name.startswith(_PREFIXES)}


def with_environment(
    options: t.Mapping[str, t.Any], environ: t.Mapping[str, str], *, ready_token: bool, records: bool = False
) -> dict[str, t.Any]:
    """The options with what the environment has for those that are not set.

    ``RIMO3_CLIENT_ID`` goes before ``APIOPS_CLIENT_ID``. ``ready_token``: whether the environment may also have a
    token to use instead of credentials; given credentials keep it out. ``records``: whether it may say where account
    records are, for a provider that registers accounts.
    """
    filled = dict(options)
    provider = str(filled.get("provider") or environ.get("APIOPS_PROVIDER") or "")
    kind = PROVIDERS.get(provider)
    registers = records and kind is not None and kind.registers
    more = [*(READY_TOKEN_SPEC if ready_token else ()), *(_RECORDS_OPTIONS if registers else ())]
    for option in [*SHARED_SPEC, *more]:
        # "account" selects among the user's variables, and is no property of the machine's environment.
        if option == "account" or filled.get(option) is not None:
            continue
        if option in SPECIAL_OPTIONS and kind is not None and option not in kind.options:
            continue
        if option == "access_token" and filled.get("client_secret"):
            continue
        names = [f"APIOPS_{option.upper()}"]
        if provider:
            names[:0] = [f"{provider.upper()}_{option.upper()}", _FOREIGN_VARIABLES.get((provider, option), "")]
        value = next((environ[name] for name in names if environ.get(name)), None)
        if value is not None:
            # BT_API_HOST is a host name, where base_url is a URL.
            filled[option] = f"https://{value}" if option == "base_url" and "://" not in value else value
    return filled


def secrets_in(options: t.Any) -> set[str]:
    """Every secret value among raw options, nested ones too, for the redaction of messages about them."""
    found: set[str] = set()
    if isinstance(options, dict):
        for option, value in options.items():
            if option in SECRET_OPTIONS and value is not None:
                found.add(str(value))
            elif option == "access_tokens" and isinstance(value, dict):
                found |= {str(token) for token in value.values()}
            else:
                found |= secrets_in(value)
    elif isinstance(options, (list, tuple)):
        for item in options:
            found |= secrets_in(item)
    return found


def validated(spec: Spec, options: t.Mapping[str, t.Any], label: str) -> dict[str, t.Any]:
    """The options in their right types, with defaults. Raises ConfigurationError that names what is wrong."""
    result = ArgumentSpecValidator(spec).validate(dict(options))
    if result.error_messages:
        redactor = Redactor(secrets_in(options))
        text = "; ".join(redactor.server_text(message) or "" for message in result.error_messages)
        raise ConfigurationError(f"Account '{label}': {text}.")
    return t.cast("dict[str, t.Any]", result.validated_parameters)


def chosen_account(name: str, accounts: t.Any, template: t.Callable[[t.Any], t.Any]) -> dict[str, t.Any]:
    """The element of api_accounts with that name. Raises ConfigurationError that lists the names there are.

    ``accounts``: the variable as it stands. ``template`` resolves what is a template in it: of the one element where
    the names have none, so that no other account's secret is looked up, and of all otherwise.
    """
    resolved = not (isinstance(accounts, list) and all(_is_named_in_clear(item) for item in accounts))
    if resolved:
        accounts = template(accounts)
    if not isinstance(accounts, (list, tuple)) or not all(isinstance(item, dict) for item in accounts):
        raise ConfigurationError(
            f"Account '{name}' was asked for, but the variable {ACCOUNTS_VARIABLE} is not a list of dictionaries. "
            "Define it, for example in group_vars or by -e @accounts.yml."
        )
    names = [str(item.get("name") or item.get("client_id")) for item in accounts]
    if names.count(name) != 1:
        problem = "more than once" if name in names else "not"
        raise ConfigurationError(
            f"Account '{name}' is {problem} among {ACCOUNTS_VARIABLE}, which has: {', '.join(names) or 'nothing'}."
        )
    element = accounts[names.index(name)]
    return dict(element if resolved or _is_in_clear(element) else template(element))


def _is_named_in_clear(element: t.Any) -> bool:
    return isinstance(element, dict) and _is_in_clear(element.get("name") or element.get("client_id"))


def _is_in_clear(value: t.Any) -> bool:
    """Whether a value cannot be a template or encrypted, nor hold one; of doubtful ones it is not said."""
    if isinstance(value, str):
        return "{" not in value
    if isinstance(value, dict):
        return all(map(_is_in_clear, value.values()))
    if isinstance(value, list):
        return all(map(_is_in_clear, value))
    return value is None or isinstance(value, (bool, int, float))


def merged_options(
    raw: t.Mapping[str, t.Any],
    spec: Spec,
    account_named: t.Callable[[str], dict[str, t.Any]],
    environ: t.Mapping[str, str] | None = None,
) -> tuple[dict[str, t.Any], frozenset[str]]:
    """One account's options from task, api_accounts and environment, and which of them were given explicitly.

    ``account_named`` finds an element of api_accounts, as ``chosen_account`` does.
    """
    options = {option: value for option, value in raw.items() if value is not None}
    if options.get("account"):
        element = account_named(str(options["account"]))
        check_element(element)
        element.setdefault("name", options["account"])
        takes = {*SHARED_SPEC, "name"}
        takes |= set(API_ACCOUNT_ONLY_SPEC) if "settings" in spec else set()
        takes |= set(READY_TOKEN_SPEC) if _tests_tokens(spec) else set()
        options = {**{option: element[option] for option in takes & set(element)}, **options}
    explicit = frozenset(options)
    environment = own_environment(os.environ) if environ is None else environ
    filled = with_environment(options, environment, ready_token=_tests_tokens(spec), records="records_file" in spec)
    return filled, explicit


def _tests_tokens(spec: Spec) -> bool:
    """Whether a ready token takes the place of the credentials; for oauth_token it is the one to release."""
    return "access_token" in spec and "state" not in spec


def check_element(element: t.Mapping[str, t.Any]) -> None:
    """Raise ConfigurationError where an account of a list has an option that does not exist."""
    unknown = sorted(str(option) for option in set(element) - ELEMENT_OPTIONS)
    if unknown:
        label = element.get("name") or element.get("client_id") or element.get("provider") or "unnamed"
        raise ConfigurationError(
            f"Account '{label}' has unknown options: {', '.join(unknown)}. Known are: "
            f"{', '.join(sorted(ELEMENT_OPTIONS))}."
        )


def listed_accounts(
    elements: t.Sequence[t.Mapping[str, t.Any]],
    defaults: t.Mapping[str, t.Any],
    account_named: t.Callable[[str], dict[str, t.Any]],
    ready_tokens: t.Mapping[str, str] | None = None,
    environ: t.Mapping[str, str] | None = None,
) -> list[tuple[Account, dict[str, t.Any]]]:
    """The accounts of a list, each with its validated options.

    ``defaults``: the task's own raw options. ``ready_tokens``: tokens by account name, instead of credentials.

    Raises ConfigurationError for the first account that is wrong, before anything is sent.
    """
    shared = {**SHARED_SPEC, **READY_TOKEN_SPEC}
    inherited = {option: value for option, value in defaults.items() if option in shared and value is not None}
    found = []
    for element in elements:
        check_element(element)
        options, explicit = merged_options(element, shared, account_named, environ={})
        name = str(options.get("name") or options.get("client_id") or options.get("provider") or "unnamed")
        # A default that another provider's account needs is none of this account's.
        own = {option: value for option, value in options.items() if option in shared}
        if ready_tokens and name in ready_tokens:
            own["access_token"] = ready_tokens[name]
        provider = PROVIDERS.get(str(own.get("provider") or inherited.get("provider") or ""))
        usable = {
            option: value
            for option, value in inherited.items()
            if option not in SPECIAL_OPTIONS or provider is None or option in provider.options
        }
        if "client_secret" in own:
            usable.pop("access_token", None)
        environment = own_environment(os.environ) if environ is None else environ
        merged = with_environment({**usable, **own}, environment, ready_token=True)
        params = validated(shared, merged, name)
        account = account_from(params, name=name, explicit=explicit, need_credentials=not params["access_token"])
        found.append((account, params))
    names = [account.name for account, _params in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"Account '{twice[0]}' is listed more than once. Give each account a name of its own.")
    return found
