# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BeyondTrust's Configuration API, from its OpenAPI file (Remote Support, spec 1.10): `api-account`, which is only
read, and `jump-group`, which is also written.

Documented: Accept: application/json with GET and DELETE, Content-Type: application/json with a body; HEAD wherever
GET; 405, and OPTIONS with Allow; 403 without permission; 401 for an unknown parameter or field; the pages and their
headers; 201 with Location, 200 for PATCH, 204 for DELETE, 404 `{message}`, 422 `{message, errors}`; filters match
exactly but for case; the fields of both resources and their lengths. Seen in public code: `http://` in Link (a switch
turns it off); a PATCH that repeats the `id`.

Assumed, since not documented:
- 406 without Accept and 415 without Content-Type. The vendor's own Terraform provider sends no Content-Type, so the
  real site may be less strict than its documentation
- a page beyond the last is an empty list; 422 for a page number or filter out of range, and for a body that is no
  JSON object
- a new `id` is 422; a code name given twice is 422, an empty one is none; names may be given twice; without code name
  or comments the fields are "" and null
- numbers of deleted groups are not given again; a deleted group takes nothing else with it here
- the JSON of a 403; `failed_login_expiration` is empty when nothing is locked
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .beyondtrust_site import Site
from .clock import iso_8601
from .vendor import JSON, Refusal, media_type, parse_json
from .world import Account

_BASE = "/api/config/v1"
_PAGE_SIZES = range(5, 101)
_PAGING = frozenset({"per_page", "current_page"})
_CODE_NAME = re.compile(r"[A-Za-z0-9_-]*")
Filter = tuple[Callable[[str], bool], str]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 255


def _is_code_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 64 and _CODE_NAME.fullmatch(value) is not None


def _is_comment(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= 4096)


_NAME: Filter = (_is_name, "The name must be between 1 and 255 characters.")
_CODE: Filter = (_is_code_name, "The code name has at most 64 letters, digits, - and _.")
_JUMP_GROUP: Mapping[str, Filter] = {
    "name": _NAME,
    "code_name": _CODE,
    "comments": (_is_comment, "The comments have at most 4096 characters."),
}


