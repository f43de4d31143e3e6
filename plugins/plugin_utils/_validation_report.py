# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The report of the role validate_tokens: what each host's token_test found, as data and as lines for a terminal."""

from __future__ import annotations

import typing as t

from ._report_text import Report, aligned, clean, counted, dict_of, list_of, number_of, plain, without_name

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


def validation_report(results: t.Any, *, generated: str = "", names: t.Iterable[str] = ()) -> Report:
    """The report on what each host's C(token_test) returned.

    ``results``: host -> result; what is none, such as an empty dictionary, is a host where nothing ran.
    ``names``: accounts that somebody asked for, so that one that no host has is a problem.
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
    lines = aligned(table)
    if report["problems"]:
        lines += ["", "Problems:"]
        lines += [f"  {problem['title']}: {problem['message']}" for problem in report["problems"]]
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
