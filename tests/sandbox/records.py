# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendors keep for their customers, as it is after a reset: nothing here is a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SESSION = "c69a8e10bea9428f816cfababe9815fe"
CUSTOM_FIELDS = {"external_key": "External Key", "ticket_priority": "Ticket priority", "asset_tag": "Asset tag"}
"""The code names and display names that the BeyondTrust site has configured; `external_key` is the vendor's own."""


@dataclass
class Backup:
    """BeyondTrust's software backup. `size` in bytes; another `revision` is another content of the same size."""

    revision: int = 1
    size: int = 100_000


@dataclass
class Package:
    """A Rimo3 application package and its sequence. `started`: epoch seconds. `fails`: how the sequence ends."""

    number: int
    display_name: str
    manufacturer: str
    product_version: str
    file_name: str
    sequence: str
    started: float = 0.0
    fails: bool = False


@dataclass
class Import:
    """CIMcloud records that wait in the queue until `due` (epoch seconds)."""

    due: float
    table: str
    records: list[dict[str, Any]]


@dataclass
class Card:
    """A Jim2 card file. `submit_ref_id` and `request` are those of the queued call that made it."""

    number: int
    code: str
    name: str
    contacts: list[dict[str, Any]] = field(default_factory=list)
    submit_ref_id: str = ""
    request: int = 0


def _jump_groups() -> dict[int, dict[str, Any]]:
    return {
        number: {"id": number, "name": f"Site {number:02d}", "code_name": f"site_{number:02d}", "comments": None}
        for number in range(1, 13)
    }


def _packages() -> list[Package]:
    return [
        Package(number, name, "Example Ltd", "1.0.0", f"{name.lower()}.msi", f"00000000-0000-4000-8000-{number:012d}")
        for number, name in ((1, "Editor"), (2, "Viewer"))
    ]


def _tables() -> dict[str, list[dict[str, Any]]]:
    return {
        "accounts": [
            {"id": number, "ref_id": f"00-{number:04d}", "nm": f"Account {number}", "status": "1"}
            for number in range(1, 4)
        ],
        "customers": [
            {"id": number, "ref_id": f"C-{number:04d}", "nm": f"Customer {number}", "status": "1"}
            for number in range(1, 121)
        ],
        "products": [{"id": number, "name": f"Product {number}", "price": 10.0} for number in range(1, 121)],
        "orders": [
            {"c_ordnum": 115860 + number, "o_key": f"{number:032x}", "OrderComment_Text": "", "exported": 0}
            for number in range(3)
        ],
    }


def _jobs() -> dict[str, list[dict[str, Any]]]:
    sand = {"stockId": 53, "stockCode": "SAND", "unit": "BAG", "qty": 2, "description": "Sand, one bag"}
    lime = {"stockId": 54, "stockCode": "LIME", "unit": "BAG", "qty": 1, "description": "Lime, one bag"}
    return {"1001": [sand], "1002": [sand, lime], "1003": []}


def _cards() -> list[Card]:
    sample = {"name": "A. Sample", "email": "a.sample@customer.example"}
    return [Card(10, "SAMPLE", "Sample customer", [sample]), Card(11, "OTHER", "Other customer")]


@dataclass
class Records:
    """Everything, by vendor. `tables` are CIMcloud's; `jobs` are Jim2's stock lines by the number of their job."""

    backup: Backup = field(default_factory=Backup)
    jump_groups: dict[int, dict[str, Any]] = field(default_factory=_jump_groups)
    sessions: dict[str, dict[str, str]] = field(default_factory=lambda: {SESSION: {"external_key": "TICKET-1"}})
    packages: list[Package] = field(default_factory=_packages)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=_tables)
    imports: list[Import] = field(default_factory=list)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=_jobs)
    cards: list[Card] = field(default_factory=_cards)
    highest_jump_group: int = 12
    b2b_requests: int = 0
