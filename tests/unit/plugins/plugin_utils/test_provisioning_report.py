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
        "2 accounts: 2 as wanted, 0 a person must act, 0 failed. 2 proven.",
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


def needs(result: dict[str, Any]) -> list[dict[str, Any]]:
    return list(provisioning_report([result])["accounts"][0]["needs"])


def test_what_only_a_person_can_do() -> None:
    result = {
        **for_a_person("support", "change", "rotate"),
        "differences": [{"field": "enabled", "wanted": True, "found": False}],
        "unchecked": ["comments"],
        "unchecked_wanted": {"comments": "Ansible"},
    }
    result["account"].update(base_url="https://support.example.com", client_id="b194")
    result["portal"]["tasks"] = [{"action": "rotate", "steps": ["Renew it."]}]
    url, page = "https://support.example.com/login/api_account", "(Management > API Configuration)"
    assert needs(result) == [
        {
            "action": "change",
            "title": "change the settings",
            "url": url,
            "steps": ["Sign in.", "Choose Save."],
            "found": "enabled is false.",
            "wanted": {"enabled": True},
            "by_hand": False,
        },
        {
            "action": "rotate",
            "title": "renew the secret",
            "url": url,
            "steps": ["Renew it."],
            "found": "",
            "wanted": {},
            "by_hand": True,
        },
        {
            "action": "confirm",
            "title": "confirm the settings that no program can read",
            "url": url,
            "steps": [
                f"Sign in to {url} {page}.",
                "Edit the account with OAuth Client ID b194.",
                "Check that Comments (comments) is Ansible.",
            ],
            "found": "",
            "wanted": {"comments": "Ansible"},
            "by_hand": True,
        },
    ]


@pytest.mark.parametrize("provider", ["rimo3", "cimcloud", "jim2", "beyondtrust", "oauth2", "another"])
def test_where_a_person_looks_at_settings(provider: str) -> None:
    account = {"name": "a", "provider": provider, "base_url": "https://api.example.com", "client_id": "id-1"}
    result = assessed("a", account=account, unchecked=["x", "y"], unchecked_wanted={"x": [1, True], "y": None})
    (need,) = needs(result)
    *where, first, second = need["steps"]
    assert (first, second) == ("Check that x is 1, true.", "Check that y is as this account has it here.")
    assert where
    assert ("id-1" in where[-1]) == (provider != "another")
    assert need["url"].startswith("https://") == (provider != "another")
    assert "{" not in f"{need['url']}{where}"
    assert not [step for step in where if "Save" in step or "Submit" in step or "to change" in step]


def test_settings_that_differ_are_not_to_be_confirmed() -> None:
    result = for_a_person("a", "change")
    result["differences"] = [{"field": "x", "wanted": 1, "found": 2}]
    result["unchecked"] = ["x"]
    assert [need["action"] for need in needs(result)] == ["change"]


@pytest.mark.parametrize(
    ("action", "more", "found"),
    [
        ("delete", {}, "its credentials still work."),
        ("delete", {"verified": False}, "it is still there."),
        ("regain", {}, "the server does not accept the registration access token."),
        ("repair", {"verified": False, "verdict": {"message": "It was refused."}}, "It was refused."),
        ("create", {"verified": False, "verdict": None}, "No complete credentials were given to prove."),
        ("rotate", {}, ""),
    ],
)
def test_why_it_is_needed(action: str, more: dict[str, Any], found: str) -> None:
    assert [need["found"] for need in needs({**for_a_person("a", action), **more})] == [found]


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


def test_an_account_that_is_not_there_yet_or_any_more_has_no_credentials_to_prove() -> None:
    for change in ("created", "deleted", "forgotten"):
        gone = assessed("one", changed=True, change=change, verified=False, verdict=None)
        assert provisioning_report([gone])["accounts"][0]["credentials"] == "none"
    wrong = assessed("one", changed=True, change="updated", verified=False)
    assert provisioning_report([wrong])["accounts"][0]["credentials"] == "not proven"
