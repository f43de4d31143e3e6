# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules do on a host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils import _module
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    API_ACCOUNT_INFO_SPEC,
    API_ACCOUNT_SPEC,
    OAUTH_TOKEN_SPEC,
    TOKEN_TEST_SPEC,
    Spec,
)
from ansible_collections.apiops.access.plugins.module_utils._errors import RefusedError
from ansible_collections.apiops.access.plugins.module_utils._model import Token
from ansible_collections.apiops.access.plugins.modules import (
    api_account,
    api_account_info,
    oauth_token,
    token_test,
)
from ansible_collections.apiops.access.tests.unit.scripted import Script, answer

TOKEN = "POST https://rimo3cloud.com/api/v2/connect/token"
TEST = "GET https://rimo3cloud.com/api/v2/connect/test"
JIM2 = "https://jim2.example.com/Jim_Live"
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}
CREDENTIALS = {"provider": "rimo3", "client_id": "client-1", "client_secret": "s3cret-value"}


def params(spec: Spec, **given: t.Any) -> dict[str, t.Any]:
    """Options as AnsibleModule hands them over."""
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def test_oauth_token_hands_back_the_whole_token(vendor: Script) -> None:
    vendor((TOKEN, answer(200, GRANTED)))
    result = oauth_token.work(params(OAUTH_TOKEN_SPEC, account="mine", **CREDENTIALS))
    token = Token.from_dict(result["token"])
    assert (token.access_token, result["authorization"], result["changed"]) == ("tok-1", "Bearer tok-1", True)


def test_oauth_token_names_the_account_in_an_error(vendor: Script) -> None:
    vendor((TOKEN, answer(401)))
    with pytest.raises(RefusedError, match="Account 'mine'"):
        oauth_token.work(params(OAUTH_TOKEN_SPEC, account="mine", **CREDENTIALS))


def test_oauth_token_releases_without_credentials(vendor: Script) -> None:
    transport = vendor((f"POST {JIM2}/logoff", answer(204)))
    given = {"provider": "jim2", "base_url": JIM2, "access_token": "tok-9", "state": "absent"}
    result = oauth_token.work(params(OAUTH_TOKEN_SPEC, account="erp", **given))
    assert (result["changed"], result["released"]) == (True, True)
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-9"


def test_token_test_tells_the_controller_of_the_rate_and_nobody_else(vendor: Script) -> None:
    vendor((TEST, answer(200, {}, x_ratelimit_remaining="7", x_ratelimit_reset="300")))
    sent = params(TOKEN_TEST_SPEC, accounts=[{"account": "mine", "provider": "rimo3"}], access_tokens={"mine": "tok-1"})
    result = token_test.work(sent)
    assert result["rates"] == [{"remaining": 7, "reset": 300.0}]
    assert "rate" not in result["verdicts"][0]


def test_token_test_tests_what_it_is_sent(vendor: Script) -> None:
    transport = vendor((TEST, answer(401)))
    sent = params(TOKEN_TEST_SPEC, accounts=[{"account": "mine", "provider": "rimo3"}], access_tokens={"mine": "tok-1"})
    result = token_test.work(sent)
    assert [verdict["outcome"] for verdict in result["verdicts"]] == ["invalid"]
    assert result["changed"] is False
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"


def test_api_account_proves_by_itself(vendor: Script) -> None:
    vendor((TOKEN, answer(200, GRANTED)), (TEST, answer(200)))
    result = api_account.work(params(API_ACCOUNT_SPEC, name="mine", **CREDENTIALS))
    assert (result["verified"], result["changed"]) == (True, False)
    assert "tok-1" not in str(result)
    assert "s3cret" not in str(result)


def test_api_account_info_reads_with_the_token_that_it_is_sent(vendor: Script) -> None:
    site = "https://support.example.com"
    listed = answer(200, [{"name": "Nightly", "client_id": "c1"}])
    transport = vendor((f"GET {site}/api/config/v1/api-account?per_page=100&current_page=1", listed))
    sent = params(
        API_ACCOUNT_INFO_SPEC, account="mine", provider="beyondtrust", base_url=site, access_token="tok-1",
    )  # fmt: skip
    result = api_account_info.work(sent)
    assert (result["changed"], [account["name"] for account in result["accounts"]]) == (False, ["Nightly"])
    assert transport.sent[0].headers["Authorization"] == "Bearer tok-1"


# How a module ends


class Ended(Exception):
    """What exit_json and fail_json do instead of ending the process."""

    def __init__(self, **result: t.Any) -> None:
        super().__init__("ended")
        self.result = result


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[t.Callable[..., dict[str, t.Any]]], dict[str, t.Any]]:
    class Module:
        def __init__(self, argument_spec: Spec, supports_check_mode: bool) -> None:
            assert supports_check_mode
            self.params = {"x": 1}
            self.check_mode = True

        def exit_json(self, **result: t.Any) -> None:
            raise Ended(**result)

        def fail_json(self, **result: t.Any) -> None:
            raise Ended(failed=True, **result)

    monkeypatch.setattr(_module, "AnsibleModule", Module)

    def end(work: t.Callable[..., dict[str, t.Any]]) -> dict[str, t.Any]:
        with pytest.raises(Ended) as caught:
            _module.run_module({}, work)
        return caught.value.result

    return end


def test_a_module_returns_its_result(ending: t.Callable[..., dict[str, t.Any]]) -> None:
    assert ending(lambda params: {"changed": False, **params}) == {"changed": False, "x": 1, "check_mode": True}


def test_a_modules_error_goes_back_whole(ending: t.Callable[..., dict[str, t.Any]]) -> None:
    error = RefusedError("It was refused.", status=401)

    def work(_params: dict[str, t.Any]) -> dict[str, t.Any]:
        raise error

    assert ending(work) == {"failed": True, "msg": "It was refused.", "access_error": error.to_dict()}


def test_a_modules_unforeseen_error_is_told_without_its_text(ending: t.Callable[..., dict[str, t.Any]]) -> None:
    def work(_params: dict[str, t.Any]) -> dict[str, t.Any]:
        raise RuntimeError("s3cret-value")

    result = ending(work)
    assert result["failure"] == {"kind": "internal", "status": None, "error": None, "retryable": False}
    assert "RuntimeError at test_work.py:" in result["msg"]
    assert "s3cret" not in str(result)
    assert "exception" not in result


def test_a_missing_library_is_named(ending: t.Callable[..., dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "Traceback")
    result = ending(lambda _params: {})
    assert result["failure"]["kind"] == "requests_missing"
    assert "requests" in result["msg"]


def test_token_test_trusts_the_certificates_that_all_accounts_have_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def noted(pairs: t.Any) -> list[t.Any]:
        seen.extend(account.transport.ca_data for account, _token in pairs)
        return []

    monkeypatch.setattr(token_test, "test_tokens", noted)
    accounts = [{"account": "a", "provider": "rimo3"}, {"account": "b", "provider": "rimo3", "ca_data": "its own"}]
    tokens = {"a": "tok-1", "b": "tok-2"}
    token_test.work(params(TOKEN_TEST_SPEC, accounts=accounts, access_tokens=tokens, ca_data="common"))
    assert seen == ["common", "its own"]
