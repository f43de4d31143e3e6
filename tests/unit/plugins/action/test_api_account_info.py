# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
import types
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultSecret
from ansible_collections.apiops.access.plugins.action.api_account_info import ActionModule
from ansible_collections.apiops.access.plugins.module_utils._account_record import AccountRecord
from ansible_collections.apiops.access.plugins.module_utils._arguments import CREDENTIAL_OPTIONS
from ansible_collections.apiops.access.plugins.plugin_utils._account_records import AccountRecords
from ansible_collections.apiops.access.tests.unit.actions import Host, make_action, run
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Exchange, Script, answer

SITE = "https://support.example.com"
TOKEN = f"POST {SITE}/oauth2/token"
LIST = f"GET {SITE}/api/config/v1/api-account?per_page=100&current_page="
TOK_1, TOK_2, SECRET = (secrets.token_urlsafe() for _number in range(3))
AUTH = "https://auth.example.com"
VAULT = ("dev", VaultSecret(secrets.token_bytes(20)))
CLIENT_SECRET, HANDLE, NEW_HANDLE = (secrets.token_urlsafe() for _number in range(3))


def granted(token: str) -> t.Any:
    return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "provider": "beyondtrust",
        "base_url": SITE,
        "client_id": "client-1",
        "client_secret": SECRET,
        "cache_path": str(tmp_path / "cache"),
    }


def ready(args: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    return {**args, "client_secret": None, "access_token": TOK_1, **changes}


# A vendor's list


def test_all_pages_of_the_list_are_returned(vendor: Script, args: dict[str, t.Any]) -> None:
    link = f'<{LIST[4:]}2>; rel="next", <{LIST[4:]}2>; rel="last"'
    nightly = {"name": "Nightly", "client_id": "c1", "enabled": True, "client_secret": SECRET}
    vendor(
        (TOKEN, granted(TOK_1)),
        (f"{LIST}1", answer(200, [nightly], link=link)),
        (f"{LIST}2", answer(200, [{"name": "Daily", "client_id": "c2"}])),
    )
    result = run(ActionModule, args)
    assert result["changed"] is False
    assert result["accounts"] == [
        {
            "name": "Nightly",
            "provider": "beyondtrust",
            "client_id": "c1",
            "source": "api-account",
            "fields": {"name": "Nightly", "client_id": "c1", "enabled": True},
        },
        {
            "name": "Daily",
            "provider": "beyondtrust",
            "client_id": "c2",
            "source": "api-account",
            "fields": {"name": "Daily", "client_id": "c2"},
        },
    ]


def test_one_account_is_asked_for_by_its_name(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"{LIST}1&name=Nightly+%26+daily", answer(200, [])))
    assert run(ActionModule, ready(args, name="Nightly & daily"))["accounts"] == []


def test_the_name_of_the_account_that_asks_is_not_asked_for(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"{LIST}1", answer(200, [{"name": "Nightly"}])))
    given = {"account": "manager", "access_token": TOK_1, "cache_path": args["cache_path"]}
    result = run(ActionModule, given, {"api_accounts": [{**ready(args, access_token=None), "name": "manager"}]})
    assert [account["name"] for account in result["accounts"]] == ["Nightly"]


def test_a_failure_names_the_account_that_asks(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"{LIST}1&name=Nightly", answer(500)))
    given = {"account": "manager", "name": "Nightly", "access_token": TOK_1, "cache_path": args["cache_path"]}
    result = run(ActionModule, given, {"api_accounts": [{**ready(args, access_token=None), "name": "manager"}]})
    assert result["msg"].startswith("Account 'manager' (beyondtrust)")


