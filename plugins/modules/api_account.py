#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_account
short_description: Create, change, rotate and delete an API account where its server can, and else prove and compare it
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Brings an API account to the wanted state as far as its vendor lets a program do that.
  - With V(provider=oauth2) and O(records_file) it registers the account, compares and updates it, renews its secret and deletes
    it, by RFC 7591 and RFC 7592. What the server hands out is in O(records_file), encrypted with Ansible Vault, before the task
    returns. That file is ordinary Ansible data, the variable C(api_accounts), so that C(vars_files) or C(group_vars) gives all
    modules and roles of this collection their accounts.
  - A change is noted in O(records_file) before it is asked for. Where an answer is lost, or the run is killed, the next run sees
    that, makes no second account, and says what is left and what to do.
  - A new account that cannot be stored is deleted again.
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
    details:
      - Reads and compares, and says what would be done. With O(records_file) nothing is created, changed, renewed or deleted.
      - Where nothing is ever changed, with the four vendors, it does the same as without.
  diff_mode:
    support: full
    details:
      - Returns the settings that differ, and of a secret only that it was created or rotated. Ansible itself prints a diff of
        changed tasks only; where only a person can make the change, the differences are also in RV(msg).
  idempotent:
    support: full
    details: Not with O(rotate_secret=always), which renews the secret in every task.
options:
  name:
    description:
      - The account's name. For BeyondTrust it also finds the account where O(client_id) is not set.
      - In O(records_file) it is the name of the record, and at the server C(client_name), unless O(settings) has another.
    type: str
  state:
    description:
      - Whether the account is to exist.
      - >-
        V(present): The credentials work, and the settings are as wanted.
      - >-
        V(absent): The account is gone, and so is its record. Where no list can be read, that is, its credentials no
        longer work.
    type: str
    default: present
    choices: [present, absent]
  settings:
    description:
      - The wanted fields of the account. What is not named here is not looked at.
      - BeyondTrust knows the fields of its Configuration API, in the same names. They are compared with the list of API
        accounts where the caller may read it, and else, for the permissions, with what the account itself is told.
      - Rimo3 has C(name) and C(role); CIMcloud C(authorization_type), C(session_access_type), C(session_customer),
        C(ip_whitelist), C(assigned_resources) and C(allowed_methods); Jim2 C(card_code), C(initials), C(email) and
        C(require_password_change). No program can read these, so they are listed in RV(unchecked) and in the steps.
      - With V(provider=oauth2) these are the fields of RFC 7591, such as C(contacts), C(client_uri) and C(software_id), and any that
        the server has besides. The grant C(client_credentials), O(scope), O(token_endpoint_auth_method), and the public key or
        the subject of the certificate that go with it, follow from the other options.
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
      - An account that authenticates itself by a key or a certificate has no secret. Give it a new key, and the next run registers
        that.
      - >-
        V(never): Leave it, unless O(rotate_after_days) has it renewed.
      - >-
        V(always): Renew it now. Where only a person can do that, the steps are shown.
    type: str
    default: never
    choices: [never, always]
  rotate_after_days:
    description:
      - Renew the secret when it is older than this, or a day before it expires. Only with O(records_file).
    type: int
  rotate_by:
    description:
      - How a secret is renewed, with O(records_file).
      - >-
        V(update): By an update without a secret (RFC 7592 section 2.2), which the server may answer with a new one.
        Many do not; then the task fails, and nothing is lost.
      - >-
        V(replace): By a new account with a client ID of its own. It is proven before the old one is deleted; until
        then both work. What the server's administrator has granted to the old client ID is not carried over. See
        O(retire).
    type: str
    default: update
    choices: [update, replace]
  retire:
    description:
      - When the old account is deleted that a new one has replaced, with O(records_file) and O(rotate_by=replace).
      - With O(state=absent) both are deleted at once.
      - >-
        V(now): As soon as the new one is proven from here. This also deletes one that an earlier task has kept, after
        the new one is proven once more. If a task does that, it starts another rotation for O(rotate_secret=always)
        only.
      - >-
        V(later): By a later task with O(retire=now), when others have proven the new one. Until then the old one
        stays in O(records_file) and works, and no other rotation is started, not even for O(rotate_secret=always);
        RV(msg) says so. With O(rotate_by=update) the server ends the old secret at once, so a task that rotates by
        that is refused before anything is sent.
    type: str
    default: now
    choices: [now, later]
  records_file:
    description:
      - For V(provider=oauth2) only. The file on the controller that has the accounts' records, and gets new ones. It is made where
        there is none, readable by its owner alone. Comments in it are not kept.
      - It is encrypted with the run's own vault secret, so that the run needs one, by C(--vault-id), C(--vault-password-file) or
        E(ANSIBLE_VAULT_PASSWORD_FILE).
      - Beside it, a file whose name ends in C(.lock) keeps two runs from changing it at once.
      - Not set, the account is only proven.
    type: path
  vault_id:
    description:
      - The vault ID to encrypt O(records_file) with, where the run has several. Not set, it is C(vault_encrypt_identity) of the
        configuration, or the first.
    type: str
  initial_access_token:
    description:
      - The token that lets an account be registered (RFC 7591 section 3), where the server asks for one. It comes from the
        server's administrator, and is not stored.
    type: str
  return_secret:
    description:
      - Whether to return the secret as RV(client_secret), with O(records_file). The task's output is censored then.
    type: bool
    default: false
  on_portal_action:
    description:
      - What to do where a person must act in the portal.
      - >-
        V(fail): Fail, with the steps.
      - >-
        V(report): Go on, and return the steps.
    type: str
    default: fail
    choices: [fail, report]
