# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cache:
    description:
      - Where the controller keeps tokens, so that all hosts, tasks and runs share one.
    type: str
    default: file
    choices:
      file: >-
        In a private folder of the controller. Entries are encrypted with a key that is derived from the client secret, and
        tell nothing to who has only the folder.
      none: Nowhere. Every task requests a token for each host, and nobody remembers that a secret was refused.
  cache_path:
    description:
      - The folder for O(cache=file). It must be the user's own, with mode 0700. Not set, it is C(apiops_access) below
        E(ANSIBLE_HOME), which is C(~/.ansible) by default.
    type: path
  min_ttl:
    description:
      - Reuse a token only if it lives this much longer (seconds). For a short-lived token half its lifetime is enough.
    type: int
    default: 60
notes:
  - Every account, transport and token cache option can also be set by the environment of the controller, as
    C(APIOPS_CLIENT_SECRET), or for one provider as C(RIMO3_CLIENT_SECRET), C(CIMCLOUD_AUTH_KEY), C(JIM2_BASE_URL) or
    C(BEYONDTRUST_CLIENT_ID). The order is task, C(module_defaults), O(account), provider's variable, C(APIOPS_) variable.
  - Secrets need no C(no_log). They are never printed, in no form and at no verbosity.
"""
