# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 8: a large answer, streamed to a file, beside curl."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ..sandbox.server import SandboxHandle
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


def large_answer(folder: Path, sandbox: SandboxHandle, rounds: int) -> list[Row]:
    """Goal 8."""
    options = {option: value for option, value in sandbox.account("beyondtrust").items() if option != "name"}
    dest = folder / "large.bin"
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

    subjects: dict[str, t.Callable[[], float]] = {"curl": curl, "ours": lambda: ours(_SIZE)[0]}
    found = alternate(rounds, subjects)
    pairs = Samples(tuple(peer / mine for mine, peer in zip(found["ours"].values, found["curl"].values)))
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
        Row(8, "peak memory of that", max(peaks[_SIZE]) / 1024, "MB", 80, detail=f"{more:.1f} MB over 1 MB to dest"),
    ]
