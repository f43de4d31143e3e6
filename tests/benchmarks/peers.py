# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people write today with ansible.builtin.uri, for the four vendors of the sandbox."""

from __future__ import annotations

import typing as t

VENDORS = ("rimo3", "cimcloud", "jim2", "beyondtrust")

Task = t.Dict[str, t.Any]  # noqa: UP006

_BASIC = {"force_basic_auth": True, "body_format": "form-urlencoded"}

TEST_PATHS = {
    "rimo3": "api/v2/connect/test",
    "cimcloud": "{site}/validate",
    "jim2": "api/v1/jobs/1001/stock",
    "beyondtrust": "api/command/v2/info",
}


def token_task(vendor: str) -> Task:
    """Request a token for each host."""
    account = f"a.{vendor}"
    basic = {
        **_BASIC,
        "url_username": f"{{{{ {account}.client_id }}}}",
        "url_password": f"{{{{ {account}.client_secret }}}}",
        "body": {"grant_type": "client_credentials"},
    }
    requests: dict[str, tuple[str, Task]] = {
        "rimo3": ("api/v2/connect/token", basic),
        "jim2": ("token", {**basic, "body": {"grant_type": "client_credentials", "scope": "view"}}),
        "beyondtrust": ("oauth2/token", basic),
        "cimcloud": (
            "{{ a.cimcloud.site }}/authenticate",
            {
                "body_format": "json",
                "body": {
                    "AuthKey": "{{ a.cimcloud.auth_key }}",
                    "AuthUserName": "{{ a.cimcloud.client_id }}",
                    "AuthPassword": "{{ a.cimcloud.client_secret }}",
                },
            },
        ),
    }
    path, options = requests[vendor]
    return {
        "name": f"Request a token of {vendor}",
        "ansible.builtin.uri": {**_common(vendor, path), **options, "method": "POST"},
        "register": f"token_{vendor}",
        "no_log": True,
    }


def test_task(vendor: str) -> Task:
    """Use it at the vendor's test endpoint."""
    token = f"(token_{vendor}.json.access_token | default(token_{vendor}.json.token, true))"
    return {
        "name": f"Test the token of {vendor}",
        "ansible.builtin.uri": {
            **_common(vendor, TEST_PATHS[vendor].format(site=f"{{{{ a.{vendor}.site }}}}")),
            "headers": {"Authorization": f"Bearer {{{{ {token} }}}}", "Accept": "application/json"},
        },
        "no_log": True,
    }


def _common(vendor: str, path: str) -> Task:
    return {"url": f"{{{{ a.{vendor}.base_url }}}}/{path}", "ca_path": f"{{{{ a.{vendor}.ca_path }}}}"}


def naive_tasks() -> list[Task]:
    """Every host requests a token of its own for each account, and tests it."""
    return [task(vendor) for vendor in VENDORS for task in (token_task, test_task)]


def expert_tasks() -> list[Task]:
    """One host requests the tokens, all use them: run_once hands what it registers to all hosts."""
    once = [{**token_task(vendor), "run_once": True} for vendor in VENDORS]
    return [*once, *(test_task(vendor) for vendor in VENDORS)]
