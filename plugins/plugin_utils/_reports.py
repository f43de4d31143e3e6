# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The reports of the roles: results in, plain data out, and that data as lines, HTML or Markdown.

Results quote servers, so no text is trusted: it is cleaned when a report is made, and escaped when it is written.
"""

from __future__ import annotations

import html
import re
import typing as t

from ..module_utils._operations.api_account import ACTION_TITLES

Report = t.Dict[str, t.Any]  # noqa: UP006 (evaluated on every Python that Ansible runs on)

SHOWN_OUTCOMES = ("valid", "invalid", "indeterminate")
"""The outcomes in the order that a reader looks for them."""

HOST_STATES = {
    "unreachable": "unreachable",
    "failed": "failed",
    "not_run": "not run",
    "no_accounts": "no accounts",
}
"""What a host is that has no verdicts, in words."""

_LONGEST_TEXT = 2000
_WIDEST_NAME = 32
_MOST_HOSTS_NAMED = 6


# Cleaning


def plain(value: t.Any) -> t.Any:
    """The same data in Python's own types: Ansible's are lazy, tagged or proxies."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, t.Mapping):
        return {clean(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return clean(value)


def clean(value: t.Any) -> str:
    """Text on one line, with nothing that a terminal obeys or that Ansible takes for a template."""
    text = " ".join(str.__str__(value if isinstance(value, str) else str(value)).split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    text = re.sub(r"\{(?=[{%#])", "{ ", text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _dict(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []


def _number(value: t.Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# Validation


def validation_report(results: t.Any, *, generated: str = "", names: t.Iterable[str] = ()) -> Report:
    """The report on what each host's C(token_test) returned.

    ``results``: host -> result; what is none, such as an empty dictionary, is a host where nothing ran.
    ``names``: accounts that somebody asked for, so that one that no host has is a problem.
    """
    accounts: dict[str, str] = {}
    hosts = []
    for name, result in _dict(plain(results)).items():
        host = _host_row(name, _dict(result))
        for verdict in host["verdicts"].values():
            accounts.setdefault(verdict["name"], verdict["provider"])
        hosts.append(host)
    verdicts = [(host["host"], verdict) for host in hosts for verdict in host["verdicts"].values()]
    tokens = [(verdict["provider"], verdict["fingerprint"]) for _host, verdict in verdicts if verdict["fingerprint"]]
    requested = {
        (verdict["provider"], verdict["fingerprint"])
        for _host, verdict in verdicts
        if verdict["fingerprint"] and not verdict["reused"]
    }
    tested = sum(host["state"] == "tested" for host in hosts)
    return {
        "generated": clean(generated),
        "accounts": [{"name": name, "provider": provider} for name, provider in accounts.items()],
        "hosts": hosts,
        "problems": _problems(hosts, verdicts, [clean(name) for name in names if clean(name) not in accounts]),
        "totals": {
            "hosts": len(hosts),
            "hosts_tested": tested,
            "checks": len(verdicts),
            **{
                outcome: sum(verdict["outcome"] == outcome for _host, verdict in verdicts) for outcome in SHOWN_OUTCOMES
            },
            "tokens_requested": len(requested),
            "tokens_reused": len(tokens) - len(requested),
        },
        "holders": _holders(verdicts),
    }


def _host_row(name: str, result: dict[str, t.Any]) -> dict[str, t.Any]:
    """One host, with its verdicts by account, or with why there are none."""
    state, reason, message = "tested", "", ""
    verdicts = [_verdict(item) for item in _list(result.get("verdicts")) if isinstance(item, dict)]
    if not verdicts:
        message = str(result.get("msg") or "")
        if result.get("unreachable") is True:
            state, reason = "unreachable", "unreachable"
            message = message or "Ansible could not connect to the host."
        elif not result or result.get("skipped") is True:
            state, reason = "not_run", "not_run"
            message = "The test did not run here: the host failed or could not be reached earlier in the play."
        elif isinstance(result.get("verdicts"), list):
            state, reason, message = "no_accounts", "no_accounts", "No account is defined for this host."
        else:
            state, reason = "failed", str(_dict(result.get("failure")).get("kind") or "failed")
            message = message or "The test failed without a message."
    return {
        "host": name,
        "state": state,
        "reason": reason,
        "message": message,
        "verdicts": {verdict["name"]: verdict for verdict in verdicts},
    }


def _verdict(item: dict[str, t.Any]) -> dict[str, t.Any]:
    outcome = item.get("outcome")
    texts = {key: str(item.get(key) or "") for key in ("name", "provider", "reason", "message", "endpoint")}
    return {
        **texts,
        "message": _without_name(texts["message"], texts["name"], texts["provider"]),
        "outcome": outcome if outcome in SHOWN_OUTCOMES else "indeterminate",
        "status": _number(item.get("status")),
        "elapsed_ms": _number(item.get("elapsed_ms")),
        "expires_in": _number(item.get("expires_in")),
        "fingerprint": str(item.get("fingerprint") or ""),
        "reused": item.get("reused") is True,
        "renewed": item.get("renewed") is True,
    }


def _without_name(message: str, name: str, provider: str) -> str:
    """A message without the account that it begins with: in a report it stands beside that."""
    return message.removeprefix(f"Account '{name}' ({provider}): ")


def _problems(
    hosts: t.Sequence[dict[str, t.Any]],
    verdicts: t.Sequence[tuple[str, dict[str, t.Any]]],
    unknown: t.Sequence[str],
) -> list[dict[str, t.Any]]:
    """What is not valid. Hosts with the same problem share one entry, with the first one's message."""
    found: dict[tuple[t.Any, ...], dict[str, t.Any]] = {}

    def note(host: str, account: str | None, outcome: str, reason: str, message: str, *more: t.Any) -> None:
        entry: dict[str, t.Any] = {
            "account": account,
            "outcome": outcome,
            "reason": reason,
            "hosts": [],
            "message": message,
        }
        found.setdefault((account, outcome, reason, *more), entry)["hosts"].append(host)

    for host, verdict in verdicts:
        if verdict["outcome"] != "valid":
            of = verdict["name"], verdict["outcome"], verdict["reason"], verdict["message"]
            note(host, *of, verdict["provider"], verdict["status"])
    for row in hosts:
        # A host that could not test is no proof of anything: its accounts' state is not known there.
        if row["state"] in ("unreachable", "failed", "not_run"):
            note(row["host"], None, "indeterminate", row["reason"], row["message"], row["message"])
    problems = list(found.values())
    general: list[tuple[str | None, str, str]] = []
    if verdicts:
        general += [(name, "unknown", "No host has an account of this name.") for name in unknown]
    elif not problems:
        general.append((None, "no_accounts", "Nothing was tested: no account is defined for any host."))
    for subject, reason, message in general:
        problems.append(
            {"account": subject, "outcome": "indeterminate", "reason": reason, "hosts": [], "message": message}
        )
    return [{**problem, "title": _title(problem)} for problem in problems]


def _title(problem: t.Mapping[str, t.Any]) -> str:
    """A problem in a few words."""
    hosts = problem["hosts"]
    where = ", ".join(hosts[:_MOST_HOSTS_NAMED])
    if len(hosts) > _MOST_HOSTS_NAMED:
        where += f" and {len(hosts) - _MOST_HOSTS_NAMED} more"
    if problem["account"] is None:
        return f"{where or 'all hosts'}: not tested ({problem['reason']})"
    return f"{problem['account']}{f' on {where}' if where else ''}: {problem['outcome']} ({problem['reason']})"


def _holders(verdicts: t.Iterable[tuple[str, dict[str, t.Any]]]) -> dict[str, list[str]]:
    """Each token once: the first host that used it, and its account's name there, for whoever gives it back."""
    seen = set()
    holders: dict[str, list[str]] = {}
    for host, verdict in verdicts:
        token = verdict["provider"], verdict["fingerprint"]
        if verdict["fingerprint"] and token not in seen:
            seen.add(token)
            holders.setdefault(host, []).append(verdict["name"])
    return holders


def validation_lines(report: Report) -> list[str]:
    """The report for a terminal: a table, a line for each problem, and the totals."""
    names = [account["name"] for account in report["accounts"]]
    table = [["HOST", *names]]
    for host in report["hosts"]:
        table.append([host["host"], *(_cell_text(host, name) for name in names)])
        if not names:
            table[-1].append(HOST_STATES.get(host["state"], host["state"]))
    lines = _aligned(table)
    if report["problems"]:
        lines += ["", "Problems:"]
        lines += [f"  {problem['title']}: {problem['message']}" for problem in report["problems"]]
    return [*lines, "", *_totals(report["totals"])]


def _cell_text(host: t.Mapping[str, t.Any], name: str) -> str:
    verdict = host["verdicts"].get(name)
    if verdict is None:
        return "-" if host["state"] in ("tested", "no_accounts") else HOST_STATES[host["state"]]
    return f"{verdict['outcome']}{_latency(verdict, ' ')}"


def _latency(verdict: t.Mapping[str, t.Any], before: str = "") -> str:
    return "" if verdict["elapsed_ms"] is None else f"{before}{verdict['elapsed_ms']} ms"


def _totals(totals: t.Mapping[str, int]) -> list[str]:
    left = totals["hosts"] - totals["hosts_tested"]
    outcomes = ", ".join(f"{totals[outcome]} {outcome}" for outcome in SHOWN_OUTCOMES)
    return [
        f"{_counted(totals['hosts'], 'host')}, {left} of them not tested. "
        f"{_counted(totals['checks'], 'check')}: {outcomes}.",
        f"{_counted(totals['tokens_requested'], 'token')} requested, "
        f"reused {_counted(totals['tokens_reused'], 'time')}.",
    ]


def _aligned(table: t.Sequence[t.Sequence[str]]) -> list[str]:
    rows = [[_short(cell) for cell in row] for row in table]
    widths = [max(len(row[index]) for row in rows if index < len(row)) for index in range(max(map(len, rows)))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST_NAME else f"{text[: _WIDEST_NAME - 1]}…"


# HTML


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
            parts.append(element("span", _latency(verdict)))
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
                    *(_latency(verdict) or "-", token, lives, verdict["endpoint"] or "-", verdict["message"]),
                ]
            )


def _detail_row(cells: t.Sequence[str]) -> Html:
    host, account, outcome, *rest = cells
    style = outcome if outcome in SHOWN_OUTCOMES else "indeterminate"
    shown = element("td", account), element("td", outcome, class_=style), *(element("td", cell) for cell in rest)
    return element("tr", element("th", host, scope="row"), *shown)


# Provisioning


def provisioning_report(results: t.Any, *, generated: str = "") -> Report:
    """The report on C(api_account): ``results`` are those of a loop over names, each with its C(item)."""
    accounts = [_account_row(_dict(result)) for result in _list(plain(results))]
    tasks = []
    number = 0
    for account in accounts:
        if account["steps"]:
            titles = [ACTION_TITLES.get(action, action) for action in account["actions"]]
            numbered = [{"number": number + index, "text": text} for index, text in enumerate(account["steps"], 1)]
            number += len(numbered)
            tasks.append(
                {"name": account["name"], "title": ", then ".join(titles), "url": account["url"], "steps": numbered}
            )
    return {
        "generated": clean(generated),
        "accounts": accounts,
        "portal_tasks": tasks,
        "not_as_wanted": [account["name"] for account in accounts if account["state"] != "as_wanted"],
        "totals": {
            "accounts": len(accounts),
            **{state: sum(account["state"] == state for account in accounts) for state in _ACCOUNT_STATES},
            "proven": sum(account["verified"] is True for account in accounts),
        },
    }


_ACCOUNT_STATES = {
    "as_wanted": "as wanted",
    "action_required": "a person must act",
    "failed": "could not be assessed",
}


def _account_row(result: dict[str, t.Any]) -> dict[str, t.Any]:
    account, portal = _dict(result.get("account")), _dict(result.get("portal"))
    assessed = isinstance(result.get("verified"), bool)
    state = "failed" if not assessed else "action_required" if result.get("action_required") is True else "as_wanted"
    reason = "" if assessed else "unreachable" if result.get("unreachable") is True else "failed"
    name, provider = str(account.get("name") or result.get("item") or "unnamed"), str(account.get("provider") or "")
    message = str(result.get("msg") or ("" if assessed else "The task failed without a message."))
    named = re.match(rf"Account '{re.escape(name)}' \((\w+)\): ", message)
    if named and not provider:
        provider = named[1]
    change = str(result.get("change") or "none") if result.get("changed") is True else "none"
    credentials = "not known" if not assessed else "proven" if result["verified"] else "not proven"
    if credentials == "not proven" and result.get("action_required") is True:
        # What is to be done stands elsewhere in the report.
        verdict = _dict(result.get("verdict"))
        credentials = credentials if verdict else "not given"
        message = str(verdict.get("message") or "No complete credentials were given to prove.")
    if credentials == "not proven" and change in ("created", "deleted", "forgotten"):
        credentials = "none"  # there is no account, or, in check mode, not yet
    return {
        "name": name,
        "provider": provider,
        "state": state,
        "change": change,
        "verified": result["verified"] if assessed else None,
        "credentials": credentials,
        "differences": [_dict(item) for item in _list(result.get("differences"))] if assessed else [],
        "unchecked": [str(field) for field in _list(result.get("unchecked"))] if assessed else [],
        "actions": [str(action) for action in _list(result.get("actions"))] if assessed else [],
        "url": str(portal.get("url") or ""),
        "steps": [str(step) for step in _list(portal.get("steps"))],
        "reason": str(_dict(result.get("failure")).get("kind") or reason),
        "message": _without_name(message, name, provider),
    }


def _state_text(account: t.Mapping[str, t.Any]) -> str:
    change = "" if account["change"] == "none" else f" ({account['change']})"
    return _ACCOUNT_STATES[account["state"]] + change


def _settings(account: t.Mapping[str, t.Any]) -> str:
    word = "different" if account["change"] == "none" else "changed"
    differing = 0 if account["change"] == "deleted" else len(account["differences"])
    counts = [(differing, word), (len(account["unchecked"]), "unreadable")]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "-"


def _notes(account: t.Mapping[str, t.Any]) -> list[str]:
    """What there is to say of an account beside its row."""
    found = "and found as" if account["change"] == "none" else "was"
    notes = [
        f"{item.get('field')} is wanted as {_shown(item.get('wanted'))}, {found} {_shown(item.get('found'))}."
        for item in account["differences"]
        if account["change"] != "deleted"
    ]
    if account["unchecked"]:
        notes.append(f"Nobody but a person can read {', '.join(account['unchecked'])}.")
    # The message of an account that works says no more than its row.
    if account["verified"] is not True or account["change"] != "none":
        notes.append(account["message"])
    return notes


def _shown(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "(empty)"
    return "(empty)" if value is None or value == "" else str(value)


def provisioning_lines(report: Report) -> list[str]:
    """The report for a terminal: a table, what is to be said of each account, and the steps for people at the end."""
    table = [["ACCOUNT", "PROVIDER", "CREDENTIALS", "SETTINGS", "RESULT"]]
    for account in report["accounts"]:
        state = _state_text(account)
        table.append([account["name"], account["provider"] or "-", account["credentials"], _settings(account), state])
    lines = _aligned(table)
    notes = [f"  {account['name']}: {note}" for account in report["accounts"] for note in _notes(account)]
    if notes:
        lines += ["", "Notes:", *notes]
    lines += ["", _provisioning_totals(report), "", "What people have to do:"]
    for task in report["portal_tasks"]:
        lines.append(f"  {task['name']}: {task['title']}")
        lines += [f"    {step['number']}. {step['text']}" for step in task["steps"]]
    return lines if report["portal_tasks"] else [*lines, "  Nothing."]


def _provisioning_totals(report: Report) -> str:
    totals = report["totals"]
    states = ", ".join(f"{totals[state]} {words}" for state, words in _ACCOUNT_STATES.items())
    return f"{_counted(totals['accounts'], 'account')}: {states}. {totals['proven']} proven."


def provisioning_markdown(report: Report) -> str:
    """The report as Markdown, for a ticket or a change request."""
    lines = ["# API accounts", ""]
    if report["generated"]:
        lines += [f"Generated {_markdown(report['generated'])} (UTC).", ""]
    lines += [_provisioning_totals(report), "", "| Account | Provider | Credentials | Settings | Result |"]
    lines += ["|---|---|---|---|---|"]
    for account in report["accounts"]:
        state = _state_text(account)
        cells = [account["name"], account["provider"] or "-", account["credentials"], _settings(account), state]
        lines.append(f"| {' | '.join(map(_markdown, cells))} |")
    notes = [(account["name"], note) for account in report["accounts"] for note in _notes(account)]
    if notes:
        lines += ["", "## Notes", "", *(f"- **{_markdown(name)}**: {_markdown(note)}" for name, note in notes)]
    lines += ["", "## What people have to do", ""]
    for task in report["portal_tasks"]:
        lines += [f"### {_markdown(task['name'])}: {_markdown(task['title'])}", ""]
        lines += [f"{step['number']}. {_markdown(step['text'])}" for step in task["steps"]]
        lines.append("")
    if not report["portal_tasks"]:
        lines += ["Nothing.", ""]
    return "\n".join(lines)


def _markdown(text: str) -> str:
    """Text in which Markdown and HTML see nothing of theirs. Within a word, as in URLs, an underscore is none."""
    text = html.escape(text, quote=False)
    return re.sub(r"[\\`*\[\]|~#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\\g<0>", text)
