# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a host that is gone."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: gone
short_description: A connection to a host that is gone
description: For tests of what happens to unreachable hosts, where no ssh is needed.
options: {}
"""


class Connection(ConnectionBase):
    transport = "gone"

    def _connect(self) -> t.NoReturn:
        raise AnsibleConnectionFailure("The host is gone.")

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> t.NoReturn:
        self._connect()

    def put_file(self, in_path: str, out_path: str) -> t.NoReturn:
        self._connect()

    def fetch_file(self, in_path: str, out_path: str) -> t.NoReturn:
        self._connect()

    def close(self) -> None:
        pass
