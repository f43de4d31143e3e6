# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from ..beyondtrust_backup import content
from ..server import SandboxHandle
from .caller import Caller

PATH = "/api/backup"


def test_a_backup_is_a_file(api: Caller) -> None:
    response = api("beyondtrust", "GET", PATH, api.token("beyondtrust"))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == 'attachment; filename="sandbox-1.nsb"'
    assert response.headers["Content-Length"] == "100000"
    assert response.headers["X-RateLimit-Limit"] == "15000"
    assert response.content == b"".join(content(1, 100_000))


def test_only_the_control_api_changes_it(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    first = api("beyondtrust", "GET", PATH, token).content
    assert api("beyondtrust", "POST", PATH, token).content == first
    sandbox.advance(1000)
    assert api("beyondtrust", "GET", PATH, token).content == first
    assert sandbox.control("POST", "/backup", {"revision": 2}) == {"revision": 2, "size": 100_000}
    second = api("beyondtrust", "GET", PATH, token)
    assert (len(second.content), second.content == first) == (100_000, False)
    assert "sandbox-2.nsb" in second.headers["Content-Disposition"]
    sandbox.control("POST", "/backup", {"revision": 1, "size": 300_001})
    assert sandbox.control("GET", "/backup") == {"revision": 1, "size": 300_001}
    larger = api("beyondtrust", "GET", PATH, token).content
    assert (len(larger), larger[:100_000] == first) == (300_001, True)
    sandbox.control("POST", "/backup", {"size": 0})
    empty = api("beyondtrust", "GET", PATH, token)
    assert (empty.headers["Content-Length"], empty.content) == ("0", b"")
    assert sandbox.counters()["beyondtrust"]["acts"] == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_password_gives_another_file(api: Caller, method: str) -> None:
    response = api("beyondtrust", method, PATH, api.token("beyondtrust"), json={"password": "abc"})
    assert response.content == b"".join(content(1, 100_000, "abc")) != b"".join(content(1, 100_000))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"password": ""}}, 400),
        ({"json": {"password": 1}}, 400),
        ({"json": {"password": "x" * 256}}, 400),
        ({"json": {"password": "abc", "more": "x"}}, 400),
        ({"json": ["abc"]}, 400),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": {"password": "abc"}}, 415),
        ({"params": {"password": "abc"}}, 400),
    ],
)
def test_another_body_or_a_query_is_refused(api: Caller, options: dict[str, Any], status: int) -> None:
    response = api("beyondtrust", "POST", PATH, api.token("beyondtrust"), **options)
    assert (response.status_code, set(response.json())) == (status, {"error", "message"})


def test_it_needs_a_token_and_the_permission(api: Caller, sandbox: SandboxHandle) -> None:
    assert api("beyondtrust", "GET", PATH).json()["error"] == "access_denied"
    assert api("beyondtrust", "GET", PATH).status_code == 401
    assert api("beyondtrust_limited", "GET", PATH, api.token("beyondtrust_limited")).status_code == 403
    token = api.token("beyondtrust")
    sandbox.control("POST", "/accounts/beyondtrust", {"permissions": {"perm_backup": False}})
    assert api("beyondtrust", "GET", PATH, token).status_code == 403
    for method in ("HEAD", "PUT", "DELETE"):
        response = api("beyondtrust", method, PATH, token)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
    sandbox.control("POST", "/accounts/beyondtrust", {"permissions": {"perm_backup": True, "perm_vault_backup": True}})
    # The Vault's key has a permission, but no path that is published.
    assert api("beyondtrust", "GET", f"{PATH}/vault-encryption-key", token).status_code == 404


def test_it_counts_for_the_rate(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"beyondtrust_per_second": 2})
    token = api.token("beyondtrust")
    assert [api("beyondtrust", "GET", PATH, token).status_code for _turn in range(2)] == [200, 429]


def test_two_gigabytes_are_streamed(api: Caller, sandbox: SandboxHandle) -> None:
    token, size = api.token("beyondtrust"), 2 << 30
    sandbox.control("POST", "/backup", {"size": size})
    account = sandbox.account("beyondtrust")
    headers = {"Authorization": f"Bearer {token}"}
    started = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        url = account["base_url"] + PATH
        with session.get(url, headers=headers, verify=account["ca_path"], stream=True, timeout=5) as response:
            assert response.headers["Content-Length"] == str(size)
            assert next(response.iter_content(1 << 20)) == b"".join(content(1, 1 << 20))
            # Others are served meanwhile.
            assert sandbox.control("GET", "/backup")["size"] == size
    assert time.monotonic() - started < 10
    assert api("beyondtrust", "POST", PATH, "wrong").status_code == 401
