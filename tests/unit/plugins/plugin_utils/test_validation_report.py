# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._validation_page import validation_html
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import (
    validation_lines,
    validation_report,
)

from .report_samples import UNREACHABLE, result, verdict


def test_all_valid() -> None:
    report = validation_report(
        {
            "web-1": result(verdict(), verdict("support", provider="beyondtrust", fingerprint="abc")),
            "web-2": result(
                verdict(reused=True), verdict("support", provider="beyondtrust", fingerprint="abc", reused=True)
            ),
        },
        generated="2026-11-20T21:00:00Z",
    )
    assert report["problems"] == []
    assert report["totals"] == {
        "hosts": 2,
        "hosts_tested": 2,
        "hosts_failed": 0,
        "checks": 4,
        "valid": 4,
        "invalid": 0,
        "indeterminate": 0,
        "tokens_requested": 2,
        "tokens_reused": 2,
    }
    assert report["holders"] == {"web-1": ["erp", "support"]}
    assert validation_lines(report) == [
        "HOST   erp          support",
        "web-1  valid 12 ms  valid 12 ms",
        "web-2  valid 12 ms  valid 12 ms",
        "",
        "2 hosts, 0 of them not tested. 4 checks: 4 valid, 0 invalid, 0 indeterminate.",
        "2 tokens requested, reused 2 times.",
    ]


def test_every_host_has_a_row_and_its_reason() -> None:
    report = validation_report(
        {
            "good": result(verdict()),
            "dead": UNREACHABLE,
            "bare": {"failed": False, "msg": "requests is missing", "failure": {"kind": "requests_missing"}},
            "odd": {"module_stderr": "?", "msg": ""},
            "early": {},
            "never": None,
            "skipped": {"skipped": True, "changed": False},
            "empty": result(),
        }
    )
    states = {host["host"]: (host["state"], host["reason"]) for host in report["hosts"]}
    assert states == {
        "good": ("tested", ""),
        "dead": ("unreachable", "unreachable"),
        "bare": ("failed", "requests_missing"),
        "odd": ("failed", "failed"),
        "early": ("not_run", "not_run"),
        "never": ("not_run", "not_run"),
        "skipped": ("not_run", "not_run"),
        "empty": ("no_accounts", "no_accounts"),
    }
    assert all(host["message"] for host in report["hosts"] if host["state"] != "tested")
    assert [problem["title"] for problem in report["problems"]] == [
        "dead: not tested (unreachable)",
        "bare: not tested (requests_missing)",
        "odd: not tested (failed)",
        "early, never, skipped: not tested (not_run)",
    ]
    assert {problem["outcome"] for problem in report["problems"]} == {"indeterminate"}
    assert report["totals"]["hosts_tested"] == 1
    lines = validation_lines(report)
    assert "dead     unreachable" in lines
    assert "empty    -" in lines


def test_hosts_with_different_accounts() -> None:
    report = validation_report({"a": result(verdict("one")), "b": result(verdict("two"))})
    assert [account["name"] for account in report["accounts"]] == ["one", "two"]
    assert validation_lines(report)[1:3] == ["a     valid 12 ms  -", "b     -            valid 12 ms"]


def test_hosts_share_a_problem_whose_message_differs() -> None:
    results = {
        f"h{number}": result(verdict(outcome="invalid", message=f"Account 'erp' (jim2): Refused {number} s ago."))
        for number in range(8)
    }
    report = validation_report(results)
    assert len(report["problems"]) == 1
    assert report["problems"][0]["title"] == "erp on h0, h1, h2, h3, h4, h5 and 2 more: invalid (token_rejected)"
    assert report["problems"][0]["message"] == "Refused 0 s ago."


def test_unreachable_hosts_share_one_problem() -> None:
    results = {f"h{number}": {"unreachable": True, "msg": f"h{number}: timed out"} for number in range(3)}
    report = validation_report(results)
    assert [problem["title"] for problem in report["problems"]] == ["h0, h1, h2: not tested (unreachable)"]
    assert [host["message"] for host in report["hosts"]] == ["h0: timed out", "h1: timed out", "h2: timed out"]


def test_a_renewed_token_counts_once() -> None:
    renewed = verdict(fingerprint="new", renewed=True)
    report = validation_report(
        {"a": result(renewed), "b": result(renewed), "c": result(verdict(fingerprint="new", reused=True))}
    )
    assert report["totals"]["tokens_requested"] == 1
    assert report["totals"]["tokens_reused"] == 2


def test_without_a_token_nothing_is_to_be_given_back() -> None:
    report = validation_report({"a": result(verdict(outcome="invalid", fingerprint=None, elapsed_ms=None))})
    assert report["holders"] == {}
    assert report["totals"]["tokens_requested"] == 0
    assert "a     invalid" in validation_lines(report)


def test_a_name_that_no_host_has() -> None:
    report = validation_report({"a": result(verdict())}, names=["erp", "typo"])
    assert [problem["title"] for problem in report["problems"]] == ["typo: indeterminate (unknown)"]


@pytest.mark.parametrize("results", [{}, {"a": result()}])
def test_nothing_tested_is_a_problem(results: dict[str, Any]) -> None:
    report = validation_report(results, names=["erp"])
    assert [problem["reason"] for problem in report["problems"]] == ["no_accounts"]
    assert validation_lines(report)
    assert "Nothing was tested" in validation_html(report)


@pytest.mark.parametrize("value", [None, [], "text", {"a": "text"}, {"a": {"verdicts": "x"}}, {"a": {"verdicts": [1]}}])
def test_whatever_comes_makes_a_report(value: Any) -> None:
    report = validation_report(value)
    assert report["totals"]["checks"] == 0
    assert validation_html(report)
    assert validation_lines(report)


def test_odd_values_of_a_verdict() -> None:
    odd = verdict(outcome="splendid", status=True, elapsed_ms="fast", expires_in=None, reused="yes")
    shown = validation_report({"a": result(odd)})["hosts"][0]["verdicts"]["erp"]
    assert (shown["outcome"], shown["status"], shown["elapsed_ms"], shown["reused"]) == (
        "indeterminate",
        None,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("fail_on", "failed"),
    [(("invalid", "indeterminate"), ["bad", "dead", "unsure"]), (("invalid",), ["bad"]), ((), [])],
)
def test_hosts_that_failed(fail_on: tuple[str, ...], failed: list[str]) -> None:
    results = {
        "good": result(verdict()),
        "bad": result(verdict(outcome="invalid"), verdict("two", outcome="invalid")),
        "dead": UNREACHABLE,
        "unsure": result(verdict(outcome="indeterminate")),
    }
    report = validation_report(results, fail_on=fail_on)
    assert report["failed_hosts"] == failed
    assert report["totals"]["hosts_failed"] == len(failed)


def test_clocks_that_are_off_are_noted_and_fail_nothing() -> None:
    results = {
        "good": result(verdict(clock_skew=-59)),
        "late": result(verdict(clock_skew=-600), verdict("two", clock_skew=-601)),
        "early": result(verdict(clock_skew=60)),
        "odd": result(verdict(clock_skew="?")),
    }
    report = validation_report(results)
    (note,) = report["notes"]
    assert note["title"] == "Clocks that differ from the servers': late (601 s behind), early (60 s ahead)"
    assert note["hosts"] == ["late", "early"]
    assert report["problems"] == report["failed_hosts"] == []
    assert f"  {note['title']}. {note['message']}" in validation_lines(report)
