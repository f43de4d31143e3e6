# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the validation report in a real browser: sorted, filtered, on a phone, in the dark, and attacked."""

from __future__ import annotations

import html
import io
import os
import re
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from . import browser as chromium
from .browser import Reader
from .fleet_samples import HOSTS, fleet, fleet_lines, fleet_page, large_page, make, page_after, verdict
from .runner import REPOSITORY

Scheme = t.Literal["light", "dark"]
SHORT = [host.split(".")[0] for host in HOSTS]
HOSTILE = (
    "\"'></td></table></script></style></title><!--<script>window.ran = 1; alert(1)</script>"
    "<img src=x onerror='window.ran = 1'><svg onload='window.ran = 1'></svg><iframe src='//evil.invalid'></iframe>"
    "<a href='javascript:alert(1)'>x</a><base href='//evil.invalid'> --> ]]> &lt;b&gt; ${alert(1)} %3Cscript%3E"
)

# One browser at a time: it has use for all processors, and one test looks at the time that it takes.
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def started_browser(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Browser]:
    if chromium.binary() is None and os.environ.get("APIOPS_TESTS_NEED_ALL"):
        pytest.fail(chromium.MISSING, pytrace=False)
    if chromium.binary() is None:
        pytest.skip(chromium.MISSING)
    with chromium.running(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def reader(started_browser: Browser, tmp_path: Path) -> t.Iterator[Reader]:
    """Whoever opens a page; at the end nothing may have been noted."""
    reader = Reader(started_browser, tmp_path)
    yield reader
    reader.close()
    assert reader.noted == []


def shown(page: Page) -> list[str]:
    """The hosts that can be seen, in their order, by the first part of their names."""
    return [name.split(".")[0] for name in page.locator("#hosts tbody tr:visible th b").all_text_contents()]


def heads(page: Page) -> list[str]:
    return [text.split("\n")[0] for text in page.locator("#hosts thead th:visible").all_inner_texts()]


def details(page: Page) -> list[str]:
    """The rows of the details that are not filtered out, as host and account."""
    rows = page.locator("#checks tbody tr:not([hidden])").all()
    cells = [row.locator("th, td").all_text_contents() for row in rows]
    return [f"{host.split('.')[0]} {account}" for host, account, *_rest in cells]


def status(page: Page) -> str | None:
    return page.get_by_role("status").text_content()


def head(page: Page, name: str, table: str = "hosts") -> t.Any:
    return page.locator(f"#{table} thead").get_by_role("button", name=name)


def sorted_by(page: Page, table: str = "hosts") -> list[tuple[str, str | None]]:
    return [
        (cell.inner_text().split("\n")[0], cell.get_attribute("aria-sort"))
        for cell in page.locator(f"#{table} th[aria-sort]").all()
    ]


# Sorting


def test_hosts_are_sorted_as_people_count(reader: Reader) -> None:
    order = ["node-10", "node-9", "node-1", "api-2", "node-100"]
    page = reader.open(page_after([{host: {"verdicts": [verdict("erp", 0)]} for host in order}]))
    assert shown(page) == order
    assert sorted_by(page) == []
    head(page, "Host").click()
    assert shown(page) == ["api-2", "node-1", "node-9", "node-10", "node-100"]
    assert sorted_by(page) == [("Host", "ascending")]
    # The second time by the keyboard.
    head(page, "Host").focus()
    page.keyboard.press("Enter")
    assert shown(page) == ["node-100", "node-10", "node-9", "node-1", "api-2"]
    assert sorted_by(page) == [("Host", "descending")]


def test_hosts_are_sorted_by_the_worst_result_and_then_by_the_slowest(reader: Reader) -> None:
    page = reader.open(fleet_page())
    assert shown(page) == SHORT
    head(page, "Overall").click()
    worst_first = [
        *("web-03", "web-04"),
        *("batch-01", "batch-02", "app-05", "batch-03"),
        *("app-04", "web-02", "app-02", "app-03", "web-01", "app-01"),
    ]
    assert shown(page) == worst_first
    assert sorted_by(page) == [("Overall", "descending")]
    head(page, "erp").click()
    assert sorted_by(page) == [("erp", "descending")]
    assert shown(page)[:5] == ["batch-01", "batch-02", "app-05", "batch-03", "app-04"]
    # Those who do not have the account come after all who do.
    assert shown(page)[-4:] == ["web-01", "web-02", "web-03", "web-04"]


def test_details_are_sorted_by_each_column_and_the_unknown_comes_last(reader: Reader) -> None:
    results = {
        host: {"verdicts": [verdict("erp", 0, elapsed_ms=elapsed, clock_skew=skew)]}
        for host, elapsed, skew in [("a", 90, -5), ("b", None, None), ("c", 1000, 30), ("d", 200, 0)]
    }
    page = reader.open(page_after([results]))
    page.get_by_text("Details").click()
    for column, first, second in [("Latency", "cdab", "adcb"), ("Clock", "cdab", "adcb"), ("Host", "abcd", "dcba")]:
        for order in (first, second):
            head(page, column, "checks").click()
            assert [row[0] for row in details(page)] == list(order)
    assert sorted_by(page, "checks") == [("Host", "descending")]
    assert sorted_by(page) == []


# Filtering


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("web-0", ["web-01", "web-02", "web-03", "web-04"]),
        ("WEB-03", ["web-03"]),
        ("allowed addresses", ["batch-01", "batch-02"]),
        ("shop batch", ["batch-01", "batch-02"]),
        ("connection timed out", ["app-05"]),
        ("token rejected", ["web-03", "web-04"]),
        (".*", []),
    ],
)
def test_text_finds_hosts_accounts_and_messages(reader: Reader, text: str, hosts: list[str]) -> None:
    page = reader.open(fleet_page())
    assert status(page) == "12 of 12 hosts shown"
    page.get_by_label("Find").press_sequentially(text)
    assert shown(page) == hosts
    assert status(page) == f"{len(hosts)} of 12 hosts shown"
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == SHORT
    assert page.get_by_label("Find").input_value() == ""


