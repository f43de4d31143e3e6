# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What token_test and api_account return, for the tests of the reports."""

from __future__ import annotations

from typing import Any

HOSTILE = "<script>alert(1)</script> {{ lookup('pipe', 'id') }} \x1b[31m\u202e | `x` [y](javascript:z)\r\nnext & \"'"
UNREACHABLE = {"unreachable": True, "changed": False, "msg": "Connection refused"}


def verdict(name: str = "erp", outcome: str = "valid", **more: Any) -> dict[str, Any]:
    reason = "accepted" if outcome == "valid" else "token_rejected"
    return {
        "name": name,
        "provider": "jim2",
        "outcome": outcome,
        "reason": reason,
        "message": "The token works." if outcome == "valid" else "The server rejected the token.",
        "status": 200,
        "endpoint": "https://jim2.example.com/Jim_Live/api/v1/jobs/0/stock",
        "elapsed_ms": 12,
        "expires_in": 1190,
        "fingerprint": "5f2ad3a0b1c4",
        "reused": False,
        "renewed": False,
        **more,
    }


def result(*verdicts: dict[str, Any]) -> dict[str, Any]:
    return {"changed": False, "verdicts": list(verdicts)}


def assessed(item: str = "support", **more: Any) -> dict[str, Any]:
    return {
        "item": item,
        "account": {"name": item, "provider": "beyondtrust"},
        "verified": True,
        "verdict": {"outcome": "valid", "message": "The token works."},
        "differences": [],
        "unchecked": [],
        "action_required": False,
        "actions": [],
        "portal": None,
        "msg": f"Account '{item}' (beyondtrust): the credentials work.",
        **more,
    }


def for_a_person(item: str, *actions: str, steps: tuple[str, ...] = ("Sign in.", "Choose Save.")) -> dict[str, Any]:
    portal = {"url": "https://support.example.com/login/api_account", "steps": list(steps)}
    return assessed(item, action_required=True, actions=list(actions), portal=portal)
