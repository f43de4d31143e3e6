# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The validation report as one HTML page: complete as it is, with a script that sorts and filters what stands there."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import typing as t
import urllib.parse

from ..module_utils._model import worst_outcome
from ._report_text import Report, counted
from ._validation_page_script import SCRIPT
from ._validation_page_style import STYLE
from ._validation_report import HOST_STATES, SHOWN_OUTCOMES, latency


class Html(str):
    """Text that is HTML already. Any other text is escaped where it becomes part of an element."""


def element(name: str, /, *children: str, **attributes: str) -> Html:
    """An element. What is not Html is escaped, so that nothing can be forgotten.

    In the name of an attribute an underscore stands for a hyphen, and is dropped at the end.
    """
    shown = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(text)}"' for key, text in attributes.items())
    inner = "".join(child if isinstance(child, Html) else html.escape(child) for child in children)
    return Html(f"<{name}{shown}>{inner}</{name}>")


_TITLE = "API access by host"
_NOT_TESTED = "not tested"
_MOST_ENTRIES = 8
_MANY_ROWS = 100

_LEGEND = (
    ("valid", "valid", "The server accepted the token, asked from this host."),
    ("invalid", "invalid", "The server rejected the token, or refused to grant one."),
    (
        "indeterminate",
        "indeterminate",
        "It could not be told: the server is out of reach, unhealthy or limits the rate, the account may not use the "
        "test endpoint, or the host itself could not test.",
    ),
    ("none", "-", "The host does not have this account."),
)

_DETAILS = {
    "Host": "text",
    "Account": "text",
    "Result": "outcome",
    "Since": "text",
    "Status": "number",
    "Latency": "number",
    "Clock": "number",
    "Token": "text",
    "Message": "text",
}
"""The columns of the details, and how each is sorted. The style names them too, for narrow screens."""


def validation_html(report: Report) -> str:
    """The report as one page that loads nothing, and runs nothing but the collection's own script."""
    body = (
        *_summary(report),
        *_problems(report),
        *_changes(report),
        *_notes(report),
        *_matrix(report),
        _details(report),
        Html(f"<script>{SCRIPT}</script>"),
    )
    # The policy is a second lock: should text ever get in as markup, the browser still loads and runs nothing of it.
    policy = (
        f"default-src 'none'; style-src {_hash_of(STYLE)}; script-src {_hash_of(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_TITLE}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"{element('body', *(Html(part + chr(10)) for part in body))}\n</html>\n"
    )


