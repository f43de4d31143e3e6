# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The one HTTP client of the collection, and the only file that imports requests.

It follows no redirect, keeps no cookie, reads no ``.netrc``, bounds every answer, and turns whatever goes
wrong into an error whose text is our own.
"""

from __future__ import annotations

import datetime
import os
import random
import socket
import ssl
import tempfile
import time
import traceback
import typing as t
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

from ._errors import AccessError, ConfigurationError, TransportError
from ._http import HttpRequest, HttpResponse, printable_url
from ._model import RateNotice, TransportOptions

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError
    from urllib3.util.retry import Retry
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

    class _PatientRetry(Retry):
        """urllib3's Retry that jitters its pauses and gives up where the server asks for too long a wait."""

        def get_backoff_time(self) -> float:
            # urllib3 does not pause before the first repetition.
            return max(super().get_backoff_time(), self.backoff_factor) * random.uniform(1.0, 1.5)  # noqa: S311

        def increment(  # type: ignore[override]  # the signature differs between urllib3 1 and 2
            self, method: t.Any = None, url: t.Any = None, response: t.Any = None, *args: t.Any, **kwargs: t.Any
        ) -> Retry:
            if response is not None and (self.get_retry_after(response) or 0) > LONGEST_RETRY_AFTER:
                raise MaxRetryError(kwargs.get("_pool"), url, None)  # type: ignore[arg-type]
            return super().increment(method, url, response, *args, **kwargs)


