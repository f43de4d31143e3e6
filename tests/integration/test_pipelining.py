# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules come to a host: by its standard input, unless the user has decided otherwise."""

from __future__ import annotations

import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from .runner import AnsibleRunner, Run


def run_of(ansible: AnsibleRunner, sandbox: SandboxHandle, env: t.Mapping[str, str], **variables: t.Any) -> Run:
    run = ansible.task("token_test", {"accounts": [sandbox.account("rimo3")]}, variables=variables, env=env)
    assert run.result["outcome"] == "valid"
    return run


def files_of(run: Run) -> list[str]:
    return [line for line in run.output.splitlines() if " PUT " in line and "AnsiballZ_token_test" in line]


def test_no_file_on_the_host_has_the_token(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    assert files_of(run_of(ansible, sandbox, {})) == []


@pytest.mark.parametrize(
    ("env", "variables"),
    [
        ({"ANSIBLE_PIPELINING": "false"}, {}),
        ({}, {"ansible_pipelining": False}),
    ],
)
def test_the_user_decides(
    ansible: AnsibleRunner, sandbox: SandboxHandle, env: dict[str, str], variables: dict[str, t.Any]
) -> None:
    assert len(files_of(run_of(ansible, sandbox, env, **variables))) == 1


def test_the_task_after_it_is_as_ever(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    run = ansible.playbook(
        [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [
                    {"apiops.access.token_test": sandbox_options(sandbox)},
                    {"ansible.builtin.ping": {}},
                ],
            }
        ]
    )
    assert run.status == 0
    assert [line for line in run.output.splitlines() if " PUT " in line and "AnsiballZ_ping" in line]


def sandbox_options(sandbox: SandboxHandle) -> dict[str, t.Any]:
    return {option: value for option, value in sandbox.account("rimo3").items() if option != "name"}
