# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Prove an API account, compare it, and name what a person has to do.

All four vendors keep the writing to their portals, so this never claims to have changed anything. What servers let
a program change is in client_registration.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from .._arguments import ACCOUNT_SPEC, TRANSPORT_SPEC, account_from
from .._errors import AccessError, ConfigurationError, RefusedError
from .._model import Account, Token, Verdict
from .._providers._authentication_methods import SECRET_METHODS
from .._providers._base import Provider, verdict_of_error
from .._providers._portal import SETTINGS_STEP, AccountListing, Setting, filled, setting_name
from .._providers._registry import PROVIDERS, open_provider
from .._providers.oauth2 import combined_verdict, verdict_on_fresh_token

ACTION_TITLES = {
    "create": "create the account",
    "repair": "repair the credentials",
    "change": "change the settings",
    "rotate": "renew the secret",
    "delete": "delete the account",
    "regain": "issue a new registration access token",
}

CREATED, ROTATED, UNCHANGED = "created", "rotated", "unchanged"
"""What became of a secret."""

_UNTESTED = ("untested", "introspection_not_permitted", "introspection_unsupported")
"""Reasons of a verdict on a token that was granted, and that nothing could be learned of otherwise."""


@dataclasses.dataclass(frozen=True)
class WantedAccount:
    """What the task asks for. ``manager`` is an account that may read accounts; ``settings`` are checked ones.

    ``options`` are the account's own options, as its record keeps them.
    """

    account: Account
    state: str = "present"
    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    rotate_secret: bool = False
    manager: Account | None = None
    manager_token: Token | None = None
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    rotate_after_days: int | None = None
    rotate_by: str = "update"
    retire: str = "now"
    initial_access_token: str | None = dataclasses.field(default=None, repr=False)


def wanted_account(params: t.Mapping[str, t.Any], explicit: t.Container[str] = ()) -> WantedAccount:
    """What validated options ask for. Raises ConfigurationError before anything is sent."""
    account = account_from(params, name=params.get("name"), explicit=explicit, need_credentials=False)
    provider = PROVIDERS[account.provider]
    manager = {option: value for option, value in (params.get("manager") or {}).items() if value}
    try:
        if manager and not provider.lists_accounts:
            raise ConfigurationError(
                f"manager is not for provider {provider.name}: its vendor has no call that reads accounts. Take it out."
            )
        settings = checked_settings(provider, params.get("settings") or {})
        records_only = ("initial_access_token", "rotate_after_days", "return_secret", "vault_id")
        idle = [option for option in records_only if params.get(option)]
        if params.get("records_file") and not provider.registers:
            raise ConfigurationError(
                f"records_file is not for provider {provider.name}, whose accounts only a person can make. Take it out."
            )
        if idle and not params.get("records_file"):
            raise ConfigurationError(f"{' and '.join(idle)} can only be used with records_file. Set it.")
        days = params.get("rotate_after_days")
        if days is not None and days < 1:
            raise ConfigurationError("rotate_after_days must be a number of days above 0.")
        if params.get("retire") == "later":
            _check_later(params)
    except ConfigurationError as error:
        raise error.about(account.name, account.provider) from None
    by_token = "access_token" in manager
    return WantedAccount(
        account=account,
        state=params["state"],
        settings=settings,
        rotate_secret=params["rotate_secret"] == "always",
        manager=None
        if by_token or not manager
        else dataclasses.replace(
            account, name="manager", client_id=manager["client_id"], client_secret=manager["client_secret"]
        ),
        manager_token=provider.ready_token(account, manager["access_token"]) if by_token else None,
        options=_recorded_options(params, account),
        rotate_after_days=params.get("rotate_after_days"),
        rotate_by=params.get("rotate_by") or "update",
        retire=params.get("retire") or "now",
        initial_access_token=params.get("initial_access_token"),
    )


def _check_later(params: t.Mapping[str, t.Any]) -> None:
    """Raise ConfigurationError where no old account could be kept."""
    if not params.get("records_file"):
        raise ConfigurationError("retire: later can only be used with records_file. Set it.")
    rotates = params["rotate_secret"] == "always" or params.get("rotate_after_days") is not None
    if rotates and params.get("rotate_by") != "replace":
        raise ConfigurationError(
            "retire: later cannot be used with rotate_by: update, by which the server ends the old secret at once. Set "
            "rotate_by: replace, or take retire out."
        )


