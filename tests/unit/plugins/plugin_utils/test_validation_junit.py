# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ansible_collections.apiops.access.plugins.plugin_utils._validation_junit import validation_junit
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import validation_report

from .report_samples import HOSTILE, UNREACHABLE, result, verdict


def junit_of(results: dict[str, Any], **options: Any) -> ElementTree.Element:
    report = validation_report(results, generated="2026-11-20T21:00:00Z", **options)
    return ElementTree.fromstring(validation_junit(report))


def numbers(element: ElementTree.Element) -> tuple[str | None, ...]:
    return tuple(element.get(name) for name in ("tests", "failures", "errors", "skipped"))


def test_a_suite_an_account_and_a_case_a_host() -> None:
    refused = verdict("erp", "invalid", message="The server refused it.", elapsed_ms=250)
    unsure = verdict("support", "indeterminate", reason="unhealthy", message="Status 503.", elapsed_ms=None)
    root = junit_of(
        {
            "web-1": result(verdict(elapsed_ms=1500), unsure),
            "web-2": result(refused),
            "dead": UNREACHABLE,
            "empty": result(),
        }
    )
    assert root.tag == "testsuites"
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["hosts", "erp", "support"]
    assert numbers(suites["hosts"]) == ("4", "0", "1", "1")
    assert numbers(suites["erp"]) == ("2", "1", "0", "0")
    assert numbers(suites["support"]) == ("1", "0", "1", "0")
    assert numbers(root) == ("7", "1", "2", "1")
    assert suites["erp"].get("time") == "1.750"
    assert suites["erp"].get("timestamp") == "2026-11-20T21:00:00"
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert len(cases[("erp", "web-1")]) == 0
    failure = cases[("erp", "web-2")][0]
    assert (failure.tag, failure.get("type"), failure.text) == ("failure", "token_rejected", "The server refused it.")
    assert cases[("support", "web-1")][0].get("message") == "Status 503."
    assert cases[("hosts", "dead")][0].get("type") == "unreachable"
    assert cases[("hosts", "empty")][0].tag == "skipped"


def test_a_problem_of_no_host_is_a_case_too() -> None:
    assert numbers(junit_of({"a": result(verdict())}, names=["typo"])[0]) == ("2", "0", "1", "0")
    assert numbers(junit_of({}))[2] == "1"


def test_hostile_text_stays_text() -> None:
    root = junit_of({HOSTILE: result(verdict(HOSTILE, "invalid", message=f"]]> {HOSTILE} \x00"))})
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "testcase", "failure"}
    assert "<script>alert(1)</script>" in str(root.find(".//failure").text)  # type: ignore[union-attr]
