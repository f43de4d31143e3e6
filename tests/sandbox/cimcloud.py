# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIMcloud, from the help-center pages "API Framework: Authentication", "... Application Authorizations", "Refresh
Tokens", "... Health Checks", "... Configuration and Rate Limits", "... GET Requests", "... Pagination",
"... Searchstrings", "... POST Requests" and "POST GenerateCustomerSession".

Documented: `authenticate` with its three JSON fields and no Authorization header; 7 days for the token, 30 for the
refresh token; `refresh` with a bare JSON string; Basic authorizations that have no token; `GenerateCustomerSession/`
with its slash, for session type Any only; `validate` and its 401; the health checks with their misspelt field; 2
calls a second and 100 in 15 minutes with the three X-RateLimit headers, Reset in seconds; `/{resource}/`, then a
searchstring, a page or both, 50 records a page, pages from 1, where 0 is page 1 too; `searchlike~field~value`;
`customer_price` for a token with a session; `OnlineOrders` answers the orders that are not exported and marks them;
a POST of one record or an array updates what exists and adds the rest, found by primary or user key, the primary one
first; its answer; no nested objects; more than ten records wait in a queue.

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
- a resource that is not assigned is 403; assigned are all at the start; the calls that are no resource need none
- data paths answer with and without their last slash; a page that is not there is an empty list; searchstrings other
  than one `searchlike` are 400, though the vendor has more, and so is one for an unknown field
- the fields of customers and products; `customers` takes a POST as `account` does, whose sample is published; the
  primary key is `id`, the user key `ref_id`
- records that cannot be imported, for an unknown field or key, make `success` false and import nothing, with 200;
  a body that is no record is 400
- the queue's answer has the documented fields with the action DataQueued; it imports after a minute, and drops
  silently what it cannot
- a reset AuthPassword leaves tokens alive; a disabled authorization's tokens die
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import iso_8601
from .configuration import CIMCLOUD_SITE, CUSTOMERS
from .rates import Rate
from .records import Import
from .tokens import Token
from .vendor import JSON, Vendor, address, authorization, basic_credentials, media_type, parse_json
from .world import Account, same

