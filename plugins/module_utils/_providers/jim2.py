# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Jim2 by Happen Business. Sources: jim2help.happen.biz, "token" and "Authentication" of the Jim2 API reference."""

from __future__ import annotations

import dataclasses

from .._http import HttpRequest, printable_url
from .._model import Account, Release, Token, Verdict
from ._oauth import OAuthProvider
from ._portal import SETTINGS_STEP, Portal, Setting

_USER = "In Jim2, open the cardfile of the user that client id {client_id} is mapped to."
_MAPPING = "On the Jim2 server, open the configuration of the Jim2 API and its mapping of client ids to users."


class Jim2(OAuthProvider):
    name = "jim2"
    title = "Jim2"
    options = frozenset({"scope", "token_endpoint_auth_method", "logoff_path"})
    auth_methods = ("client_secret_basic", "client_secret_post")
    token_path = "/token"
    default_expires_in = 1200
    releases = True
    refusal_remedy = (
        "Jim2 does not say which of two it is: client_id or client_secret is wrong, or no licence is free (a token "
        "for scope 'view' alone takes none). The request is not repeated."
    )
    settings = {
        "card_code": Setting("Card code"),
        "initials": Setting("Initials", longest=3),
        "email": Setting("Email"),
        "require_password_change": Setting("Require password change at first logon", kind=bool),
    }
    portal = Portal(
        url="{base_url}",
        create=(
            "In Jim2, create a cardfile with User ticked, for this API client alone: its password is the secret, "
            "and changing it changes the desktop login as well. Leave 'require password change' off.",
            SETTINGS_STEP,
            _MAPPING,
            "Map a new client id to that user.",
            "Store client id and password as client_id and client_secret of this account, and run this again.",
        ),
        change=(_USER, SETTINGS_STEP, "Save."),
        rotate=(
            _USER,
            "Set a new password, and save. This also changes that person's desktop login.",
            "Store it as client_secret of this account, and run this again.",
        ),
        delete=(_MAPPING, "Remove client id {client_id}.", "In Jim2, make its user inactive if nothing else uses it."),
        repair=(
            "In Jim2, check that a licence is free (only scope 'view' needs none).",
            _MAPPING,
            "Check that client id {client_id} is mapped to a user.",
            "In that user's cardfile, check that the password is the client_secret of this account and that no "
            "password change is required at the next logon.",
        ),
    )

    # Not documented: the reference names a "logoff" endpoint that releases the licence, but no copy of its page
    # was found. By analogy with "token" it is taken to be POST <base>/logoff with the token.
    default_logoff_path = "/logoff"

    # Not documented: there is no endpoint for tests. This is a documented read of a job that cannot exist.
    default_test_path = "/api/v1/jobs/0/stock"

    def test_token(self, token: Token) -> Verdict:
        path = self.account.test_path or self.default_test_path
        response = self.get(path, token)
        if response.status != 404:
            return self.judge(response)
        # 404 proves the token only if the server looks at the token before it looks for the record.
        anonymous = self.get(path, None)
        if anonymous.status == 401:
            return self.verdict(
                response, "valid", "accepted",
                "The token works: the server accepted it and did not find the record, and it answers 401 to the "
                "same call without a token.",
                token_valid=True, permitted=True,
            )  # fmt: skip
        return self.verdict(
            response, "indeterminate", "unexpected_answer",
            "The test endpoint was not found, with the token and without it. Set test_path to a read that exists "
            "in this build of the Jim2 API, such as api/v1/cardfiles/CARDNO/contacts.",
        )  # fmt: skip

    def release_token(self, token: Token) -> Release:
        path = self.account.logoff_path or self.default_logoff_path
        url = self.url(path)
        response = self.transport.send(HttpRequest("POST", url, {"Authorization": token.authorization}, b""))
        if response.status == 429 or response.status >= 500:  # so the token is kept, to be given back by another try
            self.expect_success(response, "The logoff", remedy="")
        if response.succeeded:
            self.expect_no_page(response, "The logoff")
            return Release(True, "Jim2 confirmed the logoff; a licence that the token held is free again.")
        if response.status == 401:
            return Release(False, "The token was gone already, and any licence with it.")
        return Release(
            False,
            f"Jim2 answered the logoff at {printable_url(url)} with status {response.status}: a licence may be held "
            "until the token expires (20 minutes). The path is not documented; set logoff_path to the right one.",
        )

    def proof_account(self) -> Account:
        return dataclasses.replace(self.account, scope=("view",))
