# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Reuse a token, or request it once for all: the single flight of every process that shares a store."""

from __future__ import annotations

import dataclasses
import json
import time
import typing as t

from ..module_utils._errors import AccessError, RateLimitedError, RefusedError, error_from_dict
from ..module_utils._model import Account, Token
from ..module_utils._providers._registry import PROVIDERS
from ._token_store import Seal, TokenStore

TokenRequest = t.Callable[[t.Optional[Token]], Token]
"""Requests a new token; it is given the expired one, which some providers can refresh."""

REFUSAL_MEMORY = 60.0
"""Seconds for which nobody asks again with credentials that the server refused."""

LONGEST_HOLD = 86400.0
"""Seconds for which a server can hold everybody back at most."""

FAILURE_MEMORY = 10.0
"""Seconds for which the hosts of one task share a failure to reach the server."""

RENEWAL_PAUSE = 60.0
"""Seconds in which a token that was itself a renewal is not renewed again: the account is at fault, not its age."""

_CLOCK_TOLERANCE = 60.0

# What an account has beside what a token is requested with; its secrets go into the seal by themselves.
_NO_IDENTITY = frozenset(
    {
        "name", "client_secret", "auth_key", "private_key", "transport", "metadata", "test_path", "logoff_path",
        "introspection_endpoint", "revocation_endpoint", "registration_endpoint",
    }
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Failure:
    """A request that failed at ``at``; until ``until`` nobody repeats it (seconds since 1970)."""

    at: float
    until: float
    error: t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the store has of one account. ``task``: the task that asked last; ``renewed``: after a rejection."""

    at: float
    task: str | None
    token: Token | None = None
    renewed: bool = False
    failure: Failure | None = None


@dataclasses.dataclass(frozen=True)
class Obtained:
    """A token, and whether it was there already. ``entry``: the store's name for it, where it is kept."""

    token: Token
    reused: bool
    entry: str | None = None


class TokenSource:
    """Gives tokens from a store, or by one request. ``clock`` gives seconds since 1970, UTC."""

    def __init__(
        self,
        store: TokenStore | None,
        *,
        min_ttl: int,
        task: str | None = None,
        clock: t.Callable[[], float] = time.time,
        rate_wait: float = 0.0,
    ) -> None:
        """``min_ttl``: seconds that a token must live to be reused. ``task``: what hosts of one task have in common.

        ``rate_wait``: seconds that a request can wait for its turn by the vendor's rate.
        """
        self._store = store
        self._min_ttl = min_ttl
        self._task = task
        self._clock = clock
        self._rate_wait = rate_wait

    def obtain(
        self,
        account: Account,
        request: TokenRequest,
        *,
        force: bool = False,
        rejected: str | None = None,
        keep: bool = True,
        where: str = "",
    ) -> Obtained:
        """The account's token: a stored one, or a new one that is requested once for all who wait.

        ``force``: one that this task requested, and none from before. ``rejected``: the fingerprint of a token that
        the server did not accept. ``keep``: False for a token of the caller's own; only its failure is remembered
        for the others. ``where``: set apart tokens that hold for one host only. Raises AccessError.
        """
        if self._store is None or not PROVIDERS[account.provider].needs_token(account):
            return Obtained(request(None), reused=False)
        seal = self._seal(account, where)
        asked_at = self._clock()
        token = self._usable(self._read(seal), force, rejected) if keep else None
        if token is not None:
            return Obtained(token, reused=True)
        with self._store.lock(seal.name, _patience(account) + self._rate_wait):
            entry = self._read(seal)
            token = self._usable(entry, force, rejected) if keep else None
            if token is not None:
                return Obtained(token, reused=True)
            self._raise_remembered(entry, asked_at, force)
            token = self._request(seal, entry, request, rejected)
            if not keep:
                return Obtained(token, reused=False)
            entry = Entry(at=self._clock(), task=self._task, token=token, renewed=rejected is not None)
            self._write(seal, entry)
            return Obtained(token, reused=False, entry=seal.name)

    def peek(self, account: Account, where: str = "") -> Token | None:
        """The stored token that would be reused now, if any. Requests nothing."""
        if self._store is None:
            return None
        return self._usable(self._read(self._seal(account, where)), force=False, rejected=None)

    def stored(self, account: Account, where: str = "") -> Token | None:
        """The stored token that still lives, be it for less than ``min_ttl``: what there is to release."""
        entry = self._read(self._seal(account, where)) if self._store else None
        return entry.token if entry and entry.token and entry.token.outlives(self._clock()) else None

    def forget(self, account: Account, where: str = "") -> None:
        """Drop the account's entry, refusals included."""
        if self._store is not None:
            self._store.delete(self._seal(account, where).name)

    def _seal(self, account: Account, where: str) -> Seal:
        """The seal of exactly this account and request; ``name`` is only what people call it."""
        identity = {
            field.name: getattr(account, field.name)
            for field in dataclasses.fields(account)
            if field.name not in _NO_IDENTITY
        }
        identity.update(client_cert=account.transport.client_cert, where=where)
        keys = [account.private_key or "", _content(account.private_key_path), _content(account.transport.client_key)]
        secrets = (account.client_secret or "", account.auth_key or "", *keys)
        return Seal(json.dumps(identity, sort_keys=True), secrets, t.cast(TokenStore, self._store).secret)

    def _read(self, seal: Seal) -> Entry | None:
        """The entry, or None for whatever is damaged, foreign or from the future."""
        plain = seal.open(t.cast(TokenStore, self._store).read(seal.name))
        if plain is None:
            return None
        try:
            data = json.loads(plain)
            entry = Entry(
                at=float(data["at"]),
                task=data["task"],
                token=Token.from_dict(data["token"]) if data["token"] else None,
                renewed=bool(data["renewed"]),
                failure=_failure(data["failure"]) if data["failure"] else None,
            )
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
            return None
        return entry if entry.at <= self._clock() + _CLOCK_TOLERANCE else None

    def _write(self, seal: Seal, entry: Entry) -> None:
        token = entry.token
        data = {**dataclasses.asdict(entry), "token": token.to_dict() if token else None}
        moments = [entry.failure.until if entry.failure else 0.0]
        moments += [moment for moment in (token.expires_at, token.refresh_expires_at) if moment] if token else []
        t.cast(TokenStore, self._store).write(seal.name, seal.seal(json.dumps(data).encode()), max(moments))

    def _usable(self, entry: Entry | None, force: bool, rejected: str | None) -> Token | None:
        if entry is None or entry.token is None:
            return None
        token, now = entry.token, self._clock()
        if force and (self._task is None or entry.task != self._task):
            return None
        if token.fingerprint == rejected and not (entry.renewed and now - entry.at < RENEWAL_PAUSE):
            return None
        # A min_ttl that no token of a short-lived kind could have would mean one request a host.
        lifetime = (token.expires_at or entry.at) - entry.at
        return token if token.outlives(now + min(self._min_ttl, lifetime / 2)) else None

    def _raise_remembered(self, entry: Entry | None, asked_at: float, force: bool) -> None:
        """Raise the failure of another process where asking again would only do harm, or waste the same wait."""
        if entry is None or entry.failure is None:
            return
        failure, now = entry.failure, self._clock()
        same_task = self._task is not None and entry.task == self._task
        held_back = now < failure.until and (same_task or not force)
        shared = failure.at >= asked_at or (same_task and now - failure.at < FAILURE_MEMORY)
        if not (held_back or shared):
            return
        note = ""
        if now < failure.until:
            note = (
                f" (Another request was answered so {max(0, now - failure.at):.0f} s ago; nobody asks again for "
                f"{failure.until - now:.0f} s, unless with force: true in another task.)"
            )
        error = error_from_dict(failure.error)
        raise error.with_message(error.message + note)

    def _request(self, seal: Seal, entry: Entry | None, request: TokenRequest, rejected: str | None) -> Token:
        """Ask; a failure is noted for all others before it is raised."""
        # A token that was rejected is not refreshed: whatever ended it may have ended its refresh token too.
        previous = entry.token if entry and rejected is None else None
        try:
            return request(previous)
        except AccessError as error:
            now = self._clock()
            refused = isinstance(error, RefusedError)
            # Without a status it is our own budget that has no room. It knows for itself when that changes, and
            # what another user's rate_wait is.
            asked = error.status is not None or not isinstance(error, RateLimitedError)
            pause = REFUSAL_MEMORY if refused else min(error.retry_after or 0.0, LONGEST_HOLD) if asked else 0.0
            failure = Failure(at=now, until=now + pause, error=error.to_dict())
            # An expired token is kept for its refresh token, unless the account itself was refused.
            self._write(seal, Entry(at=now, task=self._task, token=None if refused else previous, failure=failure))
            raise


def _content(path: str | None) -> str:
    """What a key's file has, so that a token belongs to the key and not to its name; nothing if it is not here."""
    if path is None:
        return ""
    try:
        with open(path, encoding="latin-1") as file:
            return file.read()
    except OSError:
        return ""


def _failure(data: t.Mapping[str, t.Any]) -> Failure:
    """Raises KeyError, TypeError, ValueError or OverflowError for anything but the fields of a failure."""
    error_from_dict(data["error"])
    return Failure(at=float(data["at"]), until=float(data["until"]), error=data["error"])


def _patience(account: Account) -> float:
    """Seconds to wait for another process's request: as long as the slowest request can take, and some more."""
    return (account.transport.timeout + 30.0) * (account.transport.retries + 1) * 3 + 30.0
