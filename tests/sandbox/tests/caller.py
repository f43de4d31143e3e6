# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTPS client: each call on its own connection, no cookies, nothing from the environment."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import requests

from ..server import SandboxHandle

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GRANT = "grant_type=client_credentials"
TOKEN_PATHS = {"rimo3": "/api/v2/connect/token", "jim2": "/token", "beyondtrust": "/oauth2/token"}


@dataclass(frozen=True)
class Caller:
    sandbox: SandboxHandle

    def __call__(self, key: str, method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
        """A call below an account's base URL (CIMcloud: and site). `token`: sent as Bearer."""
        account = self.sandbox.account(key)
        url = account["base_url"] + (f"/{account['site']}" if "site" in account else "") + path
        return self.url(method, url, token, **options)

    def url(self, method: str, url: str, token: str | None = None, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                url,
                headers=headers,
                verify=self.sandbox.config["ca_path"],
                timeout=10,
                allow_redirects=False,
                **options,
            )

    def basic(self, key: str, secret: str | None = None) -> dict[str, str]:
        """The Basic header of an account, or of its id with another secret."""
        account = self.sandbox.account(key)
        pair = f"{account['client_id']}:{account['client_secret'] if secret is None else secret}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def login(self, key: str, secret: str | None = None, body: str = GRANT) -> requests.Response:
        """The documented token request."""
        account = self.sandbox.account(key)
        if account["provider"] == "cimcloud":
            return self(key, "POST", "/authenticate", json=self.triple(key, secret))
        headers = self.basic(key, secret) | FORM
        return self(key, "POST", TOKEN_PATHS[account["provider"]], headers=headers, data=body)

    def triple(self, key: str, secret: str | None = None) -> dict[str, str]:
        """CIMcloud's login."""
        account = self.sandbox.account(key)
        password = account["client_secret"] if secret is None else secret
        return {"AuthKey": account["auth_key"], "AuthUserName": account["client_id"], "AuthPassword": password}

    def token(self, key: str, **options: Any) -> str:
        """A new access token."""
        response = self.login(key, **options)
        assert response.status_code == 200, response.text
        document = response.json()
        return str(document.get("access_token") or document.get("token"))
