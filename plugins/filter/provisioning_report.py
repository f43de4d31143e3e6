# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: provisioning_report
short_description: One report of what api_account found, with all that people have to do
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Makes one report of the results that M(apiops.access.api_account) returned in a loop over accounts. All steps in the vendors'
    portals become one numbered list.
  - Writes that report as lines for the terminal, as JSON, or as Markdown.
  - Text from servers is cleaned of what a terminal, Ansible or Markdown would obey.
positional: _input
options:
  _input:
    description:
      - The C(results) of a registered loop, or a report that this filter made.
    type: raw
    required: true
  format:
    description: What to make of it.
    type: str
    default: report
    choices:
      report: The report as data.
      lines: A list of lines, with a table of accounts, notes on them, and at the end what people have to do.
      json: The report as JSON text.
      markdown: The same as Markdown, for a ticket or a change request.
  generated:
    description: When the accounts were assessed, in UTC. Shown as it is.
    type: str
    default: ""
seealso:
  - module: apiops.access.api_account
  - plugin: apiops.access.validation_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Assess all accounts, and go on whatever comes out
  apiops.access.api_account:
    account: "{{ item }}"
    on_portal_action: report
  loop: "{{ api_accounts | map(attribute='name') }}"
  register: assessed
  failed_when: false
  run_once: true

- name: Show what people have to do
  ansible.builtin.debug:
    msg: "{{ assessed.results | apiops.access.provisioning_report(format='lines') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The report, or the lines or the text that it was made into. What follows are the keys of the report.
  type: raw
  contains:
    generated:
      description: When the accounts were assessed.
      type: str
    accounts:
      description:
        - The accounts, each with C(name), C(provider), C(state) (V(as_wanted), V(action_required) or V(failed)), C(verified)
          (V(null) where it is not known), C(change) (V(none), V(created), V(updated), V(rotated), V(deleted) or V(forgotten)), C(credentials) (the same in words), C(differences), C(unchecked), C(actions),
          C(url), C(steps), C(reason) and C(message).
      type: list
      elements: dict
    portal_tasks:
      description: What people have to do, as C(name), C(title), C(url), and C(steps), each with its C(number) and C(text).
      type: list
      elements: dict
    not_as_wanted:
      description: The names of the accounts that are not as wanted, or could not be assessed.
      type: list
      elements: str
    totals:
      description: The numbers C(accounts), C(as_wanted), C(action_required), C(failed) and C(proven).
      type: dict
"""

import json
import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._provisioning_report import provisioning_lines, provisioning_markdown, provisioning_report
from ..plugin_utils._report_text import plain

_FORMATS: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
    "report": lambda report: report,
    "lines": provisioning_lines,
    "json": lambda report: json.dumps(report, indent=2) + "\n",
    "markdown": provisioning_markdown,
}


def make(value: t.Any, format: str = "report", generated: str = "") -> t.Any:
    """The filter: a loop's results, or a report, in the wanted format."""
    if format not in _FORMATS:
        raise AnsibleFilterError(f"provisioning_report has the formats {', '.join(_FORMATS)}.")
    if isinstance(value, t.Mapping) and "portal_tasks" in value:
        return _FORMATS[format](plain(value))
    if not isinstance(value, (list, tuple)):
        raise AnsibleFilterError("provisioning_report needs the list of a loop's results, or a report.")
    return _FORMATS[format](provisioning_report(value, generated=generated))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"provisioning_report": make}
