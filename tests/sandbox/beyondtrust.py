# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BeyondTrust Remote Support, from "Authenticate to the Remote Support API", "Command API" (XML and v2),
"get_api_info", "check_health", the OpenAPI files of the Configuration API (Remote Support, spec 1.10) and of the
Command API (2.0.0).

Documented: `oauth2/token` with Basic and a form, one hour, 30 tokens an account of which a further one kills the
oldest without a word; tokens die when the secret is regenerated or the account disabled; the bad token's JSON, on
the XML API too; 403 without permission; one call a connection; Accept: application/json; HEAD wherever GET; 405 and
OPTIONS with Allow; 401 for an unknown parameter at the Configuration API and 400 at Command v2; the pages and their
headers; the fields of an API account; 20 calls a second and 15,000 an hour an account with X-RateLimit-Limit and
-Remaining; `<success>0` and 500 for a sick appliance. Seen in public code: credentials in the body; the grant as
JSON with Basic; cookies on the token's answer; `http://` in Link; an XML `<error>` with status 200 where the
permission is missing.

Assumed, since not documented:
- a lockout after 5 refused logins, for 15 minutes, answered like bad credentials; a granted login ends the count
- bad credentials and bad tokens are 401; a request that is no grant is 400 with RFC 6749's error
- an address off the account's list is 403 access_denied, at the token endpoint too
- 429 for an exceeded rate, without Retry-After; refused calls are not counted; logins count for the account they
  name
- a cookie, which an API client has no reason to keep, is 400; so is a second request on a connection
- 406 without Accept: application/json; a page beyond the last is an empty list; 422 for a page number out of range
- an XML call that is unknown or not a form is an `<error>` with status 200; a POST takes its action from the form
  alone
- the JSON of a 403; `failed_login_expiration` is empty when nothing is locked
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .clock import iso_8601
from .tokens import Token
from .vendor import (
    FORM,
    JSON,
    Handler,
    Refusal,
    Vendor,
    address,
    basic_credentials,
    media_type,
    parse_form,
    parse_json,
)
from .world import Account, same

NAMESPACES = {
    "old": "http://www.bomgar.com/namespaces/API/command",
    "new": "https://www.beyondtrust.com/namespaces/API/command",
}
_DENIED = "The resource owner or authorization server denied the request."
_API_VERSION = "1.26.1"
_VERSION = "25.2.1"
_APPLIANCE = "sandbox.example"
_APPLIANCE_ID = "00000000-0000-4000-8000-000000000001"
_SICK = "The appliance is not well."
_PAGE_SIZES = range(5, 101)
_ACCOUNT = "sandbox.account"


