# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The one HTTP client of the collection, and the only file that imports requests.

It follows no redirect, keeps no cookie, reads no ``.netrc``, bounds the size and the time of every answer, and turns
whatever goes wrong into an error whose text is our own.
"""

from __future__ import annotations

import datetime
import math
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

from ._deadline import Deadline
from ._errors import AccessError, ConfigurationError, MalformedAnswerError, TransportError
from ._http import HttpRequest, HttpResponse, printable_url
from ._model import RateNotice, TransportOptions

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
    from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
    from urllib3.util.retry import Retry
    from urllib3.util.ssl_match_hostname import CertificateError

    from ._deadline import BrokenConnectError, timed_pools
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

    class _PatientRetry(Retry):
        """urllib3's Retry that jitters its pauses and gives up where the server asks for too long a wait."""

        def get_retry_after(self, response: t.Any) -> float | None:
            try:
                return super().get_retry_after(response)
            except HTTPError:
                return None  # neither a number nor a date
            except (OverflowError, ValueError):
                return math.inf

        def get_backoff_time(self) -> float:
            # urllib3 does not pause before the first repetition.
            return max(super().get_backoff_time(), self.backoff_factor) * random.uniform(1.0, 1.5)  # noqa: S311

        def increment(  # type: ignore[override]  # the signature differs between urllib3 1 and 2
            self, method: t.Any = None, url: t.Any = None, response: t.Any = None, *args: t.Any, **kwargs: t.Any
        ) -> Retry:
            if response is not None and (self.get_retry_after(response) or 0) > LONGEST_RETRY_AFTER:
                raise MaxRetryError(kwargs.get("_pool"), url, None)  # type: ignore[arg-type]
            return super().increment(method, url, response, *args, **kwargs)

    class _TimedAdapter(HTTPAdapter):
        """requests' own, with connections that keep a deadline."""

        def __init__(self, deadline: Deadline) -> None:
            self._deadline = deadline
            super().__init__(pool_connections=1, pool_maxsize=1)

        def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = timed_pools(self._deadline)

        def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
            manager = super().proxy_manager_for(proxy, **kwargs)
            if proxy.lower().startswith("socks"):
                self._deadline.sent = True  # its connections are another library's, and tell nothing
            else:
                manager.pool_classes_by_scheme = timed_pools(self._deadline)
            return manager


