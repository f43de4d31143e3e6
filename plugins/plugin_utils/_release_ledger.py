# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What a run requested, so that the end of the run can give it back. Nothing is noted unless the callback asks."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import typing as t
from pathlib import Path

from ..module_utils._arguments import CACHE_SPEC
from ..module_utils._errors import AccessError, TransportError
from ..module_utils._model import Account, Token, TransportOptions
from ..module_utils._operations.oauth_token import release_token
from ..module_utils._providers._registry import PROVIDERS
from ._discovery_cache import with_metadata
from ._token_source import Obtained
from ._token_store import Seal, TokenStore

Store = t.Callable[[Account, t.Mapping[str, t.Any]], t.Optional[TokenStore]]
"""Opens the store that an account's cache options describe."""


@dataclasses.dataclass(frozen=True)
class Note:
    """A token that this run requested, and what its release takes: the account has no secrets of its own any more.

    ``options``: of the token cache. ``entry``: its name there. ``host``: the only one that can reach the server.
    """

    account: Account
    token: Token
    options: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    entry: str | None = None
    host: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a token of account ``name``: ``released``, ``forgotten`` or ``unreleased``, and why."""

    name: str
    state: str
    reason: str = ""


class Ledger:
    """Notes, each in a file of its own (0600), sealed with a key that only this process and its forks have."""

    def __init__(self, parent: str | os.PathLike[str]) -> None:
        """``parent``: an existing folder, private to the run. Raises OSError, StoreError."""
        self._seal = Seal("release ledger", (), os.urandom(32))
        self._folder = Path(tempfile.mkdtemp(prefix="apiops-release-", dir=parent))  # 0700 by contract
        self._owner = os.getpid()

    @property
    def is_own(self) -> bool:
        """Whether this process made the ledger, and is not a fork of the one that did."""
        return os.getpid() == self._owner

    def write(self, data: t.Mapping[str, t.Any]) -> None:
        """Add a note. Raises OSError."""
        descriptor, _path = tempfile.mkstemp(prefix="note-", dir=self._folder)  # 0600 by contract
        with open(descriptor, "wb") as file:
            file.write(self._seal.seal(json.dumps(data).encode()))

    def take(self) -> list[Note]:
        """The notes of tokens that were not released yet, each once; the ledger is empty then."""
        notes: dict[str, Note] = {}
        released: set[str] = set()
        for path in sorted(self._folder.glob("note-*")):
            with contextlib.suppress(OSError):
                plain = self._seal.open(path.read_bytes())
                path.unlink()
                # One that a process could not finish tells nothing.
                with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
                    data = json.loads(plain or b"null")
                    if "released" in data:
                        released.add(str(data["released"]))
                    else:
                        note = _note_from(data)
                        notes[note.token.fingerprint] = note
        return [note for fingerprint, note in notes.items() if fingerprint not in released]

    def remove(self) -> None:
        """Remove the ledger and all that it has; gone already is no error."""
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()


_ledger: Ledger | None = None


def keep_ledger(ledger: Ledger | None) -> None:
    """Have this process and all that it forks from now on note what they request; None for no longer."""
    # A variable and not the environment, which the tasks' own commands would inherit with the key in it.
    global _ledger
    _ledger = ledger


def note_obtained(account: Account, obtained: Obtained, params: t.Mapping[str, t.Any], host: str = "") -> None:
    """Note a token that was requested just now. ``params``: with the token cache's options."""
    if _ledger is None or not PROVIDERS[account.provider].needs_token(account):
        return
    _write(
        {
            "account": dataclasses.asdict(_least(account)),
            "token": dataclasses.replace(obtained.token, refresh_token=None).to_dict(),
            "options": {option: params[option] for option in CACHE_SPEC},
            "entry": obtained.entry,
            "host": host,
        }
    )


def _least(account: Account) -> Account:
    """The account with no more secrets than the release needs."""
    if PROVIDERS[account.provider].releases_with_credentials:
        return dataclasses.replace(account, auth_key=None, metadata=None)
    return dataclasses.replace(account, client_secret=None, auth_key=None, private_key=None, metadata=None)


def note_released(token: Token) -> None:
    """Note that a task gave a token back itself."""
    if _ledger is not None:
        _write({"released": token.fingerprint})


def _write(data: t.Mapping[str, t.Any]) -> None:
    # The token is there, and the task is about that. What cannot be noted expires by itself.
    with contextlib.suppress(OSError):
        t.cast(Ledger, _ledger).write(data)


def _note_from(data: t.Mapping[str, t.Any]) -> Note:
    account = dict(data["account"])
    account.update(
        scope=tuple(account["scope"]),
        resource=tuple(account["resource"]),
        transport=TransportOptions(**account["transport"]),
    )
    return Note(
        Account(**account), Token.from_dict(data["token"]), dict(data["options"]), data["entry"], str(data["host"])
    )


def release_all(notes: t.Iterable[Note], store: Store) -> list[Outcome]:
    """Give all tokens back, each at its vendor or, where that has no call for it, by forgetting it.

    A token that could not be released as its vendor was not reached stays in the store. Never raises AccessError.
    """
    silent: set[str] = set()  # servers that did not answer once are not waited for again
    outcomes = []
    for note in notes:
        name, server = note.account.name, note.account.base_url
        try:
            if server in silent:
                outcomes.append(Outcome(name, "unreleased", f"{server} did not answer before"))
            else:
                outcomes.append(_release(note, store))
        except AccessError as error:
            if isinstance(error, TransportError):
                silent.add(server)
            outcomes.append(Outcome(name, "unreleased", error.message))
    return outcomes


def _release(note: Note, store: Store) -> Outcome:
    outcome = Outcome(note.account.name, "forgotten")
    if PROVIDERS[note.account.provider].releases:
        if note.host:
            return Outcome(note.account.name, "unreleased", f"only host {note.host} reaches its server")
        release = release_token(with_metadata(note.account), note.token)
        state = "released" if release.released else "unreleased"
        outcome = Outcome(note.account.name, state, "" if release.released else release.message)
    kept = store(note.account, note.options) if note.entry else None
    if kept and note.entry:
        kept.delete(note.entry)
    return outcome


def summary(outcomes: t.Sequence[Outcome]) -> str:
    """One line on what became of the tokens; it names accounts, and no token."""
    words = {
        "released": "released",
        "forgotten": "forgotten, as the vendor documents no release",
        "unreleased": "not released",
    }
    parts = []
    for state, text in words.items():
        found = [outcome for outcome in outcomes if outcome.state == state]
        told = [
            f"{outcome.name} ({outcome.reason.rstrip('.')})" if outcome.reason else outcome.name for outcome in found
        ]
        if told:
            parts.append(f"{len(told)} {text}: {', '.join(sorted(set(told)))}")
    return f"Tokens that this run requested: {'; '.join(parts)}."
