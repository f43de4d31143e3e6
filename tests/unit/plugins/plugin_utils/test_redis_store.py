# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store, on a real server where there is one; and what is checked before any server is asked."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import socket
import socketserver
import threading
import time
import types
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._arguments import SECRET_OPTIONS, SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError, ServerError, StoreError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token
from ansible_collections.apiops.access.plugins.plugin_utils import _redis_store, _token_access
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated
from ansible_collections.apiops.access.plugins.plugin_utils._redis_store import FallbackStore, RedisTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import TokenSource
from ansible_collections.apiops.access.plugins.plugin_utils._token_store import TokenStore
from ansible_collections.apiops.access.tests.integration import redis_server
from ansible_collections.apiops.access.tests.integration.leaks import forms
from ansible_collections.apiops.access.tests.integration.redis_server import RedisHandle

SECRET = "s3cret-value-0123456789"
CACHE_SECRET = "cache-s3cret-0123456789"

pytest.importorskip("redis", reason="needs the Python library redis")

from redis.exceptions import RedisError  # noqa: E402
from redis.lock import Lock  # noqa: E402


@pytest.fixture(autouse=True)
def no_connections() -> None:
    """Have each test connect by itself."""
    _redis_store._client.cache_clear()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RedisHandle]:
    if redis_server.binary() is None:
        pytest.skip(redis_server.MISSING)
    with redis_server.running(tmp_path_factory.mktemp("redis")) as handle:
        yield handle


@pytest.fixture
def server(started: RedisHandle) -> RedisHandle:
    started.clear()
    return started


@pytest.fixture
def account() -> Account:
    return account_from(options(cache="none"), name="packaging")


@pytest.fixture(autouse=True)
def no_outage_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_redis_store, "_down_until", {})


def options(**given: t.Any) -> dict[str, t.Any]:
    """Validated options of an account."""
    raw = {"provider": "rimo3", "client_id": "client-0123456789", "client_secret": SECRET, "cache": "redis",
           "cache_url": "rediss://apiops@redis.example.com", "cache_secret": CACHE_SECRET, **given}  # fmt: skip
    return validated(SHARED_SPEC, {option: value for option, value in raw.items() if value is not None}, "packaging")


def store_of(server: RedisHandle, account: Account, **more: t.Any) -> RedisTokenStore:
    details = {"url": server.url, "secret": server.cache_secret, "password": server.password,
               "ca_path": str(server.files.ca), **more}  # fmt: skip
    return RedisTokenStore(account, **details)


def token(value: str = "token-0123456789", lives: float = 3600.0) -> Token:
    return Token(access_token=value, expires_at=time.time() + lives)


# Options


def test_its_secrets_are_secrets() -> None:
    assert {"cache_secret", "cache_password"} <= SECRET_OPTIONS


@pytest.mark.parametrize("url", [
    "rediss://redis.example.com", "rediss://apiops@redis.example.com:6379/0", "rediss://u%40x@[2001:db8::1]:6380/15",
    "redis://localhost:6379", "redis://apiops@127.0.0.1/1", "redis://[::1]",
])  # fmt: skip
def test_urls_that_can_be_used(url: str) -> None:
    account_from(options(cache_url=url))


@pytest.mark.parametrize("url", [
    "redis.example.com", "https://redis.example.com", "unix:///run/redis.sock", "rediss://", "rediss://host:port",
    "rediss://redis.example.com/name", "rediss://redis.example.com/0/1", "rediss://redis.example.com/0?db=1",
    "rediss://redis.example.com/0#x", "rediss://redis.example.com/ 0", "rediss://redis.example.com:99999",
])  # fmt: skip
def test_urls_that_cannot(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Account 'packaging'.*cache_url must be a URL such as rediss://"):
        account_from(options(cache_url=url), name="packaging")


@pytest.mark.parametrize("url", ["rediss://apiops:hunter-2@redis.example.com", "rediss://:hunter-2@redis.example.com",
                                 "redis://apiops:@localhost"])  # fmt: skip
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="APIOPS_CACHE_PASSWORD") as caught:
        account_from(options(cache_url=url))
    assert "hunter" not in str(caught.value)


def test_plain_redis_to_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Use rediss://"):
        account_from(options(cache_url="redis://apiops@redis.example.com", allow_http=True))


