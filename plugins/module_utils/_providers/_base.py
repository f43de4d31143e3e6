# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What every provider has: a contract as class attributes, and the calls that a provider's quirks override."""

from __future__ import annotations

import functools
import re
import time
import typing as t
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from .._errors import (
    AccessError,
    ConfigurationError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TransportError,
)
from .._http import LONGEST_URL, HttpRequest, HttpResponse, printable_url
from .._model import Account, Release, Token, Verdict

if t.TYPE_CHECKING:
    from .._redaction import Redactor
    from .._transport import Transport
    from ._portal import AccountListing, Portal, Setting

# Options that only some providers know; all others are for every provider.
SPECIAL_OPTIONS = frozenset(
    {
        "scope",
        "site",
        "auth_key",
        "authorization_type",
        "customer",
        "token_body",
        "token_endpoint_auth_method",
        "logoff_path",
        "issuer",
        "token_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "registration_endpoint",
        "private_key",
        "private_key_path",
        "key_id",
        "signing_alg",
        "assertion_audience",
        "audience",
        "resource",
    }
)

# RFC 6749 section 5.2, RFC 8707 section 2, and what BeyondTrust's specification adds.
OAUTH_ERRORS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_credentials",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)


SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""RFC 9110 section 9.2.1."""

RETRYABLE_REASONS = ("rate_limited", "unhealthy")
"""Reasons of a verdict on an answer that the same test may not meet again."""

NOTABLE_CLOCK_SKEW = 60
"""Seconds: more than this makes tokens seem to live longer or shorter, and signed requests seem not valid."""


class Provider:
    """One kind of API, for one account. Subclasses state the contract; times are seconds."""

    name: t.ClassVar[str]
    title: t.ClassVar[str]
    default_base_url: t.ClassVar[str | None] = None
    options: t.ClassVar[frozenset[str]] = frozenset()
    """Which of SPECIAL_OPTIONS the provider knows."""
    auth_methods: t.ClassVar[tuple[str, ...]] = ("client_secret_basic",)
    close_connections: t.ClassVar[bool] = False
    default_expires_in: t.ClassVar[int]
    """Lifetime of a token (s) where the answer does not say."""
    management: t.ClassVar[str] = "portal"
    portal: t.ClassVar[Portal]
    settings: t.ClassVar[t.Mapping[str, Setting]] = {}
    more_settings: t.ClassVar[bool] = False
    """Whether a server can have settings that are not among ``settings``."""
    fixed_settings: t.ClassVar[t.Mapping[str, str]] = {}
    """What cannot be set by ``settings``, and why."""
    registers: t.ClassVar[bool] = False
    """Whether accounts can be created, changed and deleted by calls (RFC 7591 and RFC 7592)."""
    lists_accounts: t.ClassVar[bool] = False
    """Whether the vendor has a call that lists API accounts, for callers who may use it."""
    releases: t.ClassVar[bool] = False
    """Whether the vendor has a call that gives a token back."""
    releases_with_credentials: t.ClassVar[bool] = False
    """Whether that call needs the account's own credentials beside the token."""
    introspects: t.ClassVar[bool] = False
    """Whether the vendor has a call that tells about a token to who has the account's credentials."""
    address_option: t.ClassVar[str] = "base_url"
    """The option that says where the server is."""
    calls_per_second: t.ClassVar[int | None] = None
    """The vendor's published limit for one account, where it is low enough to matter."""
    calls_per_window: t.ClassVar[tuple[int, int] | None] = None
    """The vendor's published limit for one account: calls, and the seconds they are counted over."""

    def __init__(self, account: Account, transport: Transport, clock: t.Callable[[], float] = time.time) -> None:
        self.account = account
        self.transport = transport
        self.clock = clock

    @functools.cached_property
    def redactor(self) -> Redactor:
        """Masks the account's secrets in what a server says."""
        from .._redaction import Redactor  # most servers say nothing that has to be shown

        return Redactor(self.account.secrets, [self.account.client_id or ""])

    # The contract of an account

    @classmethod
    def completed(cls, given: dict[str, t.Any]) -> dict[str, t.Any]:
        """The given options of an account, with what follows for those that are not given."""
        return {**given, "base_url": given.get("base_url") or cls.default_base_url}

    @classmethod
    def required_options(cls, account: Account) -> tuple[str, ...]:
        """The options without which no token can be requested."""
        return ("base_url", "client_id", "client_secret")

    @classmethod
    def check_account(cls, account: Account) -> None:
        """Raise ConfigurationError where the options contradict the provider. Nothing is sent."""
        if account.token_endpoint_auth_method not in cls.auth_methods:
            raise ConfigurationError(
                f"token_endpoint_auth_method '{account.token_endpoint_auth_method}' is not known to {cls.title}; "
                f"use {' or '.join(cls.auth_methods)}."
            )

    @classmethod
    def needs_token(cls, account: Account) -> bool:
        """False where the account's credentials themselves go into every call."""
        return True

    @classmethod
    def ready_token(cls, account: Account, access_token: str) -> Token:
        """A token that was requested elsewhere."""
        return Token(access_token=access_token)

    # The calls

    def request_token(self, previous: Token | None) -> Token:
        """Request a new token. ``previous`` is the expired one, for providers that can refresh it."""
        raise NotImplementedError

    def test_token(self, token: Token) -> Verdict:
        """Use the test endpoint with the token, and judge the answer."""
        raise NotImplementedError

    def introspect_token(self, token: Token) -> Verdict | None:
        """Ask the server about the token, with the account's credentials; None where it has no call for that."""
        return None

    def release_token(self, token: Token) -> Release:
        """Give the token back, where the vendor has a call for it."""
        return Release(
            released=False,
            message=f"{self.title} documents no call that gives a token back; this one was forgotten and "
            "lives on at the vendor until it expires.",
        )

    def proof_account(self) -> Account:
        """The account as it is to be used to prove the credentials: with the least that a proof takes."""
        return self.account

    def read_account(self, token: Token, own: bool) -> AccountListing | None:
        """What the vendor tells of the account; None where it tells nothing. ``own``: the token is the account's."""
        return None

    def list_accounts(self, token: Token, name: str | None) -> list[t.Mapping[str, t.Any]] | None:
        """The API accounts of the vendor, or the one of that name; None where they may not be read."""
        return None

    # Calls of the user's own

    @classmethod
    def is_safe(cls, method: str, path: str, query: t.Mapping[str, t.Any]) -> bool:
        """Whether a call changes nothing at the vendor (RFC 9110 section 9.2.1)."""
        return method in SAFE_METHODS

    def request_headers(self, path: str) -> dict[str, str]:
        """The headers that the vendor asks for."""
        return {"Accept": "application/json, */*;q=0.5"}

    def stated_error(self, response: HttpResponse) -> str | None:
        """The error that an answer states although its status is a success."""
        return None

    def rejects_token(self, response: HttpResponse) -> bool:
        """Whether an answer says that the token is not (any longer) good."""
        return response.status == 401

    def has_not_acted(self, response: HttpResponse) -> bool:
        """Whether an answer that rejects the token also proves that nothing was done (RFC 6750 section 3.1)."""
        return "invalid_token" in response.headers.get("www-authenticate", "")

    def permission_remedy(self, path: str) -> str:
        """What to do where the account may not make a call."""
        return "The account may not do this, or not from here. Check its permissions and its list of allowed addresses."

    @classmethod
    def first_page(cls, path: str) -> str:
        """The path of the first page of a list."""
        return path

    def next_page(self, response: HttpResponse, document: t.Any) -> str | None:
        """The URL of the page behind this one, by the Link header. Raises TransportError."""
        return next_link(response)

    # Pieces that the providers share

    def url(self, path: str) -> str:
        """The URL of a path below base_url, whose own path is kept."""
        return f"{self.account.base_url}/{path.lstrip('/')}"

    def get(self, path: str, token: Token | None, **headers: str) -> HttpResponse:
        """A GET, with the token unless it is None."""
        if token is not None:
            headers["Authorization"] = token.authorization
        return self.transport.send(HttpRequest("GET", self.url(path), headers, repeatable=True))

    def words_of(self, response: HttpResponse) -> tuple[str | None, str | None]:
        """The server's own error code and explanation, masked; None for what it does not say."""
        answer = response.json_or_none()
        if not isinstance(answer, dict):
            return None, None
        code = self.redactor.server_text(answer.get("error"))
        text = self.redactor.server_text(answer.get("error_description") or answer.get("message"))
        errors = answer.get("errors")
        if not code and isinstance(errors, list):  # JSON:API 1.1, error objects
            details = [item.get("detail") or item.get("title") for item in errors if isinstance(item, dict)]
            text = self.redactor.server_text("; ".join(told for told in details if isinstance(told, str))) or text
        elif isinstance(errors, dict):  # by field, as in BeyondTrust's answers with status 422
            named = []
            for field, told in errors.items():
                parts = [
                    str(part) for part in (told if isinstance(told, list) else [told]) if isinstance(part, (str, int))
                ]
                named.append(f"{field}: {' '.join(parts)}")
            text = self.redactor.server_text("; ".join([*([text] if text else []), *named]))
        return code, text

    def said_in(self, response: HttpResponse) -> tuple[str | None, str]:
        """The server's own error code, and its words as they go into a message: in brackets, or nothing."""
        code, text = self.words_of(response)
        return code, f" ({': '.join(part for part in (code, text) if part)})" if code or text else ""

    def expect_success(self, response: HttpResponse, action: str, *, remedy: str) -> None:
        """Raise the error that fits the status of an answer to a request for a token, unless it is a success."""
        if response.succeeded:
            return
        code, said = self.said_in(response)
        where = f"{action} at {printable_url(response.url)}"
        details: dict[str, t.Any] = {"status": response.status, "error": code}
        if response.status == 429:
            raise RateLimitedError(
                f"{where} was put off: too many calls (status 429){said}. "
                + (f"Try again in {response.retry_after:g} s." if response.retry_after else "Try again later."),
                retry_after=response.retry_after,
                **details,
            )
        if response.status >= 500:
            raise ServerError(f"{where} failed: the server has a problem (status {response.status}){said}.", **details)
        if response.status in (400, 401, 403):
            raise RefusedError(
                f"{where} was refused (status {response.status}){said}. {remedy}",
                kind="invalid_client" if response.status == 401 else code if code in OAUTH_ERRORS else "refused",
                **details,
            )
        raise MalformedAnswerError(
            f"{where} was answered with status {response.status}{said}, which the vendor does not document for it. "
            "Check base_url.",
            kind="unexpected_status",
            **details,
        )

    def expect_no_page(self, response: HttpResponse, action: str) -> None:
        """Raise MalformedAnswerError for a web page, which is no confirmation of anything by an API."""
        if response.is_html:
            raise MalformedAnswerError(
                f"{action} at {printable_url(response.url)} was answered with status {response.status} and a web page: "
                "this may be a login page or a proxy, and nothing was done. Check base_url and the way to the server.",
                status=response.status,
            )

    def judge(self, response: HttpResponse) -> Verdict:
        """The verdict that follows from the status of the test endpoint's answer alone."""
        _code, said = self.said_in(response)
        status = response.status
        if response.succeeded and response.is_html:
            return self.verdict(
                response, "indeterminate", "unexpected_answer",
                "The test endpoint answered with a web page. Check base_url: this may be a login page or a proxy.",
            )  # fmt: skip
        if response.succeeded:
            return self.verdict(response, "valid", "accepted", "The token works.", token_valid=True, permitted=True)
        if status == 401:
            return self.verdict(
                response, "invalid", "token_rejected",
                f"The server rejected the token (status 401){said}. It has expired or was revoked, or the account "
                "was disabled or its secret changed.",
                token_valid=False,
            )  # fmt: skip
        if status == 403:
            return self.verdict_of_403(response, said)
        if status == 429:
            return self.verdict(
                response, "indeterminate", "rate_limited",
                f"Too many calls (status 429){said}; the token was not judged. Try again later.",
            )  # fmt: skip
        if status >= 500:
            return self.verdict(
                response, "indeterminate", "unhealthy",
                f"The server has a problem (status {status}){said}; that says nothing about the token.",
            )  # fmt: skip
        return self.verdict(
            response, "indeterminate", "unexpected_answer",
            f"The test endpoint answered with status {status}{said}, which says nothing about the token. "
            "Check base_url and test_path.",
        )  # fmt: skip

    def verdict_of_403(self, response: HttpResponse, said: str) -> Verdict:
        """What 403 means: not documented for most, so the token may be good and only the probe forbidden."""
        return self.verdict(
            response, "indeterminate", "not_permitted",
            f"The server forbids the test endpoint to this account or from this host (status 403){said}. Check the "
            "account's permissions and its list of allowed addresses.",
            permitted=False,
        )  # fmt: skip

    def verdict(self, response: HttpResponse, outcome: str, reason: str, message: str, **details: t.Any) -> Verdict:
        """A verdict that rests on an answer."""
        skew = response.clock_skew(self.clock())
        return Verdict(
            clock_skew=skew,
            outcome=outcome,
            reason=reason,
            message=message + clock_note(skew),
            status=response.status,
            endpoint=printable_url(response.url),
            elapsed_ms=response.elapsed_ms,
            retryable=reason in RETRYABLE_REASONS,
            **details,
        )


