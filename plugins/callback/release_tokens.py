# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: release_tokens
type: aggregate
short_description: Give back, at the end of a run, the tokens that it requested
version_added: 1.0.0
author:
  - apiops.access contributors (@apiops)
description:
  - At the end of every playbook, also of one that failed or was interrupted, releases the tokens that this run itself
    requested by P(apiops.access.oauth_token#module), P(apiops.access.token_test#module),
    P(apiops.access.api_account#module) or P(apiops.access.oauth_token#lookup). Tokens that were known before the run are
    left alone.
  - So Jim2's licences are free again after each run. The tokens of vendors that document no release are forgotten in the
    token cache; they live on at the vendor until they expire.
  - Ends with one line on what became of the tokens. It never makes a run fail.
requirements:
  - must be enabled, by E(ANSIBLE_CALLBACKS_ENABLED), or in the configuration file by C(callbacks_enabled)
notes:
  - To enable it for one run, set E(ANSIBLE_CALLBACKS_ENABLED) to C(apiops.access.release_tokens). To enable it for all,
    write C(callbacks_enabled = apiops.access.release_tokens) below C([defaults]) of C(ansible.cfg). The command
    C(ansible) also needs C(bin_ansible_callbacks = true) there.
  - Other runs that reuse a token of this run meanwhile find it released. P(apiops.access.token_test#module) then requests
    a new one.
  - The controller does the releasing, also for tokens that a host requested by C(request_from=target). Where only hosts
    reach the vendor, use P(apiops.access.oauth_token#module) with C(state=absent) in an C(always) section.
  - Until then the run keeps what it needs in its private temporary folder, encrypted with a key that is in memory alone.
seealso:
  - plugin: apiops.access.oauth_token
    plugin_type: module
"""

import atexit
import typing as t

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ..module_utils._errors import AccessError
from ..plugin_utils._release_ledger import Ledger, keep_ledger, release_all, summary
from ..plugin_utils._token_access import token_store


class CallbackModule(CallbackBase):
    """Keeps a ledger of the run's tokens, and settles it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "apiops.access.release_tokens"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        # Made before Ansible forks its workers, which inherit it.
        self._ledger: Ledger | None = None
        try:
            self._ledger = Ledger(constants.DEFAULT_LOCAL_TMP)
        except (AccessError, OSError) as error:
            reason = error.message if isinstance(error, AccessError) else error.strerror
            self._display.warning(f"Tokens of this run will not be released at its end: {reason}")
        keep_ledger(self._ledger)
        # A run that is interrupted has no end that Ansible tells of.
        atexit.register(self._close)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Release what the playbook requested; the ledger stays for the next playbook of the same run."""
        self._settle()

    def _close(self) -> None:
        if self._ledger is not None and self._ledger.is_own:
            self._settle()
            self._ledger.remove()
            keep_ledger(None)
            self._ledger = None

    def _settle(self) -> None:
        try:
            outcomes = release_all(self._ledger.take(), token_store) if self._ledger else []
            if outcomes:
                self._display.display(summary(outcomes))
        except Exception as error:  # its text could hold a secret, and a run does not fail for this
            self._display.warning(f"The tokens of this run could not be released ({type(error).__name__}).")