USER_AGENT = "apiops.access (Ansible collection)"

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that are read; the largest documented one, a page of 100 accounts, is under 100 KB."""

LONGEST_RETRY_AFTER = 30.0
"""Seconds: a longer wait that a server asks for is reported, not slept through."""

# Bytes that are read at once; of a packed body less, as each can become a thousand when it is unpacked.
_PIECE = 256 * 1024
_PACKED_PIECE = 4 * 1024

_ANOTHER_HOST = 62

# OpenSSL's X509_V_ERR_* codes that have a remedy of their own.
_CERTIFICATE_REASONS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed and not trusted",
    19: "its certificate chain ends in a certificate authority that is not trusted",
    20: "its certificate was issued by a certificate authority that is not trusted",
    21: "its certificate chain is incomplete",
    _ANOTHER_HOST: "its certificate is for another host name",
    64: "its certificate is for another IP address",
}


class Transport:
    """Sends requests as the options say. Use it as a context manager, for one operation."""

    rate_notice: RateNotice | None = None
    """What the server said last of its rate limit."""

    def __init__(self, options: TransportOptions, *, close_connections: bool = False) -> None:
        """``close_connections``: a new connection for each call, as BeyondTrust's documentation demands."""
        self._options = options
        self._deadline = Deadline(options.timeout)
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

    def _session(self, request: HttpRequest, retry: Retry) -> requests.Session:
        """The session for this kind of request, which repeats as often as ``retry`` has left what failed on its way."""
        # A connection that a read left can break at any time, and what may have acted is not sent again.
        kind = "anew" if callable(request.body) else "repeated" if request.repeatable else "once"
        session = self._sessions.get(kind) or self._sessions.setdefault(kind, self._new_session())
        if kind == "anew":  # with the same body only where the server never saw it
            retry = retry.new(read=False)
        adapter = t.cast(HTTPAdapter, session.get_adapter(request.url))
        # What the server answered is repeated by send, which reads no answer without a limit.
        adapter.max_retries = retry.new(status_forcelist=(), respect_retry_after_header=False)
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Neither ~/.netrc, which would overwrite Authorization, nor REQUESTS_CA_BUNDLE over ca_path.
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.clear()
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"})
        if self._close_connections:
            session.headers["Connection"] = "close"
        for scheme in ("https://", "http://"):
            session.mount(scheme, _TimedAdapter(self._deadline))
        return session

    def _proxies(self, url: str) -> dict[str, str]:
        if self._options.proxy:
            return {"http": self._options.proxy, "https": self._options.proxy}
        return dict(get_environ_proxies(url))

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and read the answer. Raises TransportError where there is no usable one.

        A try takes no longer than the option timeout, unless a large body makes progress; all of them together take
        no longer than that once for each, and the pauses between them.
        """
        retry = self._retry(request)
        self._deadline.sent = False
        while True:
            response, retry = self._send(request, retry)
            answer = urllib3.HTTPResponse(status=response.status, headers=dict(response.headers))
            asked_to_wait = "retry-after" in response.headers
            if not retry.is_retry(request.method, response.status, asked_to_wait):
                break
            try:
                retry = retry.increment(request.method, request.url, answer)
            except HTTPError:
                break
            if response.status == 429 or asked_to_wait:
                self._deadline.sent = False  # the server says that it did not act
            retry.sleep(answer)
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

    def _send(self, request: HttpRequest, retry: Retry) -> tuple[HttpResponse, Retry]:
        """The answer, whatever it says, and the repetitions that are left."""
        body = request.body() if callable(request.body) else request.body
        if body is None or isinstance(body, bytes):
            return self._exchange(request, body, retry)
        with body:
            if not body.seek(0, os.SEEK_END):
                return self._exchange(request, b"", retry)  # requests takes an empty file for one without an end
            body.seek(0)
            return self._exchange(request, body, retry)

    def _exchange(
        self, request: HttpRequest, body: bytes | t.BinaryIO | None, retry: Retry
    ) -> tuple[HttpResponse, Retry]:
        started = time.monotonic()
        session = self._session(request, retry)
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
                content = _read(answer, request, self._deadline)
                response = HttpResponse(
                    status=answer.status_code,
                    url=request.url,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=content,
                    elapsed_ms=int((time.monotonic() - started) * 1000),
                )
                left = t.cast(Retry, answer.raw.retries).total
        except AccessError:
            raise
        except Exception as error:  # their texts can hold headers and bodies, so none gets out
            raise _transport_error(error, request, self._deadline) from None
        finally:
            self._deadline.end()
        if self._deadline.over:  # what a connection brought until it was shut down can look like a whole answer
            raise _timeout_error(request, self._deadline)
        self.rate_notice = response.rate_notice or self.rate_notice
        if self._close_connections:
            # The header asks the server to close; this side closes too, whatever the server does.
            session.close()
        return response, retry.new(total=left)


def _redirect_host(response: HttpResponse) -> str:
    try:
        host = urlsplit(response.headers.get("location", "")).hostname or ""
    except ValueError:
        host = ""
    return f" to host {host[:253]}" if host and all(char.isalnum() or char in ".-:" for char in host) else ""


def _read(answer: requests.Response, request: HttpRequest, deadline: Deadline) -> bytes:
    """The body of an answer, or nothing where it went into the sink. Raises AccessError."""
    chunks: list[bytes] = []
    size = 0
    sink = request.sink if 200 <= answer.status_code < 300 else None
    url, limit = printable_url(request.url), request.limit or BODY_LIMIT
    has_body = request.method != "HEAD" and answer.status_code not in (204, 304)
    coding = answer.headers.get("content-encoding", "").strip().lower()
    if has_body and coding not in ("", "identity", "gzip", "deflate"):
        # Nobody asked for it, and some others can become any size when they are unpacked.
        if not 200 <= answer.status_code < 300:
            return b""
        raise MalformedAnswerError(
            f"{url} answered with a body that is packed in a way which was not asked for (Content-Encoding). Check "
            "what is between this machine and the server.",
            status=answer.status_code,
        )
    for chunk in answer.iter_content(_PACKED_PIECE if coding else _PIECE):
        size += len(chunk)
        if sink is not None:
            sink(chunk)
            deadline.moved(len(chunk))  # a large file may take longer than a whole answer
            continue
        if size > limit:
            raise TransportError(
                f"The answer of {url} is larger than {limit // 1024 // 1024} MiB and was cut "
                "off. Check that base_url leads to the vendor's API.",
                kind="too_large",
                status=answer.status_code,
                retryable=False,
            )
        chunks.append(chunk)
    expected = answer.headers.get("content-length", "")
    if has_body and not coding and expected.isdigit() and size < int(expected):  # urllib3 1 does not look
        raise requests.exceptions.ConnectionError
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


def _timeout_error(request: HttpRequest, deadline: Deadline) -> TransportError:
    return TransportError(
        f"{printable_url(request.url)} did not answer within {deadline.seconds:g} s. Check the network path, or raise "
        "timeout.",
        kind="timeout",
        unsent=not deadline.sent,
    )


def _transport_error(error: Exception, request: HttpRequest, deadline: Deadline) -> AccessError:
    """The error in our own words, chosen by its type alone."""
    url = printable_url(request.url)
    host = urlsplit(request.url).hostname
    causes = list(_causes(error))

    def find(*types: type[BaseException]) -> t.Any:
        return next((cause for cause in causes if isinstance(cause, types)), None)

    unsent = not deadline.sent
    if deadline.over:
        return _timeout_error(request, deadline)
    if find(requests.exceptions.ProxyError):
        return TransportError(
            f"The proxy on the way to {url} cannot be used. Check the option proxy, or HTTPS_PROXY and NO_PROXY.",
            kind="proxy",
            unsent=unsent,
        )
    verification = find(ssl.SSLCertVerificationError, CertificateError)
    if verification:
        # urllib3 1 compares the names itself.
        code = getattr(verification, "verify_code", _ANOTHER_HOST)
        words = getattr(verification, "verify_message", "")  # OpenSSL's
        reason = _CERTIFICATE_REASONS.get(code, f"its certificate is not valid ({words})")
        # Whether a certificate is valid at this time is also a question of what this machine takes for the time.
        remedy = (
            f"It is {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC by the clock of this machine: "
            "correct that, or have the server's certificate renewed"
            if code in (9, 10)
            else "Set ca_path to the certificate authority of this server, or correct base_url"
        )
        return TransportError(
            f"The server at {url} cannot be trusted: {reason}. {remedy}; nothing was sent.",
            kind="certificate",
            retryable=False,
            unsent=unsent,
        )
    if find(BrokenConnectError):
        return TransportError(
            f"The connection to {url} was closed while it was made; nothing was sent. Check the network path to the "
            "server, and what is before it.",
            kind="connection",
            unsent=unsent,
        )
    if find(requests.exceptions.SSLError, ssl.SSLError):
        return TransportError(
            f"No TLS connection to {url} could be made. Check that this is the HTTPS address of the server.",
            kind="tls",
            retryable=False,
            unsent=unsent,
        )
    if find(socket.gaierror):
        return TransportError(
            f"The host name {host} is not known here. Check base_url and this machine's DNS.",
            kind="name_resolution",
            unsent=unsent,
        )
    if find(requests.exceptions.Timeout, TimeoutError, socket.timeout):
        return _timeout_error(request, deadline)
    if find(ConnectionRefusedError):
        return TransportError(
            f"{url} refused the connection. Check host and port of base_url.", kind="connection", unsent=unsent
        )
    if find(NewConnectionError):
        return TransportError(
            f"No connection to {url} can be made from here: there is no way to it. Check base_url, and the network, "
            "routes and firewalls between this machine and the server.",
            kind="connection",
            unsent=unsent,
        )
    if find(requests.exceptions.RequestException, HTTPError, OSError):
        return TransportError(
            f"The connection to {url} broke before the answer was complete. Check the network path to the server"
            + ("." if request.repeatable else ", and whether the call took effect before it is made again."),
            kind="connection",
            unsent=unsent,
        )
    return AccessError(f"The call to {url} failed in an unforeseen way ({type(error).__name__}).", unsent=unsent)
