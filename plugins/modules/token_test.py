#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token_test
short_description: Prove from every host that an API accepts an account's token
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Asserts that an access token works from where this runs. The controller finds or requests the token, once for all hosts;
    each host then uses it at the provider's test endpoint, so that what is proven is the host's own way to the API.
  - Tests many accounts at the same time, in one module run a host.
  - A known token that the server no longer accepts is requested anew, once for all hosts, and tested again.
  - For V(provider=oauth2), the controller asks the server's introspection endpoint (RFC 7662) about the token, as only the
    account's credentials may, and each host uses the token at O(test_path), or without one proves that it reaches the server.
    The verdict is the worse of both.
  - Never modifies anything at the vendor.
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
  - apiops.access.request_from
  - apiops.access.attributes
requirements:
  - Python 3.9 or later with C(requests), on the host and on the controller
attributes:
  check_mode:
    support: full
    details: Tests as ever, since a test modifies nothing. A token that is not known yet is requested.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  access_token:
    description:
      - A token to test, instead of the account's credentials.
    type: str
  accounts:
    description:
      - The accounts to test, for example C({{ api_accounts }}). Each element has a C(name), and any account, transport or
        token cache option; the task's own options are the defaults. An element can also name an account of
        C(api_accounts), by C(account).
      - What an element holds for M(apiops.access.api_account) alone is passed over.
    type: list
    elements: dict
  access_tokens:
    description:
      - Tokens to test, by the name of their account, instead of these accounts' credentials.
    type: dict
  account_secrets:
    description:
      - Secret options of O(accounts), as dictionaries by the name of their account, apart from them so that Ansible masks them. They
        go before what the element itself has.
      - In this way also the controller tells a host what it needs of them, with O(request_from=target) or O(proxy).
    type: dict
  fail_on:
    description:
      - Which outcomes make the task fail. An empty list makes it report only.
    type: list
    elements: str
    choices: [invalid, indeterminate]
    default: [invalid, indeterminate]
notes:
  - With CIMcloud's O(authorization_type=basic) there is no token, and a test sends the credentials themselves. It is done on a
    host only with O(request_from=target).
seealso:
  - module: apiops.access.oauth_token
  - module: apiops.access.api_account
"""

EXAMPLES = r"""
- name: Each host proves that it reaches BeyondTrust with the account's token
  apiops.access.token_test:
    provider: beyondtrust
    base_url: https://support.example.com
    client_id: "{{ support_client_id }}"
    client_secret: "{{ support_client_secret }}"

- name: Test all accounts from each host, and go on whatever comes out
  apiops.access.token_test:
    accounts: "{{ api_accounts }}"
    fail_on: []
  register: access

- name: Show what this host can reach
  ansible.builtin.debug:
    msg: "{{ access.verdicts | items2dict(key_name='name', value_name='outcome') }}"

- name: Accept that the account may not use the test endpoint, as long as its token is accepted
  apiops.access.token_test:
    account: support
    fail_on: [invalid]

- name: The token of an OAuth 2.0 server has its scope, and each host can read with it
  apiops.access.token_test:
    provider: oauth2
    issuer: https://login.example.com/tenant
    base_url: https://api.example.com
    test_path: v1/me
    client_id: "{{ reporting_client_id }}"
    private_key_path: /etc/reporting/key.pem
    scope: [read]

# From the shell: ansible all -m apiops.access.token_test -a "provider=rimo3"
# with RIMO3_CLIENT_ID and RIMO3_CLIENT_SECRET in the environment.
"""

RETURN = r"""
outcome:
  description: The outcome, or the worst of several.
  returned: always, unless an option is wrong or the module cannot run on the host
  type: str
  sample: valid
