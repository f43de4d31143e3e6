# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""CIMcloud. Sources: help.cimcloud.com, the API Framework pages Authentication, Refresh Tokens, Health Checks,
Application Authorizations, Configuration and Rate Limits, and POST GenerateCustomerSession."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import typing as t
from urllib.parse import urlsplit, urlunsplit

from .._errors import ConfigurationError, MalformedAnswerError, RefusedError
from .._http import HttpRequest, HttpResponse, printable_url
from .._model import Account, Token, Verdict
from ._base import Provider, page_items
from ._oauth import LONGEST_EXPIRES_IN, answer_object, basic_credentials, checked_token_value
from ._portal import SETTINGS_STEP, Portal, Setting

# .NET prints up to seven decimals, and the session's sample has no zone; datetime.fromisoformat of Python 3.9
# reads neither that nor "Z".
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)

_RECORDS_ON_A_PAGE = 50
_REFRESH_TOKEN_LIFETIME = 30 * 86400
_PAGE = "In the Worker Portal, open API System > App Authorization (classic sites: webdriver > API Manager)."


def parse_moment(text: t.Any) -> float | None:
    """Seconds since 1970 of a date such as ``2022-01-01T01:00:00Z``; without a zone it is taken as UTC."""
    match = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    zone = (match[3] or "Z").upper()
    try:
        return datetime.datetime.strptime(f"{match[1]}T{match[2]}{zone}", "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        return None


class CIMcloud(Provider):
    name = "cimcloud"
    title = "CIMcloud"
    default_base_url = "https://api.cimcloud.com"
    options = frozenset({"site", "auth_key", "authorization_type", "customer"})
    default_expires_in = 7 * 86400
    calls_per_second = 2
    calls_per_window = (100, 900)
    settings = {
        "authorization_type": Setting("Authorization Type", choices=("Default", "Basic")),
        "session_access_type": Setting(
            "Session Access Type", choices=("None", "Any Session", "Auto (Specific Customer)")
        ),
        "session_customer": Setting("Customer of the automatic session"),
        "ip_whitelist": Setting("Whitelisted IP addresses", kind=list),
        "assigned_resources": Setting("Assigned Resources", kind=list),
        "allowed_methods": Setting("Default Security Settings: HTTP methods", kind=list),
    }
    portal = Portal(
        url="https://help.cimcloud.com/help-center/api-framework-application-authorizations/",
        create=(
            _PAGE,
            "Choose the blue +. Two App Authorizations are in the API bundle; more cost extra.",
            "Set user name and password, keep a copy of the password (it cannot be read again), and submit: the "
            "AuthKey is generated then.",
            "Assign the resources and HTTP methods that the automation needs.",
            SETTINGS_STEP,
            "Store AuthUserName, AuthPassword and AuthKey as client_id, client_secret and auth_key of this account, "
            "and run this again.",
        ),
        change=(_PAGE, "Open AuthUserName {client_id}.", SETTINGS_STEP, "Submit the page."),
        rotate=(
            _PAGE,
            "Open AuthUserName {client_id}, reset AuthPassword, copy it, and submit the page: the reset is lost "
            "otherwise.",
            "Store it as client_secret of this account, and run this again.",
        ),
        delete=(
            _PAGE,
            "Open AuthUserName {client_id}, and remove it. The vendor's pages do not describe this step; where there "
            "is no way, take its resources away and reset its password.",
        ),
        repair=(
            _PAGE,
            "Check that AuthUserName {client_id} is listed, that its Authorization Type is the authorization_type of "
            "this account (Default for bearer), and that its whitelist lets this controller's address in.",
            "If the password may be wrong, reset AuthPassword, copy it, and submit the page.",
            "Store AuthPassword and AuthKey as client_secret and auth_key of this account, and run this again.",
        ),
    )

    @classmethod
    def required_options(cls, account: Account) -> tuple[str, ...]:
        needed = (*super().required_options(account), "site")
        return (*needed, "auth_key") if cls.needs_token(account) else needed

    @classmethod
    def check_account(cls, account: Account) -> None:
        super().check_account(account)
        if account.site is not None and not re.fullmatch(r"[A-Za-z0-9._-]+", account.site):
            raise ConfigurationError(
                "Option 'site' must be the site's name alone, as in https://api.cimcloud.com/SITE."
            )
        if account.customer and not cls.needs_token(account):
            raise ConfigurationError(
                "Option 'customer' needs authorization_type 'bearer': a session is a token, and basic has none."
            )

    @classmethod
    def needs_token(cls, account: Account) -> bool:
        return account.authorization_type != "basic"

    @classmethod
    def ready_token(cls, account: Account, access_token: str) -> Token:
        return Token(access_token, "Bearer" if cls.needs_token(account) else "Basic")

    def url(self, path: str) -> str:
        return super().url(f"{self.account.site}/{path.lstrip('/')}")

    def request_token(self, previous: Token | None) -> Token:
        if not self.needs_token(self.account):
            return Token(basic_credentials(self.account.client_id or "", self.account.client_secret or ""), "Basic")
        token = self._refresh(previous) or self._authenticate()
        return self._customer_session(token, self.account.customer) if self.account.customer else token

    def _post(self, path: str, body: t.Any, **headers: str) -> HttpResponse:
        headers["Content-Type"] = "application/json"
        return self.transport.send(HttpRequest("POST", self.url(path), headers, json.dumps(body).encode()))

    def _refresh(self, previous: Token | None) -> Token | None:
        """A new token by the refresh token of the former (page "Refresh Tokens"); None where that cannot be."""
        if previous is None or not previous.refresh_token:
            return None
        if previous.refresh_expires_at is None or previous.refresh_expires_at <= self.clock():
            return None
        response = self._post("refresh", previous.refresh_token)
        if response.status in (400, 401, 403, 404):
            return None  # used up, revoked, or not part of this bundle: what to do then is to authenticate
        self.expect_success(response, "The refresh of the token", remedy="")
        return self._parse_pair(response)

    def _authenticate(self) -> Token:
        response = self._post(
            "authenticate",
            {
                "AuthKey": self.account.auth_key,
                "AuthUserName": self.account.client_id,
                "AuthPassword": self.account.client_secret,
            },
        )
        self.expect_success(
            response,
            "The request for a token",
            remedy="Check site, client_id, client_secret and auth_key, that the App Authorization is of type Default, "
            "and that its IP whitelist lets this machine in. The request is not repeated.",
        )
        return self._parse_pair(response)

    def _customer_session(self, token: Token, customer: str) -> Token:
        """The token that carries a customer's session (page "POST GenerateCustomerSession")."""
        response = self._post("GenerateCustomerSession/", {"username": customer}, Authorization=token.authorization)
        if response.status in (400, 401, 403, 404):
            raise RefusedError(
                f"A session for customer '{customer}' was refused at {printable_url(response.url)} (status "
                f"{response.status}). Check that the customer exists and that the App Authorization's Session Access "
                "Type is Any Session.",
                kind="session_refused",
                status=response.status,
            )
        self.expect_success(response, "The request for a customer's session", remedy="")
        session = self._parse_pair(response)
        return dataclasses.replace(
            session, refresh_token=token.refresh_token, refresh_expires_at=token.refresh_expires_at
        )

    def _parse_pair(self, response: HttpResponse) -> Token:
        """The token of an answer; the pages call it both ``token`` and ``bearer_token``."""
        where = printable_url(response.url)
        answer = answer_object(response)
        value = answer.get("token") if answer.get("token") is not None else answer.get("bearer_token")
        refresh_token = answer.get("refresh_token")
        return Token(
            access_token=checked_token_value(value, "token", where),
            expires_at=self.clock() + self._lifetime(response, answer.get("expiration"), where),
            refresh_token=checked_token_value(refresh_token, "refresh_token", where) if refresh_token else None,
            refresh_expires_at=self.clock() + _REFRESH_TOKEN_LIFETIME if refresh_token else None,
        )

    def _lifetime(self, response: HttpResponse, expiration: t.Any, where: str) -> float:
        """Seconds from now to the absolute ``expiration``, by the server's own clock where it shows it."""
        if expiration is None:
            return self.account.assume_expires_in or self.default_expires_in
        moment = parse_moment(expiration)
        if moment is None:
            raise MalformedAnswerError(
                f"{where} answered with an expiration that is not a date such as 2022-01-01T01:00:00Z."
            )
        told = response.server_time
        now = self.clock() if told is None else told
        if moment <= now:
            raise MalformedAnswerError(
                f"{where} answered with an expiration in the past. Check this machine's clock and the site's time zone."
            )
        return min(moment - now, LONGEST_EXPIRES_IN)

    def test_token(self, token: Token) -> Verdict:
        # /validate alone judges a token and changes nothing; healthcheck/canary asks for none.
        return self.judge(self.get(self.account.test_path or "/validate", token))

    # Calls of the user's own

    @classmethod
    def is_safe(cls, method: str, path: str, query: t.Mapping[str, t.Any]) -> bool:
        # Documented: reading OnlineOrders marks them as exported.
        resource = path.partition("?")[0].strip("/").partition("/")[0]
        return super().is_safe(method, path, query) and resource.lower() != "onlineorders"

    # Page "GET Requests Pagination": /resource/search/number, from 1 on. How the last page shows is not documented: it
    # is taken to be one that is not full.

    @classmethod
    def first_page(cls, path: str) -> str:
        plain, mark, query = path.partition("?")
        return f"{plain.rstrip('/')}/1{mark}{query}"

    def next_page(self, response: HttpResponse, document: t.Any) -> str | None:
        items = page_items(document, printable_url(response.url))
        if len(items) < _RECORDS_ON_A_PAGE:
            return None
        parts = urlsplit(response.url)
        path, _slash, page = parts.path.rpartition("/")
        return urlunsplit((parts.scheme, parts.netloc, f"{path}/{int(page) + 1}", parts.query, ""))
