# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the action plugins: its results, and how it runs modules."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.apiops.access.plugins.module_utils._arguments import OAUTH_TOKEN_SPEC
from ansible_collections.apiops.access.plugins.module_utils._errors import RateLimitedError, RefusedError
from ansible_collections.apiops.access.plugins.plugin_utils import _action
from ansible_collections.apiops.access.plugins.plugin_utils._action import AccessAction
from ansible_collections.apiops.access.tests.unit.actions import Host, make_action, run

ARGS = {"provider": "rimo3", "client_id": "client-1", "client_secret": "s3cret-value"}


def plugin(work: t.Callable[[AccessAction], dict[str, t.Any]], secret: bool = False) -> type[AccessAction]:
    class Plugin(AccessAction):
        spec = OAUTH_TOKEN_SPEC
        secret_results = secret

        def perform(self) -> dict[str, t.Any]:
            return work(self)

    return Plugin


def raising(error: Exception) -> type[AccessAction]:
    def work(_action: AccessAction) -> dict[str, t.Any]:
        raise error

    return plugin(work)


def test_an_error_is_a_failed_result_for_people_and_programs() -> None:
    result = run(raising(RefusedError("It was refused.", status=401, error="invalid_client")), ARGS)
    assert result == {
        "failed": True,
        "msg": "It was refused.",
        "failure": {"kind": "invalid_client", "status": 401, "error": "invalid_client", "retryable": False},
    }


def test_an_unforeseen_error_is_told_without_its_text() -> None:
    result = run(raising(RuntimeError("the text with s3cret-value and private things")), ARGS)
    assert result["failed"] is True
    assert result["failure"] == {"kind": "internal", "status": None, "error": None, "retryable": False}
    assert "RuntimeError at test_action.py:" in result["msg"]
    assert "private things" not in str(result)
    assert "s3cret" not in str(result)


def test_a_host_that_cannot_be_reached_stays_ansibles_matter() -> None:
    with pytest.raises(AnsibleConnectionFailure):
        run(raising(AnsibleConnectionFailure("unreachable")), ARGS)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_action, "REQUESTS_IMPORT_ERROR", "Traceback: s3cret-value")
    result = run(plugin(lambda _action: {"changed": False}), ARGS)
    assert result["failed"] is True
    assert result["failure"]["kind"] == "requests_missing"
    assert "pip install requests" in result["msg"]
    assert "Traceback" not in str(result)


@pytest.mark.parametrize(
    "told",
    [
        "s3cret-value",
        base64.b64encode(b"s3cret-value").decode(),
        base64.b64encode(b"client-1:s3cret-value").decode(),
        "Bearer s3cret-value",
    ],
)
def test_a_secret_is_masked_in_whatever_a_failed_task_shows(told: str) -> None:
    result = run(plugin(lambda _action: {"failed": True, "msg": told, "deep": [{"x": told}]}), ARGS)
    assert "s3cret" not in str(result)
    assert told not in str(result)
    assert "********" in result["msg"]


def test_a_secret_is_masked_in_what_an_ordinary_task_shows() -> None:
    assert run(plugin(lambda _action: {"msg": "s3cret-value"}), ARGS)["msg"] == "********"


def test_a_failure_of_a_task_with_a_secret_result_is_masked_and_not_censored() -> None:
    result = run(plugin(lambda _action: {"failed": True, "msg": "s3cret-value"}, secret=True), ARGS)
    assert result["msg"] == "********"
    assert not result.get("_ansible_no_log")


def test_a_success_of_a_task_with_a_secret_result_is_censored_and_not_masked() -> None:
    result = run(plugin(lambda _action: {"access_token": "s3cret-value"}, secret=True), ARGS)
    assert result == {"access_token": "s3cret-value", "_ansible_no_log": True}


@pytest.mark.parametrize("secret", ["failed", "a", "e", "kind", "msg"])
def test_a_secret_that_is_a_common_word_does_not_hide_a_failure(secret: str) -> None:
    result = run(raising(RefusedError("It was refused.")), {**ARGS, "client_secret": secret})
    assert result.get("failed") is True
    assert {"msg", "failure"} <= set(result)
    assert set(result["failure"]) == {"kind", "status", "error", "retryable"}


# Modules


