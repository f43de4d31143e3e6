# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""XML answers: parsed without entities, by local names, and as plain data."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

from ._errors import MalformedAnswerError
from ._http import DEEPEST


def parse_xml(body: bytes) -> ElementTree.Element | None:
    """The root of an XML document; None for anything else, and for one with a document type.

    A document type is never part of the answers that are parsed here; without it there are no entities to expand.
    """
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    # A zero byte is of UTF-16, in which a document type would not be seen here. In every other code that the parser
    # takes, the bytes of ASCII are themselves.
    if any(mark in body for mark in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):
        return None
    try:
        return ElementTree.fromstring(body)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def local_name(name: str) -> str:
    """A name without its namespace, which differs by release at BeyondTrust."""
    return name.rpartition("}")[2]


def xml_data(element: ElementTree.Element, level: int = 0) -> t.Any:
    """An element as data: its text, or a dictionary of its children by name, a list where a name comes twice.

    Attributes have an ``@`` in front, and the text beside attributes or children is ``#text``. Raises
    MalformedAnswerError for elements in elements without an end.
    """
    if level > DEEPEST:
        raise MalformedAnswerError(f"The answer is XML with more than {DEEPEST} elements in each other.")
    data: dict[str, t.Any] = {f"@{local_name(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = local_name(child.tag), xml_data(child, level + 1)
        if name not in data:
            data[name] = value
        elif isinstance(data[name], list):
            data[name].append(value)
        else:
            data[name] = [data[name], value]
    text = (element.text or "").strip()
    if not data:
        return text
    return {**data, "#text": text} if text else data