def _hash_of(text: str) -> str:
    """How a policy names the one style, or the one script, that may be used."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# Above the tables


def _summary(report: Report) -> t.Iterator[Html]:
    totals = report["totals"]
    tested = f"Tested on {_moment(report['generated'])}. " if report["generated"] else ""
    requested, reused = counted(totals["tokens_requested"], "token"), counted(totals["tokens_reused"], "time")
    yield element("h1", _TITLE)
    yield element("p", f"{tested}{requested} requested, reused {reused}.", class_="soft")
    yield _verdict(report)
    yield element(
        "ul",
        _figure(totals["hosts"], "hosts"),
        _figure(totals["hosts_failed"], "hosts failed", problems="yes"),
        _figure(totals["hosts"] - totals["hosts_tested"], "hosts not tested", result=_NOT_TESTED),
        *(_figure(totals[outcome], outcome, result=outcome) for outcome in SHOWN_OUTCOMES),
        class_="figures",
    )


def _verdict(report: Report) -> Html:
    """The whole report in a sentence."""
    totals = report["totals"]
    bad = totals["checks"] - totals["valid"]
    left = totals["hosts"] - totals["hosts_tested"]
    if not totals["checks"]:
        said = "Nothing was tested."
    elif bad:
        said = f"{bad} of {counted(totals['checks'], 'check')} {'is' if bad == 1 else 'are'} not valid."
    else:
        said = "The one check is valid." if totals["checks"] == 1 else f"All {totals['checks']} checks are valid."
    if left and totals["checks"]:
        said += f" {counted(left, 'host')} {'was' if left == 1 else 'were'} not tested."
    style = "invalid" if totals["invalid"] else "indeterminate" if report["problems"] else "valid"
    return element("p", said, class_=f"verdict {style}")


def _figure(count: int, word: str, **wanted: str) -> Html:
    inner = element("strong", str(count)), word
    shown = _link(*inner, **wanted) if wanted and count else element("span", *inner)
    return element("li", shown, class_=word if word in SHOWN_OUTCOMES and count else "plain")


def _link(*children: str, **wanted: str) -> Html:
    """A link to what the filter is to show: the fragment of the page's address is the filter's state."""
    return element("a", *children, href=f"#{urllib.parse.urlencode(wanted)}")


def _problems(report: Report) -> t.Iterator[Html]:
    entries = []
    for problem in report["problems"]:
        reason = _words(problem["reason"])
        if problem["account"] is None:
            wanted = {"result": f"{_NOT_TESTED}: {reason}"}
        else:
            wanted = {"account": problem["account"], "result": f"{problem['outcome']}: {reason}"}
        entries.append(_entry(problem["outcome"], problem["title"], problem["message"], problem["hosts"], wanted))
    if entries:
        yield element("h2", "Problems")
        yield from _list(entries)


def _changes(report: Report) -> t.Iterator[Html]:
    if not report["previous"]:
        return
    entries = []
    for change in report["changes"]:
        wanted = {"changed": "yes"}
        if change["account"]:
            wanted |= {"account": change["account"], "result": change["now"]}
        elif change["now"] != "tested":
            wanted |= {"result": _NOT_TESTED}
        style = change["now"] if change["now"] in SHOWN_OUTCOMES else _style(change["now"])
        entries.append(_entry(style, change["title"], "", change["hosts"], wanted))
    yield element("h2", f"What changed since {_moment(report['previous'])}")
    yield from _list(entries or [_entry("none", "Nothing")])


def _notes(report: Report) -> t.Iterator[Html]:
    if report["notes"]:
        yield element("h2", "Notes")
        yield from _list([_entry("none", note["title"], note["message"]) for note in report["notes"]])


def _list(entries: t.Sequence[Html]) -> t.Iterator[Html]:
    """A list; the rest of a long one is closed, so that it does not push the tables out of sight."""
    shown, more = entries[:_MOST_ENTRIES], entries[_MOST_ENTRIES:]
    yield element("ul", *shown, class_="entries")
    if more:
        yield element("details", element("summary", f"{len(more)} more"), element("ul", *more, class_="entries"))


def _entry(
    style: str, title: str, message: str = "", hosts: t.Sequence[str] = (), wanted: t.Mapping[str, str] | None = None
) -> Html:
    parts = [element("strong", title)]
    if hosts and wanted:
        parts.append(element("span", _link("Show hosts", **wanted), class_="scripted", hidden=""))
    if message:
        parts.append(element("p", message))
    return element("li", *parts, class_=style)


def _moment(text: str) -> str:
    """A moment in UTC, as people write it."""
    found = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)", text)
    return f"{found[1]} {found[2]} UTC" if found else text


def _words(reason: str) -> str:
    return reason.replace("_", " ")


# Hosts by accounts


def _matrix(report: Report) -> t.Iterator[Html]:
    accounts = report["accounts"]
    names = [account["name"] for account in accounts]
    head = [element("th", "Host", scope="col", data_sort="text")]
    if len(names) > 1:
        head.append(element("th", "Overall", element("span", "worst, slowest"), scope="col", data_sort="outcome"))
    for account in accounts:
        shown = account["name"], element("span", account["provider"])
        head.append(element("th", *shown, scope="col", data_sort="outcome", data_account=account["name"]))
    changed = {(host, change["account"]) for change in report["changes"] for host in change["hosts"]}
    rows = [element("tr", *_cells(host, names, changed)) for host in report["hosts"]]
    legend = (element("li", element("b", word, class_=style), f" {meaning}") for style, word, meaning in _LEGEND)
    yield element("h2", "Hosts and accounts")
    yield _controls(report)
    yield _table("matrix", "hosts", head, rows)
    yield element("details", element("summary", "What the words mean"), element("ul", *legend, class_="legend"))


def _cells(
    host: t.Mapping[str, t.Any], names: t.Sequence[str], changed: t.Container[tuple[str, str | None]]
) -> t.Iterator[Html]:
    """A host's row: its name, what its accounts come to where there are several, and a cell for each of them.

    Each cell with the class C(check) has its row in the details, in the same order.
    """
    several = len(names) > 1
    marked = {"class_": "changed"} if (host["host"], None) in changed else {}
    yield element("th", _breakable(host["host"]), *_before(host), scope="row", **marked)
    if host["state"] != "tested":
        inner = element("b", HOST_STATES[host["state"]]), _small(host["message"])
        across = str(max(1, len(names) + several))
        yield element("td", *inner, class_=f"check across {_style(host['state'])}", colspan=across, title=_told(host))
        return
    if several:
        worst = worst_outcome(verdict["outcome"] for verdict in host["verdicts"].values())
        slowest = max(host["verdicts"].values(), key=lambda verdict: verdict["elapsed_ms"] or 0)
        yield element("td", element("b", worst), *_time(slowest), class_=f"overall {worst}")
    for name in names:
        verdict = host["verdicts"].get(name)
        if verdict is None:
            yield element("td", "-", class_="none")
            continue
        outcome = verdict["outcome"]
        reason = [] if outcome == "valid" else [_small(_words(verdict["reason"]))]
        style = f"check {outcome} changed" if (host["host"], name) in changed else f"check {outcome}"
        shown = element("b", outcome), *_time(verdict), *reason, *_before(verdict)
        yield element("td", *shown, class_=style, title=_told(verdict))


def _breakable(name: str) -> Html:
    """A name that a narrow column breaks at its dots."""
    first, *rest = re.split(r"(?<=\.)(?=.)", name)
    return element("b", first, *(piece for part in rest for piece in (Html("<wbr>"), part)))


def _style(state: str) -> str:
    """How a host's state looks."""
    return {"tested": "valid", "no_accounts": "none"}.get(state, "indeterminate")


