# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for secrets where they must not be, in every form they can take; independent of the plugins' masking."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.parse
from pathlib import Path

from ..sandbox.server import SandboxHandle


def forms(secret: str) -> set[bytes]:
    """A secret's raw, Base64, URL-encoded and JSON-escaped forms."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(secret, safe="").encode(), urllib.parse.quote_plus(secret).encode()}
    once = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # Ansible prints results as JSON, so that what holds JSON is escaped twice.
    twice = {json.dumps(text, ensure_ascii=plain)[1:-1] for text in once for plain in (True, False)}
    found |= {text.encode() for text in once | twice}
    # Inside longer Base64 the text depends on where the secret starts; the middle of it is always there.
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + raw)
        found.add(padded[4:-4])
        found.add(base64.urlsafe_b64encode(b"\0" * offset + raw)[4:-4])
    return {form for form in found if len(form) >= 8}


class LeakDetector:
    """Knows every secret of a sandbox, ``more`` that a test has, and every token unless it is told otherwise."""

    def __init__(self, sandbox: SandboxHandle, *, tokens: bool = True, more: t.Iterable[str] = ()) -> None:
        known = sandbox.control("GET", "/secrets")
        searched = [*known["secrets"], *more, *(known["tokens"] if tokens else [])]
        self._forms = {form: secret for secret in searched for form in forms(secret)}
        assert self._forms

    def in_text(self, text: str) -> list[str]:
        """The beginnings of what leaked into a text; enough to find it, and no leak of its own."""
        return self._in_bytes(text.encode("utf-8", "surrogateescape"))

    def _in_bytes(self, data: bytes) -> list[str]:
        return sorted({f"{secret[:4]}... as {form[:6]!r}..." for form, secret in self._forms.items() if form in data})

    def in_files(self, folder: Path) -> dict[str, list[str]]:
        """What leaked into the files below a folder, by file."""
        found = {}
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                leaked = self._in_bytes(path.read_bytes()) + self._in_bytes(str(path).encode())
                if leaked:
                    found[str(path)] = leaked
        return found


def assert_clean(detector: LeakDetector, output: str, folders: t.Iterable[Path]) -> None:
    """No secret in the output, and none in any file below the folders."""
    found = {"the output": detector.in_text(output)}
    for folder in folders:
        found.update(detector.in_files(folder))
    leaked = {where: what for where, what in found.items() if what}
    if leaked:
        raise AssertionError(f"leaked: {leaked}")
