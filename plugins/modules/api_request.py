#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_request
short_description: Call an API with an account's token
version_added: 1.0.0
author:
  - apiops.access contributors (@apiops)
description:
  - Calls the API of an account with the token that the whole fleet shares, by the rules that its vendor documents. These are the
    headers that it asks for, connections that are closed after each call (BeyondTrust), its rate (CIMcloud), and errors that come
    with a status of success (BeyondTrust).
  - A known token that the server no longer accepts is requested anew, once for all hosts, and the call is repeated, if it changes
    nothing or the server is known not to have acted. A call that may have taken effect is never repeated.
  - A server that answers 429, or 503 with C(Retry-After), is waited for, up to half a minute.
  - Runs on the controller, so that hosts need nothing, unless O(request_from=target).
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
  - apiops.access.request_from
  - apiops.access.attributes
attributes:
  check_mode:
    support: full
    details: Makes the calls that change nothing, and of the others only says what would be sent. No file is written.
  diff_mode:
    support: partial
    details: For O(dest) only, whose checksums are shown.
  idempotent:
    support: partial
    details: As the call is. With O(dest), a file that has the content already is left alone.
options:
  access_token:
    description:
      - A token to use, instead of the account's credentials. It is not renewed.
    type: str
  path:
    description:
      - What to call, below O(base_url), with its query if there is one. For V(provider=cimcloud), below O(base_url) and O(site).
    type: str
    required: true
  method:
    description:
      - The HTTP method.
    type: str
    choices: [GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE]
    default: GET
  query:
    description:
      - Parameters to add to the query of O(path). A list gives a parameter several times.
    type: dict
  headers:
    description:
      - More headers, or others than the vendor asks for. C(Authorization) and those of the connection are the module's own.
    type: dict
  body:
    description:
      - What to send, as O(body_format) says.
    type: raw
  body_format:
    description:
      - How O(body) is sent.
      - >-
        V(json): As JSON.
      - >-
        V(form): As a form, from a dictionary; a list gives a field several times. Text is sent as it is.
      - >-
        V(form-multipart): As a form with files, from a dictionary. A field is a value, or has C(filename) (a file of
        the machine that calls), or C(content), and perhaps C(mime_type). Files are read while they are sent.
      - >-
        V(raw): As it is. Set C(Content-Type) in O(headers).
    type: str
    default: json
    choices: [json, form, form-multipart, raw]
  src:
    description:
      - A file of the machine that calls, to be sent as it is instead of O(body).
    type: path
  read_only:
    description:
      - Whether the call changes nothing at the vendor. That decides on RV(ignore:changed), on check mode, and on whether it may be
        repeated.
      - Not set, calls by V(GET), V(HEAD) and V(OPTIONS) change nothing, but for those that are documented to. These are actions of
        BeyondTrust's XML command API whose name does not begin with C(get_) or C(check_), and the read of CIMcloud's
        C(OnlineOrders), which marks them as exported.
    type: bool
  status_code:
    description:
      - The statuses that are a success. Not set, all from 200 to 299.
    type: list
    elements: int
  return_content:
    description:
      - Whether to return the text of the answer as RV(content) also where it is JSON or XML.
    type: bool
    default: false
  paginate:
    description:
      - Follow a list to its end, and return the items of all pages as one list, in RV(json).
      - The next page is where the header C(Link) says (BeyondTrust), on the same server and below O(base_url) only. For
        V(provider=cimcloud), O(path) is C(RESOURCE/SEARCH), to which the number of the page is added. A page with fewer than 50
        records is taken to be the last, an assumption.
    type: bool
    default: false
  max_pages:
    description:
      - How many pages to follow at most. A list that has more makes the task fail.
    type: int
    default: 100
  dest:
    description:
      - A file, on the machine that calls, to write the answer to, instead of returning it. It is not kept in memory, and is put into
        its place whole, or not at all.
    type: path
  checksum:
    description:
      - What the content must have, as in V(sha256:2c26b46b...). With another one O(dest) is left as it is, and the task fails.
    type: str
  backup:
    description:
      - Keep the former O(dest), under a name with the time in it.
    type: bool
    default: false
  mode:
    description:
      - The mode of O(dest), in octal digits in quotes, or in symbols as in V(u=rw,g=r). Not set, a file that is there keeps its own,
        and a new one is its owner's alone (V(0600)).
    type: raw
  owner:
    description:
      - The owner of O(dest).
    type: str
  group:
    description:
      - The group of O(dest).
    type: str
