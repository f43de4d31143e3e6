# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import MalformedAnswerError
from ansible_collections.apiops.access.plugins.module_utils._xml import local_name, parse_xml, xml_data


def data(text: str) -> t.Any:
    root = parse_xml(text.encode())
    assert root is not None
    return xml_data(root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a/>", ""),
        ("<a>  1 \n</a>", "1"),
        ("<a><b>1</b></a>", {"b": "1"}),
        ("<a><b>1</b><b>2</b></a>", {"b": ["1", "2"]}),
        ("<a><b>1</b><c/><b>2</b><b><d>3</d></b></a>", {"b": ["1", "2", {"d": "3"}], "c": ""}),
        ("<a b='1'/>", {"@b": "1"}),
        ("<a b='1'>text</a>", {"@b": "1", "#text": "text"}),
        ("<a>text<b/></a>", {"b": "", "#text": "text"}),
        ("<a b='1'><b>2</b></a>", {"@b": "1", "b": "2"}),
        ("<a>&lt;&amp;&#252;</a>", "<&ü"),
        ("<a><![CDATA[<b>]]></a>", "<b>"),
        ("<a><!-- no --><?no thing?><b>1</b></a>", {"b": "1"}),
    ],
)
def test_an_element_is_its_text_or_a_dictionary(text: str, expected: t.Any) -> None:
    assert data(text) == expected


def test_names_have_no_namespace() -> None:
    text = '<n:a xmlns:n="urn:1" xmlns="urn:2" n:b="1"><c xmlns="urn:3">2</c><n:c>3</n:c></n:a>'
    assert data(text) == {"@b": "1", "c": ["2", "3"]}
    root = parse_xml(text.encode())
    assert root is not None
    assert local_name(root.tag) == "a"


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b'<?xml version="1.0" encoding="UTF-8"?>', b"<!-- a -->"])
def test_a_document_is_known_by_its_first_sign(start: bytes) -> None:
    root = parse_xml(start + "<a>ü</a>".encode())
    assert root is not None
    assert root.text == "ü"


def test_a_declared_encoding_is_followed() -> None:
    root = parse_xml(b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xfc</a>')
    assert root is not None
    assert root.text == "ü"


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"text <a/>", b"<a>", b"<a></b>", b"<a/><b/>", b"<a>\xff</a>"])
def test_anything_else_is_no_document(body: bytes) -> None:
    assert parse_xml(body) is None


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


@pytest.mark.parametrize("text", [BOMB, FILE, "<!DOCTYPE a><a/>", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/"><a/>'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_a_document_type_is_never_read(text: str, encoding: str) -> None:
    for declared in (text, f'<?xml version="1.0" encoding="{encoding}"?>{text}'):
        assert parse_xml(declared.encode(encoding)) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_not_read(encoding: str) -> None:
    assert parse_xml("<a>b</a>".encode(encoding)) is None


@pytest.mark.parametrize("encoding", ["utf-7", "no-such-code", "base64", "idna"])
def test_an_encoding_that_cannot_be_read_is_no_document(encoding: str) -> None:
    assert parse_xml(f'<?xml version="1.0" encoding="{encoding}"?><a>b</a>'.encode()) is None


def test_an_entity_that_nobody_declared_is_no_document() -> None:
    assert parse_xml(b"<a>&b;</a>") is None


@pytest.mark.parametrize("encoding", ["cp037", "cp500", "cp1140", "IBM037", "utf-16", "UTF-7", "x" * 50])
def test_a_document_type_hides_in_no_other_code(encoding: str) -> None:
    """In EBCDIC the bytes of a document type are others, so it must not be read."""
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    for text in ("<a>b</a>", BOMB):
        assert parse_xml(declared + text.encode("cp037")) is None
        assert parse_xml(declared + text.encode()) is None


def test_deep_and_wide_documents_take_no_longer_than_they_are_long() -> None:
    started = time.process_time()
    deep = parse_xml(b"<a>" * 50_000 + b"</a>" * 50_000)
    assert deep is not None
    with pytest.raises(MalformedAnswerError):
        xml_data(deep)
    wide = parse_xml(b"<a>" + b"<b/>" * 100_000 + b"</a>")
    assert wide is not None
    assert len(xml_data(wide)["b"]) == 100_000
    assert parse_xml(b"<a " + b"b='1' " * 50_000 + b"/>") is None
    assert parse_xml(b"<?x " * 100_000) is None
    assert time.process_time() - started < 20