def test_what_is_not_valid_and_what_has_changed(reader: Reader) -> None:
    page = reader.open(fleet_page())
    page.get_by_label("not valid only").check()
    assert shown(page) == ["app-05", "web-03", "web-04", "batch-01", "batch-02", "batch-03"]
    assert details(page) == [
        *("app-05 ", "web-03 support", "web-04 support", "batch-01 erp", "batch-02 erp", "batch-03 "),
    ]
    assert page.locator("#rows").text_content() == "6 of 38 rows"
    page.get_by_label("changed only").check()
    assert shown(page) == ["app-05", "web-03", "web-04"]
    page.get_by_label("not valid only").uncheck()
    assert shown(page) == ["app-02", "app-05", "web-03", "web-04"]
    assert details(page) == ["app-02 shop", "app-05 ", "web-03 support", "web-04 support"]


def test_what_changed_of_a_host_changed_of_all_its_accounts(reader: Reader) -> None:
    # The accounts are as they were when the host could last be reached.
    page = reader.open(page_after([fleet(0), fleet(2), fleet(0)]))
    page.get_by_label("changed only").check()
    assert details(page)[1:5] == ["app-05 packaging", "app-05 shop", "app-05 erp", "app-05 support"]


def test_one_account_has_the_table_for_itself(reader: Reader) -> None:
    page = reader.open(fleet_page())
    assert heads(page) == ["Host", "Overall", "packaging", "shop", "erp", "support"]
    page.get_by_label("Account").select_option("erp")
    assert heads(page) == ["Host", "erp"]
    # Of hosts that were not tested nobody knows.
    with_erp = ["app-01", "app-02", "app-03", "app-04", "app-05", "batch-01", "batch-02", "batch-03"]
    assert shown(page) == with_erp
    width = "element => element.getBoundingClientRect().right"
    assert (
        len({round(cell.evaluate(width)) for cell in page.locator("#hosts tr:visible > :last-child:visible").all()})
        == 1
    )
    page.get_by_label("Account").select_option("")
    assert heads(page) == ["Host", "Overall", "packaging", "shop", "erp", "support"]
    assert shown(page) == SHORT


