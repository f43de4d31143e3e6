# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Read the API accounts of a vendor that lists them."""

from __future__ import annotations

import typing as t

from .._errors import AccessError, ConfigurationError
from .._model import Account, Token
from .._providers._registry import PROVIDERS, open_provider

SECRET_FIELDS = ("client_secret",)
"""What no listing shows, should a vendor ever send it."""


def check_listable(account: Account) -> None:
    """Raise ConfigurationError where the vendor has no call that reads accounts. Nothing is sent."""
    provider = PROVIDERS[account.provider]
    if not provider.lists_accounts:
        page = provider.portal.url.replace("{base_url}", account.base_url)
        hint = (
            " With records_file, those that this collection has registered can be read." if provider.registers else ""
        )
        raise ConfigurationError(
            f"{provider.title} has no call that reads API accounts; a person can, at {page}.{hint}", kind="not_readable"
        ).about(account.name, account.provider)


def read_accounts(account: Account, token: Token, name: str | None) -> list[dict[str, t.Any]]:
    """The accounts of the vendor's list, or the one of that name. Raises AccessError."""
    with open_provider(account) as provider:
        listed = provider.list_accounts(token, name)
        if listed is None:
            raise AccessError(
                "The account may not read API accounts, or this release has no list of them. "
                f"{provider.permission_remedy('api/config/')}",
                kind="not_permitted",
            )
        return [
            {
                "name": fields.get("name"),
                "provider": provider.name,
                "client_id": fields.get("client_id"),
                "source": "api-account",
                "fields": {key: value for key, value in fields.items() if key not in SECRET_FIELDS},
            }
            for fields in listed
        ]
