# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The bodies of requests: JSON, form, raw, and multipart forms that are read from their files while they are sent."""

from __future__ import annotations

import datetime
import io
import json
import mimetypes
import os
import socket
import typing as t
import uuid
from urllib.parse import urlencode

from ._errors import ConfigurationError

Body = t.Union[bytes, t.Callable[[], t.BinaryIO], None]


class JoinedFiles(io.RawIOBase):
    """Texts and files one after the other, as one file that is never in memory as a whole."""

    def __init__(self, parts: t.Sequence[bytes | str]) -> None:
        """``parts``: bytes as they are, and the paths of files. Raises OSError."""
        super().__init__()
        self._files: list[t.BinaryIO] = []
        self._ends: list[int] = []
        self._position = 0
        for part in parts:
            file: t.BinaryIO = io.BytesIO(part) if isinstance(part, bytes) else open(part, "rb")  # noqa: SIM115
            self._files.append(file)
            self._ends.append(len(self) + file.seek(0, os.SEEK_END))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self)}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: t.Any) -> int:
        for file, end in zip(self._files, self._ends):
            if self._position < end:
                file.seek(self._position - end, os.SEEK_END)
                chunk = file.read(min(len(buffer), end - self._position))
                buffer[: len(chunk)] = chunk
                self._position += len(chunk)
                return len(chunk)
        return 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()


def request_body(body: t.Any, body_format: str, src: str | None) -> tuple[Body, str | None]:
    """The body, and its Content-Type where the format says it. Raises ConfigurationError."""
    if src is not None:
        return _file(src), "application/octet-stream"
    if body is None:
        return None, None
    if body_format == "json":
        return _json(body), "application/json"
    if body_format == "form":
        return _form(body), "application/x-www-form-urlencoded"
    if body_format == "form-multipart":
        return _multipart(body)
    if not isinstance(body, str):
        raise ConfigurationError("body must be text with body_format: raw.")
    return body.encode(), None


def _form(body: t.Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if not isinstance(body, dict):
        raise ConfigurationError("body must be a dictionary, or text that is encoded already, with body_format: form.")
    return urlencode(form_pairs(body)).encode()


def _json(body: t.Any) -> bytes:
    """The body as JSON; dates, which YAML makes of what looks like one, as ISO 8601. Raises ConfigurationError."""
    try:
        return json.dumps(body, allow_nan=False, default=_iso).encode()
    except (TypeError, ValueError):
        raise ConfigurationError(
            "body has a value that JSON has not. Put quotes around what is meant as text."
        ) from None


def _iso(value: t.Any) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    raise TypeError


def form_pairs(fields: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Names and values of a form or a query; a list gives a name several times."""
    return [(str(name), _text(value)) for name, item in fields.items() for value in _values(item)]


def _values(item: t.Any) -> list[t.Any]:
    return list(item) if isinstance(item, (list, tuple)) else [item]


def _text(value: t.Any) -> str:
    """A value in a form, where true and false are written as in JSON, and nothing is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _file(path: str) -> t.Callable[[], t.BinaryIO]:
    _check_file(path)
    return lambda: open(path, "rb")


def _check_file(path: str) -> None:
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise ConfigurationError(
            f"The file '{path}' cannot be read on {socket.gethostname()}. It must be on the machine that calls."
        )


def _multipart(body: t.Any) -> tuple[t.Callable[[], t.BinaryIO], str]:
    """A form with files (RFC 7578). A field is a value, or has ``filename``, ``content`` and ``mime_type``."""
    if not isinstance(body, dict):
        raise ConfigurationError("body must be a dictionary with body_format: form-multipart.")
    boundary = uuid.uuid4().hex
    parts: list[bytes | str] = []
    for name, item in body.items():
        for value in _values(item):
            parts += [f"--{boundary}\r\n".encode(), *_part(str(name), value), b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return (lambda: t.cast(t.BinaryIO, JoinedFiles(parts))), f"multipart/form-data; boundary={boundary}"


def _part(name: str, value: t.Any) -> list[bytes | str]:
    disposition = f'form-data; name="{_quoted(name)}"'
    if not isinstance(value, dict):
        return [f"Content-Disposition: {disposition}\r\n\r\n".encode(), _text(value).encode()]
    unknown = sorted(set(value) - {"filename", "content", "mime_type"})
    path, content = value.get("filename"), value.get("content")
    if unknown or (path is None and content is None):
        raise ConfigurationError(
            f"The field '{name}' of body must be a value, or have filename or content, and perhaps mime_type."
        )
    if content is None:
        _check_file(str(path))
    if path is not None:
        disposition += f'; filename="{_quoted(os.path.basename(str(path)))}"'
    mime_type = str(value.get("mime_type") or mimetypes.guess_type(str(path or ""))[0] or "application/octet-stream")
    if not mime_type.isascii() or not mime_type.isprintable():
        raise ConfigurationError(f"The mime_type of the field '{name}' of body is none.")
    head = f"Content-Disposition: {disposition}\r\nContent-Type: {mime_type}\r\n\r\n".encode()
    return [head, _text(content).encode() if content is not None else str(path)]


def _quoted(name: str) -> str:
    """A name in a header of a part, as browsers write it (WHATWG, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
