# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Request a token, and give one back."""

from __future__ import annotations

import typing as t

from .._model import Account, RateNotice, Release, Token, isoformat
from .._providers._registry import open_provider


def request_token(
    account: Account, previous: Token | None, learn: t.Callable[[RateNotice | None], None] | None = None
) -> Token:
    """Request a new token. ``previous``: an expired one, which some providers can refresh. Raises AccessError.

    ``learn``: told what the server said of its rate limit, also where it refused.
    """
    with open_provider(account) as provider:
        try:
            return provider.request_token(previous)
        finally:
            if learn:
                learn(provider.transport.rate_notice)


def release_token(account: Account, token: Token) -> Release:
    """Give a token back at the vendor. Raises AccessError where the vendor could not be asked."""
    with open_provider(account) as provider:
        return provider.release_token(token)


def token_result(token: Token, *, reused: bool, now: float) -> dict[str, t.Any]:
    """The token as C(oauth_token) returns it. For CIMcloud's basic authorization there is no access token."""
    basic = token.token_type == "Basic"
    return {
        "access_token": None if basic else token.access_token,
        "token_type": token.token_type,
        "authorization": token.authorization,
        "expires_at": isoformat(token.expires_at),
        "expires_in": token.expires_in(now),
        "scope": list(token.scope),
        "reused": reused,
        "fingerprint": None if basic else token.fingerprint,
    }
