# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of providers."""

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.plugins.module_utils import _transport
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError, ServerError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import (
    PROVIDERS,
    Registry,
    open_provider,
)
from ansible_collections.apiops.access.plugins.module_utils._providers.jim2 import Jim2
from ansible_collections.apiops.access.tests.unit.scripted import Script, beyondtrust, jim2


def test_every_provider_is_found_by_the_name_it_has() -> None:
    assert list(PROVIDERS) == ["rimo3", "cimcloud", "jim2", "beyondtrust", "oauth2"]
    assert {name: provider.name for name, provider in PROVIDERS.items()} == {name: name for name in PROVIDERS}


def test_a_provider_is_loaded_when_it_is_asked_for_and_not_before() -> None:
    loaded: list[str] = []

    def load() -> type[Jim2]:
        loaded.append("jim2")
        return Jim2

    registry = Registry({"jim2": load})
    assert "jim2" in registry
    assert "other" not in registry
    assert len(registry) == 1
    assert loaded == []
    assert registry["jim2"] is Jim2
    assert loaded == ["jim2"]
    with pytest.raises(KeyError):
        registry["other"]


@pytest.mark.parametrize(("account", "closes"), [(jim2(), False), (beyondtrust(), True)])
def test_an_account_is_connected_as_its_vendor_wants_it(
    monkeypatch: pytest.MonkeyPatch, account: Account, closes: bool
) -> None:
    """BeyondTrust documents that no connection may be used again."""
    asked: list[tuple[TransportOptions, bool]] = []

    class Noted(_transport.Transport):
        def __init__(self, options: TransportOptions, *, close_connections: bool = False) -> None:
            asked.append((options, close_connections))
            super().__init__(options, close_connections=close_connections)

    monkeypatch.setattr(_transport, "Transport", Noted)
    with open_provider(account) as provider:
        assert isinstance(provider.transport, Noted)
        assert provider.account is account
    assert asked == [(account.transport, closes)]


def test_an_error_of_a_provider_names_the_account(vendor: Script) -> None:
    vendor()
    with pytest.raises(ServerError, match=r"^Account 'erp' \(jim2\): Down\.$"), open_provider(jim2()):
        raise ServerError("Down.")


def test_a_machine_without_requests_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "REQUESTS_IMPORT_ERROR", ImportError("no requests"))
    with pytest.raises(ConfigurationError, match="pip install requests") as caught, open_provider(jim2()):
        pass
    assert caught.value.kind == "requests_missing"
