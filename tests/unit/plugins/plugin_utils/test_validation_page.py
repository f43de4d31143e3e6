# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from typing import Any

from ansible_collections.apiops.access.plugins.plugin_utils._validation_history import read_history, written_history
from ansible_collections.apiops.access.plugins.plugin_utils._validation_page import Html, element, validation_html
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import (
    validation_lines,
    validation_report,
)

from .report_samples import HOSTILE, UNREACHABLE, result, verdict

MONDAY, TUESDAY = "2026-11-16T03:15:00Z", "2026-11-17T03:15:00Z"


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.checks: list[tuple[str, str]] = []
        """Of each cell of a check: its host, and what its title tells."""
        self.details: list[list[str]] = []
        """Of each row of the details: the words of its cells."""
        self.table = ""
        self.row: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        known = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.table = known["id"]
        elif tag in ("th", "td"):
            if "check" in known.get("class", "").split():
                self.checks.append((self.row[0], known["title"]))
            self.row.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.details += [self.row] if self.table == "checks" else []
            self.row = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.row:
            self.row[-1] += data

    def values(self, name: str) -> list[str]:
        return [value or "" for attribute, value in self.attributes if attribute == name]


def two_runs(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The report on C(now), which knows C(before)."""
    first = validation_report(before, generated=MONDAY, history=read_history(""))
    return validation_report(now, generated=TUESDAY, history=read_history(written_history(read_history(""), first)))


def hostile_report() -> dict[str, Any]:
    words = dict.fromkeys(("provider", "reason", "message", "endpoint", "fingerprint"), HOSTILE)
    failed = {"msg": HOSTILE, "failure": {"kind": HOSTILE}}
    now = {HOSTILE: result(verdict(HOSTILE, "invalid", clock_skew=-900, **words)), "dead": failed}
    report = two_runs({HOSTILE: result(verdict(HOSTILE, **words)), "dead": UNREACHABLE}, now)
    return {**report, "generated": report["hosts"][0]["host"], "previous": report["hosts"][0]["host"]}


def test_hostile_text_stays_text_in_html() -> None:
    report = hostile_report()
    written = validation_html(report)
    page = Page(written)
    assert {"img", "link", "iframe", "object", "base", "form"}.isdisjoint(page.tags)
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert not [name for name, _value in page.attributes if name.startswith("on") or name in ("src", "style")]
    assert {value[:1] for value in page.values("href")} == {"#"}
    assert "<script>alert(1)</script>" in "".join(page.words)
    for line in [*validation_lines(report), *written.split("\n")]:
        assert "\x1b" not in line
        assert "\u202e" not in line
        assert "{{ lookup" not in line


def test_the_page_loads_nothing() -> None:
    written = validation_html(validation_report({"a": result(verdict())}))
    page = Page(written)
    assert {"link", "img", "iframe", "base"}.isdisjoint(page.tags)
    assert "url(" not in written
    assert "@import" not in written
    assert page.values("src") == []
    assert ("name", "viewport") in page.attributes
    assert "prefers-color-scheme: dark" in written


def test_the_policy_allows_the_one_style_and_the_one_script_by_their_hashes() -> None:
    written = validation_html(hostile_report())
    (policy,) = [value for value in Page(written).values("content") if "default-src" in value]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["base-uri"] == parts["form-action"] == "'none'"
    for tag in ("style", "script"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", written, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert parts[f"{tag}-src"] == f"'sha256-{digest}'"
    assert len(parts) == 5


def test_the_script_makes_no_markup_and_no_code_of_text() -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", validation_html(hostile_report()), re.DOTALL)
    assert "alert(1)" not in script
    for sink in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval",
        "Function(",
        "javascript:",
        "fetch",
    ):
        assert sink not in script
    # The page is a value in a task: nothing in it may look like a template.
    assert re.findall(r"\{[{%#]", validation_html(hostile_report())) == []


def test_each_check_has_its_row_in_the_details_in_the_same_order() -> None:
    # The script takes the n-th of one for the n-th of the other. The second host has its accounts in another order.
    results = {
        "a": result(verdict("one"), verdict("two")),
        "dead": UNREACHABLE,
        "b": result(
            verdict("three", message="m3"), verdict("two", "invalid", message="m2"), verdict("one", message="m1")
        ),
        "idle": result(),
        "c": result(verdict("two")),
    }
    page = Page(validation_html(validation_report(results, generated=MONDAY)))
    rows = page.details[1:]
    assert [host for host, _title in page.checks] == [row[0] for row in rows]
    assert [row[:2] for row in rows] == [
        *(["a", "one"], ["a", "two"], ["dead", ""], ["b", "one"], ["b", "two"], ["b", "three"], ["idle", ""]),
        ["c", "two"],
    ]
    for (_host, title), row in zip(page.checks, rows):
        assert row[-1].startswith(title)


def test_what_changed_and_since_when() -> None:
    before = {"a": result(verdict("one"), verdict("two")), "b": UNREACHABLE}
    now = {"a": result(verdict("one", "invalid"), verdict("two", clock_skew=700)), "b": result(verdict("two"))}
    written = validation_html(two_runs(before, now))
    page = Page(written)
    words = "\n".join(page.words)
    assert "What changed since 2026-11-16 03:15 UTC" in words
    assert "one on a: invalid, was valid" in words
    assert "b: tested, was unreachable" in words
    assert "Notes" in words
    assert "a (700 s ahead)" in words
    assert page.checks == [
        ("a", "The server rejected the token. Since 2026-11-17 03:15 UTC."),
        ("a", "The token works. Since 2026-11-16 03:15 UTC."),
        ("bwas unreachable", "The token works. Since 2026-11-17 03:15 UTC."),
    ]
    since = [row[3] for row in page.details[1:]]
    assert since == ["2026-11-17 03:15was valid", "2026-11-16 03:15", "2026-11-17 03:15"]
    assert [row[6] for row in page.details[1:]] == ["", "+700 s", ""]
    assert page.values("name") == ["viewport", "text", "account", "result", "problems", "changed"]


def test_nothing_is_said_of_changes_without_a_run_before() -> None:
    page = Page(
        validation_html(validation_report({"a": result(verdict())}, generated=MONDAY, history=read_history("")))
    )
    words = "\n".join(page.words[page.words.index("API access by host") :])
    assert "What changed" not in words
    assert "Notes" not in words
    assert "changed" not in page.values("name")
    same = Page(validation_html(two_runs({"a": result(verdict())}, {"a": result(verdict())})))
    assert same.words[same.words.index("What changed since 2026-11-16 03:15 UTC") + 2] == "Nothing"


def test_the_report_in_a_sentence() -> None:
    def said(results: dict[str, Any]) -> tuple[str, str]:
        found = re.search(r'<p class="verdict (\w+)">([^<]*)</p>', validation_html(validation_report(results)))
        assert found
        return found[1], found[2]

    assert said({}) == ("indeterminate", "Nothing was tested.")
    assert said({"a": UNREACHABLE}) == ("indeterminate", "Nothing was tested.")
    assert said({"a": result(verdict())}) == ("valid", "The one check is valid.")
    assert said({"a": result(verdict()), "b": result(verdict())}) == ("valid", "All 2 checks are valid.")
    assert said({"a": result(verdict()), "b": UNREACHABLE}) == (
        "indeterminate",
        "The one check is valid. 1 host was not tested.",
    )
    assert said({"a": result(verdict(), verdict("two", "invalid"))}) == ("invalid", "1 of 2 checks is not valid.")
    assert said({"a": result(verdict("two", "indeterminate"))})[0] == "indeterminate"


def test_the_rest_of_many_problems_is_closed_and_nothing_is_left_out() -> None:
    failing = {"a": result(*(verdict(f"account-{number}", "invalid") for number in range(11)))}
    page = validation_html(validation_report(failing))
    shown, _summary, closed = page.partition("<summary>3 more</summary>")
    assert [f"account-{number}" in shown for number in (0, 7)] == [True, True]
    assert closed.partition("</details>")[0].count("<li") == 3


def test_element_escapes_all_but_html() -> None:
    assert element("td", "<b>", Html("<br>"), title="\"'>") == '<td title="&quot;&#x27;&gt;">&lt;b&gt;<br></td>'
    assert element("th", data_sort="text", class_="a") == '<th data-sort="text" class="a"></th>'


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
        assert len(page) < 4600 * count + 30_000  # 2.3 MB for 500 hosts
        return taken

    seconds(50)
    # Quadratic would be 100 times as long.
    assert seconds(500) < 30 * max(seconds(50), 0.01)