class ConfigurationApi:
    """Below `/beyondtrust/api/config/v1`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        route = self._site.json_route
        return [
            route(f"{_BASE}/api-account", GET=self.accounts),
            route(f"{_BASE}/api-account/{{id:int}}", GET=self.account),
            route(f"{_BASE}/jump-group", GET=self.jump_groups, POST=self.create_jump_group),
            route(
                f"{_BASE}/jump-group/{{id:int}}",
                GET=self.jump_group,
                PATCH=self.change_jump_group,
                DELETE=self.delete_jump_group,
            ),
        ]

    # API accounts

    async def accounts(self, request: Request) -> Response:
        """GET api-account: `per_page` 5..100, `current_page` from 1, `name` exact but for case."""
        self._call(request, {*_PAGING, "name"}, test=True)
        return self._page(request, map(self._document, self._numbered().items()), {"name": _NAME})

    async def account(self, request: Request) -> Response:
        """GET api-account/{id}."""
        self._call(request, test=True)
        number = request.path_params["id"]
        account = self._numbered().get(number)
        if account is None:
            return _missing("API account")
        return JSONResponse(self._document((number, account)))

    def _numbered(self) -> dict[int, Account]:
        return dict(enumerate(self._site.world.beyondtrust_accounts(), start=1))

    def _document(self, numbered: tuple[int, Account]) -> dict[str, Any]:
        number, account = numbered
        locked = account.locked_until > self._site.world.clock.now()
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

    # Jump groups

    async def jump_groups(self, request: Request) -> Response:
        """GET jump-group: pages as above, filters `name` and `code_name`."""
        self._call(request, {*_PAGING, "name", "code_name"})
        groups = self._site.world.records.jump_groups.values()
        return self._page(request, groups, {"name": _NAME, "code_name": _CODE})

    async def create_jump_group(self, request: Request) -> Response:
        """POST jump-group; `name` is needed."""
        account = self._call(request)
        fields = await self._fields(request)
        records = self._site.world.records
        errors = self._errors(fields, number=None)
        if "name" not in fields:
            errors["name"] = ["The name field is required."]
        if errors:
            return _invalid(errors)
        records.highest_jump_group += 1
        number = records.highest_jump_group
        group = {"id": number, "name": "", "code_name": "", "comments": None, **fields}
        records.jump_groups[number] = group
        self._act(account)
        location = str(request.url.replace(path=f"{request.url.path}/{number}", query=""))
        return JSONResponse(group, 201, headers={"Location": location})

    async def jump_group(self, request: Request) -> Response:
        """GET jump-group/{id}."""
        self._call(request)
        group = self._group(request)
        return JSONResponse(group) if group else _missing("Jump Group")

    async def change_jump_group(self, request: Request) -> Response:
        """PATCH jump-group/{id}: the fields that are given."""
        account = self._call(request)
        fields = await self._fields(request)
        group = self._group(request)
        if group is None:
            return _missing("Jump Group")
        errors = self._errors(fields, group["id"])
        if errors:
            return _invalid(errors)
        group.update(fields)
        self._act(account)
        return JSONResponse(group)

    async def delete_jump_group(self, request: Request) -> Response:
        """DELETE jump-group/{id}."""
        account = self._call(request)
        group = self._group(request)
        if group is None:
            return _missing("Jump Group")
        del self._site.world.records.jump_groups[group["id"]]
        self._act(account)
        return Response(status_code=204)

    def _group(self, request: Request) -> dict[str, Any] | None:
        return self._site.world.records.jump_groups.get(request.path_params["id"])

    async def _fields(self, request: Request) -> dict[str, Any]:
        """The JSON object of the body, with no field but those of a jump group."""
        if media_type(request) != JSON:
            message = "The call needs Content-Type: application/json."
            raise self._site.refuse(415, "unsupported_media_type", message)
        document = parse_json(await request.body())
        if not isinstance(document, dict):
            raise Refusal(_invalid({}))
        if set(document) - set(_JUMP_GROUP) - {"id"}:
            raise self._site.refuse(401, "access_denied", "Unknown field.")
        return document

    def _errors(self, fields: Mapping[str, Any], number: int | None) -> dict[str, list[str]]:
        """What is wrong with the fields of the group `number`, or of a new one."""
        errors = {
            name: [message]
            for name, (fits, message) in _JUMP_GROUP.items()
            if name in fields and not fits(fields[name])
        }
        if "id" in fields and (fields["id"].__class__ is not int or fields["id"] != number):
            errors["id"] = ["The id is read only."]
        code_name = fields.get("code_name")
        others = (group for group in self._site.world.records.jump_groups.values() if group["id"] != number)
        if code_name and any(group["code_name"] == code_name for group in others):
            errors["code_name"] = ["The code name has already been taken."]
        return errors

    def _act(self, account: Account) -> None:
        self._site.world.counters.of(account.key).acts += 1

    # What the resources have in common

    def _call(self, request: Request, known: set[str] | None = None, test: bool = False) -> Account:
        account = self._site.call(request, test)
        if account.permissions["perm_configuration"] is not True:
            raise self._site.refuse(403, "forbidden", "The API account may not use the Configuration API.")
        if request.method in ("GET", "HEAD", "DELETE"):
            self._site.check_accept(request)
        if set(request.query_params) - (known or set()):
            raise self._site.refuse(401, "access_denied", "Unknown parameter.")
        return account

    def _page(self, request: Request, records: Iterable[dict[str, Any]], filters: Mapping[str, Filter]) -> Response:
        """One page of those records that have what the filters among the parameters want."""
        errors: dict[str, list[str]] = {}
        per_page = _whole_number(request, "per_page", 100)
        if per_page not in _PAGE_SIZES:
            errors["per_page"] = ["The per page must be between 5 and 100."]
        page = _whole_number(request, "current_page", 1)
        if page < 1:
            errors["current_page"] = ["The current page must be at least 1."]
        wanted = {name: request.query_params[name] for name in filters if name in request.query_params}
        errors |= {name: [filters[name][1]] for name, value in wanted.items() if not filters[name][0](value)}
        if errors:
            return _invalid(errors)
        found = [
            record
            for record in records
            if all(record[name].casefold() == value.casefold() for name, value in wanted.items())
        ]
        last = max(1, -(-len(found) // per_page))
        headers = {
            "Link": self._links(request, page, last, {"per_page": str(per_page), **wanted}),
            "X-BT-Pagination-Current-Page": str(page),
            "X-BT-Pagination-Last-Page": str(last),
            "X-BT-Pagination-Per-Page": str(per_page),
            "X-BT-Pagination-Total": str(len(found)),
        }
        return JSONResponse(found[(page - 1) * per_page : page * per_page], headers=headers)

    def _links(self, request: Request, page: int, last: int, parameters: Mapping[str, str]) -> str:
        """A Link header (RFC 8288) whose URLs say http, as real sites' do, unless that is switched off."""
        scheme = "http" if self._site.world.switches.beyondtrust_http_links else "https"
        pages = {"first": 1, "previous": page - 1, "next": page + 1, "last": last}
        links = []
        for rel, number in pages.items():
            if 1 <= number <= last:
                url = request.url.replace(scheme=scheme, query=urlencode({**parameters, "current_page": number}))
                links.append(f'<{url}>; rel="{rel}"')
        return ", ".join(links)


def _invalid(errors: Mapping[str, list[str]]) -> Response:
    return JSONResponse({"message": "The given data was invalid.", "errors": errors}, 422)


def _missing(what: str) -> Response:
    return JSONResponse({"message": f"The {what} was not found."}, 404)


def _whole_number(request: Request, name: str, default: int) -> int:
    """A query parameter; 0, which no parameter allows, if it is no number."""
    text = request.query_params.get(name, str(default))
    return int(text) if text.isascii() and text.isdigit() else 0
