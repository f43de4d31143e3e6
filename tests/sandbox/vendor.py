# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the four vendors' files have in common: verbs, refusals, credentials, and counting."""

from __future__ import annotations

import base64
import binascii
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .tokens import Token
from .world import Account, World

Handler = Callable[[Request], Awaitable[Response]]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data"


class Refusal(Exception):
    """Carries the answer to a request that goes no further."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass
class Login:
    """A request for a token. `account` is set as soon as the request names one of ours."""

    account: Account | None = None


class Vendor(ABC):
    """One vendor. Its state lies in the world, so a vendor has none to reset."""

    provider: ClassVar[str]
    regeneration_kills_tokens: ClassVar[bool] = False

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def routes(self) -> list[Route]:
        """The vendor's paths, below its prefix."""

    @abstractmethod
    def error(self, status: int, code: str, message: str) -> Response:
        """An error in the vendor's own form."""

    def before(self, request: Request) -> None:  # noqa: B027  (most vendors have nothing to do here)
        """Checks that hold for every request; may refuse."""

    def after(self, request: Request, response: Response) -> None:  # noqa: B027
        """Headers that every answer has."""

    def refuse(self, status: int, code: str, message: str) -> Refusal:
        return Refusal(self.error(status, code, message))

    def route(self, path: str, **verbs: Handler) -> Route:
        """A path and what answers each verb; other verbs are refused with 405 (RFC 9110 section 15.5.6)."""
        return Route(path, _Endpoint(self, verbs))

    async def answer(self, request: Request, verbs: Mapping[str, Handler]) -> Response:
        try:
            self.before(request)
            handler = verbs.get(request.method)
            if handler is None:
                refusal = self.refuse(405, "method_not_allowed", "The method is not allowed.")
                refusal.response.headers["Allow"] = ", ".join(verbs)
                raise refusal
            response = await handler(request)
        except Refusal as refusal:
            response = refusal.response
        self.after(request, response)
        return response

    async def not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to a path the vendor does not have."""
        request = Request(scope, receive)
        response = self.error(404, "not_found", "There is nothing at this path.")
        try:
            self.before(request)
        except Refusal as refusal:
            response = refusal.response
        self.after(request, response)
        await response(scope, receive, send)

    # Tokens

    @contextmanager
    def counted_login(self) -> Iterator[Login]:
        """Count a request for a token, whatever becomes of it."""
        login = Login()
        refused = 0
        try:
            yield login
        except Refusal as refusal:
            refused = int(refusal.response.status_code in (401, 403))
            raise
        finally:
            counters = self.world.counters.of(login.account.key if login.account else None)
            counters.token_requests += 1
            counters.refused_logins += refused

    def issue(self, token: Token, value: str = "") -> str:
        """Enter an access token and count it as granted."""
        self.world.counters.of(token.account).tokens_granted += 1
        return self.world.tokens.issue(token, value)

    def count_call(self, key: str | None, test: bool) -> None:
        counters = self.world.counters.of(key)
        counters.calls += 1
        counters.tests += int(test)

    def bearer(self, request: Request, test: bool = False) -> tuple[Account, Token]:
        """The living access token that the request carries, and whose it is; the call is counted.

        Only the header counts, not the query: RFC 6750 section 2.
        """
        value = authorization(request, "Bearer")
        owner = self.owner(value)
        self.count_call(owner.key if owner else None, test)
        token = self.world.tokens.find(value) if value else None
        if "access_token" in request.query_params:
            raise self.refuse(400, "invalid_request", "A token does not belong into the query.")
        if token is None or owner is None:
            raise self.bad_token()
        return owner, token

    def bad_token(self) -> Refusal:
        """The refusal of a missing, unknown, expired or killed token."""
        refusal = self.refuse(401, "invalid_token", "The access token is missing or not valid.")
        refusal.response.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    def owner(self, value: str | None) -> Account | None:
        """Whose token that is or was, if this vendor's."""
        key = self.world.tokens.owner(value) if value else None
        account = self.world.accounts[key] if key else None
        return account if account and account.configuration.provider == self.provider else None


class _Endpoint:
    """An ASGI application, so that Starlette leaves the verbs to us."""

    def __init__(self, vendor: Vendor, verbs: Mapping[str, Handler]) -> None:
        self._vendor = vendor
        self._verbs = verbs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._vendor.answer(Request(scope, receive), self._verbs)
        await response(scope, receive, send)


def authorization(request: Request, scheme: str) -> str | None:
    """What follows `scheme` in the one Authorization header, or None. Stricter than RFC 9110: the case counts."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        return None
    found, _separator, rest = values[0].partition(" ")
    return rest if found == scheme else None


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """User and password of RFC 7617, as plain UTF-8: nothing is form-decoded."""
    encoded = authorization(request, "Basic")
    if encoded is None:
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def media_type(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_form(body: bytes) -> dict[str, str] | None:
    """A form's fields, or None if it is not one, or repeats a field (RFC 6749 section 3.2)."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def parse_json(body: bytes) -> Any:
    """The document, or None if it is not one."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def address(request: Request) -> str:
    """Where the connection comes from."""
    return request.client.host if request.client else "0.0.0.0"
