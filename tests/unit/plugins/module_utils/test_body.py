# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of requests, read back by parsers that are not our own."""

from __future__ import annotations

import datetime
import email
import email.message
import email.policy
import io
import json
import os
import socket
import typing as t
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from ansible_collections.apiops.access.plugins.module_utils._body import JoinedFiles, request_body
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError
from hypothesis import HealthCheck, Phase, configuration, given, settings, strategies as st

configuration.set_hypothesis_home_dir(Path(__file__).absolute().parents[4] / ".build" / "hypothesis")

# The same examples in every run, so that a failure is one for everybody.
thorough = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def sent(body: t.Any, body_format: str, src: str | None = None) -> tuple[bytes, str]:
    """The bytes of a body as one try sends them, and its Content-Type."""
    made, content_type = request_body(body, body_format, src)
    assert made is not None
    assert content_type is not None
    if not callable(made):
        return made, content_type
    with made() as file:
        return file.read(), content_type


def fields(body: t.Any) -> list[email.message.EmailMessage]:
    """The parts of a multipart form, as Python's own parser finds them."""
    content, content_type = sent(body, "form-multipart")
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = email.message_from_bytes(head + content, policy=email.policy.HTTP)
    assert message.is_multipart()
    assert not message.defects
    return t.cast("list[email.message.EmailMessage]", message.get_payload())


def named(part: email.message.EmailMessage) -> str | None:
    return t.cast("str | None", part.get_param("name", header="content-disposition"))


def payload(part: email.message.EmailMessage) -> bytes:
    return t.cast(bytes, part.get_payload(decode=True))


# JSON, forms, and text


def test_nothing_is_sent_where_there_is_no_body() -> None:
    for body_format in ("json", "form", "form-multipart", "raw"):
        assert request_body(None, body_format, None) == (None, None)


@pytest.mark.parametrize("body", [{"a": [1, None, True, 0.5, "ü"]}, [], {}, "a token", 0, False])
def test_json_is_sent_as_what_it_is(body: t.Any) -> None:
    content, content_type = sent(body, "json")
    assert (json.loads(content), content_type) == (body, "application/json")


def test_a_date_of_a_playbook_is_sent_as_text() -> None:
    content, _content_type = sent({"day": datetime.date(2027, 1, 15)}, "json")
    assert json.loads(content) == {"day": "2027-01-15"}


def test_a_form_has_a_field_for_each_item_of_a_list() -> None:
    body = {"a": ["1", 2], "b": True, "c": None, "d e": "&=ü +", "f": []}
    content, content_type = sent(body, "form")
    assert content_type == "application/x-www-form-urlencoded"
    assert parse_qsl(content.decode("ascii"), keep_blank_values=True, strict_parsing=True) == [
        ("a", "1"),
        ("a", "2"),
        ("b", "true"),
        ("c", ""),
        ("d e", "&=ü +"),
    ]


def test_false_is_written_in_small_letters_in_a_form() -> None:
    assert sent({"on": False}, "form")[0] == b"on=false"


def test_a_form_that_is_text_is_sent_as_it_is() -> None:
    assert sent("a=%20&b=ü", "form")[0] == "a=%20&b=ü".encode()


def test_raw_text_is_sent_as_it_is_without_a_type() -> None:
    assert request_body("<a>ü</a>\r\n", "raw", None) == ("<a>ü</a>\r\n".encode(), None)


@pytest.mark.parametrize(
    ("body_format", "body"),
    [("form", ["a"]), ("form", 1), ("form-multipart", "a=1"), ("form-multipart", ["a"]), ("raw", {"a": 1}), ("raw", 1)],
)
def test_a_body_that_its_format_cannot_carry_is_refused(body_format: str, body: t.Any) -> None:
    with pytest.raises(ConfigurationError, match=f"body_format: {body_format}"):
        request_body(body, body_format, None)


# Files


def test_a_file_is_sent_as_it_is_instead_of_a_body(tmp_path: Path) -> None:
    content = os.urandom(70_000)
    (tmp_path / "file").write_bytes(content)
    assert sent(None, "json", str(tmp_path / "file")) == (content, "application/octet-stream")