@pytest.mark.parametrize("missing", ["cache_url", "cache_secret"])
def test_what_redis_needs(missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Account 'packaging'.*{missing}.*APIOPS_{missing.upper()}"):
        account_from(options(**{missing: None}), name="packaging")


def test_a_short_cache_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="cache_secret is too short") as caught:
        account_from(options(cache_secret="hunter-2"))
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "*", "a b", "a\n", "ü"])
def test_odd_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="cache_prefix"):
        account_from(options(cache_prefix=prefix))


def test_other_caches_ask_for_nothing_of_this() -> None:
    account_from(options(cache="file", cache_url=None, cache_secret=None))


def test_without_the_library_there_is_a_clear_error(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_redis_store, "HAS_REDIS", False)
    with pytest.raises(StoreError, match=r"Account 'packaging' \(rimo3\).*pip install redis") as caught:
        _token_access.token_store(account, options(cache_fallback="none"))
    assert caught.value.kind == "redis_missing"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), ("no certificate", "it holds no certificate")]
)
def test_a_ca_that_cannot_be_used_is_an_error_before_anything_is_sent(
    account: Account, tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(StoreError, match=rf"cache_ca_path \S+/ca\.pem cannot be used \({reason}\)"):
        RedisTokenStore(account, url="rediss://localhost", secret=CACHE_SECRET, ca_path=str(path))


# Entries


def test_an_entry_can_be_read_by_name_until_it_is_deleted(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account)
    assert store.read("a") is None
    store.write("a", b"one", time.time() + 60)
    store.write("a", b"two", time.time() + 60)
    assert store_of(server, account).read("a") == b"two"
    store.delete("a")
    store.delete("a")
    assert store.read("a") is None


def test_keys_expire_with_their_token(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account, clock=lambda: 1000.0)
    store.write("a", b"x", 1060.0)
    assert 50_000 < server.admin().pttl("apiops_access:a") <= 60_000
    store.write("a", b"x", 1000.0)
    assert server.content() == {}


def test_every_key_of_the_token_source_expires(server: RedisHandle, account: Account) -> None:
    source = TokenSource(store_of(server, account), min_ttl=60)
    with source._store.lock("held", 1.0):  # type: ignore[union-attr]
        source.obtain(account, lambda _previous: token())
        admin = server.admin()
        keys = set(server.content())
        assert len(keys) == 2
        assert all(admin.pttl(key) > 0 for key in keys)


def test_the_prefix_is_what_every_key_begins_with(server: RedisHandle, account: Account) -> None:
    prefix = f"{redis_server.PREFIX}fleet-1:"
    TokenSource(store_of(server, account, prefix=prefix), min_ttl=60).obtain(account, lambda _previous: token())
    assert [key.decode().startswith(prefix) for key in server.content()] == [True]


@pytest.mark.parametrize("garbage", [b"", b"x", b"apiops.access 1\n" + bytes(100), bytes(300 * 1024)])
def test_garbage_is_a_miss_and_replaced(server: RedisHandle, account: Account, garbage: bytes) -> None:
    source = TokenSource(store_of(server, account), min_ttl=60)
    source.obtain(account, lambda _previous: token("first-0123456789"))
    (key,) = server.content()
    server.admin().set(key, garbage)
    obtained = source.obtain(account, lambda _previous: token("second-0123456789"))
    assert (obtained.token.access_token, obtained.reused) == ("second-0123456789", False)
    assert source.obtain(account, lambda _previous: token("third-0123456789")).reused


def test_another_type_of_value_is_a_miss_and_replaced(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account)
    server.admin().rpush("apiops_access:a", "x")
    assert store.read("a") is None
    store.write("a", b"x", time.time() + 60)
    assert store.read("a") == b"x"


@pytest.mark.parametrize(("size", "read"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_an_entry_that_is_too_large_is_a_miss(server: RedisHandle, account: Account, size: int, read: bool) -> None:
    store = store_of(server, account)
    store.write("a", b"x" * size, time.time() + 60)
    assert (store.read("a") is not None) is read


def test_the_entry_of_another_account_is_a_miss(server: RedisHandle, account: Account) -> None:
    other = dataclasses.replace(account, client_secret="another-s3cret-0123456789")
    source = TokenSource(store_of(server, account), min_ttl=60)
    source.obtain(other, lambda _previous: token("of-another-0123456789"))
    ((foreign, value),) = server.content().items()
    source.obtain(account, lambda _previous: token())
    (own,) = set(server.content()) - {foreign}
    server.admin().set(own, value, px=60_000)
    assert source.peek(account) is None


def test_another_cache_secret_has_other_entries(server: RedisHandle, account: Account) -> None:
    TokenSource(store_of(server, account), min_ttl=60).obtain(account, lambda _previous: token())
    other = TokenSource(store_of(server, account, secret="another-s3cret-0123456789"), min_ttl=60)
    assert other.peek(account) is None


def test_nothing_in_the_server_can_be_read(server: RedisHandle, account: Account) -> None:
    source = TokenSource(store_of(server, account), min_ttl=60, task="task-0123456789")
    source.obtain(account, lambda _previous: token())
    kept = b"\0".join(part for pair in server.content().items() for part in pair)
    assert kept.startswith(redis_server.PREFIX.encode())
    told = [account.client_id or "", SECRET, "token-0123456789", "task-0123456789", account.base_url or "", "rimo3",
            "packaging", server.cache_secret, server.password]  # fmt: skip
    assert [what for what in told for form in forms(what) | {what.encode()} if form in kept] == []


# Locks


def test_a_lock_is_held_by_one_and_is_free_again(server: RedisHandle, account: Account) -> None:
    store, other = store_of(server, account), store_of(server, account)
    with store.lock("a", 1.0):
        with other.lock("b", 0.0):
            pass
        with pytest.raises(StoreError, match=r"Account 'packaging'.*has held the lock") as caught, other.lock("a", 0.0):
            pass
        assert caught.value.retryable is False
    with other.lock("a", 0.0):
        pass
    assert server.content() == {}


def test_a_lock_tells_nothing_of_the_machine_and_keeps_no_process_alive(server: RedisHandle, account: Account) -> None:
    before = set(threading.enumerate())
    with store_of(server, account).lock("a", 1.0):
        (value,) = server.content().values()
        renewals = [thread for thread in threading.enumerate() if thread not in before and "_renew" in thread.name]
    assert f"{uuid.getnode():012x}" not in str(value)
    assert [thread.daemon for thread in renewals] == [True]


def test_a_lock_is_free_again_after_an_error_within(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account)
    with pytest.raises(ServerError), store.lock("a", 1.0):
        raise ServerError("x")
    with store.lock("a", 0.0):
        pass


def test_the_lock_of_a_holder_that_lives_is_renewed(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account, lock_lifetime=0.3)
    with (
        store.lock("a", 1.0),
        pytest.raises(StoreError, match="has held the lock"),
        store_of(server, account).lock("a", 1.0),
    ):
        pass


def test_a_renewal_that_fails_is_tried_again_while_the_lock_lives(
    server: RedisHandle, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Lock] = []
    again = threading.Event()

    def reacquire(lock: Lock) -> bool:
        tries.append(lock)
        if len(tries) == 1:
            raise RedisError("a short trouble")
        again.set()
        return True

    monkeypatch.setattr(Lock, "reacquire", reacquire)
    with store_of(server, account, lock_lifetime=0.3).lock("a", 1.0):
        assert again.wait(10.0)


def test_the_lock_of_a_holder_that_died_is_freed(
    server: RedisHandle, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = store_of(server, account, lock_lifetime=0.3), store_of(server, account)
    monkeypatch.setattr(store, "_renew", lambda _lock, _released: None)  # as of a process that is no more
    with store.lock("a", 1.0):
        started = time.monotonic()
        with other.lock("a", 10.0):
            assert time.monotonic() - started < 5.0


def test_a_holder_that_comes_back_late_does_not_free_the_lock_of_another(
    server: RedisHandle, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, other = store_of(server, account, lock_lifetime=0.3), store_of(server, account)
    monkeypatch.setattr(late, "_renew", lambda _lock, _released: None)
    with contextlib.ExitStack() as held:
        with late.lock("a", 1.0):
            held.enter_context(other.lock("a", 10.0))
        with pytest.raises(StoreError), late.lock("a", 0.0):
            pass


def test_a_lock_that_cannot_be_given_back_is_no_error(server: RedisHandle, account: Account) -> None:
    with store_of(server, account).lock("a", 1.0):
        server.admin().flushall()


# What the user of the cache may do


def test_what_is_documented_is_what_the_store_names() -> None:
    assert redis_server.PERMISSIONS.split() == [f"+{command}" for command in _redis_store.NEEDED_COMMANDS]


def test_the_documented_commands_suffice(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account, lock_lifetime=3.0)  # renewed after a third of it; a busy machine may be late
    with store.lock("a", 1.0):
        store.write("a", b"x", time.time() + 60)
        store.read("a")
        store.delete("a")
        # Renewed at least once.
        deadline = time.monotonic() + 10.0
        while "pexpire" not in server.commands() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert {"get", "set", "del", "pexpire", "evalsha"} <= server.commands()
    assert server.refused() == []


@pytest.mark.parametrize("missing", redis_server.PERMISSIONS.split())
def test_each_documented_command_is_needed(server: RedisHandle, account: Account, missing: str) -> None:
    everything = redis_server.PERMISSIONS.split()
    others = [command for command in everything if command != missing]
    server.admin().execute_command("ACL", "SETUSER", "apiops", "-@all", *others)
    try:
        store = store_of(server, account)
        with contextlib.suppress(StoreError), store.lock("a", 0.0):
            store.delete("a")
            # What the thread does that renews.
            lock = Lock(store._client, "apiops_access:b", timeout=1.0, thread_local=False)
            with contextlib.suppress(RedisError):
                lock.acquire()
                lock.reacquire()
        assert server.refused() != []
    finally:
        server.admin().execute_command("ACL", "SETUSER", "apiops", *everything)


def test_a_missing_permission_is_named(server: RedisHandle, account: Account) -> None:
    with pytest.raises(StoreError, match=r"ACL SETUSER NAME \+get .* ~elsewhere:\*") as caught:
        store_of(server, account, prefix="elsewhere:").read("a")
    assert caught.value.retryable is False


def test_another_database_needs_select(server: RedisHandle, account: Account) -> None:
    url = server.url.removesuffix("0") + "3"
    with pytest.raises(StoreError, match=r"\+select"):
        store_of(server, account, url=url).read("a")
    server.admin().execute_command("ACL", "SETUSER", "apiops", "+select")
    try:
        store_of(server, account, url=url).write("a", b"x", time.time() + 60)
        assert server.content() == {}
    finally:
        server.admin().execute_command("ACL", "SETUSER", "apiops", "-select")


# Servers that do not work


@pytest.mark.parametrize("password", [None, "not-the-password"])
def test_a_wrong_password(server: RedisHandle, account: Account, password: str | None) -> None:
    with pytest.raises(StoreError, match=r"Account 'packaging' \(rimo3\).*cache_password") as caught:
        store_of(server, account, password=password).read("a")
    assert (caught.value.kind, caught.value.retryable) == ("cache", False)
    assert "not-the-password" not in str(caught.value)


@pytest.mark.parametrize("ca", ["other", None])
def test_a_server_that_is_not_trusted(server: RedisHandle, account: Account, ca: str | None) -> None:
    path = str(server.files.other_ca) if ca else None
    with pytest.raises(StoreError, match=r"is not trusted.*cache_ca_path") as caught:
        store_of(server, account, ca_path=path).read("a")
    assert caught.value.retryable is False


def test_a_given_authority_is_the_only_one(
    server: RedisHandle, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.files.ca))  # the machine's own authorities would do
    assert store_of(server, account, ca_path=None).read("a") is None
    with pytest.raises(StoreError, match="is not trusted"):
        store_of(server, account, ca_path=str(server.files.other_ca)).read("a")


def test_the_stores_of_a_process_share_a_connection(server: RedisHandle, account: Account) -> None:
    def connections() -> int:
        return int(server.admin().info("stats")["total_connections_received"])

    store_of(server, account).read("a")
    before = connections()
    for _time in range(5):
        store_of(server, account).read("a")
    assert connections() - before == 1  # the one that asked


def test_a_forked_process_has_a_connection_of_its_own(server: RedisHandle, account: Account) -> None:
    store_of(server, account).write("a", b"parent", time.time() + 60)
    workers = [
        multiprocessing.get_context("fork").Process(target=_read_often, args=(server, account)) for _worker in range(4)
    ]
    for worker in workers:
        worker.start()
    _read_often(server, account)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4


def _read_often(server: RedisHandle, account: Account) -> None:
    for _time in range(50):
        assert store_of(server, account).read("a") == b"parent"


def test_a_certificate_for_another_name(server: RedisHandle, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    known = socket.getaddrinfo
    monkeypatch.setattr("socket.getaddrinfo", lambda _host, *rest: known("127.0.0.1", *rest))
    with pytest.raises(StoreError, match=r"is not trusted \(Hostname mismatch"):
        store_of(server, account, url=server.url.replace("localhost", "redis.example.com")).read("a")


class _Plain(socketserver.BaseRequestHandler):
    """A server that answers whatever it is asked in plain text."""

    def handle(self) -> None:
        while self.request.recv(4096):
            self.request.sendall(b"-ERR Protocol error\r\n")


def test_a_port_without_tls_is_told_from_one_that_is_down(account: Account) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Plain) as plain:
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        store = RedisTokenStore(account, url=f"rediss://localhost:{plain.server_address[1]}", secret=CACHE_SECRET)
        with pytest.raises(StoreError, match=r"does not speak TLS as it should \([A-Z_]+\).*TLS port") as caught:
            store.read("a")
        plain.shutdown()
    assert caught.value.retryable is False


def test_plain_redis_on_the_controller_itself(server: RedisHandle, account: Account) -> None:
    store = store_of(server, account, url=server.plain_url)
    store.write("a", b"x", time.time() + 60)
    assert store_of(server, account).read("a") == b"x"


@pytest.mark.parametrize("operation", ["read", "write", "delete", "lock"])
def test_a_server_that_is_down(account: Account, operation: str) -> None:
    store = RedisTokenStore(account, url=f"redis://localhost:{closed_port()}", secret=CACHE_SECRET)
    with pytest.raises(
        StoreError, match=r"Account 'packaging' \(rimo3\).*Connection refused.*cache_fallback"
    ) as caught:
        operate(store, operation)
    assert (caught.value.kind, caught.value.retryable) == ("cache", True)


def test_a_name_that_cannot_be_resolved(account: Account) -> None:
    with pytest.raises(StoreError, match="cannot be resolved"):
        RedisTokenStore(account, url="rediss://redis.invalid", secret=CACHE_SECRET).read("a")


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def operate(store: TokenStore, operation: str) -> t.Any:
    if operation == "lock":
        with store.lock("a", 1.0):
            return None
    arguments = {"read": (), "write": (b"x", time.time() + 60), "delete": ()}[operation]
    return getattr(store, operation)("a", *arguments)


@pytest.mark.parametrize(
    ("url", "host", "port", "database", "user"),
    [
        ("redis://localhost", "localhost", 6379, 0, None),
        ("redis://127.0.0.1:6380/3", "127.0.0.1", 6380, 3, None),
        ("redis://u%40x@[::1]:7000/", "::1", 7000, 0, "u@x"),
    ],
)
def test_a_url_says_where_the_cache_is_and_who_asks(
    account: Account, url: str, host: str, port: int, database: int, user: str | None
) -> None:
    store = RedisTokenStore(account, url=url, secret=CACHE_SECRET, password="hush")
    asked = store._client.connection_pool.connection_kwargs
    assert (asked["host"], asked["port"], asked["db"]) == (host, port, database)
    assert (asked["username"], asked["password"]) == (user, "hush")


def test_a_silent_server_is_waited_for_seconds_and_not_for_ever(account: Account) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        asked = RedisTokenStore(account, url=url, secret=CACHE_SECRET)._client.connection_pool.connection_kwargs
    assert 0 < asked["socket_connect_timeout"] <= 5
    assert 0 < asked["socket_timeout"] <= 5
    assert asked["retry"]._retries == 2


@pytest.mark.parametrize(
    ("said", "named", "down"),
    [
        ("OOM command not allowed", "OOM", True),
        ("MOVED 1 host", "MOVED", False),
        ("X" * 20 + " y", "RedisError", False),
        ("Something odd s3cret", "RedisError", False),
    ],
)
def test_what_redis_says_is_named_by_its_code_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch, said: str, named: str, down: bool
) -> None:
    store = RedisTokenStore(account, url="redis://localhost", secret=CACHE_SECRET)

    def fail(_name: str) -> None:
        raise RedisError(said)

    monkeypatch.setattr(store._client, "get", fail)
    with pytest.raises(StoreError, match=rf"failed \({named}\)\.$") as caught:
        store.read("a")
    assert caught.value.retryable is down


# Doing without


class Recorder:
    """A store that notes what it is asked, and fails if it is given an error."""

    secret = b"x"

    def __init__(self, error: StoreError | None = None) -> None:
        self.error = error
        self.calls: list[tuple[t.Any, ...]] = []

    @property
    def asked(self) -> int:
        return len(self.calls)

    def note(self, *call: t.Any) -> None:
        self.calls.append(call)
        if self.error:
            raise self.error

    def read(self, name: str) -> bytes | None:
        self.note("read", name)
        return b"entry"

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        self.note("write", name, data, expires_at)

    def delete(self, name: str) -> None:
        self.note("delete", name)

    @contextlib.contextmanager
    def lock(self, name: str, patience: float) -> t.Iterator[None]:
        self.note("lock", name, patience)
        yield


def test_a_fallback_requests_without_the_cache_and_warns_once(account: Account) -> None:
    warnings: list[str] = []
    down = Recorder(StoreError(f"The token cache is down. {_redis_store._REMEDY}", retryable=True))
    store = FallbackStore(down, "one", warnings.append)
    requested = token()
    for _time in range(2):
        assert TokenSource(store, min_ttl=60).obtain(account, lambda _previous: requested).token is requested
    assert warnings == ["The token cache is down. Tokens are requested without it."]
    assert down.asked == 1


@pytest.mark.parametrize("operation", ["read", "write", "delete", "lock"])
def test_a_fallback_hides_nothing_that_somebody_must_mend(operation: str) -> None:
    store = FallbackStore(Recorder(StoreError("wrong password")), "one", pytest.fail)
    with pytest.raises(StoreError, match="wrong password"):
        operate(store, operation)


def test_a_fallback_passes_on_what_is_raised_within_its_lock(server: RedisHandle, account: Account) -> None:
    store = FallbackStore(store_of(server, account), "one", pytest.fail)
    # One that looks like an outage, and is not the store's.
    with pytest.raises(StoreError, match="x"), store.lock("a", 1.0):
        raise StoreError("x", retryable=True)
    assert server.content() == {}


def test_a_fallback_is_the_store_while_that_works(server: RedisHandle, account: Account) -> None:
    source = TokenSource(FallbackStore(store_of(server, account), "one", pytest.fail), min_ttl=60)
    assert not source.obtain(account, lambda _previous: token()).reused
    assert source.obtain(account, lambda _previous: token()).reused
    source.forget(account)
    assert source.peek(account) is None


def test_a_fallback_hands_everything_on_as_it_is() -> None:
    recorder = Recorder()
    store = FallbackStore(recorder, "one", pytest.fail)
    assert store.secret == b"x"
    assert store.read("a") == b"entry"
    store.write("b", b"data", 7.0)
    store.delete("c")
    with store.lock("d", 2.5):
        pass
    assert recorder.calls == [("read", "a"), ("write", "b", b"data", 7.0), ("delete", "c"), ("lock", "d", 2.5)]


def test_an_outage_of_one_cache_is_none_of_another() -> None:
    working = Recorder()
    FallbackStore(Recorder(StoreError("down", retryable=True)), "one", lambda _text: None).read("a")
    assert FallbackStore(working, "two", pytest.fail).read("a") == b"entry"
    assert FallbackStore(working, "one", pytest.fail).read("a") is None


def test_an_outage_is_remembered_for_a_while_only(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    down = Recorder(StoreError("down", retryable=True))
    store = FallbackStore(down, "one", lambda _text: None)
    moments = iter([0.0, 0.0, 1.0, _redis_store.OUTAGE_MEMORY + 1.0, _redis_store.OUTAGE_MEMORY + 1.0])
    scripted = types.SimpleNamespace(monotonic=lambda: 100.0 + next(moments))
    monkeypatch.setattr(_redis_store, "time", scripted)  # not for the threads of the server
    assert [store.read("a") for _time in range(3)] == [None, None, None]
    assert down.asked == 2


def test_the_options_make_the_store(server: RedisHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    params = options(**server.options())
    account = account_from(params, name="packaging")
    store = _token_access.token_store(account, params)
    assert isinstance(store, RedisTokenStore)
    store.write("a", json.dumps("x").encode(), time.time() + 60)
    assert set(server.content()) == {b"apiops_access:a"}
    assert isinstance(_token_access.token_store(account, {**params, "cache_fallback": "none"}), FallbackStore)
