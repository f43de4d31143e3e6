# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the sandbox: in the foreground for a person, or as a process of its own for tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import uvicorn

from . import certificates, configuration
from .app import Application
from .connections import NumberedProtocol
from .files import private_folder
from .world import World

DEFAULT_ADDRESS = "127.0.0.1"
_OTHER_ADDRESS = "127.0.0.2"
_PORT_ATTEMPTS = 20
_STARTS_WITHIN = 15.0
_STOPS_WITHIN = 10.0


class _Server(uvicorn.Server):
    """Says when it accepts, and leaves the signals to `serve`: uvicorn would end with the signal's status."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def serve(
    state: Path,
    port: int = 0,
    announce: Callable[[dict[str, Any]], None] | None = None,
    address: str = DEFAULT_ADDRESS,
) -> None:
    """Serve until SIGINT or SIGTERM. `port` 0: a free one. `announce` gets the content of `sandbox.json`."""
    folder = private_folder(state)
    (folder / "sandbox.json").unlink(missing_ok=True)
    files = certificates.generate(folder, address)
    settings = configuration.generate()
    sockets = _listen(address, port)
    port = sockets[0].getsockname()[1]
    host = "localhost" if address == DEFAULT_ADDRESS else address
    other_url = f"https://{_OTHER_ADDRESS}:{port}" if len(sockets) > 1 else None

    def ready() -> None:
        configuration.write_files(folder, settings, f"https://{host}:{port}", other_url, files)
        if announce is not None:
            announce(read_config(folder))

    server = _Server(
        uvicorn.Config(
            Application(World(settings)),
            http=NumberedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
            ssl_certfile=files.server,
            ssl_keyfile=files.server_key,
        ),
        ready,
    )

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        await server.serve(sockets)

    asyncio.run(run())


def read_config(state: Path) -> dict[str, Any]:
    """The content of `sandbox.json`."""
    document: dict[str, Any] = json.loads((state / "sandbox.json").read_bytes())
    return document


def _listen(address: str, port: int) -> list[socket.socket]:
    """Listen on the address and, where the machine has it, on the same port of 127.0.0.2."""
    for _turn in range(_PORT_ATTEMPTS):
        first = _bound(address, port)
        try:
            return [first, _bound(_OTHER_ADDRESS, first.getsockname()[1])]
        except OSError:
            if port or not _exists(_OTHER_ADDRESS):
                return [first]
            # The free port of one address was taken on the other.
            first.close()
    return [_bound(address, port)]


def _bound(address: str, port: int) -> socket.socket:
    # Named, since asyncio turns Nagle's delay off only for a socket that says it is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _exists(address: str) -> bool:
    try:
        _bound(address, 0).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class SandboxHandle:
    """A running sandbox, seen from a test or a demo. `config`: the content of `sandbox.json`."""

    config: dict[str, Any] = field(repr=False)

    def account(self, key: str) -> dict[str, Any]:
        """An account's options, under the collection's names; a copy."""
        return dict(self.config["accounts"][key])

    def counters(self) -> dict[str, Any]:
        return self.control("GET", "/counters")

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self.control("POST", "/clock", {"advance": seconds})

    def control(self, method: str, path: str, json: Any = None) -> dict[str, Any]:
        """Call the control API; `path` begins with `/` and leaves `/control` out."""
        # A session only to keep the environment's proxies, .netrc and certificates out of it.
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(
                method,
                self.config["control"]["url"] + path,
                json=json,
                headers={"Authorization": f"Bearer {self.config['control']['secret']}"},
                verify=self.config["ca_path"],
                timeout=30,
            )
        if not response.ok:
            raise RuntimeError(f"control {method} {path}: {response.status_code} {response.text}")
        document: dict[str, Any] = response.json()
        return document


@contextlib.contextmanager
def running(state_dir: Path, address: str = DEFAULT_ADDRESS) -> Iterator[SandboxHandle]:
    """A sandbox in a process of its own, stopped at the end."""
    state_dir = private_folder(state_dir)
    package = __package__ or ""
    # Import the package by the name it has here, which need not be an installed one.
    root = Path(__file__).parents[len(package.split("."))]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    ready = state_dir / "sandbox.json"
    ready.unlink(missing_ok=True)
    log = state_dir / "stderr.txt"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", package, "--state", str(state_dir), "--address", address, "--quiet"],
            # Where tests measure the branches of plugins, here are none.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COVERAGE_PROCESS_CONFIG": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        deadline = time.monotonic() + _STARTS_WITHIN
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the sandbox did not start: {log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield SandboxHandle(read_config(state_dir))
    finally:
        process.terminate()
        try:
            process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
