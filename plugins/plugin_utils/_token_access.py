# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""How an account's options lead to its token: which store, which rate budget, and whose turn it is."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import typing as t

from ansible import constants
from ansible.utils.display import Display

from ..module_utils._errors import AccessError, RateLimitedError, StoreError
from ..module_utils._model import Account, RateNotice, Token
from ..module_utils._providers._registry import PROVIDERS
from ._file_store import FileTokenStore
from ._token_source import TokenSource
from ._token_store import TokenStore

if t.TYPE_CHECKING:
    from ._rate_budget import RateBudget

_display = Display()

MOST_ATTEMPTS = 5
"""How often a call is made that meets a vendor's low rate limit, each time when the budget has room for it."""

DEFAULT_CACHE_FOLDER = "apiops_access"
"""Below ANSIBLE_HOME, which is ~/.ansible unless configured."""


def token_store(account: Account, params: t.Mapping[str, t.Any]) -> TokenStore | None:
    """The store that an account's cache options describe; None for none. Raises StoreError."""
    if params["cache"] == "none":
        return None
    if params["cache"] == "redis":
        return _redis_store(account, params)
    try:
        return FileTokenStore(params["cache_path"] or _default_cache_path())
    except AccessError as error:
        raise error.about(account.name, account.provider) from None


@functools.lru_cache(maxsize=1)
def _default_cache_path() -> str:
    # The configuration of a process stays as it is, and Ansible takes its time to look into it.
    return os.path.join(constants.config.get_config_value("ANSIBLE_HOME"), DEFAULT_CACHE_FOLDER)


def _redis_store(account: Account, params: t.Mapping[str, t.Any]) -> TokenStore:
    from ._redis_store import FallbackStore, RedisTokenStore  # redis-py takes its time, and few have it

    store = RedisTokenStore(
        account,
        url=params["cache_url"],
        secret=params["cache_secret"],
        password=params["cache_password"],
        prefix=params["cache_prefix"],
        ca_path=params["cache_ca_path"],
    )
    if params["cache_fallback"] == "none":
        return FallbackStore(store, params["cache_url"], _display.warning)
    return store


def is_paced(account: Account, params: t.Mapping[str, t.Any]) -> bool:
    """Whether the account's calls wait for their turn within the vendor's published rate."""
    limited = PROVIDERS[account.provider].calls_per_second is not None
    return bool(limited and params["rate_limit"] and params["cache"] != "none")


def token_source(account: Account, params: t.Mapping[str, t.Any], task: str | None) -> TokenSource:
    """The token source of an account. ``task``: what the hosts of one task have in common. Raises StoreError."""
    return TokenSource(
        token_store(account, params),
        min_ttl=params["min_ttl"],
        task=task,
        rate_wait=params["rate_wait"] if is_paced(account, params) else 0,
    )


def rate_budget(account: Account, params: t.Mapping[str, t.Any]) -> RateBudget | None:
    """The account's shared budget of calls; None where it needs none. Raises StoreError."""
    store = token_store(account, params) if is_paced(account, params) else None
    if store is None:
        return None
    from ._rate_budget import RateBudget

    return RateBudget(store, account)


def pace(account: Account, params: t.Mapping[str, t.Any], calls: int, patience: float) -> float:
    """Wait until the vendor's rate has room for these calls; return the moment that the last of them has.

    ``patience``: seconds to wait at most. Raises RateLimitedError, StoreError.
    """
    budget = rate_budget(account, params) if calls else None
    if budget is None:
        return 0.0
    from ._rate_budget import wait_for_turn

    def tell(wait: float, aloud: bool) -> None:
        text = (
            f"Account {account.name}: waiting {wait:.0f} s for its turn within the rate limit of {account.provider}. "
            f"Other hosts may wait longer, up to {params['rate_wait']} s (rate_wait)."
        )
        if aloud:
            _display.display(text)
        else:
            _display.vv(text)

    return wait_for_turn(budget, calls, patience, tell, time.sleep)


def learn(account: Account, params: t.Mapping[str, t.Any], called: float, notice: RateNotice | None) -> None:
    """Tell all others what the server said of its rate limit to the call that had the moment ``called``."""
    # A token that was granted is worth more than a note that cannot be kept.
    with contextlib.suppress(StoreError):
        budget = rate_budget(account, params) if notice else None
        if budget:
            budget.learn(notice, called)


def calls_of_request(account: Account) -> int:
    """How many calls the request for a token takes."""
    if not PROVIDERS[account.provider].needs_token(account):
        return 0
    return 2 if account.customer else 1


def request_in_turn(account: Account, previous: Token | None, params: t.Mapping[str, t.Any]) -> Token:
    """Request a token from here, within the vendor's published rate. Raises AccessError."""
    from ..module_utils._operations.oauth_token import request_token  # a token that is stored needs none of these
    from ._discovery_cache import with_metadata

    attempts = MOST_ATTEMPTS if is_paced(account, params) else 1
    deadline = time.time() + params["rate_wait"]
    while True:
        called = pace(account, params, calls_of_request(account), max(0.0, deadline - time.time()))
        attempts -= 1
        try:
            return request_token(with_metadata(account), previous, functools.partial(learn, account, params, called))
        except RateLimitedError as error:
            # Others that share the account are not in our budget; where the vendor names no time, try again.
            if not attempts or error.retry_after:
                raise