@pytest.mark.parametrize(
    ("result", "hosts"),
    [
        ("invalid", ["web-03", "web-04"]),
        ("indeterminate: not permitted", ["batch-01", "batch-02"]),
        ("not tested", ["app-05", "batch-03"]),
        ("not tested: requests missing", ["batch-03"]),
    ],
)
def test_hosts_with_a_result(reader: Reader, result: str, hosts: list[str]) -> None:
    page = reader.open(fleet_page())
    page.get_by_label("Result").select_option(result)
    assert shown(page) == hosts


def test_figures_problems_and_changes_show_their_hosts(reader: Reader) -> None:
    page = reader.open(fleet_page())

    def expect_shown(*hosts: str) -> None:
        # The browser tells the script of a new address a little later.
        names = page.locator("#hosts tbody tr:visible th b")
        expect(names).to_have_text([f"{host}.prod.example.com" for host in hosts])

    page.locator(".figures").get_by_role("link", name="2 indeterminate").click()
    expect_shown("batch-01", "batch-02")
    problem = page.locator("li", has_text="support on web-03").first
    for _time in range(2):
        page.evaluate("scrollTo(0, 0)")
        problem.get_by_role("link").click()
        expect_shown("web-03", "web-04")
        expect(page.locator("#hosts")).to_be_in_viewport()
    assert heads(page) == ["Host", "support"]
    page.go_back()
    expect_shown("batch-01", "batch-02")
    for change, host in [("app-05.prod.example.com: unreachable", "app-05"), ("shop on app-02", "app-02")]:
        page.locator("li", has_text=change).get_by_role("link").click()
        expect_shown(host)
    assert heads(page) == ["Host", "shop"]


# The address


def test_a_link_shows_the_same_to_others_and_after_a_reload(reader: Reader) -> None:
    page = reader.open(fleet_page())
    page.get_by_label("Account").select_option("support")
    page.get_by_label("Find").fill("WORKS & web")
    page.get_by_label("Find").fill("rejected web")
    page.get_by_label("changed only").check()
    page.get_by_label("Result").select_option("invalid: token rejected")
    head(page, "support").click()
    head(page, "support").click()
    page.get_by_text("Details").click()
    head(page, "Latency", "checks").click()

    def seen(page: Page) -> tuple[t.Any, ...]:
        values = [page.get_by_label(label).input_value() for label in ("Find", "Account", "Result")]
        checked = [page.get_by_label(label).is_checked() for label in ("not valid only", "changed only")]
        return shown(page), details(page), heads(page), sorted_by(page), sorted_by(page, "checks"), values, checked

    expected = seen(page)
    assert expected[0] == ["web-04", "web-03"]
    assert expected[5:] == (["rejected web", "support", "invalid: token rejected"], [False, True])
    page.reload()
    page.get_by_text("Details").click()
    assert seen(page) == expected
    other = reader.open(fleet_page(), fragment=f"#{page.url.split('#')[1]}")
    other.get_by_text("Details").click()
    assert seen(other) == expected
    other.get_by_role("button", name="Show all").click()
    assert (shown(other), sorted_by(other), other.url.partition("#")[2]) == (SHORT, [], "")


@pytest.mark.parametrize(
    "fragment",
    ["#account=nobody&result=x", "#hosts=99+descending&checks=length+ascending", "#hosts=1+sideways", "#%", "#hosts"],
)
def test_a_link_that_does_not_fit_shows_everything(reader: Reader, fragment: str) -> None:
    page = reader.open(fleet_page(), fragment=fragment)
    assert shown(page) == SHORT
    assert sorted_by(page) == []
    assert page.locator("select option:checked").all_text_contents() == ["all accounts", "any result"]


# Who reads it, and where


def test_everything_can_be_read_without_scripts(reader: Reader) -> None:
    page = reader.open(fleet_page(), java_script_enabled=False)
    assert shown(page) == SHORT
    assert heads(page) == ["Host", "Overall", "packaging", "shop", "erp", "support"]
    for hidden in ("#filter", ".scripted", "button"):
        assert page.locator(f"{hidden}:visible").count() == 0
    page.get_by_text("Details").click()
    last = page.locator("#checks tbody tr").last
    last.scroll_into_view_if_needed()
    expect(last).to_contain_text("the required Python library (requests)")
    assert page.locator("#checks tbody tr:visible").count() == 38


