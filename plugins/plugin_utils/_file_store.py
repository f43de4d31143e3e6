# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The token store of one controller: a private folder, shared by all processes of one user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import stat
import tempfile
import time
import typing as t
from pathlib import Path

from ..module_utils._errors import StoreError

_KEY_SIZE = 32
_ENTRY_LIMIT = 256 * 1024
_SWEEP_INTERVAL = 3600.0
_REMEDY = "Set cache_path to a folder that only you can use, or cache: none to do without."


class FileTokenStore:
    """Entries are files (0600) in a folder (0700), written aside and renamed. ``clock`` gives seconds since 1970."""

    def __init__(self, folder: str | os.PathLike[str], clock: t.Callable[[], float] = time.time) -> None:
        self._folder = Path(folder)
        self._clock = clock
        with self._explained("be used"):
            try:
                found = self._folder.stat()
            except FileNotFoundError:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                found = self._folder.stat()
        if found.st_uid != os.geteuid():
            raise StoreError(f"The token cache {self._folder} belongs to another user. {_REMEDY}")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise StoreError(
                f"The token cache {self._folder} has mode {stat.S_IMODE(found.st_mode):04o}, so that others can "
                f"reach it; it must be 0700 (chmod 700 {self._folder}). {_REMEDY}"
            )
        self._secret = self._load_secret()

    @property
    def secret(self) -> bytes:
        return self._secret

    @contextlib.contextmanager
    def _explained(self, verb: str) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The token cache {self._folder} cannot {verb} ({os.strerror(error.errno or 0)}). {_REMEDY}"
            ) from None

    def _load_secret(self) -> bytes:
        """The random key of this store, made once by whoever comes first; a damaged one is made anew."""
        path = self._path("key")
        secret = self._content(path)
        if secret is not None and len(secret) == _KEY_SIZE:
            return secret
        with self.lock("key", 30.0):
            secret = self._content(path)
            if secret is None or len(secret) != _KEY_SIZE:
                secret = os.urandom(_KEY_SIZE)
                self._replace(path, secret, None)
            return secret

    def _path(self, name: str) -> str:
        # Text, as every use of a token is here, and pathlib takes longer than the system does to open it.
        return os.path.join(self._folder, name)

    def _content(self, path: str) -> bytes | None:
        """The content of a file that is ours alone; None for any other, and for none at all."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            private = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
            return os.read(descriptor, min(found.st_size, _ENTRY_LIMIT)) if private else None
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _replace(self, path: str, data: bytes, expires_at: float | None) -> None:
        with self._explained("be written"):
            descriptor, aside = tempfile.mkstemp(dir=self._folder, prefix=".aside-")  # 0600 by contract
            try:
                with open(descriptor, "wb") as file:
                    file.write(data)
                if expires_at is not None:
                    # The time of the file says when it can be swept, and nothing else does in clear.
                    os.utime(aside, (expires_at, expires_at))
                os.replace(aside, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(aside)
                raise

    def read(self, name: str) -> bytes | None:
        return self._content(self._path(f"{name}.token"))

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        self._replace(self._path(f"{name}.token"), data, expires_at)
        self._sweep()

    def delete(self, name: str) -> None:
        with self._explained("be written"):
            (self._folder / f"{name}.token").unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        deadline = time.monotonic() + patience
        path = self._folder / f"{name}.lock"
        while True:
            with self._explained("be locked"):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                if self._try_lock(descriptor, path):
                    yield
                    return
            finally:
                os.close(descriptor)  # frees the lock, as the end of the process does
            if time.monotonic() > deadline:
                raise StoreError(
                    f"Another process has held the lock of an account in {self._folder} for {patience:.0f} s. "
                    "Look for a hanging ansible process."
                )
            time.sleep(random.uniform(0.005, 0.02))  # noqa: S311

    @staticmethod
    def _try_lock(descriptor: int, path: Path) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A sweep may have removed the file between open and lock: that lock would be of no use.
            return os.path.samestat(os.fstat(descriptor), os.stat(path))
        except OSError:
            return False

    def _sweep(self) -> None:
        """Remove what expired, and locks and leftovers a day old; at most once an hour."""
        now = self._clock()
        marker = self._folder / "swept"
        with contextlib.suppress(OSError):
            if marker.exists() and 0 <= now - marker.stat().st_mtime < _SWEEP_INTERVAL:
                return
            marker.touch(mode=0o600)
            os.utime(marker, (now, now))
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    age = now - path.lstat().st_mtime
                    if (path.suffix == ".token" and age > 0) or (path.name.startswith(".aside-") and age > 86400):
                        path.unlink()
                    elif path.suffix == ".lock" and age > 86400:
                        self._remove_lock(path)

    def _remove_lock(self, path: Path) -> None:
        with open(path, "rb") as file:
            if self._try_lock(file.fileno(), path):  # only one that nobody holds
                path.unlink()
