#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oauth_token
short_description: One access token for the whole fleet, and its release
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Returns an access token for an API account. A token that is known and lives long enough is reused; otherwise one process
    requests it, while all other hosts and forks wait for that one.
  - Runs on the controller, so that hosts need nothing. Use the filter or variable of your choice on the registered result.
  - The output of a successful task is censored by itself. Failures are not; their messages never hold a secret.
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
  - apiops.access.request_from
  - apiops.access.attributes
attributes:
  check_mode:
    support: full
    details: Requests and releases nothing. Returns a token that is known already, or says that it would request one.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Not with O(force=true), which requests a token in every task.
options:
  state:
    description:
      - Whether there is to be a token.
      - >-
        V(present): Reuse or request a token.
      - >-
        V(absent): Give the known token back and forget it. Jim2 frees the licence, and an OAuth 2.0 server revokes
        the token (RFC 7009); the other vendors document no call for it, so their token is forgotten here and lives on
        until it expires, which RV(msg) says. A revocation that is answered with success proves little, so where it
        can be, the token is introspected after it, and RV(msg) says what is known.
    type: str
    default: present
    choices: [present, absent]
  force:
    description:
      - Request a new token even where one is known. All hosts of the task share the new one.
    type: bool
    default: false
  access_token:
    description:
      - For O(state=absent), the token to give back, instead of the one that is known for the account.
    type: str
seealso:
  - module: apiops.access.token_test
  - plugin: apiops.access.oauth_token
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Have a token, shared by all hosts
  apiops.access.oauth_token:
    provider: rimo3
    client_id: "{{ rimo3_client_id }}"
    client_secret: "{{ rimo3_client_secret }}"
  register: rimo3

- name: Use it with any other module
  ansible.builtin.uri:
    url: https://rimo3cloud.com/api/v2/application-packages
    headers:
      Authorization: "{{ rimo3.authorization }}"
  no_log: true # for uri, which prints its headers at -vvv

- name: The same for an account of the variable api_accounts
  apiops.access.oauth_token:
    account: erp
  register: erp

- name: A token of any OAuth 2.0 server, by an assertion that is signed with a key
  apiops.access.oauth_token:
    provider: oauth2
    issuer: https://login.example.com/tenant
    client_id: "{{ reporting_client_id }}"
    private_key_path: /etc/reporting/key.pem
    scope: [read]
    audience: https://api.example.com
  register: reporting

- name: Give the licence back to Jim2
  apiops.access.oauth_token:
    account: erp
    state: absent
"""

RETURN = r"""
access_token:
  description: The token. V(null) for CIMcloud's basic authorization, and in check mode where none is known.
  returned: O(state=present)
  type: str
  sample: 2YotnFZFEjr1zCsicMWpAA
token_type:
  description: V(Bearer), or V(Basic) where the credentials themselves are sent.
  returned: O(state=present), but not in check mode where no token is known
  type: str
  sample: Bearer
authorization:
  description: The whole value of the C(Authorization) header.
  returned: O(state=present)
  type: str
  sample: Bearer 2YotnFZFEjr1zCsicMWpAA
expires_at:
  description: When the token ends, in UTC. V(null) where there is no token.
  returned: O(state=present), but not in check mode where no token is known
  type: str
  sample: "2026-11-20T21:30:00Z"
expires_in:
  description: How long the token lives from now, in seconds.
  returned: O(state=present), but not in check mode where no token is known
  type: int
  sample: 3600
scope:
  description: What was granted, or asked for where the answer does not say.
  returned: O(state=present), but not in check mode where no token is known
  type: list
  elements: str
  sample: [view]
reused:
  description: Whether the token was known already.
  returned: O(state=present)
  type: bool
  sample: true
fingerprint:
  description: The first 12 hexadecimal digits of the token's SHA-256, which tells tokens apart in a log and is no secret.
  returned: O(state=present), but not in check mode where no token is known
  type: str
  sample: 5f2ad3a0b1c4
released:
  description: Whether the vendor confirmed that the token ended.
  returned: O(state=absent)
  type: bool
  sample: true
msg:
  description: What happened, or why it failed and what to do.
  returned: O(state=absent), check mode, and failure
  type: str
  sample: Jim2 confirmed the logoff; a licence that the token held is free again.
failure:
  description: The failure for programs, as C(kind), C(status), C(error) (the server's own code) and C(retryable).
  returned: failure
  type: dict
  sample:
    kind: invalid_client
    status: 401
    error: invalid_client
    retryable: false
"""

import time
import typing as t

from ansible_collections.apiops.access.plugins.module_utils._arguments import OAUTH_TOKEN_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._module import run_module
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import (
    release_token,
    request_token,
    token_result,
)
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS


def work(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Request or release a token for the action plugin, which keeps the store and asks only where it must."""
    given = params["access_token"]
    account = account_from(params, name=params["account"], need_credentials=not given)
    if params["state"] == "absent":
        release = release_token(account, PROVIDERS[account.provider].ready_token(account, given))
        return {"changed": release.released, "released": release.released, "msg": release.message}
    token = request_token(account, None)
    return {"changed": True, **token_result(token, reused=False, now=time.time()), "token": token.to_dict()}


def main() -> None:
    run_module(OAUTH_TOKEN_SPEC, work)


if __name__ == "__main__":
    main()