def test_those_who_listen_hear_two_tables(reader: Reader) -> None:
    # The style makes grids of rows; to the browser's accessibility tree they still are rows.
    page = reader.open(fleet_page())
    page.get_by_text("Details").click()
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(node["role"]["value"] for node in nodes if not node["ignored"])
    assert {role: roles[role] for role in ("table", "row", "columnheader", "rowheader")} == {
        "table": 2,
        "row": 1 + 12 + 1 + 38,
        "columnheader": 6 + 9,
        "rowheader": 12 + 38,
    }


def test_a_phone_shows_it_without_scrolling_sideways(reader: Reader) -> None:
    long = "abcdefghij" * 30
    results = {**fleet(2), f"{long}.example.com": {"verdicts": [verdict("shop", 1, message=long, reason=long)]}}
    results["web-01.prod.example.com"]["verdicts"][0] = verdict(
        "packaging", 1, outcome="invalid", message=long, reason=long
    )
    results["dead"] = {"unreachable": True, "msg": long}
    page = reader.open_on_phone(page_after([fleet(1), results]))
    for opened in (False, True):
        if opened:
            for summary in page.locator("summary").all():
                summary.click()
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]
    assert min(page.evaluate(SIZES_OF_TEXT)) >= 12
    # Controls are for fingers (WCAG 2.5.5), links in text may be smaller (2.5.8).
    for selector, least in [("[type=search], select, button, .choice", 44), ("a, summary", 24)]:
        controls = page.locator(f":is({selector}):visible").all()
        assert len(controls) > 5
        for control in controls:
            box = control.bounding_box()
            assert box
            assert box["height"] >= least, control.inner_text()
    # Details are cards: nothing of them is beside the screen.
    last = page.locator("#checks tbody tr").last
    last.scroll_into_view_if_needed()
    for cell in last.locator("th, td").all():
        box = cell.bounding_box()
        assert box is None or box["x"] + box["width"] <= 375


@pytest.mark.parametrize("width", [375, 1280])
def test_the_head_and_the_hosts_stay_while_the_table_scrolls(reader: Reader, width: int) -> None:
    page = reader.open(large_page(60, 20), width=width, height=812)
    box = page.locator(".box", has=page.locator("#hosts"))
    corner = page.locator("#hosts thead th").first
    box.scroll_into_view_if_needed()
    place = corner.bounding_box()
    box.evaluate("element => element.scrollTo(700, 1500)")
    assert box.evaluate("element => [element.scrollLeft, element.scrollTop]") == [700, 1500]
    assert corner.bounding_box() == place
    # What is seen at the left edge of the box: a host's name, which lies above what moved under it.
    edge = box.bounding_box()
    assert edge
    seen = "([x, y]) => document.elementFromPoint(x, y).closest('tbody th')?.getBoundingClientRect().toJSON()"
    name = page.evaluate(seen, [edge["x"] + 20, edge["y"] + edge["height"] / 2])
    assert abs(name["x"] - edge["x"]) <= 1
    assert name["width"] < width / 2


SIZES_OF_TEXT = """() => [...document.body.querySelectorAll("*")]
  .filter((element) => element.checkVisibility())
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((element) => parseFloat(getComputedStyle(element).fontSize))"""

COLOURS_OF_TEXT = """() => {
  const found = new Map();
  const note = (element, style, text) => {
    let behind = element;
    while (behind && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const pair = [style.color, behind ? getComputedStyle(behind).backgroundColor : "none"];
    found.set(pair.join(), [...pair, text]);
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility({ opacityProperty: true })) continue;
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (text) note(element, getComputedStyle(element), text);
    if (element.placeholder) note(element, getComputedStyle(element, "::placeholder"), element.placeholder);
    for (const pseudo of ["::before", "::after"]) {
      const style = getComputedStyle(element, pseudo);
      if (!["none", "normal", '""'].includes(style.content)) note(element, style, style.content);
    }
  }
  return [...found.values()];
}"""


