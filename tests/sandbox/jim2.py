# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jim2 by Happen Business, from the Jim2 Web API pages "token" and "Authentication", and the pages of the calls
below.

Documented: `token` takes a form, the client credentials grant only, credentials by Basic or in the body; the scope
defaults to `all`, which takes a user licence; `view` alone takes none and modifies nothing; without a free licence
authentication fails; 20 minutes, extended by requesting a new token; a logoff that gives the licence back early
exists; the reads' paths and, for contacts and getdata, their shape; the resource types, a stock line's id (job number
and line) and attributes; `cardfilecreate` needs a name, makes a card code if it gets none, with `Queue` (true, 1, t)
answers 202 and the number of the B2B request, and takes a unique `SubmitRefId` with `Queue` only, which is the same as
the body's `submitRefId` if both are given.

Assumed, since not documented:
- errors at `token` are those of RFC 6749 section 5.2; a missing licence answers what bad credentials answer
- the answer is RFC 6749's, with `token_type` "bearer" and, unless switched on, without `expires_in`
- each token holds a licence of its own, and use does not extend it
- scopes other than `view` and `all` are refused as invalid_scope; credentials in two places or in the query are
  refused
- the logoff is POST `logoff` with the token, answers 200 `{}`, and refuses a dead token
- elsewhere errors are JSON:API's `{"errors": [...]}`; an unknown number is 404 though the token is good; a write
  with `view` is 403
- the type application/vnd.api+json for JSON:API, whose pages and inclusions are not here, nor its writes
- an unknown query parameter is 400
- a new card is answered 200 with `cardNo`, `cardCode` and `name`; a card code that exists is 409; no other field of a
  card file is looked at
- the queue works at once, and its answer is `requestNumber`; a SubmitRefId that was used answers the number it had,
  and makes nothing
- a changed password leaves tokens alive; those of a user who may no longer log in die
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .configuration import JIM2_INSTANCE
from .records import Card
from .tokens import Token
from .vendor import (
    FORM,
    JSON,
    Refusal,
    Vendor,
    address,
    basic_credentials,
    media_type,
    parse_form,
    parse_json,
)
from .world import Account, same

_SCOPES = frozenset({"view", "all"})
_JSON_API = "application/vnd.api+json"
_TRUE = ("true", "1", "t")
_FALSE = ("false", "0", "f")


