# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's clock, which the control API can move."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import formatdate


class Clock:
    """Seconds since the epoch: the machine's clock plus an offset in seconds that only grows."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self.offset += seconds

    def http_date(self) -> str:
        """Now, in the form of RFC 9110 section 5.6.7."""
        return formatdate(self.now(), usegmt=True)


def iso_8601(epoch: float, zone: bool = True) -> str:
    """`2022-01-01T01:00:00Z`, in UTC and whole seconds; without the `Z` when `zone` is false."""
    text = datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + "Z" if zone else text
