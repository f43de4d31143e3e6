#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_account_info
short_description: Read API accounts
version_added: 1.0.0
author:
  - apiops.access contributors (@apiops)
description:
  - Returns the API accounts that can be read, without their secrets.
  - BeyondTrust lists all API accounts of a site to an account that has the permission Configuration API.
  - With O(records_file) it returns the accounts that M(apiops.access.api_account) has registered, each with what its server says of
    it now (RFC 7592).
  - The other vendors have no call that reads accounts; then the task fails, and says where a person can.
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
  - apiops.access.request_from
  - apiops.access.attributes
attributes:
  check_mode:
    support: full
    details:
      - Reads as ever. Where a server answers a read with a new registration access token, that is stored in O(records_file), since
        the old one is dead.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  access_token:
    description:
      - A token to read with, instead of the account's credentials.
    type: str
  name:
    description:
      - The name of the account to return. Not set, all are.
    type: str
  records_file:
    description:
      - The file of account records, which is encrypted with the run's vault secret. See M(apiops.access.api_account).
    type: path
seealso:
  - module: apiops.access.api_account
"""

EXAMPLES = r"""
- name: All API accounts of BeyondTrust
  apiops.access.api_account_info:
    account: manager
  register: found

- name: None has full access to the Command API and no list of allowed addresses
  ansible.builtin.debug:
    msg: >-
      {{ found.accounts | map(attribute='fields') | selectattr('perm_command', 'equalto', 'full_access')
         | selectattr('ip_addresses', 'equalto', '') | map(attribute='name') }}

- name: What has been registered, and when its secret was renewed
  apiops.access.api_account_info:
    records_file: api_accounts.yml
  register: registered
"""

RETURN = r"""
accounts:
  description: The accounts.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The account's name.
      type: str
      sample: Nightly checks
    provider:
      description: The kind of API.
      type: str
      sample: beyondtrust
    client_id:
      description: The client ID.
      type: str
      sample: 4f2c9a0b1d6e8f7a3c5b4f2c9a0b1d6e8f7a3c5b
    source:
      description: Who told. V(api-account) is BeyondTrust's list, V(registration) the server, V(records_file) the file alone.
      type: str
      sample: api-account
    fields:
      description: What it told, in its own names.
      type: dict
      sample: {enabled: true, perm_command: read_only}
    managed:
      description: Whether the account can be managed from here. Only with O(records_file).
      type: bool
      sample: true
    registered_at:
      description: When it was registered, in UTC. Only with O(records_file).
      type: str
      sample: "2026-11-20T21:30:00Z"
    secret_changed_at:
      description: When its secret was last renewed, in UTC. Only with O(records_file).
      type: str
      sample: "2026-11-20T21:30:00Z"
    secret_expires_at:
      description: When its secret ends, in UTC. V(null) where it does not. Only with O(records_file).
      type: str
      sample: "2027-11-20T21:30:00Z"
    replaced:
      description: >-
        The account that is still there although this one has taken its place, as C(client_id), and C(since) when, in UTC.
        V(null) where there is none. Only with O(records_file).
      type: dict
      sample:
        client_id: Xq2m0Jw1nYb3
        since: "2026-11-20T21:30:00Z"
msg:
  description: What went wrong, and what to do.
  returned: failure
  type: str
  sample: "Account 'packaging' (rimo3): Rimo3 has no call that reads API accounts; a person can, at https://rimo3cloud.com."
failure:
  description: The failure for programs, as C(kind), C(status), C(error) (the server's own code) and C(retryable).
  returned: failure
  type: dict
  sample:
    kind: not_readable
    status:
    error:
    retryable: false
"""

import typing as t

from ansible_collections.apiops.access.plugins.module_utils._arguments import API_ACCOUNT_INFO_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._module import run_module
from ansible_collections.apiops.access.plugins.module_utils._operations.api_account_info import read_accounts
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS


def work(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Read the vendor's list from this host, with the token that the action plugin sends along."""
    account = account_from(params, name=params["account"], need_credentials=False)
    token = PROVIDERS[account.provider].ready_token(account, params["access_token"])
    return {"changed": False, "accounts": read_accounts(account, token, params["name"])}


def main() -> None:
    run_module(API_ACCOUNT_INFO_SPEC, work)


if __name__ == "__main__":
    main()
