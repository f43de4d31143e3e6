# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.apiops.access.plugins.filter import provisioning_report, validation_report

RESULTS = {
    "web-1": {"verdicts": [{"name": "erp", "provider": "jim2", "outcome": "valid", "message": "The token works."}]},
    "web-2": {"unreachable": True, "msg": "Connection refused"},
}
LOOP = [{"item": "erp", "msg": "Connection refused.", "failure": {"kind": "connection"}}]

validation: Callable[..., Any] = validation_report.FilterModule().filters()["validation_report"]
provisioning: Callable[..., Any] = provisioning_report.FilterModule().filters()["provisioning_report"]


def test_validation_formats_of_results_and_of_a_report() -> None:
    report = validation(RESULTS, generated="2026-11-20T21:00:00Z", names=["erp"])
    assert report["totals"]["checks"] == 1
    assert validation(report) == report
    assert json.loads(validation(report, format="json")) == report
    for format in ("lines", "json", "html", "junit"):
        assert validation(report, format=format) == validation(RESULTS, format, "2026-11-20T21:00:00Z", ["erp"])


def test_hosts_that_are_named_like_the_parts_of_a_report() -> None:
    parts = list(validation(RESULTS))
    report = validation(dict.fromkeys(parts, RESULTS["web-1"]))
    assert [host["host"] for host in report["hosts"]] == parts


def test_the_history_goes_from_run_to_run() -> None:
    first = validation(RESULTS, generated="2026-11-20T21:00:00Z", history="")
    text = validation(first, format="history", history="")
    changed = {**RESULTS, "web-2": RESULTS["web-1"]}
    second = validation(changed, generated="2026-11-21T21:00:00Z", history=text)
    assert [change["title"] for change in second["changes"]] == [
        "web-2: tested, was unreachable",
        "erp on web-2: valid, not tested before",
    ]
    assert second["previous"] == "2026-11-20T21:00:00Z"
    with pytest.raises(AnsibleFilterError, match="needs history"):
        validation(second, format="history")


def test_what_fails_a_host_is_the_callers_choice() -> None:
    assert validation(RESULTS)["failed_hosts"] == ["web-2"]
    assert validation(RESULTS, fail_on=["invalid"])["failed_hosts"] == []


def test_provisioning_formats_of_results_and_of_a_report() -> None:
    report = provisioning(LOOP, generated="2026-11-20T21:00:00Z")
    assert report["not_as_wanted"] == ["erp"]
    assert provisioning(report) == report
    assert json.loads(provisioning(report, format="json")) == report
    for format in ("lines", "json", "markdown"):
        assert provisioning(report, format=format) == provisioning(LOOP, format, "2026-11-20T21:00:00Z")


NEEDED = [
    {
        "item": "erp",
        "account": {"name": "erp", "provider": "jim2"},
        "verified": False,
        "action_required": True,
        "actions": ["repair"],
        "portal": {"url": "https://jim2.example.com", "steps": ["Sign in."]},
    }
]


def test_the_work_list_goes_from_run_to_run() -> None:
    first = provisioning(NEEDED, generated="2026-11-20T21:00:00Z", work_list="")
    assert [(item["account"], item["since"]) for item in first["work"]["open"]] == [("erp", "2026-11-20")]
    text = provisioning(first, format="work_list", work_list="")
    assert "- [ ] **erp**: repair the credentials (since 2026-11-20)\n" in text
    assert text == provisioning(NEEDED, "work_list", "2026-11-20T21:00:00Z", "")
    assert provisioning(first, format="work_list", work_list=text) == text
    failed = provisioning(LOOP, generated="2026-11-21T21:00:00Z", work_list=text)
    assert [item["state"] for item in failed["work"]["open"]] == ["kept"]
    gone = provisioning(LOOP[:0], generated="2026-11-21T21:00:00Z", work_list=text, names=["shop"])
    assert (gone["work"]["open"], gone["work"]["done_now"][0]["by"]) == ([], "left")
    for report in (first, failed, gone):
        assert provisioning(report) == report
        assert json.loads(provisioning(report, format="json")) == report
    assert "  erp: repair the credentials (since 2026-11-20)" in provisioning(first, format="lines")
    assert "Off the list in this run:" in provisioning(gone, format="lines")


def test_without_a_work_list_the_report_has_none() -> None:
    report = provisioning(NEEDED, generated="2026-11-20T21:00:00Z")
    assert "work" not in report
    assert "  erp: repair the credentials" in provisioning(report, format="lines")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "work_list"}, "needs work_list"),
        ({"work_list": "# Mine"}, "no work list"),
        ({"format": "lines", "work_list": "<!-- apiops.access work list 2 -->"}, "another version"),
        ({"work_list": "", "generated": ""}, "Set generated"),
        ({"work_list": ["text"]}, "work_list must be text"),
        ({"work_list": "", "names": "erp,shop"}, "names must be a list"),
    ],
)
def test_what_is_no_work_list(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        provisioning(NEEDED, **{"generated": "2026-11-20T21:00:00Z", **options})


@pytest.mark.parametrize("value", [None, "text", [RESULTS]])
def test_validation_needs_results(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="results by host"):
        validation(value)


@pytest.mark.parametrize("value", [None, "text", {"results": LOOP}])
def test_provisioning_needs_results(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="loop's results"):
        provisioning(value)


@pytest.mark.parametrize(("make", "value"), [(validation, RESULTS), (provisioning, LOOP)])
def test_unknown_format(make: Callable[..., Any], value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="formats report, lines, json"):
        make(value, format="pdf")
