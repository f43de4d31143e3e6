# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The report of the role provision_accounts: what api_account found, as data, for a terminal, and as Markdown."""

from __future__ import annotations

import re
import typing as t

from ..module_utils._operations.api_account import ACTION_TITLES
from ..module_utils._providers._portal import SETTINGS_STEP, filled, setting_name
from ..module_utils._providers._registry import PROVIDERS
from ._report_text import Report, aligned, clean, counted, dict_of, list_of, plain, without_name

CONFIRM, SETTLE = "confirm", "settle"

ACTIONS = {
    **ACTION_TITLES,
    CONFIRM: "confirm the settings that no program can read",
    SETTLE: "settle a change whose outcome is not known",
}
"""All that a person can have to do about an account."""


def provisioning_report(results: t.Any, *, generated: str = "") -> Report:
    """The report on C(api_account): ``results`` are those of a loop over names, each with its C(item)."""
    accounts = [_account_row(dict_of(result)) for result in list_of(plain(results))]
    tasks = []
    number = 0
    for account in accounts:
        if account["steps"]:
            titles = [ACTIONS.get(action, action) for action in account["actions"]]
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
    "failed": "failed",
}


def _account_row(result: dict[str, t.Any]) -> dict[str, t.Any]:
    account, portal = dict_of(result.get("account")), dict_of(result.get("portal"))
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
        verdict = dict_of(result.get("verdict"))
        credentials = credentials if verdict else "not given"
        message = str(verdict.get("message") or "No complete credentials were given to prove.")
    if credentials == "not proven" and change in ("created", "deleted", "forgotten"):
        credentials = "none"  # there is no account, or, in check mode, not yet
    row = {
        "name": name,
        "provider": provider,
        "state": state,
        "change": change,
        "verified": result["verified"] if assessed else None,
        "credentials": credentials,
        "differences": [dict_of(item) for item in list_of(result.get("differences"))] if assessed else [],
        "unchecked": [str(field) for field in list_of(result.get("unchecked"))] if assessed else [],
        "actions": [str(action) for action in list_of(result.get("actions"))] if assessed else [],
        "url": str(portal.get("url") or ""),
        "steps": [str(step) for step in list_of(portal.get("steps"))],
        "reason": str(dict_of(result.get("failure")).get("kind") or reason),
        "message": without_name(message, name, provider),
    }
    return {**row, "needs": _needs(row, account, portal, dict_of(result.get("unchecked_wanted")))}


def _needs(
    row: t.Mapping[str, t.Any],
    account: t.Mapping[str, t.Any],
    portal: t.Mapping[str, t.Any],
    wanted: t.Mapping[str, t.Any],
) -> list[dict[str, t.Any]]:
    """What only a person can do about an account, each with its own steps. ``wanted`` are unread settings."""
    tasks = [dict_of(task) for task in list_of(portal.get("tasks"))]
    steps = {str(task.get("action")): [str(step) for step in list_of(task.get("steps"))] for task in tasks}
    differences = {str(item.get("field")): item.get("wanted") for item in row["differences"]}
    found = {
        "repair": row["message"],
        "create": row["message"],
        "change": ", ".join(f"{item.get('field')} is {_shown(item.get('found'))}" for item in row["differences"]) + ".",
        "delete": "its credentials still work." if row["verified"] else "it is still there.",
        "regain": "the server does not accept the registration access token.",
    }
    needs = [
        {
            "action": action,
            "title": ACTIONS.get(action, action),
            "url": row["url"],
            "steps": steps.get(action) or row["steps"] or [row["message"]],
            "found": found.get(action, ""),
            "wanted": differences if action == "change" else {},
            # Whether a secret is another one, or an account is gone that nobody knows any more, cannot be seen.
            "by_hand": action == "rotate" or (action == "delete" and row["change"] == "forgotten"),
        }
        for action in dict.fromkeys(row["actions"])
    ]
    # Without a proof, settings may be unread for that alone.
    unread = [field for field in row["unchecked"] if row["verified"] and field not in differences]
    if unread:
        needs.append(_confirmation(row["provider"], account, {field: wanted.get(field) for field in unread}))
    if row["reason"] == "unfinished":
        settle = {"action": SETTLE, "title": ACTIONS[SETTLE], "url": "", "steps": [row["message"]]}
        needs.append({**settle, "found": "", "wanted": {}, "by_hand": False})
    return needs


