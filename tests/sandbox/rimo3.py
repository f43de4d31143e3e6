# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rimo3, from "Rimo3 API - Introduction and Obtaining an Access Token" and "Rimo3 Public API - Token Migration", and
for the application packages from public code (github.com/aaronparker/rimo3), since no reference of theirs was found.

Documented: the two paths below `/api/v2/connect`, Basic credentials at the first, the answer's three fields with
3600 seconds, Bearer at the second. The page contradicts itself on the token request's body; accepted are the form
`grant_type=client_credentials`, and the page's words sent literally as JSON, as public code sends them.

Seen: the three paths of the application packages and their verbs; the fields of a package; the fields of an upload,
as JSON with a link or as a form with `file` and perhaps `tags`; `sequenceIdentifier` in an upload's answer.

Assumed, since not documented:
- errors are .NET problem details: 401 for credentials and tokens, 400 for a body, 415 for a content type, 403 for an
  address, 404 for an unknown package
- a query string at the token endpoint is refused
- the token test answers 200 with a small JSON object
- a regenerated secret leaves the tokens alive; a disabled or deleted account's tokens die
- the number of tokens is not limited
- an upload needs all fields that were seen but `comment` and `tags`, and no others; `progressStep` is 0 to 2; a link
  is an http or https URL, and is not fetched; the answer is 200 and has the one field
- an upload makes a new package at once, even of a name and version that exist
- `sequences` lists `{sequenceIdentifier, status}`; the states are Queued, Running, and Completed or Failed
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .multipart import parse_multipart
from .records import Package
from .tokens import Token
from .vendor import FORM, JSON, MULTIPART, Refusal, Vendor, address, basic_credentials, media_type, parse_json
from .world import Account, same

_FORM_BODY = b"grant_type=client_credentials"
_LITERAL_BODY = {"Form-Data": "grant_type=client_credentials"}
_PACKAGES = "/api/v2/application-packages"
_FIELDS = {"displayName", "fileName", "publisher", "name", "version", "installCommand", "uninstallCommand"}
_OPTIONAL = {"comment", "tags"}
_STEPS = (0, 1, 2)
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
            self.route(_PACKAGES, GET=self.packages),
            self.route(f"{_PACKAGES}/{{number:int}}/sequences", GET=self.sequences),
            self.route(f"{_PACKAGES}/upload/manual", POST=self.upload),
            self.route(f"{_PACKAGES}/upload/manual/link", POST=self.upload_link),
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

    # Application packages

    async def packages(self, request: Request) -> Response:
        """GET /api/v2/application-packages, in the shape that public code reads."""
        self._admitted(request)
        return JSONResponse(
            [
                {
                    "applicationPackageId": package.number,
                    "displayName": package.display_name,
                    "manufacturer": package.manufacturer,
                    "productVersion": package.product_version,
                    "fileName": package.file_name,
                }
                for package in self.world.records.packages
            ]
        )

    async def sequences(self, request: Request) -> Response:
        """GET /api/v2/application-packages/{id}/sequences."""
        self._admitted(request)
        found = [item for item in self.world.records.packages if item.number == request.path_params["number"]]
        if not found:
            raise self.refuse(404, "not_found", "There is no such application package.")
        return JSONResponse([{"sequenceIdentifier": item.sequence, "status": self._status(item)} for item in found])

    def _status(self, package: Package) -> str:
        limits = self.world.limits
        age = self.world.clock.now() - package.started
        if age < limits.rimo3_queued:
            return "Queued"
        if age < limits.rimo3_queued + limits.rimo3_running:
            return "Running"
        return "Failed" if package.fails else "Completed"

    async def upload_link(self, request: Request) -> Response:
        """POST /api/v2/application-packages/upload/manual/link: JSON that says where the file is."""
        account = self._admitted(request)
        if media_type(request) != JSON:
            raise self.refuse(415, "unsupported_media_type", "The content type is not supported.")
        document = parse_json(await request.body())
        if not isinstance(document, dict):
            raise self._invalid("$", "The body is not a JSON object.")
        fields = dict(document)
        link = fields.pop("fileLink", None)
        if not isinstance(link, str) or urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).netloc:
            raise self._invalid("fileLink", "The fileLink is not a URL.")
        step = fields.pop("progressStep", None)
        if step.__class__ is not int or step not in _STEPS:
            raise self._invalid("progressStep", "The progressStep is not 0, 1 or 2.")
        return self._uploaded(account, fields, optional={"comment"})

    async def upload(self, request: Request) -> Response:
        """POST /api/v2/application-packages/upload/manual: a form with the file itself."""
        account = self._admitted(request)
        if media_type(request) != MULTIPART:
            raise self.refuse(415, "unsupported_media_type", "The content type is not supported.")
        parts = parse_multipart(request.headers["content-type"], await request.body())
        if parts is None:
            raise self._invalid("", "The form cannot be read.")
        files = [part for part in parts if part.filename is not None]
        if [part.name for part in files] != ["file"] or not files[0].content:
            raise self._invalid("file", "The file field is required.")
        fields: dict[str, Any] = {}
        for part in parts:
            if part.name in fields and part.name != "tags":
                raise self._invalid(part.name, "The field is given twice.")
            if part.filename is None:
                fields[part.name] = part.content.decode(errors="replace")
        if fields.pop("progressStep", None) not in map(str, _STEPS):
            raise self._invalid("progressStep", "The progressStep is not 0, 1 or 2.")
        return self._uploaded(account, fields, optional=_OPTIONAL)

    def _uploaded(self, account: Account, fields: dict[str, Any], optional: set[str]) -> Response:
        for name in sorted(_FIELDS - set(fields)):
            raise self._invalid(name, f"The {name} field is required.")
        for name, value in fields.items():
            if name not in _FIELDS | optional:
                raise self._invalid(name, f"The {name} field is unknown.")
            if not isinstance(value, str) or (not value and name not in optional):
                raise self._invalid(name, f"The {name} field is not a text.")
        packages = self.world.records.packages
        package = Package(
            number=len(packages) + 1,
            display_name=fields["displayName"],
            manufacturer=fields["publisher"],
            product_version=fields["version"],
            file_name=fields["fileName"],
            sequence=str(uuid.uuid4()),
            started=self.world.clock.now(),
            fails=self.world.switches.rimo3_sequences_fail,
        )
        packages.append(package)
        self.world.counters.of(account.key).acts += 1
        return JSONResponse({"sequenceIdentifier": package.sequence})

    # Checks

    def _invalid(self, field: str, message: str) -> Refusal:
        """The refusal of a body, in the form of .NET's model validation."""
        content = {
            "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
            "title": "One or more validation errors occurred.",
            "status": 400,
            "errors": {field: [message]},
        }
        return Refusal(JSONResponse(content, 400, media_type="application/problem+json"))

    def _admitted(self, request: Request, test: bool = False) -> Account:
        account, _token = self.bearer(request, test)
        if not account.admits(address(request)):
            raise self.refuse(403, "forbidden", "The address is not allowed.")
        return account
