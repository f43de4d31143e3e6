# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The token store of many controllers: a Redis server, which sees nothing but sealed entries."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import random
import socket
import ssl
import threading
import time
import typing as t
from urllib.parse import unquote, urlsplit

from ..module_utils._errors import StoreError
from ..module_utils._model import Account
from ._token_store import TokenStore

try:
    import redis
    from redis.backoff import ExponentialBackoff
    from redis.exceptions import (
        AuthenticationError,
        BusyLoadingError,
        ConnectionError as RedisConnectionError,
        LockError,
        NoPermissionError,
        ReadOnlyError,
        RedisError,
        ResponseError,
        TimeoutError as RedisTimeoutError,
    )
    from redis.lock import Lock
    from redis.retry import Retry
except ImportError:
    HAS_REDIS = False
else:
    HAS_REDIS = True

    class _TLSConnection(redis.Connection):
        """A connection by TLS that trusts whom we say. redis-py's own trusts the system's authorities besides."""

        def __init__(self, *, trust: ssl.SSLContext, **options: t.Any) -> None:
            super().__init__(**options)  # type: ignore[no-untyped-call]
            self._trust = trust

        def _connect(self) -> ssl.SSLSocket:
            sock = super()._connect()  # type: ignore[no-untyped-call]
            try:
                return self._trust.wrap_socket(sock, server_hostname=self.host)
            except OSError:
                sock.close()
                raise


NEEDED_COMMANDS = ("get", "set", "del", "pexpire", "evalsha", "script|load")
"""What the user of the cache must be allowed, on the keys of the prefix; ``select`` too for a database above 0."""

LOCK_LIFETIME = 15.0
"""Seconds after which the lock of a holder that died is free. A holder that lives renews it."""

OUTAGE_MEMORY = 30.0
"""Seconds for which a process that may do without the cache does not try it again."""

_CONNECT_TIMEOUT = 5.0
_ANSWER_TIMEOUT = 5.0
_RETRIES = 2
_ENTRY_LIMIT = 256 * 1024
_REMEDY = "Set cache_fallback: none to do without the cache while it is down."

T = t.TypeVar("T")

_down_until: dict[str, float] = {}


class RedisTokenStore:
    """Entries are keys that expire with their token; locks are redis-py's, renewed while they are held.

    ``clock`` gives seconds since 1970. A StoreError that is ``retryable`` means that the cache is down; with any
    other the cache, or the way it is set, needs somebody's attention.
    """

    def __init__(
        self,
        account: Account,
        *,
        url: str,
        secret: str,
        password: str | None = None,
        prefix: str = "apiops_access:",
        ca_path: str | None = None,
        lock_lifetime: float = LOCK_LIFETIME,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        """Connects to nothing yet. Options as ``check_cache`` accepts them. Raises StoreError without redis-py."""
        self._account = account
        self._url = url
        self._secret = secret.encode()
        self._prefix = prefix
        self._lock_lifetime = lock_lifetime
        self._clock = clock
        if not HAS_REDIS:
            raise self._error(
                "The Python library redis is missing on the controller, for the Python that runs Ansible. Install it "
                "there (pip install redis), or set cache: file.",
                kind="redis_missing",
            )
        try:
            self._client = _client(url, password, ca_path)
        except OSError as error:
            reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else os.strerror(error.errno or 0)
            raise self._error(f"cache_ca_path {ca_path} cannot be used ({reason}).") from None

    @property
    def secret(self) -> bytes:
        return self._secret

    def read(self, name: str) -> bytes | None:
        with self._explained():
            try:
                data = self._client.get(self._key(name))
            except ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                return None
        return data if isinstance(data, bytes) and len(data) <= _ENTRY_LIMIT else None

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        # The seconds that are left, not the moment: the server's clock need not be ours.
        left = int((expires_at - self._clock()) * 1000)
        with self._explained():
            if left > 0:
                self._client.set(self._key(name), data, px=left)
            else:
                self._client.delete(self._key(name))

    def delete(self, name: str) -> None:
        with self._explained():
            self._client.delete(self._key(name))

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        with self._explained():
            # The thread that renews the lock needs its token too.
            lock = Lock(
                self._client,
                f"{self._key(name)}:lock",
                timeout=self._lock_lifetime,
                sleep=random.uniform(0.03, 0.08),  # noqa: S311
                thread_local=False,
            )
            # Random and no more: redis-py's own would tell the address of the controller's network card.
            acquired = lock.acquire(blocking_timeout=patience, token=os.urandom(16).hex())
        if not acquired:
            raise self._error(
                f"Another process has held the lock of this account in the token cache {self._url} for "
                f"{patience:.0f} s. Look for a hanging ansible process on any controller."
            )
        released = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(lock, released), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            released.set()
            renewal.join(1.0)  # at once, unless the server is just then silent
            # A lock that cannot be given back, or is lost, ends by itself: no reason to fail with a token in hand.
            with contextlib.suppress(RedisError):
                lock.release()

    def _renew(self, lock: Lock, released: threading.Event) -> None:
        """Keep a lock until it is released, lost, or the process ends."""
        while not released.wait(self._lock_lifetime / 3):
            try:
                lock.reacquire()
            except LockError:
                return
            except RedisError:
                continue  # there is time for another try

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _error(self, message: str, *, kind: str | None = None, down: bool = False) -> StoreError:
        error = StoreError(message, kind=kind, retryable=down)
        return t.cast(StoreError, error.about(self._account.name, self._account.provider))

    @contextlib.contextmanager
    def _explained(self) -> t.Iterator[None]:
        """Turn what redis-py raises into a StoreError, in our own words."""
        try:
            yield
        except AuthenticationError:
            raise self._error(
                f"The token cache {self._url} refused the user or its password. Set the user in cache_url and the "
                "password in cache_password, or in the environment of the controller (APIOPS_CACHE_PASSWORD)."
            ) from None
        except NoPermissionError:
            raise self._error(
                f"The user of the token cache {self._url} may not do what is needed. Allow it, as in: ACL SETUSER "
                f"NAME {' '.join(f'+{command}' for command in NEEDED_COMMANDS)} ~{self._prefix}* (and +select for a "
                "database above 0)."
            ) from None
        except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError) as error:
            raise self._unreachable(error) from None
        except RedisError as error:
            # The first word is Redis's own code, such as OOM or MOVED; the rest can be anything.
            code = str(error).partition(" ")[0]
            named = code if code.isascii() and code.isupper() and len(code) < 20 else type(error).__name__
            raise self._error(f"The token cache {self._url} failed ({named}).", down=code == "OOM") from None

    def _unreachable(self, error: BaseException) -> StoreError:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return self._error(
                    f"The certificate of the token cache {self._url} is not trusted ({cause.verify_message}). Set "
                    "cache_ca_path to the certificate of the authority that issued it."
                )
        for cause in causes:
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
                return self._error(
                    f"The token cache {self._url} does not speak TLS as it should ({cause.reason or 'closed'}). "
                    "rediss:// needs the server's TLS port."
                )
        return self._error(f"The token cache {self._url} cannot be reached ({_reason(causes)}). {_REMEDY}", down=True)


