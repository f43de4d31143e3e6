# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import RefusedError, ServerError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._providers import PROVIDERS
from ansible_collections.apiops.access.plugins.module_utils._providers._base import next_link, verdict_of_error
from ansible_collections.apiops.access.tests.unit.scripted import Script, answer, rimo3


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(200, False), (401, False), (403, False), (404, False), (418, False), (429, True), (500, True), (503, True)],
)
def test_a_verdict_says_whether_the_same_test_may_come_out_otherwise(
    script: Script, status: int, retryable: bool
) -> None:
    verdict = PROVIDERS["rimo3"](rimo3(), script()).judge(answer(status, {}))
    assert verdict.retryable is retryable
    assert verdict.to_dict()["retryable"] is retryable


def test_a_verdict_that_rests_on_an_error_is_as_retryable_as_that() -> None:
    assert verdict_of_error(TransportError("x", kind="timeout")).retryable
    assert verdict_of_error(ServerError("x")).retryable
    assert not verdict_of_error(TransportError("x", kind="certificate", retryable=False)).retryable
    assert not verdict_of_error(RefusedError("x")).retryable


HERE = "https://api.example.com/base/list?page=1"


def following(link: str) -> str | None:
    return next_link(dataclasses.replace(answer(200, [], link=link), url=HERE))


@pytest.mark.parametrize(
    "target",
    [
        "https://user:pw@api.example.com/x", "https://evil.example.com\\@api.example.com/x", "\\\\evil.example.com/x",
        "/base/%2e%2e/%2E%2E/x", "/base/..%2fx", "https://api.example.com/base/../../x", "/x\x1b[2J", "/x\x9b", "/x y",
        "ftp://api.example.com/x", "javascript:alert(1)", "file:///x", "/" + "x" * 5000,
    ],
)  # fmt: skip
def test_a_link_that_is_not_plain_is_not_asked(target: str) -> None:
    with pytest.raises(TransportError) as caught:
        following(f"<{target}>; rel=next")
    assert caught.value.kind == "redirect"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "link",
    [
        "<a>;rel=" + " " * 500_000, "<a>" + ";rel=" * 200_000, "<a>;" + " " * 500_000, "<" * 500_000, "<a>" * 200_000,
        '<a>;rel="' + " " * 500_000, "<a>;" + "x" * 500_000, '<a>;a="' * 100_000, "<a>;rel" + " \t" * 250_000 + "=",
        '<a>; rel="' + "prev " * 100_000 + '"', "<a>" + '; rel="x' * 100_000,
    ],
)  # fmt: skip
def test_a_link_header_takes_no_longer_than_it_is_long(link: str) -> None:
    started = time.process_time()
    with contextlib.suppress(TransportError):
        following(link)
    assert time.process_time() - started < 10
