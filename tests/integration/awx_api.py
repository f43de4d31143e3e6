# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX's API as far as awx_setup.yml uses it: as strict as AWX, and stricter with fields that AWX would not know.

AWX itself wants a cluster. This checks credential types, job templates, surveys and schedules by the rules of AWX 24,
and refuses what AWX refuses, such as other fields for a credential type that is in use.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import secrets
import threading
import typing as t

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .awx import EXTENSIONS, Document, could_be_playbook, survey_problem, type_problems
from .runner import REPOSITORY

COLLECTION = REPOSITORY / ".build" / "peer_collections"
MISSING = "the collection awx.awx is not there: run make peers"

_STARTS_WITHIN = 10.0

_READ_ONLY = {
    "credential_types": {"managed"},
    # AWX takes it from the project.
    "job_templates": {"organization"},
    "schedules": set[str](),
}
_WRITABLE = {
    "credential_types": {"name", "description", "kind", "inputs", "injectors"},
    "job_templates": {
        "name", "description", "job_type", "playbook", "project", "inventory", "execution_environment",
        "survey_enabled", "ask_inventory_on_launch", "ask_limit_on_launch", "ask_verbosity_on_launch",
    },
    "schedules": {"name", "description", "rrule", "unified_job_template", "enabled"},
}  # fmt: skip
_DEFAULTS: dict[str, Document] = {
    "credential_types": {"description": "", "inputs": {}, "injectors": {}, "managed": False, "namespace": None},
    "job_templates": {
        "description": "",
        "job_type": "run",
        "inventory": None,
        "execution_environment": None,
        "survey_enabled": False,
        "ask_inventory_on_launch": False,
        "ask_limit_on_launch": False,
        "ask_verbosity_on_launch": False,
    },
    "schedules": {"description": "", "enabled": True},
}
_FILTERS = {"name", "organization", "unified_job_template"}


class Refusal(Exception):
    """An answer of 4xx."""

    def __init__(self, status: int, document: Document) -> None:
        super().__init__(document)
        self.status = status
        self.document = document