# All stores of a process share its connections: to make one takes ten times as long as to read a token.
@functools.lru_cache(maxsize=16)
def _client(url: str, password: str | None, ca_path: str | None) -> redis.Redis:
    """A client of a server. Raises OSError where ``ca_path`` cannot be used."""
    parts = urlsplit(url)
    options: dict[str, t.Any] = {}
    if parts.scheme == "rediss":
        folder = ca_path if ca_path and os.path.isdir(ca_path) else None
        trust = ssl.create_default_context(cafile=None if folder else ca_path, capath=folder)
        options = {"connection_class": _TLSConnection, "trust": trust}
    pool = redis.ConnectionPool(
        host=parts.hostname or "",
        port=parts.port or 6379,
        db=int(parts.path.strip("/") or 0),
        username=unquote(parts.username) if parts.username else None,
        password=password,
        socket_connect_timeout=_CONNECT_TIMEOUT,
        socket_timeout=_ANSWER_TIMEOUT,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), _RETRIES),
        # Nothing but AUTH and SELECT goes before the first command, so that an ACL can be short.
        protocol=2,
        **_anonymous(),
        **options,
    )
    return redis.Redis(connection_pool=pool)


def _anonymous() -> dict[str, t.Any]:
    """The option that keeps redis-py from sending its name (CLIENT SETINFO), which an ACL would refuse and log."""
    if "driver_info" in inspect.signature(redis.Redis.__init__).parameters:
        return {"driver_info": None}
    return {"lib_name": None, "lib_version": None}


def _causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """An error and what it was raised for."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(causes: t.Sequence[BaseException]) -> str:
    if isinstance(causes[0], BusyLoadingError):
        return "it is loading its data"
    if isinstance(causes[0], ReadOnlyError):
        return "it is a read-only replica"
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(cause, (TimeoutError, RedisTimeoutError)):
            return f"no answer in {_ANSWER_TIMEOUT:.0f} s"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
    return "the connection was closed"


class FallbackStore:
    """A store that may be down: it has no entries then, and its locks hold nobody back. ``warn`` is told once."""

    def __init__(self, store: TokenStore, name: str, warn: t.Callable[[str], None]) -> None:
        """``name``: what this process remembers an outage by."""
        self._store = store
        self._name = name
        self._warn = warn

    @property
    def secret(self) -> bytes:
        return self._store.secret

    def read(self, name: str) -> bytes | None:
        return self._attempt(lambda: self._store.read(name))

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        self._attempt(lambda: self._store.write(name, data, expires_at))

    def delete(self, name: str) -> None:
        self._attempt(lambda: self._store.delete(name))

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        with contextlib.ExitStack() as held:
            self._attempt(lambda: held.enter_context(self._store.lock(name, patience)))
            yield

    def _attempt(self, operation: t.Callable[[], T]) -> T | None:
        """Do nothing while the cache is known to be down, and no more than warn where it turns out to be."""
        if time.monotonic() < _down_until.get(self._name, 0.0):
            return None
        try:
            return operation()
        except StoreError as error:
            if not error.retryable:
                raise
            _down_until[self._name] = time.monotonic() + OUTAGE_MEMORY
            self._warn(f"{error.message.removesuffix(f' {_REMEDY}')} Tokens are requested without it.")
            return None
