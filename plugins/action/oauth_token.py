# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operation oauth_token; documented in the module of the same name."""

from __future__ import annotations

import time
import typing as t

from ..module_utils._arguments import OAUTH_TOKEN_SPEC
from ..module_utils._errors import ConfigurationError
from ..module_utils._model import Account, Release, Token
from ..module_utils._operations.oauth_token import release_token, token_result
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._action import AccessAction, shipped_options
from ..plugin_utils._discovery_cache import with_metadata
from ..plugin_utils._release_ledger import note_released


class ActionModule(AccessAction):
    """Gives the fleet's one token of an account, or gives it back."""

    spec = OAUTH_TOKEN_SPEC
    secret_results = True

    def perform(self) -> dict[str, t.Any]:
        params, explicit = self.options()
        given = params["access_token"]
        if params["state"] == "present" and given:
            raise ConfigurationError(
                f"Account '{params['name']}': access_token is for state: absent, to release it. To request a token, "
                "set client_id and client_secret."
            )
        provider = PROVIDERS.get(params["provider"] or "")
        to_release = provider is not None and provider.releases_with_credentials
        account = self.one_account(params, explicit, need_credentials=not given or to_release)
        if params["state"] == "present":
            return self._present(account, params)
        return {**self._absent(account, params), "_ansible_no_log": False}

    def _present(self, account: Account, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        needs_token = PROVIDERS[account.provider].needs_token(account)
        if self._task.check_mode and needs_token:
            token = None if params["force"] else self.source(account, params).peek(account, self.where(account, params))
            if token is None:
                return {
                    "changed": True,
                    "msg": f"Would request a token for account '{account.name}' ({account.provider}).",
                    "access_token": None,
                    "authorization": None,
                    "reused": False,
                    "_ansible_no_log": False,
                }
            return {"changed": False, **token_result(token, reused=True, now=time.time())}
        obtained = self.obtain(account, params, force=params["force"])
        reused = obtained.reused or not needs_token
        return {"changed": not reused, **token_result(obtained.token, reused=reused, now=time.time())}

    def _absent(self, account: Account, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        provider = PROVIDERS[account.provider]
        if not provider.needs_token(account):
            return {"changed": False, "released": False, "msg": "Basic authorization has no token to release."}
        where = self.where(account, params)
        given = params["access_token"]
        source = None if given else self.source(account, params)
        token = source.stored(account, where) if source else provider.ready_token(account, given)
        if token is None:
            if source and not self._task.check_mode:
                source.forget(account, where)
            return {"changed": False, "released": False, "msg": f"No token of account '{account.name}' is stored."}
        if self._task.check_mode:
            return {"changed": True, "released": False, "msg": f"Would release the token of account '{account.name}'."}
        release = self._release(account, params, token)
        note_released(token)
        if source:
            source.forget(account, where)
        # A token given by the user is changed only where the vendor took it back; a stored one is also forgotten.
        return {"changed": release.released or source is not None, "released": release.released, "msg": release.message}

    def _release(self, account: Account, params: t.Mapping[str, t.Any], token: Token) -> Release:
        self.secrets |= set(token.secrets)
        provider = PROVIDERS[account.provider]
        if params["request_from"] == "controller" or not provider.releases:
            return release_token(with_metadata(account), token)
        args = shipped_options(account, params, secrets=provider.releases_with_credentials)
        result = self.run_module("oauth_token", {**args, "access_token": token.access_token, "state": "absent"})
        return Release(bool(result["released"]), str(result["msg"]))
