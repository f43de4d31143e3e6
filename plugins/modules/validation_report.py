#!/usr/bin/python
# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: validation_report
short_description: Write the report of a validation to files of the controller
version_added: 1.0.0
author:
  - apiops.access contributors (@apiops)
description:
  - Writes what the filter P(apiops.access.validation_report#filter) made, in one or more formats, and the history that the next
    report is compared with.
  - Always runs on the controller and needs no connection to a host. Use it with C(run_once), as the role
    P(apiops.access.validate_tokens#role) does.
  - The files can be read by their owner only (mode 0600), and so is the folder (0700). A file that is there already is replaced as a
    whole.
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Nothing is written.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: none
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
options:
  report:
    description:
      - The report.
    type: dict
    required: true
  path:
    description:
      - The folder of the files C(report.html), C(report.json) and C(report.xml). It is made where it does not exist.
      - Not set, none of them is written.
    type: path
  formats:
    description:
      - What to write to O(path). V(junit) is C(report.xml).
    type: list
    elements: str
    choices: [html, json, junit]
    default: [html, json]
  history_path:
    description:
      - The file of the history. It must be the one that the report was made with.
      - Not set, none is written.
    type: path
seealso:
  - plugin: apiops.access.validation_report
    plugin_type: filter
  - module: apiops.access.token_test
"""

EXAMPLES = r"""
- name: Test all accounts from each host, and go on whatever comes out
  apiops.access.token_test:
    accounts: "{{ api_accounts }}"
    fail_on: []
  register: access
  failed_when: false
  ignore_unreachable: true

- name: Write who reaches what
  apiops.access.validation_report:
    report: "{{ dict(ansible_play_hosts_all | zip(results)) | apiops.access.validation_report }}"
    path: access_report
    formats: [html, junit]
  vars:
    results: "{{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='access', default={}) }}"
  run_once: true
"""

RETURN = r"""
files:
  description: The files, with their full paths. In check mode those that would be written.
  returned: success
  type: list
  elements: str
  sample: [/home/ops/access_report/report.html, /home/ops/access_report/report.json]
"""
