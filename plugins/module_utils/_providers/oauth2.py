# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Any authorization server that follows the RFCs: 6749, 7009, 7523, 7591, 7592, 7662, 8414, 8705, 8707."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import typing as t
from urllib.parse import urlencode, urlsplit

from .._account_record import Registration
from .._errors import (
    AccessError,
    ConfigurationError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TransportError,
)
from .._http import LONGEST_URL, HttpRequest, HttpResponse, check_url, printable_url
from .._model import LAST_MOMENT, Account, Release, Token, Verdict, is_header_safe
from .._redaction import Redactor
from ._authentication_methods import (
    ASSERTION_METHODS,
    AUTH_METHODS,
    CERTIFICATE_METHODS,
    SECRET_METHODS,
    algorithms_for,
)
from ._base import NOTABLE_CLOCK_SKEW, clock_note
from ._client_authentication import ASSERTION_TYPE, basic_credentials, client_assertion
from ._discovery import ENDPOINTS, ServerMetadata, discover, metadata_urls
from ._oauth import FORM, LONGEST_TOKEN, OAuthProvider, answer_object
from ._portal import SETTINGS_STEP, Portal, Setting

if t.TYPE_CHECKING:
    from .._transport import Transport

Fields = t.List[t.Tuple[str, str]]  # noqa: UP006 (evaluated on Python 3.9 targets)

REGISTRATION_FIELDS = (
    "client_secret",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
)
"""What an answer about a registered client has beside its metadata, and ``client_id``."""

LONGEST_CLIENT_ID = 2048
"""Characters: some are URLs."""

MOST_TOLD = 100
"""Scopes or audiences of a token that are shown."""

REGISTRATION_ERRORS = (
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "invalid_software_statement",
    "unapproved_software_statement",
)
"""RFC 7591 section 3.2.2."""

_READS = ("The read", "The deletion")
_ADMINISTRATOR = "Ask the administrator of {base_url}"