def test_a_module_run_is_quiet_only_for_as_long_as_it_lasts() -> None:
    host = Host({"token": 1}, {"x": 1})
    action = make_action(plugin(lambda _action: {}), ARGS, host=host)
    action.task_vars = {}
    action.run_module("oauth_token", {"a": 1}, quiet=True)
    action.run_module("token_test", {"b": 2})
    assert host.runs == [("apiops.access.oauth_token", {"a": 1}), ("apiops.access.token_test", {"b": 2})]
    assert host.no_log == [True, False]
    assert action._connection._play_context.no_log is False


def test_a_module_whose_options_are_nobodys_business_is_in_no_log_of_the_host() -> None:
    host = Host({}, {})
    action = make_action(plugin(lambda _action: {}), ARGS, host=host)
    action.task_vars = {"mine": 1}
    action.run_module("api_request", {}, logged=False)
    action.run_module("token_test", {})
    # Ansible reads its setting DEFAULT_NO_TARGET_SYSLOG from this variable.
    assert host.task_vars == [{"mine": 1, "ansible_no_target_syslog": True}, {"mine": 1}]


def test_a_task_that_is_no_log_stays_so() -> None:
    host = Host({"x": 1})
    action = make_action(plugin(lambda _action: {}), ARGS, host=host, no_log=True)
    action.task_vars = {}
    action.run_module("token_test", {})
    assert host.no_log == [True]
    assert action._connection._play_context.no_log is True


def test_a_quiet_run_that_breaks_off_leaves_no_trace() -> None:
    action = make_action(plugin(lambda _action: {}), ARGS, host=Host(AnsibleConnectionFailure("x")))
    action.task_vars = {}
    with pytest.raises(AnsibleConnectionFailure):
        action.run_module("oauth_token", {}, quiet=True)
    assert action._connection._play_context.no_log is False


def test_an_error_on_the_host_comes_back_as_what_it_was() -> None:
    error = RateLimitedError("Slow down.", status=429, retry_after=7.0)
    action = make_action(
        plugin(lambda _action: {}), ARGS, host=Host({"failed": True, "msg": "x", "access_error": error.to_dict()})
    )
    action.task_vars = {}
    with pytest.raises(RateLimitedError) as caught:
        action.run_module("oauth_token", {})
    assert caught.value.retry_after == 7.0


def test_a_module_that_could_not_work_fails_the_task_with_its_own_result() -> None:
    failed = {"failed": True, "msg": "no Python with s3cret-value", "rc": 127}
    result = run(plugin(lambda action: action.run_module("token_test", {})), ARGS, host=Host(failed))
    assert result == {"failed": True, "msg": "no Python with ********", "rc": 127}


def test_a_host_that_is_unreachable_stays_unreachable() -> None:
    gone = {"unreachable": True, "msg": "no route"}
    assert run(plugin(lambda action: action.run_module("token_test", {})), ARGS, host=Host(gone)) == gone


# How a module gets to the host


def pipelining_during(
    monkeypatch: pytest.MonkeyPatch, *, become: object = None, has_pipelining: bool = True, origin: str = "default"
) -> list[t.Any]:
    """The values that the connection's option is set to, with "run" for the run itself."""
    seen: list[t.Any] = []

    class Found:
        def get_config_value_and_origin(self, *_arguments: t.Any, **_details: t.Any) -> tuple[bool, str]:
            if origin == "unknown":
                raise AnsibleError("no such option")
            return False, origin

    monkeypatch.setattr(constants, "config", Found())
    action = make_action(
        plugin(lambda action: action.run_module("oauth_token", {})), ARGS, host=Host({"changed": False})
    )
    connection = action._connection
    connection.become, connection.has_pipelining = become, has_pipelining
    connection.set_option = lambda _option, value: seen.append(value)
    execute = action._execute_module

    def noted(**details: t.Any) -> t.Any:
        seen.append("run")
        return execute(**details)

    action._execute_module = noted
    action.run(task_vars={"inventory_hostname": "web1"})
    return seen


def test_a_module_is_piped_for_as_long_as_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pipelining_during(monkeypatch) == [True, "run", False]


@pytest.mark.parametrize(
    "details",
    [
        {"become": object()},
        {"has_pipelining": False},
        {"origin": "/etc/ansible/ansible.cfg"},
        {"origin": "var: ansible_pipelining"},
        {"origin": "unknown"},
    ],
)
def test_pipelining_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, details: dict[str, t.Any]) -> None:
    assert pipelining_during(monkeypatch, **details) == ["run"]
