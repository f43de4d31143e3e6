# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._reports import (
    Html,
    clean,
    element,
    plain,
    provisioning_lines,
    provisioning_markdown,
    provisioning_report,
    validation_html,
    validation_lines,
    validation_report,
)

HOSTILE = "<script>alert(1)</script> {{ lookup('pipe', 'id') }} \x1b[31m\u202e | `x` [y](javascript:z)\r\nnext & \"'"
UNREACHABLE = {"unreachable": True, "changed": False, "msg": "Connection refused"}


def verdict(name: str = "erp", outcome: str = "valid", **more: Any) -> dict[str, Any]:
    reason = "accepted" if outcome == "valid" else "token_rejected"
    return {
        "name": name,
        "provider": "jim2",
        "outcome": outcome,
        "reason": reason,
        "message": "The token works." if outcome == "valid" else "The server rejected the token.",
        "status": 200,
        "endpoint": "https://jim2.example.com/Jim_Live/api/v1/jobs/0/stock",
        "elapsed_ms": 12,
        "expires_in": 1190,
        "fingerprint": "5f2ad3a0b1c4",
        "reused": False,
        "renewed": False,
        **more,
    }


def result(*verdicts: dict[str, Any]) -> dict[str, Any]:
    return {"changed": False, "verdicts": list(verdicts)}


def assessed(item: str = "support", **more: Any) -> dict[str, Any]:
    return {
        "item": item,
        "account": {"name": item, "provider": "beyondtrust"},
        "verified": True,
        "verdict": {"outcome": "valid", "message": "The token works."},
        "differences": [],
        "unchecked": [],
        "action_required": False,
        "actions": [],
        "portal": None,
        "msg": f"Account '{item}' (beyondtrust): the credentials work.",
        **more,
    }


def for_a_person(item: str, *actions: str, steps: tuple[str, ...] = ("Sign in.", "Choose Save.")) -> dict[str, Any]:
    portal = {"url": "https://support.example.com/login/api_account", "steps": list(steps)}
    return assessed(item, action_required=True, actions=list(actions), portal=portal)


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


# Cleaning


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\r\nlines\tof  it", "two lines of it"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("a\u202eb\u200bc", "a\ufffdb\ufffdc"),
        ("{{ x }} {% y %} {# z #} {{{ a", "{ { x }} { % y %} { # z #} { { { a"),
        ("{ plain } é 漢", "{ plain } é 漢"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_clean(text: Any, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_clean_cuts_what_is_too_long() -> None:
    assert len(clean("x" * 5000)) == 2000
    assert clean("x" * 5000).endswith("…")


def test_plain_makes_pythons_own_types() -> None:
    class Text(str):
        pass

    class Number(int):
        pass

    value = plain({Text("a"): (Text("b"), Number(1), True, None, 1.5, [Text("c")])})
    assert value == {"a": ["b", 1, True, None, 1.5, ["c"]]}
    assert {type(item) for item in value["a"]} == {str, int, bool, type(None), float, list}
    assert type(next(iter(value))) is str


# Validation


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


def test_hostile_text_stays_text_in_html() -> None:
    report = validation_report(
        {
            HOSTILE: result(
                verdict(HOSTILE, "invalid", **dict.fromkeys(("provider", "reason", "message", "endpoint"), HOSTILE))
            ),
            "dead": {"unreachable": True, "msg": HOSTILE},
        },
        generated=HOSTILE,
    )
    written = validation_html(report)
    page = Page(written)
    assert not {"script", "img", "link", "iframe", "a"} & set(page.tags)
    assert not [name for name, _value in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in "".join(page.words)
    for line in [*validation_lines(report), *written.split("\n")]:
        assert "\x1b" not in line
        assert "\u202e" not in line
        assert "{{ lookup" not in line


def test_the_page_loads_nothing() -> None:
    written = validation_html(validation_report({"a": result(verdict())}))
    page = Page(written)
    assert {"link", "script", "img"}.isdisjoint(page.tags)
    assert "url(" not in written
    assert "@import" not in written
    assert ("name", "viewport") in page.attributes
    assert "prefers-color-scheme: dark" in written


def test_element_escapes_all_but_html() -> None:
    assert element("td", "<b>", Html("<br>"), title="\"'>") == '<td title="&quot;&#x27;&gt;">&lt;b&gt;<br></td>'


def test_five_hundred_hosts_take_linear_time() -> None:
    def seconds(count: int) -> float:
        results = {
            f"host-{host}": result(
                *(
                    verdict(
                        f"account-{index}",
                        "valid" if (host + index) % 3 else "invalid",
                        reused=host > 0,
                        fingerprint=f"f{index}",
                    )
                    for index in range(8)
                )
            )
            for host in range(count)
        }
        started = time.process_time()
        report = validation_report(results)
        lines = validation_lines(report)
        page = validation_html(report)
        taken = time.process_time() - started
        assert report["totals"]["checks"] == count * 8
        assert report["totals"]["tokens_requested"] == 8
        assert len(report["problems"]) == 8
        assert len(lines) == count + 1 + 2 + 8 + 1 + 2
        assert page.count("<tr>") == 2 + count + count * 8
        return taken

    seconds(50)
    # Quadratic would be 100 times as long.
    assert seconds(500) < 30 * max(seconds(50), 0.01)


# Provisioning


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