USER_AGENT = "apiops.access (Ansible collection)"

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that are read; the largest documented one, a page of 100 accounts, is under 100 KB."""

LONGEST_RETRY_AFTER = 30.0
"""Seconds: a longer wait that a server asks for is reported, not slept through."""

# OpenSSL's X509_V_ERR_* codes that have a remedy of their own.
_CERTIFICATE_REASONS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed and not trusted",
    19: "its certificate chain ends in a certificate authority that is not trusted",
    20: "its certificate was issued by a certificate authority that is not trusted",
    21: "its certificate chain is incomplete",
    62: "its certificate is for another host name",
    64: "its certificate is for another IP address",
}


class Transport:
    """Sends requests as the options say. Use it as a context manager, for one operation."""

    rate_notice: RateNotice | None = None
    """What the server said last of its rate limit."""

    def __init__(self, options: TransportOptions, *, close_connections: bool = False) -> None:
        """``close_connections``: a new connection for each call, as BeyondTrust's documentation demands."""
        self._options = options
        self._close_connections = close_connections
        self._certificates = _certificates_file(options)
        self._verify = self._certificates.name if self._certificates else _trusted_certificates(options)
        self._client_certificate = _client_certificate(options)
        self._sessions: dict[str, requests.Session] = {}

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_details: object) -> None:
        for session in self._sessions.values():
            session.close()
        if self._certificates:
            self._certificates.close()  # which also deletes it

    def _retry(self, request: HttpRequest) -> Retry:
        """How often, and after what, a request is sent again."""
        count = self._options.retries
        return _PatientRetry(
            total=count,
            # A request that may have acted is sent again only when it never left, or the server says that it did
            # not act: by 429 (RFC 6585), or by Retry-After.
            read=count if request.repeatable else False,
            other=0,
            redirect=False,
            status_forcelist=(429, 502, 503, 504) if request.repeatable else (429,),
            allowed_methods=None,
            backoff_factor=0.5,
            raise_on_status=False,
        )

    def _session(self, request: HttpRequest) -> requests.Session:
        """The session for this kind of request."""
        kind = "anew" if callable(request.body) else "repeated" if request.repeatable else "once"
        if kind not in self._sessions:
            retry = self._retry(request)
            if kind == "anew":  # with the same body only where the server never saw it
                retry = retry.new(read=False, status_forcelist=(), respect_retry_after_header=False)
            self._sessions[kind] = self._new_session(retry)
        return self._sessions[kind]

    def _new_session(self, retry: Retry) -> requests.Session:
        session = requests.Session()
        # Neither ~/.netrc, which would overwrite Authorization, nor REQUESTS_CA_BUNDLE over ca_path.
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.clear()
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"})
        if self._close_connections:
            session.headers["Connection"] = "close"
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry, pool_connections=1, pool_maxsize=1))
        return session

    def _proxies(self, url: str) -> dict[str, str]:
        if self._options.proxy:
            return {"http": self._options.proxy, "https": self._options.proxy}
        return dict(get_environ_proxies(url))

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and read the answer. Raises TransportError where there is no usable one."""
        if not callable(request.body):
            return self._send(request, request.body)
        retry = self._retry(request)
        while True:
            body = request.body()
            if not isinstance(body, bytes) and not body.seek(0, os.SEEK_END):
                body.close()
                body = b""  # requests takes a file without a size for one of unknown size
            elif not isinstance(body, bytes):
                body.seek(0)
            try:
                response = self._send(request, body)
            finally:
                if not isinstance(body, bytes):
                    body.close()
            answer = urllib3.HTTPResponse(status=response.status, headers=dict(response.headers))
            if not retry.is_retry(request.method, response.status, "retry-after" in response.headers):
                return response
            try:
                retry = retry.increment(request.method, request.url, answer)
            except HTTPError:
                return response
            retry.sleep(answer)

    def _send(self, request: HttpRequest, body: bytes | t.BinaryIO | None) -> HttpResponse:
        started = time.monotonic()
        # Also bounds a body that arrives in drips, each within the timeout.
        deadline = started + self._options.timeout * (self._options.retries + 1) + 2 * LONGEST_RETRY_AFTER
        session = self._session(request)
        try:
            with session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=body,
                timeout=self._options.timeout,
                verify=self._verify,
                cert=self._client_certificate,
                proxies=self._proxies(request.url),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _read(answer, request, deadline)
                response = HttpResponse(
                    status=answer.status_code,
                    url=request.url,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=content,
                    elapsed_ms=int((time.monotonic() - started) * 1000),
                )
        except AccessError:
            raise
        except Exception as error:  # their texts can hold headers and bodies, so none gets out
            raise _transport_error(error, request, self._options) from None
        self.rate_notice = response.rate_notice or self.rate_notice
        if self._close_connections:
            # The header asks the server to close; this side closes too, whatever the server does.
            session.close()
        if 300 <= response.status < 400 and response.status != 304:
            raise TransportError(
                f"{printable_url(request.url)} answered with status {response.status}, a redirect"
                f"{_redirect_host(response)}, which is not followed: credentials go to base_url only. "
                "Set base_url to the server's final address.",
                kind="redirect",
                status=response.status,
                retryable=False,
            )
        return response


def _redirect_host(response: HttpResponse) -> str:
    try:
        host = urlsplit(response.headers.get("location", "")).hostname or ""
    except ValueError:
        host = ""
    return f" to host {host[:253]}" if host and all(char.isalnum() or char in ".-:" for char in host) else ""


def _read(answer: requests.Response, request: HttpRequest, deadline: float) -> bytes:
    """The body of an answer, or nothing where it went into the sink. Raises TransportError."""
    chunks: list[bytes] = []
    size = 0
    sink = request.sink if 200 <= answer.status_code < 300 else None
    url, limit = printable_url(request.url), request.limit or BODY_LIMIT
    for chunk in answer.iter_content(262144):
        size += len(chunk)
        if sink is not None:
            sink(chunk)  # a large file may take longer than any deadline for an answer
            continue
        if size > limit:
            raise TransportError(
                f"The answer of {url} is larger than {limit // 1024 // 1024} MiB and was cut "
                "off. Check that base_url leads to the vendor's API.",
                kind="too_large",
                status=answer.status_code,
                retryable=False,
            )
        if time.monotonic() > deadline:
            raise TransportError(f"The answer of {url} took too long to arrive.", kind="timeout")
        chunks.append(chunk)
    expected = answer.headers.get("content-length", "")
    plain = request.method != "HEAD" and answer.status_code != 304 and not answer.headers.get("content-encoding")
    if plain and expected.isdigit() and size < int(expected):  # urllib3 1 does not look
        raise TransportError(
            f"The connection to {url} broke before the answer was complete. Check the network path to the server.",
            kind="connection",
        )
    return b"".join(chunks)


def _certificates_file(options: TransportOptions) -> t.IO[str] | None:
    """The given certificate authorities as a file, which is the only form that requests takes."""
    if not options.validate_certs or options.ca_path or not options.ca_data:
        return None
    file = tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="apiops-ca-", suffix=".pem")  # noqa: SIM115
    file.write(options.ca_data)
    file.flush()
    return file


def _trusted_certificates(options: TransportOptions) -> bool | str:
    if not options.validate_certs:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has said so
        return False
    if options.ca_path:
        if not os.path.exists(options.ca_path):
            raise ConfigurationError(
                f"ca_path '{options.ca_path}' does not exist on {socket.gethostname()}. It must be there on each "
                "machine that makes the call."
            )
        return options.ca_path
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(variable)
        if path and not os.path.exists(path):
            raise ConfigurationError(f"The environment's {variable} '{path}' does not exist on {socket.gethostname()}.")
        if path:
            return path
    return True


def _client_certificate(options: TransportOptions) -> tuple[str, str] | str | None:
    for option in ("client_cert", "client_key"):
        path = getattr(options, option)
        if path and not os.path.exists(path):
            raise ConfigurationError(f"{option} '{path}' does not exist on {socket.gethostname()}.")
    if options.client_cert and options.client_key:
        return (options.client_cert, options.client_key)
    return options.client_cert


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    """The error and all that is behind it: requests and urllib3 keep the cause in several places."""
    seen: set[int] = set()
    pending: list[t.Any] = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]


def _transport_error(error: Exception, request: HttpRequest, options: TransportOptions) -> AccessError:
    """The error in our own words, chosen by its type alone."""
    url = printable_url(request.url)
    host = urlsplit(request.url).hostname
    causes = list(_causes(error))

    def find(*types: type[BaseException]) -> t.Any:
        return next((cause for cause in causes if isinstance(cause, types)), None)

    # Its last try, to be exact; but one that arrived is not repeated, where it may have acted.
    unsent = bool(
        find(
            requests.exceptions.ConnectTimeout, NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError,
            socket.gaierror, ConnectionRefusedError, requests.exceptions.InvalidHeader,
        )
    )  # fmt: skip
    if find(requests.exceptions.ProxyError):
        return TransportError(
            f"The proxy on the way to {url} cannot be used. Check the option proxy, or HTTPS_PROXY and NO_PROXY.",
            kind="proxy",
            unsent=unsent,
        )
    verification = find(ssl.SSLCertVerificationError)
    if verification:
        reason = _CERTIFICATE_REASONS.get(
            verification.verify_code,
            f"its certificate is not valid ({verification.verify_message})",  # OpenSSL's words
        )
        # Whether a certificate is valid at this time is also a question of what this machine takes for the time.
        remedy = (
            f"It is {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC by the clock of this machine: "
            "correct that, or have the server's certificate renewed"
            if verification.verify_code in (9, 10)
            else "Set ca_path to the certificate authority of this server, or correct base_url"
        )
        return TransportError(
            f"The server at {url} cannot be trusted: {reason}. {remedy}; nothing was sent.",
            kind="certificate",
            retryable=False,
            unsent=True,
        )
    if find(requests.exceptions.SSLError, ssl.SSLError):
        return TransportError(
            f"No TLS connection to {url} could be made. Check that this is the HTTPS address of the server.",
            kind="tls",
            retryable=False,
        )
    if find(socket.gaierror):
        return TransportError(
            f"The host name {host} is not known here. Check base_url and this machine's DNS.",
            kind="name_resolution",
            unsent=True,
        )
    if find(requests.exceptions.Timeout, TimeoutError, socket.timeout):
        return TransportError(
            f"{url} did not answer within {options.timeout:g} s. Check the network path, or raise timeout.",
            kind="timeout",
            unsent=unsent,
        )
    if find(ConnectionRefusedError):
        return TransportError(
            f"{url} refused the connection. Check host and port of base_url.", kind="connection", unsent=True
        )
    if find(NewConnectionError):
        return TransportError(
            f"No connection to {url} can be made from here: there is no way to it. Check base_url, and the network, "
            "routes and firewalls between this machine and the server.",
            kind="connection",
            unsent=True,
        )
    if find(requests.exceptions.RequestException, HTTPError, OSError):
        return TransportError(
            f"The connection to {url} broke before the answer was complete. Check the network path to the server"
            + ("." if request.repeatable else ", and whether the call took effect before it is made again."),
            kind="connection",
            unsent=unsent,
        )
    return AccessError(f"The call to {url} failed in an unforeseen way ({type(error).__name__}).")
