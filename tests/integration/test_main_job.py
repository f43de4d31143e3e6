# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real HTTPS: one token for all hosts, tested from each, and given back."""

from __future__ import annotations

import calendar
import time
import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .runner import AnsibleRunner

pytestmark = pytest.mark.measured

HOSTS = tuple(f"host{number}" for number in range(1, 5))


def without_name(account: dict[str, t.Any]) -> dict[str, t.Any]:
    """An account's options as a task takes them."""
    return {option: value for option, value in account.items() if option != "name"}


def token_requests(sandbox: SandboxHandle) -> dict[str, int]:
    counters = sandbox.counters()
    return {key: counters[key]["token_requests"] for key in FOUR}


def test_each_host_tests_four_vendors_with_four_token_requests_in_all(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    run = ansible.task("token_test", {"accounts": four_accounts}, hosts=HOSTS)
    assert run.status == 0, run.output
    assert set(run.results) == set(HOSTS)
    for result in run.results.values():
        assert result["outcome"] == "valid"
        assert [(verdict["name"], verdict["outcome"]) for verdict in result["verdicts"]] == [
            (key, "valid") for key in FOUR
        ]
    assert token_requests(sandbox) == dict.fromkeys(FOUR, 1)
    counters = sandbox.counters()
    assert [counters[key]["tests"] for key in FOUR if key != "jim2"] == [4, 4, 4]
    assert counters["licences_in_use"] == 0
    assert counters["reused_connections"] == 0
    assert counters["cookies_presented"] == 0


def test_fifty_hosts_at_ten_forks_from_a_cold_cache_request_each_token_once(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    hosts = [f"host{number:02}" for number in range(50)]
    run = ansible.task("token_test", {"accounts": four_accounts}, "--forks", "10", hosts=hosts)
    assert run.status == 0, run.output[-3000:]
    assert len(run.results) == 50
    assert {result["outcome"] for result in run.results.values()} == {"valid"}
    assert token_requests(sandbox) == dict.fromkeys(FOUR, 1)


def test_a_second_run_requests_nothing(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    ansible.task("token_test", {"accounts": four_accounts})
    run = ansible.task("token_test", {"accounts": four_accounts}, hosts=HOSTS)
    assert all(verdict["reused"] for result in run.results.values() for verdict in result["verdicts"])
    assert token_requests(sandbox) == dict.fromkeys(FOUR, 1)


@pytest.mark.parametrize("key", FOUR)
def test_oauth_token_returns_a_whole_token_and_its_display_is_censored(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    lifetimes = {"rimo3": 3600, "cimcloud": 7 * 86400, "jim2": 1200, "beyondtrust": 3600}
    run = ansible.task("oauth_token", without_name(sandbox.account(key)), hosts=HOSTS)
    assert run.status == 0, run.output
    tokens = {result["access_token"] for result in run.results.values()}
    assert len(tokens) == 1
    for result in run.results.values():
        assert result["authorization"] == f"Bearer {result['access_token']}"
        assert 0 <= lifetimes[key] - result["expires_in"] < 60
        assert len(result["fingerprint"]) == 12
    assert sorted(result["changed"] for result in run.results.values()) == [False, False, False, True]
    assert "censored" in run.output
    assert sandbox.counters()[key]["token_requests"] == 1


def test_expires_at_is_in_utc(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    run = ansible.task("oauth_token", without_name(sandbox.account("rimo3")), env={"TZ": "Pacific/Auckland"})
    parsed = time.strptime(run.result["expires_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs(calendar.timegm(parsed) - (time.time() + 3600)) < 60


def test_check_mode_requests_no_token_and_says_so(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("rimo3"))
    cold = ansible.task("oauth_token", options, "--check")
    assert cold.result["changed"] is True
    assert cold.result["access_token"] is None
    assert "Would request" in cold.result["msg"]
    assert sandbox.counters()["rimo3"]["token_requests"] == 0
    real = ansible.task("oauth_token", options).result
    warm = ansible.task("oauth_token", options, "--check").result
    assert (warm["changed"], warm["access_token"]) == (False, real["access_token"])


def test_force_requests_one_new_token_for_all_hosts_of_the_task(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("rimo3"))
    first = ansible.task("oauth_token", options).result["access_token"]
    forced = ansible.task("oauth_token", {**options, "force": True}, hosts=HOSTS)
    tokens = {result["access_token"] for result in forced.results.values()}
    assert len(tokens) == 1
    assert first not in tokens
    assert sandbox.counters()["rimo3"]["token_requests"] == 2


def test_jim2_gives_its_licence_back(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("jim2_full"))
    ansible.task("oauth_token", options)
    assert sandbox.counters()["licences_in_use"] == 1
    checked = ansible.task("oauth_token", {**options, "state": "absent"}, "--check").result
    assert checked["changed"] is True
    assert sandbox.counters()["licences_in_use"] == 1
    released = ansible.task("oauth_token", {**options, "state": "absent"}).result
    assert (released["changed"], released["released"]) == (True, True)
    assert sandbox.counters()["licences_in_use"] == 0
    again = ansible.task("oauth_token", {**options, "state": "absent"}).result
    assert again["changed"] is False


def test_a_vendor_without_a_release_says_that_the_token_lives_on(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = without_name(sandbox.account("beyondtrust"))
    ansible.task("oauth_token", options)
    released = ansible.task("oauth_token", {**options, "state": "absent"}).result
    assert (released["changed"], released["released"]) == (True, False)
    assert "lives on at the vendor until it expires" in released["msg"]
    assert sandbox.counters()["beyondtrust"]["live_tokens"] == 1


def test_the_lookup_gives_the_same_token_as_the_module(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {"apiops.access.oauth_token": {"account": "rimo3"}, "register": "module"},
                {
                    "ansible.builtin.assert": {
                        "that": [
                            "lookup('apiops.access.oauth_token', 'rimo3') == module.access_token",
                            "lookup('apiops.access.oauth_token', account='rimo3', return='authorization')"
                            " == module.authorization",
                        ],
                        "quiet": True,
                    },
                    "no_log": True,
                },
            ],
        }
    ]
    run = ansible.playbook(plays, hosts=HOSTS, variables={"api_accounts": [account]})
    assert run.status == 0, run.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


def test_module_defaults_of_the_action_group_reach_every_module(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = {option: f"{{{{ account['{option}'] }}}}" for option in without_name(sandbox.account("beyondtrust"))}
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "module_defaults": {"group/apiops.access.all": account},
            "tasks": [
                {"apiops.access.oauth_token": {}},
                {"apiops.access.token_test": {}},
                {"apiops.access.api_account": {}},
            ],
        }
    ]
    run = ansible.playbook(plays, variables={"account": sandbox.account("beyondtrust")})
    assert run.status == 0, run.output


def test_the_ad_hoc_form_takes_its_secrets_from_the_environment(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    env = {"RIMO3_CLIENT_ID": account["client_id"], "RIMO3_CLIENT_SECRET": account["client_secret"],
           "APIOPS_BASE_URL": account["base_url"], "APIOPS_CA_PATH": account["ca_path"]}  # fmt: skip
    run = ansible.command(
        "ansible", "-i", str(ansible.inventory(HOSTS)), "all", "-vvvv",
        "-m", "apiops.access.token_test", "-a", "provider=rimo3", env=env,
    )  # fmt: skip
    assert run.status == 0, run.output
    assert run.output.count('"outcome": "valid"') >= len(HOSTS)
    assert sandbox.counters()["rimo3"]["token_requests"] == 1


def test_beyondtrusts_own_variables_are_read(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("beyondtrust")
    env = {"BT_API_HOST": account["base_url"].removeprefix("https://"), "BT_CLIENT_ID": account["client_id"],
           "BT_CLIENT_SECRET": account["client_secret"]}  # fmt: skip
    run = ansible.task("token_test", {"provider": "beyondtrust", "ca_path": account["ca_path"]}, env=env)
    assert run.result["outcome"] == "valid", run.output


def test_cimcloud_refreshes_before_it_authenticates(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("cimcloud"))
    # So short that it is over before the next run has started.
    sandbox.control("POST", "/limits", {"cimcloud_lifetime": 1})
    first = ansible.task("oauth_token", options).result
    second = ansible.task("oauth_token", options).result
    assert second["access_token"] != first["access_token"]
    counters = sandbox.counters()["cimcloud"]
    assert (counters["token_requests"], counters["refreshes"]) == (2, 1)


def test_cimcloud_authenticates_where_the_refresh_token_is_of_no_use(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = without_name(sandbox.account("cimcloud"))
    sandbox.control("POST", "/limits", {"cimcloud_lifetime": 1})
    ansible.task("oauth_token", options)
    sandbox.control("POST", "/accounts/cimcloud", {"revoke_tokens": True})
    assert ansible.task("oauth_token", options).result["changed"] is True
    counters = sandbox.counters()["cimcloud"]
    assert (counters["tokens_granted"], counters["refreshes"]) == (2, 0)


@pytest.mark.parametrize("key", ["cimcloud_session", "cimcloud_auto"])
def test_cimcloud_customer_sessions(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    run = ansible.task("token_test", without_name(sandbox.account(key)))
    assert run.result["outcome"] == "valid", run.output
    assert sandbox.counters()[key]["customer_sessions"] == (1 if key == "cimcloud_session" else 0)


def test_cimcloud_basic_goes_to_a_host_only_where_the_user_says_so(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = without_name(sandbox.account("cimcloud_basic"))
    refused = ansible.task("token_test", options)
    assert refused.result["failed"] is True
    assert "request_from: target" in refused.result["msg"]
    allowed = ansible.task("token_test", {**options, "request_from": "target"})
    assert allowed.result["outcome"] == "valid", allowed.output
    header = ansible.task("oauth_token", options).result
    assert header["authorization"].startswith("Basic ")
    assert (header["access_token"], header["changed"]) == (None, False)
    assert sandbox.counters()["cimcloud_basic"]["token_requests"] == 0


@pytest.mark.parametrize("key", FOUR)
def test_a_host_can_request_the_token_and_all_share_it(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str
) -> None:
    options = {**without_name(sandbox.account(key)), "request_from": "target"}
    run = ansible.task("token_test", options)
    assert run.result["outcome"] == "valid", run.output
    assert sandbox.counters()[key]["token_requests"] == 1


@pytest.mark.parametrize(("key", "options"), [
    ("rimo3", {"token_body": "json"}),
    ("rimo3_awkward", {}),
    ("rimo3_awkward", {"token_body": "json"}),
    ("jim2_awkward", {}),
    ("jim2_awkward", {"token_endpoint_auth_method": "client_secret_post"}),
    ("beyondtrust_awkward", {}),
    ("beyondtrust_awkward", {"token_endpoint_auth_method": "client_secret_post"}),
])  # fmt: skip
def test_documented_variants_and_awkward_secrets(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, options: dict[str, t.Any]
) -> None:
    run = ansible.task("token_test", {**without_name(sandbox.account(key)), **options})
    assert run.result["outcome"] == "valid", run.output


@pytest.mark.parametrize("namespace", ["old", "new"])
def test_beyondtrust_before_command_api_v2(ansible: AnsibleRunner, sandbox: SandboxHandle, namespace: str) -> None:
    sandbox.control("POST", "/switches", {"beyondtrust_v2": False, "beyondtrust_namespace": namespace})
    result = ansible.task("token_test", without_name(sandbox.account("beyondtrust_limited"))).result
    assert result["outcome"] == "valid"
    assert result["endpoint"].endswith("/api/command")
    assert result["permissions"]["perm_command"] == "read_only"
    assert result["permissions"]["perm_configuration"] is False


@pytest.mark.parametrize("modern", [True, False])
def test_beyondtrust_403_proves_the_token_but_not_the_permission(
    ansible: AnsibleRunner, sandbox: SandboxHandle, modern: bool
) -> None:
    sandbox.control("POST", "/switches", {"beyondtrust_v2": modern})
    options = without_name(sandbox.account("beyondtrust_reporting"))
    result = ansible.task("token_test", options).result
    assert (result["failed"], result["outcome"], result["reason"]) == (True, "indeterminate", "not_permitted")
    assert (result["token_valid"], result["permitted"]) == (True, False)
    accepted = ansible.task("token_test", {**options, "fail_on": ["invalid"]}).result
    assert accepted["failed"] is False
    # It was no reason to ask for another token.
    assert sandbox.counters()["beyondtrust_reporting"]["token_requests"] == 1


def test_a_ready_token_needs_no_credentials(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    ready = ansible.task("oauth_token", without_name(account)).result["access_token"]
    base = {"provider": "rimo3", "base_url": account["base_url"], "ca_path": account["ca_path"]}
    assert ansible.task("token_test", {**base, "access_token": ready}).result["outcome"] == "valid"
    listed = ansible.task("token_test", {"accounts": [{**base, "name": "here"}], "access_tokens": {"here": ready}})
    assert listed.result["outcome"] == "valid", listed.output
    assert ansible.task("token_test", {**base, "access_token": "stale-token-0123456789"}).result["outcome"] == "invalid"
