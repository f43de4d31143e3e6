# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What a server answers about a registered account, and what is kept of it."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Registration:
    """What a server answers about a registered client (RFC 7591 section 3.2.1, RFC 7592 section 3).

    ``metadata`` is all that it said, less the fields that stand here by themselves. ``client_uri`` and
    ``access_token`` are the handle by which the account is managed; a server need not give one. ``tells_expiry``:
    whether it said when the secret ends, be it never.
    """

    client_id: str
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    secret_expires_at: float | None = None
    client_uri: str | None = None
    access_token: str | None = dataclasses.field(default=None, repr=False)
    metadata: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    tells_expiry: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be printed."""
        return tuple(value for value in (self.client_secret, self.access_token) if value)


@dataclasses.dataclass(frozen=True)
class AccountRecord:
    """What is kept of a provisioned account. Moments are seconds since 1970, UTC.

    ``options`` are the account's options as the user wrote them, ``settings`` the wanted ones, ``sent`` all that the
    server was asked for last. ``replaced`` is the account whose place this one takes, until that is deleted.
    """

    name: str
    options: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    settings: t.Mapping[str, t.Any]
    client_id: str
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    client_uri: str | None = None
    access_token: str | None = dataclasses.field(default=None, repr=False)
    registered_at: float | None = None
    secret_changed_at: float | None = None
    secret_expires_at: float | None = None
    sent: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    replaced: AccountRecord | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be printed."""
        own = (self.client_secret, self.access_token, self.options.get("private_key"), self.options.get("proxy"))
        return (*(str(value) for value in own if value), *(self.replaced.secrets if self.replaced else ()))


@dataclasses.dataclass(frozen=True)
class PendingChange:
    """A change that was asked for and whose answer was not stored: ``action`` since ``since`` (seconds, UTC)."""

    name: str
    action: str
    since: float
    server: str
