# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sandbox is made of: accounts with generated secrets, limits and switches. None of it changes while it runs."""

from __future__ import annotations

import base64
import json
import secrets
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .certificates import CertificateFiles
from .files import write_private

JIM2_INSTANCE = "Jim_Sandbox"
CIMCLOUD_SITE = "sandbox-store"
CUSTOMERS = ("buyer@customer.example", "second.buyer@customer.example")
ELSEWHERE = ("192.0.2.0/24",)
METHODS = ("GET", "POST", "PUT", "DELETE")
CIMCLOUD_RESOURCES = ("accounts", "account", "customers", "products", "OnlineOrders")

PERMISSIONS: Mapping[str, bool | str] = {
    "perm_command": "deny",
    "perm_reporting_support": False,
    "perm_reporting_license": False,
    "perm_reporting_archive": False,
    "perm_reporting_vault": False,
    "perm_reporting_jump_item": False,
    "perm_reporting_syslog": False,
    "perm_backup": False,
    "perm_vault_backup": False,
    "perm_real_time_state": False,
    "perm_ecm": False,
    "perm_configuration": False,
    "perm_configuration_vault_account": False,
}
"""BeyondTrust's permissions of an API account (Configuration API, Remote Support, spec 1.10), all refused."""


@dataclass(frozen=True)
class AccountConfiguration:
    """One API account. `asks_for_customer`: the client is to ask for a session of `customer`."""

    key: str
    provider: str
    client_id: str
    client_secret: str = field(repr=False)
    awkward: bool = False
    ip_addresses: tuple[str, ...] = ()
    allowed_methods: tuple[str, ...] = METHODS
    auth_key: str = field(default="", repr=False)
    authorization_type: str = ""
    session_access: str = "none"
    customer: str = ""
    asks_for_customer: bool = False
    scope: tuple[str, ...] = ()
    permissions: Mapping[str, bool | str] = field(default_factory=dict)
    comments: str = ""
    enabled: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that nobody but the account's owner may see."""
        return tuple(filter(None, (self.client_secret, self.auth_key)))

    def options(self, base_url: str, ca_path: Path) -> dict[str, Any]:
        """The account under the collection's option names. `base_url`: the sandbox's, without a vendor's prefix."""
        prefix = {"jim2": f"jim2/{JIM2_INSTANCE}"}.get(self.provider, self.provider)
        options: dict[str, Any] = {
            "name": self.key,
            "provider": self.provider,
            "base_url": f"{base_url}/{prefix}",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "ca_path": str(ca_path),
        }
        if self.provider == "cimcloud":
            options["site"] = CIMCLOUD_SITE
            options["auth_key"] = self.auth_key
            options["authorization_type"] = self.authorization_type
            if self.asks_for_customer:
                options["customer"] = self.customer
        if self.provider == "jim2":
            options["scope"] = list(self.scope)
        return options


@dataclass(frozen=True)
class Limits:
    """Numbers that the control API can change. Lifetimes, windows and waits in seconds.

    `rimo3_queued`, `rimo3_running`: how long a sequence is in that state. `cimcloud_queue`: how long an import of more
    than ten records waits.
    """

    rimo3_lifetime: int = 3600
    rimo3_queued: int = 60
    rimo3_running: int = 240
    cimcloud_per_second: int = 2
    cimcloud_per_window: int = 100
    cimcloud_window: int = 900
    cimcloud_lifetime: int = 7 * 86400
    cimcloud_refresh_lifetime: int = 30 * 86400
    cimcloud_queue: int = 60
    jim2_licences: int = 2
    jim2_lifetime: int = 1200
    beyondtrust_per_second: int = 20
    beyondtrust_per_hour: int = 15000
    beyondtrust_lifetime: int = 3600
    beyondtrust_tokens: int = 30
    beyondtrust_lockout_attempts: int = 5
    beyondtrust_lockout_seconds: int = 900


@dataclass(frozen=True)
class Switches:
    """Variants of a vendor's behaviour that the control API can choose.

    `beyondtrust_v2`: the release has the Command API v2. `beyondtrust_healthy`: the appliance is well.
    `beyondtrust_http_links`: the URLs of Link say http. `rimo3_sequences_fail`: new uploads will fail.
    `jim2_expires_in`: seconds to announce, None to announce nothing; the lifetime stays what it is.
    The `cimcloud_*` can also be set for one account.
    """

    beyondtrust_v2: bool = True
    beyondtrust_namespace: str = "new"
    beyondtrust_healthy: bool = True
    beyondtrust_http_links: bool = True
    extra_beyondtrust_accounts: int = 0
    rimo3_sequences_fail: bool = False
    jim2_expires_in: int | None = None
    cimcloud_names: str = "token"
    cimcloud_zone: bool = True
    cimcloud_refresh: bool = True


