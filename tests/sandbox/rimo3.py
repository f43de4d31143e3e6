# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rimo3, from "Rimo3 API - Introduction and Obtaining an Access Token" and "Rimo3 Public API - Token Migration".

Documented: the two paths below `/api/v2/connect`, Basic credentials at the first, the answer's three fields with
3600 seconds, Bearer at the second. The page contradicts itself on the token request's body; accepted are the form
`grant_type=client_credentials`, and the page's words sent literally as JSON, as public code sends them.

Assumed, since not documented:
- errors are .NET problem details: 401 for credentials and tokens, 400 for a body, 415 for a content type, 403 for an
  address
- a query string at the token endpoint is refused
- the token test answers 200 with a small JSON object
- a regenerated secret leaves the tokens alive; a disabled or deleted account's tokens die
- the number of tokens is not limited
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .tokens import Token
from .vendor import FORM, JSON, Vendor, address, basic_credentials, media_type, parse_json
from .world import same

_FORM_BODY = b"grant_type=client_credentials"
_LITERAL_BODY = {"Form-Data": "grant_type=client_credentials"}
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
}


class Rimo3(Vendor):
    """Below `/rimo3`."""

    provider = "rimo3"

    def routes(self) -> list[Route]:
        return [
            self.route("/api/v2/connect/token", POST=self.token),
            self.route("/api/v2/connect/test", GET=self.test),
            self.route("/api/v2/application-packages", GET=self.packages),
        ]

    def error(self, status: int, code: str, message: str) -> Response:
        return JSONResponse(
            {
                "type": "https://tools.ietf.org/html/rfc9110#section-15.5",
                "title": _TITLES[status],
                "status": status,
                "detail": message,
                "traceId": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
            },
            status,
            media_type="application/problem+json",
        )

    async def token(self, request: Request) -> Response:
        """POST /api/v2/connect/token."""
        with self.counted_login() as login:
            client_id, client_secret = basic_credentials(request) or ("", "")
            account = login.account = self.world.named(self.provider, client_id)
            self._check_request(request, await request.body())
            if account is not None and not account.admits(address(request)):
                raise self.refuse(403, "forbidden", "The address is not allowed.")
            if account is None or not account.enabled or not same(client_secret, account.client_secret):
                refusal = self.refuse(401, "invalid_client", "The client credentials are not valid.")
                refusal.response.headers["WWW-Authenticate"] = "Basic"
                raise refusal
            lifetime = self.world.limits.rimo3_lifetime
            value = self.issue(Token(account.key, "access", self.world.clock.now() + lifetime))
        return JSONResponse(
            {"access_token": value, "token_type": "Bearer", "expires_in": lifetime},
            headers={"Cache-Control": "no-store"},
        )

    def _check_request(self, request: Request, body: bytes) -> None:
        if request.url.query:
            raise self.refuse(400, "invalid_request", "The token endpoint takes no query.")
        kind = media_type(request)
        if kind not in (FORM, JSON):
            raise self.refuse(415, "unsupported_media_type", "The content type is not supported.")
        is_form = kind == FORM and body == _FORM_BODY
        if not is_form and parse_json(body) != _LITERAL_BODY:
            raise self.refuse(400, "invalid_request", "The body is not the client credentials grant.")

    async def test(self, request: Request) -> Response:
        """GET /api/v2/connect/test."""
        self._admitted(request, test=True)
        return JSONResponse({"message": "The access token is valid."})

    async def packages(self, request: Request) -> Response:
        """GET /api/v2/application-packages, in the shape that public code reads."""
        self._admitted(request)
        return JSONResponse(
            [
                {
                    "applicationPackageId": number,
                    "displayName": name,
                    "manufacturer": "Example Ltd",
                    "productVersion": "1.0.0",
                    "fileName": f"{name.lower()}.msi",
                }
                for number, name in ((1, "Editor"), (2, "Viewer"))
            ]
        )

    def _admitted(self, request: Request, test: bool = False) -> None:
        account, _ = self.bearer(request, test)
        if not account.admits(address(request)):
            raise self.refuse(403, "forbidden", "The address is not allowed.")
