# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operation api_account_info; documented in the module of the same name."""

from __future__ import annotations

import typing as t

from ..module_utils._account_record import AccountRecord
from ..module_utils._arguments import API_ACCOUNT_INFO_SPEC, account_from
from ..module_utils._errors import AccessError, ConfigurationError
from ..module_utils._model import Account, Token, Verdict
from ..module_utils._operations.api_account import WantedAccount
from ..module_utils._operations.api_account_info import check_listable, read_accounts
from ..module_utils._operations.client_registration import ClientRegistration
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._account_records import AccountRecords
from ..plugin_utils._action import AccessAction, shipped_options
from ..plugin_utils._discovery_cache import with_metadata


class ActionModule(AccessAction):
    """Reads accounts from the vendor's list, or from the records and the server that registered them."""

    spec = API_ACCOUNT_INFO_SPEC

    def perform(self) -> dict[str, t.Any]:
        params, explicit = self.options()
        # The name of the account that asks is none of those that are asked for.
        name = self._task.args.get("name")
        if params["records_file"]:
            return self._recorded(params, name)
        caller = params["account"] or params["client_id"] or params["provider"] or "unnamed"
        account = self.one_account(
            {**params, "name": str(caller)}, explicit, need_credentials=not params["access_token"]
        )
        check_listable(account)
        if params["access_token"]:
            token, reused = PROVIDERS[account.provider].ready_token(account, params["access_token"]), False
        else:
            obtained = self.obtain(account, params)
            token, reused = obtained.token, obtained.reused
        try:
            accounts = self._read(account, params, token, name)
        except AccessError as error:
            if error.kind != "token_rejected" or not reused:
                raise error.about(account.name, account.provider) from None
            renewed = self.obtain(account, params, rejected=token.fingerprint).token
            accounts = self._read(account, params, renewed, name)
        return {"changed": False, "accounts": accounts}

    def _read(
        self, account: Account, params: dict[str, t.Any], token: Token, name: str | None
    ) -> list[dict[str, t.Any]]:
        """The vendor's list, read by the controller or by the host. Raises AccessError."""
        self.secrets |= set(token.secrets)
        self.pace(account, params, calls=1)
        if params["request_from"] == "controller":
            return read_accounts(account, token, name)
        options = {**shipped_options(account, params, secrets=False), "access_token": token.access_token}
        result = self.run_module("api_account_info", {**options, **({"name": name} if name else {})})
        return t.cast("list[dict[str, t.Any]]", result["accounts"])

    def _recorded(self, params: dict[str, t.Any], name: str | None) -> dict[str, t.Any]:
        """The accounts of a records file, each with what its server says of it now."""
        if params["request_from"] == "target":
            raise ConfigurationError("records_file is kept on the controller. Take request_from out.")
        with AccountRecords(params["records_file"], self.vault_secrets(), None) as records:
            found = []
            for each in [name] if name else records.names():
                record = records.get(each)
                if record is not None:
                    found.append(self._look(params, records, record))
        return {"changed": False, "accounts": found}

    def _look(self, params: dict[str, t.Any], records: AccountRecords, record: AccountRecord) -> dict[str, t.Any]:
        account = account_from({**params, **record.options}, name=record.name, need_credentials=False)

        def prove(_account: t.Any) -> Verdict:
            raise AssertionError("nothing is proven by a look")

        work = ClientRegistration(
            WantedAccount(with_metadata(account)), records, prove, mask=self.secrets.update, check_mode=False
        )
        return work.look()
