# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The token endpoint of OAuth 2.0 (RFC 6749), as Rimo3, Jim2 and BeyondTrust share it."""

from __future__ import annotations

import base64
import math
import typing as t
from urllib.parse import urlencode

from .._errors import MalformedAnswerError
from .._http import HttpRequest, HttpResponse, printable_url
from .._model import Account, Token, is_header_safe
from ._base import Provider

FORM = "application/x-www-form-urlencoded"

LONGEST_EXPIRES_IN = 10 * 365 * 86400
"""Seconds: more than this is taken as this, so that dates stay dates."""


LONGEST_TOKEN = 16384
"""Characters of a token, or of a scope. No server takes a header that is longer, and no store keeps it."""


def basic_credentials(client_id: str, client_secret: str) -> str:
    """Base64 of ``id:secret`` in UTF-8 (RFC 7617), which all four vendors document without form-encoding."""
    return base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


def lifetime(value: t.Any, default: int, where: str) -> int:
    """Seconds that a token lives, from an ``expires_in`` in any form seen: number, float or string of digits.

    Absent is ``default``. Raises MalformedAnswerError for what is no time at all.
    """
    if value is None:
        return default
    try:
        seconds = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if math.isnan(seconds) or seconds <= 0:
        raise MalformedAnswerError(
            f"{where} answered with an expires_in that is not a lifetime (a number of seconds above 0), so it "
            "cannot be known how long the token works."
        )
    return int(min(seconds, LONGEST_EXPIRES_IN))


def checked_token_value(value: t.Any, field: str, where: str) -> str:
    """A token that can go into a header (RFC 6750 section 2.1). Raises MalformedAnswerError for anything else."""
    if not isinstance(value, str) or not value:
        raise MalformedAnswerError(f"{where} answered without {field}: there is no token in its answer.")
    if len(value) > LONGEST_TOKEN:
        raise MalformedAnswerError(f"{where} answered with a {field} that is too long for any header.")
    if not is_header_safe(value):
        raise MalformedAnswerError(f"{where} answered with a {field} that holds characters no token can have.")
    return value


def checked_scope(value: t.Any, default: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The scope of an answer (RFC 6749 section 3.3); what is no text is ``default``. Raises MalformedAnswerError."""
    if not isinstance(value, str):
        return default
    scope = tuple(value.split(" "))
    if len(value) > LONGEST_TOKEN or not all(part.isprintable() for part in scope):
        raise MalformedAnswerError(f"{where} answered with a scope that is too long, or holds control characters.")
    return tuple(part for part in scope if part)


def answer_object(response: HttpResponse) -> dict[str, t.Any]:
    """The JSON object of an answer. Raises MalformedAnswerError for anything else."""
    answer = response.json()
    if not isinstance(answer, dict):
        raise MalformedAnswerError(
            f"{printable_url(response.url)} answered with JSON that is not an object.", status=response.status
        )
    return answer


class OAuthProvider(Provider):
    """A provider whose token endpoint takes the client credentials grant (RFC 6749 section 4.4)."""

    token_path: t.ClassVar[str]
    refusal_remedy: t.ClassVar[str] = (
        "Check client_id and client_secret. The request is not repeated, since repeated failures can lock the account."
    )

    def request_token(self, previous: Token | None) -> Token:
        response = self.transport.send(self.token_request(self.account))
        self.expect_success(response, "The request for a token", remedy=self.refusal_remedy)
        return self.parse_token(response)

    def token_request(self, account: Account) -> HttpRequest:
        """The request of RFC 6749 section 4.4.2, its credentials by section 2.3.1."""
        form = {"grant_type": "client_credentials"}
        headers = {"Content-Type": FORM}
        if account.scope:
            form["scope"] = " ".join(account.scope)
        client_id, client_secret = account.client_id or "", account.client_secret or ""
        if account.token_endpoint_auth_method == "client_secret_post":
            form.update(client_id=client_id, client_secret=client_secret)
        else:
            headers["Authorization"] = f"Basic {basic_credentials(client_id, client_secret)}"
        return HttpRequest("POST", self.url(self.token_path), headers, urlencode(form).encode())

    def parse_token(self, response: HttpResponse) -> Token:
        """The token of a successful answer (RFC 6749 section 5.1)."""
        where = printable_url(response.url)
        answer = answer_object(response)
        access_token = checked_token_value(answer.get("access_token"), "access_token", where)
        token_type = answer.get("token_type", "Bearer")
        if not isinstance(token_type, str) or token_type.lower() != "bearer":
            raise MalformedAnswerError(f"{where} answered with a token_type other than Bearer, which is not supported.")
        default = self.account.assume_expires_in or self.default_expires_in
        return Token(
            access_token=access_token,
            expires_at=self.clock() + lifetime(answer.get("expires_in"), default, where),
            scope=checked_scope(answer.get("scope"), self.account.scope, where),
        )
