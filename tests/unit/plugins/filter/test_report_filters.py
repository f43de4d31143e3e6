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
    for format in ("lines", "json", "html"):
        assert validation(report, format=format) == validation(RESULTS, format, "2026-11-20T21:00:00Z", ["erp"])


def test_hosts_that_are_named_like_the_parts_of_a_report() -> None:
    parts = ("accounts", "hosts", "problems", "totals", "holders", "generated")
    report = validation(dict.fromkeys(parts, RESULTS["web-1"]))
    assert [host["host"] for host in report["hosts"]] == list(parts)


def test_provisioning_formats_of_results_and_of_a_report() -> None:
    report = provisioning(LOOP, generated="2026-11-20T21:00:00Z")
    assert report["not_as_wanted"] == ["erp"]
    assert provisioning(report) == report
    assert json.loads(provisioning(report, format="json")) == report
    for format in ("lines", "json", "markdown"):
        assert provisioning(report, format=format) == provisioning(LOOP, format, "2026-11-20T21:00:00Z")


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
