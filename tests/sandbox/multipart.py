# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms with files (RFC 7578), read strictly."""

from __future__ import annotations

import email
from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True)
class Part:
    """One part; `filename` is None for a plain field."""

    name: str
    filename: str | None
    content: bytes


def parse_multipart(content_type: str, body: bytes) -> list[Part] | None:
    """The parts, or None if the body is no such form."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        return None
    preamble, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("ascii", "replace"))
    if preamble or not pieces or pieces[-1] not in (b"--", b"--\r\n"):
        return None
    parts = [_part(piece) for piece in pieces[:-1]]
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


def _part(piece: bytes) -> Part | None:
    head, separator, content = piece.partition(b"\r\n\r\n")
    if not head.startswith(b"\r\n") or not separator:
        return None
    message = email.message_from_bytes(head[2:] + b"\r\n\r\n")
    if message.get_content_disposition() != "form-data":
        return None
    name = message.get_param("name", header="content-disposition")
    return Part(name, message.get_filename(), content) if isinstance(name, str) else None
