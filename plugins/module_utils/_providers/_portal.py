# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""How people manage a vendor's accounts in its portal, and what a program can read of them."""

from __future__ import annotations

import dataclasses
import typing as t

SETTINGS_STEP = "{settings}"
"""Stands among a portal's steps where the wanted settings are to be made."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One field of a vendor's account: its type, its limits, and what the portal calls it."""

    label: str
    kind: type = str
    choices: tuple[str, ...] = ()
    longest: int | None = None


@dataclasses.dataclass(frozen=True)
class Portal:
    """Where and how a person manages the provider's accounts. Steps may use {base_url} and {client_id}."""

    url: str
    create: tuple[str, ...]
    change: tuple[str, ...]
    rotate: tuple[str, ...]
    delete: tuple[str, ...]
    repair: tuple[str, ...]
    regain: tuple[str, ...] = ()


def filled(text: str, base_url: str, client_id: str) -> str:
    """A portal's URL or step for one account."""
    return text.replace("{base_url}", base_url).replace("{client_id}", client_id)


def setting_name(settings: t.Mapping[str, Setting], field: str) -> str:
    """What a person finds a setting by: the portal's label where it is known, and the vendor's field."""
    return f"{settings[field].label} ({field})" if field in settings else field


@dataclasses.dataclass(frozen=True)
class AccountListing:
    """What can be read of the account: ``found`` fields in the vendor's names, and ``source``, who told.

    ``found`` is None where a complete list does not have the account.
    """

    source: str
    found: t.Mapping[str, t.Any] | None
