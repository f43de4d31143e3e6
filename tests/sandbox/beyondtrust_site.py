# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What BeyondTrust's APIs have in common: errors, rates, cookies, and the checks of a call."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .vendor import JSON, Handler, Refusal, Vendor, address
from .world import Account

_DENIED = "The resource owner or authorization server denied the request."
_ACCOUNT = "sandbox.account"


class Site(Vendor):
    """Below `/beyondtrust`, which stands for the site's root."""

    provider = "beyondtrust"
    regeneration_kills_tokens = True

    def error(self, status: int, code: str, message: str) -> Response:
        return JSONResponse({"error": code, "message": message}, status)

    def json_route(self, path: str, **verbs: Handler) -> Route:
        """A path that answers HEAD wherever GET, and OPTIONS with what it allows."""
        if "GET" in verbs:
            verbs = {"GET": verbs["GET"], "HEAD": verbs["GET"], **verbs}
        allow = ", ".join((*verbs, "OPTIONS"))

        async def options(request: Request) -> Response:
            return Response(status_code=204, headers={"Allow": allow})

        return self.route(path, **verbs, OPTIONS=options)

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

    def call(self, request: Request, test: bool = False) -> Account:
        """The account of a call with a living token, within its rate, from an address of its list."""
        account, _token = self.bearer(request, test)
        self.take(request, account)
        self.check_address(request, account)
        return account

    def take(self, request: Request, account: Account) -> None:
        """Count a call for the account's rate."""
        request.scope[_ACCOUNT] = account
        limits = self.world.limits
        if not account.rate.take(
            self.world.clock.now(), limits.beyondtrust_per_second, 3600, limits.beyondtrust_per_hour
        ):
            raise self.refuse(429, "too_many_requests", "The rate limit is exceeded.")

    def check_address(self, request: Request, account: Account) -> None:
        if not account.admits(address(request)):
            raise self.refuse(403, "access_denied", _DENIED)

    def check_accept(self, request: Request) -> None:
        accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")}
        if JSON not in accepted:
            raise self.refuse(406, "not_acceptable", "The call needs Accept: application/json.")

    def bad_token(self) -> Refusal:
        return Refusal(self.error(401, "access_denied", _DENIED))
