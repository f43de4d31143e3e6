# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import re
import stat
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import StoreError
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock

DAY = 86400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path, suffix: str) -> set[str]:
    return {path.name.removesuffix(suffix) for path in folder.iterdir() if path.name.endswith(suffix)}


def test_an_entry_can_be_read_by_name_until_it_is_deleted(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    assert store.read("a") is None
    store.write("a", b"one", NOW + 60)
    store.write("a", b"two", NOW + 60)
    assert FileTokenStore(folder, clock).read("a") == b"two"
    store.delete("a")
    store.delete("a")
    assert store.read("a") is None


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_everything_is_private_whatever_the_umask(folder: Path, clock: Clock, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = FileTokenStore(folder, clock)
        store.write("a", b"x", NOW + 60)
        with store.lock("a", 1.0):
            pass
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir() if mode(path) != 0o600} == {}
    assert {"a.token", "a.lock", "key"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("wide", [0o701, 0o710, 0o770, 0o755, 0o777])
def test_a_folder_that_others_can_reach_is_refused(folder: Path, clock: Clock, wide: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(wide)
    with pytest.raises(StoreError, match="chmod 700"):
        FileTokenStore(folder, clock)
    assert list(folder.iterdir()) == []


def test_the_folder_of_another_user_is_refused(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    FileTokenStore(folder, clock)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StoreError, match="another user"):
        FileTokenStore(folder, clock)


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path / "file", "has mode"), (tmp_path / "file" / "cache", "cannot be used (Not a dir")):
        with pytest.raises(StoreError, match=f"{re.escape(why)}.*cache: none") as caught:
            FileTokenStore(path, clock)
        assert str(path) in str(caught.value)


def test_a_folder_that_went_away_is_an_error_of_the_store(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert store.read("a") is None
    with pytest.raises(StoreError, match=r"cannot be written \(No such file or directory\)"):
        store.write("a", b"x", NOW + 60)
    with pytest.raises(StoreError, match=r"cannot be locked \(No such file or directory\)"), store.lock("a", 0.0):
        pass


def test_a_folder_that_another_process_makes_meanwhile_is_taken(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = FileTokenStore(folder, clock).secret
    found = Path.stat
    looks: list[Path] = []

    def stat_of(path: Path, **details: t.Any) -> os.stat_result:
        looks.append(path)
        if len(looks) == 1:
            raise FileNotFoundError
        return found(path, **details)

    monkeypatch.setattr(Path, "stat", stat_of)
    assert FileTokenStore(folder, clock).secret == secret


def test_an_entry_that_cannot_be_deleted_is_an_error(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    (folder / "a.token").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        store.delete("a")


# Entries that are not ours


def test_a_symlink_is_no_entry(folder: Path, clock: Clock, tmp_path: Path) -> None:
    store = FileTokenStore(folder, clock)
    (tmp_path / "planted").write_bytes(b"x")
    (tmp_path / "planted").chmod(0o600)
    (folder / "a.token").symlink_to(tmp_path / "planted")
    assert store.read("a") is None


def test_writing_replaces_a_symlink_and_not_what_it_points_to(folder: Path, clock: Clock, tmp_path: Path) -> None:
    store = FileTokenStore(folder, clock)
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / "a.token").symlink_to(tmp_path / "precious")
    store.write("a", b"x", NOW + 60)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert store.read("a") == b"x"


def test_a_symlink_is_no_lock(folder: Path, clock: Clock, tmp_path: Path) -> None:
    store = FileTokenStore(folder, clock)
    (folder / "a.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError), store.lock("a", 0.0):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_an_entry_that_others_can_read_is_none(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    store.write("a", b"x", NOW + 60)
    (folder / "a.token").chmod(0o640)
    assert store.read("a") is None


def test_an_entry_of_another_user_is_none(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileTokenStore(folder, clock)
    store.write("a", b"x", NOW + 60)
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert store.read("a") is None


def test_a_pipe_in_the_place_of_an_entry_is_not_waited_for(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    os.mkfifo(folder / "a.token", 0o600)
    assert store.read("a") is None


def test_a_folder_in_the_place_of_an_entry_is_none(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    (folder / "a.token").mkdir()
    assert store.read("a") is None


def test_a_write_that_fails_leaves_the_former_entry_whole(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(folder, clock)
    store.write("a", b"former", NOW + 60)

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device: /s3cret")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(StoreError) as caught:
            store.write("a", b"half", NOW + 60)
    assert "s3cret" not in str(caught.value)
    assert "cannot be written (No space left on device)" in str(caught.value)
    assert store.read("a") == b"former"
    assert [path for path in folder.iterdir() if path.name.startswith(".aside")] == []


def test_a_write_is_prepared_beside_the_entry_under_a_name_that_is_swept(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(folder, clock)
    replaced, renamed = os.replace, []

    def replace(source: str, target: str) -> None:
        renamed.append(Path(source))
        replaced(source, target)

    monkeypatch.setattr("os.replace", replace)
    store.write("a", b"x", NOW + 60)
    (aside,) = renamed
    assert aside.parent == folder
    assert aside.name.startswith(".aside-")


def test_a_leftover_that_cannot_be_removed_does_not_hide_the_error(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(folder, clock)

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    monkeypatch.setattr("os.unlink", fail)
    with pytest.raises(StoreError, match="cannot be written"):
        store.write("a", b"x", NOW + 60)


# The key


def test_the_key_is_made_once(folder: Path, clock: Clock) -> None:
    first, second = FileTokenStore(folder, clock), FileTokenStore(folder, clock)
    assert first.secret == second.secret
    assert len(first.secret) == 32


def test_two_stores_have_two_keys(tmp_path: Path, clock: Clock) -> None:
    assert FileTokenStore(tmp_path / "a", clock).secret != FileTokenStore(tmp_path / "b", clock).secret


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_made_anew(folder: Path, clock: Clock, damage: bytes) -> None:
    FileTokenStore(folder, clock)
    (folder / "key").write_bytes(damage)
    secret = FileTokenStore(folder, clock).secret
    assert len(secret) == 32
    assert secret != damage
    assert FileTokenStore(folder, clock).secret == secret


def test_a_key_that_others_could_read_is_made_anew(folder: Path, clock: Clock) -> None:
    known = FileTokenStore(folder, clock).secret
    (folder / "key").chmod(0o644)
    assert FileTokenStore(folder, clock).secret != known
    assert mode(folder / "key") == 0o600


def test_who_is_second_takes_the_key_of_the_first(folder: Path, clock: Clock) -> None:
    class Overtaken(FileTokenStore):
        """Waits for the lock while another process makes the key."""

        @contextlib.contextmanager
        def lock(self, name: str, patience: float) -> t.Iterator[None]:
            first.append(FileTokenStore(folder, clock).secret)
            yield

    first: list[bytes] = []
    assert Overtaken(folder, clock).secret == first[0]


# Locks


def test_a_lock_is_for_one_at_a_time(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    with store.lock("a", 1.0):
        with pytest.raises(StoreError, match="hanging"), store.lock("a", 0.0):
            pass
        with store.lock("b", 0.0):
            pass
    with store.lock("a", 0.0):
        pass


def test_who_waits_has_the_lock_when_it_is_free(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    held = contextlib.ExitStack()
    held.enter_context(store.lock("a", 0.0))
    release = threading.Timer(0.1, held.close)
    release.start()
    with store.lock("a", 30.0):
        release.join()


def test_a_lock_is_freed_by_an_error(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    with pytest.raises(KeyError), store.lock("a", 0.0):
        raise KeyError
    with store.lock("a", 0.0):
        pass


# Sweeping


def test_what_expired_is_swept_by_the_next_write(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    store.write("soon", b"x", NOW + 60)
    store.write("late", b"x", NOW + 2 * DAY)
    clock.now += DAY
    store.write("new", b"x", NOW + 2 * DAY)
    assert names(folder, ".token") == {"late", "new"}


def test_sweeping_is_done_once_an_hour(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    store.write("soon", b"x", NOW + 60)
    store.write("dead", b"x", NOW - 60)
    assert names(folder, ".token") == {"soon", "dead"}
    clock.now += 3599
    store.write("new", b"x", NOW + DAY)
    assert names(folder, ".token") == {"soon", "dead", "new"}
    clock.now += 1
    store.write("new", b"x", NOW + DAY)
    assert names(folder, ".token") == {"new"}


def test_a_clock_that_was_ahead_does_not_stop_sweeping(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, Clock(NOW + 300 * DAY))
    store.write("a", b"x", NOW + 400 * DAY)
    store = FileTokenStore(folder, clock)
    store.write("soon", b"x", NOW - 1)
    assert names(folder, ".token") == {"a"}


def test_locks_of_a_day_ago_are_swept_unless_they_are_held(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    for name in ("old", "held", "young"):
        with store.lock(name, 0.0):
            pass
    for name, age in (("old", 2 * DAY), ("held", 2 * DAY), ("young", DAY / 2)):
        os.utime(folder / f"{name}.lock", (NOW - age, NOW - age))
    with store.lock("held", 0.0):
        os.utime(folder / "held.lock", (NOW - 2 * DAY, NOW - 2 * DAY))
        store.write("a", b"x", NOW + 60)
        assert {"held", "young"} <= names(folder, ".lock")
        assert "old" not in names(folder, ".lock")
        with pytest.raises(StoreError), store.lock("held", 0.0):
            pass


def test_leftovers_of_a_crash_are_swept_after_a_day(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    for name, age in ((".aside-old", 2 * DAY), (".aside-new", 60.0)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (NOW - age, NOW - age))
    store.write("a", b"x", NOW + 60)
    assert not (folder / ".aside-old").exists()
    assert (folder / ".aside-new").exists()


def test_what_cannot_be_swept_is_no_reason_to_fail(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    (folder / "folder.token").mkdir()
    os.utime(folder / "folder.token", (NOW - DAY, NOW - DAY))
    store.write("a", b"x", NOW + 60)
    (folder / "swept").unlink()
    (folder / "swept").symlink_to(folder / "nowhere" / "file")
    store.write("b", b"x", NOW + 60)
    assert names(folder, ".token") == {"a", "b", "folder"}


def test_the_key_is_never_swept(folder: Path, clock: Clock) -> None:
    store = FileTokenStore(folder, clock)
    os.utime(folder / "key", (0, 0))
    store.write("a", b"x", NOW + 60)
    assert FileTokenStore(folder, clock).secret == store.secret
