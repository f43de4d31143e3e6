# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of the sandbox that changes while it runs, in one place, so that one reset brings back the start."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .configuration import CIMCLOUD_RESOURCES, AccountConfiguration, Configuration, bystander
from .counters import Counters
from .faults import Faults
from .rates import Rate
from .records import Records
from .tokens import TokenBook


@dataclass(eq=False)
class Account:
    """An account as it is now.

    `resources`: those that are assigned to a CIMcloud authorization. `locked_until`: epoch seconds. `switches`:
    overrides of `Switches` for it alone.
    """

    configuration: AccountConfiguration
    client_secret: str = field(repr=False)
    enabled: bool
    ip_addresses: tuple[str, ...]
    allowed_methods: tuple[str, ...]
    session_access: str
    permissions: dict[str, bool | str]
    resources: tuple[str, ...] = CIMCLOUD_RESOURCES
    switches: dict[str, Any] = field(default_factory=dict)
    failed_logins: int = 0
    locked_until: float = 0.0
    rate: Rate = field(default_factory=Rate)

    @classmethod
    def from_configuration(cls, configuration: AccountConfiguration) -> Account:
        return cls(
            configuration=configuration,
            client_secret=configuration.client_secret,
            enabled=configuration.enabled,
            ip_addresses=configuration.ip_addresses,
            allowed_methods=configuration.allowed_methods,
            session_access=configuration.session_access,
            permissions=dict(configuration.permissions),
        )

    @property
    def key(self) -> str:
        return self.configuration.key

    def admits(self, address: str) -> bool:
        """Whether the account's address list, if it has one, holds `address`."""
        source = ipaddress.ip_address(address)
        return not self.ip_addresses or any(
            source in ipaddress.ip_network(prefix, strict=False) for prefix in self.ip_addresses
        )


class World:
    """The state that all vendors share."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.reset()

    def reset(self) -> None:
        configuration = self.configuration
        self.clock = Clock()
        self.tokens = TokenBook(self.clock)
        self.faults = Faults()
        self.limits = configuration.limits
        self.switches = configuration.switches
        self.accounts = {account.key: Account.from_configuration(account) for account in configuration.accounts}
        self.bystanders = [Account.from_configuration(account) for account in configuration.bystanders]
        self.records = Records()
        self.address_rates: dict[str, Rate] = {}
        self.reset_counters()

    def reset_counters(self) -> None:
        self.counters = Counters(self.accounts)

    def named(self, provider: str, client_id: str) -> Account | None:
        """The provider's account with that client id."""
        found = None
        for account in self.accounts.values():
            if account.configuration.provider == provider and same(account.configuration.client_id, client_id):
                found = account
        return found

    def switch(self, account: Account, name: str) -> Any:
        """A switch as it stands for one account."""
        return account.switches.get(name, getattr(self.switches, name))

    def beyondtrust_accounts(self) -> list[Account]:
        """Those that the vendor's list shows, in the order of their ids."""
        wanted = len(self.configuration.bystanders) + self.switches.extra_beyondtrust_accounts
        while len(self.bystanders) < wanted:
            self.bystanders.append(Account.from_configuration(bystander(len(self.bystanders) + 1)))
        real = [account for account in self.accounts.values() if account.configuration.provider == "beyondtrust"]
        return real + self.bystanders[:wanted]

    def licences_in_use(self) -> int:
        """Jim2 licences held by living tokens."""
        return sum(
            token.licence
            for account in self.accounts.values()
            if account.configuration.provider == "jim2"
            for token in self.tokens.live(account.key)
        )


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
