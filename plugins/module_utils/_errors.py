# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The errors of the collection.

Every message is written by us from what may be seen (operation, account, provider, URL without query,
status, the server's own error code after redaction), so every message is safe to print.
"""

from __future__ import annotations

import typing as t


class AccessError(Exception):
    """An operation failed; ``str()`` of it is one safe sentence or two: what happened, and what to do.

    :ivar kind: a short word that programs can match, such as ``connection`` or ``invalid_client``
    :ivar status: the HTTP status, where the server answered
    :ivar error: the server's own error code (RFC 6749 section 5.2), redacted
    :ivar retryable: the same call may succeed later with nothing changed
    :ivar retry_after: seconds that the server asked us to wait, where it said so
    :ivar unsent: the request never reached the server, so that nothing can have happened there
    """

    default_kind: t.ClassVar[str] = "internal"
    default_retryable: t.ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        status: int | None = None,
        error: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or self.default_kind
        self.status = status
        self.error = error
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.unsent = unsent

    def as_failure(self) -> dict[str, t.Any]:
        """The ``failure`` dictionary of a result."""
        return {"kind": self.kind, "status": self.status, "error": self.error, "retryable": self.retryable}

    def about(self, account_label: str, provider: str) -> AccessError:
        """The same error with the account named in front, unless it is named already."""
        if self.message.startswith("Account '"):
            return self
        return self.with_message(f"Account '{account_label}' ({provider}): {self.message}")

    def with_message(self, message: str) -> AccessError:
        """The same error with another message."""
        return error_from_dict({**self.to_dict(), "message": message})

    def to_dict(self) -> dict[str, t.Any]:
        """All of the error, for the sealed store and for the way back from a target."""
        return {
            **self.as_failure(),
            "type": type(self).__name__,
            "message": self.message,
            "retry_after": self.retry_after,
            "unsent": self.unsent,
        }


class ConfigurationError(AccessError):
    """An option is missing, wrong, or not for this provider. Nothing was sent."""

    default_kind = "configuration"


class TransportError(AccessError):
    """No usable HTTP answer: connection, name_resolution, timeout, certificate, proxy, redirect, too_large."""

    default_kind = "connection"
    default_retryable = True


class MalformedAnswerError(AccessError):
    """The server answered, but not what its documentation promises."""

    default_kind = "malformed_answer"


class ServerError(AccessError):
    """The server answered with a status that is neither success nor a verdict on the credentials."""

    default_kind = "server_error"
    default_retryable = True


class RefusedError(AccessError):
    """The server refused the account's credentials. Asking again can lock the account, so nobody does."""

    default_kind = "invalid_client"


class RateLimitedError(AccessError):
    """The server asked us to slow down."""

    default_kind = "rate_limited"
    default_retryable = True


class StoreError(AccessError):
    """The token store cannot be used."""

    default_kind = "cache"


class RecordsError(AccessError):
    """The file of account records cannot be used."""

    default_kind = "records"


_TYPES: dict[str, type[AccessError]] = {
    error.__name__: error
    for error in (
        ConfigurationError,
        TransportError,
        MalformedAnswerError,
        ServerError,
        RefusedError,
        RateLimitedError,
        StoreError,
        RecordsError,
    )
}


def error_from_dict(data: t.Mapping[str, t.Any]) -> AccessError:
    """The inverse of ``AccessError.to_dict``. Raises KeyError, TypeError or ValueError for anything else."""
    retry_after = data["retry_after"]
    texts = (data["type"], data["message"], data["kind"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not an error")
    if retry_after is not None and not isinstance(retry_after, (int, float)):
        raise ValueError("not an error")
    return _TYPES.get(data["type"], AccessError)(
        data["message"],
        kind=data["kind"],
        status=data["status"],
        error=data["error"],
        retryable=data["retryable"],
        retry_after=data["retry_after"],
        unsent=data.get("unsent") is True,
    )
