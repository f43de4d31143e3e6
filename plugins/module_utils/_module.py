# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What the modules of this collection have in common on a host."""

from __future__ import annotations

import os
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._arguments import Spec
from ._errors import AccessError
from ._transport import REQUESTS_IMPORT_ERROR


def run_module(spec: Spec, work: t.Callable[[dict[str, t.Any]], dict[str, t.Any]]) -> None:
    """Run an operation with the module's options and ``check_mode``, and end with its result.

    An AccessError goes back whole as ``access_error``: the action plugin on the controller turns it into the
    task's failure, and knows what the other hosts have to hear of it.
    """
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(
            msg=f"{missing_required_lib('requests')} On Debian, Ubuntu, Fedora and the RHEL family, the package "
            "python3-requests has it.",
            exception=REQUESTS_IMPORT_ERROR,
            failure={"kind": "requests_missing", "status": None, "error": None, "retryable": False},
        )
    try:
        result = work({**module.params, "check_mode": module.check_mode})
    except AccessError as error:
        module.fail_json(msg=error.message, access_error=error.to_dict())
    except Exception as error:  # its text could hold a secret, and Ansible prints what is raised
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(
            msg=f"Internal error: {type(error).__name__} at {os.path.basename(place.filename)}:{place.lineno}. "
            "Please report it.",
            failure={"kind": "internal", "status": None, "error": None, "retryable": False},
        )
    module.exit_json(**result)
