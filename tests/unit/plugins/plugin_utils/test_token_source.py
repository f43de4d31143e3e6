# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ServerMetadata
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import Obtained, TokenSource
from ansible_collections.apiops.access.tests.unit.scripted import (
    ISSUER,
    NOW,
    Clock,
    cimcloud,
    jim2,
    oauth2,
    rimo3,
)

FORK = multiprocessing.get_context("fork")


class Vendor:
    """Grants a new token for each request, or what it is told to; notes what it was asked with."""

    def __init__(self, clock: Clock, lifetime: float = 3600.0, trouble: AccessError | None = None) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.asked: list[Token | None] = []
        self.trouble = trouble

    def __call__(self, previous: Token | None) -> Token:
        self.asked.append(previous)
        if self.trouble:
            raise self.trouble
        return Token(
            f"tok-s3cret-{len(self.asked)}",
            expires_at=self.clock() + self.lifetime,
            refresh_token=f"ref-s3cret-{len(self.asked)}",
            refresh_expires_at=self.clock() + 30 * 86400,
        )


class World:
    """A store, a vendor, and tasks that ask."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.folder = folder
        self.vendor = Vendor(self.clock)
        self.store = FileTokenStore(folder, self.clock)

    def source(
        self, task: str | None = "task-1", min_ttl: int = 60, store: FileTokenStore | None = None
    ) -> TokenSource:
        # A store of its own, as every process has.
        return TokenSource(
            store or FileTokenStore(self.folder, self.clock), min_ttl=min_ttl, task=task, clock=self.clock
        )

    def obtain(
        self, account: Account | None = None, *, task: str | None = "task-1", min_ttl: int = 60, **details: t.Any
    ) -> Obtained:
        return self.source(task, min_ttl).obtain(account or rimo3(), self.vendor, **details)

    def trouble(self, account: Account | None = None, **details: t.Any) -> AccessError:
        with pytest.raises(AccessError) as caught:
            self.obtain(account, **details)
        return caught.value

    @property
    def requests(self) -> int:
        return len(self.vendor.asked)

    @property
    def entries(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.suffix == ".token"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "cache")


# Reuse


def test_a_token_is_requested_once_and_then_reused(world: World) -> None:
    first, second = world.obtain(), world.obtain(task="task-2")
    assert (first.reused, second.reused) == (False, True)
    assert first.token == second.token
    assert first.token.access_token == "tok-s3cret-1"
    assert [path.stem for path in world.entries] == [first.entry]
    assert world.requests == 1


def test_a_token_is_reused_only_while_it_lives_min_ttl_longer(world: World) -> None:
    world.obtain(min_ttl=600)
    world.clock.now = NOW + 3600 - 601
    assert world.obtain(min_ttl=600).reused
    world.clock.now = NOW + 3600 - 600
    assert not world.obtain(min_ttl=600).reused


def test_of_a_short_lived_token_half_its_life_is_enough(world: World) -> None:
    world.vendor.lifetime = 40
    world.obtain(min_ttl=60)
    world.clock.now = NOW + 19
    assert world.obtain(min_ttl=60).reused
    world.clock.now = NOW + 20
    assert not world.obtain(min_ttl=60).reused


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "rotated"},
        {"client_id": "client-2"},
        {"base_url": "https://elsewhere.example.com"},
        {"scope": ("view",)},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"transport": TransportOptions(client_cert="/cert.pem")},
        {"assume_expires_in": 5},
    ],
)
def test_another_account_or_request_never_gets_the_token(world: World, change: dict[str, t.Any]) -> None:
    world.obtain(jim2())
    assert not world.obtain(jim2(**change)).reused
    assert world.obtain(jim2()).reused


@pytest.mark.parametrize("change", [{"site": "other"}, {"auth_key": "other"}, {"customer": "jo"}])
def test_another_cimcloud_account_or_customer_never_gets_the_token(world: World, change: dict[str, t.Any]) -> None:
    world.obtain(cimcloud())
    assert not world.obtain(cimcloud(**change)).reused


@pytest.mark.parametrize(
    "change",
    [{"name": "another name"}, {"test_path": "/x"}, {"logoff_path": "/y"}, {"transport": TransportOptions(timeout=1)}],
)
def test_what_has_no_say_in_the_token_does_not_cost_another(world: World, change: dict[str, t.Any]) -> None:
    world.obtain(jim2())
    assert world.obtain(jim2(**change)).reused


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": f"{ISSUER}/realms/other"},
        {"token_endpoint": f"{ISSUER}/token"},
        {"audience": "api"},
        {"resource": ("https://api.example.com",)},
        {"private_key": "another key"},
        {"private_key_path": "/another/key.pem"},
        {"key_id": "k2"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"transport": TransportOptions(client_cert="/cert.pem")},
    ],
)
def test_another_request_of_any_server_never_gets_the_token(world: World, change: dict[str, t.Any]) -> None:
    world.obtain(oauth2())
    assert not world.obtain(oauth2(**change)).reused
    assert world.obtain(oauth2()).reused


@pytest.mark.parametrize(
    "change",
    [
        {"introspection_endpoint": f"{ISSUER}/introspect"},
        {"revocation_endpoint": f"{ISSUER}/revoke"},
        {"registration_endpoint": f"{ISSUER}/register"},
        {"test_path": "/status"},
        {"metadata": ServerMetadata(ISSUER, {"token_endpoint": f"{ISSUER}/token"})},
    ],
)
def test_what_is_done_with_a_token_does_not_cost_another(world: World, change: dict[str, t.Any]) -> None:
    world.obtain(oauth2())
    assert world.obtain(oauth2(**change)).reused


@pytest.mark.parametrize("option", ["private_key_path", "client_key"])
def test_another_key_in_the_same_file_never_gets_the_token(world: World, tmp_path: Path, option: str) -> None:
    path = tmp_path / "key.pem"

    def account() -> Account:
        if option == "client_key":
            return oauth2(transport=TransportOptions(client_cert="/cert.pem", client_key=str(path)))
        return oauth2(private_key_path=str(path))

    path.write_bytes(b"first key")
    world.obtain(account())
    assert world.obtain(account()).reused
    path.write_bytes(b"second key \xff")
    assert not world.obtain(account()).reused
    path.unlink()
    assert not world.obtain(account()).reused


def test_a_key_never_gets_the_token_of_a_secret(world: World) -> None:
    world.obtain(oauth2(client_secret="the same", private_key=None))
    assert not world.obtain(oauth2(client_secret=None, private_key="the same")).reused
    assert not world.obtain(oauth2(client_secret=None, auth_key="the same")).reused


def test_tokens_of_hosts_that_are_their_own_server_are_kept_apart(world: World) -> None:
    world.obtain(where="web1")
    assert not world.obtain(where="web2").reused
    assert world.obtain(where="web1").reused


def test_without_a_store_each_asks(world: World) -> None:
    source = TokenSource(None, min_ttl=60, task="task-1", clock=world.clock)
    first, second = (source.obtain(rimo3(), world.vendor) for _time in range(2))
    assert (first.reused, second.reused) == (False, False)
    assert (first.token.access_token, second.token.access_token) == ("tok-s3cret-1", "tok-s3cret-2")
    assert world.vendor.asked == [None, None]
    assert source.peek(rimo3()) is None
    assert source.stored(rimo3()) is None
    source.forget(rimo3())


def test_basic_credentials_are_never_stored(world: World) -> None:
    account = cimcloud(authorization_type="basic")
    assert not world.obtain(account).reused
    assert not world.obtain(account).reused
    assert world.entries == []


def test_a_token_of_the_callers_own_is_neither_taken_nor_kept(world: World) -> None:
    shared = world.obtain().token
    own = world.obtain(keep=False)
    assert (own.reused, own.entry) == (False, None)
    assert own.token.access_token == "tok-s3cret-2"
    assert world.obtain().token == shared
    assert world.requests == 2


def test_peeking_requests_nothing(world: World) -> None:
    assert world.source().peek(rimo3()) is None
    token = world.obtain().token
    assert world.source().peek(rimo3()) == token
    world.clock.now += 3600 - 30
    assert world.source().peek(rimo3()) is None
    assert world.source().stored(rimo3()) == token
    world.clock.now += 30
    assert world.source().stored(rimo3()) is None
    assert world.requests == 1


def test_peeking_sees_what_any_task_has_left(world: World) -> None:
    token = world.obtain(task="task-1").token
    assert world.source(task="task-2").peek(rimo3()) == token
    assert world.source(task=None).peek(rimo3()) == token


def test_what_is_forgotten_is_requested_anew(world: World) -> None:
    world.obtain()
    world.source().forget(rimo3())
    assert world.source().stored(rimo3()) is None
    assert not world.obtain().reused


# Force


def test_force_is_shared_by_the_hosts_of_one_task(world: World) -> None:
    old = world.obtain(task="task-0").token
    forced = [world.obtain(task="task-1", force=True) for _host in range(5)]
    assert {obtained.token.access_token for obtained in forced} == {"tok-s3cret-2"}
    assert [obtained.reused for obtained in forced] == [False, True, True, True, True]
    assert old.access_token == "tok-s3cret-1"


def test_force_of_another_task_is_another_request(world: World) -> None:
    world.obtain(task="task-1", force=True)
    assert not world.obtain(task="task-2", force=True).reused
    assert not world.obtain(task=None, force=True).reused
    assert not world.obtain(task=None, force=True).reused


# Rejection


def test_a_rejected_token_is_renewed_once_for_all_who_have_it(world: World) -> None:
    old = world.obtain().token.fingerprint
    renewed = [world.obtain(task="task-2", rejected=old) for _host in range(5)]
    assert [obtained.reused for obtained in renewed] == [False, True, True, True, True]
    assert {obtained.token.access_token for obtained in renewed} == {"tok-s3cret-2"}


def test_a_renewal_that_is_rejected_too_is_not_renewed_for_60_s(world: World) -> None:
    old = world.obtain().token.fingerprint
    renewed = world.obtain(rejected=old).token
    world.clock.now += 59
    assert world.obtain(rejected=renewed.fingerprint).token == renewed
    assert world.requests == 2
    world.clock.now += 1
    assert world.obtain(rejected=renewed.fingerprint).token != renewed
    assert world.requests == 3


def test_a_rejected_token_is_not_refreshed(world: World) -> None:
    old = world.obtain().token.fingerprint
    world.obtain(rejected=old)
    assert world.vendor.asked == [None, None]


# Refresh


def test_an_expired_token_is_handed_over_for_its_refresh_token(world: World) -> None:
    first = world.obtain().token
    world.clock.now += 7200
    world.obtain()
    assert world.vendor.asked == [None, first]


def test_a_refresh_token_outlives_a_failure(world: World) -> None:
    first = world.obtain().token
    world.clock.now += 7200
    world.vendor.trouble = TransportError("It broke.")
    world.trouble()
    world.vendor.trouble = None
    world.clock.now += 1
    world.obtain(task="task-2")
    assert world.vendor.asked == [None, first, first]


def test_a_refresh_token_does_not_outlive_a_refusal(world: World) -> None:
    first = world.obtain().token
    world.clock.now += 7200
    world.vendor.trouble = RefusedError("It was refused.")
    world.trouble()
    world.vendor.trouble = None
    world.clock.now += 61
    world.obtain()
    assert world.vendor.asked == [None, first, None]


# Failures


def test_refused_credentials_are_not_tried_again_for_60_s(world: World) -> None:
    world.vendor.trouble = RefusedError("It was refused.", status=401, error="invalid_client")
    world.trouble()
    world.clock.now += 59
    for task in ("task-1", "task-2"):
        error = world.trouble(task=task)
        assert isinstance(error, RefusedError)
        assert (error.status, error.error) == (401, "invalid_client")
        assert str(error) == (
            "It was refused. (Another request was answered so 59 s ago; nobody asks again for 1 s, unless with "
            "force: true in another task.)"
        )
    assert world.requests == 1
    world.clock.now += 1
    world.trouble()
    assert world.requests == 2


def test_a_corrected_secret_is_tried_at_once(world: World) -> None:
    world.vendor.trouble = RefusedError("It was refused.")
    world.trouble()
    world.vendor.trouble = None
    assert not world.obtain(rimo3(client_secret="the right one")).reused


def test_force_in_another_task_tries_refused_credentials(world: World) -> None:
    world.vendor.trouble = RefusedError("It was refused.")
    world.trouble(task="task-1", force=True)
    world.trouble(task="task-1", force=True)
    assert world.requests == 1
    world.clock.now += 1
    world.trouble(task="task-2", force=True)
    assert world.requests == 2


def test_forgetting_forgets_a_refusal_too(world: World) -> None:
    world.vendor.trouble = RefusedError("It was refused.")
    world.trouble()
    world.source().forget(rimo3())
    world.vendor.trouble = None
    assert not world.obtain().reused


def test_a_429_holds_everyone_back_until_its_retry_after(world: World) -> None:
    world.vendor.trouble = RateLimitedError("Slow down.", status=429, retry_after=300.0)
    world.trouble(task="task-1")
    assert "so 0 s ago; nobody asks again for 300 s" in str(world.trouble(task="task-2"))
    world.clock.now += 299
    assert world.trouble(task="task-2").kind == "rate_limited"
    assert world.requests == 1
    world.vendor.trouble = None
    world.clock.now += 1
    assert not world.obtain(task="task-2").reused


def test_a_budget_without_room_holds_nobody_back_who_is_more_patient(world: World) -> None:
    # It has no status: the server was not asked.
    world.vendor.trouble = RateLimitedError("No room for 300 s.", retry_after=300.0)
    assert "nobody asks again" not in world.trouble(task="task-1").message
    world.vendor.trouble = None
    world.clock.now += 0.5
    assert not world.obtain(task="task-2").reused


class Noting(FileTokenStore):
    """A store that notes which locks are taken, and how long they would be waited for."""

    noted: list[tuple[str, float]]

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        self.noted.append((name, patience))
        with super().lock(name, patience):
            yield


@pytest.fixture
def noting(world: World, monkeypatch: pytest.MonkeyPatch) -> Noting:
    monkeypatch.setattr(Noting, "noted", [], raising=False)
    return Noting(world.folder, world.clock)


def test_each_account_has_a_lock_of_its_own(world: World, noting: Noting) -> None:
    for account in (rimo3(), rimo3(client_id="client-2"), rimo3()):
        world.source(task=None, store=noting).obtain(account, world.vendor, force=True)
    first, second, again = (name for name, _patience in noting.noted)
    assert first == again
    assert first != second


def test_the_lock_is_waited_for_as_long_as_the_slowest_request_takes(world: World, noting: Noting) -> None:
    # Three calls (a refresh, a new token, a session) of three tries each, with half a minute before the next try.
    account = cimcloud(transport=TransportOptions(timeout=10.0, retries=2))
    world.source(store=noting).obtain(account, world.vendor)
    ((_name, patience),) = noting.noted
    assert 3 * 3 * 40 < patience < 3 * 3 * 40 + 60


def test_who_waits_for_the_lock_waits_as_long_as_a_turn_can_take(world: World, noting: Noting) -> None:
    for rate_wait in (0.0, 1000.0):
        source = TokenSource(noting, min_ttl=60, clock=world.clock, rate_wait=rate_wait)
        source.obtain(cimcloud(name="any"), world.vendor, force=True)
    (_name, first), (_name, second) = noting.noted
    assert second - first == 1000.0


@pytest.mark.parametrize("seconds", [1e10, 1e20, float("inf")])
def test_an_absurd_retry_after_is_still_a_429(world: World, seconds: float) -> None:
    world.vendor.trouble = RateLimitedError("Slow down.", status=429, retry_after=seconds)
    assert world.trouble().kind == "rate_limited"


@pytest.mark.parametrize("trouble", [TransportError("It broke."), ServerError("Busy.", status=500)])
def test_hosts_of_one_task_share_a_failure_for_10_s(world: World, trouble: AccessError) -> None:
    world.vendor.trouble = trouble
    world.trouble(task="task-1")
    world.clock.now += 9
    shared = world.trouble(task="task-1")
    assert (shared.kind, shared.message) == (trouble.kind, trouble.message)
    assert world.requests == 1
    world.clock.now += 1
    world.trouble(task="task-1")
    assert world.requests == 2


def test_the_next_task_does_not_inherit_a_failure_of_the_network(world: World) -> None:
    world.vendor.trouble = TransportError("It broke.")
    world.trouble(task="task-1")
    world.vendor.trouble = None
    world.clock.now += 0.5
    assert not world.obtain(task="task-2").reused


class Overtaken(FileTokenStore):
    """A store whose lock is had only after another process has done its work."""

    meanwhile: t.Callable[[], object] | None = None

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        first, self.meanwhile = self.meanwhile, None
        if first:
            first()
        with super().lock(name, patience):
            yield


def test_who_waits_gets_the_token_that_was_waited_for(world: World) -> None:
    store = Overtaken(world.folder, world.clock)
    store.meanwhile = lambda: world.obtain(task="task-2")
    obtained = world.source("task-1", store=store).obtain(rimo3(), world.vendor)
    assert obtained.reused
    assert obtained.token.access_token == "tok-s3cret-1"
    assert world.requests == 1


def test_who_waits_shares_the_failure_that_was_waited_for(world: World) -> None:
    world.vendor.trouble = TransportError("It broke.", kind="timeout")
    store = Overtaken(world.folder, world.clock)
    store.meanwhile = lambda: world.trouble(task="task-2")
    with pytest.raises(TransportError) as caught:
        world.source("task-1", store=store).obtain(rimo3(), world.vendor)
    assert caught.value.kind == "timeout"
    assert world.requests == 1


# Entries that cannot be used


def damaged(content: bytes) -> list[bytes]:
    middle = len(content) // 2
    return [
        b"",
        content[:middle],
        content[:-1],
        content + b"x",
        content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        content.replace(b"apiops.access 1\n", b"apiops.access 2\n"),
        os.urandom(len(content)),
        b'{"access_token": "planted"}',
    ]


@pytest.mark.parametrize("kind", range(8))
def test_a_damaged_entry_is_a_miss_and_is_replaced(world: World, kind: int) -> None:
    world.obtain()
    (entry,) = world.entries
    entry.write_bytes(damaged(entry.read_bytes())[kind])
    assert not world.obtain().reused
    assert world.obtain().reused
    assert world.requests == 2


def test_the_entry_of_another_account_is_a_miss(world: World) -> None:
    world.obtain()
    (mine,) = world.entries
    world.obtain(rimo3(client_id="client-2"))
    (other,) = [path for path in world.entries if path != mine]
    mine.write_bytes(other.read_bytes())
    assert not world.obtain().reused


def test_the_entry_of_another_store_is_a_miss(world: World, tmp_path: Path) -> None:
    foreign = World(tmp_path / "foreign")
    foreign.obtain()
    world.obtain()
    world.entries[0].write_bytes(foreign.entries[0].read_bytes())
    assert not world.obtain().reused


def test_a_lost_key_makes_every_entry_a_miss(world: World) -> None:
    world.obtain()
    (world.folder / "key").write_bytes(b"damaged")
    assert not world.obtain().reused


def test_an_entry_from_the_future_is_a_miss(world: World) -> None:
    world.obtain()
    world.clock.now -= 61
    assert not world.obtain().reused


def test_a_clock_that_is_a_little_behind_is_no_matter(world: World) -> None:
    world.obtain()
    world.clock.now -= 30
    assert world.obtain().reused


def test_nothing_in_the_store_can_be_read(world: World) -> None:
    account = rimo3(client_id="client-id-to-find", client_secret="pass-s3cret")
    world.obtain(account)
    world.vendor.trouble = RefusedError("The words of the refusal")
    world.trouble(rimo3(client_id="client-id-to-find", client_secret="wrong-s3cret"))
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        for told in (b"s3cret", b"client-id", b"tok-", b"rimo3", b"refusal", b"packaging"):
            assert told not in path.read_bytes()
            assert told not in path.name.encode()


# Processes


def ask(folder: Path, log: Path, start: t.Any, crowd: t.Any) -> None:
    """What each process does. A request waits for a second one, which must never come."""

    def request(_previous: Token | None) -> Token:
        with log.open("a") as file:
            file.write("x")
        with contextlib.suppress(threading.BrokenBarrierError):
            crowd.wait(0.3)
        return Token("tok-1", expires_at=time.time() + 3600)

    start.wait(30)
    obtained = TokenSource(FileTokenStore(folder), min_ttl=60, task="task-1").obtain(rimo3(), request)
    os._exit(0 if obtained.token.access_token == "tok-1" else 1)


def test_eight_processes_make_one_request(tmp_path: Path) -> None:
    start, crowd, log = FORK.Barrier(8), FORK.Barrier(2), tmp_path / "log"
    processes = [FORK.Process(target=ask, args=(tmp_path / "cache", log, start, crowd)) for _number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 8
    assert log.read_text() == "x"


def hang(folder: Path, asking: t.Any) -> None:
    def request(_previous: Token | None) -> Token:
        asking.set()
        signal.pause()
        raise AssertionError

    TokenSource(FileTokenStore(folder), min_ttl=60, task="task-1").obtain(rimo3(), request)


def test_a_process_that_is_killed_while_it_asks_frees_the_others(world: World) -> None:
    asking = FORK.Event()
    process = FORK.Process(target=hang, args=(world.folder, asking))
    process.start()
    assert asking.wait(30)
    waiter: list[Obtained] = []
    thread = threading.Thread(target=lambda: waiter.append(world.obtain()))
    thread.start()
    thread.join(0.1)
    assert waiter == []
    os.kill(t.cast(int, process.pid), signal.SIGKILL)
    process.join(30)
    thread.join(30)
    assert [obtained.token.access_token for obtained in waiter] == ["tok-s3cret-1"]


def test_a_token_is_unharmed_by_the_store(world: World) -> None:
    granted = Token("abc", "Bearer", NOW + 3600.5, ("view",), "ref", NOW + 1e6)
    world.source().obtain(jim2(), lambda _previous: granted)
    assert dataclasses.asdict(world.obtain(jim2()).token) == dataclasses.asdict(granted)