def clock_note(skew: int | None) -> str:
    """What to say of a clock that is so many seconds ahead of the server's."""
    if skew is None or abs(skew) < NOTABLE_CLOCK_SKEW:
        return ""
    return (
        f" The clock of this machine is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the server's: correct it."
    )


def verdict_of_error(error: AccessError, endpoint: str | None = None) -> Verdict:
    """The verdict where no token was had, or no answer: only a refusal by the server is a judgement."""
    return Verdict(
        outcome="invalid" if isinstance(error, RefusedError) else "indeterminate",
        reason=error.kind,
        message=error.message,
        status=error.status,
        endpoint=endpoint,
        token_valid=False if isinstance(error, RefusedError) else None,
        retryable=error.retryable,
    )


def next_link(response: HttpResponse) -> str | None:
    """The URL of the next page by the Link header (RFC 8288): always https, as the headers can say http, and
    always on the same host, which alone may see the token. Raises TransportError for another host."""
    for target, parameters in re.findall(r"<([^<>]*)>([^<]*)", response.headers.get("link", "")):
        for name, value in _PARAMETER.findall(parameters):
            if name.lower() == "rel" and "next" in value.strip('"').lower().split():
                return same_server(response, target)
    return None


# No two parts that repeat can match the same text, so that it takes no longer than the text is long.
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~-]+)\s*=\s*("[^"]*"|[^\s";,]+)')


