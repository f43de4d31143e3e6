# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share: a transport that plays a script, accounts, a clock."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.apiops.access.plugins.module_utils._errors import AccessError
from ansible_collections.apiops.access.plugins.module_utils._http import HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Account
from ansible_collections.apiops.access.plugins.module_utils._transport import Transport

NOW = 1_800_000_000.0
"""2027-01-15T08:00:00Z, the moment at which the tests happen."""

SECRET = "s3cret-value"
BASIC = "Basic Y2xpZW50LTE6czNjcmV0LXZhbHVl"
"""What `printf 'client-1:s3cret-value' | base64` prints."""

ISSUER = "https://auth.example.com"

Exchange = tuple[str, t.Union[HttpResponse, AccessError]]
"""Method and URL of the request that must come, and what it gets."""


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def answer(
    status: int = 200, document: t.Any = None, *, body: bytes | str | None = None, **headers: str
) -> HttpResponse:
    """An answer: a JSON document, or a body as it is. Header names have underscores for dashes."""
    if body is None:
        body = b"" if document is None else json.dumps(document)
        headers.setdefault("content_type", "application/json")
    return HttpResponse(
        status=status,
        url="",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body.encode() if isinstance(body, str) else body,
        elapsed_ms=7,
    )


class ScriptedTransport(Transport):
    """Answers each request from a script of (method and URL, answer or error), in this order and no other."""

    def __init__(self, *script: Exchange) -> None:
        self.script = list(script)
        self.sent: list[HttpRequest] = []

    def __enter__(self) -> ScriptedTransport:
        return self

    def __exit__(self, *_details: object) -> None:
        pass

    def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        assert self.script, f"not in the script: {request.method} {request.url}"
        expected, reply = self.script.pop(0)
        assert f"{request.method} {request.url}" == expected
        if isinstance(reply, AccessError):
            raise reply
        self.rate_notice = reply.rate_notice or self.rate_notice
        return dataclasses.replace(reply, url=request.url)

    def finished(self) -> None:
        """Assert that nothing of the script is left."""
        assert self.script == []


def rimo3(**changes: t.Any) -> Account:
    given = {"name": "packaging", "provider": "rimo3", "base_url": "https://rimo3cloud.com", **_CREDENTIALS}
    return Account(**{**given, **changes})


def cimcloud(**changes: t.Any) -> Account:
    given = {
        "name": "shop",
        "provider": "cimcloud",
        "base_url": "https://api.cimcloud.com",
        "site": "acme",
        "auth_key": "k3y-value",
        **_CREDENTIALS,
    }
    return Account(**{**given, **changes})


def jim2(**changes: t.Any) -> Account:
    given = {"name": "erp", "provider": "jim2", "base_url": "https://jim2.example.com/Jim_Live", **_CREDENTIALS}
    return Account(**{**given, **changes})


def beyondtrust(**changes: t.Any) -> Account:
    given = {"name": "support", "provider": "beyondtrust", "base_url": "https://support.example.com", **_CREDENTIALS}
    return Account(**{**given, **changes})


def oauth2(**changes: t.Any) -> Account:
    """An account whose server publishes its endpoints; ``metadata`` in the changes spares the discovery."""
    given = {"name": "idp", "provider": "oauth2", "base_url": ISSUER, "issuer": ISSUER, **_CREDENTIALS}
    return Account(**{**given, **changes})


def body_of(request: HttpRequest) -> bytes:
    """The body of a request as a try of it would send it; each call of this is another try."""
    body = request.body() if callable(request.body) else request.body
    assert body is not None, f"no body: {request.method} {request.url}"
    if isinstance(body, bytes):
        return body
    with body:
        return body.read()


_CREDENTIALS = {"client_id": "client-1", "client_secret": SECRET}

Script = t.Callable[..., ScriptedTransport]
