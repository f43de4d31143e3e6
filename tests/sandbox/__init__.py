# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox of four vendors' access APIs: Rimo3, CIMcloud, Jim2 and BeyondTrust Remote Support.

One HTTPS port, a path prefix for each vendor, and a control API. It is written from the vendors' documentation alone
and shares no code with the collection's plugins, so that the two can disagree. See README.md beside this file.
"""