def same_server(response: HttpResponse, target: str) -> str:
    """The URL of a link in an answer, relative or whole, at the answer's own server.

    Raises TransportError for a link to another host, and for one that programs read in more than one way.
    """
    here = urlsplit(response.url)
    try:
        there = urlsplit(urljoin(response.url, target))
        same = there.hostname == here.hostname and there.scheme in ("https", "http")
    except ValueError:
        same = False
    if not same:
        raise TransportError(
            f"{printable_url(response.url)} names a next page on another host, which is not asked.",
            kind="redirect",
            retryable=False,
        )
    odd = "\\" in target or any(not char.isprintable() or char.isspace() for char in target)
    climbs = {".", ".."} & set(unquote(there.path).replace("\\", "/").split("/"))
    if odd or climbs or "@" in there.netloc or len(target) > LONGEST_URL:
        raise TransportError(
            f"{printable_url(response.url)} names a next page by a URL that is not plain, which is not asked.",
            kind="redirect",
            retryable=False,
        )
    # The scheme and the port of a link that says http are those of this page's server.
    return urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))


def page_items(document: t.Any, where: str) -> list[t.Any]:
    """The items of one page: the list itself, or the only list of an object. Raises MalformedAnswerError."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        # JSON:API 1.1 has them in data; others name the list as they like.
        lists = (
            [document["data"]]
            if isinstance(document.get("data"), list)
            else [value for value in document.values() if isinstance(value, list)]
        )
        if len(lists) == 1:
            return list(lists[0])
    raise MalformedAnswerError(
        f"{where} answered with something else than a page of a list, so paginate cannot be used."
    )