def luminance(colour: str) -> float:
    """The relative luminance of an opaque colour, as WCAG 2 defines it."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    assert len(parts) == 3, colour
    linear = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_what_is_behind_it(reader: Reader, scheme: Scheme, width: int) -> None:
    results = {**fleet(2), "idle": {"verdicts": []}}
    page = reader.open(page_after([fleet(1), results]), width=width, color_scheme=scheme)
    for summary in page.locator("summary").all():
        summary.click()
    head(page, "Host").click()
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert luminance(back) < 0.05 if scheme == "dark" else luminance(back) > 0.9
    found = page.evaluate(COLOURS_OF_TEXT)
    assert len(found) > 10
    assert [(text, *pair) for *pair, text in found if contrast(*pair) < 4.5] == []


def test_colours_only_repeat_words(reader: Reader) -> None:
    page = reader.open(fleet_page())
    for outcome in ("valid", "invalid", "indeterminate"):
        texts = page.locator(f"#hosts td.{outcome}").all_text_contents()
        assert texts
        words = {"indeterminate": ("indeterminate", "unreachable", "failed")}.get(outcome, (outcome,))
        assert [text for text in texts if not text.startswith(words)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_has_everything_in_black_on_white(reader: Reader, scheme: Scheme) -> None:
    page = reader.open(fleet_page(), color_scheme=scheme)
    assert page.locator("#checks tbody tr:visible").count() == 0
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.locator("#checks tbody tr:visible").count() == 38
    assert page.locator(".scripted:visible").count() == 0
    page.locator("#checks tbody tr").last.scroll_into_view_if_needed()
    for colour, behind, text in page.evaluate(COLOURS_OF_TEXT):
        assert colour == "rgb(0, 0, 0)", text
        assert behind in ("rgb(255, 255, 255)", "none"), text
    for box in page.locator(".box").all():
        assert box.evaluate("element => element.clientHeight === element.scrollHeight")
    # Each row of the details is on paper: 38 rows and the rest of the report need more than a page.
    assert page.pdf(format="A4").count(b"/Type /Page\n") >= 3


# Attacks


def hostile_page(text: str) -> str:
    """A page with that text in every field that a server, a host or a user fills."""
    fields = dict.fromkeys(("name", "provider", "reason", "message", "endpoint", "fingerprint"), text)
    failed = {"msg": text, "failure": {"kind": text}}
    before = {text: {"verdicts": [verdict("erp", 0, **fields)]}, f"{text} 2": {"unreachable": True, "msg": text}}
    now = {
        text: {"verdicts": [verdict("erp", 0, **{**fields, "outcome": "invalid", "clock_skew": 4000})]},
        f"{text} 2": failed,
        f"{text} 3": {"verdicts": [verdict("shop", 0)]},
    }
    report = make(before, generated=text, history="")
    history = make(report, format="history", history="")
    return str(make(now, format="html", generated=text, names=[f"{text} 4"], history=history))


def elements(page: Page) -> Counter[str]:
    names = page.evaluate("[...document.querySelectorAll('*')].map((element) => element.tagName)")
    return Counter(name for name in names if name != "WBR")


def test_what_servers_say_never_becomes_a_part_of_the_page(reader: Reader) -> None:
    harmless = elements(reader.open(hostile_page("harmless")))
    page = reader.open(hostile_page(HOSTILE))
    assert harmless["SCRIPT"] == 1
    assert elements(page) == harmless
    # What the script does with these texts is harmless too.
    page.get_by_label("Account").select_option(HOSTILE)
    page.get_by_label("Result").select_option(f"invalid: {HOSTILE}")
    page.get_by_label("Find").fill(HOSTILE)
    head(page, "Host").click()
    page.get_by_text("Details").click()
    assert status(page) == "1 of 3 hosts shown"
    page.reload()
    assert status(page) == "1 of 3 hosts shown"
    assert page.get_by_label("Find").input_value() == HOSTILE
    for link in page.locator("a:visible").all():
        link.click()
    assert elements(page) == harmless
    assert page.evaluate("window.ran") is None
    assert "alert(1)" in page.locator("#hosts").inner_text()


INJECTED = "<script>window.ran = 1</script>"


def test_the_policy_stops_what_gets_in_all_the_same(reader: Reader) -> None:
    text = fleet_page()
    more = (
        f"{INJECTED}<img src='picture.png' onerror='window.ran = 2'><svg onload='window.ran = 3'></svg>"
        "<script src='script.js'></script><style>body { display: none }</style><link rel='stylesheet' href='style.css'>"
        "<iframe src='frame.html'></iframe><b style='position: fixed'>x</b>"
    )
    (reader.folder / "script.js").write_text("window.ran = 4")
    page = reader.open(text.replace("<h1>", f"{more}<h1>"))
    assert page.evaluate("window.ran") is None
    assert page.locator("h1").is_visible()
    assert page.locator("b", has_text="x").first.evaluate("element => getComputedStyle(element).position") == "static"
    # The page's own script runs.
    assert page.locator("#filter").is_visible()
    for directive in ("script-src", "style-src", "default-src"):
        assert [line for line in reader.noted if directive in line]
    assert [line for line in reader.noted if not line.startswith("console: ")] == []
    reader.noted.clear()


def test_the_policy_is_what_stops_it(reader: Reader) -> None:
    # So that the test above would see a script that runs.
    text, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", fleet_page())
    assert count == 1
    page = reader.open(text.replace("<h1>", f"{INJECTED}<h1>"))
    assert page.evaluate("window.ran") == 1


def test_a_script_that_somebody_changed_does_not_run(reader: Reader) -> None:
    page = reader.open(fleet_page().replace('"use strict";', '"use strict"; window.ran = 1;'))
    assert page.evaluate("window.ran") is None
    assert not page.locator("#filter").is_visible()
    assert len(reader.noted) == 1
    reader.noted.clear()


# A large fleet

UNTIL_DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"


def milliseconds(page: Page, action: str) -> float:
    """How long it takes until the browser has drawn what an action leads to."""
    return float(
        page.evaluate(
            f"async () => {{ const start = performance.now(); {action}; return (await {UNTIL_DRAWN}) - start; }}"
        )
    )


def test_500_hosts_and_8_accounts_open_in_a_second(reader: Reader) -> None:
    text = large_page(500, 8)
    assert len(text) < 2_500_000
    page = reader.open(text)
    taken = []
    for _load in range(5):
        page.reload()
        # From the start of the navigation, which is the zero of the page's clock.
        taken.append(page.evaluate(f"() => {UNTIL_DRAWN}"))
        assert page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") > 0
    assert min(taken) < 1000, taken
    assert sum(elements(page).values()) < 80_000
    assert status(page) == "500 of 500 hosts shown"
    typed = "const field = document.querySelector('[name=text]'); field.value = '{}'; {}"
    told = "field.dispatchEvent(new Event('input', { bubbles: true }))"
    for action, hosts in [
        (typed.format("node-01", told), 100),
        (typed.format("", told), 500),
        ("document.querySelector('[name=problems]').click()", None),
        ("document.querySelector('[name=problems]').click()", 500),
        *[(f"document.querySelectorAll('#hosts thead button')[{column}].click()", 500) for column in (0, 1, 5)],
    ]:
        taken = [milliseconds(page, action) for _time in range(3)]
        assert min(taken) < 300, (action, taken)
        if hosts is not None:
            assert status(page) == f"{hosts} of 500 hosts shown"


# Pictures for the documentation


def picture(page: Page | Locator, name: str, **options: t.Any) -> None:
    """Write a picture with 256 colours, which is a third of the size and looks the same."""
    folder = REPOSITORY / ".build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    full = Image.open(io.BytesIO(page.screenshot(**options))).convert("RGB")
    full.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
    assert (folder / f"{name}.png").stat().st_size < 200_000


def test_pictures_for_the_documentation(reader: Reader) -> None:
    picture(reader.open(fleet_page(), height=1680), "report")
    page = reader.open_on_phone(fleet_page())
    page.get_by_label("not valid only").check()
    page.locator("#filter").evaluate("element => element.scrollIntoView()")
    picture(page, "report_phone")
    lines = "".join(f"<span>{html.escape(line) or ' '}</span>" for line in fleet_lines())
    style = (
        "pre { display: inline-block; margin: 0; padding: 1rem 1.25rem; background: #16191d; color: #e4e7ea; "
        "font: 13px/1.45 monospace } span { display: block; max-width: 118ch; white-space: pre-wrap }"
    )
    terminal = reader.open(f"<!DOCTYPE html><style>body {{ margin: 0 }} {style}</style><pre>{lines}</pre>")
    picture(terminal.locator("pre"), "terminal")
