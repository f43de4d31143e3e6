# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: E501 (a table is read by its columns)

"""What is expected of each operation under each fault; with one repetition (retries: 1).

A cell has the outcome (``ok``, or the error's kind), how many connections reached the server's side, and what is kept
afterwards:

- token, refresh, test, release, GET: whether the token in the store is new, the old one, or none
- create, update, delete: the account's record, new (as wanted), old or none, and whether a change of it is noted, whose
  outcome is not known
- POST: how many things the vendor has made

Where the fault is in force to the end, more than one connection is a repetition, or the question that follows a lost
answer. A call that may have acted is never repeated: nothing but a GET, unless it was not sent or was put off.
"""

from __future__ import annotations

_SHORT = {"malformed": "malformed_answer", "rate": "rate_limited", "unexpected": "unexpected_answer"}

SLOW = frozenset(
    {
        "full queue",
        "black hole",
        "TLS in drips",
        "no answer",
        "drips of a status line",
        "drips of headers",
        "drips of 103",
        "drips of a body",
        "in drips",
    }
)
"""The faults that let the time run out."""

_TEXT = """
fault                        | token               | refresh            | test              | release            | create                    | update                   | delete                   | GET                | POST
# The connection is not made.
refused                      | connection 0 none   | connection 0 old   | connection 0 old  | connection 0 old   | connection 0 none         | connection 0 old         | connection 0 old         | connection 0 old   | connection 0 0
full queue                   | timeout 0 none      | timeout 0 old      | timeout 0 old     | timeout 0 old      | timeout 0 none            | timeout 0 old            | timeout 0 old            | timeout 0 old      | timeout 0 0
reset on connect             | connection 2 none   | connection 2 old   | connection 2 old  | connection 2 old   | connection 2 none         | connection 2 old         | connection 2 old         | connection 2 old   | connection 2 0
close on connect             | connection 2 none   | connection 2 old   | connection 2 old  | connection 2 old   | connection 2 none         | connection 2 old         | connection 2 old         | connection 2 old   | connection 2 0
black hole                   | timeout 2 none      | timeout 2 old      | timeout 2 old     | timeout 2 old      | timeout 2 none            | timeout 2 old            | timeout 2 old            | timeout 2 old      | timeout 2 0
garbage for TLS              | tls 1 none          | tls 1 old          | tls 1 old         | tls 1 old          | tls 1 none                | tls 1 old                | tls 1 old                | tls 1 old          | tls 1 0
TLS alert                    | tls 1 none          | tls 1 old          | tls 1 old         | tls 1 old          | tls 1 none                | tls 1 old                | tls 1 old                | tls 1 old          | tls 1 0
TLS in drips                 | timeout 2 none      | timeout 2 old      | timeout 2 old     | timeout 2 old      | timeout 2 none            | timeout 2 old            | timeout 2 old            | timeout 2 old      | timeout 2 0
expired certificate          | certificate 1 none  | certificate 1 old  | certificate 1 old | certificate 1 old  | certificate 1 none        | certificate 1 old        | certificate 1 old        | certificate 1 old  | certificate 1 0
certificate of another host  | certificate 1 none  | certificate 1 old  | certificate 1 old | certificate 1 old  | certificate 1 none        | certificate 1 old        | certificate 1 old        | certificate 1 old  | certificate 1 0
# The request arrives, and goes no further.
reset after the request      | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
close after the request      | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
half closed after it         | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
no answer                    | timeout 1 none      | timeout 1 old      | timeout 2 old     | timeout 1 old      | timeout 1 none+noted      | timeout 3 old+noted      | timeout 1 old+noted      | timeout 2 old      | timeout 1 0
garbage for HTTP             | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
drips of a status line       | timeout 1 none      | timeout 1 old      | timeout 2 old     | timeout 1 old      | timeout 1 none+noted      | timeout 3 old+noted      | timeout 1 old+noted      | timeout 2 old      | timeout 1 0
drips of headers             | timeout 1 none      | timeout 1 old      | timeout 2 old     | timeout 1 old      | timeout 1 none+noted      | timeout 3 old+noted      | timeout 1 old+noted      | timeout 2 old      | timeout 1 0
endless headers              | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
endless header               | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
flood of 100                 | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
flood of 103                 | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 0
drips of 103                 | timeout 1 none      | timeout 1 old      | timeout 2 old     | timeout 1 old      | timeout 1 none+noted      | timeout 3 old+noted      | timeout 1 old+noted      | timeout 2 old      | timeout 1 0
two lengths                  | connection 1 none   | connection 1 old   | connection 1 old  | connection 1 old   | connection 1 none+noted   | connection 2 old+noted   | connection 1 old+noted   | connection 1 old   | connection 1 0
endless body                 | too_large 1 none    | too_large 1 old    | too_large 1 old   | too_large 1 old    | too_large 1 none+noted    | too_large 2 old+noted    | too_large 1 old+noted    | too_large 1 old    | too_large 1 0
drips of a body              | timeout 1 none      | timeout 1 old      | timeout 1 old     | timeout 1 old      | timeout 1 none+noted      | timeout 2 old+noted      | timeout 1 old+noted      | timeout 1 old      | timeout 1 0
gzip bomb                    | too_large 1 none    | too_large 1 old    | too_large 1 old   | too_large 1 old    | too_large 1 none+noted    | too_large 2 old+noted    | too_large 1 old+noted    | too_large 1 old    | too_large 1 0
gzip bomb as 503             | too_large 1 none    | too_large 1 old    | too_large 1 old   | too_large 1 old    | too_large 1 none+noted    | too_large 2 old+noted    | too_large 1 old+noted    | too_large 1 old    | too_large 1 0
packed by br                 | malformed 1 none    | malformed 1 old    | malformed 1 old   | malformed 1 old    | malformed 1 none+noted    | malformed 2 old+noted    | malformed 1 old+noted    | malformed 1 old    | malformed 1 0
# Statuses.
redirect                     | redirect 1 none     | redirect 1 old     | redirect 1 old    | redirect 1 old     | redirect 1 none+noted     | redirect 2 old+noted     | redirect 1 old+noted     | redirect 1 old     | redirect 1 0
429                          | rate 2 none         | rate 10 old        | rate 2 old        | rate 2 old         | rate 2 none               | rate 2 old               | rate 2 old               | rate 2 old         | rate 2 0
429, 1 s                     | rate 2 none         | rate 2 old         | rate 2 old        | rate 2 old         | rate 2 none               | rate 2 old               | rate 2 old               | rate 2 old         | rate 2 0
429, a date soon             | rate 2 none         | rate 2 old         | rate 2 old        | rate 2 old         | rate 2 none               | rate 2 old               | rate 2 old               | rate 2 old         | rate 2 0
429, a date far off          | rate 1 none         | rate 1 old         | rate 1 old        | rate 1 old         | rate 1 none               | rate 1 old               | rate 1 old               | rate 1 old         | rate 1 0
429, absurdly long           | rate 1 none         | rate 1 old         | rate 1 old        | rate 1 old         | rate 1 none               | rate 1 old               | rate 1 old               | rate 1 old         | rate 1 0
500                          | server_error 1 none | server_error 1 old | unhealthy 1 old   | server_error 1 old | server_error 1 none+noted | server_error 2 old+noted | server_error 1 old+noted | server_error 1 old | server_error 1 0
502, a page                  | server_error 1 none | server_error 1 old | unhealthy 2 old   | server_error 1 old | server_error 1 none+noted | server_error 3 old+noted | server_error 1 old+noted | server_error 2 old | server_error 1 0
503                          | server_error 1 none | server_error 1 old | unhealthy 2 old   | server_error 1 old | server_error 1 none+noted | server_error 3 old+noted | server_error 1 old+noted | server_error 2 old | server_error 1 0
503, 1 s                     | server_error 2 none | server_error 2 old | unhealthy 2 old   | server_error 2 old | server_error 2 none       | server_error 2 old       | server_error 2 old       | server_error 2 old | server_error 2 0
503, a date soon             | server_error 2 none | server_error 2 old | unhealthy 2 old   | server_error 2 old | server_error 2 none       | server_error 2 old       | server_error 2 old       | server_error 2 old | server_error 2 0
503, absurdly long           | server_error 1 none | server_error 1 old | unhealthy 1 old   | server_error 1 old | server_error 1 none       | server_error 1 old       | server_error 1 old       | server_error 1 old | server_error 1 0
# Successes that are none.
empty                        | malformed 1 none    | malformed 1 old    | ok 1 old          | ok 1 none          | malformed 1 none+noted    | malformed 2 old+noted    | ok 1 none                | ok 1 old           | ok 1 0
a page                       | malformed 1 none    | malformed 1 old    | unexpected 1 old  | malformed 1 old    | malformed 1 none+noted    | malformed 2 old+noted    | malformed 1 old+noted    | ok 1 old           | ok 1 0
cut JSON                     | malformed 1 none    | malformed 1 old    | ok 1 old          | ok 1 none          | malformed 1 none+noted    | malformed 2 old+noted    | ok 1 none                | malformed 1 old    | malformed 1 0
JSON in UTF-16               | malformed 1 none    | malformed 1 old    | ok 1 old          | ok 1 none          | malformed 1 none+noted    | malformed 2 old+noted    | ok 1 none                | malformed 1 old    | malformed 1 0
# The server acts, and its answer suffers.
answer lost                  | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 1
reset in its head            | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 1
closed in its head           | connection 1 none   | connection 1 old   | connection 2 old  | connection 1 old   | connection 1 none+noted   | connection 3 old+noted   | connection 1 old+noted   | connection 2 old   | connection 1 1
reset before its end         | connection 1 none   | connection 1 old   | connection 1 old  | connection 1 old   | connection 1 none+noted   | connection 2 old+noted   | connection 1 old+noted   | connection 1 old   | connection 1 1
closed before its end        | connection 1 none   | connection 1 old   | connection 1 old  | connection 1 old   | connection 1 none+noted   | connection 2 old+noted   | connection 1 old+noted   | connection 1 old   | connection 1 1
in drips                     | timeout 1 none      | timeout 1 old      | timeout 2 old     | timeout 1 old      | timeout 1 none+noted      | timeout 3 old+noted      | timeout 1 old+noted      | timeout 2 old      | timeout 1 1
length too large             | connection 1 none   | connection 1 old   | connection 1 old  | connection 1 old   | connection 1 none+noted   | connection 2 old+noted   | ok 1 none                | connection 1 old   | connection 1 1
length too small             | malformed 1 none    | malformed 1 old    | ok 1 old          | ok 1 none          | malformed 1 none+noted    | malformed 2 old+noted    | ok 1 none                | malformed 1 old    | malformed 1 1
# What does no harm, or only once.
latency                      | ok 1 new            | ok 1 new           | ok 1 old          | ok 1 none          | ok 3 old                  | ok 3 new                 | ok 1 none                | ok 1 old           | ok 1 1
103 before it                | ok 1 new            | ok 1 new           | ok 1 old          | ok 1 none          | ok 3 old                  | ok 3 new                 | ok 1 none                | ok 1 old           | ok 1 1
reset once on connect        | ok 2 new            | ok 2 new           | ok 2 old          | ok 2 none          | ok 4 old                  | ok 4 new                 | ok 2 none                | ok 2 old           | ok 2 1
reset once after the request | connection 1 none   | connection 1 old   | ok 2 old          | connection 1 old   | connection 1 none+noted   | connection 2 old         | connection 1 old+noted   | ok 2 old           | connection 1 0
503 once, 1 s                | ok 2 new            | ok 2 new           | ok 2 old          | ok 2 none          | ok 4 old                  | ok 4 new                 | ok 2 none                | ok 2 old           | ok 2 1
502 once                     | server_error 1 none | server_error 1 old | ok 2 old          | server_error 1 old | server_error 1 none+noted | server_error 2 old       | server_error 1 old+noted | ok 2 old           | server_error 1 0
"""


def _parsed(text: str) -> dict[str, dict[str, str]]:
    """Rows by fault, and cells by operation."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line[0] != "#"]
    columns = lines[0][1:]
    return {row[0]: dict(zip(columns, map(_in_full, row[1:]), strict=True)) for row in lines[1:]}


def _in_full(cell: str) -> str:
    outcome, _space, rest = cell.partition(" ")
    return f"{_SHORT.get(outcome, outcome)} {rest}"


TABLE = _parsed(_TEXT)
