# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Test tokens from where this runs, side by side."""

from __future__ import annotations

import dataclasses
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._errors import AccessError
from .._model import Account, Token, Verdict
from .._providers import open_provider
from .._providers._base import verdict_of_error

MOST_AT_ONCE = 16


def test_token(account: Account, token: Token) -> Verdict:
    """The verdict on one token. Never raises for what a server or a network does."""
    try:
        with open_provider(account) as provider:
            verdict = provider.test_token(token)
            return dataclasses.replace(verdict, rate=provider.transport.rate_notice)
    except AccessError as error:
        return verdict_of_error(error, account.base_url)


def test_tokens(pairs: t.Sequence[tuple[Account, Token]]) -> list[Verdict]:
    """The verdict on each token, in the same order, tested at the same time."""
    if len(pairs) == 1:
        return [test_token(*pairs[0])]
    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
        return list(pool.map(lambda pair: test_token(*pair), pairs))
