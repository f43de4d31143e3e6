# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is wrong ends in one clear error that names account and remedy, and loses nothing."""

from __future__ import annotations

import json
import os
import socket
import sys
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from .conftest import FOUR
from .runner import AnsibleRunner, Result, Run
from .test_main_job import HOSTS, without_name

TOKEN_PATHS = {
    "rimo3": "/rimo3/api/v2/connect/token",
    "cimcloud": "/cimcloud/sandbox-store/authenticate",
    "jim2": "/jim2/Jim_Sandbox/token",
    "beyondtrust": "/beyondtrust/oauth2/token",
}
TEST_PATHS = {
    "rimo3": "/rimo3/api/v2/connect/test",
    "cimcloud": "/cimcloud/sandbox-store/validate",
    "jim2": "/jim2/Jim_Sandbox/api/v1/",
    "beyondtrust": "/beyondtrust/api/command",
}


def assert_clear(run: Run, *parts: str, account: str = "Account '") -> Result:
    """The task failed once, with a message that has all parts, and without a traceback."""
    result = run.result
    assert result["failed"] is True
    assert result["msg"].startswith(account), result["msg"]
    for part in parts:
        assert part in result["msg"], result["msg"]
    assert "Traceback" not in run.output
    assert "Internal error" not in run.output
    return result


def fault(sandbox: SandboxHandle, path: str, times: int = 1, **answer: t.Any) -> None:
    sandbox.control("POST", "/faults", {"path": path, "times": times, **answer})


# Options

WRONG_OPTIONS: list[tuple[str, dict[str, t.Any], tuple[str, ...]]] = [
    ("rimo3", {"client_secret": None}, ("client_secret is missing", "APIOPS_CLIENT_SECRET")),
    ("cimcloud", {"site": None, "auth_key": None}, ("site, auth_key are missing",)),
    ("jim2", {"base_url": None}, ("base_url is missing",)),
    ("beyondtrust", {"base_url": None, "client_id": None}, ("base_url, client_id are missing",)),
    ("rimo3", {"site": "shop"}, ("option site is not for provider rimo3",)),
    ("beyondtrust", {"scope": ["view"], "token_body": "json"}, ("scope, token_body are not for provider",)),
    ("cimcloud", {"logoff_path": "bye"}, ("option logoff_path is not for provider cimcloud",)),
    ("cimcloud", {"authorization_type": "basic", "customer": "a@example.com"}, ("customer", "bearer")),
    ("cimcloud", {"site": "shop/../admin"}, ("site",)),
    ("rimo3", {"provider": "okta"}, ("value of provider must be one of", "rimo3")),
    ("rimo3", {"provider": {"name": "rimo3"}}, ("value of provider must be one of",)),
    ("rimo3", {"client_secret": ["a-list-0123456789"]}, ("client_secret",)),
    ("rimo3", {"provider": None}, ("provider is missing", "beyondtrust, cimcloud, jim2, oauth2, rimo3")),
    ("rimo3", {"base_url": "rimo3cloud.com"}, ("base_url", "https://")),
    ("rimo3", {"base_url": "ftp://rimo3cloud.com"}, ("base_url", "https://")),
    ("rimo3", {"base_url": "https://user:pass@rimo3cloud.com"}, ("base_url", "credentials in it")),
    ("rimo3", {"base_url": "http://rimo3cloud.com"}, ("plain http to another machine", "allow_http")),
    ("rimo3", {"base_url": "https://rimo3cloud.com/?x=1"}, ("without a query",)),
    ("rimo3", {"base_url": "https://rimo3 cloud.com"}, ("white space",)),
    ("rimo3", {"timeout": 0}, ("timeout must be from",)),
    ("rimo3", {"retries": 99}, ("retries must be from 0 to 10",)),
    ("rimo3", {"min_ttl": "soon"}, ("min_ttl",)),
    ("rimo3", {"colour": "blue"}, ("colour",)),
]


@pytest.mark.parametrize(("key", "change", "parts"), WRONG_OPTIONS)
def test_a_missing_or_wrong_option(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, change: dict[str, t.Any], parts: tuple[str, ...]
) -> None:
    options = {**without_name(sandbox.account(key)), **change}
    run = ansible.task("token_test", {option: value for option, value in options.items() if value is not None})
    assert_clear(run, *parts)
    assert sandbox.counters()[key]["calls"] == 0


