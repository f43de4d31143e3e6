# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import time

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import MalformedAnswerError
from ansible_collections.apiops.access.plugins.module_utils._http import DEEPEST, LONGEST_WAIT, HttpResponse
from ansible_collections.apiops.access.tests.unit.scripted import answer


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('"\\ud800"', "\N{REPLACEMENT CHARACTER}"),
        ('"a\\uDFFFb"', "a\N{REPLACEMENT CHARACTER}b"),
        ('{"\\udc00\\ud83d": ["\\ud83d\\ude00"]}', {"\N{REPLACEMENT CHARACTER}" * 2: ["\U0001f600"]}),
        ('"\\\\ud800"', "\\ud800"),
        ('"\ufffd"', "\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced(body: str, expected: object) -> None:
    found = answer(200, body=body).json()
    assert found == expected
    str(found).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_levels_without_end_are_no_answer(opening: str, closing: str) -> None:
    def nested(levels: int) -> HttpResponse:
        return answer(200, body=opening * levels + "1" + closing * levels)

    assert nested(DEEPEST).json()
    for levels in (DEEPEST + 1, 500, 5000, 100_000):
        with pytest.raises(MalformedAnswerError):
            nested(levels).json()


@pytest.mark.parametrize("number", ["1" + "0" * 5000, "-" + "9" * 100_000])
def test_a_number_without_end_is_no_answer(number: str) -> None:
    with pytest.raises(MalformedAnswerError):
        answer(200, body=f'{{"expires_in": {number}}}').json()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("9" * 60_000, LONGEST_WAIT),
        ("99999999999", LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Fri, 15 Jan 2027 08:00:05 GMT", 5.0),
        ("Fri, 15 Jan 2027 08:00:05 -0000", 5.0),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", None),
        ("Mon, 99 Jan 2027 08:00:00 GMT", None),
        ("\u00b2", None),
        ("-1", None),
        ("1e5", None),
    ],
)
def test_a_wait_is_a_number_of_seconds_that_can_be(value: str, seconds: float | None) -> None:
    response = answer(429, retry_after=value, date="Fri, 15 Jan 2027 08:00:00 GMT")
    found = response.retry_after
    assert found == seconds or (seconds is None and (found is None or math.isfinite(found)))


def test_a_servers_clock_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert answer(200, date="Fri, 15 Jan 2027 08:00:00 -0000").server_time == 1_800_000_000.0
    assert answer(200, date="Mon, 01 Jan 0001 00:00:00 -0000").clock_skew(0.0) is not None
    assert answer(200, date="nonsense").server_time is None
    monkeypatch.undo()
    time.tzset()