@dataclasses.dataclass
class AwxApi:
    """A small AWX: one organization with a project, an inventory, an execution environment and what is added."""

    token: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    tables: dict[str, list[Document]] = dataclasses.field(default_factory=dict)
    surveys: dict[int, Document] = dataclasses.field(default_factory=dict)
    attached: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    writes: list[str] = dataclasses.field(default_factory=list)
    """Method and path of all that was changed."""
    port: int = 0

    def __post_init__(self) -> None:
        for table in (
            "organizations", "projects", "inventories", "execution_environments", "credentials", "credential_types",
            "job_templates", "schedules",
        ):  # fmt: skip
            self.tables[table] = []
        default = self.add("organizations", name="Default")
        playbooks = sorted(path.name for path in (EXTENSIONS / "project").glob("*.yml") if could_be_playbook(path))
        self.add("projects", name="API access", organization=default, playbooks=playbooks)
        self.add("inventories", name="Servers", organization=default)
        self.add("execution_environments", name="API access", organization=None)

    @property
    def environment(self) -> dict[str, str]:
        """By which awx.awx finds it."""
        return {"CONTROLLER_HOST": f"http://127.0.0.1:{self.port}", "CONTROLLER_OAUTH_TOKEN": self.token}

    def add(self, table: str, **fields: t.Any) -> int:
        """Put an object in as it is; return its number."""
        number = 1 + sum(len(rows) for rows in self.tables.values())
        url = f"/api/v2/{table}/{number}/"
        row = {"id": number, "type": table.rstrip("s"), "url": url, "related": {}, "summary_fields": {}, **fields}
        if table == "job_templates":
            row["related"] = {"survey_spec": f"{url}survey_spec/"}
            self.attached[number] = []
        self.tables[table].append(row)
        return number

    def named(self, table: str) -> dict[str, Document]:
        """The objects of a table by name."""
        return {row["name"]: row for row in self.tables[table]}

    # Requests

    def find(self, table: str, query: t.Mapping[str, str]) -> list[Document]:
        rows = (
            [*self.tables["job_templates"], *self.tables["projects"]]
            if table == "unified_job_templates"
            else self.tables.get(table)
        )
        if rows is None:
            raise Refusal(404, {"detail": "The requested resource could not be found."})
        unknown = sorted(set(query) - _FILTERS)
        if unknown:
            raise Refusal(400, {"detail": f"{unknown[0]} is no field to search by"})
        return [row for row in rows if all(str(row.get(key)) == value for key, value in query.items())]

    def one(self, table: str, number: int) -> Document:
        row = next((row for row in self.tables.get(table, ()) if row["id"] == number), None)
        if row is None:
            raise Refusal(404, {"detail": "Not found."})
        return row

    def write(self, table: str, row: Document | None, given: Document) -> Document:
        """Create or change an object. Raises Refusal."""
        if table not in _WRITABLE:
            raise Refusal(405, {"detail": "Method not allowed."})
        given = {key: value for key, value in given.items() if key not in _READ_ONLY[table]}
        unknown = sorted(set(given) - _WRITABLE[table])
        if unknown:
            raise Refusal(400, {key: ["AWX would leave this out without a word."] for key in unknown})
        wanted = {**_DEFAULTS[table], **(row or {}), **given}
        if not wanted.get("name"):
            raise Refusal(400, {"name": ["This field is required."]})
        getattr(self, f"_check_{table}")(row, wanted)
        if row is None:
            row = self.one(table, self.add(table))
        row.update(wanted)
        return row

    def _check_credential_types(self, row: Document | None, wanted: Document) -> None:
        for other in self.tables["credential_types"]:
            if other is not row and (other["name"], other["kind"]) == (wanted["name"], wanted.get("kind")):
                raise Refusal(400, {"__all__": ["Credential type with this Name and Kind already exists."]})
        in_use = row is not None and row["id"] in [each["credential_type"] for each in self.tables["credentials"]]
        if row is not None and in_use and row["inputs"] != wanted["inputs"]:
            detail = "Modifications to inputs are not allowed for credential types that are in use"
            raise Refusal(403, {"detail": detail})
        problems = type_problems(wanted.get("kind"), wanted["inputs"], wanted["injectors"])
        if problems:
            raise Refusal(400, {"__all__": problems})

    def _check_job_templates(self, row: Document | None, wanted: Document) -> None:
        project = self.one("projects", wanted.get("project", 0))
        if wanted.get("playbook") not in project["playbooks"]:
            raise Refusal(400, {"playbook": ["Playbook not found for project."]})
        if wanted["inventory"] is None and not wanted["ask_inventory_on_launch"]:
            raise Refusal(400, {"inventory": ["Must either set a default value or ask to prompt on launch."]})
        for table, key in (("inventories", "inventory"), ("execution_environments", "execution_environment")):
            if wanted[key] is not None:
                self.one(table, wanted[key])
        wanted["organization"] = project["organization"]

    def _check_schedules(self, row: Document | None, wanted: Document) -> None:
        self.one("job_templates", wanted.get("unified_job_template", 0))
        rule = wanted.get("rrule", "")
        if not re.match(r"DTSTART(;TZID=[A-Za-z/_]+)?:\d{8}T\d{6}Z? RRULE:", rule) or "INTERVAL=" not in rule:
            raise Refusal(400, {"rrule": ["DTSTART, RRULE and INTERVAL are required."]})

    def keep_survey(self, number: int, spec: Document) -> None:
        self.one("job_templates", number)
        problem = survey_problem(spec)
        if problem:
            raise Refusal(400, {"error": problem})
        self.surveys[number] = spec

    def attach(self, number: int, given: Document) -> None:
        credential = self.one("credentials", given["id"])
        if given.get("disassociate"):
            self.attached[number].remove(credential["id"])
            return
        kinds = [self.one("credentials", other)["credential_type"] for other in self.attached[number]]
        if credential["credential_type"] in kinds:
            raise Refusal(400, {"error": "Cannot assign multiple credentials of this type."})
        self.attached[number].append(credential["id"])

    # HTTP

    async def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
        given = json.loads(await request.body() or b"{}")
        if request.method != "GET":
            self.writes.append(f"{request.method} {request.url.path}")
        try:
            return self._answer(request, given)
        except Refusal as refusal:
            return JSONResponse(refusal.document, refusal.status)

    def _answer(self, request: Request, given: Document) -> Response:
        table, number = request.path_params["table"], request.path_params.get("number")
        part, method = request.path_params.get("part"), request.method
        if number is None:
            if method == "POST":
                return JSONResponse(self.write(table, None, given), 201)
            rows = self.find(table, request.query_params)
            return JSONResponse({"count": len(rows), "next": None, "previous": None, "results": rows})
        row = self.one(table, number)
        if part == "survey_spec" and table == "job_templates":
            if method == "POST":
                self.keep_survey(number, given)
                return Response(status_code=200)
            return JSONResponse(self.surveys.get(number, {}))
        if part == "credentials" and table == "job_templates":
            if method == "POST":
                self.attach(number, given)
                return Response(status_code=204)
            rows = [self.one("credentials", each) for each in self.attached[number]]
            return JSONResponse({"count": len(rows), "next": None, "previous": None, "results": rows})
        if part is not None:
            raise Refusal(404, {"detail": "Not found."})
        return JSONResponse(self.write(table, row, given) if method == "PATCH" else row)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: t.Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.contextmanager
def running() -> t.Iterator[AwxApi]:
    """An AWX in a thread of its own, stopped at the end. Raises RuntimeError where it does not start."""
    api = AwxApi()
    path = "/api/v2/{table}/"
    routes = [
        Route(path, api.answer, methods=["GET", "POST"]),
        Route(f"{path}{{number:int}}/", api.answer, methods=["GET", "PATCH"]),
        Route(f"{path}{{number:int}}/{{part}}/", api.answer, methods=["GET", "POST"]),
    ]
    headers = [("X-API-Product-Name", "AWX"), ("X-API-Product-Version", "24.6.1")]
    config = uvicorn.Config(
        Starlette(routes=routes), host="127.0.0.1", port=0, lifespan="off", log_config=None, headers=headers
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if not server.ready.wait(_STARTS_WITHIN):
            raise RuntimeError("the AWX of the tests did not start")
        api.port = server.servers[0].sockets[0].getsockname()[1]
        yield api
    finally:
        server.should_exit = True
        thread.join(_STARTS_WITHIN)
