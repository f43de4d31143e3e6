# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The validation report as one HTML page."""

from __future__ import annotations

import html
import typing as t

from ._report_text import Report
from ._validation_report import HOST_STATES, SHOWN_OUTCOMES, latency


class Html(str):
    """Text that is HTML already. Any other text is escaped where it becomes part of an element."""


def element(name: str, *children: str, **attributes: str) -> Html:
    """An element. What is not Html is escaped, so that nothing can be forgotten."""
    shown = "".join(f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items())
    inner = "".join(child if isinstance(child, Html) else html.escape(child) for child in children)
    return Html(f"<{name}{shown}>{inner}</{name}>")


_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --back: #ffffff; --soft: #5b6570; --line: #d5dae0; --head: #f3f5f7;
  --valid: #d9f2df; --valid-text: #12531f; --invalid: #fbdcdc; --invalid-text: #8a1111;
  --unsure: #fdeec6; --unsure-text: #664700; --none: #e9ebee; --none-text: #444c55; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaed; --back: #15181c; --soft: #a3adb8; --line: #3a4149;
  --head: #1f242a; --valid: #143d20; --valid-text: #a9ecb8; --invalid: #541a1a; --invalid-text: #ffc2c2;
  --unsure: #4a3a0c; --unsure-text: #ffe29a; --none: #2a3037; --none-text: #c5ccd4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; font: 1rem/1.45 system-ui, sans-serif; color: var(--text);
  background: var(--back); }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; padding: 0; list-style: none; }
.figures li { padding: .4rem .8rem; border: 1px solid var(--line); border-radius: .4rem; }
.figures strong { display: block; font-size: 1.3rem; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .9rem; }
th, td { padding: .45rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  border-right: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; } tr > :last-child { border-right: 0; }
th { background: var(--head); } tbody th { position: sticky; left: 0; overflow-wrap: anywhere; min-width: 6rem; }
.matrix td { min-width: 7rem; } td strong, td span { display: block; } td span { font-size: .8rem; }
.details { font-size: .8rem; } .details td { overflow-wrap: break-word; max-width: 24rem; }
.details td:nth-child(n+5) { white-space: nowrap; }
.details td:nth-last-child(-n+2) { white-space: normal; overflow-wrap: anywhere; min-width: 10rem; }
.valid { background: var(--valid); color: var(--valid-text); }
.invalid { background: var(--invalid); color: var(--invalid-text); }
.indeterminate { background: var(--unsure); color: var(--unsure-text); }
.none { background: var(--none); color: var(--none-text); }
.legend { padding: 0; list-style: none; } .legend li { margin: .3rem 0; }
.legend b { display: inline-block; padding: 0 .5rem; border-radius: .3rem; }
.problems { padding-left: 1.2rem; } .problems li { margin: .4rem 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { padding: .35rem .4rem; } .matrix { font-size: .8rem; }
  .matrix td { min-width: 4.5rem; } tbody th { min-width: 4rem; } }
"""

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


def validation_html(report: Report) -> str:
    """The report as one page that loads nothing and runs nothing."""
    names = [account["name"] for account in report["accounts"]]
    totals = report["totals"]
    figures = [(totals["hosts"], "hosts"), (totals["checks"], "checks")]
    figures += [(totals[outcome], outcome) for outcome in SHOWN_OUTCOMES]
    figures += [(totals["hosts"] - totals["hosts_tested"], "hosts not tested")]
    figures += [(totals["tokens_requested"], "tokens requested"), (totals["tokens_reused"], "times reused")]
    problems = [
        element("li", element("strong", problem["title"]), Html("<br>"), problem["message"])
        for problem in report["problems"]
    ]
    head = [element("th", "Host", scope="col")]
    for account in report["accounts"]:
        head.append(
            element(
                "th", account["name"], Html("<br>"), element("span", account["provider"], class_="soft"), scope="col"
            )
        )
    matrix = [element("tr", element("th", host["host"], scope="row"), *_cells(host, names)) for host in report["hosts"]]
    body = (
        element("h1", "API access by host"),
        element("p", f"Generated {report['generated']} (UTC).", class_="soft"),
        element(
            "ul", *(element("li", element("strong", str(count)), word) for count, word in figures), class_="figures"
        ),
        *((element("h2", "Problems"), element("ul", *problems, class_="problems")) if problems else ()),
        element("h2", "Hosts and accounts"),
        _table("matrix", head, matrix),
        element("h2", "Legend"),
        element(
            "ul",
            *(element("li", element("b", word, class_=style), f" {meaning}") for style, word, meaning in _LEGEND),
            class_="legend",
        ),
        element("h2", "Details"),
        _table("details", [element("th", title, scope="col") for title in _DETAILS], _detail_rows(report)),
    )
    # The policy is a second lock: should text ever get in as markup, the browser still loads and runs nothing.
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>API access by host</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"{element('body', *(Html(part + chr(10)) for part in body))}\n</html>\n"
    )


_DETAILS = ("Host", "Account", "Outcome", "Reason", "Status", "Latency", "Token", "Lives", "Endpoint", "Message")


def _table(style: str, head: t.Iterable[Html], rows: t.Iterable[Html]) -> Html:
    inner = element("thead", element("tr", *head)), element("tbody", *(Html(row + "\n") for row in rows))
    return element("div", element("table", *inner, class_=style), class_="wide")


def _cells(host: t.Mapping[str, t.Any], names: t.Sequence[str]) -> list[Html]:
    if host["state"] != "tested":
        style = "none" if host["state"] == "no_accounts" else "indeterminate"
        inner = element("strong", HOST_STATES[host["state"]]), element("span", host["message"])
        return [element("td", *inner, class_=style, colspan=str(max(1, len(names))))]
    cells = []
    for name in names:
        verdict = host["verdicts"].get(name)
        if verdict is None:
            cells.append(element("td", "-", class_="none"))
            continue
        parts = [element("strong", verdict["outcome"]), element("span", verdict["reason"].replace("_", " "))]
        if verdict["elapsed_ms"] is not None:
            parts.append(element("span", latency(verdict)))
        cells.append(element("td", *parts, class_=verdict["outcome"], title=verdict["message"]))
    return cells


def _detail_rows(report: Report) -> t.Iterator[Html]:
    for host in report["hosts"]:
        if host["state"] != "tested":
            cells = [host["host"], "-", HOST_STATES[host["state"]], host["reason"], *["-"] * 5, host["message"]]
            yield _detail_row(cells)
        for verdict in host["verdicts"].values():
            history = "renewed" if verdict["renewed"] else "reused" if verdict["reused"] else "new"
            token = f"{verdict['fingerprint']} ({history})" if verdict["fingerprint"] else "-"
            lives = "-" if verdict["expires_in"] is None else f"{verdict['expires_in']} s"
            status = "-" if verdict["status"] is None else str(verdict["status"])
            yield _detail_row(
                [
                    *(host["host"], verdict["name"], verdict["outcome"], verdict["reason"], status),
                    *(latency(verdict) or "-", token, lives, verdict["endpoint"] or "-", verdict["message"]),
                ]
            )


def _detail_row(cells: t.Sequence[str]) -> Html:
    host, account, outcome, *rest = cells
    style = outcome if outcome in SHOWN_OUTCOMES else "indeterminate"
    shown = element("td", account), element("td", outcome, class_=style), *(element("td", cell) for cell in rest)
    return element("tr", element("th", host, scope="row"), *shown)
