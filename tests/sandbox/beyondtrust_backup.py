# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BeyondTrust's Backup API, from "Backup API" (Remote Support).

Documented: `api/backup` by GET or POST, for an API account that may use the Backup API; a JSON body
`{"password": s}` may give the backup's password.

Assumed, since not documented:
- the answer is 200 with application/octet-stream, Content-Disposition and Content-Length; the file is called .nsb
- a password is 1 to 255 characters, gives another content, and comes with Content-Type: application/json; any other
  body, and any query, is 400; a body of another type is 415
- without the permission 403 with the JSON of the other APIs; no Accept is asked for; HEAD is 405

The path that hands out the Vault's encryption key (`perm_vault_backup`) was found nowhere, so it does not exist here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .beyondtrust_site import Site
from .vendor import JSON, media_type, parse_json

_CHUNK = bytes(1 << 18)


class BackupApi:
    """`/beyondtrust/api/backup`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [self._site.route("/api/backup", GET=self.backup, POST=self.backup)]

    async def backup(self, request: Request) -> Response:
        """GET or POST api/backup. The content changes by the control API alone."""
        body = await request.body()
        account = self._site.call(request)
        if account.permissions["perm_backup"] is not True:
            raise self._site.refuse(403, "forbidden", "The API account may not use the Backup API.")
        if request.url.query:
            raise self._site.refuse(400, "invalid_request", "The Backup API takes no query.")
        backup = self._site.world.records.backup
        headers = {
            "Content-Disposition": f'attachment; filename="sandbox-{backup.revision}.nsb"',
            "Content-Length": str(backup.size),
        }
        chunks = _politely(content(backup.revision, backup.size, self._password(request, body)))
        return StreamingResponse(chunks, media_type="application/octet-stream", headers=headers)

    def _password(self, request: Request, body: bytes) -> str:
        if not body:
            return ""
        if media_type(request) != JSON:
            raise self._site.refuse(415, "unsupported_media_type", "The body is not application/json.")
        document = parse_json(body)
        password = document["password"] if isinstance(document, dict) and set(document) == {"password"} else None
        if not isinstance(password, str) or not 1 <= len(password) <= 255:
            raise self._site.refuse(400, "invalid_request", "The body has a password only.")
        return password


def content(revision: int, size: int, password: str = "") -> Iterator[bytes]:
    """The bytes of a backup in chunks, the same for the same arguments: a cipher's stream, so that it is fast."""
    key = hashlib.sha256(f"{revision}:{password}".encode("utf-8", "surrogatepass")).digest()
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    while size > 0:
        chunk = stream.update(_CHUNK[:size])
        size -= len(chunk)
        yield chunk


async def _politely(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
        # Others want to be served while gigabytes go out.
        await asyncio.sleep(0)