_LOGIN_FIELDS = {"AuthKey", "AuthUserName", "AuthPassword"}
_RECORDS_PER_PAGE = 50
_RECORDS_PER_IMPORT = 10
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
            self.route(f"{site}/OnlineOrders", GET=self.orders),
            *(self.route(f"{site}/{path}", POST=self.write_accounts) for path in ("account", "account/")),
            *(
                self.route(f"{site}/{path}", GET=self.customers, POST=self.write_customers)
                for path in ("customers", "customers/")
            ),
            self.route(f"{site}/customers/{{rest:path}}", GET=self.customers),
            *(self.route(f"{site}/{path}", GET=self.accounts) for path in ("accounts", "accounts/{rest:path}")),
            *(self.route(f"{site}/{path}", GET=self.products) for path in ("products", "products/{rest:path}")),
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

    async def accounts(self, request: Request) -> Response:
        """GET /{site}/accounts/..."""
        self._resource_call(request, "accounts")
        return JSONResponse(self._page(request, "accounts"))

    async def customers(self, request: Request) -> Response:
        """GET /{site}/customers/..."""
        self._resource_call(request, "customers")
        return JSONResponse(self._page(request, "customers"))

    async def products(self, request: Request) -> Response:
        """GET /{site}/products/...; a session's answer has the customer's prices."""
        _account, token = self._resource_call(request, "products")
        products = self._page(request, "products")
        if token is not None and token.session:
            products = [{**product, "customer_price": 9.0} for product in products]
        return JSONResponse(products)

    async def orders(self, request: Request) -> Response:
        """GET /{site}/OnlineOrders: a read that changes what it reads."""
        account, _token = self._resource_call(request, "OnlineOrders")
        new = [order for order in self.world.records.tables["orders"] if not order["exported"]]
        response = JSONResponse(new)
        for order in new:
            order["exported"] = 1
        self.world.counters.orders_exported += len(new)
        self.world.counters.of(account.key).acts += bool(new)
        return response

    def _page(self, request: Request, table: str) -> list[dict[str, Any]]:
        """What the path wants after the resource: a searchstring, a page, or both."""
        self._import_due()
        records = self.world.records.tables[table]
        search, page = "", "1"
        parts = [part for part in request.path_params.get("rest", "").split("/") if part]
        if len(parts) == 1 and not parts[0].isdigit():
            search = parts[0]
        elif parts:
            *searches, page = parts
            search = "/".join(searches)
        if not (page.isascii() and page.isdigit()) or len(parts) > 2:
            raise self.refuse(400, "invalid_request", "After the resource come a searchstring and a page.")
        if search:
            command, _separator, rest = search.partition("~")
            field, tilde, value = rest.partition("~")
            if command != "searchlike" or not tilde or "|" in value or field not in records[0]:
                raise self.refuse(400, "invalid_request", "The searchstring is not searchlike~field~value.")
            records = [record for record in records if value.casefold() in str(record[field]).casefold()]
        start = (max(1, int(page)) - 1) * _RECORDS_PER_PAGE
        return records[start : start + _RECORDS_PER_PAGE]

    # Writes

    async def write_accounts(self, request: Request) -> Response:
        """POST /{site}/account/."""
        return await self._write(request, "account", "accounts")

    async def write_customers(self, request: Request) -> Response:
        """POST /{site}/customers."""
        return await self._write(request, "customers", "customers")

    async def _write(self, request: Request, resource: str, table: str) -> Response:
        account, _token = self._resource_call(request, resource)
        self._check_json(request)
        document = parse_json(await request.body())
        records = document if isinstance(document, list) else [document]
        if not records or not all(isinstance(record, dict) and record for record in records):
            raise self.refuse(400, "invalid_request", "The body is not a record or an array of records.")
        if any(isinstance(value, (dict, list)) for record in records for value in record.values()):
            raise self.refuse(400, "invalid_request", "Nested objects are not supported.")
        self._import_due()
        answer: dict[str, Any] = {
            "action": "DataImported",
            "success": True,
            "importedRecords": 0,
            "updatedRecords": 0,
            "recordCountInRequest": len(records),
            "message": None,
        }
        if len(records) > _RECORDS_PER_IMPORT:
            due = self.world.clock.now() + self.world.limits.cimcloud_queue
            self.world.records.imports.append(Import(due, table, records))
            answer |= {"action": "DataQueued", "message": "The records were added to the queue."}
        elif wrong := next(self._wrong(table, records), None):
            return JSONResponse({**answer, "success": False, "message": wrong})
        else:
            updated = sum(self._import(table, record) for record in records)
            answer |= {"importedRecords": len(records) - updated, "updatedRecords": updated}
        self.world.counters.of(account.key).acts += 1
        return JSONResponse(answer)

    def _wrong(self, table: str, records: list[dict[str, Any]]) -> Iterator[str]:
        known = self.world.records.tables[table]
        for record in records:
            if not set(record) <= set(known[0]):
                yield "A record has an unknown field."
            elif "id" in record and all(record["id"] != other["id"] for other in known):
                yield "A record has an unknown id."
            elif "id" not in record and not isinstance(record.get("ref_id"), str):
                yield "A record has neither id nor ref_id."

    def _import(self, table: str, record: dict[str, Any]) -> bool:
        """Write a record that is right, and say whether it was there."""
        known = self.world.records.tables[table]
        key = "id" if "id" in record else "ref_id"
        for other in known:
            if other[key] == record[key]:
                other.update(record)
                return True
        known.append({**dict.fromkeys(known[0]), **record, "id": len(known) + 1})
        return False

    def _import_due(self) -> None:
        """Let the queue catch up with the clock."""
        records = self.world.records
        for item in [item for item in records.imports if item.due <= self.world.clock.now()]:
            records.imports.remove(item)
            for record in item.records:
                if next(self._wrong(item.table, [record]), None) is None:
                    self._import(item.table, record)

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

    def _resource_call(self, request: Request, resource: str) -> tuple[Account, Token | None]:
        """A call of a resource, which must be assigned to the authorization."""
        account, token = self._call(request)
        if resource not in account.resources:
            raise self.refuse(403, "forbidden", "The resource is not assigned to the authorization.")
        return account, token

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
