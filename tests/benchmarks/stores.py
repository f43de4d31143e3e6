# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 7: a stored token from Redis, beside one from the folder."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._redis_store import RedisTokenStore, _client
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import TokenSource
from ansible_collections.apiops.access.plugins.plugin_utils._token_store import TokenStore

from ..integration.redis_server import RedisHandle
from .flight import example_account
from .measurement import Row, Samples


def stored_tokens(folder: Path, redis: RedisHandle, times: int) -> list[Row]:
    """Goal 7. Each time as a task has it: the store is opened, and the token read and decrypted."""
    account = example_account()

    def from_file() -> TokenStore:
        return FileTokenStore(folder)

    def from_redis() -> TokenStore:
        return RedisTokenStore(
            account, url=redis.url, secret=redis.cache_secret, password=redis.password, prefix="apiops_access:",
            ca_path=str(redis.files.ca),
        )  # fmt: skip

    stores: dict[str, t.Callable[[], TokenStore]] = {"file": from_file, "redis": from_redis}
    token = Token(access_token="benchmark", token_type="Bearer", expires_at=time.time() + 3600)
    for open_store in stores.values():
        TokenSource(open_store(), min_ttl=60).obtain(account, lambda _previous: token)
    taken: dict[str, list[float]] = {name: [] for name in stores}
    for _time in range(times):
        for name, open_store in stores.items():
            start = time.perf_counter()
            assert TokenSource(open_store(), min_ttl=60).peek(account)
            taken[name].append((time.perf_counter() - start) * 1000)
    for _time in range(times // 5):
        _client.cache_clear()
        start = time.perf_counter()
        assert TokenSource(from_redis(), min_ttl=60).peek(account)
        taken.setdefault("first", []).append((time.perf_counter() - start) * 1000)
    found = {name: Samples(tuple(values)) for name, values in taken.items()}
    high = {name: samples.percentile(95) for name, samples in found.items()}
    medians = f"medians {found['redis'].median:.2f} ms, {found['file'].median:.2f} ms"
    detail = f"{high['redis']:.2f} ms, file {high['file']:.2f} ms; {medians}"
    return [
        Row(7, "Redis over the folder, 95th percentile", high["redis"] - high["file"], "ms", 2, detail=detail),
        Row(7, "the same where a process connects first, by TLS", high["first"] - high["file"], "ms"),
    ]