def test_check_mode_reads_as_ever(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((f"{LIST}1", answer(200, [{"name": "Nightly"}])))
    assert len(run(ActionModule, ready(args), check_mode=True)["accounts"]) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_list_that_may_not_be_read_names_the_permission(vendor: Script, args: dict[str, t.Any], status: int) -> None:
    vendor((f"{LIST}1", answer(status, {})))
    result = run(ActionModule, ready(args))
    assert (result["failed"], result["failure"]["kind"]) == (True, "not_permitted")
    assert f"Configuration API ({SITE}/login/api_account)" in result["msg"]
    assert result["msg"].startswith("Account 'client-1' (beyondtrust): ")


def test_a_known_token_that_is_rejected_is_renewed_once(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, granted(TOK_1)), (f"{LIST}1", answer(200, [])))
    run(ActionModule, args, task="task-0")
    denied = answer(401, {"error": "access_denied", "message": "Denied."})
    vendor((f"{LIST}1", denied), (TOKEN, granted(TOK_2)), (f"{LIST}1", answer(200, [{"name": "Nightly"}])))
    assert [account["name"] for account in run(ActionModule, args)["accounts"]] == ["Nightly"]


def test_what_the_list_echoes_shows_no_secret(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor((TOKEN, granted(TOK_1)), (f"{LIST}1", answer(200, [{"name": "x", "comments": f"{SECRET} {TOK_1}"}])))
    result = run(ActionModule, args)
    assert result["accounts"][0]["fields"]["comments"] == "******** ********"


@pytest.mark.parametrize(
    ("provider", "base_url", "words"),
    [
        ("rimo3", None, "rimo3cloud.com"),
        ("jim2", "https://jim2.example.com/Jim_Live", "a person can"),
        ("cimcloud", None, "help.cimcloud.com"),
        ("oauth2", AUTH, "With records_file"),
    ],
)
def test_a_vendor_without_a_list_is_not_asked(
    vendor: Script, args: dict[str, t.Any], provider: str, base_url: str | None, words: str
) -> None:
    vendor()
    extra = {"cimcloud": {"site": "acme"}, "oauth2": {"token_endpoint": f"{AUTH}/token"}}.get(provider, {})
    result = run(ActionModule, ready(args, provider=provider, base_url=base_url, **extra))
    assert (result["failed"], result["failure"]["kind"]) == (True, "not_readable")
    assert words in result["msg"]
    assert f"({provider})" in result["msg"]


def test_a_host_reads_with_the_token_alone(vendor: Script, args: dict[str, t.Any]) -> None:
    vendor()
    host = Host({"changed": False, "accounts": [{"name": TOK_1}], "invocation": {}})
    result = run(ActionModule, ready(args, name="Nightly", request_from="target"), host=host)
    assert result["accounts"] == [{"name": "********"}]
    assert "invocation" not in result
    ((name, sent),) = host.runs
    assert name == "apiops.access.api_account_info"
    assert (sent["name"], sent["access_token"]) == ("Nightly", TOK_1)
    assert not {*CREDENTIAL_OPTIONS, "cache_path", "request_from", "records_file"} & set(sent)


# The records


def record(name: str, **changes: t.Any) -> AccountRecord:
    given: dict[str, t.Any] = {
        "name": name,
        "options": {
            "provider": "oauth2",
            "token_endpoint": f"{AUTH}/token",
            "registration_endpoint": f"{AUTH}/register",
        },
        "settings": {"contacts": ["ops@example.com"]},
        "client_id": f"{name}-id",
        "client_secret": CLIENT_SECRET,
        "client_uri": f"{AUTH}/register/{name}",
        "access_token": HANDLE,
        "registered_at": NOW,
    }
    return AccountRecord(**{**given, **changes})


def read(name: str, **changes: t.Any) -> Exchange:
    told = {
        "client_id": f"{name}-id",
        "client_secret": CLIENT_SECRET,
        "client_name": name,
        "registration_access_token": HANDLE,
        "registration_client_uri": f"{AUTH}/register/{name}",
        **changes,
    }
    return f"GET {AUTH}/register/{name}", answer(200, told)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with two records."""
    made = tmp_path / "accounts.yml"
    with AccountRecords(str(made), [VAULT], None) as records:
        records.keep(record("erp"))
        records.keep(record("crm"))
    return made


def look(path: Path, *, vault: t.Sequence[t.Any] = (VAULT,), **given: t.Any) -> dict[str, t.Any]:
    """The result of a task in a run that has vault secrets; it has no secret."""
    check_mode = given.pop("check_mode", False)
    args = {"records_file": str(path), "cache_path": str(path.parent / "cache"), **given}
    action = make_action(ActionModule, args, check_mode=check_mode)
    action._loader = types.SimpleNamespace(_vault=types.SimpleNamespace(secrets=list(vault)))
    result = action.run(task_vars={"inventory_hostname": "web1"})
    for secret in (CLIENT_SECRET, HANDLE, NEW_HANDLE):
        assert secret not in str(result)
    return dict(result)


def kept(path: Path, name: str) -> AccountRecord | None:
    with AccountRecords(str(path), [VAULT], None) as records:
        return records.get(name)


def test_every_recorded_account_is_told_with_what_its_server_says(vendor: Script, path: Path) -> None:
    transport = vendor(read("erp", scope="orders"), read("crm"))
    before = path.read_bytes()
    result = look(path)
    assert result["changed"] is False
    assert [account["name"] for account in result["accounts"]] == ["erp", "crm"]
    erp = result["accounts"][0]
    assert (erp["client_id"], erp["source"], erp["managed"]) == ("erp-id", "registration", True)
    assert erp["fields"]["scope"] == "orders"
    assert erp["registered_at"] == "2027-01-15T08:00:00Z"
    assert [sent.headers["Authorization"] for sent in transport.sent] == [f"Bearer {HANDLE}"] * 2
    assert path.read_bytes() == before


def test_one_recorded_account_is_asked_for_by_its_name(vendor: Script, path: Path) -> None:
    vendor(read("crm"))
    assert [account["name"] for account in look(path, name="crm")["accounts"]] == ["crm"]


def test_an_account_that_is_not_recorded_is_none(vendor: Script, path: Path) -> None:
    vendor()
    assert look(path, name="other")["accounts"] == []


def test_a_file_that_is_not_there_has_no_accounts(vendor: Script, tmp_path: Path) -> None:
    vendor()
    result = look(tmp_path / "missing.yml")
    assert (result["accounts"], result["changed"]) == ([], False)
    assert not (tmp_path / "missing.yml").exists()


@pytest.mark.parametrize("vault", [(), (("dev", VaultSecret(b"another one")),)])
def test_a_file_that_cannot_be_decrypted_is_told_so(vendor: Script, path: Path, vault: t.Sequence[t.Any]) -> None:
    vendor()
    result = look(path, vault=vault)
    assert (result["failed"], result["failure"]["kind"]) == (True, "vault")


def test_an_account_that_its_server_does_not_manage_is_told_by_the_file_alone(vendor: Script, tmp_path: Path) -> None:
    with AccountRecords(str(tmp_path / "a.yml"), [VAULT], None) as records:
        records.keep(record("erp", client_uri=None, access_token=None))
    vendor()
    (account,) = look(tmp_path / "a.yml")["accounts"]
    assert (account["source"], account["managed"]) == ("records_file", False)
    assert account["fields"] == {"contacts": ["ops@example.com"]}


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_management_token_that_a_read_renews_is_stored(vendor: Script, path: Path, check_mode: bool) -> None:
    vendor(read("crm", registration_access_token=NEW_HANDLE))
    look(path, name="crm", check_mode=check_mode)
    crm, erp = kept(path, "crm"), kept(path, "erp")
    assert crm is not None
    assert erp is not None
    assert (crm.access_token, erp.access_token) == (NEW_HANDLE, HANDLE)
    assert crm.client_secret == CLIENT_SECRET


def test_records_are_not_for_a_host(vendor: Script, path: Path) -> None:
    vendor()
    result = look(path, request_from="target")
    assert (result["failed"], result["failure"]["kind"]) == (True, "configuration")
