# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action of validation_report; documented in the module of the same name, which has no part on a host."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils._report_text import plain
from ..plugin_utils._validation_files import FILE_NAMES, FORMATS, PARTS, make_folder, would_write_file, write_file
from ..plugin_utils._validation_history import read_history, written_history

SPEC: dict[str, dict[str, t.Any]] = {
    "report": {"type": "dict", "required": True},
    "path": {"type": "path"},
    "formats": {"type": "list", "elements": "str", "choices": sorted(FILE_NAMES), "default": ["html", "json"]},
    "history_path": {"type": "path"},
}


class ActionModule(ActionBase):
    """Writes the files here, whatever the host is."""

    _supports_check_mode = True
    _requires_connection = False
    spec = SPEC

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """What Ansible calls. Raises AnsibleActionFail."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(argument_spec=self.spec)
        if set(options["report"]) != PARTS:
            # No braces: ansible-core 2.16 takes them for a template where the failure is looked at.
            raise AnsibleActionFail(
                "report is none that the filter apiops.access.validation_report made. Give it what the filter "
                "returns: results | apiops.access.validation_report."
            )
        report = plain(options["report"])
        folder = Path(options["path"]).absolute() if options["path"] else None
        history = Path(options["history_path"]).absolute() if options["history_path"] else None
        texts = {folder / FILE_NAMES[name]: FORMATS[name] for name in options["formats"]} if folder else {}
        result.update(changed=False, files=[str(path) for path in (*texts, *([history] if history else []))])
        write = would_write_file if self._task.check_mode else write_file
        place = folder
        try:
            if folder and not self._task.check_mode:
                make_folder(folder)
            for place, make in texts.items():
                result["changed"] |= write(place, make(report))
            if history:
                place = history
                before = read_history(_content(history))
                result["changed"] |= write(history, written_history(before, report))
        except OSError as error:
            raise AnsibleActionFail(
                f"The report cannot be written to {place} ({error.strerror}). Set another folder, or have its owner "
                "allow it."
            ) from None
        return result


def _content(path: Path) -> str:
    """What a file has; nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
