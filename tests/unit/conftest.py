# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests."""

from __future__ import annotations

import os
import typing as t

import pytest

if t.TYPE_CHECKING:
    # At run time the collection can only be imported once Ansible's own importer is there, which is after
    # this file is read.
    from collections.abc import Iterator

    from ansible_collections.apiops.access.tests.unit.scripted import Clock, Exchange, Script, ScriptedTransport


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine that runs the tests has a say in them."""
    from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS

    prefixes = ("APIOPS_", "BT_", *(f"{name.upper()}_" for name in PROVIDERS))
    for name in list(os.environ):
        if name.startswith(prefixes) or name.lower().endswith("_proxy") or name.endswith("CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def closed_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """No error and no verdict that any test brings about has a word for programs that is not in the tables."""
    from ansible_collections.apiops.access.plugins.module_utils._errors import KINDS, VALID_REASONS, AccessError
    from ansible_collections.apiops.access.plugins.module_utils._model import Verdict

    make_error, make_verdict = AccessError.__init__, Verdict.__init__

    def checked_error(self: AccessError, *args: t.Any, **details: t.Any) -> None:
        make_error(self, *args, **details)
        assert self.kind in KINDS

    def checked_verdict(self: Verdict, *args: t.Any, **details: t.Any) -> None:
        make_verdict(self, *args, **details)
        assert self.reason in (VALID_REASONS if self.outcome == "valid" else KINDS)

    monkeypatch.setattr(AccessError, "__init__", checked_error)
    monkeypatch.setattr(Verdict, "__init__", checked_verdict)


@pytest.fixture
def clock() -> Clock:
    from ansible_collections.apiops.access.tests.unit.scripted import Clock

    return Clock()


@pytest.fixture
def script() -> Iterator[Script]:
    """Make transports that play a script, all of which must be played to its end."""
    from ansible_collections.apiops.access.tests.unit.scripted import ScriptedTransport

    made: list[ScriptedTransport] = []

    def make(*exchanges: Exchange) -> ScriptedTransport:
        made.append(ScriptedTransport(*exchanges))
        return made[-1]

    yield make
    for transport in made:
        transport.finished()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch, script: Script) -> Script:
    """Make a script that every operation talks to, whatever account it opens."""

    def make(*exchanges: Exchange) -> ScriptedTransport:
        transport = script(*exchanges)
        monkeypatch.setattr(
            "ansible_collections.apiops.access.plugins.module_utils._transport.Transport",
            lambda _options, **_details: transport,
        )
        return transport

    return make
