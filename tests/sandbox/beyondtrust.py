# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BeyondTrust Remote Support, from "Authenticate to the Remote Support API", "Command API" (XML and v2),
"get_api_info", "check_health", "set_session_attributes", "get_session_attributes", and the OpenAPI file of the
Command API (2.0.0). The Configuration API and the Backup API have files of their own.

Documented: `oauth2/token` with Basic and a form, one hour, 30 tokens an account of which a further one kills the
oldest without a word; tokens die when the secret is regenerated or the account disabled; the bad token's JSON, on
the XML API too; 403 without permission; one call a connection; Accept: application/json; HEAD wherever GET; 405 and
OPTIONS with Allow; 400 for an unknown parameter at Command v2; 20 calls a second and 15,000 an hour an account with
X-RateLimit-Limit and -Remaining; `<success>0` and 500 for a sick appliance; the XML API by GET or form, not
multipart; `set_session_attributes` acts (by GET too) and needs full access, keeps what it does not name, clears what
is empty, takes configured custom fields only, 1024 characters each and 10 KB in all, and answers `<success>` or
`<error>`. Seen in public code: credentials in the body; the grant as JSON with Basic; cookies on the token's answer;
an XML `<error>` with status 200 where the permission is missing.

Assumed, since not documented:
- a lockout after 5 refused logins, for 15 minutes, answered like bad credentials; a granted login ends the count
- bad credentials and bad tokens are 401; a request that is no grant is 400 with RFC 6749's error
- an address off the account's list is 403 access_denied, at the token endpoint too
- 429 for an exceeded rate, without Retry-After; refused calls are not counted; logins count for the account they
  name
- a cookie, which an API client has no reason to keep, is 400; so is a second request on a connection
- 406 without Accept: application/json
- every refusal of an XML call is an `<error>` with status 200, and its words; a POST takes its parameters from the
  form alone; the commands on sessions refuse parameters that they do not know
- the JSON of a 403
"""

from __future__ import annotations

import secrets
import string
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .beyondtrust_backup import BackupApi
from .beyondtrust_configuration import ConfigurationApi
from .beyondtrust_site import Site
from .clock import iso_8601
from .records import CUSTOM_FIELDS
from .tokens import Token
from .vendor import FORM, JSON, Refusal, basic_credentials, media_type, parse_form, parse_json
from .world import Account, same

NAMESPACES = {
    "old": "http://www.bomgar.com/namespaces/API/command",
    "new": "https://www.beyondtrust.com/namespaces/API/command",
}
_API_VERSION = "1.26.1"
_VERSION = "25.2.1"
_APPLIANCE = "sandbox.example"
_APPLIANCE_ID = "00000000-0000-4000-8000-000000000001"
_SICK = "The appliance is not well."
_CUSTOM = "session.custom."
_FIELD_CHARACTERS = 1024
_ALL_FIELDS_BYTES = 10 * 1024


class BeyondTrust(Site):
    """The site with all of its APIs; tokens and the Command API are here."""

    def routes(self) -> list[Route]:
        return [
            self.route("/oauth2/token", POST=self.token),
            self.json_route("/api/command/v2/info", GET=self.info),
            self.json_route("/api/command/v2/health", GET=self.health),
            self.route("/api/command", GET=self.command, POST=self.command),
            self.route("/check_health", GET=self.check_health),
            *ConfigurationApi(self).routes(),
            *BackupApi(self).routes(),
        ]

    # Tokens

    async def token(self, request: Request) -> Response:
        """POST oauth2/token."""
        with self.counted_login() as login:
            body = await request.body()
            client_id, client_secret = self._credentials(request, body)
            account = login.account = self.world.named(self.provider, client_id)
            if account is not None:
                self.take(request, account)
            self._check_grant(request, body)
            if account is None:
                raise self._bad_credentials()
            self.check_address(request, account)
            self._check_secret(account, client_secret)
            limits = self.world.limits
            live = self.world.tokens.live(account.key)
            for token in live[: max(0, len(live) + 1 - limits.beyondtrust_tokens)]:
                token.killed = True
            alphabet = string.ascii_letters + string.digits
            value = self.issue(
                Token(account.key, "access", self.world.clock.now() + limits.beyondtrust_lifetime),
                "".join(secrets.choice(alphabet) for _turn in range(40)),
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
        account = self.call(request, test=True)
        if account.permissions["perm_command"] == "deny":
            raise self.refuse(403, "forbidden", "The API account may not use the Command API.")
        self.check_accept(request)
        if request.query_params:
            raise self.refuse(400, "bad_request", "Unknown parameter.")
        return account

    async def command(self, request: Request) -> Response:
        """GET or form POST api/command, in XML."""
        body = await request.body()
        if request.method == "POST":
            is_form = media_type(request) == FORM and not request.url.query
            parameters = parse_form(body) if is_form else None
        else:
            parameters = parse_form(request.url.query.encode())
        action = (parameters or {}).pop("action", "")
        account = self.call(request, test=action in ("get_api_info", "check_health"))
        if account.permissions["perm_command"] == "deny":
            name = account.configuration.key
            return self._xml_error(f'The API client "{name}" does not have permission to use the Command API.')
        if action == "get_api_info":
            return self._xml("api_information", self._api_information(account))
        if action == "check_health":
            return self._xml("health_check", self._health_check())
        if parameters is None or action not in ("get_session_attributes", "set_session_attributes"):
            return self._xml_error("The action is missing or unknown.")
        attributes = self.world.records.sessions.get(parameters.pop("lsid", ""))
        if attributes is None:
            return self._xml_error("The lsid is missing or that of no active session.")
        if action == "set_session_attributes":
            return self._set_attributes(account, attributes, parameters)
        if parameters:
            return self._xml_error("The command has an unknown parameter.")
        inner = "".join(
            f"<custom_attribute display_name={quoteattr(CUSTOM_FIELDS[name])} code_name={quoteattr(name)}>"
            f"{escape(value)}</custom_attribute>"
            for name, value in attributes.items()
        )
        return self._xml("custom_attributes", inner)

    def _set_attributes(self, account: Account, attributes: dict[str, str], parameters: dict[str, str]) -> Response:
        """The attributes that are named change, an empty one goes, the others stay."""
        if account.permissions["perm_command"] != "full_access":
            return self._xml_error("The command needs full access to the Command API.")
        fields = {name.removeprefix(_CUSTOM): value for name, value in parameters.items() if name.startswith(_CUSTOM)}
        if len(fields) != len(parameters) or not set(fields) <= set(CUSTOM_FIELDS):
            return self._xml_error("The command has an unknown parameter or custom field.")
        if any(len(value) > _FIELD_CHARACTERS for value in fields.values()):
            return self._xml_error("A custom field is longer than 1024 characters.")
        merged = {name: value for name, value in {**attributes, **fields}.items() if value}
        if sum(len(value.encode()) for value in merged.values()) > _ALL_FIELDS_BYTES:
            return self._xml_error("The custom fields are larger than 10 KB.")
        attributes.clear()
        attributes.update(merged)
        self.world.counters.of(account.key).acts += 1
        return self._xml("success", "Session attributes were set")

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
