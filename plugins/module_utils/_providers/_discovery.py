# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Find a server's endpoints by what it publishes (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import urlsplit

from .._errors import ConfigurationError, MalformedAnswerError, ServerError, TransportError
from .._http import LONGEST_URL, HttpRequest, printable_url
from .._redaction import Redactor

if t.TYPE_CHECKING:
    from .._transport import Transport


_NO_SECRETS = Redactor(())

ENDPOINTS = ("token_endpoint", "introspection_endpoint", "revocation_endpoint", "registration_endpoint")
"""The endpoints that a server can publish, and that options of the same names can give."""


@dataclasses.dataclass(frozen=True)
class ServerMetadata:
    """What an authorization server publishes about itself (RFC 8414), as far as it is used here.

    ``mtls_endpoint_aliases`` are the endpoints for clients with a certificate (RFC 8705 section 5).
    """

    issuer: str
    endpoints: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    mtls_endpoint_aliases: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, t.Any]:
        """All fields, for the cache of the run."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Any) -> ServerMetadata:
        """The inverse of ``to_dict``. Raises KeyError, TypeError or ValueError for anything else."""
        aliases = data["mtls_endpoint_aliases"]
        return cls.from_document({"issuer": data["issuer"], "mtls_endpoint_aliases": aliases, **data["endpoints"]})

    @classmethod
    def from_document(cls, document: t.Any) -> ServerMetadata:
        """Of a metadata document. Raises ValueError for what is none."""
        issuer = document.get("issuer") if isinstance(document, dict) else None
        if not isinstance(issuer, str):
            raise ValueError("not a metadata document")
        aliases = document.get("mtls_endpoint_aliases")
        return cls(issuer, _endpoints_of(document), _endpoints_of(aliases if isinstance(aliases, dict) else {}))


def _endpoints_of(document: t.Mapping[str, t.Any]) -> dict[str, str]:
    published = {name: document.get(name) for name in ENDPOINTS}
    return {name: url for name, url in published.items() if isinstance(url, str) and url and len(url) <= LONGEST_URL}


def metadata_urls(issuer: str) -> list[str]:
    """Where the metadata can be: appended to the issuer's path, or inserted before it (RFC 8414 section 3.1, 5)."""
    issuer = issuer.rstrip("/")
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    urls = []
    for name in ("openid-configuration", "oauth-authorization-server"):
        urls += [f"{issuer}/.well-known/{name}", f"{origin}/.well-known/{name}{parts.path}"]
    return list(dict.fromkeys(urls))


def discover(issuer: str, transport: Transport, redactor: Redactor = _NO_SECRETS) -> ServerMetadata:
    """What the server publishes. Raises AccessError where there is nothing, or only another server's.

    ``redactor``: masks the account's secrets in what the server calls itself.
    """
    claimed = redirect = None
    for url in metadata_urls(issuer):
        try:
            response = transport.send(HttpRequest("GET", url, repeatable=True))
        except TransportError as error:
            if error.kind != "redirect":
                raise
            redirect = error  # some send whatever they do not know to a login page
            continue
        if response.status >= 500 or response.status == 429:
            raise ServerError(
                f"{printable_url(url)} answered with status {response.status}, so that the server's endpoints are not "
                "known. Try again later, or set token_endpoint.",
                status=response.status,
            )
        if response.status != 200:
            continue
        try:
            metadata = ServerMetadata.from_document(response.json())
        except (MalformedAnswerError, ValueError):
            continue
        # RFC 8414 section 3.3: whose issuer is another is not to be used. A slash at the end makes no other server.
        if metadata.issuer.rstrip("/") == issuer.rstrip("/"):
            return metadata
        claimed = redactor.server_text(metadata.issuer)
    if claimed:
        raise ConfigurationError(
            f"The metadata found for issuer {issuer} say that they are of issuer {claimed}, so they are not used. If "
            "that is the right server, set issuer to exactly this."
        )
    if redirect:
        raise redirect
    raise ConfigurationError(
        f"{issuer} publishes no metadata (neither openid-configuration nor oauth-authorization-server below "
        ".well-known). Check issuer, or set token_endpoint."
    )