def _recorded_options(params: t.Mapping[str, t.Any], account: Account) -> dict[str, t.Any]:
    """The options that all modules need to use the account, less what the server hands out."""
    options = {option: params.get(option) for option in ACCOUNT_SPEC if option not in ("client_id", "client_secret")}
    for option, spec in TRANSPORT_SPEC.items():
        options[option] = None if params.get(option) == spec.get("default") else params.get(option)
    # Said also where it follows from the others, which a secret that nobody asked for would change.
    options["token_endpoint_auth_method"] = account.token_endpoint_auth_method
    return {option: value for option, value in options.items() if value is not None}


def finished_result(result: dict[str, t.Any], *, on_portal_action: str, diff: bool) -> dict[str, t.Any]:
    """The result as Ansible takes it: failed where a person must act and the task does not just report that."""
    if diff:
        differences = result["differences"]
        before = {item["field"]: item["found"] for item in differences}
        after = {item["field"]: item["wanted"] for item in differences}
        if result["secret"] == CREATED:
            after = dict(result["account"].get("fields", {}))
        if result["secret"] != UNCHANGED:
            after["secret"] = result["secret"]
        if result["secret"] == ROTATED:
            before["secret"] = UNCHANGED
        if result["retired"]:
            before["replaced"], after["replaced"] = ", ".join(result["retired"]), None
        result["diff"] = {"before": before, "after": after}
    if result["action_required"] and on_portal_action == "fail":
        result["failed"] = True
        result["failure"] = {"kind": "action_required", "status": None, "error": None, "retryable": False}
    return result


