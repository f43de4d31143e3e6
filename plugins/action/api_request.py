# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operation api_request; documented in the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t

from ..module_utils._arguments import API_REQUEST_SPEC
from ..module_utils._errors import AccessError, ConfigurationError
from ..module_utils._model import Account, Token
from ..module_utils._operations.api_request import (
    ApiAnswer,
    ApiCall,
    answer_from,
    api_call,
    exchange,
    is_safe,
    rate_notice,
    result_of,
)
from ..module_utils._operations.oauth_token import request_token
from ..module_utils._providers._base import page_items
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._action import AccessAction, shipped_options
from ..plugin_utils._token_access import MOST_ATTEMPTS, is_paced, learn

RETRYABLE = ("rate_limited", "server_error")
"""The kinds of failures that may be gone later."""


class ActionModule(AccessAction):
    """Calls the API with the fleet's one token: renews it, follows pages, and keeps to the vendor's rate."""

    spec = API_REQUEST_SPEC

    def perform(self) -> dict[str, t.Any]:
        params, explicit = self.options()
        self.params = params
        account = self.one_account(params, explicit, need_credentials=not params["access_token"])
        try:
            call = api_call(params, check_mode=bool(self._task.check_mode))
            safe = is_safe(account, call)
            if params["max_pages"] < 1:
                raise ConfigurationError("max_pages must be a number above 0.")
            provider = PROVIDERS[account.provider]
            if call.paginate:
                call = dataclasses.replace(call, path=provider.first_page(call.path))
            if self._task.check_mode and not safe:
                message = f"Would send {call.method} {call.path.partition('?')[0]}."
                return {"changed": True, "msg": f"Account '{account.name}' ({account.provider}): {message}"}
            self.token, self.reused = self._first_token(account, provider.needs_token(account))
            answer = self._answer(account, call, safe)
            all_pages = call.paginate and not answer.error
            result = self._all_pages(account, call, answer, safe) if all_pages else result_of(answer)
        except AccessError as error:
            raise error.about(account.name, account.provider) from None
        result["changed"] = not safe or bool(answer.file and answer.file["changed"])
        if answer.file and self._task.diff:
            result["diff"] = {
                "before": {"checksum": answer.file["checksum_before"]},
                "after": {"checksum": answer.file["checksum"]},
            }
        if answer.error:
            result.update(
                failed=True,
                changed=not safe and answer.acted and answer.status < 400,
                msg=f"Account '{account.name}' ({account.provider}): {answer.error}",
                failure={
                    "kind": answer.kind,
                    "status": answer.status,
                    "error": answer.code,
                    "retryable": answer.kind in RETRYABLE,
                },
            )
        return result

    def _first_token(self, account: Account, needs_token: bool) -> tuple[Token, bool]:
        """The token to call with, and whether it was known before."""
        provider, ready = PROVIDERS[account.provider], self.params["access_token"]
        if ready:
            token, reused = provider.ready_token(account, ready), False
        elif not needs_token:
            token, reused = request_token(account, None), False
        else:
            obtained = self.obtain(account, self.params)
            token, reused = obtained.token, obtained.reused
        self.secrets |= set(token.secrets)
        return token, reused

    def _answer(self, account: Account, call: ApiCall, safe: bool) -> ApiAnswer:
        """One answer; a known token that is no longer good is renewed once, for all who use it."""
        answer = self._within_rate(account, call)
        if not (answer.rejected and self.reused):
            return answer
        before = self.token.fingerprint
        self.token = self.obtain(account, self.params, rejected=before).token
        self.reused = False
        if self.token.fingerprint == before:
            return answer
        if not safe and answer.acted:
            note = (
                "The token is renewed now, but this call is not repeated, since it may have taken effect. Check that."
            )
            return dataclasses.replace(answer, error=f"{answer.error} {note}")
        return self._within_rate(account, call)

    def _within_rate(self, account: Account, call: ApiCall) -> ApiAnswer:
        """One answer; where the vendor's low rate is met, another attempt when the budget has room for it."""
        attempts = MOST_ATTEMPTS if is_paced(account, self.params) else 1
        while True:
            called = self.pace(account, self.params, calls=1)
            answer = self._exchange(account, call)
            learn(account, self.params, called, rate_notice(answer))
            attempts -= 1
            if answer.status != 429 or not attempts:
                return answer

    def _exchange(self, account: Account, call: ApiCall) -> ApiAnswer:
        if self.params["request_from"] == "controller":
            return exchange(account, self.token, call)
        options = shipped_options(account, self.params, secrets=False)
        shipped = {**options, **call.to_options(), "access_token": self.token.access_token}
        # A body or a header of the user's can hold any secret, and to mask their values would also blank the answer.
        return answer_from(self.run_module("api_request", shipped, logged=False)["answer"])

    def _all_pages(self, account: Account, call: ApiCall, answer: ApiAnswer, safe: bool) -> dict[str, t.Any]:
        """The items of all pages, behind the first which is there already."""
        items = list(page_items(answer.document, answer.url))
        pages, elapsed, first = 1, answer.elapsed_ms, answer
        while answer.next_path is not None:
            if pages >= self.params["max_pages"]:
                raise AccessError(
                    f"{first.url} has more than {pages} pages. Narrow the list, or raise max_pages.",
                    kind="too_many_pages",
                )
            pages += 1
            answer = self._answer(account, dataclasses.replace(call, path=answer.next_path, query={}), safe)
            if answer.error:
                raise AccessError(
                    f"Page {pages}: {answer.error}",
                    kind=answer.kind or "",
                    status=answer.status,
                    error=answer.code,
                    retryable=answer.kind in RETRYABLE,
                )
            items += page_items(answer.document, answer.url)
            elapsed += answer.elapsed_ms
        return result_of(dataclasses.replace(first, elapsed_ms=elapsed), pages=pages, items=items)
