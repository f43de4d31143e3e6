# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operation api_account; documented in the module of the same name."""

from __future__ import annotations

import typing as t

from ..module_utils._arguments import API_ACCOUNT_SPEC
from ..module_utils._model import Account, Token
from ..module_utils._operations.api_account import assess_account, finished_result, wanted_account
from ..module_utils._providers import PROVIDERS
from ..plugin_utils._action import AccessAction, shipped_options


class ActionModule(AccessAction):
    """Proves and compares an account, by the controller or, if asked for, by the host."""

    spec = API_ACCOUNT_SPEC

    def perform(self) -> dict[str, t.Any]:
        params, explicit = self.options()
        wanted = wanted_account(params, explicit)
        if wanted.manager_token:
            self.secrets |= set(wanted.manager_token.secrets)

        def token_for(account: Account) -> Token:
            # One that is given back after the proof is nobody else's.
            keep = not PROVIDERS[account.provider].releases
            token = self.obtain(account, params, force=True, keep=keep).token
            self.pace(account, params, calls=1)  # the test of it that follows
            return token

        if params["request_from"] == "target":
            own = {option: params[option] for option in ("state", "settings", "manager", "rotate_secret")}
            shipped = {**shipped_options(wanted.account, params, secrets=True), "name": wanted.account.name, **own}
            del shipped["account"]
            result = self.run_module("api_account", {key: value for key, value in shipped.items() if value is not None})
            result.pop("diff", None)
        else:
            result = assess_account(wanted, token_for)
        return finished_result(result, on_portal_action=params["on_portal_action"], diff=bool(self._task.diff))
