# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits over the sandbox's clock."""

from __future__ import annotations

from collections import deque


class Rate:
    """Calls of one client: a number in any one second, and a number in a window that opens with its first call."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._opened: float | None = None
        self._used = 0

    def take(self, now: float, per_second: int, window: float, per_window: int) -> bool:
        """Count a call at `now` (epoch seconds) and say whether it is allowed. A refused call is not counted."""
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if self._opened is None or now >= self._opened + window:
            self._opened = now
            self._used = 0
        if len(self._recent) >= per_second or self._used >= per_window:
            return False
        self._recent.append(now)
        self._used += 1
        return True

    def remaining(self, now: float, window: float, per_window: int) -> int:
        """Calls left in the window."""
        if self._opened is None or now >= self._opened + window:
            return per_window
        return max(0, per_window - self._used)

    def reset_in(self, now: float, window: float) -> int:
        """Whole seconds until the window ends, rounded up."""
        if self._opened is None or now >= self._opened + window:
            return int(window)
        return -int(-(self._opened + window - now) // 1)
