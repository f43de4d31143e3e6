# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations, run in this process by the action plugins that Ansible would run, and what is kept after each."""

from __future__ import annotations

import dataclasses
import secrets
import types
import typing as t
from pathlib import Path

from ansible.parsing.vault import VaultSecret
from ansible_collections.apiops.access.plugins.action import api_account, api_request, oauth_token, token_test
from ansible_collections.apiops.access.plugins.module_utils._arguments import TOKEN_TEST_SPEC
from ansible_collections.apiops.access.plugins.modules.token_test import work
from ansible_collections.apiops.access.plugins.plugin_utils._account_records import AccountRecords

from ..integration.oidc_server import OidcServer
from ..integration.test_examples import PACKAGE
from ..sandbox.server import SandboxHandle
from ..unit.actions import make_action
from .layer import Layer

Result = dict[str, t.Any]

UPLOAD = {**PACKAGE, "progressStep": 0}
PACKAGES = "/api/v2/application-packages"
CONTACTS = ["ops@example.com"]


class World:
    """The servers behind their layers, and the files of one user."""

    def __init__(
        self, folder: Path, sandbox: SandboxHandle, vendors: Layer, oidc: OidcServer, registrar: Layer
    ) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.vendors = vendors
        self.oidc = oidc
        self.registrar = registrar
        self.limits: dict[str, t.Any] = {}
        """The options timeout and retries, where they are not the usual ones."""
        self.vault = ("default", VaultSecret(secrets.token_bytes(20)))
        self._tasks = 0
        initial = oidc.initial_access_token()
        self.registered = {
            "name": "reporting",
            "provider": "oauth2",
            "base_url": registrar.url,
            "token_endpoint": f"{registrar.url}/tenant/token",
            "registration_endpoint": f"{registrar.url}/tenant/reg",
            "test_path": "/resource/me",
            "initial_access_token": initial,
            "records_file": str(folder / "accounts.yml"),
            **self._own(registrar),
        }
        self.secrets = [initial]

    def account(self, key: str) -> dict[str, t.Any]:
        """The options of an account of the sandbox, without a name: not all modules take one."""
        options = {option: value for option, value in self.sandbox.account(key).items() if option != "name"}
        base_url = options["base_url"].replace(self.sandbox.config["base_url"], self.vendors.url)
        return {**options, "base_url": base_url, **self._own(self.vendors)}

    def _own(self, layer: Layer) -> dict[str, t.Any]:
        return {"ca_path": str(layer.certificates.ca), "cache_path": str(self.folder / "cache")}

    def run(self, plugin: t.Any, options: t.Mapping[str, t.Any], *, check_mode: bool = False) -> Result:
        """The result of a task."""
        self._tasks += 1
        action = make_action(plugin, {**options, **self.limits}, check_mode=check_mode, task=f"task-{self._tasks}")
        action._loader = types.SimpleNamespace(_vault=types.SimpleNamespace(secrets=[self.vault]))
        action._execute_module = _run_module
        return dict(action.run(task_vars={"inventory_hostname": "web1"}))

    def stored_token(self, key: str) -> str | None:
        """The fingerprint of the token that is in the store, if any."""
        result = self.run(oauth_token.ActionModule, self.account(key), check_mode=True)
        return t.cast("str | None", result.get("fingerprint"))

    def records(self) -> str:
        """What the records file has of the account."""
        with AccountRecords(self.registered["records_file"], [self.vault], None) as records:
            record, pending = records.get("reporting"), records.pending("reporting")
        kept = "none" if record is None else "new" if record.settings.get("contacts") == CONTACTS else "old"
        return f"{kept}+noted" if pending else kept


def _run_module(module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> Result:
    assert module_name == "apiops.access.token_test"
    return work({**{option: spec.get("default") for option, spec in TOKEN_TEST_SPEC.items()}, **module_args})


@dataclasses.dataclass(frozen=True)
class Operation:
    """One column of the table.

    :ivar prepare: what is done before the fault begins; what it returns goes to the others
    :ivar run: the operation itself
    :ivar kept: what is there afterwards, in a word
    :ivar let_pass: calls of it that come before the one that the fault is for
    :ivar registers: whether it is an operation on an account at the server that registers
    """

    name: str
    prepare: t.Callable[[World], t.Any]
    run: t.Callable[[World], Result]
    kept: t.Callable[[World, t.Any], str]
    let_pass: int = 0
    registers: bool = False


def _token(key: str, **changes: t.Any) -> t.Callable[[World], Result]:
    return lambda world: world.run(oauth_token.ActionModule, {**world.account(key), **changes})


def _granted(key: str) -> t.Callable[[World], str]:
    def grant(world: World) -> str:
        fingerprint = _token(key)(world)["fingerprint"]
        assert isinstance(fingerprint, str)
        return fingerprint

    return grant


def _token_kept(key: str) -> t.Callable[[World, str | None], str]:
    """Whether the store has no token, the one from before, or a new one."""

    def kept(world: World, before: str | None) -> str:
        now = world.stored_token(key)
        return "none" if now is None else "old" if now == before else "new"

    return kept


def _call(**call: t.Any) -> t.Callable[[World], Result]:
    return lambda world: world.run(api_request.ActionModule, {**world.account("rimo3"), **call})


def _account(**changes: t.Any) -> t.Callable[[World], Result]:
    return lambda world: world.run(api_account.ActionModule, {**world.registered, **changes})


def _nothing(_world: World) -> None:
    """The operation needs no preparation."""


def _registered(world: World) -> None:
    result = _account()(world)
    assert not result.get("failed"), result["msg"]


def _packages(world: World, _before: t.Any) -> str:
    """How many packages more than before the vendor has."""
    return str(len(world.sandbox.control("GET", "/records")["packages"]) - 2)


OPERATIONS = (
    Operation("token", _nothing, _token("rimo3"), _token_kept("rimo3")),
    Operation("refresh", _granted("cimcloud"), _token("cimcloud", force=True), _token_kept("cimcloud")),
    Operation(
        "test",
        _granted("rimo3"),
        lambda world: world.run(token_test.ActionModule, world.account("rimo3")),
        _token_kept("rimo3"),
    ),
    Operation("release", _granted("jim2"), _token("jim2", state="absent"), _token_kept("jim2")),
    Operation("create", _nothing, _account(), lambda world, _token: world.records(), registers=True),
    Operation(
        "update",
        _registered,
        _account(settings={"contacts": CONTACTS}),
        lambda world, _token: world.records(),
        let_pass=1,
        registers=True,
    ),
    Operation("delete", _registered, _account(state="absent"), lambda world, _token: world.records(), registers=True),
    Operation("GET", _granted("rimo3"), _call(path=PACKAGES), _token_kept("rimo3")),
    Operation(
        "POST",
        _granted("rimo3"),
        _call(path=f"{PACKAGES}/upload/manual/link", method="POST", body=UPLOAD),
        _packages,
    ),
)
