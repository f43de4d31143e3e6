# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIMcloud, from the help-center pages "API Framework: Authentication", "... Application Authorizations", "Refresh
Tokens", "... Health Checks", "... Configuration and Rate Limits", "... GET Requests" and "POST
GenerateCustomerSession".

Documented: `authenticate` with its three JSON fields and no Authorization header; 7 days for the token, 30 for the
refresh token; `refresh` with a bare JSON string; Basic authorizations that have no token; `GenerateCustomerSession/`
with its slash, for session type Any only; `validate` and its 401; the health checks with their misspelt field; 2
calls a second and 100 in 15 minutes with the three X-RateLimit headers, Reset in seconds; 50 records a page;
`OnlineOrders` marks what it reads as exported.

Assumed, since not documented:
- errors are JSON `{"message": s}`: 400 for a request, 401 for credentials and tokens, 403 for an address, a method
  or a session type, 404 for a path, site or customer, 415 for a content type, 429 for a rate (with no Retry-After)
- an Authorization header at `authenticate`, or a fourth field, is refused
- a Basic authorization at `authenticate` is refused with 401, and so is a default one with Basic credentials
- refresh tokens work once: the old pair dies with the new one. An Authorization header at `refresh` is ignored
- the token that GenerateCustomerSession answers replaces the old one, which dies; its refresh token lives on, and
  gives a token without a session. With session type Auto every token has the session, and the answer does not show
  it
- calls are counted for an App Authorization; those that name none count for their address; refused calls are not
  counted
- the allowed methods do not concern `authenticate`, `refresh` and the canary; an address list concerns all but the
  canary
- a reset AuthPassword leaves tokens alive; a disabled authorization's tokens die
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import iso_8601
from .configuration import CIMCLOUD_SITE, CUSTOMERS
from .rates import Rate
from .tokens import Token
from .vendor import JSON, Vendor, address, authorization, basic_credentials, media_type, parse_json
from .world import Account, same

_LOGIN_FIELDS = {"AuthKey", "AuthUserName", "AuthPassword"}
_RECORDS_PER_PAGE = 50
_PRODUCTS = 120
_RATE = "sandbox.rate"


