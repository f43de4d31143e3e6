# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What goes over HTTP, as data, and the URLs it goes to. Nothing here needs requests."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import typing as t
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ._errors import ConfigurationError, MalformedAnswerError
from ._model import UTC, RateNotice


@dataclasses.dataclass(frozen=True)
class HttpRequest:
    """One HTTP request. ``repeatable`` means that sending it twice does no harm (RFC 9110 section 9.2.2).

    A ``body`` that is a function makes a new one for each try: for what a server takes only once, and for files.
    A ``sink`` is given the body of a success in pieces, so that it is not kept in memory. ``limit``: bytes of
    an answer that are read, instead of BODY_LIMIT.
    """

    method: str
    url: str
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: bytes | t.Callable[[], bytes | t.BinaryIO] | None = dataclasses.field(default=None, repr=False)
    repeatable: bool = False
    sink: t.Callable[[bytes], None] | None = None
    limit: int | None = None


@dataclasses.dataclass(frozen=True)
class HttpResponse:
    """One HTTP answer, read whole. Header names are in lower case; ``elapsed_ms`` is in milliseconds."""

    status: int
    url: str
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: bytes = dataclasses.field(default=b"", repr=False)
    elapsed_ms: int = 0

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_html(self) -> bool:
        """Whether this is a web page: what proxies, captive portals and login pages answer instead of an API."""
        start = self.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return self.headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml")) or (
            start.startswith((b"<!doctype html", b"<html"))
        )

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asked us to wait, by Retry-After in both its forms (RFC 9110 section 10.2.3)."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            until = parsedate_to_datetime(value)
            now = parsedate_to_datetime(self.headers["date"])
            return max(0.0, (until - now).total_seconds())
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    def clock_skew(self, now: float) -> int | None:
        """Seconds that a clock which says ``now`` is ahead of the server's, by the Date header (RFC 9110 6.6.1)."""
        try:
            there = parsedate_to_datetime(self.headers["date"])
            # RFC 9110 section 5.6.7: a date without a zone is UTC.
            return int(now - (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp())
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    @property
    def rate_notice(self) -> RateNotice | None:
        """What the server says of its rate limit, by X-RateLimit-Remaining and X-RateLimit-Reset (seconds)."""
        if self.status == 429 and self.retry_after:
            return RateNotice.from_dict({"remaining": 0, "reset": self.retry_after})
        values = [self.headers.get(f"x-ratelimit-{name}", "").strip() for name in ("remaining", "reset")]
        if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in values):
            return None
        return RateNotice.from_dict({"remaining": values[0], "reset": values[1]})

    def json(self) -> t.Any:
        """The body as JSON. Raises MalformedAnswerError where it is anything else."""
        where = f"{printable_url(self.url)} answered with status {self.status}"
        if not self.body.strip():
            raise MalformedAnswerError(f"{where} and an empty body where JSON was expected.", status=self.status)
        if self.is_html:
            raise MalformedAnswerError(
                f"{where} and a web page where JSON was expected. Check base_url: this may be a login page or a proxy.",
                status=self.status,
            )
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise MalformedAnswerError(
                f"{where} and a body that is not valid JSON (damaged or cut short).", status=self.status
            ) from None

    def json_or_none(self) -> t.Any:
        """The body as JSON, or None: for error answers, whose form is often not documented."""
        try:
            return self.json()
        except MalformedAnswerError:
            return None


def printable_url(url: str) -> str:
    """The URL without query, fragment and user information: what a message may show of it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_url(option: str, url: str, allow_http: bool, *, query: bool = False) -> str:
    """The URL without a slash at its end. Raises ConfigurationError where it cannot or must not be used.

    ``query``: whether it can have one, as an endpoint of OAuth 2.0 (RFC 6749 section 3.2).
    """
    if any(char.isspace() or not char.isprintable() for char in url):
        raise ConfigurationError(f"Option '{option}' holds white space or a control character.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        if parts.port == 0:  # what is no port raises ValueError
            raise ValueError("port 0")
    except ValueError:
        raise ConfigurationError(f"Option '{option}' is not a valid URL.") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"Option '{option}' has credentials in it. Take them out, and set client_id and client_secret."
        )
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError(
            f"Option '{option}' must be a whole URL that begins with https://, such as https://support.example.com."
        )
    if (parts.query and not query) or parts.fragment:
        raise ConfigurationError(f"Option '{option}' must be a URL without a query ('?') or a fragment ('#').")
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise ConfigurationError(
            f"Option '{option}' is plain http to another machine ({host}), which would show the credentials to "
            "the network. Use https, or set allow_http: true where that risk is taken."
        )
    return url if parts.query else url.rstrip("/")