class Jim2(Vendor):
    """Below `/jim2`; the next part of the path is the instance."""

    provider = "jim2"

    def routes(self) -> list[Route]:
        instance = f"/{JIM2_INSTANCE}"
        return [
            self.route(f"{instance}/token", POST=self.token),
            self.route(f"{instance}/logoff", POST=self.logoff),
            self.route(f"{instance}/api/v1/jobs/{{number}}/stock", GET=self.stock),
            self.route(f"{instance}/api/v1/cardfiles/{{number}}/contacts", GET=self.contacts),
            self.route(f"{instance}/api/v1/custom/getdata", GET=self.getdata),
            self.route(f"{instance}/api/v1/cardfilecreate", POST=self.create_card),
        ]

    def error(self, status: int, code: str, message: str) -> Response:
        error = {"status": str(status), "code": code, "title": message}
        return JSONResponse({"errors": [error]}, status, media_type=_JSON_API)

    # Tokens

    async def token(self, request: Request) -> Response:
        """POST token."""
        with self.counted_login() as login:
            fields = parse_form(await request.body()) or {}
            basic = basic_credentials(request)
            client_id, client_secret = basic or (fields.get("client_id", ""), fields.get("client_secret", ""))
            account = login.account = self.world.named(self.provider, client_id)
            scopes = self._check_request(request, fields)
            # One refusal for all of these: a caller cannot tell a missing licence from a wrong password.
            needs_licence = scopes != {"view"}
            no_licence = needs_licence and self.world.licences_in_use() >= self.world.limits.jim2_licences
            if (
                account is None
                or not account.enabled
                or not account.admits(address(request))
                or not same(client_secret, account.client_secret)
                or no_licence
            ):
                refusal = Refusal(JSONResponse({"error": "invalid_client"}, 401))
                refusal.response.headers["WWW-Authenticate"] = 'Basic realm="Jim2"'
                raise refusal
            expires_at = self.world.clock.now() + self.world.limits.jim2_lifetime
            value = self.issue(Token(account.key, "access", expires_at, scopes=scopes, licence=needs_licence))
        answer: dict[str, Any] = {"access_token": value, "token_type": "bearer"}
        if self.world.switches.jim2_expires_in is not None:
            answer["expires_in"] = self.world.switches.jim2_expires_in
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _check_request(self, request: Request, fields: dict[str, str]) -> frozenset[str]:
        """Everything but the credentials; the scopes asked for."""
        if media_type(request) != FORM or request.url.query or "grant_type" not in fields:
            raise _oauth_error("invalid_request")
        if "authorization" in request.headers:
            in_body = "client_id" in fields or "client_secret" in fields
            if in_body or basic_credentials(request) is None:
                raise _oauth_error("invalid_request")
        if fields["grant_type"] != "client_credentials":
            raise _oauth_error("unsupported_grant_type")
        scopes = frozenset(fields.get("scope", "").split()) or frozenset({"all"})
        if not scopes <= _SCOPES:
            raise _oauth_error("invalid_scope")
        return scopes

    async def logoff(self, request: Request) -> Response:
        """POST logoff."""
        account, token = self.bearer(request)
        token.killed = True
        self.world.counters.of(account.key).logoffs += 1
        return JSONResponse({})

    # Calls

    async def stock(self, request: Request) -> Response:
        """GET api/v1/jobs/{jobno}/stock."""
        self.bearer(request, test=True)
        number = request.path_params["number"]
        lines = self.world.records.jobs.get(number)
        if lines is None:
            raise self.refuse(404, "not_found", "There is no such job.")
        self._check_query(request, set())
        return _resources("JobStock", number, lines)

    async def contacts(self, request: Request) -> Response:
        """GET api/v1/cardfiles/{cardno}/contacts."""
        self.bearer(request, test=True)
        number = request.path_params["number"]
        card = next((card for card in self.world.records.cards if str(card.number) == number), None)
        if card is None:
            raise self.refuse(404, "not_found", "There is no such card file.")
        self._check_query(request, set())
        return _resources("CardFileContact", number, card.contacts)

    async def getdata(self, request: Request) -> Response:
        """GET api/v1/custom/getdata?queryname=...; the one query that is set up is `Sandbox`."""
        self.bearer(request)
        if request.query_params.get("queryname") != "Sandbox":
            raise self.refuse(404, "not_found", "There is no such query.")
        columns = [{"Name": "CardNo", "Type": "Int32"}, {"Name": "CardCode", "Type": "String"}]
        return JSONResponse({"resultSets": [{"columns": columns, "rows": [[10, "SAMPLE"]]}]})

    async def create_card(self, request: Request) -> Response:
        """POST api/v1/cardfilecreate, at once or queued."""
        account, token = self.bearer(request)
        if "all" not in token.scopes:
            raise self.refuse(403, "forbidden", "The scope view modifies nothing.")
        self._check_query(request, {"Queue", "SubmitRefId"})
        queued = request.query_params.get("Queue", "false")
        if queued not in (*_TRUE, *_FALSE):
            raise self.refuse(400, "invalid_request", "Queue is true, 1, t, false, 0 or f.")
        document = parse_json(await request.body())
        fields: dict[str, Any] = document if isinstance(document, dict) else {}
        code, name = fields.get("cardCode") or "", fields.get("name")
        if media_type(request) != JSON or not isinstance(name, str) or not name or not isinstance(code, str):
            raise self.refuse(400, "invalid_request", "The body is not a card file.")
        reference = self._reference(request, fields, queued in _TRUE)
        earlier = [card for card in self.world.records.cards if reference and card.submit_ref_id == reference]
        if earlier:
            return JSONResponse({"requestNumber": earlier[0].request}, 202)
        card = self._new_card(account, code, name)
        if queued in _FALSE:
            return JSONResponse({"cardNo": card.number, "cardCode": card.code, "name": card.name})
        self.world.records.b2b_requests += 1
        card.submit_ref_id, card.request = reference, self.world.records.b2b_requests
        return JSONResponse({"requestNumber": card.request}, 202)

    def _reference(self, request: Request, fields: dict[str, Any], queued: bool) -> str:
        """The SubmitRefId, from the query or the body."""
        in_query, in_body = request.query_params.get("SubmitRefId", ""), fields.get("submitRefId", "")
        if not isinstance(in_body, str) or (in_query and in_body and in_query != in_body):
            raise self.refuse(400, "invalid_request", "The query and the body differ in their SubmitRefId.")
        if in_query and not queued:
            raise self.refuse(400, "invalid_request", "A SubmitRefId needs Queue.")
        return (in_query or in_body) if queued else ""

    def _new_card(self, account: Account, code: str, name: str) -> Card:
        cards = self.world.records.cards
        codes = {card.code for card in cards}
        number = cards[-1].number + 1
        if code in codes:
            raise self.refuse(409, "conflict", "There is a card file with that code.")
        card = Card(number, code or f"{name[:10].upper()}.{number}", name)
        cards.append(card)
        self.world.counters.of(account.key).acts += 1
        return card

    def _check_query(self, request: Request, known: set[str]) -> None:
        if set(request.query_params) - known:
            raise self.refuse(400, "invalid_request", "The query has an unknown parameter.")


def _oauth_error(error: str) -> Refusal:
    return Refusal(JSONResponse({"error": error}, 400))


def _resources(kind: str, number: str, records: list[dict[str, Any]]) -> Response:
    """A list of JSON:API resources whose ids are a number and a line."""
    data = [
        {"id": f"{number}-{line}", "type": kind, "attributes": attributes}
        for line, attributes in enumerate(records, start=1)
    ]
    return JSONResponse({"data": data}, media_type=_JSON_API)
