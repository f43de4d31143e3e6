# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  request_from:
    description:
      - Which machine asks for the token.
      - >-
        V(controller): The machine that runs Ansible. Only the access token ever reaches a host.
      - >-
        V(target): The host, for a server that the controller cannot reach. The client secret is sent to the host that
        asks; the token is still shared with all others.
    type: str
    default: controller
    choices: [controller, target]
"""