def _time(verdict: t.Mapping[str, t.Any]) -> tuple[Html, ...]:
    return (Html(" "), element("span", latency(verdict))) if verdict["elapsed_ms"] is not None else ()


def _before(part: t.Mapping[str, t.Any]) -> tuple[Html, ...]:
    """What a host or a verdict was in the run before, where that was something else."""
    return (_small(f"was {_words(part['before'])}"),) if part["before"] else ()


def _told(part: t.Mapping[str, t.Any]) -> str:
    """What a cell tells beside its words."""
    return f"{part['message']} Since {_moment(part['since'])}." if part["since"] else str(part["message"])


def _table(style: str, label: str, head: t.Iterable[Html], rows: t.Sequence[Html]) -> Html:
    """A table in a box, in which it scrolls. The box can have the focus, for those who scroll by keys."""
    inner = element("thead", element("tr", *head)), element("tbody", *(Html(row + "\n") for row in rows))
    table = element("table", *inner, class_=f"{style} many" if len(rows) > _MANY_ROWS else style, id=label)
    return element("div", table, class_="box", tabindex="0", role="region", aria_label=label)


# What the script filters by; without it none of that is shown


def _controls(report: Report) -> Html:
    found: dict[str, set[str]] = {}
    for host in report["hosts"]:
        if host["state"] != "tested":
            found.setdefault(_NOT_TESTED, set()).add(_words(host["reason"]))
        for verdict in host["verdicts"].values():
            found.setdefault(verdict["outcome"], set()).add(_words(verdict["reason"]))
    results = []
    for outcome in (*SHOWN_OUTCOMES, _NOT_TESTED):
        if outcome in found:
            results += [outcome, *(f"{outcome}: {reason}" for reason in sorted(found[outcome]))]
    search = Html('<input type="search" name="text" placeholder="host, account or message" autocomplete="off">')
    count = len(report["hosts"])
    return element(
        "div",
        element("label", element("span", "Find"), search),
        _select("account", "Account", "all accounts", (account["name"] for account in report["accounts"])),
        _select("result", "Result", "any result", results),
        _checkbox("problems", "not valid only"),
        *((_checkbox("changed", "changed only"),) if report["previous"] else ()),
        element("button", "Show all", type="button"),
        element("p", f"{count} of {count} hosts shown", role="status"),
        id="filter",
        class_="scripted",
        role="search",
        hidden="",
    )


