# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The options that modules, lookup and account lists share, and how they become an Account."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from urllib.parse import urlsplit

from ._errors import ConfigurationError
from ._http import check_url, is_loopback
from ._model import Account, TransportOptions
from ._providers._authentication_methods import AUTH_METHODS, SIGNING_ALGORITHMS
from ._providers._base import SPECIAL_OPTIONS
from ._providers._registry import PROVIDERS

Spec = t.Dict[str, t.Dict[str, t.Any]]  # noqa: UP006 (evaluated on Python 3.9 targets)

# No defaults for what only some providers know: it must be seen whether the user set it.
ACCOUNT_SPEC: Spec = {
    "provider": {"type": "str", "choices": sorted(PROVIDERS)},
    "base_url": {"type": "str"},
    "client_id": {"type": "str", "no_log": False},
    "client_secret": {"type": "str", "no_log": True},
    "scope": {"type": "list", "elements": "str"},
    "site": {"type": "str"},
    "auth_key": {"type": "str", "no_log": True},
    "authorization_type": {"type": "str", "choices": ["bearer", "basic"]},
    "customer": {"type": "str"},
    "token_body": {"type": "str", "choices": ["form", "json"], "no_log": False},
    "token_endpoint_auth_method": {"type": "str", "choices": list(AUTH_METHODS), "no_log": False},
    "issuer": {"type": "str"},
    "token_endpoint": {"type": "str", "no_log": False},
    "introspection_endpoint": {"type": "str"},
    "revocation_endpoint": {"type": "str"},
    "registration_endpoint": {"type": "str"},
    "private_key": {"type": "str", "no_log": True},
    "private_key_path": {"type": "path", "no_log": False},
    "key_id": {"type": "str", "no_log": False},
    "signing_alg": {"type": "str", "choices": sorted(SIGNING_ALGORITHMS)},
    "assertion_audience": {"type": "str"},
    "audience": {"type": "str"},
    "resource": {"type": "list", "elements": "str"},
    "logoff_path": {"type": "str"},
    "test_path": {"type": "str"},
    "assume_expires_in": {"type": "int"},
}

CREDENTIAL_OPTIONS = (
    "client_secret",
    "auth_key",
    "private_key",
    "private_key_path",
    "token_endpoint_auth_method",
    "key_id",
    "signing_alg",
    "assertion_audience",
)
"""How an account authenticates itself: what a host that only uses a token has no need of."""

TRANSPORT_SPEC: Spec = {
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "ca_data": {"type": "str"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "float", "default": 15.0},
    "retries": {"type": "int", "default": 2},
    "proxy": {"type": "str", "no_log": True},
    "allow_http": {"type": "bool", "default": False},
}

CACHE_SPEC: Spec = {
    "cache": {"type": "str", "choices": ["file", "none", "redis"], "default": "file"},
    "cache_path": {"type": "path"},
    "cache_url": {"type": "str"},
    "cache_password": {"type": "str", "no_log": True},
    "cache_secret": {"type": "str", "no_log": True},
    "cache_ca_path": {"type": "path"},
    "cache_prefix": {"type": "str", "default": "apiops_access:"},
    "cache_fallback": {"type": "str", "choices": ["fail", "none"], "default": "fail"},
    "min_ttl": {"type": "int", "default": 60},
    "rate_limit": {"type": "bool", "default": True},
    "rate_wait": {"type": "int", "default": 120},
}

HOST_SPEC: Spec = {
    "account": {"type": "str"},
    "request_from": {"type": "str", "choices": ["controller", "target"], "default": "controller"},
}

READY_TOKEN_SPEC: Spec = {"access_token": {"type": "str", "no_log": True}}

SHARED_SPEC: Spec = {**HOST_SPEC, **ACCOUNT_SPEC, **TRANSPORT_SPEC, **CACHE_SPEC}

OAUTH_TOKEN_SPEC: Spec = {
    **SHARED_SPEC,
    **READY_TOKEN_SPEC,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
}

TOKEN_TEST_SPEC: Spec = {
    **SHARED_SPEC,
    **READY_TOKEN_SPEC,
    "accounts": {"type": "list", "elements": "dict"},
    "access_tokens": {"type": "dict", "no_log": True},
    "account_secrets": {"type": "dict", "no_log": True},
    "fail_on": {
        "type": "list",
        "elements": "str",
        "choices": ["invalid", "indeterminate"],
        "default": ["invalid", "indeterminate"],
    },
}