verdicts:
  description:
    - One verdict for each account, in the order of O(accounts).
    - Without O(accounts), the fields of the only verdict are returned at the top as well.
  returned: always, unless an option is wrong or the module cannot run on the host
  type: list
  elements: dict
  contains:
    name:
      description: The account's name.
      type: str
      sample: support
    provider:
      description: The kind of API.
      type: str
      sample: beyondtrust
    outcome:
      description:
        - V(valid) when the server accepted the token.
        - V(invalid) when it rejected it, or refused to grant one, or granted less than O(scope) or O(audience) ask for.
        - V(indeterminate) when that cannot be told, as the server is out of reach, unhealthy, limits the rate, or forbids the test
          endpoint to the account.
      type: str
      sample: valid
    reason:
      description: >-
        A word for programs. V(accepted), V(active), V(token_rejected), V(inactive), V(scope_missing), V(audience_mismatch),
        V(introspection_not_permitted), V(introspection_unsupported), V(untested), V(not_permitted), V(rate_limited), V(unhealthy),
        V(unexpected_answer), V(invalid_client) and other codes of a refusal, V(connection), V(name_resolution), V(timeout),
        V(certificate), V(tls), V(proxy), V(redirect), V(too_large), V(malformed_answer), V(configuration), V(cache).
      type: str
      sample: accepted
    message:
      description: What happened, and what to do.
      type: str
      sample: The token works.
    status:
      description: The HTTP status that the verdict rests on.
      type: int
      sample: 200
    endpoint:
      description: What was asked.
      type: str
      sample: https://support.example.com/api/command/v2/info
    elapsed_ms:
      description: How long the call took, in milliseconds.
      type: int
      sample: 41
    expires_in:
      description: How long the token lives from now, in seconds.
      type: int
      sample: 3541
    token_valid:
      description: Whether the server accepted the token. V(null) where that cannot be told.
      type: bool
      sample: true
    permitted:
      description: Whether the account may use the test endpoint. V(null) where that cannot be told.
      type: bool
      sample: true
    permissions:
      description: The account's permissions, where the API tells them (BeyondTrust).
      type: dict
      sample: {perm_command: read_only, perm_configuration: false}
    introspection:
      description:
        - What the server says of the token (RFC 7662), with V(provider=oauth2). C(scope) and C(audience) are lists, C(missing_scope)
          is what O(scope) has and the token has not, and C(expires_at) is in seconds since 1970, UTC.
        - V(null) where it was not asked.
      type: dict
      sample: {active: true, scope: [read], missing_scope: [], audience: null, client_id: reporting, expires_at: 1795221774.0}
    clock_skew:
      description:
        - How far (seconds) the clock of the machine that was answered is ahead of the server's; negative when it is behind.
        - V(null) where the server does not tell the time.
      type: int
      sample: 0
    retryable:
      description: Whether the same test may come out otherwise with nothing changed, as when the server limits the rate or did not answer.
      type: bool
      sample: false
      version_added: 1.0.0
    fingerprint:
      description: The first 12 hexadecimal digits of the token's SHA-256.
      type: str
      sample: 5f2ad3a0b1c4
    reused:
      description: Whether the token was known already.
      type: bool
      sample: true
    renewed:
      description: Whether a known token was rejected, and this verdict is on its successor.
      type: bool
      sample: false
msg:
  description: The verdicts in words; of a failed task only those that it failed for.
  returned: always
  type: str
  sample: "Account 'support' (beyondtrust): The token works."
failure:
  description:
    - The failure for programs, as C(kind), C(status), C(error) (the server's own code) and C(retryable).
    - Of several, that of the first account the task failed for.
  returned: failure
  type: dict
  sample:
    kind: token_rejected
    status: 401
    error:
    retryable: false
"""

import typing as t

from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    TOKEN_TEST_SPEC,
    TRANSPORT_SPEC,
    account_from,
)
from ansible_collections.apiops.access.plugins.module_utils._module import run_module
from ansible_collections.apiops.access.plugins.module_utils._operations.token_test import test_tokens
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS


def work(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Test the tokens that the action plugin sends along: accounts without their secrets, and tokens by name."""
    pairs = []
    for shipped in params["accounts"]:
        options = {
            "ca_data": params["ca_data"],
            **shipped,
            **(params["account_secrets"] or {}).get(shipped["account"], {}),
        }
        transport = {option: options.get(option, spec.get("default")) for option, spec in TRANSPORT_SPEC.items()}
        account = account_from({**options, **transport}, name=options["account"], need_credentials=False)
        access_token = params["access_tokens"][account.name]
        pairs.append((account, PROVIDERS[account.provider].ready_token(account, access_token)))
    tested = test_tokens(pairs)
    # For the action plugin alone, which makes them into one verdict.
    rates = [each.used.rate.to_dict() if each.used.rate else None for each in tested]
    told = [each.introspected.to_dict() if each.introspected else None for each in tested]
    verdicts = [each.used.to_dict() for each in tested]
    return {"changed": False, "verdicts": verdicts, "rates": rates, "introspections": told}


def main() -> None:
    run_module(TOKEN_TEST_SPEC, work)


if __name__ == "__main__":
    main()