def test_an_account_that_is_not_among_api_accounts(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    variables = {"api_accounts": four_accounts}
    assert_clear(
        ansible.task("oauth_token", {"account": "erp"}, variables=variables),
        "'erp' is not among api_accounts", "rimo3, cimcloud, jim2, beyondtrust",
    )  # fmt: skip
    assert_clear(ansible.task("oauth_token", {"account": "erp"}), "api_accounts is not a list")


def test_a_wrong_account_in_a_list_is_named_before_anything_is_sent(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    broken = [*four_accounts[:3], {**four_accounts[3], "client_sceret": "typo"}]
    assert_clear(ansible.task("token_test", {"accounts": broken}), "'beyondtrust' has unknown options: client_sceret")
    twice = [*four_accounts, four_accounts[0]]
    assert_clear(ansible.task("token_test", {"accounts": twice}), "'rimo3' is listed more than once")
    assert all(sandbox.counters()[key]["token_requests"] == 0 for key in FOUR)


# Credentials


@pytest.mark.parametrize("key", FOUR)
def test_a_wrong_secret_is_tried_once_for_all_hosts(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    options = {**without_name(sandbox.account(key)), "client_secret": "not-the-secret-0123456789"}
    run = ansible.task("oauth_token", options, hosts=HOSTS)
    for result in run.results.values():
        assert result["failed"] is True
        assert result["failure"]["kind"] == "invalid_client"
        assert result["failure"]["retryable"] is False
        assert options["client_id"] in result["msg"]
        assert "client_secret" in result["msg"]
    assert sandbox.counters()[key]["refused_logins"] == 1
    # And it does not stand in the way of the right one.
    right = ansible.task("oauth_token", without_name(sandbox.account(key)))
    assert right.result["changed"] is True, right.output


def test_a_wrong_secret_locks_no_beyondtrust_account(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**without_name(sandbox.account("beyondtrust")), "client_secret": "not-the-secret-0123456789"}
    for _time in range(2):
        ansible.task("token_test", options, hosts=[f"host{number}" for number in range(8)])
    assert sandbox.counters()["beyondtrust"]["refused_logins"] == 1


def test_an_unknown_client_id(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**without_name(sandbox.account("rimo3")), "client_id": "nobody"}
    result = assert_clear(ansible.task("token_test", options), "'nobody' (rimo3)", "Check client_id and client_secret")
    assert (result["outcome"], result["reason"]) == ("invalid", "invalid_client")


@pytest.mark.parametrize("key", FOUR)
def test_a_disabled_account(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    options = without_name(sandbox.account(key))
    ansible.task("token_test", options)
    sandbox.control("POST", f"/accounts/{key}", {"enabled": False})
    run = ansible.task("token_test", options, hosts=HOSTS)
    for result in run.results.values():
        assert (result["failed"], result["outcome"]) == (True, "invalid")
        assert options["client_id"] in result["msg"]


@pytest.mark.parametrize("key", FOUR)
def test_a_regenerated_secret(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    options = without_name(sandbox.account(key))
    new = sandbox.control("POST", f"/accounts/{key}", {"regenerate_secret": True})["client_secret"]
    assert_clear(ansible.task("oauth_token", options), "was refused")
    assert ansible.task("oauth_token", {**options, "client_secret": new}).result["changed"] is True


@pytest.mark.parametrize("key", ["cimcloud_elsewhere", "beyondtrust_elsewhere"])
def test_an_address_that_is_not_allowed(ansible: AnsibleRunner, sandbox: SandboxHandle, key: str) -> None:
    run = ansible.task("token_test", without_name(sandbox.account(key)))
    result = assert_clear(run, "was refused (status 403)")
    assert result["outcome"] == "invalid"


def test_no_licence_free(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/limits", {"jim2_licences": 0})
    assert_clear(
        ansible.task("oauth_token", without_name(sandbox.account("jim2_full"))), "no licence is free", "scope 'view'"
    )
    # Reading alone takes none.
    assert ansible.task("token_test", without_name(sandbox.account("jim2"))).result["outcome"] == "valid"


# Tokens that died


@pytest.mark.parametrize("key", FOUR)
@pytest.mark.parametrize("death", ["expired", "revoked"])
def test_a_cached_token_that_died_is_renewed_once_for_all(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, death: str
) -> None:
    options = without_name(sandbox.account(key))
    ansible.task("token_test", options)
    if death == "expired":
        sandbox.advance(8 * 86400)
    else:
        sandbox.control("POST", f"/accounts/{key}", {"revoke_tokens": True})
    run = ansible.task("token_test", options, hosts=HOSTS)
    assert run.status == 0, run.output
    assert {result["outcome"] for result in run.results.values()} == {"valid"}
    assert any(result["renewed"] for result in run.results.values())
    # Not the requests: CIMcloud may put one off, as its rate limit counts the tests too.
    assert sandbox.counters()[key]["tokens_granted"] == 2


def test_the_oldest_of_more_than_thirty_tokens_is_evicted_silently(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = without_name(sandbox.account("beyondtrust"))
    ansible.task("token_test", options)
    sandbox.control("POST", "/accounts/beyondtrust", {"evict_oldest": 1})
    result = ansible.task("token_test", options).result
    assert (result["outcome"], result["renewed"]) == ("valid", True)


def test_an_account_whose_every_token_is_rejected_does_not_start_a_storm(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    options = without_name(sandbox.account("rimo3"))
    fault(sandbox, TEST_PATHS["rimo3"], times=1000, status=401, body="{}")
    run = ansible.task("token_test", options, hosts=[f"host{number}" for number in range(12)])
    assert {result["reason"] for result in run.results.values()} == {"token_rejected"}
    assert sandbox.counters()["rimo3"]["token_requests"] <= 2


# Network and certificates


def test_an_untrusted_certificate(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("rimo3"))
    other = {**options, "ca_path": sandbox.config["other_ca_path"]}
    result = assert_clear(ansible.task("oauth_token", other), "cannot be trusted", "Set ca_path", "nothing was sent")
    assert result["failure"]["kind"] == "certificate"
    del options["ca_path"]
    assert_clear(ansible.task("oauth_token", options), "cannot be trusted")
    # An environment that trusts it does not override ca_path.
    run = ansible.task("oauth_token", other, env={"REQUESTS_CA_BUNDLE": sandbox.config["ca_path"]})
    assert_clear(run, "cannot be trusted")
    assert sandbox.counters()["rimo3"]["token_requests"] == 0


def test_a_certificate_for_another_host(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    if not sandbox.config["wrong_host_url"]:
        pytest.skip("this machine has no 127.0.0.2")
    options = {**without_name(sandbox.account("rimo3")), "base_url": f"{sandbox.config['wrong_host_url']}/rimo3"}
    assert_clear(ansible.task("oauth_token", options), "its certificate is for another")


def test_a_ca_path_that_does_not_exist(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**without_name(sandbox.account("rimo3")), "ca_path": "/nowhere/ca.pem"}
    assert_clear(ansible.task("oauth_token", options), "ca_path '/nowhere/ca.pem' does not exist on")


def test_a_refused_connection(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
        options = {**without_name(sandbox.account("rimo3")), "base_url": url, "retries": 0}
        run = ansible.task("token_test", options)
    result = assert_clear(run, "refused the connection", "port of base_url")
    assert (result["outcome"], result["reason"]) == ("indeterminate", "connection")


def test_an_unknown_host(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = {**without_name(sandbox.account("rimo3")), "base_url": "https://rimo3.invalid", "retries": 0}
    result = assert_clear(ansible.task("oauth_token", options), "host name rimo3.invalid is not known")
    assert result["failure"] == {"kind": "name_resolution", "status": None, "error": None, "retryable": True}


@pytest.mark.parametrize("step", ["token", "test"])
def test_a_timeout(ansible: AnsibleRunner, sandbox: SandboxHandle, step: str) -> None:
    path = (TOKEN_PATHS if step == "token" else TEST_PATHS)["rimo3"]
    fault(sandbox, path, times=5, status=None, delay=3)
    options = {**without_name(sandbox.account("rimo3")), "timeout": 0.3, "retries": 1}
    result = assert_clear(ansible.task("token_test", options), "did not answer within 0.3 s", "raise timeout")
    assert (result["outcome"], result["reason"]) == ("indeterminate", "timeout")
    hits = sandbox.control("GET", "/faults")
    # A token request that may have been granted is not repeated; a test is.
    assert json.dumps(hits).count('"hits": 1') == (1 if step == "token" else 0)


# Answers

ODD_ANSWERS: list[tuple[str, dict[str, t.Any], str]] = [
    ("HTML", {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<html>Sign in</html>"}, "a web page"),
    ("truncated", {"status": 200, "body": '{"access_token": "abc", "expires'}, "not valid JSON"),
    ("cut off", {"status": 200, "body": '{"access_token"', "truncate": True}, "broke before the answer was complete"),
    ("empty", {"status": 200, "body": ""}, "an empty body"),
    ("huge", {"status": 200, "body": "{", "body_size": 2 * 1024**3}, "larger than 4 MiB"),
    ("a list", {"status": 200, "body": "[1, 2]"}, "JSON that is not an object"),
    ("no token", {"status": 200, "body": '{"expires_in": 3600}'}, "there is no token in its answer"),
    ("blank token", {"status": 200, "body": '{"access_token": " "}'}, "characters no token can have"),
    ("redirect", {"status": 307, "headers": {"Location": "https://evil.example.com/token"}}, "host evil.example.com"),
    ("server", {"status": 500, "body": "{}"}, "the server has a problem (status 500)"),
    ("not found", {"status": 404, "body": "{}"}, "status 404"),
    ("limited", {"status": 429, "headers": {"Retry-After": "900"}, "body": "{}"}, "Try again in 900 s"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "part"), ODD_ANSWERS, ids=[name for name, _answer, _part in ODD_ANSWERS])
@pytest.mark.parametrize("key", ["rimo3", "cimcloud"])
def test_an_odd_answer_to_the_token_request(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, name: str, answer: dict[str, t.Any], part: str
) -> None:
    if name in ("no token", "blank token") and key == "cimcloud":
        answer = {**answer, "body": answer["body"].replace("access_token", "token")}
    fault(sandbox, TOKEN_PATHS[key], **answer)
    options = without_name(sandbox.account(key))
    assert_clear(ansible.task("oauth_token", options), part)
    (left,) = sandbox.control("GET", "/faults")["faults"]
    assert left["hits"] == 1
    # Nothing of it is kept: where nobody was asked to wait, the next request works.
    if name != "limited":
        assert ansible.task("oauth_token", options).result["changed"] is True


@pytest.mark.parametrize(("expires_in", "lifetime"), [('"1800"', 1800), ("1800.9", 1800), (None, 3600)])
def test_a_lifetime_in_another_form(
    ansible: AnsibleRunner, sandbox: SandboxHandle, expires_in: str | None, lifetime: int
) -> None:
    field = f', "expires_in": {expires_in}' if expires_in else ""
    fault(sandbox, TOKEN_PATHS["rimo3"], status=200, body=f'{{"access_token": "opaque-token-0123456789"{field}}}')
    result = ansible.task("oauth_token", without_name(sandbox.account("rimo3"))).result
    assert 0 <= lifetime - result["expires_in"] < 30


@pytest.mark.parametrize("expires_in", ["-5", "0", '"soon"', "true", "NaN"])
def test_a_lifetime_that_is_none(ansible: AnsibleRunner, sandbox: SandboxHandle, expires_in: str) -> None:
    body = f'{{"access_token": "opaque-token-0123456789", "token_type": "bearer", "expires_in": {expires_in}}}'
    fault(sandbox, TOKEN_PATHS["beyondtrust"], status=200, body=body)
    assert_clear(ansible.task("oauth_token", without_name(sandbox.account("beyondtrust"))), "not a lifetime")


@pytest.mark.parametrize(("answer", "reason"), [
    ({"status": 500, "body": "{}"}, "unhealthy"),
    ({"status": 429, "body": "{}"}, "rate_limited"),
    ({"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<html>Sign in</html>"}, "unexpected_answer"),
    ({"status": 302, "headers": {"Location": "https://login.example.com/"}}, "redirect"),
    ({"status": 200, "body_size": 2 * 1024**3}, "too_large"),
    ({"status": 418, "body": "{}"}, "unexpected_answer"),
])  # fmt: skip
@pytest.mark.parametrize("key", ["rimo3", "beyondtrust"])
def test_an_odd_answer_to_the_test_says_nothing_of_the_token(
    ansible: AnsibleRunner, sandbox: SandboxHandle, key: str, answer: dict[str, t.Any], reason: str
) -> None:
    fault(sandbox, TEST_PATHS[key], times=20, **answer)
    run = ansible.task("token_test", {**without_name(sandbox.account(key)), "retries": 0})
    result = assert_clear(run)
    assert (result["outcome"], result["reason"]) == ("indeterminate", reason)
    assert sandbox.counters()[key]["token_requests"] == 1


@pytest.mark.parametrize(("body", "outcome", "reason"), [
    ('<error xmlns="urn:x">Something went wrong</error>', "indeterminate", "unhealthy"),
    ('{"error": "access_denied", "message": "The resource owner denied the request."}', "invalid", "token_rejected"),
])  # fmt: skip
def test_a_beyondtrust_error_behind_a_good_status(
    ansible: AnsibleRunner, sandbox: SandboxHandle, body: str, outcome: str, reason: str
) -> None:
    fault(sandbox, TEST_PATHS["beyondtrust"], times=5, status=200, body=body)
    result = ansible.task("token_test", without_name(sandbox.account("beyondtrust"))).result
    assert (result["failed"], result["outcome"], result["reason"]) == (True, outcome, reason)


def test_a_servers_words_reach_the_screen_without_secrets_and_escapes(
    ansible: AnsibleRunner, sandbox: SandboxHandle
) -> None:
    account = sandbox.account("rimo3")
    words = f"\x1b[31mred {account['client_secret']}\r\nX-Injected: 1 {{{{ 7 * 7 }}}}"
    body = json.dumps({"error": "invalid_client", "error_description": words})
    fault(sandbox, TOKEN_PATHS["rimo3"], status=401, body=body)
    run = ansible.task("oauth_token", without_name(account))
    result = assert_clear(run, "[31mred ******** X-Injected: 1 {{ 7 * 7 }}")
    assert "\x1b" not in result["msg"]
    assert result["failure"]["error"] == "invalid_client"


# The cache


def test_a_damaged_cache_entry_is_a_miss(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("rimo3"))
    ansible.task("oauth_token", options)
    for damage in (b"", b"\0" * 300, b"apiops.access 1\n", b"apiops.access 9\n" + os.urandom(300)):
        for path in ansible.cache.glob("*.token"):
            path.write_bytes(damage)
        assert ansible.task("oauth_token", options).result["changed"] is True
    assert ansible.task("oauth_token", options).result["changed"] is False


def test_a_cache_folder_that_cannot_be_used(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    options = without_name(sandbox.account("rimo3"))
    # A file in the way stops root too, whom no mode would stop.
    (ansible.inputs / "file").write_text("")
    in_the_way = {**options, "cache_path": str(ansible.inputs / "file" / "cache")}
    result = assert_clear(ansible.task("oauth_token", in_the_way), "cannot be used", "Set cache_path", "cache: none")
    assert result["failure"]["kind"] == "cache"
    (ansible.inputs / "open").mkdir()
    (ansible.inputs / "open").chmod(0o755)
    assert_clear(
        ansible.task("oauth_token", {**options, "cache_path": str(ansible.inputs / "open")}), "mode 0755", "chmod 700"
    )
    assert ansible.task("oauth_token", {**in_the_way, "cache": "none"}).result["changed"] is True


def test_the_cache_is_private_and_sealed(
    ansible: AnsibleRunner, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    ansible.task("token_test", {"accounts": four_accounts})
    files = [path for path in ansible.cache.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".token"]) >= 4
    assert ansible.cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    content = b"".join(path.read_bytes() + path.name.encode() for path in files)
    for account in four_accounts:
        assert account["client_id"].encode() not in content
        assert b"localhost" not in content


# Hosts


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without requests."""
    folder = tmp_path_factory.mktemp("bare")
    import venv

    venv.create(folder / "venv", with_pip=False)
    return folder / "venv" / "bin" / "python"


def test_requests_is_missing_on_a_host(ansible: AnsibleRunner, sandbox: SandboxHandle, bare_python: Path) -> None:
    options = without_name(sandbox.account("rimo3"))
    run = ansible.task("token_test", options, "-e", f"ansible_python_interpreter={bare_python}")
    result = run.result
    assert result["failed"] is True
    assert "Failed to import the required Python library (requests)" in result["msg"]
    assert result["failure"]["kind"] == "requests_missing"
    assert "exception" not in result or "Traceback" not in run.output.split("PLAY RECAP")[1]
    # The controller has it, and needs nothing of the host.
    token = ansible.task("oauth_token", options, "-e", f"ansible_python_interpreter={bare_python}")
    assert token.result["failed"] is False, token.output


def test_requests_is_missing_on_the_controller(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    hidden = ansible.inputs / "hidden" / "requests"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')\n")
    env = {"PYTHONPATH": str(hidden.parent)}
    options = without_name(sandbox.account("rimo3"))
    run = ansible.task("oauth_token", options, env=env)
    assert run.result["failed"] is True
    assert "requests is missing on the controller" in run.result["msg"]
    assert run.result["failure"]["kind"] == "requests_missing"
    lookup = [{"ansible.builtin.set_fact": {"x": "{{ lookup('apiops.access.oauth_token', 'rimo3') }}"}}]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": lookup}]
    failed = ansible.playbook(plays, env=env, variables={"api_accounts": [sandbox.account("rimo3")]})
    assert failed.status != 0
    assert "The Python library requests is missing" in failed.output


def test_a_netrc_does_not_take_the_place_of_the_credentials(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    (ansible.home / ".netrc").write_text("machine localhost login wrong password wrong\n")
    (ansible.home / ".netrc").chmod(0o600)
    assert ansible.task("token_test", without_name(sandbox.account("rimo3"))).result["outcome"] == "valid"


def test_the_interpreter_of_these_tests_is_the_venvs() -> None:
    assert Path(sys.executable).exists()
