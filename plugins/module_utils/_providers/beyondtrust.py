# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""BeyondTrust Remote Support and Privileged Remote Access. Sources: docs.beyondtrust.com, "Authenticate to the API",
the Configuration API (OpenAPI 1.10), the Command API (JSON, v2) and the XML command API's get_api_info."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

from .._errors import MalformedAnswerError, TransportError
from .._model import Token, Verdict
from .._transport import HttpRequest, HttpResponse, printable_url
from ._base import SETTINGS_STEP, AccountListing, Portal, Setting
from ._oauth import OAuthProvider

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
            permissions = _permissions_of(response)
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

    def verdict_of_403(self, response: HttpResponse, said: str) -> Verdict:
        # Documented: 403 is about the account's permissions, so the token itself was accepted.
        return self.verdict(
            response, "indeterminate", "not_permitted",
            f"The token was accepted, but the account may not use the test endpoint (status {response.status}){said}. "
            "Give the account Command API: Read Only, or accept this by fail_on: [invalid].",
            token_valid=True, permitted=False,
        )  # fmt: skip

    # The account, as far as it can be read

    def read_account(self, token: Token, own: bool) -> AccountListing | None:
        listed = self._list_accounts(token)
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

    def _list_accounts(self, token: Token) -> list[t.Mapping[str, t.Any]] | None:
        """Every API account of the site; None where the caller may not read them or the release has no list."""
        accounts: list[t.Mapping[str, t.Any]] = []
        url = f"{self.url(_ACCOUNTS_PATH)}?{urlencode({'per_page': 100, 'current_page': 1})}"
        for _page in range(_MOST_PAGES):
            headers = {"Authorization": token.authorization}
            response = self.transport.send(HttpRequest("GET", url, headers, repeatable=True))
            if response.status in (401, 403, 404):
                return None
            self.expect_success(response, "The list of API accounts", remedy="")
            page = response.json()
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise MalformedAnswerError(
                    f"{printable_url(url)} answered with something else than a list of accounts."
                )
            accounts += [{name: value for name, value in item.items() if _is_name(name)} for item in page]
            following = next_page(response)
            if following is None:
                return accounts
            url = following
        raise MalformedAnswerError(f"{printable_url(url)} names more than {_MOST_PAGES} pages of accounts.")


def next_page(response: HttpResponse) -> str | None:
    """The URL of the next page by the Link header (RFC 8288): always https, as the headers can say http, and
    always on the same host, which alone may see the token. Raises TransportError for another host."""
    for part in response.headers.get("link", "").split(","):
        match = re.fullmatch(r'\s*<([^<>\s]+)>\s*;.*\brel="?next"?.*', part)
        if match is None:
            continue
        here = urlsplit(response.url)
        try:
            there = urlsplit(match[1])
            same = (there.hostname or here.hostname) == here.hostname
        except ValueError:
            same = False
        if not same:
            raise TransportError(
                f"{printable_url(response.url)} names a next page on another host, which is not asked.",
                kind="redirect",
                retryable=False,
            )
        # The path of a relative link and the port of an http link are those of this page's server.
        return urlunsplit((here.scheme, here.netloc, there.path or here.path, there.query, ""))
    return None


def _xml_root(response: HttpResponse) -> ElementTree.Element | None:
    if not response.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or b"<!" in response.body:
        return None  # a document type is never part of these answers, and entities are not expanded
    try:
        return ElementTree.fromstring(response.body)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _local_name(element: ElementTree.Element) -> str:
    """The name without its namespace, which differs by release."""
    return element.tag.rpartition("}")[2]


def _error_of(response: HttpResponse) -> tuple[str, str] | None:
    """The error code and text that an answer carries whatever its status, or None."""
    root = _xml_root(response)
    if root is not None:
        return ("", " ".join("".join(root.itertext()).split())) if _local_name(root) == "error" else None
    answer = response.json_or_none()
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return answer["error"], str(answer.get("message") or "")
    return None


def _permissions_of(response: HttpResponse) -> dict[str, t.Any] | None:
    """The caller's permissions in the names and types of the account, or None where the answer has none."""
    root = _xml_root(response)
    if root is not None:
        found: dict[str, t.Any] = {
            element.get("name", ""): {"1": True, "0": False}.get((element.text or "").strip(), element.text)
            for element in root.iter()
            if _local_name(element) == "permission"
        }
    else:
        answer = response.json_or_none()
        named = answer.get("permissions") if isinstance(answer, dict) else None
        found = {
            name: bool(value) if isinstance(value, int) else value
            for name, value in (named.items() if isinstance(named, dict) else ())
            if isinstance(value, (str, int))
        }
    return {_PERMISSION_NAMES.get(name, name): value for name, value in sorted(found.items()) if _is_name(name)} or None


def _is_name(text: t.Any) -> bool:
    """Whether a server's text can be the name of a field: results have it as a key, which is not masked."""
    return isinstance(text, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text) is not None
