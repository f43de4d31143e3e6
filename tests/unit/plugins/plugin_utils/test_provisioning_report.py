# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._provisioning_report import (
    provisioning_lines,
    provisioning_markdown,
    provisioning_report,
)

from .report_samples import HOSTILE, assessed, for_a_person


def test_as_wanted() -> None:
    report = provisioning_report([assessed("one"), assessed("two")])
    assert report["not_as_wanted"] == []
    assert report["totals"] == {"accounts": 2, "as_wanted": 2, "action_required": 0, "failed": 0, "proven": 2}
    assert provisioning_lines(report) == [
        "ACCOUNT  PROVIDER     CREDENTIALS  SETTINGS  RESULT",
        "one      beyondtrust  proven       -         as wanted",
        "two      beyondtrust  proven       -         as wanted",
        "",
        "2 accounts: 2 as wanted, 0 a person must act, 0 could not be assessed. 2 proven.",
        "",
        "What people have to do:",
        "  Nothing.",
    ]


def test_differences_and_what_nobody_can_read() -> None:
    difference = {"field": "enabled", "wanted": True, "found": False}
    other = {"field": "ip_addresses", "wanted": ["192.0.2.1", "192.0.2.2"], "found": []}
    report = provisioning_report(
        [{**for_a_person("support", "change"), "differences": [difference, other], "unchecked": ["comments", "name"]}]
    )
    lines = provisioning_lines(report)
    assert "  support: enabled is wanted as true, and found as false." in lines
    assert "  support: ip_addresses is wanted as 192.0.2.1, 192.0.2.2, and found as (empty)." in lines
    assert "  support: Nobody but a person can read comments, name." in lines
    assert report["not_as_wanted"] == ["support"]


def test_the_steps_are_one_list() -> None:
    report = provisioning_report(
        [for_a_person("one", "repair"), assessed("two"), for_a_person("three", "change", "rotate")]
    )
    lines = provisioning_lines(report)
    assert lines[lines.index("What people have to do:") :] == [
        "What people have to do:",
        "  one: repair the credentials",
        "    1. Sign in.",
        "    2. Choose Save.",
        "  three: change the settings, then renew the secret",
        "    3. Sign in.",
        "    4. Choose Save.",
    ]
    assert report["not_as_wanted"] == ["one", "three"]


def test_failures_have_their_message() -> None:
    report = provisioning_report(
        [
            {"item": "one", "failed": False, "msg": "Connection refused.", "failure": {"kind": "connection"}},
            {"item": "two", "unreachable": True, "msg": "no route"},
            {"item": "three"},
            assessed("four"),
        ]
    )
    assert [(account["name"], account["reason"]) for account in report["accounts"]] == [
        ("one", "connection"),
        ("two", "unreachable"),
        ("three", "failed"),
        ("four", ""),
    ]
    assert report["not_as_wanted"] == ["one", "two", "three"]
    lines = provisioning_lines(report)
    assert "  one: Connection refused." in lines
    assert "  three: The task failed without a message." in lines


def test_refused_credentials_show_what_the_server_said() -> None:
    refused = {
        **for_a_person("support", "repair"),
        "verified": False,
        "verdict": {"outcome": "invalid", "message": "Account 'support' (beyondtrust): It was refused."},
    }
    assert "  support: It was refused." in provisioning_lines(provisioning_report([refused]))


def test_an_account_that_is_to_be_made() -> None:
    new = {**for_a_person("new", "create"), "verified": False, "verdict": None}
    report = provisioning_report([new])
    assert report["accounts"][0]["credentials"] == "not given"
    assert "  new: No complete credentials were given to prove." in provisioning_lines(report)


def test_a_failure_names_the_provider_once() -> None:
    failed = {"item": "a.b", "msg": "Account 'a.b' (rimo3): refused the connection."}
    account = provisioning_report([failed])["accounts"][0]
    assert (account["provider"], account["message"]) == ("rimo3", "refused the connection.")


def test_addresses_survive_markdown() -> None:
    address = "https://support.example.com/login/api_account"
    report = provisioning_report([for_a_person("support", "change", steps=(f"Sign in to {address} _now_.",))])
    assert f"1. Sign in to {address} \\_now\\_." in provisioning_markdown(report)


def test_an_absent_account_that_is_gone_is_as_wanted() -> None:
    gone = assessed("old", verified=False, msg="Account 'old' (beyondtrust): the vendor's list no longer has it.")
    report = provisioning_report([gone])
    assert report["not_as_wanted"] == []
    assert "  old: the vendor's list no longer has it." in provisioning_lines(report)


@pytest.mark.parametrize("value", [[], None, {}, [None], ["text"]])
def test_whatever_comes_makes_a_provisioning_report(value: Any) -> None:
    report = provisioning_report(value)
    assert provisioning_lines(report)
    assert provisioning_markdown(report)


def test_hostile_text_stays_text_in_markdown() -> None:
    hostile = {**for_a_person(HOSTILE, "repair", steps=(HOSTILE,)), "verified": False, "verdict": {"message": HOSTILE}}
    written = provisioning_markdown(provisioning_report([hostile], generated="2026-11-20T21:00:00Z"))
    assert "<script" not in written
    assert "](" not in written.replace("\\](", "")
    assert "{{" not in written
    assert "\x1b" not in written
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    # Five cells have six bars that are not escaped.
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}
