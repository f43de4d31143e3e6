# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work list of the role provision_accounts, from run to run as people and runs share it."""

from __future__ import annotations

import re
import stat
import typing as t
from pathlib import Path

import pytest

from ..sandbox.server import SandboxHandle
from .runner import AnsibleRunner, Run

Accounts = t.List[t.Dict[str, t.Any]]  # noqa: UP006


@pytest.fixture
def path(ansible: AnsibleRunner) -> Path:
    folder = ansible.folder / "shared"
    folder.mkdir()
    return folder / "work.md"


@pytest.fixture
def provision(ansible: AnsibleRunner, path: Path) -> t.Callable[..., Run]:
    def provision(accounts: Accounts, *arguments: str, **variables: t.Any) -> Run:
        given = {"api_accounts": accounts, "provision_accounts_work_list_path": str(path), **variables}
        return ansible.playbook("apiops.access.provision", *arguments, variables=given)

    return provision


def items(path: Path) -> dict[str, list[str]]:
    """The first lines of the items, open and done."""
    to_do, done = path.read_text().split("## Done")
    return {name: re.findall(r"^- \[.\] .*$", text, re.MULTILINE) for name, text in (("open", to_do), ("done", done))}


def titles(path: Path, which: str) -> list[str]:
    return [re.sub(r" \(.*", "", line) for line in items(path)[which]]


def test_what_is_done_is_ticked_off_by_the_next_run(
    provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle
) -> None:
    new = {option: value for option, value in sandbox.account("rimo3").items() if not option.startswith("client_")}
    wrong = {**sandbox.account("jim2"), "client_secret": "not-the-secret-0123456789"}
    support = {**sandbox.account("beyondtrust"), "settings": {"perm_command": "deny"}}
    first = provision([{**new, "name": "packaging"}, wrong, support])
    assert first.status != 0
    assert titles(path, "open") == [
        "- [ ] **packaging**: create the account",
        "- [ ] **jim2**: repair the credentials",
        "- [ ] **beyondtrust**: change the settings",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "<https://" in path.read_text()
    # Somebody makes the account, somebody gets the right secret, and the permission is set.
    path.write_text(path.read_text().replace("## Notes", "## Notes\n\nJane has the sign-in.\n"))
    sandbox.control("POST", "/accounts/beyondtrust", {"permissions": {"perm_command": "deny"}})
    done = [{**sandbox.account("rimo3"), "name": "packaging"}, sandbox.account("jim2"), support]
    second = provision(done)
    assert second.status == 0, second.output
    assert titles(path, "open") == []
    assert titles(path, "done") == [
        "- [x] **packaging**: create the account",
        "- [x] **jim2**: repair the credentials",
        "- [x] **beyondtrust**: change the settings",
    ]
    assert "Off the list in this run:" in second.output
    assert "Jane has the sign-in." in path.read_text()
    third = provision(done)
    assert third.status == 0
    assert "Off the list in this run:" not in third.output
    assert re.search(r"changed=0\s", third.output)


def test_what_no_program_can_see_is_for_people_to_tick(
    provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle
) -> None:
    account = {**sandbox.account("rimo3"), "settings": {"name": "Nightly check"}}
    provision([account])
    assert titles(path, "open") == ["- [ ] **rimo3**: confirm the settings that no program can read"]
    assert "Nightly check" in path.read_text()
    provision([account])
    assert len(items(path)["open"]) == 1  # nobody has looked
    path.write_text(path.read_text().replace("- [ ]", "- [x]"))
    provision([account])
    assert titles(path, "open") == []
    assert "ticked by hand" in items(path)["done"][0]
    provision([{**account, "settings": {"name": "Weekly check"}}])
    assert len(items(path)["open"]) == 1  # another value is another question


def test_a_tick_does_not_make_it_so(provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle) -> None:
    wrong = {**sandbox.account("jim2"), "client_secret": "not-the-secret-0123456789"}
    provision([wrong])
    path.write_text(path.read_text().replace("- [ ]", "- [x]"))
    provision([wrong])
    assert titles(path, "open") == ["- [ ] **jim2**: repair the credentials"]
    assert "ticked, but still needed" in path.read_text()


def test_accounts_that_were_not_looked_at_keep_their_items(
    provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle
) -> None:
    wrong = {**sandbox.account("jim2"), "client_secret": "not-the-secret-0123456789"}
    both = [wrong, sandbox.account("rimo3")]
    provision(both)
    before = items(path)["open"]
    provision(both, provision_accounts_names=["rimo3"])
    assert items(path)["open"] == before
    provision([{**wrong, "base_url": "https://jim2.invalid", "retries": 0}, both[1]])
    assert items(path)["open"] == before
    provision([both[1]])
    assert items(path)["open"] == []
    assert "its account has left the list" in items(path)["done"][0]


def test_another_file_is_left_alone_before_anything_is_sent(
    provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle
) -> None:
    path.write_text("# My shopping list\n")
    run = provision([sandbox.account("rimo3")])
    assert run.status != 0
    assert "The file is no work list" in run.output
    assert path.read_text() == "# My shopping list\n"
    assert sandbox.counters()["rimo3"]["token_requests"] == 0


def test_check_mode_shows_and_does_not_write(
    provision: t.Callable[..., Run], path: Path, sandbox: SandboxHandle
) -> None:
    run = provision([{**sandbox.account("rimo3"), "settings": {"role": "API User"}}], "--check")
    assert "confirm the settings that no program can read" in run.output
    assert not path.exists()


def test_without_accounts_it_says_where_they_can_be(ansible: AnsibleRunner) -> None:
    run = ansible.playbook("apiops.access.provision")
    assert run.status != 0
    assert "There are no accounts. Define api_accounts" in run.output