notes:
  - Redirects are not followed, since they would take the token elsewhere.
  - What the API answers is returned as it is, but for the account's own secrets, which are masked, and C(Set-Cookie). Where the API
    hands out secrets, set C(no_log).
  - With O(request_from=target) the call is written to no log of the host, as its body and headers can hold secrets.
  - Jim2 answers calls that it queues with status 202 and a request number, which are returned as they are; RV(queued) says so.
seealso:
  - module: apiops.access.token_test
  - module: apiops.access.api_account_info
"""

EXAMPLES = r"""
- name: What BeyondTrust says of itself
  apiops.access.api_request:
    account: support
    path: /api/command?action=check_health
  register: health

- name: It is well
  ansible.builtin.assert:
    that: health.xml.health_check.success == '1'

- name: All API accounts, whatever the number of pages
  apiops.access.api_request:
    account: manager
    path: /api/config/v1/api-account
    paginate: true
  register: listed

- name: Their names
  ansible.builtin.debug:
    msg: "{{ listed.json | map(attribute='name') }}"

- name: A backup, in a file that only its owner reads
  apiops.access.api_request:
    account: manager
    path: /api/backup
    dest: /var/backups/support.nsb
    mode: "0600"

- name: Have Rimo3 fetch a package
  apiops.access.api_request:
    account: packaging
    path: /api/v2/application-packages/upload/manual/link
    method: POST
    body:
      fileLink: https://files.example.com/tool-2.1.msi
      displayName: Tool
      fileName: tool-2.1.msi
      publisher: Example
      name: Tool
      version: "2.1"
      installCommand: msiexec /i tool-2.1.msi /qn
      uninstallCommand: msiexec /x tool-2.1.msi /qn
      progressStep: 0
  register: upload
"""

RETURN = r"""
status:
  description: The HTTP status.
  returned: when the server answered
  type: int
  sample: 200
url:
  description: What was called, without its query.
  returned: when the server answered
  type: str
  sample: https://support.example.com/api/config/v1/api-account
headers:
  description: The headers of the answer, with names in lower case, but for those that hand out credentials.
  returned: when the server answered
  type: dict
  sample: {content-type: application/json}
json:
  description: The answer as JSON, or with O(paginate=true) the items of all pages. V(null) where it is something else.
  returned: when the server answered
  type: raw
  sample: [{id: 1, name: Nightly checks}]
xml:
  description:
    - The answer as XML, by the name of its root, without namespaces. An element without attributes and children is its text; else it
      is a dictionary of its children by name, a list where a name comes more than once, of its attributes with C(@) in front, and of
      its text as C(#text).
  returned: when the answer is XML
  type: dict
  sample: {health_check: {success: "1", version: 24.3.1}}
content:
  description: The text of the answer.
  returned: when the answer is neither JSON nor XML, or with O(return_content=true)
  type: str
  sample: OK
elapsed_ms:
  description: How long the calls took, in milliseconds.
  returned: when the server answered
  type: int
  sample: 41
pages:
  description: The number of pages.
  returned: O(paginate=true)
  type: int
  sample: 3
queued:
  description: Whether the server only took the call into its queue, by status 202.
  returned: when the server answered
  type: bool
  sample: false
dest:
  description: The file that was written.
  returned: with O(dest)
  type: str
  sample: /var/backups/support.nsb
checksum:
  description: The SHA-256 of the file.
  returned: with O(dest)
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
size:
  description: The size of the file in bytes.
  returned: with O(dest)
  type: int
  sample: 1048576
backup_file:
  description: The former file.
  returned: O(backup=true), and there was another
  type: str
  sample: /var/backups/support.nsb.2026-11-20T21:30:00Z~
msg:
  description: What happened, and what to do; in check mode, what would be sent.
  returned: failure, and check mode for calls that change something
  type: str
  sample: "Account 'support' (beyondtrust): GET https://support.example.com/api/x was answered with status 404. Check path and base_url."
failure:
  description: The failure for programs, as C(kind), C(status), C(error) (the server's own code) and C(retryable).
  returned: failure
  type: dict
  sample:
    kind: not_found
    status: 404
    error:
    retryable: false
"""

import typing as t

from ansible_collections.apiops.access.plugins.module_utils._arguments import API_REQUEST_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._module import run_module
from ansible_collections.apiops.access.plugins.module_utils._operations.api_request import api_call, exchange
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS


def work(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Make one call from this host, with the token that the action plugin sends along."""
    account = account_from(params, name=params["account"], need_credentials=False)
    token = PROVIDERS[account.provider].ready_token(account, params["access_token"])
    answer = exchange(account, token, api_call(params, check_mode=params["check_mode"]))
    return {"changed": False, "answer": answer.to_text()}


def main() -> None:
    run_module(API_REQUEST_SPEC, work)


if __name__ == "__main__":
    main()
