# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is expected."""
from __future__ import annotations
from .plays import PLAYS
SLOW = frozenset({"full queue", "black hole", "TLS in drips", "no answer", "drips of a status line", "drips of headers", "drips of a body", "drips of 103", "in drips", "endless body", "half closed after it"})
class Any(dict):
    def __missing__(self, k): return "?"
TABLE = {n: Any() for n in ["refused", "full queue", *PLAYS]}