def test_a_file_is_opened_anew_for_each_try(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    made, _content_type = request_body(None, "json", str(tmp_path / "file"))
    assert callable(made)
    for _try in range(2):
        with made() as file:
            assert file.read() == b"content"


@pytest.mark.parametrize("kind", ["missing", "folder", "unreadable"])
@pytest.mark.parametrize("body_format", ["src", "form-multipart"])
def test_a_file_that_cannot_be_read_is_named_with_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, body_format: str
) -> None:
    path = tmp_path / "file"
    if kind == "folder":
        path.mkdir()
    if kind == "unreadable":
        path.write_bytes(b"content")
        # The superuser may read anything, so the system's word is replaced.
        monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    given_body = (
        (None, "json", str(path)) if body_format == "src" else ({"upload": {"filename": str(path)}}, body_format, None)
    )
    with pytest.raises(ConfigurationError) as caught:
        request_body(*given_body)
    assert str(path) in str(caught.value)
    assert socket.gethostname() in str(caught.value)


# Forms with files


def test_a_form_with_files_is_read_back_as_it_was_meant(tmp_path: Path) -> None:
    content = b"\r\n--" + os.urandom(70_000) + b"\r\n"
    (tmp_path / "tool.msi").write_bytes(content)
    body = {
        "text": "ü\r\nsecond line",
        "on": True,
        "none": None,
        "several": ["1", 2],
        "file": {"filename": str(tmp_path / "tool.msi"), "mime_type": "application/x-msi"},
        "made": {"content": "a,b\n", "filename": "/not/there/table.csv"},
        "plain": {"content": "{}", "mime_type": "application/json; charset=utf-8"},
    }
    found = fields(body)
    assert [(named(part), part.get_filename()) for part in found] == [
        ("text", None),
        ("on", None),
        ("none", None),
        ("several", None),
        ("several", None),
        ("file", "tool.msi"),
        ("made", "table.csv"),
        ("plain", None),
    ]
    assert [payload(part) for part in found] == [
        "ü\r\nsecond line".encode(),
        b"true",
        b"",
        b"1",
        b"2",
        content,
        b"a,b\n",
        b"{}",
    ]
    types = [part.get_content_type() for part in found[5:]]
    assert types == ["application/x-msi", "text/csv", "application/json"]
    assert all(part.get_content_disposition() == "form-data" for part in found)
    assert "content-type" not in found[0]  # a field, which is no file


def test_a_file_of_no_known_kind_is_sent_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0")
    (part,) = fields({"upload": {"filename": str(tmp_path / "file")}})
    assert part.get_content_type() == "application/octet-stream"


def test_content_that_is_empty_is_content(tmp_path: Path) -> None:
    (part,) = fields({"upload": {"filename": str(tmp_path / "missing"), "content": ""}})
    assert (part.get_filename(), payload(part)) == ("missing", b"")


def test_each_form_has_a_boundary_of_its_own() -> None:
    assert len({sent({"a": "b"}, "form-multipart")[1] for _form in range(5)}) == 5


def test_a_form_without_fields_is_whole() -> None:
    content, content_type = sent({}, "form-multipart")
    assert content == f"--{content_type.partition('boundary=')[2]}--\r\n".encode()


@pytest.mark.parametrize("place", ["name", "filename"])
def test_a_name_cannot_break_out_of_its_header(place: str) -> None:
    bad = 'a"; name="b"\r\nX-Injected: 1\n\rü'
    body = {bad: "1"} if place == "name" else {"field": {"filename": bad, "content": "1"}}
    (part,) = fields(body)
    assert "x-injected" not in part
    content, _content_type = sent(body, "form-multipart")
    # As browsers write it (WHATWG HTML, multipart/form-data encoding algorithm).
    assert f'{place}="a%22; name=%22b%22%0D%0AX-Injected: 1%0A%0Dü"'.encode() in content


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"mime_type": "text/plain"},
        {"filename": None},
        {"filename": "a", "content": "b", "mimetype": "text/plain"},
        {"content": "a", "mime_type": "text/plain\r\nX-Injected: 1"},
        {"content": "a", "mime_type": "text/plain\n\nbody"},
        {"content": "a", "mime_type": "text/plün"},
    ],
)
def test_a_field_that_cannot_be_sent_is_named(item: dict[str, t.Any]) -> None:
    with pytest.raises(ConfigurationError, match="'upload'"):
        request_body({"upload": item}, "form-multipart", None)


