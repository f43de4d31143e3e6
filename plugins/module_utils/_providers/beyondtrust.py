# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""BeyondTrust Remote Support and Privileged Remote Access. Sources: docs.beyondtrust.com, "Authenticate to the API",
the Configuration API (OpenAPI 1.10), the Command API (JSON, v2) and the XML command API's get_api_info."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import parse_qs, urlencode

from .._errors import AccessError, MalformedAnswerError
from .._http import HttpRequest, HttpResponse, printable_url
from .._model import Token, Verdict
from .._xml import local_name, parse_xml
from ._base import next_link
from ._oauth import OAuthProvider
from ._portal import SETTINGS_STEP, AccountListing, Portal, Setting

_INFO_PATH = "/api/command/v2/info"
_XML_PATH = "/api/command"
_ACCOUNTS_PATH = "/api/config/v1/api-account"
_MOST_PAGES = 100
_PAGE = "Sign in to {base_url}/login/api_account (Management > API Configuration)."

# The Command API names two permissions in another way than the account does (Privileged Remote Access).
_PERMISSION_NAMES = {
    "perm_reporting_session": "perm_reporting_support",
    "perm_reporting_asset": "perm_reporting_jump_item",
}

_SWITCHES = {
    "perm_reporting_support": "Reporting API: support session reports and recordings",
    "perm_reporting_presentation": "Reporting API: presentation session reports and recordings",
    "perm_reporting_license": "Reporting API: license usage reports",
    "perm_reporting_archive": "Reporting API: archive reports",
    "perm_reporting_vault": "Reporting API: vault account activity reports",
    "perm_reporting_jump_item": "Reporting API: jump item reports",
    "perm_reporting_duplicate_jump_client": "Reporting API: duplicate jump client reports",
    "perm_reporting_syslog": "Reporting API: syslog reports",
    "perm_backup": "Backup API",
    "perm_vault_backup": "Backup API: Vault encryption key",
    "perm_real_time_state": "Real-Time State API",
    "perm_ecm": "Endpoint Credential Manager API",
    "perm_scim": "SCIM API",
    "perm_configuration": "Configuration API",
    "perm_configuration_vault_account": "Configuration API: Manage Vault Accounts",
    "bearer_token_long_lived": "Long-lived bearer token",
}


# What an account needs for an API, as the portal calls it.
_PERMISSIONS = {
    "api/config": "Configuration API",
    "api/command": "Command API",
    "api/reporting": "Reporting API",
    "api/backup": "Backup API",
    "api/scim": "SCIM API",
}


