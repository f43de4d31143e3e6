# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The interface of a token store, and the seal that every entry of every store has."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..module_utils._errors import StoreError

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True


class TokenStore(t.Protocol):
    """Keeps sealed entries by name, for all processes that share it. Every method raises StoreError."""

    @property
    def secret(self) -> bytes:
        """The store's own part of every key."""

    def read(self, name: str) -> bytes | None:
        """The entry, or None where there is none that can be used."""

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        """Keep the entry whole or not at all, until ``expires_at`` (seconds since 1970)."""

    def delete(self, name: str) -> None:
        """Forget the entry; one that is gone already is no error."""

    def lock(self, name: str, patience: float) -> contextlib.AbstractContextManager[None]:
        """Hold the entry's lock, waiting ``patience`` seconds at most. A holder that dies frees it."""


class Seal:
    """Encrypts the entry of one account (AES-256-GCM, key by HKDF-SHA256, RFC 5869).

    Name and key both come from the account's secrets and the store's, so that a store that is stolen tells
    nothing, and an account whose secret changed can never hit its old entry.
    """

    _HEADER = b"apiops.access 1\n"
    _NONCE_SIZE = 12

    def __init__(self, identity: str, secrets: t.Sequence[str], store_secret: bytes) -> None:
        """Raises StoreError where the controller has no cryptography, which ansible-core itself asks for."""
        if not HAS_CRYPTOGRAPHY:
            raise StoreError(
                "The Python library cryptography is missing on the controller, so tokens cannot be kept encrypted. "
                "Install it (pip install cryptography), or set cache: none to do without.",
                kind="cryptography_missing",
            )
        # Lengths in front, so that no two lists of secrets make the same key material.
        material = b"".join(len(part).to_bytes(4, "big") + part for part in (text.encode() for text in secrets))
        derived = HKDF(SHA256(), length=48, salt=store_secret, info=self._HEADER + identity.encode()).derive(material)
        self._cipher = AESGCM(derived[:32])
        self.name = derived[32:].hex()
        self._bound_to = self._HEADER + derived[32:]

    def seal(self, plain: bytes) -> bytes:
        """The sealed form of an entry."""
        nonce = os.urandom(self._NONCE_SIZE)
        return self._HEADER + nonce + self._cipher.encrypt(nonce, plain, self._bound_to)

    def open(self, sealed: bytes | None) -> bytes | None:
        """The entry, or None for anything that this seal did not make."""
        if sealed is None or not sealed.startswith(self._HEADER):
            return None
        nonce, body = sealed[len(self._HEADER) :][: self._NONCE_SIZE], sealed[len(self._HEADER) + self._NONCE_SIZE :]
        try:
            return self._cipher.decrypt(nonce, body, self._bound_to)
        except (InvalidTag, ValueError):
            return None


def prepare_encryption() -> None:
    """Have OpenSSL find its algorithms now, which takes milliseconds at the first use and is inherited by forks."""
    if HAS_CRYPTOGRAPHY:
        Seal("", (), b"").seal(b"")