def _confirmation(provider: str, account: t.Mapping[str, t.Any], wanted: dict[str, t.Any]) -> dict[str, t.Any]:
    """Where a person looks, and what should be there; None stands for a value that follows from other options."""
    kind = PROVIDERS.get(provider)
    steps = ["Open the account in the vendor's portal."]
    settings = kind.settings if kind else {}
    if kind and kind.registers:
        steps = ["Ask the administrator of {base_url} about client {client_id}."]
    elif kind:
        change = kind.portal.change
        steps = list(change[: change.index(SETTINGS_STEP)])

    known = str(account.get("base_url") or ""), str(account.get("client_id") or "")
    checks = []
    for field, value in wanted.items():
        label = setting_name(settings, field)
        checks.append(f"Check that {label} is {'as this account has it here' if value is None else _shown(value)}.")
    return {
        "action": CONFIRM,
        "title": ACTIONS[CONFIRM],
        "url": filled(kind.portal.url, *known) if kind else "",
        "steps": [*(filled(step, *known) for step in steps), *checks],
        "found": "",
        "wanted": wanted,
        "by_hand": True,
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
    lines = aligned(table)
    notes = [f"  {account['name']}: {note}" for account in report["accounts"] for note in _notes(account)]
    if notes:
        lines += ["", "Notes:", *notes]
    lines += ["", _provisioning_totals(report), "", "What people have to do:"]
    if "work" in report:
        return lines + _work_lines(report["work"])
    for task in report["portal_tasks"]:
        lines.append(f"  {task['name']}: {task['title']}")
        lines += [f"    {step['number']}. {step['text']}" for step in task["steps"]]
    return lines if report["portal_tasks"] else [*lines, "  Nothing."]


def _work_lines(work: t.Mapping[str, t.Any]) -> list[str]:
    """The work list for a terminal: what is open, and what came off the list in this run."""
    lines = []
    for item in work["open"]:
        more = {"reopened": ", ticked but still needed", "kept": ", as before; its steps are in the work list"}
        lines.append(f"  {item['account']}: {item['title']} (since {item['since']}{more.get(item['state'], '')})")
        lines += [f"    {item['url']}"] if item["url"] else []
        lines += [f"    Found: {item['found']}"] if item["found"] and item["state"] == "reopened" else []
        lines += [f"    {number}. {step}" for number, step in enumerate(item["steps"], 1)]
    lines = lines or ["  Nothing."]
    if work["done_now"]:
        lines += ["", "Off the list in this run:"]
        lines += [f"  {item['account']}: {item['title']} ({item['ending']})" for item in work["done_now"]]
    return lines


def _provisioning_totals(report: Report) -> str:
    totals = report["totals"]
    states = ", ".join(f"{totals[state]} {words}" for state, words in _ACCOUNT_STATES.items())
    return f"{counted(totals['accounts'], 'account')}: {states}. {totals['proven']} proven."


def provisioning_markdown(report: Report) -> str:
    """The report as Markdown, for a ticket or a change request."""
    lines = ["# API accounts", ""]
    if report["generated"]:
        lines += [f"Generated {markdown(report['generated'])} (UTC).", ""]
    lines += [_provisioning_totals(report), "", "| Account | Provider | Credentials | Settings | Result |"]
    lines += ["|---|---|---|---|---|"]
    for account in report["accounts"]:
        state = _state_text(account)
        cells = [account["name"], account["provider"] or "-", account["credentials"], _settings(account), state]
        lines.append(f"| {' | '.join(map(markdown, cells))} |")
    notes = [(account["name"], note) for account in report["accounts"] for note in _notes(account)]
    if notes:
        lines += ["", "## Notes", "", *(f"- **{markdown(name)}**: {markdown(note)}" for name, note in notes)]
    lines += ["", "## What people have to do", ""]
    for task in report["portal_tasks"]:
        lines += [f"### {markdown(task['name'])}: {markdown(task['title'])}", ""]
        lines += [f"{step['number']}. {markdown(step['text'])}" for step in task["steps"]]
        lines.append("")
    if not report["portal_tasks"]:
        lines += ["Nothing.", ""]
    return "\n".join(lines)


def markdown(text: str) -> str:
    """Text in which Markdown and HTML see nothing of theirs. Within a word, as in URLs, an underscore is none."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")
    return re.sub(r"[\\`*\[\]|~#]|^>|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\\g<0>", text)
