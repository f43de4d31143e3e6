# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A local connection that shows what ssh shows: at -vvv all that a command returned, unless the task is no_log."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

DOCUMENTATION = """
name: loud
short_description: A local connection that shows what ssh shows
description: For tests of what -vvv prints over ssh, where no ssh server is needed.
options:
  become_success_timeout:
    description: As of the local connection.
    type: int
    default: 10
  become_strip_preamble:
    description: As of the local connection.
    type: bool
    default: true
extends_documentation_fragment: [connection_pipelining]
"""


class Connection(LocalConnection):
    transport = "loud"

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        returned: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        shown = "censored" if self._play_context.no_log else str(returned)
        Display().vvv(f"loud: {shown}")
        return returned