class OAuth2(OAuthProvider):
    name = "oauth2"
    title = "The OAuth 2.0 server"
    address_option = "issuer"
    options = frozenset(
        {
            "scope", "token_endpoint_auth_method", "issuer", *ENDPOINTS, "private_key", "private_key_path", "key_id",
            "signing_alg", "assertion_audience", "audience", "resource",
        }
    )  # fmt: skip
    auth_methods = AUTH_METHODS
    releases = True
    releases_with_credentials = True
    introspects = True
    refusal_remedy = (
        "Check client_id, the secret or key, and token_endpoint_auth_method. The request is not repeated, since "
        "repeated failures can lock the account."
    )

    # Not documented: RFC 6749 section 5.1 leaves it to the server's documentation where the answer does not say.
    default_expires_in = 300

    registers = True
    more_settings = True
    fixed_settings = {
        **dict.fromkeys(("client_id", "client_id_issued_at", *REGISTRATION_FIELDS), "the server chooses"),
        "token_endpoint_auth_method": "the option of that name sets",
        "token_endpoint_auth_signing_alg": "the option signing_alg sets",
    }

    # RFC 7591 section 2. A server can have more of its own, which are taken as they are.
    settings = {
        "client_name": Setting("Name"),
        "client_uri": Setting("Home page"),
        "contacts": Setting("Contacts", kind=list),
        "grant_types": Setting("Grant types", kind=list),
        "jwks": Setting("Keys", kind=dict),
        "jwks_uri": Setting("URL of the keys"),
        "logo_uri": Setting("Logo"),
        "policy_uri": Setting("Privacy policy"),
        "redirect_uris": Setting("Redirect URIs", kind=list),
        "response_types": Setting("Response types", kind=list),
        "scope": Setting("Scope"),
        "software_id": Setting("Software ID"),
        "software_version": Setting("Software version"),
        "tos_uri": Setting("Terms of service"),
    }
    portal = Portal(
        url="{base_url}",
        create=(
            f"{_ADMINISTRATOR} for an account (a client) that may use the grant client_credentials.",
            SETTINGS_STEP,
            "Or register it from here, where the server allows that: set records_file, and initial_access_token if the "
            "server asks for one.",
        ),
        change=(f"{_ADMINISTRATOR} to change client {{client_id}}.", SETTINGS_STEP),
        rotate=(
            f"{_ADMINISTRATOR} for a new secret of client {{client_id}}.",
            "Store it as client_secret of this account, and run this again.",
        ),
        delete=(f"{_ADMINISTRATOR} to delete client {{client_id}}.", "Run this again."),
        repair=(
            f"{_ADMINISTRATOR} whether client {{client_id}} is there and enabled, how it authenticates itself, and "
            "which scopes it may have.",
            "Correct its secret or key, token_endpoint_auth_method and scope here.",
        ),
        regain=(
            f"{_ADMINISTRATOR} to issue a new registration access token for client {{client_id}}.",
            "Write it into the records file (ansible-vault edit), as registration.access_token of the account.",
        ),
    )

    # The contract of an account

    @classmethod
    def completed(cls, given: dict[str, t.Any]) -> dict[str, t.Any]:
        issuer, base_url, endpoint = given.get("issuer"), given.get("base_url"), given.get("token_endpoint")
        if not issuer and not endpoint:
            issuer = base_url
        if not base_url and endpoint and not issuer:
            with contextlib.suppress(ValueError):  # what is no URL is told when it is checked
                parts = urlsplit(endpoint)
                base_url = f"{parts.scheme}://{parts.netloc}"
            base_url = base_url or endpoint
        method = given.get("token_endpoint_auth_method")
        if not method:
            has_key = given.get("private_key") or given.get("private_key_path")
            method = "private_key_jwt" if has_key and not given.get("client_secret") else "client_secret_basic"
        return {**given, "issuer": issuer, "base_url": base_url or issuer, "token_endpoint_auth_method": method}

    @classmethod
    def required_options(cls, account: Account) -> tuple[str, ...]:
        method = account.token_endpoint_auth_method
        if method in SECRET_METHODS:
            return ("base_url", "client_id", "client_secret")
        if method in CERTIFICATE_METHODS:
            return ("base_url", "client_id", "client_cert")
        return ("base_url", "client_id") if account.private_key_path else ("base_url", "client_id", "private_key")

    @classmethod
    def check_account(cls, account: Account) -> None:
        super().check_account(account)
        for option in ("issuer", *ENDPOINTS):
            url = getattr(account, option)
            if url:
                check_url(option, url, account.transport.allow_http, query=option != "issuer")
        if account.private_key and account.private_key_path:
            raise ConfigurationError("private_key and private_key_path exclude each other. Take one out.")
        method, algorithm = account.token_endpoint_auth_method, account.signing_alg
        if algorithm and (method not in ASSERTION_METHODS or algorithm not in algorithms_for(method)):
            raise ConfigurationError(f"signing_alg '{algorithm}' is not for token_endpoint_auth_method '{method}'.")

    def __init__(self, account: Account, transport: Transport, clock: t.Callable[[], float] = time.time) -> None:
        super().__init__(account, transport, clock)
        self._metadata = account.metadata
        self._handles: set[str] = set()

    # Endpoints

    def discover(self) -> ServerMetadata | None:
        """What the server publishes; None where only endpoints are given. Raises AccessError."""
        if self._metadata is None and self.account.issuer:
            try:
                self._metadata = discover(self.account.issuer, self.transport, self.redactor)
            except ConfigurationError:
                if not self.account.token_endpoint:
                    raise
                # What is there is said by options, then.
                self._metadata = ServerMetadata(self.account.issuer)
        return self._metadata

    def endpoint(self, name: str) -> str | None:
        """The URL of an endpoint: as given, or else as published; None where the server has none."""
        given: str | None = getattr(self.account, name)
        if given:
            return given
        metadata = self.discover()
        if metadata is None:
            return None
        url = metadata.endpoints.get(name)
        if self.account.transport.client_cert:  # RFC 8705 section 5
            url = metadata.mtls_endpoint_aliases.get(name, url)
        return self._trusted(name, url, metadata) if url else None

    def _trusted(self, name: str, url: str, metadata: ServerMetadata) -> str:
        """A published URL that credentials may go to: of the issuer's own host, and over TLS as that is."""
        try:
            self._check_named(name, url, metadata.issuer)
        except ConfigurationError:
            raise ConfigurationError(
                f"The metadata of {self.account.issuer} have a {name} that must not be used: no https URL, or one with "
                f"credentials or white space in it. Set {name}."
            ) from None
        host = urlsplit(url).hostname
        if host != urlsplit(metadata.issuer).hostname:
            raise ConfigurationError(
                f"The metadata of {self.account.issuer} name a {name} on another host, {host}. Credentials go there "
                f"only if you say so: set {name}: {printable_url(url)}"
            )
        return url

    def _check_named(self, name: str, url: str, asked: str) -> None:
        """Raise ConfigurationError for a URL that a server names and that is none, or plain http where it was asked by
        https: not even at this machine, where others can listen as well."""
        check_url(name, url, self.account.transport.allow_http, query=True)
        if urlsplit(asked).scheme == "https" and urlsplit(url).scheme != "https":
            raise ConfigurationError(f"{name} is plain http.")

    def required_endpoint(self, name: str, remedy: str) -> str:
        """The URL of an endpoint. Raises ConfigurationError where the server has none."""
        url = self.endpoint(name)
        if url is None:
            known = f"{self.account.issuer} publishes" if self.account.issuer else "The options have"
            raise ConfigurationError(f"{known} no {name}. {remedy}")
        return url

    # Client authentication

    @property
    def can_authenticate(self) -> bool:
        """Whether the account's credentials are here, as they are not on a host that only uses a token."""
        return all(getattr(self.account, option) for option in self.required_options(self.account))

    def authenticated(self, url: str, fields: Fields, *, repeatable: bool = False) -> HttpRequest:
        """A POST of a form, with the client's authentication by the method of the account."""
        account, headers = self.account, {"Content-Type": FORM}
        method, client_id = account.token_endpoint_auth_method, account.client_id or ""
        if method in ASSERTION_METHODS:

            def signed() -> bytes:
                # RFC 7523 section 3 has the token endpoint's URL stand for the server. Nearly all take it.
                audience = account.assertion_audience or self.endpoint("token_endpoint") or url
                assertion = client_assertion(account, audience, self.clock())
                proof = [("client_id", client_id), ("client_assertion_type", ASSERTION_TYPE)]
                return urlencode([*fields, *proof, ("client_assertion", assertion)]).encode()

            return HttpRequest("POST", url, headers, signed, repeatable)
        if method == "client_secret_basic":
            headers["Authorization"] = f"Basic {basic_credentials(client_id, account.client_secret or '')}"
        else:
            fields = [*fields, ("client_id", client_id)]
        if method == "client_secret_post":
            fields = [*fields, ("client_secret", account.client_secret or "")]
        return HttpRequest("POST", url, headers, urlencode(fields).encode(), repeatable)

    # The token

    def token_request(self, account: Account) -> HttpRequest:
        remedy = "Set token_endpoint, or issuer to a server that has one."
        fields = [("grant_type", "client_credentials")]
        if account.scope:
            fields.append(("scope", " ".join(account.scope)))
        if account.audience:
            fields.append(("audience", account.audience))
        fields += [("resource", resource) for resource in account.resource]
        return self.authenticated(self.required_endpoint("token_endpoint", remedy), fields)

    def expect_success(self, response: HttpResponse, action: str, *, remedy: str) -> None:
        skew = response.clock_skew(self.clock())
        if self.account.token_endpoint_auth_method in ASSERTION_METHODS and abs(skew or 0) >= NOTABLE_CLOCK_SKEW:
            remedy = f"This machine's clock is {abs(skew or 0)} s off the server's, which spoils signatures. {remedy}"
        super().expect_success(response, action, remedy=remedy)

    # The test: what the server says of the token, and what it does with it

    def test_token(self, token: Token) -> Verdict:
        """The verdict on a call with the token; without a test_path, only whether the server can be reached."""
        if self.account.test_path:
            return self.judge(self.get(self.account.test_path, token))
        url = metadata_urls(self.account.issuer)[0] if self.account.issuer else self.account.base_url
        try:
            response = self.transport.send(HttpRequest("GET", url, repeatable=True))
        except TransportError as error:
            if error.status is None:
                raise
            response = HttpResponse(error.status, url)  # a redirect is an answer
        return self.verdict(
            response, "indeterminate", "untested",
            "The server can be reached, but there is nothing to test the token with. Set test_path to a read that the "
            "token is good for, or introspection_endpoint.",
        )  # fmt: skip

    def introspect_token(self, token: Token) -> Verdict | None:
        url = self.endpoint("introspection_endpoint") if self.can_authenticate else None
        if url is None:
            return None
        fields = [("token", token.access_token), ("token_type_hint", "access_token")]
        response = self.transport.send(self.authenticated(url, fields, repeatable=True))
        if response.succeeded:
            return self._judge_introspection(response)
        _code, said = self.said_in(response)
        if response.status in (401, 403):
            return self.verdict(
                response, "indeterminate", "introspection_not_permitted",
                f"The server does not let this account introspect tokens (status {response.status}){said}, which says "
                "nothing about the token. Allow it there, or set test_path.",
            )  # fmt: skip
        if response.status == 400:
            return self.verdict(
                response, "indeterminate", "introspection_unsupported",
                f"The server cannot introspect this token (status 400){said}, as with most JWTs. Set test_path.",
            )  # fmt: skip
        if response.status in (404, 405):
            return self.verdict(
                response, "indeterminate", "unexpected_answer",
                f"The introspection endpoint is not there (status {response.status}){said}, which says nothing about "
                "the token. Check introspection_endpoint, or set test_path.",
            )  # fmt: skip
        return self.judge(response)

    def _judge_introspection(self, response: HttpResponse) -> Verdict:
        answer = response.json_or_none()
        if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
            return self.verdict(
                response, "indeterminate", "unexpected_answer",
                "The introspection endpoint did not say whether the token is active. Check introspection_endpoint.",
            )  # fmt: skip
        if not answer["active"]:
            return self.verdict(
                response, "invalid", "inactive",
                "The server says that the token is not active: it expired, was revoked, or its account was disabled.",
                token_valid=False, introspection={"active": False},
            )  # fmt: skip
        account, told = self.account, self._told(answer)
        granted, audiences = _words(answer.get("scope"), split=True), _words(answer.get("aud"))
        missing = [scope for scope in account.scope if granted is not None and scope not in granted]
        told["missing_scope"] = None if granted is None else missing
        if missing:
            return self.verdict(
                response, "invalid", "scope_missing",
                f"The token is active, but has not the scope {' '.join(missing)}. It has "
                f"{' '.join(told['scope']) or 'none'}. Have the account be given it at the server.",
                token_valid=True, permitted=False, introspection=told,
            )  # fmt: skip
        if account.audience and audiences is not None and account.audience not in audiences:
            return self.verdict(
                response, "invalid", "audience_mismatch",
                f"The token is active, but not for the audience {account.audience}. It is for "
                f"{', '.join(told['audience']) or 'none'}. Have the account be allowed that audience at the server.",
                token_valid=True, permitted=False, introspection=told,
            )  # fmt: skip
        return self.verdict(
            response, "valid", "active", "The server says that the token is active.",
            token_valid=True, introspection=told,
        )  # fmt: skip

    def _told(self, answer: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What an introspection says of an active token, fit to be shown; None for what it does not say."""
        text = self.redactor.server_text
        scope, audience = _words(answer.get("scope"), split=True), _words(answer.get("aud"))
        return {
            "active": True,
            "scope": None if scope is None else [text(part) or "" for part in scope[:MOST_TOLD]],
            "audience": None if audience is None else [text(part) or "" for part in audience[:MOST_TOLD]],
            "client_id": text(answer.get("client_id")),
            "expires_at": _moment(answer.get("exp")),
        }

    # The way back

    def release_token(self, token: Token) -> Release:
        url = self.endpoint("revocation_endpoint")
        if url is None:
            return Release(False, "The server publishes no revocation_endpoint: the token works until it expires.")
        fields = [("token", token.access_token), ("token_type_hint", "access_token")]
        response = self.transport.send(self.authenticated(url, fields))
        code, _text = self.words_of(response)
        if code == "unsupported_token_type":
            return Release(False, "The server cannot revoke tokens of this kind: the token works until it expires.")
        self.expect_success(response, "The revocation of the token", remedy=self.refusal_remedy)
        self.expect_no_page(response, "The revocation of the token")
        verdict = self._asked_again(token)
        if verdict is not None and verdict.token_valid:
            return Release(False, "The server accepted the revocation, but still says that the token is active.")
        if verdict is not None and verdict.token_valid is False:
            return Release(True, "The server revoked the token, and says that it is no longer active.")
        # RFC 7009 section 2.2: 200 is also the answer for a token that the server does not know.
        return Release(
            True,
            "The server accepted the revocation (status 200). That is no proof: it answers the same for a token that "
            "it does not know, and an API that checks tokens by itself takes this one until it expires.",
        )

    def _asked_again(self, token: Token) -> Verdict | None:
        try:
            return self.introspect_token(token)
        except AccessError:
            return None  # the revocation stands

    # Registration: RFC 7591 and 7592

    def register(self, metadata: t.Mapping[str, t.Any], initial_access_token: str | None) -> Registration:
        """Register a client. Raises AccessError; ``may_have_acted`` tells whether it can be there all the same."""
        url = self.required_endpoint(
            "registration_endpoint", "Set it, or have the server's administrator make the account."
        )
        remedy = "Set initial_access_token to one that is still good; the server's administrator issues them."
        response = self._managed("POST", url, initial_access_token, metadata)
        self._expect_managed(response, "The registration of the account", (200, 201), remedy)
        return self._registration(response, url)

    def read_registration(self, client_uri: str, access_token: str) -> Registration:
        """Read a registered client. Raises AccessError: RefusedError where the handle is no longer good."""
        response = self._managed("GET", client_uri, access_token)
        self._expect_managed(response, "The read of the account's registration", (200,), "")
        return self._registration(response, client_uri)

    def update_registration(self, client_uri: str, access_token: str, metadata: t.Mapping[str, t.Any]) -> Registration:
        """Replace a registered client's metadata. Raises AccessError."""
        response = self._managed("PUT", client_uri, access_token, metadata)
        self._expect_managed(response, "The update of the account's registration", (200,), "")
        return self._registration(response, client_uri)

    def delete_registration(self, client_uri: str, access_token: str) -> None:
        """Delete a registered client. Raises AccessError: RefusedError where the handle is no longer good."""
        response = self._managed("DELETE", client_uri, access_token)
        self._expect_managed(response, "The deletion of the account", (200, 204), "")
        self.expect_no_page(response, "The deletion of the account")

    def _managed(
        self, method: str, url: str, token: str | None, document: t.Mapping[str, t.Any] | None = None
    ) -> HttpResponse:
        headers = {}
        if token:
            if not is_header_safe(token):
                raise ConfigurationError(
                    "initial_access_token, or the registration access token of the record, has white space or a "
                    "character that no token can have. Check how it is given."
                )
            headers["Authorization"] = f"Bearer {token}"
            # Kept out of whatever is said from now on.
            self._handles |= {token, str((document or {}).get("client_secret") or token)}
            self.redactor = Redactor({*self.account.secrets, *self._handles}, [self.account.client_id or ""])
        if document is not None:
            headers["Content-Type"] = "application/json"
        body = None if document is None else json.dumps(document).encode()
        return self.transport.send(HttpRequest(method, url, headers, body, repeatable=method == "GET"))

    def _expect_managed(self, response: HttpResponse, action: str, expected: tuple[int, ...], remedy: str) -> None:
        """Raise the error that fits an answer about a registration, unless it is as expected."""
        if response.status in expected:
            return
        code, said = self.said_in(response)
        where = f"{action} at {printable_url(response.url)}"
        details: dict[str, t.Any] = {"status": response.status, "error": code}
        if response.status in (401, 403):
            raise RefusedError(
                f"{where} was refused (status {response.status}){said}. {remedy}".rstrip(), kind="refused", **details
            )
        if response.status == 429:
            raise RateLimitedError(
                f"{where} was put off: too many calls (status 429){said}. Try again later.",
                retry_after=response.retry_after, **details,
            )  # fmt: skip
        if response.status >= 500:
            # With Retry-After a server says that it has not acted, and the transport has asked again already.
            raise ServerError(
                f"{where} failed: the server has a problem (status {response.status}){said}.",
                unsent=response.status == 503 and response.retry_after is not None,
                **details,
            )
        if response.status in (400, 422) and not action.startswith(_READS):
            raise ConfigurationError(
                f"{where} was refused: the server does not accept the account's settings (status {response.status})"
                f"{said}. Correct them.",
                kind=code if code in REGISTRATION_ERRORS else "invalid_client_metadata",
                **details,
            )
        raise MalformedAnswerError(
            f"{where} was answered with status {response.status}{said}, which is not documented for it.",
            kind="unexpected_status",
            **details,
        )

    def _registration(self, response: HttpResponse, asked: str) -> Registration:
        """What an answer tells of a client. Raises MalformedAnswerError where it does not say which."""
        answer = answer_object(response)
        where = printable_url(response.url)
        client_id = answer.get("client_id")
        if not isinstance(client_id, str) or not client_id or not client_id.isprintable():
            raise MalformedAnswerError(f"{where} answered without a client_id.", status=response.status)
        texts = {field: answer.get(field) for field in REGISTRATION_FIELDS}
        secret, token = (
            value if isinstance(value, str) and value else None
            for value in (texts["client_secret"], texts["registration_access_token"])
        )
        if len(client_id) > LONGEST_CLIENT_ID or len(secret or "") > LONGEST_TOKEN:
            raise MalformedAnswerError(
                f"{where} answered with a client_id or a client_secret that is too long to be used.",
                status=response.status,
            )
        if token is not None and (not is_header_safe(token) or len(token) > LONGEST_TOKEN):
            token = None  # no header can carry it
        expires = texts["client_secret_expires_at"]
        return Registration(
            client_id=client_id,
            client_secret=secret,
            secret_expires_at=float(int(_moment(expires) or 0)) or None,  # 0 means never
            tells_expiry=_moment(expires) is not None,
            client_uri=self._own_uri(texts["registration_client_uri"], asked),
            access_token=token,
            metadata={key: value for key, value in answer.items() if key not in (*REGISTRATION_FIELDS, "client_id")},
        )

    def _own_uri(self, uri: t.Any, asked: str) -> str | None:
        """The URI that a client is managed at, if it is of the server that was asked: the token goes nowhere else."""
        try:
            self._check_named("registration_client_uri", uri, asked)
            same = urlsplit(uri).hostname == urlsplit(asked).hostname
            return str(uri) if same and len(uri) <= LONGEST_URL and "\\" not in uri else None
        except (AttributeError, ConfigurationError, TypeError):
            return None


def combined_verdict(introspected: Verdict | None, used: Verdict) -> Verdict:
    """One verdict from what the server said of a token, and what came of using it; the worse of the two."""
    if introspected is None:
        return used
    if used.reason == "untested" or introspected.outcome == "invalid":
        message = introspected.message + ("" if clock_note(introspected.clock_skew) else clock_note(used.clock_skew))
        return dataclasses.replace(introspected, clock_skew=used.clock_skew, message=message)
    return dataclasses.replace(used, introspection=introspected.introspection)


def verdict_on_fresh_token(verdict: Verdict) -> Verdict:
    """The verdict on a token that was granted just now: one that is called inactive is withheld from the caller.

    RFC 7662 section 2.2 has a server say the same of a dead token and of one that the caller may not know of.
    """
    if verdict.reason != "inactive":
        return verdict
    return dataclasses.replace(
        verdict,
        outcome="indeterminate",
        reason="introspection_not_permitted",
        message="The server calls a token inactive that it granted just now, so it does not let this account "
        "introspect it. Allow it there, or set test_path.",
        token_valid=None,
    )


def may_have_acted(error: AccessError) -> bool:
    """Whether a call that ended so can have changed something at the server."""
    if error.unsent:
        return False
    if isinstance(error, TransportError) or error.__class__ is AccessError:
        return True
    return isinstance(error, (MalformedAnswerError, ServerError)) and not 400 <= (error.status or 500) < 500


def _words(value: t.Any, *, split: bool = False) -> list[str] | None:
    """The texts of a field that has one or several, in a list or in one text to split; None for anything else."""
    if isinstance(value, str):
        return value.split() if split else [value]
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else None


def _moment(value: t.Any) -> float | None:
    """A moment (seconds since 1970) as servers write it, sometimes as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < LAST_MOMENT else None  # which NaN is not
