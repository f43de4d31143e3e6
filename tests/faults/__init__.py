# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation under every fault: what the user is told, how often the server is asked, and what is kept.

- `layer.py` stands in front of a server, ends TLS, and plays a fault on the connections that come.
- `plays.py` has the faults, each a function of one connection.
- `operations.py` has the operations, run in this process as Ansible would run them, and what is kept after each.
- `table.py` is the table of faults by operations: what is expected, written by hand.
- `test_table.py` compares.

Run it alone: `pytest tests/faults`. After a change of behaviour, `pytest tests/faults -k "the name of a row"` shows
each cell that differs.
"""