def _select(name: str, label: str, every: str, values: t.Iterable[str]) -> Html:
    options = [element("option", every, value=""), *(element("option", value, value=value) for value in values)]
    return element("label", element("span", label), element("select", *options, name=name))


def _checkbox(name: str, label: str) -> Html:
    return element("label", Html(f'<input type="checkbox" name="{name}">'), label, class_="choice")


# Each check with all that is known of it


def _details(report: Report) -> Html:
    """Closed at first, so that the browser does not lay out thousands of rows that few want to see."""
    head = [element("th", title, scope="col", data_sort=kind) for title, kind in _DETAILS.items()]
    rows = list(_detail_rows(report))
    count = element("span", counted(len(rows), "row"), class_="soft", id="rows")
    summary = element("summary", element("h2", "Details"), " ", count)
    return element("details", summary, _table("details", "checks", head, rows))


def _detail_rows(report: Report) -> t.Iterator[Html]:
    """A row for each cell of the matrix that has the class C(check), in the same order."""
    for host in report["hosts"]:
        if host["state"] != "tested":
            yield element(
                "tr",
                element("th", host["host"], scope="row"),
                element("td", class_="none"),
                _result(_NOT_TESTED, host, _style(host["state"])),
                _since(host),
                *[element("td")] * 4,
                element("td", host["message"]),
            )
        for account in report["accounts"]:
            verdict = host["verdicts"].get(account["name"])
            if verdict is not None:
                yield element("tr", element("th", host["host"], scope="row"), *_detail_cells(verdict))


def _detail_cells(verdict: t.Mapping[str, t.Any]) -> t.Iterator[Html]:
    skew = verdict["clock_skew"]
    history = "renewed" if verdict["renewed"] else "reused" if verdict["reused"] else "new"
    lives = "" if verdict["expires_in"] is None else f", {verdict['expires_in']} s left"
    yield element("td", verdict["name"])
    yield _result(verdict["outcome"], verdict, verdict["outcome"])
    yield _since(verdict)
    yield element("td", "" if verdict["status"] is None else str(verdict["status"]))
    yield element("td", latency(verdict))
    yield element("td", "" if skew is None else f"{skew:+d} s" if skew else "0 s")
    yield element("td", *((verdict["fingerprint"], _small(history + lives)) if verdict["fingerprint"] else ()))
    yield element("td", verdict["message"], *((_small(verdict["endpoint"]),) if verdict["endpoint"] else ()))


def _result(outcome: str, part: t.Mapping[str, t.Any], style: str) -> Html:
    return element("td", element("b", outcome), _small(_words(part["reason"])), class_=style)


def _since(part: t.Mapping[str, t.Any]) -> Html:
    return element("td", _moment(part["since"]).removesuffix(" UTC"), *_before(part))


def _small(text: str) -> Html:
    """A second line."""
    return element("small", text)
