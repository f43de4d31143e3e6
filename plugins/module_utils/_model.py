# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The data of the collection, as frozen dataclasses. Secrets do not show in their ``repr``."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import typing as t

if t.TYPE_CHECKING:
    from ._providers._discovery import ServerMetadata

UTC = datetime.timezone.utc

LAST_MOMENT = 253402300800.0
"""The year 10000: no moment is later (seconds since 1970)."""

OUTCOMES = ("valid", "indeterminate", "invalid")
"""The outcomes of a token test, from best to worst."""


@dataclasses.dataclass(frozen=True)
class TransportOptions:
    """How to reach a server. ``timeout`` is in seconds, ``ca_path`` a file or folder, ``ca_data`` text in PEM form."""

    validate_certs: bool = True
    ca_path: str | None = None
    ca_data: str | None = dataclasses.field(default=None, repr=False)
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 30.0
    retries: int = 3
    proxy: str | None = dataclasses.field(default=None, repr=False)
    allow_http: bool = False


@dataclasses.dataclass(frozen=True)
class Account:
    """One API account at one provider, with all that is needed to request a token for it."""

    name: str
    provider: str
    base_url: str
    client_id: str | None = None
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    scope: tuple[str, ...] = ()
    site: str | None = None
    auth_key: str | None = dataclasses.field(default=None, repr=False)
    authorization_type: str = "bearer"
    customer: str | None = None
    token_body: str = "form"
    token_endpoint_auth_method: str = "client_secret_basic"
    logoff_path: str | None = None
    test_path: str | None = None
    assume_expires_in: int | None = None
    issuer: str | None = None
    token_endpoint: str | None = None
    introspection_endpoint: str | None = None
    revocation_endpoint: str | None = None
    registration_endpoint: str | None = None
    private_key: str | None = dataclasses.field(default=None, repr=False)
    private_key_path: str | None = None
    key_id: str | None = None
    signing_alg: str | None = None
    assertion_audience: str | None = None
    audience: str | None = None
    resource: tuple[str, ...] = ()
    transport: TransportOptions = TransportOptions()
    metadata: ServerMetadata | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value of the account that must never be printed."""
        values = (self.client_secret, self.auth_key, self.private_key, self.transport.proxy)
        return tuple(value for value in values if value)

    @property
    def client_cert(self) -> str | None:
        """The client certificate's file, which is a credential with mutual TLS (RFC 8705)."""
        return self.transport.client_cert


