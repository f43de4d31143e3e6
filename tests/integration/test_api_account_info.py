# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be read of API accounts: by the vendor that lists them, and by the server that registered them."""

from __future__ import annotations

import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .oidc_server import OidcServer
from .runner import AnsibleRunner
from .test_account_registration import SHOPS, Provisioner
from .test_main_job import without_name

Options = dict[str, t.Any]

pytestmark = pytest.mark.measured


@pytest.fixture
def account(oidc_ansible: AnsibleRunner, oidc: OidcServer, oidc_account: Options) -> Provisioner:
    return Provisioner(oidc_ansible, oidc, oidc_account)


# The vendor's list


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_every_account_of_beyondtrust_is_listed_whatever_the_number_of_pages(
    ansible: AnsibleRunner, sandbox: SandboxHandle, request_from: str
) -> None:
    sandbox.control("POST", "/switches", {"extra_beyondtrust_accounts": 230})
    options = {**without_name(sandbox.account("beyondtrust")), "request_from": request_from}
    run = ansible.task("api_account_info", options, "--check", variables={"ansible_connection": "loud"})
    assert run.status == 0, run.output
    found = {item["name"]: item for item in run.result["accounts"]}
    assert len(found) == len(run.result["accounts"]) > 230
    own = found["beyondtrust"]
    assert (own["provider"], own["source"]) == ("beyondtrust", "api-account")
    assert own["client_id"] == sandbox.account("beyondtrust")["client_id"]
    assert own["fields"]["perm_command"] == "full_access"
    assert found["integration 003"]["fields"]["enabled"] is False
    assert run.result["changed"] is False
    counters = sandbox.counters()
    assert (counters["beyondtrust"]["token_requests"], counters["beyondtrust"]["acts"]) == (1, 0)
    assert counters["reused_connections"] == 0


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_one_account_is_found_by_its_name_which_is_not_the_callers(
    ansible: AnsibleRunner, sandbox: SandboxHandle, request_from: str
) -> None:
    call = {"account": "beyondtrust", "request_from": request_from}
    variables = {"api_accounts": [sandbox.account("beyondtrust")]}
    for name, expected in (("Integration 002", ["integration 002"]), ("nobody", [])):
        result = ansible.task("api_account_info", {**call, "name": name}, variables=variables).result
        assert [item["name"] for item in result["accounts"]] == expected, result
    # The caller's own name asks for no account.
    assert len(ansible.task("api_account_info", call, variables=variables).result["accounts"]) > 12
    assert sandbox.counters()["beyondtrust"]["token_requests"] == 1


@pytest.mark.parametrize("name", [None, "integration 002"])
def test_an_account_that_may_not_read_the_list_hears_what_it_needs(
    ansible: AnsibleRunner, sandbox: SandboxHandle, name: str | None
) -> None:
    account = sandbox.account("beyondtrust_limited")
    options = {"account": account["name"], **({"name": name} if name else {})}
    result = ansible.task("api_account_info", options, variables={"api_accounts": [account]}).result
    assert (result["failed"], result["failure"]["kind"]) == (True, "not_permitted")
    assert "permission Configuration API" in result["msg"]
    # Who asked, not who was asked for.
    assert result["msg"].startswith("Account 'beyondtrust_limited' (beyondtrust): "), result["msg"]


def test_a_token_that_the_server_forgot_is_renewed(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("beyondtrust"))
    ansible.task("api_account_info", options)
    sandbox.control("POST", "/accounts/beyondtrust", {"revoke_tokens": True})
    result = ansible.task("api_account_info", options).result
    assert result["failed"] is False, result
    assert sandbox.counters()["beyondtrust"]["token_requests"] == 2


@pytest.mark.parametrize(("key", "place"), [
    ("rimo3", "rimo3"), ("cimcloud", "help.cimcloud.com"), ("jim2", "Jim_Sandbox"),
])  # fmt: skip
def test_a_vendor_without_a_list_says_where_a_person_looks_and_is_not_called(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, place: str
) -> None:
    result = ansible.task("api_account_info", without_name(sandbox.account(key))).result
    assert (result["failed"], result["failure"]["kind"]) == (True, "not_readable")
    assert "has no call that reads API accounts" in result["msg"]
    assert place in result["msg"]
    assert "{" not in result["msg"]
    assert sandbox.counters()[key]["token_requests"] == 0


# Records


def info(account: Provisioner, *arguments: str, **options: t.Any) -> dict[str, t.Any]:
    given = {"records_file": str(account.path), **options}
    return account.ansible.task("api_account_info", given, *account.vault(*arguments)).result


def test_recorded_accounts_are_told_as_their_server_has_them_now(account: Provisioner) -> None:
    account.oidc.settings(rotate_registration_access_token=False)
    first = account.created(settings=SHOPS)
    second = account.created(name="other")
    account.by_hand("PUT", contacts=["new@example.com"])
    stored = account.path.read_bytes()
    result = info(account)
    assert (result["failed"], result["changed"]) == (False, False), result
    reporting, other = result["accounts"]
    assert [reporting["name"], other["name"]] == ["reporting", "other"]
    assert [reporting["client_id"], other["client_id"]] == [first["client_id"], second["client_id"]]
    assert (reporting["provider"], reporting["source"], reporting["managed"]) == ("oauth2", "registration", True)
    assert reporting["fields"]["contacts"] == ["new@example.com"]
    assert reporting["registered_at"] == reporting["secret_changed_at"] == first["registration"]["registered_at"]
    assert reporting["secret_expires_at"] is None
    by_name = info(account, "--check", name="other")
    assert [item["client_id"] for item in by_name["accounts"]] == [second["client_id"]]
    assert info(account, name="nobody")["accounts"] == []
    # No read changed what is stored.
    assert account.path.read_bytes() == stored
    assert account.works(first)


def test_an_account_that_the_server_no_longer_has_is_not_managed(account: Provisioner) -> None:
    record = account.created(settings=SHOPS)
    account.by_hand("DELETE")
    stored = account.path.read_bytes()
    (found,) = info(account)["accounts"]
    assert (found["managed"], found["source"]) == (False, "records_file")
    assert (found["client_id"], found["fields"]) == (record["client_id"], SHOPS)
    assert account.path.read_bytes() == stored


def test_records_that_are_not_there_or_cannot_be_opened_say_so(account: Provisioner) -> None:
    assert info(account) == {**info(account), "accounts": []}
    account.created()
    options = {"records_file": str(account.path)}
    locked = account.ansible.task("api_account_info", options).result
    assert locked["failed"] is True
    assert "vault" in locked["msg"].lower()
    elsewhere = info(account, request_from="target")
    assert elsewhere["failed"] is True
    assert "Take request_from out" in elsewhere["msg"]
