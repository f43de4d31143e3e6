#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_account
short_description: Prove an API account, compare it, and say what a person must do in the vendor's portal
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Brings an API account to the wanted state as far as its vendor lets a program do that.
  - Rimo3, CIMcloud, Jim2 and BeyondTrust publish no call that creates, changes or deletes an API account. For them this module
    proves the credentials by requesting and testing a token, compares the settings that can be read (BeyondTrust), and where
    only a person can act, fails with RV(action_required=true) and the exact steps in RV(portal). It never pretends to
    have changed anything.
  - Jim2 is proven with scope V(view), which takes no licence, and logged off after.
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
  - apiops.access.request_from
  - apiops.access.attributes
attributes:
  check_mode:
    support: full
    details: Does the same as without, since nothing is ever changed at these vendors.
  diff_mode:
    support: full
    details:
      - Returns the settings that differ, without secrets. Ansible itself prints a diff of changed tasks only, and this task
        changes nothing, so the differences are also in RV(msg).
  idempotent:
    support: full
options:
  name:
    description:
      - The account's name. For BeyondTrust it also finds the account where O(client_id) is not set.
    type: str
  state:
    description:
      - Whether the account is to exist.
    type: str
    default: present
    choices:
      present: The credentials work, and the settings are as wanted.
      absent: The account is gone. Where no list can be read, that is, its credentials no longer work.
  settings:
    description:
      - The wanted fields of the account. What is not named here is not looked at.
      - BeyondTrust knows the fields of its Configuration API, in the same names. They are compared with the list of API
        accounts where the caller may read it, and else, for the permissions, with what the account itself is told.
      - Rimo3 has C(name) and C(role); CIMcloud C(authorization_type), C(session_access_type), C(session_customer),
        C(ip_whitelist), C(assigned_resources) and C(allowed_methods); Jim2 C(card_code), C(initials), C(email) and
        C(require_password_change). No program can read these, so they are listed in RV(unchecked) and in the steps.
    type: dict
    default: {}
  manager:
    description:
      - An account that may read API accounts, for V(provider=beyondtrust). It needs the permission Configuration API.
      - Not set, the account's own token is tried.
    type: dict
    suboptions:
      client_id:
        description: Its client ID.
        type: str
      client_secret:
        description: Its client secret.
        type: str
      access_token:
        description: A token of it, instead of its credentials.
        type: str
  rotate_secret:
    description:
      - Whether the secret is to be renewed.
    type: str
    default: never
    choices:
      never: Leave it.
      always: Renew it now. Only a person can do that at these vendors, so the steps are shown.
  on_portal_action:
    description:
      - What to do where a person must act in the portal.
    type: str
    default: fail
    choices:
      fail: Fail, with the steps.
      report: Go on, and return the steps.
seealso:
  - module: apiops.access.token_test
"""

EXAMPLES = r"""
- name: The account works, and has these settings and no others of these fields
  apiops.access.api_account:
    name: Nightly checks
    provider: beyondtrust
    base_url: https://support.example.com
    client_id: "{{ support_client_id }}"
    client_secret: "{{ support_client_secret }}"
    settings:
      enabled: true
      perm_command: read_only
      perm_configuration: false
      ip_addresses: [192.0.2.10, 192.0.2.11]
    manager:
      client_id: "{{ manager_client_id }}"
      client_secret: "{{ manager_client_secret }}"

- name: Collect what people have to do, and go on
  apiops.access.api_account:
    account: erp
    on_portal_action: report
  register: erp

- name: Show the steps
  ansible.builtin.debug:
    msg: "{{ erp.portal.steps }}"
  when: erp.action_required
"""

RETURN = r"""
account:
  description: The account, less its secrets. C(fields) is what the vendor tells of it, and C(source) who told.
  returned: success, and failure for a person to act on
  type: dict
  sample:
    name: Nightly checks
    provider: beyondtrust
    base_url: https://support.example.com
    client_id: 4f2c9a0b1d6e8f7a3c5b4f2c9a0b1d6e8f7a3c5b
management:
  description: How accounts are changed at this vendor. V(portal) means by a person.
  returned: success, and failure for a person to act on
  type: str
  sample: portal
verified:
  description: Whether a token was granted to the credentials, and accepted.
  returned: success, and failure for a person to act on
  type: bool
  sample: true
verdict:
  description: The verdict on that token, as of M(apiops.access.token_test). V(null) where no credentials were given.
  returned: success, and failure for a person to act on
  type: dict
  sample:
    outcome: valid
    reason: accepted
differences:
  description: The settings that are not as wanted.
  returned: success, and failure for a person to act on
  type: list
  elements: dict
  sample:
    - field: perm_command
      wanted: read_only
      found: full_access
unchecked:
  description: The settings that nobody can read for us.
  returned: success, and failure for a person to act on
  type: list
  elements: str
  sample: [comments]
action_required:
  description: Whether a person must act in the portal.
  returned: success, and failure for a person to act on
  type: bool
  sample: true
actions:
  description: What the person must do, among V(create), V(repair), V(change), V(rotate) and V(delete).
  returned: success, and failure for a person to act on
  type: list
  elements: str
  sample: [change]
portal:
  description: The page, and the steps there. V(null) where nothing is to be done.
  returned: success, and failure for a person to act on
  type: dict
  sample:
    url: https://support.example.com/login/api_account
    steps:
      - Sign in to https://support.example.com/login/api_account (Management > API Configuration).
      - Set Command API (perm_command) to read_only. It is now full_access.
secret:
  description: What became of the secret. Always V(unchanged), where only a person can renew it.
  returned: success, and failure for a person to act on
  type: str
  sample: unchanged
msg:
  description: What is known, and what is to be done.
  returned: always
  type: str
  sample: "Account 'Nightly checks' (beyondtrust): the credentials work."
failure:
  description: The failure for programs, as C(kind), C(status), C(error) (the server's own code) and C(retryable).
  returned: failure
  type: dict
  sample:
    kind: action_required
    status:
    error:
    retryable: false
"""

import typing as t

from ansible_collections.apiops.access.plugins.module_utils._arguments import API_ACCOUNT_SPEC
from ansible_collections.apiops.access.plugins.module_utils._module import run_module
from ansible_collections.apiops.access.plugins.module_utils._operations.api_account import (
    assess_account,
    wanted_account,
)
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import request_token


def work(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Prove and compare the account from this host."""
    return assess_account(wanted_account(params), lambda account: request_token(account, None))


def main() -> None:
    run_module(API_ACCOUNT_SPEC, work)


if __name__ == "__main__":
    main()