@dataclasses.dataclass(frozen=True)
class Token:
    """An access token. Times are seconds since 1970, UTC, by this machine's clock.

    For CIMcloud's basic authorization there is no token: ``token_type`` is ``Basic`` and ``access_token``
    the encoded credentials, so that ``authorization`` is the right header value there too.
    """

    access_token: str = dataclasses.field(repr=False)
    token_type: str = "Bearer"
    expires_at: float | None = None
    scope: tuple[str, ...] = ()
    refresh_token: str | None = dataclasses.field(default=None, repr=False)
    refresh_expires_at: float | None = None

    @property
    def authorization(self) -> str:
        """The value of the Authorization header (RFC 6750 section 2.1, RFC 7617)."""
        return f"{self.token_type} {self.access_token}"

    @property
    def fingerprint(self) -> str:
        """The first 12 hexadecimal digits of the token's SHA-256: tells tokens apart in a log."""
        return hashlib.sha256(self.access_token.encode()).hexdigest()[:12]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value of the token that must never be printed."""
        return tuple(value for value in (self.access_token, self.refresh_token) if value)

    def expires_in(self, now: float) -> int | None:
        """Whole seconds left at ``now``, never negative; None where the lifetime is not known."""
        return None if self.expires_at is None else max(0, int(self.expires_at - now))

    def outlives(self, moment: float) -> bool:
        """Whether the token is still good at ``moment``. One of unknown lifetime is not."""
        return self.expires_at is not None and self.expires_at > moment

    def to_dict(self) -> dict[str, t.Any]:
        """All fields, for the sealed store and for the way back from a target."""
        return {**dataclasses.asdict(self), "scope": list(self.scope)}

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Token:
        """The inverse of ``to_dict``. Raises KeyError, TypeError or ValueError for anything else."""
        token = cls(
            access_token=data["access_token"],
            token_type=data["token_type"],
            expires_at=data["expires_at"],
            scope=tuple(data["scope"]),
            refresh_token=data["refresh_token"],
            refresh_expires_at=data["refresh_expires_at"],
        )
        # A token from a host, or from an older store, goes into a header like any other.
        if not all(isinstance(text, str) and is_header_safe(text) for text in (token.access_token, token.token_type)):
            raise ValueError("not a token")
        if not all(isinstance(text, str) and text.isprintable() for text in (*token.scope, token.refresh_token or "")):
            raise ValueError("not a token")
        for moment in (token.expires_at, token.refresh_expires_at):
            if moment is not None and not (isinstance(moment, (int, float)) and abs(moment) < LAST_MOMENT):
                raise ValueError("not a token")
        return token


def is_header_safe(text: str) -> bool:
    """Whether a text can be a token in a header: printable ASCII without white space, and not nothing."""
    return re.fullmatch(r"[!-~]+", text) is not None


LONGEST_RATE_RESET = 86400.0
"""Seconds until the reset of a rate limit that are believed: more is a moment, or a mistake."""


@dataclasses.dataclass(frozen=True)
class RateNotice:
    """What a server said of its rate limit: ``remaining`` calls are left until ``reset`` seconds after its answer."""

    remaining: int
    reset: float

    def to_dict(self) -> dict[str, t.Any]:
        """All fields, for the way back from a target."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Any) -> RateNotice | None:
        """The inverse of ``to_dict``; None for anything else."""
        try:
            notice = cls(int(data["remaining"]), float(data["reset"]))
        except (KeyError, OverflowError, TypeError, ValueError):
            return None
        return notice if notice.remaining >= 0 and 0 <= notice.reset <= LONGEST_RATE_RESET else None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one test of one token from one host says.

    :ivar outcome: ``valid``, ``invalid`` or ``indeterminate``
    :ivar reason: a short word that programs can match: one of ``VALID_REASONS`` where valid, and else of ``KINDS``
    :ivar message: the same for people: what happened and what to do
    :ivar retryable: the same test may come out otherwise with nothing changed
    :ivar token_valid: whether the server accepted the token; None where it cannot be told
    :ivar permitted: whether the account may use the test endpoint; None where it cannot be told
    :ivar introspection: what the server said of the token (RFC 7662), where it was asked
    :ivar clock_skew: seconds that this machine's clock is ahead of the server's; None where that cannot be told
    :ivar rate: what the server said of its rate limit; for the controller's budget, and in no result
    """

    outcome: str
    reason: str
    message: str
    status: int | None = None
    endpoint: str | None = None
    elapsed_ms: int | None = None
    token_valid: bool | None = None
    permitted: bool | None = None
    permissions: t.Mapping[str, t.Any] | None = None
    introspection: t.Mapping[str, t.Any] | None = None
    clock_skew: int | None = None
    retryable: bool = False
    rate: RateNotice | None = None

    def to_dict(self) -> dict[str, t.Any]:
        """All fields, as a result shows them."""
        fields = dataclasses.asdict(self)
        del fields["rate"]
        return fields


@dataclasses.dataclass(frozen=True)
class Release:
    """What giving a token back achieved. ``released`` is True only where the server confirmed it."""

    released: bool
    message: str


def isoformat(moment: float | None) -> str | None:
    """A moment (seconds since 1970) as ISO 8601 in UTC, such as ``2026-11-20T20:57:00Z``."""
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def worst_outcome(outcomes: t.Iterable[str]) -> str:
    """The worst of several outcomes; ``valid`` for none."""
    return max(outcomes, key=OUTCOMES.index, default="valid")