# What an element of api_accounts can hold beside the shared options, for api_account alone.
API_ACCOUNT_ONLY_SPEC: Spec = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "settings": {"type": "dict", "default": {}},
    "manager": {
        "type": "dict",
        "options": {
            "client_id": {"type": "str", "no_log": False},
            "client_secret": {"type": "str", "no_log": True},
            "access_token": {"type": "str", "no_log": True},
        },
        "required_together": [["client_id", "client_secret"]],
        "mutually_exclusive": [["client_secret", "access_token"]],
        "required_one_of": [["client_secret", "access_token"]],
    },
    "rotate_secret": {"type": "str", "choices": ["never", "always"], "default": "never", "no_log": False},
    "rotate_after_days": {"type": "int"},
    "rotate_by": {"type": "str", "choices": ["update", "replace"], "default": "update"},
    "retire": {"type": "str", "choices": ["now", "later"], "default": "now"},
    "records_file": {"type": "path"},
    "vault_id": {"type": "str"},
    "initial_access_token": {"type": "str", "no_log": True},
    "return_secret": {"type": "bool", "default": False, "no_log": False},
    "on_portal_action": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
}

API_ACCOUNT_SPEC: Spec = {**SHARED_SPEC, "name": {"type": "str"}, **API_ACCOUNT_ONLY_SPEC}

