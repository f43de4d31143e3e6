# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What earlier runs of validate_tokens found, so that a report can say what has changed.

The history is a JSON file of the user's: of the last runs their totals, and of each host and account how it was found
last, and since when. A run that tests only some of them leaves the others as they are.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ._report_text import Report, clean, dict_of, list_of

HOST = ""
"""In the place of an account's name: the host itself, whether it could test."""

FORMAT = 1
MOST_RUNS = 30


@dataclasses.dataclass(frozen=True)
class State:
    """How something was found last. ``since`` and ``seen`` are moments in UTC as ISO 8601."""

    now: str
    since: str
    seen: str


@dataclasses.dataclass(frozen=True)
class History:
    """What the runs before found.

    :ivar generated: when the last of them was, in UTC; empty where there was none
    :ivar runs: the last ones' totals, the latest at the end
    :ivar states: how each host and account was found, by host and account; HOST for the host itself
    :ivar damaged: whether there is a file, and it could not be read
    """

    generated: str = ""
    runs: tuple[dict[str, t.Any], ...] = ()
    states: t.Mapping[tuple[str, str], State] = dataclasses.field(default_factory=dict)
    damaged: bool = False


def read_history(text: str) -> History:
    """The history of a file; nothing but empty text is no error: what cannot be read is noted, and begun anew."""
    if not text.strip():
        return History()
    try:
        document = json.loads(text)
    except ValueError:
        return History(damaged=True)
    runs = [run for run in list_of(dict_of(document).get("runs")) if isinstance(run, dict) and run.get("generated")]
    if not runs or document.get("format") != FORMAT:
        return History(damaged=True)
    states = {}
    for host, found in dict_of(document.get("hosts")).items():
        accounts = dict_of(dict_of(found).get("accounts"))
        for account, state in [(HOST, found), *accounts.items()]:
            kept = {key: clean(dict_of(state).get(key) or "") for key in ("now", "since", "seen")}
            if all(kept.values()):
                states[clean(host), clean(account)] = State(**kept)
    return History(clean(runs[-1]["generated"]), tuple(runs), states)


def found_states(hosts: t.Iterable[dict[str, t.Any]]) -> t.Iterator[tuple[str, str, str, dict[str, t.Any]]]:
    """What a history keeps of hosts: the host, the account or HOST, how it is, and its part of the report."""
    for host in hosts:
        yield host["host"], HOST, host["state"], host
        for verdict in host["verdicts"].values():
            yield host["host"], verdict["name"], verdict["outcome"], verdict


def written_history(history: History, report: Report) -> str:
    """The file after a run: ``report`` was made with ``history``."""
    # A report that is written once more is still one run.
    others = [run for run in history.runs if run["generated"] != report["generated"]]
    runs = [*others, {"generated": report["generated"], "totals": report["totals"]}][-MOST_RUNS:]
    seen = report["generated"]
    states = dict(history.states)
    for host, account, now, part in found_states(report["hosts"]):
        states[host, account] = State(now, part["since"], seen)
    hosts: dict[str, dict[str, t.Any]] = {}
    for (host, account), state in states.items():
        # What none of the kept runs has seen is no longer there.
        if state.seen < runs[0]["generated"]:
            continue
        entry = hosts.setdefault(host, {"accounts": {}})
        if account == HOST:
            entry.update(dataclasses.asdict(state))
        else:
            entry["accounts"][account] = dataclasses.asdict(state)
    return json.dumps({"format": FORMAT, "runs": runs, "hosts": hosts}, indent=1, sort_keys=True) + "\n"
