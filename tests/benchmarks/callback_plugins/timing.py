# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes how long each task of a run took on all hosts together, and how much memory the controller used."""

from __future__ import annotations

import json
import os
import resource
import time
import typing as t
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: timing
type: notification
short_description: Note the time of tasks and the memory of the controller
description: Writes them as JSON to the file that BENCHMARK_TIMING names.
"""


class CallbackModule(CallbackBase):
    """What Ansible calls."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "timing"

    def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(*arguments, **options)
        self.starts: list[tuple[str, float]] = []

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self.starts.append((task.get_name(), time.perf_counter()))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        ends = [*(start for _name, start in self.starts[1:]), time.perf_counter()]
        seconds: dict[str, float] = {}
        for (name, start), end in zip(self.starts, ends):
            seconds[name] = seconds.get(name, 0.0) + end - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB, of the controller's own process
        hosts = sorted(stats.processed)
        failed = [host for host in hosts if stats.failures.get(host) or stats.dark.get(host)]
        Path(os.environ["BENCHMARK_TIMING"]).write_text(
            json.dumps({"seconds": seconds, "peak_kb": peak, "hosts": len(hosts), "failed": failed})
        )
