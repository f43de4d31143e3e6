# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The report of the role validate_tokens: what each host's token_test found, as data and as lines for a terminal."""

from __future__ import annotations

import typing as t

from ..module_utils._providers._base import NOTABLE_CLOCK_SKEW
from ._report_text import Report, aligned, clean, counted, dict_of, list_of, number_of, plain, without_name
from ._validation_history import HOST, History, found_states

SHOWN_OUTCOMES = ("valid", "invalid", "indeterminate")
"""The outcomes in the order that a reader looks for them."""

HOST_STATES = {
    "unreachable": "unreachable",
    "failed": "failed",
    "not_run": "not run",
    "no_accounts": "no accounts",
}
"""What a host is that has no verdicts, in words."""

_MOST_HOSTS_NAMED = 6


def validation_report(
    results: t.Any,
    *,
    generated: str = "",
    names: t.Iterable[str] = (),
    fail_on: t.Collection[str] = ("invalid", "indeterminate"),
    history: History | None = None,
) -> Report:
    """The report on what each host's C(token_test) returned.

    ``results``: host -> result; what is none, such as an empty dictionary, is a host where nothing ran.
    ``generated``: when that was, in UTC as ISO 8601.
    ``names``: accounts that somebody asked for, so that one that no host has is a problem.
    ``fail_on``: the outcomes that make a host one of ``failed_hosts``.
    ``history``: what the runs before found; None where nobody wants to know what has changed.
    """
    accounts: dict[str, str] = {}
    hosts = []
    for name, result in dict_of(plain(results)).items():
        host = _host_row(name, dict_of(result))
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
    problems = _problems(hosts, verdicts, [clean(name) for name in names if clean(name) not in accounts])
    failing = {host for problem in problems if problem["outcome"] in fail_on for host in problem["hosts"]}
    failed_hosts = [host["host"] for host in hosts if host["host"] in failing]
    return {
        "generated": clean(generated),
        "previous": clean(history.generated) if history else "",
        "accounts": [{"name": name, "provider": provider} for name, provider in accounts.items()],
        "hosts": hosts,
        "problems": problems,
        "changes": _changes(hosts, clean(generated), history) if history else [],
        "notes": _notes(hosts, history),
        "failed_hosts": failed_hosts,
        "totals": {
            "hosts": len(hosts),
            "hosts_tested": tested,
            "hosts_failed": len(failed_hosts),
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
    verdicts = [_verdict(item) for item in list_of(result.get("verdicts")) if isinstance(item, dict)]
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
            state, reason = "failed", str(dict_of(result.get("failure")).get("kind") or "failed")
            message = message or "The test failed without a message."
    return {
        "host": name,
        "state": state,
        "reason": reason,
        "message": message,
        "since": "",
        "before": "",
        "verdicts": {verdict["name"]: verdict for verdict in verdicts},
    }


def _verdict(item: dict[str, t.Any]) -> dict[str, t.Any]:
    outcome = item.get("outcome")
    texts = {key: str(item.get(key) or "") for key in ("name", "provider", "reason", "message", "endpoint")}
    return {
        **texts,
        "message": without_name(texts["message"], texts["name"], texts["provider"]),
        "outcome": outcome if outcome in SHOWN_OUTCOMES else "indeterminate",
        "status": number_of(item.get("status")),
        "elapsed_ms": number_of(item.get("elapsed_ms")),
        "expires_in": number_of(item.get("expires_in")),
        "fingerprint": str(item.get("fingerprint") or ""),
        "reused": item.get("reused") is True,
        "renewed": item.get("renewed") is True,
        "clock_skew": number_of(item.get("clock_skew")),
        "since": "",
        "before": "",
    }


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
            # Each message of an unreachable host names that one.
            same = "" if row["state"] == "unreachable" else row["message"]
            note(row["host"], None, "indeterminate", row["reason"], row["message"], same)
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
    where = _where(problem["hosts"])
    if problem["account"] is None:
        return f"{where or 'all hosts'}: not tested ({problem['reason']})"
    return f"{problem['account']}{f' on {where}' if where else ''}: {problem['outcome']} ({problem['reason']})"


def _where(hosts: t.Sequence[str]) -> str:
    named = ", ".join(hosts[:_MOST_HOSTS_NAMED])
    return named if len(hosts) <= _MOST_HOSTS_NAMED else f"{named} and {len(hosts) - _MOST_HOSTS_NAMED} more"


def _changes(hosts: t.Sequence[dict[str, t.Any]], generated: str, history: History) -> list[dict[str, t.Any]]:
    """What differs from what was found before; notes at each host and verdict since when it is as it is.

    Hosts with the same change share one entry.
    """
    found: dict[tuple[str, str, str], dict[str, t.Any]] = {}
    known_hosts = {host for host, _account in history.states}
    for host, account, now, part in found_states(hosts):
        before = history.states.get((host, account))
        part["since"] = before.since if before and before.now == now else generated
        if not history.states or (before and before.now == now):
            continue
        if before is None and account != HOST and host not in known_hosts:
            continue  # the host itself is new, which says it all
        part["before"] = before.now if before else ""
        change = (account, part["before"], now)
        entry: dict[str, t.Any] = {"account": account or None, "before": part["before"], "now": now, "hosts": []}
        found.setdefault(change, entry)["hosts"].append(host)
    return [{**change, "title": _change_title(change)} for change in found.values()]


def _change_title(change: t.Mapping[str, t.Any]) -> str:
    what = f"{change['account']} on {_where(change['hosts'])}" if change["account"] else _where(change["hosts"])
    now, before = (change[key].replace("_", " ") for key in ("now", "before"))
    return f"{what}: {now}, {f'was {before}' if before else 'not tested before'}"


def _notes(hosts: t.Sequence[t.Mapping[str, t.Any]], history: History | None) -> list[dict[str, t.Any]]:
    """What is worth knowing, and fails nothing."""
    notes = []
    skews: dict[str, int] = {}
    for host in hosts:
        off = [verdict["clock_skew"] for verdict in host["verdicts"].values() if verdict["clock_skew"] is not None]
        worst = max(off, key=abs, default=0)
        if abs(worst) >= NOTABLE_CLOCK_SKEW:
            skews[host["host"]] = worst
    if skews:
        shown = [f"{host} ({abs(skew)} s {'ahead' if skew > 0 else 'behind'})" for host, skew in skews.items()]
        notes.append(
            {
                "title": f"Clocks that differ from the servers': {_where(shown)}",
                "message": "Correct them: certificates and signed assertions depend on the time.",
                "hosts": list(skews),
            }
        )
    if history and history.damaged:
        message = "It could not be read, so that nothing can be said of what has changed. It begins anew with this run."
        notes.append({"title": "The history file is damaged", "message": message, "hosts": []})
    return notes


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
    lines = aligned(table)
    if report["problems"]:
        lines += ["", "Problems:"]
        lines += [f"  {problem['title']}: {problem['message']}" for problem in report["problems"]]
    if report["notes"]:
        lines += ["", "Notes:", *(f"  {note['title']}. {note['message']}" for note in report["notes"])]
    if report["previous"]:
        changes = [f"  {change['title']}" for change in report["changes"]]
        lines += ["", f"Changed since {report['previous']}:", *(changes or ["  Nothing."])]
    return [*lines, "", *_totals(report["totals"])]


def _cell_text(host: t.Mapping[str, t.Any], name: str) -> str:
    verdict = host["verdicts"].get(name)
    if verdict is None:
        return "-" if host["state"] in ("tested", "no_accounts") else HOST_STATES[host["state"]]
    return f"{verdict['outcome']}{latency(verdict, ' ')}"


def latency(verdict: t.Mapping[str, t.Any], before: str = "") -> str:
    return "" if verdict["elapsed_ms"] is None else f"{before}{verdict['elapsed_ms']} ms"


def _totals(totals: t.Mapping[str, int]) -> list[str]:
    left = totals["hosts"] - totals["hosts_tested"]
    outcomes = ", ".join(f"{totals[outcome]} {outcome}" for outcome in SHOWN_OUTCOMES)
    return [
        f"{counted(totals['hosts'], 'host')}, {left} of them not tested. "
        f"{counted(totals['checks'], 'check')}: {outcomes}.",
        f"{counted(totals['tokens_requested'], 'token')} requested, reused {counted(totals['tokens_reused'], 'time')}.",
    ]
