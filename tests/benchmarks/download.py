# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 8: a large answer, streamed to a file, beside curl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ..sandbox.server import SandboxHandle
from .fleet import without_name
from .measurement import Row, Samples, alternate

_SIZE = 2 * 10**9
_SMALL = 10**6
_PATH = "/api/backup"

# In a process of its own, whose peak of memory is the download's alone. Reads its account from standard input.
_OURS = """
import json, resource, sys, time
from ansible_collections.apiops.access.plugins.module_utils._arguments import SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._operations.api_request import ApiCall, exchange
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import request_token
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated
account = account_from(validated(SHARED_SPEC, json.load(sys.stdin), "beyondtrust"), name="beyondtrust")
token = request_token(account, None)
start = time.perf_counter()
answer = exchange(account, token, ApiCall(path=sys.argv[1], dest=sys.argv[2]))
seconds = time.perf_counter() - start
assert answer.error is None, answer.error
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, token.access_token]))
"""

# The least that requests takes, with and without the checksum that api_request returns.
_BARE = """
import hashlib, json, sys, time
import requests
url, ca_path, token = json.load(sys.stdin)
start = time.perf_counter()
digest = hashlib.sha256()
headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
with requests.get(url, headers=headers, verify=ca_path, stream=True) as answer, open(sys.argv[1], "wb") as f:
    for chunk in answer.iter_content(262144):
        if sys.argv[2] == "hashed":
            digest.update(chunk)
        f.write(chunk)
print(time.perf_counter() - start)
"""


def _memory(folder: Path) -> Path:
    """A folder in memory if there is room, so that it is not the disk that is measured."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 3 * _SIZE
    return Path(memory) if roomy else folder


def large_answer(folder: Path, sandbox: SandboxHandle, rounds: int) -> list[Row]:
    """Goal 8."""
    options = without_name(sandbox.account("beyondtrust"))
    dest = _memory(folder) / f"apiops-bench-{os.getpid()}.bin"
    peaks: dict[int, list[int]] = {_SMALL: [], _SIZE: []}

    def ours(size: int) -> tuple[float, str]:
        sandbox.control("POST", "/backup", {"size": size})
        command = [sys.executable, "-c", _OURS, _PATH, str(dest)]
        done = subprocess.run(command, input=json.dumps(options), capture_output=True, text=True, check=True)
        seconds, peak, token = json.loads(done.stdout)
        assert dest.stat().st_size == size
        dest.unlink()
        peaks[size].append(peak)
        return seconds, token

    _seconds, token = ours(_SMALL)
    configuration = folder / "curl"
    configuration.touch(mode=0o600)

    def curl() -> float:
        # By a file, as arguments can be seen by everybody.
        configuration.write_text(
            f'header = "Authorization: Bearer {token}"\ncacert = "{options["ca_path"]}"\noutput = "{dest}"\n'
            f'url = "{options["base_url"]}{_PATH}"\nsilent\nfail\n'
        )
        sandbox.control("POST", "/backup", {"size": _SIZE})
        start = time.perf_counter()
        subprocess.run(["curl", "--config", str(configuration)], check=True)
        seconds = time.perf_counter() - start
        assert dest.stat().st_size == _SIZE
        dest.unlink()
        return seconds

    def bare(how: str) -> t.Callable[[], float]:
        def measure() -> float:
            sandbox.control("POST", "/backup", {"size": _SIZE})
            told = json.dumps([f"{options['base_url']}{_PATH}", options["ca_path"], token])
            command = [sys.executable, "-c", _BARE, str(dest), how]
            done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
            assert dest.stat().st_size == _SIZE
            dest.unlink()
            return float(done.stdout)

        return measure

    subjects: dict[str, t.Callable[[], float]] = {
        "curl": curl,
        "ours": lambda: ours(_SIZE)[0],
        "hashed": bare("hashed"),
        "plain": bare("plain"),
    }
    found = alternate(rounds, subjects)

    def by_curl(name: str) -> Samples:
        return Samples(tuple(peer / mine for mine, peer in zip(found[name].values, found["curl"].values)))

    pairs = by_curl("ours")
    more = (max(peaks[_SIZE]) - max(peaks[_SMALL])) / 1024
    rates = {name: _SIZE / 1e6 / samples.median for name, samples in found.items()}
    detail = f"{rates['ours']:.0f} MB/s, curl {rates['curl']:.0f} MB/s"
    return [
        Row(
            8,
            "throughput of 2 GB to dest : curl",
            pairs.median,
            "x",
            0.8,
            at_least=True,
            spread=pairs.spread,
            detail=detail,
        ),
        Row(
            8,
            "the least: requests and a SHA-256 : curl",
            by_curl("hashed").median,
            "x",
            spread=by_curl("hashed").spread,
        ),
        Row(8, "the least: requests alone : curl", by_curl("plain").median, "x", spread=by_curl("plain").spread),
        Row(8, "peak memory of that", max(peaks[_SIZE]) / 1024, "MB", 80, detail=f"{more:.1f} MB over 1 MB to dest"),
    ]
