# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operations api_account and client_registration; documented in the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._arguments import API_ACCOUNT_SPEC
from ..module_utils._errors import ConfigurationError, RecordsError
from ..module_utils._model import Account, Token
from ..module_utils._operations.api_account import (
    WantedAccount,
    assess_account,
    finished_result,
    prove_credentials,
    wanted_account,
)
from ..module_utils._operations.client_registration import ClientRegistration, chain, check_rotation
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._account_records import AccountRecords
from ..plugin_utils._action import AccessAction, shipped_options
from ..plugin_utils._discovery_cache import with_metadata


class ActionModule(AccessAction):
    """Brings an account to the wanted state where its server can, and else proves and compares it."""

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

        if params["records_file"]:
            result = self._with_records(wanted, params, token_for)
        elif params["request_from"] == "target":
            own = {option: params[option] for option in ("state", "settings", "manager", "rotate_secret")}
            shipped = {**shipped_options(wanted.account, params, secrets=True), "name": wanted.account.name, **own}
            del shipped["account"]
            result = self.run_module("api_account", {key: value for key, value in shipped.items() if value is not None})
            result.pop("diff", None)
        else:
            known = dataclasses.replace(wanted, account=with_metadata(wanted.account))
            result = assess_account(known, token_for)
        return finished_result(result, on_portal_action=params["on_portal_action"], diff=bool(self._task.diff))

    def _with_records(
        self, wanted: WantedAccount, params: t.Mapping[str, t.Any], token_for: t.Callable[[Account], Token]
    ) -> dict[str, t.Any]:
        """Create, change, renew or delete the account by its server's registration endpoint."""
        account = wanted.account
        try:
            if params["request_from"] == "target":
                raise ConfigurationError(
                    "records_file is kept on the controller, which alone registers accounts. Take request_from out."
                )
            check_rotation(account, wanted.rotate_secret)
        except ConfigurationError as error:
            raise error.about(account.name, account.provider) from None
        check_mode = bool(self._task.check_mode)
        with AccountRecords(params["records_file"], self.vault_secrets(), params["vault_id"]) as records:
            try:
                if wanted.state == "present":
                    records.check_writable()
                before = records.get(account.name)
            except RecordsError as error:
                raise error.with_message(f"{error.message} Nothing was sent.") from None
            work = ClientRegistration(
                dataclasses.replace(wanted, account=with_metadata(account)),
                records,
                lambda proven: prove_credentials(proven, token_for)[0],
                mask=self.secrets.update,
                check_mode=check_mode,
            )
            result = work.run()
        if before and result["changed"] and not check_mode:
            # Whatever token of it was known: a deleted account's, or one that the old secret opens.
            for record in chain(before):
                old = dataclasses.replace(account, client_id=record.client_id, client_secret=record.client_secret)
                renewed = result["secret"] == "rotated" and record is before and not result["replaced"]
                if wanted.state == "absent" or renewed or record.client_id in result["retired"]:
                    self.source(old, params).forget(old)
        secret = result.pop("client_secret", None)
        if params["return_secret"] and secret:
            result["client_secret"] = secret
            self.secret_results = True
        return result
