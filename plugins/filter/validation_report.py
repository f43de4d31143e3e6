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
  - Writes that report as lines for the terminal, as JSON, as an HTML page, or as JUnit XML.
  - Tells what has changed since the last run, with O(history).
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
      lines: A list of lines, with a table of hosts and accounts, the problems, what has changed, and the totals.
      json: The report as JSON text.
      html: One HTML page that needs no other file, and can be sorted and filtered.
      junit: JUnit XML, with a test suite for each account, and in it a test case for each host. What is V(invalid) is a failure
        there, and what is V(indeterminate) an error.
      history: The text that the next run is to be given as O(history). It goes with the same O(history) as the report.
  generated:
    description: When the tests were done, in UTC. Shown as it is.
    type: str
    default: ""
  names:
    description: Names of accounts that were asked for. One that no host has is reported as a problem.
    type: list
    elements: str
    default: []
  fail_on:
    description: Which outcomes make a host one of C(failed_hosts).
    type: list
    elements: str
    default: [invalid, indeterminate]
  history:
    description:
      - What O(format=history) made of the run before, or empty text where this is the first one.
      - Not set, the report says nothing of changes.
    type: str
seealso:
  - module: apiops.access.token_test
  - module: apiops.access.validation_report
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
    previous:
      description: When the last run in O(history) was. Empty without one.
      type: str
    accounts:
      description: C(name) and C(provider) of each account that a host tested.
      type: list
      elements: dict
    hosts:
      description:
        - The hosts, each with C(host), C(state) (V(tested), V(unreachable), V(failed), V(not_run) or V(no_accounts)), C(reason)
          and C(message) where it is not V(tested), and C(verdicts) by account.
        - With O(history), each host and verdict has C(since), the moment since when it is as it is, and C(before), which is
          empty where nothing has changed.
      type: list
      elements: dict
    problems:
      description:
        - What is not valid, as C(account) (V(null) for a host that could not test), C(outcome), C(reason), C(hosts),
          C(message), and C(title), which says it in a few words. Hosts with the same problem share one entry.
        - The outcome for a host that could not test is V(indeterminate).
      type: list
      elements: dict
    changes:
      description:
        - What differs from what earlier runs found, as C(account) (V(null) for the host itself), C(before) (empty where it
          was not tested), C(now), C(hosts) and C(title). Hosts with the same change share one entry.
      type: list
      elements: dict
    notes:
      description: What is worth knowing and fails nothing, such as clocks that are off, as C(title), C(message) and C(hosts).
      type: list
      elements: dict
    failed_hosts:
      description: The hosts with an outcome of O(fail_on). A host that could not test is V(indeterminate).
      type: list
      elements: str
    totals:
      description:
        - The numbers C(hosts), C(hosts_tested), C(hosts_failed), C(checks), C(valid), C(invalid), C(indeterminate), C(tokens_requested) and
          C(tokens_reused).
      type: dict
    holders:
      description: Each token once, as the names of accounts by the first host that used their token.
      type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report_text import plain
from ..plugin_utils._validation_files import FORMATS, PARTS
from ..plugin_utils._validation_history import read_history, written_history
from ..plugin_utils._validation_report import SHOWN_OUTCOMES, validation_lines, validation_report

_FORMATS: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
    "report": lambda report: report,
    "lines": validation_lines,
    **FORMATS,
}


def make(
    value: t.Any,
    format: str = "report",
    generated: str = "",
    names: t.Iterable[str] = (),
    fail_on: t.Collection[str] = SHOWN_OUTCOMES[1:],
    history: str | None = None,
) -> t.Any:
    """The filter: results by host, or a report, in the wanted format."""
    if not isinstance(value, t.Mapping):
        raise AnsibleFilterError("validation_report needs a dictionary of results by host, or a report.")
    if format not in (*_FORMATS, "history"):
        raise AnsibleFilterError(f"validation_report has the formats {', '.join(_FORMATS)} and history.")
    known = None if history is None else read_history(str(history))
    if set(value) == PARTS and isinstance(value["hosts"], (list, tuple)):
        report = plain(value)
    else:
        report = validation_report(value, generated=generated, names=names, fail_on=fail_on, history=known)
    if format == "history":
        if known is None:
            raise AnsibleFilterError("validation_report needs history, which can be empty, for the format history.")
        return written_history(known, report)
    return _FORMATS[format](report)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"validation_report": make}
