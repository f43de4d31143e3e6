# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Rimo3. Source: learn.rimo3.com, "Rimo3 API - Introduction and Obtaining an Access Token"."""

from __future__ import annotations

import json

from .._http import HttpRequest, HttpResponse
from .._model import Account, Token, Verdict
from ._oauth import OAuthProvider
from ._portal import SETTINGS_STEP, Portal, Setting

_PAGE = "In Rimo3, open Extend > Integrations > API Accounts (https://rimo3cloud.com/PublicApiAccounts/Index)."


class Rimo3(OAuthProvider):
    name = "rimo3"
    title = "Rimo3"
    default_base_url = "https://rimo3cloud.com"
    options = frozenset({"token_body"})
    token_path = "/api/v2/connect/token"
    default_expires_in = 3600
    settings = {"name": Setting("Name"), "role": Setting("Role", choices=("API User",))}
    portal = Portal(
        url="https://rimo3cloud.com/PublicApiAccounts/Index",
        create=(
            _PAGE,
            "Choose Add API Account.",
            SETTINGS_STEP,
            "Copy the Client ID and, with the eye icon, the Client Secret; then choose Save. "
            "After Close the secret cannot be shown again.",
            "Store both as client_id and client_secret of this account, and run this again.",
        ),
        change=(_PAGE, "Find Client ID {client_id}, and choose Edit.", SETTINGS_STEP, "Choose Save."),
        rotate=(
            _PAGE,
            "Find Client ID {client_id}, choose Edit and then Regenerate; copy the new Client Secret, and choose "
            "Save. The former secret stops working.",
            "Store it as client_secret of this account, and run this again.",
        ),
        delete=(_PAGE, "Find Client ID {client_id}, choose Delete, and confirm."),
        repair=(
            _PAGE,
            "Check that Client ID {client_id} is listed. If it is, choose Edit and Regenerate, copy the new "
            "Client Secret, and choose Save. If it is not, choose Add API Account.",
            "Store the values as client_id and client_secret of this account, and run this again.",
        ),
    )

    def token_request(self, account: Account) -> HttpRequest:
        request = super().token_request(account)
        if account.token_body == "form":
            return request
        # The page shows this as the body "formatted as JSON". Public client code sends it with the content type
        # of a form, as PowerShell does, and that is the only way it has been seen to work.
        body = json.dumps({"Form-Data": "grant_type=client_credentials"}).encode()
        return HttpRequest(request.method, request.url, request.headers, body)

    def test_token(self, token: Token) -> Verdict:
        return self.judge(self.get(self.account.test_path or "/api/v2/connect/test", token))

    def verdict_of_403(self, response: HttpResponse, said: str) -> Verdict:
        # The bodies are not documented, so the status alone decides; connect/test has no other purpose
        # than to say whether the token is good.
        if self.account.test_path:
            return super().verdict_of_403(response, said)
        return self.verdict(
            response, "invalid", "token_rejected",
            f"Rimo3 rejected the token (status 403){said}. It has expired, or the API account was deleted or its "
            "secret regenerated.",
            token_valid=False,
        )  # fmt: skip
