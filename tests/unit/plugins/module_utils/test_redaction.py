# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote, quote_plus, urlencode

import pytest
from ansible_collections.apiops.access.plugins.module_utils._redaction import MASK, Redactor, displayable

SECRETS = [
    "plain-s3cret",
    "with:colon",
    "50%off%2F",
    "a+b+c",
    "two words here",
    "caf\u00e9-s\u00e9same",
    "quote\"back\\slash'tick",
    "sla/sh?and&more=x",
    "x" * 199 + "y",
    "?>?>?>~~~",
    ".*(regex)[a-z]+$",
]

FORMS: dict[str, t.Callable[[str], str]] = {
    "raw": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "urlsafe base64": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "quote": quote,
    "quote whole": lambda secret: quote(secret, safe=""),
    "quote_plus": quote_plus,
    "quote in small letters": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "form": lambda secret: urlencode({"client_secret": secret}),
    "json": json.dumps,
    "json unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "basic": lambda secret: "Basic " + base64.b64encode(f"client-1:{secret}".encode()).decode(),
    "basic by rfc 6749": lambda secret: "Basic " + base64.b64encode(f"client-1:{quote_plus(secret)}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_in_every_form(secret: str, form: str) -> None:
    written = FORMS[form](secret)
    masked = Redactor([secret], ["client-1"]).text(f"before {written} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "********" in masked
    assert secret not in masked
    prefixes = ("Basic ", "client_secret=", '"')
    bare = written
    for prefix in prefixes:
        bare = bare.removeprefix(prefix)
    assert bare.rstrip('"') not in masked


def test_a_secret_within_another_does_not_spare_the_rest() -> None:
    masked = Redactor(["abc", "abcdefgh"]).text("abcdefgh abc")
    assert masked == "******** ********"


def test_text_without_a_secret_stays_as_it_is() -> None:
    assert Redactor(["s3cret"], ["client-1"]).text("client-1 at https://x") == "client-1 at https://x"


@pytest.mark.parametrize("nothing", [[], [""]])
def test_no_secret_masks_nothing(nothing: list[str]) -> None:
    assert Redactor(nothing, [""]).text("text") == "text"


def test_nested_results_are_masked_and_keep_their_other_values() -> None:
    data = {"a": ["x s3cret", ("s3cret",)], "b": {"c": "s3cret", "n": 7, "none": None, "yes": True}}
    assert Redactor(["s3cret"]).data(data) == {
        "a": ["x ********", ["********"]],
        "b": {"c": "********", "n": 7, "none": None, "yes": True},
    }


# A server's own words


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": "b"}, True, "", "   ", "\x00\x1b"])
def test_what_is_no_text_is_nothing(value: object) -> None:
    assert Redactor([]).server_text(value) is None


def test_terminal_escapes_and_control_characters_do_not_get_through() -> None:
    text = Redactor([]).server_text("a\x1b[2J\x1b]0;title\x07b\r\nc\td\u202ee\u2028f\x9bg\u200bh")
    assert text is not None
    assert text.isprintable()
    assert text.startswith("a ")


def test_a_servers_text_is_one_short_line() -> None:
    text = Redactor([]).server_text("word \n" * 1000)
    assert text is not None
    assert len(text) <= 300
    assert text.startswith("word word word")


def test_a_secret_at_the_limit_of_the_length_is_not_cut_open() -> None:
    secret = "s3cret" * 30
    for before in range(100, 300, 10):
        text = Redactor([secret]).server_text("x" * before + secret)
        assert text is not None
        assert "s3cret" not in text


@pytest.mark.parametrize("between", ["\n", "\x00", "\t", "  "])
def test_a_secret_with_a_space_is_masked_however_the_space_is_written(between: str) -> None:
    text = Redactor(["two words"]).server_text(f"no two{between}words here")
    assert text is not None
    assert "two words" not in text


@pytest.mark.parametrize("sign", ["\x1b", "\u200b", "\u202e", "\r\n", "\x00", " ", "\ud800"])
def test_a_secret_that_is_taken_apart_is_masked(sign: str) -> None:
    for text in (sign.join("s3cret-value"), f"before s3cr{sign}et-value after"):
        assert Redactor(["s3cret-value"]).server_text(text) == MASK


def test_a_result_for_the_display_has_nothing_that_a_terminal_obeys() -> None:
    obeyed = "\x00\x07\x1b\r\x7f\x85\x9b\u200b\u202e\u2066\u2028\ufeff"
    shown = displayable({f"a{obeyed}": [obeyed, ("x", 5, None, True, 1.5)]})
    marks = "\N{REPLACEMENT CHARACTER}" * len(obeyed)
    assert shown == {f"a{marks}": [marks, ["x", 5, None, True, 1.5]]}
    kept = "tab\t line\n ü \U0001f469\u200d\U0001f680 \u0645\u06cc\u200c\u062e"
    assert displayable(kept) == kept