class Cimcloud(Vendor):
    """Below `/cimcloud`; the next part of the path is the site."""

    provider = "cimcloud"

    def routes(self) -> list[Route]:
        site = f"/{CIMCLOUD_SITE}"
        return [
            self.route(f"{site}/authenticate", POST=self.authenticate),
            self.route(f"{site}/refresh", POST=self.refresh),
            self.route(f"{site}/GenerateCustomerSession/", POST=self.customer_session),
            self.route(f"{site}/validate", GET=self.validate),
            self.route(f"{site}/healthcheck", GET=self.healthcheck),
            self.route(f"{site}/healthcheck/canary", GET=self.canary),
            self.route(f"{site}/products", GET=self.products),
            self.route(f"{site}/products/{{search}}/{{page:int}}", GET=self.products),
            self.route(f"{site}/OnlineOrders", GET=self.orders),
        ]

    def error(self, status: int, code: str, message: str) -> Response:
        return JSONResponse({"message": message}, status)

    def after(self, request: Request, response: Response) -> None:
        rate: Rate = request.scope.get(_RATE) or self._address_rate(request)
        now, limits = self.world.clock.now(), self.world.limits
        remaining = rate.remaining(now, limits.cimcloud_window, limits.cimcloud_per_window)
        response.headers["X-RateLimit-Limit"] = str(limits.cimcloud_per_window)
        response.headers["X-RateLimit-Remaining"] = str(remaining)
        response.headers["X-RateLimit-Reset"] = str(rate.reset_in(now, limits.cimcloud_window))

    # Tokens

    async def authenticate(self, request: Request) -> Response:
        """POST /{site}/authenticate."""
        with self.counted_login() as login:
            document = parse_json(await request.body())
            fields: dict[str, Any] = document if isinstance(document, dict) else {}
            account = login.account = self.world.named(self.provider, str(fields.get("AuthUserName", "")))
            self._take(request, account)
            self._check_json(request)
            if "authorization" in request.headers:
                raise self.refuse(400, "invalid_request", "authenticate takes no Authorization header.")
            if set(fields) != _LOGIN_FIELDS or not all(isinstance(value, str) for value in fields.values()):
                raise self.refuse(400, "invalid_request", "authenticate takes AuthKey, AuthUserName and AuthPassword.")
            if account is None:
                raise self.refuse(401, "invalid_client", "The authorization is not valid.")
            self._check_address(request, account)
            key_fits = same(fields["AuthKey"], account.configuration.auth_key)
            password_fits = same(fields["AuthPassword"], account.client_secret)
            is_bearer = account.configuration.authorization_type == "bearer"
            if not (key_fits and password_fits and is_bearer and account.enabled):
                raise self.refuse(401, "invalid_client", "The authorization is not valid.")
            return self._new_pair(account, session="")

    async def refresh(self, request: Request) -> Response:
        """POST /{site}/refresh; the body is a JSON string."""
        with self.counted_login() as login:
            document = parse_json(await request.body())
            value = document if isinstance(document, str) else ""
            account = login.account = self.owner(value)
            self._take(request, account)
            if not self.world.switches.cimcloud_refresh:
                raise self.refuse(404, "not_found", "There is nothing at this path.")
            self._check_json(request)
            if not isinstance(document, str):
                raise self.refuse(400, "invalid_request", "The body is not a JSON string.")
            token = self.world.tokens.find(value, "refresh")
            if token is None or account is None:
                raise self.refuse(401, "invalid_grant", "The refresh token is not valid.")
            self._check_address(request, account)
            token.killed = True
            session = token.session
            if token.pair is not None:
                token.pair.killed = True
            self.world.counters.of(account.key).refreshes += 1
            return self._new_pair(account, session)

    def _new_pair(self, account: Account, session: str) -> Response:
        now, limits = self.world.clock.now(), self.world.limits
        if account.session_access == "auto":
            session = secrets.token_hex(12)
        token = Token(account.key, "access", now + limits.cimcloud_lifetime, session=session)
        zone = self.world.switch(account, "cimcloud_zone")
        answer = {
            "expiration": iso_8601(token.expires_at, zone),
            self.world.switch(account, "cimcloud_names"): self.issue(token),
        }
        if self.world.switch(account, "cimcloud_refresh"):
            expires_at = now + limits.cimcloud_refresh_lifetime
            refresh = Token(account.key, "refresh", expires_at, session=session, pair=token)
            answer["refresh_token"] = self.world.tokens.issue(refresh)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def customer_session(self, request: Request) -> Response:
        """POST /{site}/GenerateCustomerSession/."""
        account, token = self._bearer_call(request)
        self._check_json(request)
        if account.session_access != "any":
            raise self.refuse(403, "forbidden", "The session access type does not allow customer sessions.")
        document = parse_json(await request.body())
        if not isinstance(document, dict) or set(document) != {"username"} or not isinstance(document["username"], str):
            raise self.refuse(400, "invalid_request", "GenerateCustomerSession takes a username.")
        if document["username"] not in CUSTOMERS:
            raise self.refuse(404, "not_found", "There is no such customer.")
        token.killed = True
        session = secrets.token_hex(12)
        expires_at = self.world.clock.now() + self.world.limits.cimcloud_lifetime
        value = self.world.tokens.issue(Token(account.key, "access", expires_at, session=session))
        self.world.counters.of(account.key).customer_sessions += 1
        return JSONResponse({"expiration": iso_8601(expires_at, zone=False), "token": value, "session": session})

    # Reads

    async def validate(self, request: Request) -> Response:
        """GET /{site}/validate, with a token or Basic credentials."""
        self._call(request, test=True)
        return JSONResponse({"valid": True})

    async def healthcheck(self, request: Request) -> Response:
        """GET /{site}/healthcheck; the field names are the vendor's."""
        self._bearer_call(request, test=True)
        return JSONResponse(
            {
                "status": "Running",
                "productionDatabase": "sandbox",
                "apiVersionNumber": "67.0",
                "databaeConnection": True,
                "usingStagingDB": "false",
                "databaseConnectionError": "",
            }
        )

    async def canary(self, request: Request) -> Response:
        """GET /{site}/healthcheck/canary, which looks at no token."""
        self._take(request, None)
        return JSONResponse({"status": "Running"})

    async def products(self, request: Request) -> Response:
        """GET /{site}/products[/{search}/{page}]; pages count from 1. A session's answer has the customer's prices."""
        _, token = self._call(request)
        page = int(request.path_params.get("page", 1))
        if page < 1:
            raise self.refuse(400, "invalid_request", "Pages count from 1.")
        numbers = range(1, _PRODUCTS + 1)[(page - 1) * _RECORDS_PER_PAGE : page * _RECORDS_PER_PAGE]
        products: list[dict[str, Any]] = [
            {"id": number, "name": f"Product {number}", "price": 10.0} for number in numbers
        ]
        if token is not None and token.session:
            products = [{**product, "customer_price": 9.0} for product in products]
        return JSONResponse(products)

    async def orders(self, request: Request) -> Response:
        """GET /{site}/OnlineOrders: a read that changes what it reads."""
        self._call(request)
        self.world.counters.orders_exported += 1
        return JSONResponse([{"id": 1, "exported": 0 if self.world.counters.orders_exported == 1 else 1}])

    # Checks

    def _call(self, request: Request, test: bool = False) -> tuple[Account, Token | None]:
        """A call with a token, or with Basic credentials of a Basic authorization."""
        if authorization(request, "Basic") is None:
            return self._bearer_call(request, test)
        user, password = basic_credentials(request) or ("", "")
        account = self.world.named(self.provider, user)
        self.count_call(account.key if account else None, test)
        self._take(request, account)
        is_basic = account is not None and account.configuration.authorization_type == "basic"
        if account is None or not is_basic or not account.enabled or not same(password, account.client_secret):
            raise self.bad_token()
        self._check_rights(request, account)
        return account, None

    def _bearer_call(self, request: Request, test: bool = False) -> tuple[Account, Token]:
        self._take(request, self.owner(authorization(request, "Bearer")))
        account, token = self.bearer(request, test)
        self._check_rights(request, account)
        return account, token

    def _check_rights(self, request: Request, account: Account) -> None:
        self._check_address(request, account)
        if request.method not in account.allowed_methods:
            raise self.refuse(403, "forbidden", "The authorization does not allow this method.")

    def _check_address(self, request: Request, account: Account) -> None:
        if not account.admits(address(request)):
            raise self.refuse(403, "forbidden", "The address is not allowed.")

    def _check_json(self, request: Request) -> None:
        if media_type(request) != JSON:
            raise self.refuse(415, "unsupported_media_type", "The content type is not application/json.")

    def _take(self, request: Request, account: Account | None) -> None:
        rate = account.rate if account else self._address_rate(request)
        request.scope[_RATE] = rate
        limits = self.world.limits
        if not rate.take(
            self.world.clock.now(), limits.cimcloud_per_second, limits.cimcloud_window, limits.cimcloud_per_window
        ):
            raise self.refuse(429, "too_many_requests", "The rate limit is exceeded.")

    def _address_rate(self, request: Request) -> Rate:
        return self.world.address_rates.setdefault(address(request), Rate())
