# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 4: the lookup in a template, beside Ansible's own lookup of an environment variable."""

from __future__ import annotations

import typing as t

from .fleet import Fleet
from .measurement import Row, Samples, alternate, ratio_row

TIMES = 10_000

# Each is measured by the task that has it; what the task itself takes is that of the template without a lookup.
_OURS = "lookup('apiops.access.oauth_token', account='rimo3')"
_ENV = "lookup('ansible.builtin.env', 'HOME')"


def lookup(fleet: Fleet, rounds: int) -> list[Row]:
    """Goal 4."""
    fleet.run("oauth_token", {"tasks": [{"apiops.access.oauth_token": {"account": "rimo3"}}]}, 1)
    found = alternate(
        rounds,
        {
            "ours": _task(fleet, "ours", _OURS, TIMES),
            "env": _task(fleet, "env", _ENV, TIMES),
            "first of ours": _task(fleet, "first of ours", _OURS, 1),
            "first of env": _task(fleet, "first of env", _ENV, 1),
        },
    )
    each = {name: Samples(tuple(value * 1000 / TIMES for value in found[name].values)) for name in ("ours", "env")}
    first = Samples(
        tuple(
            (ours - env) * 1000
            for ours, env in zip(found["first of ours"].values, found["first of env"].values)
        )
    )  # fmt: skip
    detail = f"{each['ours'].median:.3f} ms, env {each['env'].median:.3f} ms, {TIMES} times in one template"
    return [
        ratio_row(4, "lookup, warm : ansible.builtin.env", found["ours"], found["env"], 2, detail=detail),
        Row(4, "first lookup of a worker, over env", first.median, "ms", 40, spread=first.spread),
    ]


def _task(fleet: Fleet, name: str, expression: str, times: int) -> t.Callable[[], float]:
    template = f"{{% for number in range({times}) %}}{{{{ {expression} | length }}}}{{% endfor %}}"
    return fleet.task(name, {"ansible.builtin.set_fact": {"looked_up": template}, "no_log": True}, 1)
