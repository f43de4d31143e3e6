# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests of the extensions this Python can run."""

from __future__ import annotations

import sys

# AWX's own plugins, which its tests check against, need Python 3.11.
collect_ignore = [] if sys.version_info >= (3, 11) else ["test_awx.py"]
