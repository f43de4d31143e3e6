# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What token_test returns on the hosts of a fleet, and the pages that the filter makes of it."""

from __future__ import annotations

import typing as t

from ansible_collections.apiops.access.plugins.filter.validation_report import FilterModule

Results = t.Dict[str, t.Dict[str, t.Any]]  # noqa: UP006

HOSTS = (
    *(f"app-{number:02}.prod.example.com" for number in range(1, 6)),
    *(f"web-{number:02}.prod.example.com" for number in range(1, 5)),
    *(f"batch-{number:02}.prod.example.com" for number in range(1, 4)),
)

ACCOUNTS = {
    "packaging": ("rimo3", "https://rimo.example.com/api/v2/connect/test", "b81f02c9de47"),
    "shop": ("cimcloud", "https://api.cimcloud.example.com/api/v1/validate", "27ac55d0913e"),
    "erp": ("jim2", "https://jim2.example.com/Jim_Live/api/v1/jobs/0/stock", "5f2ad3a0b1c4"),
    "support": ("beyondtrust", "https://support.example.com/api/config/v2/info", "e6044b7f19a8"),
}

RUNS = ("2026-11-17T03:15:09Z", "2026-11-18T03:15:11Z", "2026-11-19T03:15:08Z")
"""When the fleet was tested, by nightly runs."""

make: t.Callable[..., t.Any] = FilterModule().filters()["validation_report"]


FORBIDDEN = {
    "outcome": "indeterminate",
    "reason": "not_permitted",
    "status": 403,
    "message": "The server forbids the test endpoint to this account or from this host (status 403). Check the "
    "account's permissions and its list of allowed addresses.",
}
REJECTED = {
    "outcome": "invalid",
    "reason": "token_rejected",
    "status": 401,
    "message": "The server rejected the token (status 401). It has expired or was revoked, or the account was disabled "
    "or its secret changed.",
}
TIMEOUT = {
    "outcome": "indeterminate",
    "reason": "timeout",
    "status": None,
    "elapsed_ms": None,
    "message": "The server did not answer within 10 s.",
}


def verdict(account: str, number: int, **more: t.Any) -> dict[str, t.Any]:
    """What the test of an account found on the host of that number: valid, where nothing else is said."""
    provider, endpoint, fingerprint = ACCOUNTS[account]
    return {
        "name": account,
        "provider": provider,
        "outcome": "valid",
        "reason": "accepted",
        "message": "The token works.",
        "status": 200,
        "endpoint": endpoint,
        "elapsed_ms": 61 + 37 * (number * 7 % 11) + 23 * len(account),
        "expires_in": 3412 - number,
        "fingerprint": fingerprint,
        "reused": number > 0,
        "renewed": False,
        "clock_skew": 0,
        **more,
    }


def fleet(run: int) -> Results:
    """What each host returned in that run."""
    results: Results = {}
    for number, host in enumerate(HOSTS):
        names = [name for name in ACCOUNTS if name != "erp" or not host.startswith("web")]
        results[host] = {
            "changed": False,
            "verdicts": [verdict(name, number, **_found(run, host, name)) for name in names],
        }
    if run == 2:
        results["app-05.prod.example.com"] = {
            "unreachable": True,
            "msg": "Failed to connect to the host via ssh: connect to host app-05.prod.example.com port 22: "
            "Connection timed out",
        }
    results["batch-03.prod.example.com"] = {
        "failed": True,
        "msg": "Failed to import the required Python library (requests) on batch-03's Python /usr/bin/python3. Please "
        "read the module documentation and install it in the appropriate location.",
        "failure": {"kind": "requests_missing"},
    }
    return results


def _found(run: int, host: str, name: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    if name == "erp" and host.startswith("batch") and run >= 1:
        found = FORBIDDEN
    if name == "support" and host.startswith(("web-03", "web-04")) and run == 2:
        found = REJECTED
    if name == "shop" and host.startswith("app-02") and run < 2:
        found = TIMEOUT
    if host.startswith("batch-02"):
        message = found.get("message", "The token works.")
        message += " The clock of this machine is 612 s behind the server's: correct it."
        found = {**found, "clock_skew": -612, "message": message}
    return found


def page_after(runs: t.Sequence[Results], **more: t.Any) -> str:
    """The page of the last of some runs, which knows the runs before."""
    return str(_after(runs, format="html", **more))


def _after(runs: t.Sequence[Results], **more: t.Any) -> t.Any:
    history = ""
    for results, generated in zip(runs[:-1], RUNS):
        report = make(results, generated=generated, history=history)
        history = make(report, format="history", history=history)
    return make(runs[-1], generated=RUNS[len(runs) - 1], history=history, **more)


def fleet_page() -> str:
    """The page of the fleet's last run."""
    return page_after([fleet(run) for run in range(len(RUNS))])


def fleet_lines() -> list[str]:
    """What a terminal shows of the same."""
    lines: list[str] = _after([fleet(run) for run in range(len(RUNS))], format="lines")
    return lines


def large_page(hosts: int, accounts: int) -> str:
    """The page of a large fleet where one check in 20 is not valid, and one host in 50 cannot be reached."""

    def results(run: int) -> Results:
        found: Results = {}
        for number in range(hosts):
            host = f"node-{number + 1:04}.prod.example.com"
            verdicts = []
            for index in range(accounts):
                name = list(ACCOUNTS)[index % len(ACCOUNTS)]
                bad = (number + 7 * index) % 20 == 0 and run > index % 3
                more = REJECTED if bad else {}
                verdicts.append(verdict(name, number, **{"name": f"{name}-{index}", **more}))
            found[host] = {"changed": False, "verdicts": verdicts}
            if number % 50 == 49:
                found[host] = {"unreachable": True, "msg": f"Failed to connect to the host via ssh: {host}"}
        return found

    return page_after([results(run) for run in range(len(RUNS))])
