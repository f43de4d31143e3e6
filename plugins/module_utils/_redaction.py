# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Find a secret in any form it can take in a text, and mask it.

Core masks only the literal value of a ``no_log`` option; a secret also travels as Base64 (RFC 7617),
form- or URL-encoded (RFC 6749 section 2.3), and JSON-escaped (RFC 8259).
"""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

MASK = "********"

SERVER_TEXT_LIMIT = 300
"""Characters of a server's own words that a message may carry."""


def forms_of(secret: str, identifier: str | None = None) -> set[str]:
    """Every form of a secret; with the ``identifier`` that goes before it in Basic credentials, theirs too."""
    encoded = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    encoded |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    encoded |= {re.sub("%..", lambda code: code[0].lower(), form) for form in encoded if "%" in form}
    plain = {secret}
    if identifier is not None:
        plain |= {f"{identifier}:{secret}", f"{quote_plus(identifier)}:{quote_plus(secret)}"}
    for text in plain:
        # Without the padding, so that it is found with it and without.
        encoded.add(base64.b64encode(text.encode()).decode().rstrip("="))
        encoded.add(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))
    return {form for form in encoded if form}


# What a terminal obeys (C0 and C1, but for tab and line feed), and what nobody sees or what turns text round.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def displayable(value: t.Any) -> t.Any:
    """The same structure with nothing in its texts that a terminal obeys: for results that are shown in any case."""
    if isinstance(value, str):
        return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {displayable(key): displayable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [displayable(item) for item in value]
    return value


class Redactor:
    """Masks a set of secrets in texts and in nested results."""

    def __init__(self, secrets: t.Iterable[str], identifiers: t.Iterable[str] = ()) -> None:
        names: list[str | None] = [None, *(name for name in identifiers if name)]
        forms = {form for secret in secrets if secret for name in names for form in forms_of(secret, name)}
        # Longest first, so that a form that contains another is masked whole.
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with every form of every secret masked."""
        found = [form for form in self._forms if form in text]
        # Most texts have none, and to compile a pattern of all forms would take longer than all else.
        return re.sub("|".join(map(re.escape, found)), MASK, text) if found else text

    def server_text(self, text: object) -> str | None:
        """A server's own words made fit for a message: masked, one line, no control characters, bounded."""
        if not isinstance(text, str):
            return None
        # Masked before and after: tidying could both hide a secret from the mask and bring one about.
        printable = "".join(char if char.isprintable() else " " for char in self.text(text))
        words = self.text(" ".join(printable.split()))
        # One that is taken apart by signs that nobody sees is still there to be read.
        joined = words.replace(" ", "")
        if any(form.replace(" ", "") in joined for form in self._forms):
            return MASK
        return words[:SERVER_TEXT_LIMIT] or None

    def data(self, value: t.Any) -> t.Any:
        """The same structure with every string in it masked, but for keys, which Ansible looks for (``failed``)."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value
