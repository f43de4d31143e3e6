# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible_collections.apiops.access.plugins.action.oauth_token import ActionModule
from ansible_collections.apiops.access.plugins.callback import release_tokens
from ansible_collections.apiops.access.plugins.callback.release_tokens import CallbackModule
from ansible_collections.apiops.access.plugins.plugin_utils._release_ledger import keep_ledger
from ansible_collections.apiops.access.tests.unit.actions import run
from ansible_collections.apiops.access.tests.unit.scripted import Script, answer

JIM2 = "https://jim2.example.com/Jim_Live"
GRANTED = {"access_token": "tok-s3cret-1", "token_type": "Bearer", "expires_in": 1200}
FORK = multiprocessing.get_context("fork")


class Said:
    """What the callback shows."""

    verbosity = 0

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.display = self.lines.append
        self.warning = self.warnings.append


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    return {
        "provider": "jim2",
        "base_url": JIM2,
        "client_id": "client-1",
        "client_secret": "s3cret-value",
        "cache_path": str(tmp_path / "cache"),
    }


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder))
    return folder


@pytest.fixture
def callback(temporary: Path) -> t.Iterator[CallbackModule]:
    made = CallbackModule()
    made._display = Said()
    yield made
    made._close()
    keep_ledger(None)


def test_it_releases_at_the_end_and_again_after_the_next_playbook(
    vendor: Script, args: dict[str, t.Any], callback: CallbackModule, temporary: Path
) -> None:
    said = callback._display
    for _playbook in range(2):
        vendor((f"POST {JIM2}/token", answer(200, GRANTED)), (f"POST {JIM2}/logoff", answer(204)))
        run(ActionModule, args)
        run(ActionModule, args)
        callback.v2_playbook_on_stats(None)
    callback.v2_playbook_on_stats(None)
    assert said.lines == ["Tokens that this run requested: 1 released: client-1."] * 2
    callback._close()
    assert list(temporary.iterdir()) == []


def test_an_interrupted_run_releases_as_it_ends(
    vendor: Script, args: dict[str, t.Any], callback: CallbackModule
) -> None:
    vendor((f"POST {JIM2}/token", answer(200, GRANTED)), (f"POST {JIM2}/logoff", answer(204)))
    run(ActionModule, args)
    callback._close()
    callback._close()
    assert len(callback._display.lines) == 1


def test_the_end_of_a_worker_releases_nothing(vendor: Script, args: dict[str, t.Any], callback: CallbackModule) -> None:
    vendor((f"POST {JIM2}/token", answer(200, GRANTED)), (f"POST {JIM2}/logoff", answer(204)))
    run(ActionModule, args)
    worker = FORK.Process(target=callback._close)
    worker.start()
    worker.join()
    callback.v2_playbook_on_stats(None)
    assert len(callback._display.lines) == 1


def test_whatever_happens_a_run_does_not_fail_and_no_text_of_an_error_is_shown(
    callback: CallbackModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: t.Any) -> t.Any:
        raise RuntimeError("tok-s3cret-1")

    monkeypatch.setattr(release_tokens, "release_all", broken)
    callback.v2_playbook_on_stats(None)
    assert callback._display.warnings == ["The tokens of this run could not be released (RuntimeError)."]


def test_a_folder_that_cannot_be_written_is_told(temporary: Path, vendor: Script, args: dict[str, t.Any]) -> None:
    temporary.rmdir()
    said = Said()
    made = CallbackModule(display=said)
    vendor((f"POST {JIM2}/token", answer(200, GRANTED)))
    run(ActionModule, args)
    made.v2_playbook_on_stats(None)
    made._close()
    assert said.warnings == ["Tokens of this run will not be released at its end: No such file or directory"]
    assert said.lines == []
