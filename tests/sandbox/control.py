# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: looks into the sandbox and changes it behind the client's back. No vendor has such a thing."""

from __future__ import annotations

import dataclasses
import ipaddress
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .configuration import CIMCLOUD_RESOURCES, METHODS, PERMISSIONS, Limits, Switches, new_secret
from .faults import Fault
from .vendor import Vendor, authorization, parse_json
from .world import Account, World, same

_Record = TypeVar("_Record", Limits, Switches)
_CHOICES = {"beyondtrust_namespace": ("old", "new"), "cimcloud_names": ("token", "bearer_token")}
_LARGEST = 1 << 40
_SESSION_ACCESS = ("none", "any", "auto")


class _Wrong(Exception):
    """What is wrong with a control request."""


class Control:
    """Below `/control`; each method is one path and verb."""

    def __init__(self, world: World, vendors: Mapping[str, Vendor]) -> None:
        self._world = world
        self._vendors = vendors

    def routes(self) -> list[Route]:
        return [
            self._route("/counters", "GET", self.counters),
            self._route("/counters/reset", "POST", self.reset_counters),
            self._route("/clock", "GET", self.clock),
            self._route("/clock", "POST", self.advance),
            self._route("/accounts/{key}", "POST", self.account),
            self._route("/limits", "POST", self.limits),
            self._route("/switches", "POST", self.switches),
            self._route("/faults", "GET", self.faults),
            self._route("/faults", "POST", self.add_fault),
            self._route("/faults", "DELETE", self.clear_faults),
            self._route("/backup", "GET", self.backup),
            self._route("/backup", "POST", self.change_backup),
            self._route("/records", "GET", self.records),
            self._route("/secrets", "GET", self.secrets),
            self._route("/reset", "POST", self.reset),
        ]

    def _route(self, path: str, verb: str, work: Callable[[Request, dict[str, Any]], dict[str, Any]]) -> Route:
        return Route(path, self._guarded(work), methods=[verb])

    def _guarded(
        self, work: Callable[[Request, dict[str, Any]], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            secret = authorization(request, "Bearer") or ""
            if not same(secret, self._world.configuration.control_secret):
                return JSONResponse({"message": "The control secret is wrong."}, 403)
            body = await request.body()
            document = parse_json(body) if body else {}
            try:
                if not isinstance(document, dict):
                    raise _Wrong("the body is not a JSON object")
                return JSONResponse(work(request, document))
            except _Wrong as wrong:
                return JSONResponse({"message": str(wrong)}, 400)

        return run

    def secrets(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """Every secret and token there is or was, for tests that look for them where they must not be."""
        accounts = self._world.accounts.values()
        known = {secret for account in accounts for secret in (account.client_secret, *account.configuration.secrets)}
        return {"secrets": sorted(known), "tokens": self._world.tokens.values}

    def counters(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        world = self._world
        accounts: dict[str, Any] = dict(world.counters.as_dict())
        for key, counters in accounts.items():
            counters["live_tokens"] = len(world.tokens.live(key))
        return accounts | {
            "licences_in_use": world.licences_in_use(),
            "licences_total": world.limits.jim2_licences,
            "reused_connections": world.counters.reused_connections,
            "cookies_presented": world.counters.cookies_presented,
            "orders_exported": world.counters.orders_exported,
        }

    def reset_counters(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        self._world.reset_counters()
        return {}

    def clock(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        return {"now": self._world.clock.now(), "offset": self._world.clock.offset}

    def advance(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        seconds = document.get("advance")
        _expect(set(document) == {"advance"} and type(seconds) in (int, float), "advance is a number of seconds")
        assert isinstance(seconds, (int, float))
        _expect(seconds >= 0, "the clock only moves forward")
        self._world.clock.advance(seconds)
        return self.clock(request, {})

    def account(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """Every change that the document names; the answer has `client_secret` if it was regenerated."""
        key = request.path_params["key"]
        account = self._world.accounts.get(key)
        if account is None:
            raise _Wrong("there is no such account")
        changes: dict[str, Callable[[Account, Any], dict[str, Any]]] = {
            "enabled": self._enable,
            "regenerate_secret": self._regenerate,
            "ip_addresses": self._restrict_addresses,
            "allowed_methods": self._allow_methods,
            "permissions": self._permit,
            "resources": self._assign,
            "session_access": self._session_access,
            "revoke_tokens": self._revoke,
            "evict_oldest": self._evict,
        }
        switches = {name: value for name, value in document.items() if name.startswith("cimcloud_")}
        unknown = set(document) - set(changes) - set(switches)
        if unknown:
            raise _Wrong(f"unknown: {', '.join(sorted(unknown))}")
        if switches:
            _changed(self._world.switches, switches)
            account.switches.update(switches)
        answer: dict[str, Any] = {}
        for name, change in changes.items():
            if name in document:
                answer |= change(account, document[name])
        return answer

    def _enable(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(isinstance(value, bool), "enabled is true or false")
        account.enabled = value
        if not value:
            self._world.tokens.kill_all(account.key)
        return {}

    def _regenerate(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(value is True, "regenerate_secret is true")
        provider = account.configuration.provider
        account.client_secret = new_secret(provider, account.configuration.awkward)
        if self._vendors[provider].regeneration_kills_tokens:
            self._world.tokens.kill_all(account.key)
        return {"client_secret": account.client_secret}

    def _restrict_addresses(self, account: Account, value: Any) -> dict[str, Any]:
        prefixes = _strings(value, "ip_addresses")
        for prefix in prefixes:
            try:
                ipaddress.ip_network(prefix, strict=False)
            except ValueError as error:
                raise _Wrong("ip_addresses is a list of addresses and prefixes") from error
        account.ip_addresses = prefixes
        return {}

    def _allow_methods(self, account: Account, value: Any) -> dict[str, Any]:
        methods = _strings(value, "allowed_methods")
        _expect(set(methods) <= set(METHODS), f"allowed_methods are of {', '.join(METHODS)}")
        account.allowed_methods = methods
        return {}

    def _permit(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(isinstance(value, dict) and set(value) <= set(PERMISSIONS), "permissions are those of BeyondTrust")
        _expect(account.configuration.provider == "beyondtrust", "only BeyondTrust's accounts have permissions")
        account.permissions.update(value)
        return {}

    def _assign(self, account: Account, value: Any) -> dict[str, Any]:
        resources = _strings(value, "resources")
        _expect(set(resources) <= set(CIMCLOUD_RESOURCES), f"resources are of {', '.join(CIMCLOUD_RESOURCES)}")
        _expect(account.configuration.provider == "cimcloud", "only CIMcloud's authorizations have resources")
        account.resources = resources
        return {}

    def _session_access(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(value in _SESSION_ACCESS, f"session_access is one of {', '.join(_SESSION_ACCESS)}")
        account.session_access = value
        return {}

    def _revoke(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(value is True, "revoke_tokens is true")
        self._world.tokens.kill_all(account.key)
        return {}

    def _evict(self, account: Account, value: Any) -> dict[str, Any]:
        _expect(isinstance(value, int) and value > 0, "evict_oldest is a number of tokens")
        for token in self._world.tokens.live(account.key)[:value]:
            token.killed = True
        return {}

    def limits(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        self._world.limits = _changed(self._world.limits, document)
        return dataclasses.asdict(self._world.limits)

    def switches(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        self._world.switches = _changed(self._world.switches, document)
        return dataclasses.asdict(self._world.switches)

    def faults(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        return {
            "faults": [
                {
                    "path": fault.path,
                    "method": fault.method,
                    "status": fault.status,
                    "left": fault.left,
                    "hits": fault.hits,
                }
                for fault in self._world.faults.all
            ]
        }

    def add_fault(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        known = {"path", "method", "times", "skip", "status", "headers", "body", "body_size", "delay"}
        known |= {"truncate", "cut_after"}
        path, times = document.get("path"), document.get("times", 1)
        headers, status, delay = document.get("headers", {}), document.get("status", 200), document.get("delay", 0.0)
        method, body, size = document.get("method"), document.get("body"), document.get("body_size")
        skip, cut_after = document.get("skip", 0), document.get("cut_after")
        _expect(set(document) <= known, f"a fault has {', '.join(sorted(known))}")
        _expect(isinstance(path, str) and path.startswith("/"), "path begins with /")
        _expect(isinstance(times, int) and times > 0, "times is a number of requests")
        _expect(status is None or (isinstance(status, int) and 200 <= status <= 599), "status is 200 to 599 or null")
        _expect(
            isinstance(headers, dict) and all(isinstance(item, str) for item in headers.values()), "headers are strings"
        )
        _expect(method is None or isinstance(method, str), "method is a string or null")
        _expect(body is None or isinstance(body, str), "body is a string or null")
        _expect(size is None or (isinstance(size, int) and 0 <= size <= 2 << 30), "body_size is at most 2 GiB")
        _expect(skip.__class__ is int and skip >= 0, "skip is a number of requests")
        _expect(
            cut_after is None or (cut_after.__class__ is int and cut_after >= 0 and status is None),
            "cut_after is a number of bytes of the vendor's own answer (status null)",
        )
        _expect(isinstance(delay, (int, float)) and delay >= 0, "delay is in seconds")
        fault = Fault(
            path=str(path),
            left=times,
            method=method,
            status=status,
            headers=headers,
            body=body,
            body_size=size,
            delay=float(delay),
            truncate=document.get("truncate") is True,
            cut_after=cut_after,
            skip=skip,
        )
        self._world.faults.all.append(fault)
        return {}

    def clear_faults(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        self._world.faults.all.clear()
        return {}

    def backup(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(self._world.records.backup)

    def change_backup(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """`revision` and `size`, either or both."""
        backup = self._world.records.backup
        _expect(set(document) <= {"revision", "size"}, "a backup has a revision and a size")
        for name, value in document.items():
            _expect(
                value.__class__ is int and 0 <= value <= _LARGEST, f"{name} is a whole number of at most {_LARGEST}"
            )
            setattr(backup, name, value)
        return self.backup(request, {})

    def records(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """All that the vendors keep, for what no vendor's own call shows."""
        return dataclasses.asdict(self._world.records)

    def reset(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        self._world.reset()
        return {}


def _expect(fact: bool, otherwise: str) -> None:
    if not fact:
        raise _Wrong(otherwise)


def _strings(value: Any, name: str) -> tuple[str, ...]:
    _expect(isinstance(value, list) and all(isinstance(item, str) for item in value), f"{name} is a list of strings")
    return tuple(value)


def _changed(record: _Record, changes: Mapping[str, Any]) -> _Record:
    """A copy of the limits or switches with the changes, each checked against its field's type."""
    types_of = typing.get_type_hints(type(record))
    for name, value in changes.items():
        _expect(name in types_of, f"unknown: {name}")
        wanted = types_of[name]
        allowed = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
        # By exact type, since True is an int.
        _expect(type(value) in allowed, f"{name} has the wrong type")
        _expect(value in _CHOICES.get(name, (value,)), f"{name} has no such value")
        _expect(not isinstance(value, int) or value >= 0, f"{name} is negative")
    return dataclasses.replace(record, **changes)