def checked_settings(provider: type[Provider], settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The wanted settings in their right types. Raises ConfigurationError for what the vendor does not have."""
    checked = {}
    for field, value in settings.items():
        setting = provider.settings.get(field)
        if field in provider.fixed_settings:
            raise ConfigurationError(f"settings has '{field}', which {provider.fixed_settings[field]}. Take it out.")
        if setting is None and provider.more_settings:
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError):
                raise ConfigurationError(
                    f"settings.{field} is a value that JSON has not, such as a date. Put quotes around it."
                ) from None
            checked[field] = value
            continue
        if setting is None:
            raise ConfigurationError(
                f"settings has '{field}', which is not a field that can be set for {provider.title}. "
                f"Its fields are: {', '.join(sorted(provider.settings))}."
            )
        try:
            checked[field] = _typed(setting, value)
        except (TypeError, ValueError):
            raise ConfigurationError(f"settings.{field} must be {_described(setting)}.") from None
    return checked


def _typed(setting: Setting, value: t.Any) -> t.Any:
    if setting.kind is bool:
        return boolean(value)
    if setting.kind is int:
        return int(value)
    if setting.kind is dict:
        if not isinstance(value, dict):
            raise TypeError
        return value
    if setting.kind is list:
        items = value.replace(",", " ").split() if isinstance(value, str) else list(value)
        return sorted({str(item) for item in items})
    if not isinstance(value, str):
        raise TypeError
    if (setting.choices and value not in setting.choices) or len(value) > (setting.longest or len(value)):
        raise ValueError
    return value


def _described(setting: Setting) -> str:
    if setting.choices:
        return f"one of {', '.join(setting.choices)}"
    if setting.longest:
        return f"text of at most {setting.longest} characters"
    return {bool: "true or false", int: "a whole number", list: "a list", dict: "a dictionary"}.get(
        setting.kind, "text"
    )


def assess_account(wanted: WantedAccount, token_for: t.Callable[[Account], Token]) -> dict[str, t.Any]:
    """Prove, read and compare; return the result of C(api_account).

    ``token_for`` gives a token that was requested for this proof. Raises AccessError where the vendor could not
    be asked, so that nothing is known.
    """
    account = wanted.account
    provider = PROVIDERS[account.provider]
    known = all(getattr(account, option) for option in provider.required_options(account))
    if wanted.state == "absent" and not known and not (wanted.manager or wanted.manager_token):
        raise ConfigurationError(
            "Whether the account is gone can only be seen with its credentials, or with a manager that may list "
            "accounts. Set one of them."
        ).about(account.name, account.provider)
    verdict, own_listing = prove_credentials(account, token_for) if known else (None, None)
    managed_listing = _read_by_manager(wanted, token_for)
    listing = managed_listing or own_listing
    verified = is_verified(verdict)
    differences, unchecked = _compare(provider, wanted.settings, listing)
    missing = listing is not None and listing.found is None
    if wanted.state == "absent":
        actions = ["delete"] if verified or (listing is not None and not missing) else []
        differences, unchecked = [], []
    elif missing or (verdict is None and listing is None):
        actions = ["create"]
    else:
        actions = [] if verified or verdict is None else ["repair"]
        actions += ["change"] if differences else []
        actions += ["rotate"] if wanted.rotate_secret else []
    return account_result(wanted, verdict, listing, actions, differences, unchecked)


def is_verified(verdict: Verdict | None) -> bool:
    """Whether a verdict proves the credentials."""
    return verdict is not None and (verdict.outcome == "valid" or verdict.token_valid is True)


def account_result(
    wanted: WantedAccount,
    verdict: Verdict | None,
    listing: AccountListing | None,
    actions: list[str],
    differences: list[dict[str, t.Any]],
    unchecked: list[str],
    *,
    change: str = "none",
    said: str = "",
    message: str | None = None,
) -> dict[str, t.Any]:
    """The result of C(api_account). ``change`` is none, created, updated, rotated, deleted or forgotten.

    ``said`` goes before what is said anyway, ``message`` in its place.
    """
    provider = PROVIDERS[wanted.account.provider]
    named = f"Account '{wanted.account.name}' ({provider.name}): "
    text = _message(wanted, provider, verdict, listing, actions, differences if change == "none" else [], unchecked)
    text = text[len(named) :] if text.startswith(named) else text
    text = text[:1].upper() + text[1:] if said else text
    return {
        "changed": change != "none",
        "change": change,
        "account": _shown_account(wanted.account, listing),
        "management": provider.management,
        "verified": is_verified(verdict),
        "verdict": verdict.to_dict() if verdict else None,
        "differences": differences,
        "unchecked": unchecked,
        "unchecked_wanted": {field: wanted.settings[field] for field in unchecked if field in wanted.settings},
        "action_required": bool(actions),
        "actions": actions,
        "portal": _portal(provider, wanted, actions, differences) if actions else None,
        "secret": _secret_after(change, wanted.account),
        "replaced": None,
        "retired": [],
        "msg": named + said + (message or text),
    }


def _secret_after(change: str, account: Account) -> str:
    """What became of the secret by a change: not every account has one."""
    has_secret = account.token_endpoint_auth_method in SECRET_METHODS
    return change if has_secret and change in (CREATED, ROTATED) else UNCHANGED


def prove_credentials(
    account: Account, token_for: t.Callable[[Account], Token]
) -> tuple[Verdict, AccountListing | None]:
    """Request and test a token with the least that it takes, and read the account with it; then give it back."""
    with open_provider(account) as provider:
        proof = provider.proof_account()
    try:
        token = token_for(proof)
    except RefusedError as error:
        return verdict_of_error(error, account.base_url), None
    with open_provider(proof) as provider:
        try:
            introspected = provider.introspect_token(token)
            if introspected is not None and not proof.test_path:  # nothing else is there to be tried
                verdict = verdict_on_fresh_token(introspected)
            else:
                told = introspected and verdict_on_fresh_token(introspected)
                verdict = combined_verdict(told, provider.test_token(token))
            if verdict.reason in _UNTESTED:  # then that it was granted is all the proof there is, and enough of one
                verdict = dataclasses.replace(
                    verdict, token_valid=True, message=f"A token was granted to the credentials. {verdict.message}"
                )
            if verdict.outcome == "indeterminate" and verdict.token_valid is None:
                raise AccessError(
                    f"A token was granted, but it could not be tested: {verdict.message}",
                    kind=verdict.reason,
                    status=verdict.status,
                    retryable=verdict.retryable,
                )
            return verdict, provider.read_account(token, own=True) if verdict.outcome != "invalid" else None
        finally:
            if provider.releases:
                # What the proof found stays true where the release fails; least scope means that it took no licence.
                with contextlib.suppress(AccessError):
                    provider.release_token(token)


def _read_by_manager(wanted: WantedAccount, token_for: t.Callable[[Account], Token]) -> AccountListing | None:
    """What the manager can read of the account. Raises AccessError where the manager may read nothing."""
    if wanted.manager is None and wanted.manager_token is None:
        return None
    token = wanted.manager_token or token_for(t.cast(Account, wanted.manager))
    with open_provider(wanted.account) as provider:
        listing = provider.read_account(token, own=False)
        if listing is None:
            raise AccessError(
                "The manager may not list API accounts. Give it the permission Configuration API, or omit manager.",
                kind="not_permitted",
            )
        return listing


def _compare(
    provider: type[Provider], settings: t.Mapping[str, t.Any], listing: AccountListing | None
) -> tuple[list[dict[str, t.Any]], list[str]]:
    """The fields that differ, and those that nobody could read."""
    found = (listing.found if listing else None) or {}
    differences, unchecked = [], []
    for field, value in settings.items():
        if field not in found:
            unchecked.append(field)
            continue
        try:
            current = _typed(provider.settings[field], found[field])
        except (TypeError, ValueError):
            current = found[field]
        if current != value:
            differences.append({"field": field, "wanted": value, "found": current})
    return differences, unchecked


def _shown_account(account: Account, listing: AccountListing | None) -> dict[str, t.Any]:
    """The account as far as it may be shown: no secret, and what the vendor tells in the vendor's names."""
    shown: dict[str, t.Any] = {
        "name": account.name,
        "provider": account.provider,
        "base_url": account.base_url,
        "client_id": account.client_id,
    }
    if account.site:
        shown["site"] = account.site
    if listing and listing.found:
        shown["source"] = listing.source
        shown["fields"] = {key: value for key, value in listing.found.items() if key != "client_secret"}
    return shown


def _portal(
    provider: type[Provider],
    wanted: WantedAccount,
    actions: t.Sequence[str],
    differences: t.Sequence[t.Mapping[str, t.Any]],
) -> dict[str, t.Any]:
    """The page and the steps, filled in with the account's own values."""
    settings = {
        "create": [_set_step(provider, field, value) for field, value in wanted.settings.items()],
        "change": [
            f"{_set_step(provider, item['field'], item['wanted'])} It is now {_shown(item['found'])}."
            for item in differences
        ],
    }

    account = wanted.account.base_url, wanted.account.client_id or "(none yet)"
    tasks = []
    for action in actions:
        steps: list[str] = []
        for step in getattr(provider.portal, action):
            steps += settings[action] if step == SETTINGS_STEP else [step]
        tasks.append({"action": action, "steps": [filled(step, *account) for step in steps]})
    together = dict.fromkeys(step for task in tasks for step in task["steps"])  # two actions can begin at the same page
    return {"url": filled(provider.portal.url, *account), "steps": list(together), "tasks": tasks}


def _set_step(provider: type[Provider], field: str, value: t.Any) -> str:
    return f"Set {setting_name(provider.settings, field)} to {_shown(value)}."


def _shown(value: t.Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(empty)"
    return str(value) or "(empty)"


def _message(
    wanted: WantedAccount,
    provider: type[Provider],
    verdict: Verdict | None,
    listing: AccountListing | None,
    actions: t.Sequence[str],
    differences: t.Sequence[t.Mapping[str, t.Any]],
    unchecked: t.Sequence[str],
) -> str:
    """One readable paragraph: what is known, and what is to be done by whom."""
    named = f"Account '{wanted.account.name}' ({provider.name})"
    said = []
    if wanted.state == "absent" and not actions:
        said.append(
            f"{named}: the vendor's list no longer has it."
            if listing is not None
            else f"{named}: its credentials no longer work; whether it is deleted, disabled or has a new secret, only "
            "the portal shows."
        )
    elif verdict is None:
        there = listing is not None and listing.found is not None
        said.append(f"{named}: {'it is there, but ' if there else ''}no complete credentials were given to prove.")
    elif verdict.outcome == "valid" or verdict.token_valid:
        said.append(f"{named}: the credentials work.")
    else:
        # The message of a refusal names the account already.
        said.append(verdict.message if verdict.message.startswith("Account '") else f"{named}: {verdict.message}")
    if differences:
        compared = (f"{item['field']} is {_shown(item['found'])}, not {_shown(item['wanted'])}" for item in differences)
        said.append(f"Not as wanted: {'; '.join(compared)}.")
    if actions:
        said.append(
            f"{provider.title} lets only a person do this, in its portal: "
            f"{', then '.join(ACTION_TITLES[action] for action in actions)}. The steps are in portal.steps."
        )
    if unchecked:
        why = "could not be read" if provider.lists_accounts else "cannot be read by a program"
        said.append(f"These settings {why}, so compare them in the portal: {', '.join(unchecked)}.")
    return " ".join(said)