class BeyondTrust(Vendor):
    """Below `/beyondtrust`, which stands for the site's root."""

    provider = "beyondtrust"
    regeneration_kills_tokens = True

    def routes(self) -> list[Route]:
        return [
            self.route("/oauth2/token", POST=self.token),
            self._json_route("/api/command/v2/info", self.info),
            self._json_route("/api/command/v2/health", self.health),
            self.route("/api/command", GET=self.command, POST=self.command),
            self._json_route("/api/config/v1/api-account", self.accounts),
            self._json_route("/api/config/v1/api-account/{id:int}", self.account),
            self.route("/check_health", GET=self.check_health),
        ]

    def _json_route(self, path: str, read: Handler) -> Route:
        async def options(request: Request) -> Response:
            return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})

        return self.route(path, GET=read, HEAD=read, OPTIONS=options)

    def error(self, status: int, code: str, message: str) -> Response:
        return JSONResponse({"error": code, "message": message}, status)

    def before(self, request: Request) -> None:
        if "cookie" in request.headers:
            self.world.counters.cookies_presented += 1
            raise self.refuse(400, "invalid_request", "An API client keeps no cookies.")

    def after(self, request: Request, response: Response) -> None:
        account: Account | None = request.scope.get(_ACCOUNT)
        limit = self.world.limits.beyondtrust_per_hour
        if account is not None:
            response.headers["X-RateLimit-Limit"] = str(limit)
            remaining = account.rate.remaining(self.world.clock.now(), 3600, limit)
            response.headers["X-RateLimit-Remaining"] = str(remaining)

    # Tokens

    async def token(self, request: Request) -> Response:
        """POST oauth2/token."""
        with self.counted_login() as login:
            body = await request.body()
            client_id, client_secret = self._credentials(request, body)
            account = login.account = self.world.named(self.provider, client_id)
            if account is not None:
                self._take(request, account)
            self._check_grant(request, body)
            if account is None:
                raise self._bad_credentials()
            self._check_address(request, account)
            self._check_secret(account, client_secret)
            limits = self.world.limits
            live = self.world.tokens.live(account.key)
            for token in live[: max(0, len(live) + 1 - limits.beyondtrust_tokens)]:
                token.killed = True
            alphabet = string.ascii_letters + string.digits
            value = self.issue(
                Token(account.key, "access", self.world.clock.now() + limits.beyondtrust_lifetime),
                "".join(secrets.choice(alphabet) for _ in range(40)),
            )
        response = JSONResponse(
            {"access_token": value, "token_type": "Bearer", "expires_in": limits.beyondtrust_lifetime},
            headers={"Cache-Control": "no-store"},
        )
        response.set_cookie("ns_sl", secrets.token_hex(16), path="/", secure=True, httponly=True)
        response.set_cookie("global_warnings", "0", path="/", secure=True)
        return response

    def _credentials(self, request: Request, body: bytes) -> tuple[str, str]:
        """From the header, or from a form; from both is refused."""
        basic = basic_credentials(request)
        fields = (parse_form(body) if media_type(request) == FORM else None) or {}
        in_body = "client_id" in fields or "client_secret" in fields
        if "authorization" in request.headers:
            if basic is None or in_body:
                raise self.refuse(400, "invalid_request", "The request gives its credentials in more than one way.")
            return basic
        if not in_body:
            raise self.refuse(400, "invalid_request", "The request has no credentials.")
        return fields.get("client_id", ""), fields.get("client_secret", "")

    def _check_grant(self, request: Request, body: bytes) -> None:
        kind = media_type(request)
        document = parse_form(body) if kind == FORM else parse_json(body) if kind == JSON else None
        if request.url.query or not isinstance(document, dict) or "grant_type" not in document:
            raise self.refuse(400, "invalid_request", "The request is missing a required parameter.")
        if kind == JSON and set(document) != {"grant_type"}:
            raise self.refuse(400, "invalid_request", "A JSON body has the grant type only.")
        if document["grant_type"] != "client_credentials":
            raise self.refuse(400, "unsupported_grant_type", "The grant type is not supported.")

    def _check_secret(self, account: Account, client_secret: str) -> None:
        """Counts refused logins, and refuses even the right secret while the account is locked."""
        now, limits = self.world.clock.now(), self.world.limits
        if account.locked_until > now:
            raise self._bad_credentials()
        if account.locked_until:
            account.failed_logins, account.locked_until = 0, 0.0
        if not same(client_secret, account.client_secret):
            account.failed_logins += 1
            if account.failed_logins >= limits.beyondtrust_lockout_attempts:
                account.locked_until = now + limits.beyondtrust_lockout_seconds
            raise self._bad_credentials()
        if not account.enabled:
            raise self._bad_credentials()
        account.failed_logins = 0

    def _bad_credentials(self) -> Refusal:
        refusal = self.refuse(401, "invalid_client", "Client authentication failed")
        refusal.response.headers["WWW-Authenticate"] = 'Basic realm="OAuth"'
        return refusal

    def bad_token(self) -> Refusal:
        return self.refuse(401, "access_denied", _DENIED)

    # Command API

    async def info(self, request: Request) -> Response:
        """GET api/command/v2/info."""
        account = self._v2_call(request)
        return JSONResponse(
            {
                "permissions": account.permissions,
                "current_time": iso_8601(self.world.clock.now()),
                "command_api_version": _API_VERSION,
                "config_api_version": "1.10",
                "reporting_api_version": _API_VERSION,
                "backup_api_version": _API_VERSION,
                "product": "rs",
            }
        )

    async def health(self, request: Request) -> Response:
        """GET api/command/v2/health: 500 says that the appliance is sick, not that the token is bad."""
        self._v2_call(request)
        healthy = self.world.switches.beyondtrust_healthy
        content: dict[str, Any] = {
            "version": _VERSION,
            "build": "1",
            "appliance_hostname": _APPLIANCE,
            "appliance_id": _APPLIANCE_ID,
            "cluster_role": "none",
            "failover_role": "none",
        }
        return JSONResponse(content if healthy else {**content, "error_message": _SICK}, 200 if healthy else 500)

    def _v2_call(self, request: Request) -> Account:
        if not self.world.switches.beyondtrust_v2:
            raise self.refuse(404, "not_found", "There is nothing at this path.")
        account = self._call(request, test=True)
        if account.permissions["perm_command"] == "deny":
            raise self.refuse(403, "forbidden", "The API account may not use the Command API.")
        self._check_accept(request)
        if request.query_params:
            raise self.refuse(400, "bad_request", "Unknown parameter.")
        return account

    async def command(self, request: Request) -> Response:
        """GET or form POST api/command, in XML."""
        body = await request.body()
        if request.method == "POST":
            is_form = media_type(request) == FORM and not request.url.query
            action = ((parse_form(body) if is_form else None) or {}).get("action")
        else:
            action = request.query_params.get("action")
        account = self._call(request, test=action in ("get_api_info", "check_health"))
        if account.permissions["perm_command"] == "deny":
            name = account.configuration.key
            return self._xml_error(f'The API client "{name}" does not have permission to use the Command API.')
        if action == "get_api_info":
            return self._xml("api_information", self._api_information(account))
        if action == "check_health":
            return self._xml("health_check", self._health_check())
        return self._xml_error("The action is missing or unknown.")

    def _api_information(self, account: Account) -> str:
        """Permissions as 1 and 0, but for perm_command."""
        permissions = "".join(
            f"<permission name={quoteattr(name)}>{value if isinstance(value, str) else int(value)}</permission>"
            for name, value in account.permissions.items()
        )
        return (
            f"<api_version>{_API_VERSION}</api_version><timestamp>{int(self.world.clock.now())}</timestamp>"
            f"<permissions>{permissions}</permissions>"
        )

    def _health_check(self) -> str:
        healthy = self.world.switches.beyondtrust_healthy
        return (
            f"<appliance id={quoteattr(_APPLIANCE_ID)}>{_APPLIANCE}</appliance><version>{_VERSION}</version>"
            f"<success>{int(healthy)}</success><failover_role>none</failover_role>"
            + ("" if healthy else f"<error_message>{_SICK}</error_message>")
        )

    def _xml(self, root: str, inner: str) -> Response:
        namespace = NAMESPACES[self.world.switches.beyondtrust_namespace]
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">{inner}</{root}>\n'
        return Response(text, media_type="text/xml")

    def _xml_error(self, message: str) -> Response:
        return self._xml("error", escape(message))

    async def check_health(self, request: Request) -> Response:
        """GET check_health at the site's root, which looks at no token."""
        healthy = self.world.switches.beyondtrust_healthy
        return self._xml("health_check", self._health_check()) if healthy else Response(_SICK, 500)

    # Configuration API

    async def accounts(self, request: Request) -> Response:
        """GET api/config/v1/api-account: `per_page` 5..100, `current_page` from 1, `name` exact but for case."""
        self._config_call(request, {"per_page", "current_page", "name"})
        errors: dict[str, list[str]] = {}
        per_page = _whole_number(request, "per_page", 100)
        if per_page not in _PAGE_SIZES:
            errors["per_page"] = ["The per page must be between 5 and 100."]
        page = _whole_number(request, "current_page", 1)
        if page < 1:
            errors["current_page"] = ["The current page must be at least 1."]
        name = request.query_params.get("name")
        if name is not None and not 1 <= len(name) <= 255:
            errors["name"] = ["The name must be between 1 and 255 characters."]
        if errors:
            return JSONResponse({"message": "The given data was invalid.", "errors": errors}, 422)
        found = [
            document
            for document in map(self._document, self._numbered().items())
            if name is None or document["name"].casefold() == name.casefold()
        ]
        last = max(1, -(-len(found) // per_page))
        headers = {
            "Link": _links(request, page, last, {"per_page": str(per_page), **({"name": name} if name else {})}),
            "X-BT-Pagination-Current-Page": str(page),
            "X-BT-Pagination-Last-Page": str(last),
            "X-BT-Pagination-Per-Page": str(per_page),
            "X-BT-Pagination-Total": str(len(found)),
        }
        return JSONResponse(found[(page - 1) * per_page : page * per_page], headers=headers)

    async def account(self, request: Request) -> Response:
        """GET api/config/v1/api-account/{id}."""
        self._config_call(request, set())
        number = request.path_params["id"]
        account = self._numbered().get(number)
        if account is None:
            return JSONResponse({"message": "The API account was not found."}, 404)
        return JSONResponse(self._document((number, account)))

    def _config_call(self, request: Request, known: set[str]) -> None:
        account = self._call(request, test=True)
        if account.permissions["perm_configuration"] is not True:
            raise self.refuse(403, "forbidden", "The API account may not use the Configuration API.")
        self._check_accept(request)
        if set(request.query_params) - known:
            raise self.refuse(401, "access_denied", "Unknown parameter.")

    def _numbered(self) -> dict[int, Account]:
        return dict(enumerate(self.world.beyondtrust_accounts(), start=1))

    def _document(self, numbered: tuple[int, Account]) -> dict[str, Any]:
        number, account = numbered
        locked = account.locked_until > self.world.clock.now()
        return {
            "id": number,
            "name": account.configuration.key,
            "comments": account.configuration.comments,
            "enabled": account.enabled,
            "ip_addresses": ",".join(account.ip_addresses),
            "client_id": account.configuration.client_id,
            "failed_login_attempts": account.failed_logins,
            "failed_login_expiration": iso_8601(account.locked_until) if locked else "",
            **account.permissions,
        }

    # Checks

    def _call(self, request: Request, test: bool = False) -> Account:
        account, _ = self.bearer(request, test)
        self._take(request, account)
        self._check_address(request, account)
        return account

    def _take(self, request: Request, account: Account) -> None:
        request.scope[_ACCOUNT] = account
        limits = self.world.limits
        if not account.rate.take(
            self.world.clock.now(), limits.beyondtrust_per_second, 3600, limits.beyondtrust_per_hour
        ):
            raise self.refuse(429, "too_many_requests", "The rate limit is exceeded.")

    def _check_address(self, request: Request, account: Account) -> None:
        if not account.admits(address(request)):
            raise self.refuse(403, "access_denied", _DENIED)

    def _check_accept(self, request: Request) -> None:
        accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")}
        if JSON not in accepted:
            raise self.refuse(406, "not_acceptable", "The call needs Accept: application/json.")


def _whole_number(request: Request, name: str, default: int) -> int:
    """A query parameter; 0, which no parameter allows, if it is no number."""
    text = request.query_params.get(name, str(default))
    return int(text) if text.isascii() and text.isdigit() else 0


def _links(request: Request, page: int, last: int, parameters: Mapping[str, str]) -> str:
    """A Link header (RFC 8288) whose URLs say http, as real sites' do."""
    pages = {"first": 1, "previous": page - 1, "next": page + 1, "last": last}
    links = []
    for rel, number in pages.items():
        if 1 <= number <= last:
            url = request.url.replace(scheme="http", query=urlencode({**parameters, "current_page": number}))
            links.append(f'<{url}>; rel="{rel}"')
    return ", ".join(links)
