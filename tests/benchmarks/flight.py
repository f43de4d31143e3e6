# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 5: many processes that need the same token at the same time."""

from __future__ import annotations

import multiprocessing
import os
import time
import typing as t
from multiprocessing.synchronize import Barrier
from pathlib import Path

from ansible_collections.apiops.access.plugins.module_utils._arguments import SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import TokenSource

from .measurement import Row, alternate

PROCESSES = 64
REQUEST = 0.2
"""Seconds that a token request takes."""


def example_account() -> Account:
    """An account that is nowhere."""
    options = {"provider": "rimo3", "client_id": "benchmark", "client_secret": os.urandom(24).hex()}
    return account_from(validated(SHARED_SPEC, options, "benchmark"), name="benchmark")


class _Requests:
    """Token requests that take their time, and are counted in a file that all processes share."""

    def __init__(self, counter: Path) -> None:
        self._counter = counter

    def __call__(self, _previous: Token | None) -> Token:
        with self._counter.open("ab") as file:
            file.write(b".")
        time.sleep(REQUEST)
        return Token(access_token=os.urandom(16).hex(), token_type="Bearer", expires_at=time.time() + 3600)


def _obtain(account: Account, folder: Path, counter: Path, start: Barrier, done: Barrier) -> None:
    start.wait()
    TokenSource(FileTokenStore(folder), min_ttl=60).obtain(account, _Requests(counter))
    done.wait()


def single_flight(folder: Path, rounds: int) -> list[Row]:
    """Goal 5."""
    forking = multiprocessing.get_context("fork")
    numbers = iter(range(10_000))
    requests: list[int] = []

    def together(processes: int) -> t.Callable[[], float]:
        def measure() -> float:
            number = next(numbers)
            cache, counter = folder / f"cache{number}", folder / f"counter{number}"
            start, done = (forking.Barrier(processes + 1) for _barrier in range(2))
            arguments = (example_account(), cache, counter, start, done)
            workers = [forking.Process(target=_obtain, args=arguments) for _process in range(processes)]
            for worker in workers:
                worker.start()
            start.wait()
            began = time.perf_counter()
            done.wait()
            took = time.perf_counter() - began
            for worker in workers:
                worker.join()
            requests.append(counter.stat().st_size)
            return took

        return measure

    found = alternate(rounds, {"all": together(PROCESSES), "lone": together(1)})
    over = (found["all"].median - found["lone"].median) * 1000
    detail = f"{found['all'].median * 1000:.0f} ms, a lone process {found['lone'].median * 1000:.0f} ms"
    title = f"{PROCESSES} processes over a lone one"
    return [
        Row(5, title, over, "ms", 500, spread=found["all"].spread * 1000, detail=detail),
        Row(5, "token requests of these", max(requests), "requests", 1),
    ]
