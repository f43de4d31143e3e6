# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is documented is what is there: options, types, defaults, choices, and secrets marked as such."""

from __future__ import annotations

import importlib
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.apiops.access.plugins.action import validation_report
from ansible_collections.apiops.access.plugins.module_utils import _arguments

ROOT = Path(__file__).resolve().parents[3]
SPECS: dict[str, dict[str, t.Any]] = {
    "modules.oauth_token": _arguments.OAUTH_TOKEN_SPEC,
    "modules.token_test": _arguments.TOKEN_TEST_SPEC,
    "modules.api_account": _arguments.API_ACCOUNT_SPEC,
    "modules.api_account_info": _arguments.API_ACCOUNT_INFO_SPEC,
    "modules.api_request": _arguments.API_REQUEST_SPEC,
    "modules.validation_report": validation_report.SPEC,
    "lookup.oauth_token": _arguments.LOOKUP_SPEC,
}
SECRETS = {
    "client_secret", "auth_key", "private_key", "access_token", "access_tokens", "initial_access_token", "proxy",
    "cache_password", "cache_secret", "account_secrets",
}  # fmt: skip
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))


def documented(plugin: str) -> dict[str, t.Any]:
    """The documented options, those of the fragments among them."""
    base = "ansible_collections.apiops.access.plugins"
    document = yaml.safe_load(importlib.import_module(f"{base}.{plugin}").DOCUMENTATION)
    options = dict(document.get("options", {}))
    for fragment in document.get("extends_documentation_fragment", []):
        module = importlib.import_module(f"{base}.doc_fragments.{fragment.rpartition('.')[2]}")
        found = yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION).get("options", {})
        assert not set(found) & set(options)
        options.update(found)
    options.pop("_terms", None)
    return options


def shape(options: t.Mapping[str, t.Any], nested: str) -> dict[str, t.Any]:
    """The options as far as both sides state them."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "default": option.get("default"),
            "choices": sorted(option.get("choices") or []),
            "required": option.get("required", False),
            "aliases": sorted(option.get("aliases", [])),
            "options": shape(option.get(nested) or {}, nested),
        }
        for name, option in options.items()
    }


def flat(spec: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, option in spec.items():
        yield name, option
        yield from flat(option.get("options") or {})


def test_every_module_is_looked_at() -> None:
    assert {f"modules.{module}" for module in MODULES} == {name for name in SPECS if name.startswith("modules.")}


@pytest.mark.parametrize("plugin", SPECS)
def test_what_is_documented_is_what_is_there(plugin: str) -> None:
    assert shape(documented(plugin), "suboptions") == shape(SPECS[plugin], "options")


@pytest.mark.parametrize("plugin", SPECS)
def test_every_option_is_described(plugin: str) -> None:
    options = documented(plugin)
    assert [name for name, option in options.items() if not option.get("description")] == []


@pytest.mark.parametrize("plugin", SPECS)
def test_every_secret_is_marked_and_nothing_else_is(plugin: str) -> None:
    marked = {name for name, option in flat(SPECS[plugin]) if option.get("no_log")}
    assert marked == SECRETS & {name for name, _option in flat(SPECS[plugin])}


@pytest.mark.parametrize("plugin", SPECS)
def test_what_sounds_like_a_secret_is_decided_on(plugin: str) -> None:
    # The words for which Ansible itself warns when no_log is not stated.
    suspicious = re.compile(r"pass(?!ive)|secret|token|cryptkey|(^|_)key($|_)", re.IGNORECASE)
    undecided = [
        name
        for name, option in flat(SPECS[plugin])
        if suspicious.search(name) and option.get("no_log") is None and option.get("type") != "bool"
    ]
    assert undecided == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_action_plugin_with_the_same_options(module: str) -> None:
    action = importlib.import_module(f"ansible_collections.apiops.access.plugins.action.{module}")
    assert action.ActionModule.spec == SPECS[f"modules.{module}"]


def test_every_module_for_accounts_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    # What an account is needed for: a default such as api_accounts' options is none of the others'.
    assert sorted(runtime["action_groups"]["all"]) == [name for name in MODULES if name != "validation_report"]


@pytest.mark.parametrize("plugin", SPECS)
def test_documentation_of_examples_and_returns_can_be_read(plugin: str) -> None:
    module = importlib.import_module(f"ansible_collections.apiops.access.plugins.{plugin}")
    assert yaml.safe_load(module.EXAMPLES)
    assert yaml.safe_load(module.RETURN)
