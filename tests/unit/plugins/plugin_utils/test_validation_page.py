# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from html.parser import HTMLParser

from ansible_collections.apiops.access.plugins.plugin_utils._validation_page import Html, element, validation_html
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import (
    validation_lines,
    validation_report,
)

from .report_samples import HOSTILE, result, verdict


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
