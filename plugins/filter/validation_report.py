# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: validation_report
short_description: One report of what all hosts found with token_test
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Makes one report of the results that M(apiops.access.token_test) returned on each host, with a row for each host, also for
    those that could not be reached or where the module failed.
  - Writes that report as lines for the terminal, as JSON, or as an HTML page.
  - Text from servers is cleaned of what a terminal, Ansible or a browser would obey.
positional: _input
options:
  _input:
    description:
      - The results by host, or a report that this filter made.
      - A host whose result is empty is reported as one where the test did not run.
    type: dict
    required: true
  format:
    description: What to make of it.
    type: str
    default: report
    choices:
      report: The report as data.
      lines: A list of lines, with a table of hosts and accounts, the problems, and the totals.
      json: The report as JSON text.
      html: One HTML page that needs no script and no other file.
  generated:
    description: When the tests were done, in UTC. Shown as it is.
    type: str
    default: ""
  names:
    description: Names of accounts that were asked for. One that no host has is reported as a problem.
    type: list
    elements: str
    default: []
seealso:
  - module: apiops.access.token_test
  - plugin: apiops.access.provisioning_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Test all accounts from each host, and go on whatever comes out
  apiops.access.token_test:
    accounts: "{{ api_accounts }}"
    fail_on: []
  register: access
  failed_when: false
  ignore_unreachable: true

- name: Show who reaches what
  ansible.builtin.debug:
    msg: "{{ report | apiops.access.validation_report(format='lines') }}"
  vars:
    results: "{{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='access', default={}) }}"
    report: "{{ dict(ansible_play_hosts_all | zip(results)) | apiops.access.validation_report }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The report, or the lines or the text that it was made into. What follows are the keys of the report.
  type: raw
  contains:
    generated:
      description: When the tests were done.
      type: str
    accounts:
      description: C(name) and C(provider) of each account that a host tested.
      type: list
      elements: dict
    hosts:
      description:
        - The hosts, each with C(host), C(state) (V(tested), V(unreachable), V(failed), V(not_run) or V(no_accounts)), C(reason)
          and C(message) where it is not V(tested), and C(verdicts) by account.
      type: list
      elements: dict
    problems:
      description:
        - What is not valid, as C(account) (V(null) for a host that could not test), C(outcome), C(reason), C(hosts),
          C(message), and C(title), which says it in a few words. Hosts with the same problem share one entry.
        - The outcome for a host that could not test is V(indeterminate).
      type: list
      elements: dict
    totals:
      description:
        - The numbers C(hosts), C(hosts_tested), C(checks), C(valid), C(invalid), C(indeterminate), C(tokens_requested) and
          C(tokens_reused).
      type: dict
    holders:
      description: Each token once, as the names of accounts by the first host that used their token.
      type: dict
"""

import json
import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report_text import plain
from ..plugin_utils._validation_page import validation_html
from ..plugin_utils._validation_report import validation_lines, validation_report

_PARTS = {"accounts", "hosts", "problems", "totals", "holders", "generated"}

_FORMATS: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
    "report": lambda report: report,
    "lines": validation_lines,
    "json": lambda report: json.dumps(report, indent=2) + "\n",
    "html": validation_html,
}


def make(value: t.Any, format: str = "report", generated: str = "", names: t.Iterable[str] = ()) -> t.Any:
    """The filter: results by host, or a report, in the wanted format."""
    if not isinstance(value, t.Mapping):
        raise AnsibleFilterError("validation_report needs a dictionary of results by host, or a report.")
    if format not in _FORMATS:
        raise AnsibleFilterError(f"validation_report has the formats {', '.join(_FORMATS)}.")
    known = set(value) == _PARTS and isinstance(value["hosts"], (list, tuple))
    report = plain(value) if known else validation_report(value, generated=generated, names=names)
    return _FORMATS[format](report)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"validation_report": make}
