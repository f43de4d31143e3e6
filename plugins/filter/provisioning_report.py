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
  - Keeps a work list of what people have to do, a Markdown file that they and the runs write. See O(work_list).
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
      lines: A list of lines, with a table of accounts, notes on them, and at the end what people have to do. With O(work_list) also
        since when, and what came off the list in this run.
      json: The report as JSON text.
      markdown: The same as Markdown, for a ticket or a change request.
      work_list: The new text of the work list, as Markdown. It goes with the same O(work_list) as the report.
  generated:
    description:
      - When the accounts were assessed, in UTC. Shown as it is.
      - A work list takes the date from it, so with O(work_list) it must begin as V(2026-11-20) does.
    type: str
    default: ""
  work_list:
    description:
      - The text of the work list as the run before and people have left it, or empty text where there is no such file yet.
      - With it the report tells, in C(work), what people have to do, since when, and what came off the list in this run.
      - An item stays on the list with its first date as long as a run finds it needed, and is ticked off by the first run that
        does not. One that a person has ticked and that is still needed is opened again, and says so.
      - What no program can see is ended by a person's tick alone. These are settings that nobody can read, new secrets, and an account
        that was forgotten and may still be there. A tick for settings holds until other values are wanted, or a person takes it away.
      - The items of an account that was not assessed stay as they are, and so do those that a run cannot tell about, such as settings to
        be changed that it could not read.
      - The order of the items is the people's. New ones come last. The 50 last that are done are kept, and with them all settings
        that a person has confirmed.
      - A person's lines are never thrown away. Indented ones stay with the item above them, others at the end of the
        open items, and what stands elsewhere is moved below the heading C(Notes), where all text stays as it is. An item whose comment
        is damaged is such text, and what is needed comes anew.
      - Text that is no work list is an error, so that no other file is overwritten.
      - Not set, the report says nothing of a work list.
    type: str
  names:
    description:
      - The names of all accounts that there are, assessed in this run or not. Items of other accounts come off the work list.
      - Not set, the items of accounts that were not assessed stay.
    type: list
    elements: str
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

- name: Keep a work list from run to run
  ansible.builtin.copy:
    content: >-
      {{ assessed.results | apiops.access.provisioning_report(format='work_list', generated=today, work_list=old) }}
    dest: /srv/api_accounts/work_list.md
    mode: "0600"
  vars:
    today: "{{ now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ') }}"
    old: >-
      {{ lookup('ansible.builtin.file', '/srv/api_accounts/work_list.md')
         if '/srv/api_accounts/work_list.md' is ansible.builtin.file else '' }}
  delegate_to: localhost
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
          (V(null) where it is not known), C(change) (V(none), V(created), V(updated), V(rotated), V(deleted) or V(forgotten)),
          C(credentials) (the same in words), C(differences), C(unchecked), C(actions), C(url), C(steps), C(reason), C(message) and C(needs).
        - What only a person can do is in C(needs), for each C(action) with C(title), C(url), C(steps), C(found) (why it is needed), C(wanted)
          (the values of settings, by field) and C(by_hand) (whether only a person can tell that it is done). Beside the actions that
          M(apiops.access.api_account) returns there are V(confirm), for settings that nobody can read, and V(settle), for a change whose
          answer was lost.
      type: list
      elements: dict
    portal_tasks:
      description: What people have to do, as C(name), C(title), C(url), and C(steps), each with its C(number) and C(text).
      type: list
      elements: dict
    work:
      description:
        - The work list, where O(work_list) is set.
        - C(open) are the items that are to be done, each with C(account), C(action), C(title), C(since), C(state) (V(needed), V(reopened), or
          V(kept) where this run tells nothing of it), C(found), C(url) and C(steps). Of what is kept the last two are in the file alone.
        - C(done_now) and C(done_before) are those that came off the list in this run and earlier, each with C(account), C(action), C(title),
          C(since), C(done), C(by) (V(run), V(hand), V(dropped) or V(left)) and C(ending) (the same in words).
      type: dict
      returned: when O(work_list) is set
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
from ..plugin_utils._work_list import WorkListError, read_work_list, update_work_list, work_data, work_list_text

_FORMATS: dict[str, t.Callable[[dict[str, t.Any]], t.Any]] = {
    "report": lambda report: report,
    "lines": provisioning_lines,
    "json": lambda report: json.dumps(report, indent=2) + "\n",
    "markdown": provisioning_markdown,
}


def make(
    value: t.Any,
    format: str = "report",
    generated: str = "",
    work_list: str | None = None,
    names: t.Collection[str] | None = None,
) -> t.Any:
    """The filter: a loop's results, or a report, in the wanted format."""
    if format not in (*_FORMATS, "work_list"):
        raise AnsibleFilterError(f"provisioning_report has the formats {', '.join(_FORMATS)}, work_list.")
    if format == "work_list" and work_list is None:
        raise AnsibleFilterError(
            "The format work_list needs work_list: the text of the file as it is, or empty text where there is none yet."
        )
    if isinstance(value, t.Mapping) and "portal_tasks" in value:
        report = plain(value)
    elif isinstance(value, (list, tuple)):
        report = provisioning_report(value, generated=generated)
    else:
        raise AnsibleFilterError("provisioning_report needs the list of a loop's results, or a report.")
    if names is not None and (isinstance(names, str) or not isinstance(names, t.Collection)):
        raise AnsibleFilterError("names must be a list: that of all accounts.")
    if work_list is not None:
        if not isinstance(work_list, str):
            raise AnsibleFilterError("work_list must be text: that of the file, or empty text where there is none yet.")
        try:
            update = update_work_list(report, read_work_list(str.__str__(work_list)), names)
        except WorkListError as error:
            raise AnsibleFilterError(str(error)) from None
        if format == "work_list":
            return work_list_text(update)
        report["work"] = work_data(update)
    return _FORMATS[format](report)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"provisioning_report": make}
