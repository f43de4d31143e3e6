# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Test tokens from where this runs, side by side."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import AccessError
from .._model import Account, Token, Verdict
from .._providers._base import verdict_of_error
from .._providers._registry import PROVIDERS, open_provider

MOST_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class Tested:
    """What came of the use of a token, and what the server said of it where it could be asked."""

    used: Verdict
    introspected: Verdict | None


def test_token(account: Account, token: Token) -> Tested:
    """The use of one token, and its introspection. Never raises for what a server or a network does."""
    try:
        with open_provider(account) as provider:
            verdict = provider.test_token(token)
            used = dataclasses.replace(verdict, rate=provider.transport.rate_notice)
    except AccessError as error:
        used = verdict_of_error(error, account.base_url)
    return Tested(used, introspect_token(account, token))


def introspect_token(account: Account, token: Token) -> Verdict | None:
    """What the server says of the token to who has the account's credentials; None where it cannot be asked.

    Never raises for what a server or a network does.
    """
    if not PROVIDERS[account.provider].introspects:
        return None
    try:
        with open_provider(account) as provider:
            return provider.introspect_token(token)
    except AccessError as error:
        return verdict_of_error(error, account.base_url)


def test_tokens(pairs: t.Sequence[tuple[Account, Token]]) -> list[Tested]:
    """What came of each token, in the same order, tested at the same time."""
    if len(pairs) == 1:
        return [test_token(*pairs[0])]
    from concurrent.futures import ThreadPoolExecutor  # one token needs no threads, and no time to load them

    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
        return list(pool.map(lambda pair: test_token(*pair), pairs))