@dataclass(frozen=True)
class Configuration:
    """All that is fixed at start. `bystanders`: BeyondTrust accounts that only fill the list of accounts."""

    accounts: tuple[AccountConfiguration, ...]
    bystanders: tuple[AccountConfiguration, ...]
    control_secret: str = field(repr=False)
    limits: Limits = Limits()
    switches: Switches = Switches()


def generate() -> Configuration:
    """A configuration with new secrets."""
    everything = {**PERMISSIONS, "perm_command": "full_access", "perm_configuration": True, "perm_backup": True}
    accounts = (
        _rimo3("rimo3"),
        _rimo3("rimo3_awkward", awkward=True),
        _cimcloud("cimcloud"),
        _cimcloud("cimcloud_basic", authorization_type="basic"),
        _cimcloud("cimcloud_session", session_access="any", customer=CUSTOMERS[0], asks_for_customer=True),
        _cimcloud("cimcloud_auto", session_access="auto", customer=CUSTOMERS[0]),
        _cimcloud("cimcloud_elsewhere", ip_addresses=ELSEWHERE),
        _jim2("jim2", scope=("view",)),
        _jim2("jim2_full", scope=("all",)),
        _jim2("jim2_awkward", scope=("view",), awkward=True),
        _beyondtrust("beyondtrust", permissions=everything, comments="Lists accounts, runs commands."),
        _beyondtrust("beyondtrust_limited", permissions={**PERMISSIONS, "perm_command": "read_only"}),
        _beyondtrust("beyondtrust_reporting", permissions={**PERMISSIONS, "perm_reporting_support": True}),
        _beyondtrust("beyondtrust_elsewhere", permissions=everything, ip_addresses=ELSEWHERE),
        _beyondtrust("beyondtrust_awkward", permissions=everything, awkward=True),
    )
    bystanders = tuple(bystander(number) for number in range(1, 13))
    return Configuration(accounts, bystanders, control_secret=secrets.token_urlsafe(32))


def bystander(number: int) -> AccountConfiguration:
    """A BeyondTrust account nobody logs in with; every third is disabled."""
    return _beyondtrust(
        f"integration {number:03d}",
        permissions={**PERMISSIONS, "perm_command": "read_only", "perm_ecm": number % 2 == 0},
        comments=f"Generated account {number}.",
        enabled=number % 3 != 0,
    )


def new_secret(provider: str, awkward: bool = False) -> str:
    """A secret in the vendor's shape: BeyondTrust's is 44 characters of base64. `awkward`: 200 hostile characters."""
    if awkward:
        hostile = ':%+ é"\\'
        alphabet = string.ascii_letters + string.digits + hostile
        middle = hostile + "".join(secrets.choice(alphabet) for _turn in range(198 - len(hostile)))
        # Not at the ends: a lost blank there would be the test's fault, not the client's.
        return f"{secrets.choice(string.ascii_letters)}{middle}{secrets.choice(string.ascii_letters)}"
    if provider == "beyondtrust":
        return base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(24)


def write_files(
    folder: Path, configuration: Configuration, base_url: str, wrong_host_url: str | None, files: CertificateFiles
) -> None:
    """Write `accounts.yml` and then `sandbox.json`, whose presence says that the sandbox serves."""
    accounts = {account.key: account.options(base_url, files.ca) for account in configuration.accounts}
    lines = ["---", "api_accounts:"]
    for key in ("rimo3", "cimcloud", "jim2", "beyondtrust"):
        # JSON scalars and lists are YAML.
        items = [f"{name}: {json.dumps(value)}" for name, value in accounts[key].items()]
        lines += [f"  - {items[0]}", *(f"    {item}" for item in items[1:])]
    write_private(folder / "accounts.yml", ("\n".join(lines) + "\n").encode())
    document = {
        "base_url": base_url,
        "wrong_host_url": wrong_host_url,
        "ca_path": str(files.ca),
        "other_ca_path": str(files.other_ca),
        "control": {"url": f"{base_url}/control", "secret": configuration.control_secret},
        "accounts": accounts,
    }
    write_private(folder / "sandbox.json", (json.dumps(document, indent=2) + "\n").encode())


def _rimo3(key: str, **more: Any) -> AccountConfiguration:
    return _account(key, "rimo3", str(uuid.uuid4()), **more)


def _cimcloud(key: str, authorization_type: str = "bearer", **more: Any) -> AccountConfiguration:
    return _account(
        key,
        "cimcloud",
        f"api_{secrets.token_hex(6)}",
        auth_key=secrets.token_hex(16),
        authorization_type=authorization_type,
        **more,
    )


def _jim2(key: str, **more: Any) -> AccountConfiguration:
    return _account(key, "jim2", f"client-{secrets.token_hex(6)}", **more)


def _beyondtrust(key: str, **more: Any) -> AccountConfiguration:
    return _account(key, "beyondtrust", secrets.token_hex(20), **more)


def _account(key: str, provider: str, client_id: str, **more: Any) -> AccountConfiguration:
    secret = new_secret(provider, bool(more.get("awkward")))
    return AccountConfiguration(key, provider, client_id, secret, **more)