class BeyondTrust(OAuthProvider):
    name = "beyondtrust"
    title = "BeyondTrust"
    options = frozenset({"token_endpoint_auth_method"})
    auth_methods = ("client_secret_basic", "client_secret_post")
    close_connections = True
    token_path = "/oauth2/token"
    default_expires_in = 3600
    lists_accounts = True
    refusal_remedy = (
        "Check client_id and client_secret, that the API account is enabled, and that it is not locked after failed "
        "logins. The request is not repeated, since repeated failures lock the account."
    )
    settings = {
        "name": Setting("Name", longest=255),
        "comments": Setting("Comments", longest=4096),
        "enabled": Setting("Enabled", kind=bool),
        "ip_addresses": Setting("Network Address Allow List", kind=list),
        "ecm_group_id": Setting("ECM Group", kind=int),
        "perm_command": Setting("Command API", choices=("deny", "read_only", "full_access")),
        **{field: Setting(label, kind=bool) for field, label in _SWITCHES.items()},
    }
    portal = Portal(
        url="{base_url}/login/api_account",
        create=(
            _PAGE,
            "Under API Accounts choose Add.",
            "Set name, permissions and network restrictions. For a token test it needs Command API: Read Only.",
            SETTINGS_STEP,
            "Copy OAuth Client ID and OAuth Client Secret, then choose Save: the secret cannot be shown again.",
            "Store both as client_id and client_secret of this account, and run this again.",
        ),
        change=(_PAGE, "Edit the account with OAuth Client ID {client_id}.", SETTINGS_STEP, "Choose Save."),
        rotate=(
            _PAGE,
            "Edit the account with OAuth Client ID {client_id}, choose to generate a new client secret, copy it, and "
            "choose Save. All tokens of the account end at that moment.",
            "Store it as client_secret of this account, and run this again.",
        ),
        delete=(_PAGE, "Delete the account with OAuth Client ID {client_id}, and confirm."),
        repair=(
            _PAGE,
            "Check that the account with OAuth Client ID {client_id} is listed, that it is Enabled, and that it is not "
            "locked after failed logins (a lock ends by itself).",
            "If the secret may be wrong, edit the account, generate a new client secret, copy it, and choose Save. "
            "All tokens of the account end at that moment.",
            "Store it as client_secret of this account, and run this again.",
        ),
    )

    # The test: the caller's own permissions, by the newer API and else by the one that all releases have

    def test_token(self, token: Token) -> Verdict:
        if self.account.test_path:
            return self._judge_command(self.get(self.account.test_path, token))
        response = self.get(_INFO_PATH, token)
        if response.status == 404:  # a release without Command API v2
            response = self.get(f"{_XML_PATH}?action=get_api_info", token, Accept="text/xml")
        return self._judge_command(response)

    def _judge_command(self, response: HttpResponse) -> Verdict:
        """Judge an answer whose status alone can mislead: errors also come as XML or JSON with a 2xx status, and
        that of a rejected token is documented by its body alone."""
        error = _error_of(response)
        rejected = error is not None and error[0] == "access_denied" and response.status < 500
        if not rejected and (not response.succeeded or response.is_html):
            return self.judge(response)
        if error is None:
            permissions = self._permissions_of(response)
            if permissions is None and not self.account.test_path:
                return self.verdict(
                    response, "indeterminate", "unexpected_answer",
                    "The test endpoint answered with neither permissions nor an error. Check base_url.",
                )  # fmt: skip
            return self.verdict(
                response, "valid", "accepted", "The token works.",
                token_valid=True, permitted=True, permissions=permissions,
            )  # fmt: skip
        code, text = error
        said = self.redactor.server_text(text) or self.redactor.server_text(code) or "no reason given"
        if code == "access_denied":
            return self.verdict(
                response, "invalid", "token_rejected",
                f"The server rejected the token: {said}",
                token_valid=False,
            )  # fmt: skip
        if "permission" in text.lower():
            return self.verdict_of_403(response, f" ({said})")
        return self.verdict(
            response, "indeterminate", "unhealthy",
            f"The server answered the test with an error: {said}",
        )  # fmt: skip

    def _permissions_of(self, response: HttpResponse) -> dict[str, t.Any] | None:
        """The caller's permissions in the names and types of the account, or None where the answer has none."""
        text = self.redactor.server_text
        root = parse_xml(response.body)
        if root is not None:
            found: dict[str, t.Any] = {
                element.get("name", ""): {"1": True, "0": False}.get((element.text or "").strip(), text(element.text))
                for element in root.iter()
                if local_name(element.tag) == "permission"
            }
        else:
            answer = response.json_or_none()
            named = answer.get("permissions") if isinstance(answer, dict) else None
            found = {
                name: bool(value) if isinstance(value, int) else text(value)
                for name, value in (named.items() if isinstance(named, dict) else ())
                if isinstance(value, (str, int))
            }
        return {_PERMISSION_NAMES.get(name, name): found[name] for name in sorted(found) if _is_name(name)} or None

    def verdict_of_403(self, response: HttpResponse, said: str) -> Verdict:
        # Documented: 403 is about the account's permissions, so the token itself was accepted.
        own = self.account.test_path
        remedy = self.permission_remedy(own).rstrip(".") if own else "Give the account Command API: Read Only"
        return self.verdict(
            response, "indeterminate", "not_permitted",
            f"The token was accepted, but the account may not use the test endpoint (status {response.status}){said}. "
            f"{remedy}, or accept this by fail_on: [invalid].",
            token_valid=True, permitted=False,
        )  # fmt: skip

    # Calls of the user's own

    @classmethod
    def is_safe(cls, method: str, path: str, query: t.Mapping[str, t.Any]) -> bool:
        if not super().is_safe(method, path, query):
            return False
        plain, _mark, own_query = path.partition("?")
        if plain.strip("/") != _XML_PATH.strip("/"):
            return True
        # The XML command API also acts by GET: what its reads have in common is the name.
        actions = [*parse_qs(own_query).get("action", []), str(query.get("action", ""))]
        return all(action.startswith(("get_", "check_")) for action in actions if action)

    def request_headers(self, path: str) -> dict[str, str]:
        plain = path.partition("?")[0].strip("/")
        if plain == _XML_PATH.strip("/"):
            return {"Accept": "text/xml, */*;q=0.5"}
        # The JSON APIs demand this header; the others send files.
        as_json = plain.startswith(("api/config/", "api/command/v2"))
        return {"Accept": "application/json" if as_json else "*/*"}

    def stated_error(self, response: HttpResponse) -> str | None:
        root = parse_xml(response.body)
        return (
            " ".join("".join(root.itertext()).split()) if root is not None and local_name(root.tag) == "error" else None
        )

    def rejects_token(self, response: HttpResponse) -> bool:
        # The Configuration API says 401 of an unknown parameter as well; the error of a token is documented.
        error = _error_of(response)
        return (error is not None and error[0] == "access_denied") or (response.status == 401 and error is None)

    def has_not_acted(self, response: HttpResponse) -> bool:
        error = _error_of(response)
        return (error is not None and error[0] == "access_denied") or super().has_not_acted(response)

    def permission_remedy(self, path: str) -> str:
        wanted = next((label for prefix, label in _PERMISSIONS.items() if path.strip("/").startswith(prefix)), None)
        if wanted is None:
            return super().permission_remedy(path)
        page = f"{self.account.base_url}/login/api_account"
        return f"Give the account the permission {wanted} ({page}), or check its list of allowed addresses."

    # The account, as far as it can be read

    def read_account(self, token: Token, own: bool) -> AccountListing | None:
        try:
            listed = self.list_accounts(token, None)
        except AccessError as error:
            if error.kind != "token_rejected":
                raise
            listed = None
        if listed is not None:
            wanted = (self.account.client_id or "").lower(), self.account.name.lower()
            by_id = [item for item in listed if wanted[0] and str(item.get("client_id", "")).lower() == wanted[0]]
            by_name = [item for item in listed if not wanted[0] and str(item.get("name", "")).lower() == wanted[1]]
            return AccountListing("api-account", next(iter(by_id or by_name), None))
        if own:
            permissions = self.test_token(token).permissions
            if permissions:
                return AccountListing("get_api_info", permissions)
        return None

    def list_accounts(self, token: Token, name: str | None) -> list[t.Mapping[str, t.Any]] | None:
        """Every API account of the site, or the one of that name (exact, whatever its case); None where the caller
        may not read them or the release has no list."""
        accounts: list[t.Mapping[str, t.Any]] = []
        query = {"per_page": 100, "current_page": 1, **({"name": name} if name else {})}
        url = f"{self.url(_ACCOUNTS_PATH)}?{urlencode(query)}"
        for _page in range(_MOST_PAGES):
            headers = {"Authorization": token.authorization}
            response = self.transport.send(HttpRequest("GET", url, headers, repeatable=True))
            if self.rejects_token(response):
                raise AccessError(
                    "The server did not accept the token. It has expired or was revoked, or the account was disabled "
                    "or its secret regenerated.",
                    kind="token_rejected",
                    status=response.status,
                )
            if response.status in (401, 403, 404):
                return None
            self.expect_success(response, "The list of API accounts", remedy="")
            page = response.json()
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise MalformedAnswerError(
                    f"{printable_url(url)} answered with something else than a list of accounts."
                )
            accounts += _named(page)
            following = next_link(response)
            if following is None:
                return accounts
            url = following
        raise MalformedAnswerError(f"{printable_url(url)} names more than {_MOST_PAGES} pages of accounts.")


def _error_of(response: HttpResponse) -> tuple[str, str] | None:
    """The error code and text that an answer carries whatever its status, or None."""
    root = parse_xml(response.body)
    if root is not None:
        return ("", " ".join("".join(root.itertext()).split())) if local_name(root.tag) == "error" else None
    answer = response.json_or_none()
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return answer["error"], str(answer.get("message") or "")
    return None


def _named(value: t.Any) -> t.Any:
    """The same data without what cannot be a field, so also without what Ansible reads more from than we mean."""
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items() if _is_name(name)}
    return [_named(item) for item in value] if isinstance(value, list) else value


def _is_name(text: t.Any) -> bool:
    """Whether a server's text can be the name of a field: results have it as a key, which is not masked."""
    return isinstance(text, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text) is not None