API_REQUEST_SPEC: Spec = {
    **SHARED_SPEC,
    **READY_TOKEN_SPEC,
    "path": {"type": "str", "required": True},
    "method": {
        "type": "str",
        "choices": ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
        "default": "GET",
    },
    "query": {"type": "dict"},
    "headers": {"type": "dict"},
    "body": {"type": "raw"},
    "body_format": {"type": "str", "choices": ["json", "form", "form-multipart", "raw"], "default": "json"},
    "src": {"type": "path"},
    "read_only": {"type": "bool"},
    "status_code": {"type": "list", "elements": "int"},
    "return_content": {"type": "bool", "default": False},
    "paginate": {"type": "bool", "default": False},
    "max_pages": {"type": "int", "default": 100},
    "dest": {"type": "path"},
    "checksum": {"type": "str"},
    "backup": {"type": "bool", "default": False},
    "mode": {"type": "raw"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
}

API_ACCOUNT_INFO_SPEC: Spec = {
    **SHARED_SPEC,
    **READY_TOKEN_SPEC,
    "name": {"type": "str"},
    "records_file": {"type": "path"},
}

LOOKUP_SPEC: Spec = {
    **{option: spec for option, spec in SHARED_SPEC.items() if option != "request_from"},
    "return": {"type": "str", "choices": ["access_token", "authorization"], "default": "access_token"},
}

# One element of api_accounts, or of the option accounts. "registration" is what a records file has beside options.
ELEMENT_OPTIONS = frozenset({*SHARED_SPEC, *READY_TOKEN_SPEC, *API_ACCOUNT_ONLY_SPEC, "name", "registration"})

SECRET_OPTIONS = frozenset(
    {
        option
        for option, spec in {**SHARED_SPEC, **READY_TOKEN_SPEC, **API_ACCOUNT_ONLY_SPEC}.items()
        if spec.get("no_log")
    }
)

SHORTEST_CACHE_SECRET = 16
"""Characters."""

_TRANSPORT_LIMITS = {"timeout": (0.1, 3600.0), "retries": (0, 10)}


def account_from(
    options: t.Mapping[str, t.Any],
    *,
    name: str | None = None,
    explicit: t.Container[str] = (),
    need_credentials: bool = True,
) -> Account:
    """The account that validated options describe. Raises ConfigurationError, which names account and remedy.

    ``explicit``: the options that the user gave to this very account; one that its provider does not know is an
    error there, while an inherited one is left out.
    """
    provider_name = options.get("provider")
    label = name or options.get("client_id") or provider_name or "unnamed"
    if not provider_name:
        raise ConfigurationError("provider is missing. Set it to one of " + ", ".join(sorted(PROVIDERS)) + ".").about(
            label, "no provider"
        )
    provider = PROVIDERS[provider_name]
    try:
        foreign = SPECIAL_OPTIONS - provider.options
        wrong = sorted(option for option in foreign if options.get(option) is not None and option in explicit)
        if wrong:
            raise ConfigurationError(
                f"{_listed('option', wrong)} not for provider {provider_name}. Take {_them(wrong)} out."
            )
        given = {
            option: options[option]
            for option in ACCOUNT_SPEC
            if options.get(option) is not None and option not in foreign
        }
        for option, (least, most) in _TRANSPORT_LIMITS.items():
            if not least <= options[option] <= most:
                raise ConfigurationError(f"{option} must be from {least:g} to {most:g}.")
        if given.get("assume_expires_in", 1) < 1:
            raise ConfigurationError("assume_expires_in must be a number of seconds above 0.")
        if (options.get("rate_wait") or 0) < 0:
            raise ConfigurationError("rate_wait must be a number of seconds from 0 on.")
        if options.get("cache") == "redis":
            check_cache(options)
        given = provider.completed(given)
        account = Account(
            name=label,
            transport=TransportOptions(**{option: options[option] for option in TRANSPORT_SPEC}),
            **{**given, "scope": _scopes(given.get("scope", ())), "resource": tuple(given.get("resource", ()))},
        )
        required = provider.required_options(account) if need_credentials else ("base_url",)
        missing = [
            provider.address_option if option == "base_url" else option
            for option in required
            if not getattr(account, option)
        ]
        if missing:
            raise ConfigurationError(f"{_listed('option', missing)} missing. Set {_them(missing)}{_where(missing)}.")
        provider.check_account(account)
        url = check_url("base_url", account.base_url, account.transport.allow_http)
    except ConfigurationError as error:
        raise error.about(label, provider_name) from None
    return dataclasses.replace(account, base_url=url)


def _scopes(given: t.Iterable[str]) -> tuple[str, ...]:
    """Each scope by itself, also where several are in one text as RFC 6749 section 3.3 writes them."""
    return tuple(scope for text in given for scope in text.split())


def check_cache(options: t.Mapping[str, t.Any]) -> None:
    """Raise ConfigurationError where the options of ``cache: redis`` cannot or must not be used."""
    missing = [option for option in ("cache_url", "cache_secret") if not options.get(option)]
    if missing:
        raise ConfigurationError(f"cache: redis needs {' and '.join(missing)}. Set {_them(missing)}{_where(missing)}.")
    _check_cache_url(options["cache_url"])
    if len(options["cache_secret"]) < SHORTEST_CACHE_SECRET:
        raise ConfigurationError(
            f"cache_secret is too short. Take {SHORTEST_CACHE_SECRET} random characters or more, the same for all "
            "controllers (openssl rand -hex 32)."
        )
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]{1,100}", options["cache_prefix"]):
        raise ConfigurationError("cache_prefix must be letters, digits, or any of _ . : / -")


def _check_cache_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        if parts.port == 0:  # what is no port raises ValueError
            raise ValueError("port 0")
        if parts.password is not None:
            raise ConfigurationError(
                "cache_url has a password in it, and URLs are printed. Take it out, and set cache_password, or the "
                "environment of the controller (APIOPS_CACHE_PASSWORD)."
            )
    except ValueError:
        host, parts = None, urlsplit("")
    whole = parts.scheme in ("redis", "rediss") and re.fullmatch(r"/?[0-9]{0,4}", parts.path)
    if not host or not whole or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ConfigurationError(
            "cache_url must be a URL such as rediss://user@redis.example.com:6379/0, with nothing behind the number "
            "of the database."
        )
    if parts.scheme == "redis" and not is_loopback(host):
        raise ConfigurationError(
            f"cache_url is plain redis:// to another machine ({host}), which would show the password to the network. "
            "Use rediss://, with TLS."
        )


def _listed(word: str, names: t.Sequence[str]) -> str:
    return f"{word} {names[0]} is" if len(names) == 1 else f"{word}s {', '.join(names)} are"


def _them(names: t.Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _where(names: t.Sequence[str]) -> str:
    variables = ", ".join(f"APIOPS_{name.upper()}" for name in names)
    return f" in the task, in module_defaults, or by the environment of the controller ({variables})"
