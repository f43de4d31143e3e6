# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""64 processes ask for one token that hardly lives, and are killed at any moment.

The journal is a file to which every process appends whole lines, so that its order is what happened.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import multiprocessing
import os
import random
import signal
import stat
import time
import typing as t
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import AccessError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import TokenSource

FORK = multiprocessing.get_context("fork")
PROCESSES = 64
KILLS = 40
LONGEST = 120.0
"""Seconds after which a round ends in any case."""
LIFETIME = 0.15
ACCOUNT = Account("stress", "rimo3", "https://rimo3cloud.com", client_id="client-1", client_secret="s3cret-value")
# A token of many pages, so that half of one could be read.
PADDING = 20_000


@dataclasses.dataclass(frozen=True)
class Journal:
    """What happened, in its order; and who is asking now."""

    folder: Path

    def note(self, *words: object) -> None:
        descriptor = os.open(self.folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())
        finally:
            os.close(descriptor)

    def lines(self) -> list[list[str]]:
        return [line.split(" ") for line in (self.folder / "journal").read_text().splitlines()]

    def asking(self) -> int | None:
        """The process that was the last to ask."""
        try:
            return int((self.folder / "asking").read_text())
        except (OSError, ValueError):
            return None


def token_of(number: str) -> str:
    """A token that proves its own wholeness."""
    return f"{number}-{hashlib.sha256(number.encode()).hexdigest() * (PADDING // 64)}"


def number_of(token: Token) -> str | None:
    """The number of a token that is whole; None for any other."""
    number = token.access_token.partition("-")[0]
    return number if token.access_token == token_of(number) and token.refresh_token == token_of(number) else None


def request(journal: Journal) -> Token:
    """What stands for the vendor: it notices whoever asks while another one does."""
    started = time.time()
    with open(journal.folder / "one_at_a_time", "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            journal.note("two-at-once", os.getpid())
        number = f"{os.getpid()}x{time.monotonic_ns()}"
        journal.note("asked", number, started)
        (journal.folder / "asking").write_text(str(os.getpid()))
        time.sleep(0.004)
        granted = token_of(number)
        return Token(granted, expires_at=started + LIFETIME, refresh_token=granted)


def work(journal: Journal, until: float) -> None:
    """What each process does: each time with a store of its own, as every host's worker has."""
    os.umask(0)
    os.nice(10)  # so that the one that kills is not kept from it
    while time.monotonic() < until:
        try:
            source = TokenSource(FileTokenStore(journal.folder / "cache"), min_ttl=0)
            obtained = source.obtain(ACCOUNT, lambda _previous: request(journal))
        except AccessError as error:
            journal.note("error", error)
            continue
        number = number_of(obtained.token)
        time.sleep(0.005)
        if number is None:
            journal.note("torn", os.getpid())
        elif not obtained.reused:
            journal.note("stored", number, obtained.token.expires_at)
    os._exit(0)


def too_wide(folder: Path) -> set[str]:
    """The files and folders that others could reach. Files come and go meanwhile."""
    found = set()
    for path in [folder, *(Path(entry.path) for entry in os.scandir(folder))]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_IMODE(mode) & ~(0o700 if stat.S_ISDIR(mode) else 0o600):
            found.add(f"{path.name} {stat.S_IMODE(mode):04o}")
    return found


def needless(lines: t.Iterable[t.Sequence[str]]) -> list[str]:
    """The requests that were made though a token was in the store, and still lived."""
    found, expires_at = [], 0.0
    for what, number, *moment in (line for line in lines if line[0] in ("asked", "stored")):
        if what == "stored":
            expires_at = float(moment[0])
        elif float(moment[0]) < expires_at:
            found.append(number)
    return found


def stored(journal: Journal) -> int:
    """How many tokens were stored."""
    return sum(line[0] == "stored" for line in journal.lines())


def start(journal: Journal, until: float) -> BaseProcess:
    process = FORK.Process(target=work, args=(journal, until))
    process.start()
    return process


@pytest.mark.parametrize("seed", range(5))
def test_processes_that_are_killed_at_any_moment_harm_no_other(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    journal, cache = Journal(tmp_path), tmp_path / "cache"
    until = time.monotonic() + LONGEST
    processes = [start(journal, until) for _number in range(PROCESSES)]
    wide: set[str] = set()
    killed = 0
    try:
        # However slow the machine is: so many kills, and tokens that were stored between them.
        while time.monotonic() < until and (killed < KILLS or stored(journal) < 2):
            time.sleep(chance.uniform(0.001, 0.02))
            by_id = {process.pid: position for position, process in enumerate(processes)}
            # Every other time the one that asks, or has just asked and writes.
            asking = by_id.get(journal.asking()) if chance.random() < 0.5 else None
            position = chance.randrange(PROCESSES) if asking is None else asking
            os.kill(t.cast(int, processes[position].pid), signal.SIGKILL)
            processes[position].join()
            killed += 1
            processes[position] = start(journal, until)
            if cache.exists():
                wide |= too_wide(cache)
    finally:
        # All at once, whatever they are doing.
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
    lines = journal.lines()
    assert [line for line in lines if line[0] not in ("asked", "stored")] == []
    assert needless(lines) == []
    assert wide | too_wide(cache) == set()
    assert killed >= KILLS
    assert stored(journal) > 1
    # No lock is left held, and what is there can be used at once.
    store = FileTokenStore(cache)
    for path in cache.glob("*.lock"):
        with store.lock(path.stem, 0.0):
            pass
    assert number_of(TokenSource(store, min_ttl=0).obtain(ACCOUNT, lambda _previous: request(journal)).token)


@pytest.mark.parametrize(("lines", "expected"), [
    (["asked a 1.0", "stored a 2.0", "asked b 1.5"], ["b"]),
    (["asked a 1.0", "stored a 2.0", "asked b 2.5", "stored b 3.5"], []),
    (["asked a 1.0", "asked b 1.1", "stored b 2.1"], []),
])  # fmt: skip
def test_a_needless_request_would_be_found(lines: list[str], expected: list[str]) -> None:
    assert needless([line.split(" ") for line in lines]) == expected
