# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action plugins without Ansible around them."""

from __future__ import annotations

import types
import typing as t
from unittest.mock import MagicMock

from ansible_collections.apiops.access.plugins.plugin_utils._action import AccessAction


class Host:
    """Runs modules: notes what it is given, and answers from a list. ``no_log`` is what held during each run."""

    def __init__(self, *results: t.Mapping[str, t.Any] | Exception) -> None:
        self.results = list(results)
        self.runs: list[tuple[str, dict[str, t.Any]]] = []
        self.no_log: list[bool] = []
        self.task_vars: list[dict[str, t.Any]] = []

    def attach(self, action: AccessAction) -> None:
        def execute(module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
            self.runs.append((module_name, module_args))
            self.no_log.append(action._connection._play_context.no_log)
            self.task_vars.append(task_vars)
            assert self.results, f"a module run too many: {module_name}"
            result = self.results.pop(0)
            if isinstance(result, Exception):
                raise result
            return dict(result)

        action._execute_module = execute


def make_action(
    plugin: type[AccessAction],
    args: dict[str, t.Any],
    *,
    host: Host | None = None,
    check_mode: bool = False,
    diff: bool = False,
    task: str = "task-1",
    no_log: bool = False,
) -> AccessAction:
    """An action plugin with a task of these arguments."""
    action = plugin(
        task=types.SimpleNamespace(
            args=args,
            action="apiops.access.x",
            async_val=0,
            check_mode=check_mode,
            diff=diff,
            _uuid=task,
            get_vars=dict,
        ),
        # Ansible gives a connection a play context of its own.
        connection=MagicMock(_play_context=types.SimpleNamespace(no_log=no_log)),
        play_context=types.SimpleNamespace(no_log=no_log),
        loader=None,
        templar=types.SimpleNamespace(template=lambda value: value),
        shared_loader_obj=None,
    )
    (host or Host()).attach(action)
    return action


def run(
    plugin: type[AccessAction], args: dict[str, t.Any], task_vars: dict[str, t.Any] | None = None, **details: t.Any
) -> dict[str, t.Any]:
    """The result of a task."""
    return make_action(plugin, args, **details).run(task_vars=task_vars or {"inventory_hostname": "web1"})