notes:
  - Servers end the tokens of a deleted account or leave them to expire. RFC 7592 leaves that to them.
  - The options O(initial_access_token), O(records_file) and O(vault_id) can also come from the controller's environment, as
    C(APIOPS_RECORDS_FILE) and so on.
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

- name: An account at an OAuth 2.0 server, whose secret is renewed every 90 days
  apiops.access.api_account:
    name: reporting
    provider: oauth2
    issuer: https://login.example.com/tenant
    scope: [read]
    settings:
      contacts: [ops@example.com]
    records_file: api_accounts.yml
    initial_access_token: "{{ initial_access_token }}"
    rotate_after_days: 90
    rotate_by: replace
  run_once: true

- name: A new secret, while the old one goes on working
  apiops.access.api_account:
    name: reporting
    provider: oauth2
    issuer: https://login.example.com/tenant
    scope: [read]
    settings:
      contacts: [ops@example.com]
    records_file: api_accounts.yml
    initial_access_token: "{{ initial_access_token }}"
    rotate_secret: always
    rotate_by: replace
    retire: later
  run_once: true

- name: The old one is deleted, when whoever has to has proven the new one
  apiops.access.api_account:
    name: reporting
    provider: oauth2
    issuer: https://login.example.com/tenant
    scope: [read]
    settings:
      contacts: [ops@example.com]
    records_file: api_accounts.yml
    retire: now
  run_once: true

- name: One that is no longer needed
  apiops.access.api_account:
    name: nightly export
    provider: oauth2
    issuer: https://login.example.com/tenant
    records_file: api_accounts.yml
    state: absent
  run_once: true

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
  description: How the account is changed. V(api) means by calls, V(portal) by a person.
  returned: success, and failure for a person to act on
  type: str
  sample: portal
change:
  description: >-
    What was done, or in check mode would be. V(none), V(created), V(updated) (also where all that was done is in RV(retired)),
    V(rotated), V(deleted), or V(forgotten) for an unfinished attempt of which the note is gone.
  returned: success, and failure for a person to act on
  type: str
  sample: none
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
  description: The settings that are not as wanted, or were not before they were changed.
  returned: success, and failure for a person to act on
  type: list
  elements: dict
  sample:
    - field: perm_command
      wanted: read_only
      found: full_access
unchecked:
  description: The settings that nobody can read for us, or that the server does not tell.
  returned: success, and failure for a person to act on
  type: list
  elements: str
  sample: [comments]
unchecked_wanted:
  description: What is wanted of these.
  returned: success, and failure for a person to act on
  type: dict
  sample:
    comments: Nightly check
action_required:
  description: Whether a person must act in the portal.
  returned: success, and failure for a person to act on
  type: bool
  sample: true
actions:
  description: >-
    What the person must do, among V(create), V(repair), V(change), V(rotate), V(delete), and V(regain) where a new
    registration access token is to be issued.
  returned: success, and failure for a person to act on
  type: list
  elements: str
  sample: [change]
portal:
  description: The page, and the steps there, all of them and for each of RV(actions). V(null) where nothing is to be done.
  returned: success, and failure for a person to act on
  type: dict
  sample:
    url: https://support.example.com/login/api_account
    steps:
      - Sign in to https://support.example.com/login/api_account (Management > API Configuration).
      - Set Command API (perm_command) to read_only. It is now full_access.
    tasks:
      - action: change
        steps:
          - Sign in to https://support.example.com/login/api_account (Management > API Configuration).
          - Set Command API (perm_command) to read_only. It is now full_access.
secret:
  description: What became of the secret. V(created), V(unchanged) or V(rotated). Always V(unchanged), where only a person can renew it.
  returned: success, and failure for a person to act on
  type: str
  sample: unchanged
replaced:
  description: >-
    The account that is still there although this one has taken its place, as C(client_id), and C(since) when, in UTC. V(null)
    where there is none. See O(retire).
  returned: success, and failure for a person to act on
  type: dict
  sample:
    client_id: Xq2m0Jw1nYb3
    since: "2026-11-20T21:30:00Z"
retired:
  description: The client IDs of accounts that were deleted, or in check mode would be, because this one has taken their place.
  returned: success, and failure for a person to act on
  type: list
  elements: str
  sample: []
client_secret:
  description: The secret. The output is censored then.
  returned: O(return_secret=true), and the account has a secret
  type: str
  sample: 7Fjfp0ZBr1KtDRbnfVdmIw
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
