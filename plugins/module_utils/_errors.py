# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The errors of the collection.

Every message is written by us from what may be seen (operation, account, provider, URL without query,
status, the server's own error code after redaction), so every message is safe to print.
"""

from __future__ import annotations

import math
import typing as t

KINDS: t.Mapping[str, str] = {
    # Before anything was sent
    "configuration": "An option is missing, wrong, or not for this provider.",
    "cryptography_missing": "The controller has no Python library cryptography.",
    "library_missing": "The Python library that the authentication method needs is missing.",
    "redis_missing": "The controller has no Python library redis.",
    "requests_missing": "The machine that makes the call has no Python library requests.",
    "not_readable": "The vendor has no call that reads API accounts.",
    # On the way
    "certificate": "The server's certificate is not valid, or not trusted.",
    "connection": "The connection was refused, broke, or there is no way to the server.",
    "name_resolution": "The server's host name is not known.",
    "proxy": "The proxy on the way cannot be used.",
    "redirect": "The server names another place, where credentials do not go.",
    "timeout": "The server did not answer in time.",
    "tls": "The server does not speak TLS as it should.",
    "too_large": "The answer is larger than any that is expected, and was cut off.",
    # Answers
    "api_error": "The answer states an error, whatever its status.",
    "malformed_answer": "The answer is not what the documentation promises.",
    "not_found": "There is nothing at that path.",
    "not_permitted": "The account may not make this call, or not from here.",
    "rate_limited": "The server asks to slow down.",
    "refused": "The server refused the call, and gave no reason that is known.",
    "server_error": "The server has a problem.",
    "token_rejected": "The server does not accept the token.",
    "too_many_pages": "The list has more pages than max_pages.",
    "unexpected_status": "The answer has a status that is not documented for the call.",
    # Refusals of a token: RFC 6749 section 5.2, RFC 8707 section 2, and what BeyondTrust and CIMcloud add
    "access_denied": "The server refused the account a token.",
    "invalid_client": "The credentials are wrong, or the account is disabled or locked.",
    "invalid_credentials": "The credentials are wrong, or the account is disabled or locked.",
    "invalid_grant": "The grant, or the assertion in it, is not accepted.",
    "invalid_request": "The server calls the request for a token malformed.",
    "invalid_scope": "The account may not have the scope, or there is no such scope.",
    "invalid_target": "The account may not have a token for this resource or audience.",
    "session_refused": "The server refused a session for the customer.",
    "unauthorized_client": "The account may not request tokens in this way.",
    "unsupported_grant_type": "The server has no grant client_credentials.",
    # Verdicts of a token test that come from no error
    "audience_mismatch": "The token is for another audience.",
    "inactive": "The server says that the token is not active.",
    "introspection_not_permitted": "The account may not introspect the token, which says nothing about it.",
    "introspection_unsupported": "The server cannot introspect the token, which says nothing about it.",
    "scope_missing": "The token was granted without a scope that is asked for.",
    "unexpected_answer": "The test endpoint answered with something that says nothing about the token.",
    "unhealthy": "The server has a problem, which says nothing about the token.",
    "untested": "The server can be reached, but there is nothing to test the token with.",
    # Accounts: the codes of registration are those of RFC 7591 section 3.2.2
    "action_required": "A person has to act in the vendor's portal.",
    "invalid_client_metadata": "The server does not accept the account's settings.",
    "invalid_redirect_uri": "The server does not accept one of redirect_uris.",
    "invalid_software_statement": "The server does not accept the software statement.",
    "not_accepted": "The server took the call, but not all settings.",
    "not_rotated": "The server kept the secret that was to be renewed.",
    "rotation_failed": "The new account does not work; the old one is kept.",
    "unapproved_software_statement": "The server does not approve the software statement.",
    "unfinished": "An earlier change was never seen to its end.",
    # Files and stores
    "cache": "The token cache cannot be used.",
    "dest": "The file that dest names cannot be written.",
    "records": "The file of account records cannot be used.",
    "records_busy": "Another run holds the file of account records.",
    "store": "The role could not store the account's credentials.",
    "vault": "This run has no vault secret that fits.",
    "internal": "A mistake in this collection. Please report it.",
}
"""Every ``kind`` that a failure can have, and what it means. No server can add one."""

VALID_REASONS: t.Mapping[str, str] = {
    "accepted": "The server accepted the token.",
    "active": "The server says that the token is active.",
}
"""The reasons of a verdict that is ``valid``. All others are kinds."""


class AccessError(Exception):
    """An operation failed; ``str()`` of it is one safe sentence or two: what happened, and what to do.

    :ivar kind: a short word that programs can match, one of ``KINDS``
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
    retry_after, status, error = data["retry_after"], data["status"], data["error"]
    texts = (data["type"], data["message"], error or "")
    if not all(isinstance(text, str) for text in texts) or data["kind"] not in KINDS:
        raise ValueError("not an error")
    if not isinstance(status, (int, type(None))) or not isinstance(data["retryable"], bool):
        raise ValueError("not an error")
    if retry_after is not None and not (isinstance(retry_after, (int, float)) and 0 <= retry_after < math.inf):
        raise ValueError("not an error")
    return _TYPES.get(data["type"], AccessError)(
        data["message"],
        kind=data["kind"],
        status=status,
        error=error,
        retryable=data["retryable"],
        retry_after=retry_after,
        unsent=data.get("unsent") is True,
    )