def test_a_form_is_made_anew_for_each_try(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    made, _content_type = request_body({"a": {"filename": str(tmp_path / "file")}}, "form-multipart", None)
    assert callable(made)
    with made() as first, made() as second:
        assert first.read() == second.read() != b""


# Files that are joined


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("joined")


def joined(folder: Path, parts: list[tuple[bool, bytes]]) -> tuple[JoinedFiles, bytes]:
    """Joined files of which some are in files and some in memory, and what they must be alike to."""
    given_parts: list[bytes | str] = []
    for number, (in_file, content) in enumerate(parts):
        if in_file:
            (folder / str(number)).write_bytes(content)
        given_parts.append(str(folder / str(number)) if in_file else content)
    return JoinedFiles(given_parts), b"".join(content for _in_file, content in parts)


PARTS = st.lists(st.tuples(st.booleans(), st.binary(max_size=9)), max_size=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 30)),
        st.tuples(st.sampled_from(["set", "cur", "end"]), st.integers(-30, 30)),
    ),
    max_size=10,
)
WHENCE = {"set": os.SEEK_SET, "cur": os.SEEK_CUR, "end": os.SEEK_END}


@thorough
@given(parts=PARTS, steps=STEPS)
def test_joined_files_are_like_one_file_of_all_their_bytes(
    folder: Path, parts: list[tuple[bool, bytes]], steps: list[tuple[str, int]]
) -> None:
    files, whole = joined(folder, parts)
    plain = io.BytesIO(whole)
    with files:
        assert len(files) == len(whole)
        for step, number in steps:
            if step == "read" and number < 0:
                assert files.read() == plain.read()
            elif step == "read":
                # A read may give less, but not nothing before the end (io.RawIOBase.read).
                chunk = files.read(number)
                assert plain.read(len(chunk)) == chunk
                assert chunk or number == 0 or plain.tell() >= len(whole)
            else:
                base = {"set": 0, "cur": plain.tell(), "end": len(whole)}[step]
                plain.seek(max(0, base + number))
                files.seek(number, WHENCE[step])
            assert files.tell() == plain.tell()


def test_joined_files_are_read_in_pieces_whatever_their_size(folder: Path) -> None:
    files, whole = joined(folder, [(False, b"head"), (True, os.urandom(200_000)), (False, b"tail")])
    with files:
        assert b"".join(iter(lambda: files.read(65536), b"")) == whole


def test_joined_files_close_all_of_their_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[t.Any] = []
    usual = open

    def noting(*args: t.Any, **details: t.Any) -> t.Any:
        opened.append(usual(*args, **details))
        return opened[-1]

    for name in ("1", "2"):
        (folder / name).write_bytes(b"x")
    monkeypatch.setattr("builtins.open", noting)
    files = JoinedFiles([str(folder / "1"), b"between", str(folder / "2")])
    monkeypatch.undo()
    assert [file.closed for file in opened] == [False, False]
    files.close()
    assert files.closed
    assert [file.closed for file in opened] == [True, True]


def test_joined_files_can_be_read_through_a_buffer(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"of a file")
    with io.BufferedReader(JoinedFiles([b"the text, ", str(tmp_path / "file")])) as buffered:
        assert buffered.read() == b"the text, of a file"
        buffered.seek(4)
        assert buffered.read(4) == b"text"


@pytest.mark.parametrize("body", [{1, 2}, float("nan"), {"nested": [object()]}])
def test_a_value_that_json_has_not_is_told(body: t.Any) -> None:
    with pytest.raises(ConfigurationError, match="a value that JSON has not"):
        request_body(body, "json", None)
