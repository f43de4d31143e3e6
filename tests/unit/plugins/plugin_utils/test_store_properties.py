# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever an entry of the store is: it gives the token that was stored, or none, and never breaks."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    RateLimitedError,
    TransportError,
    error_from_dict,
)
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Token, isoformat
from ansible_collections.apiops.access.plugins.plugin_utils._file_store import FileTokenStore
from ansible_collections.apiops.access.plugins.plugin_utils._token_source import TokenSource
from ansible_collections.apiops.access.plugins.plugin_utils._token_store import Seal
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock, cimcloud, jim2
from hypothesis import HealthCheck, assume, configuration, given, settings, strategies as st

configuration.set_hypothesis_home_dir(Path(__file__).absolute().parents[4] / ".build" / "hypothesis")

# The same examples in every run, so that a failure is one for everybody.
thorough = settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

HEADER = b"apiops.access 1\n"
STORED = Token("tok-stored", "Bearer", NOW + 3600, ("view",), "ref-stored", NOW + 86400)
FRESH = Token("tok-fresh", "Bearer", NOW + 3600)
FAILURE = {"at": NOW, "until": NOW + 60, "error": TransportError("It broke.").to_dict()}
DOCUMENT = {"at": NOW, "task": "task-1", "token": STORED.to_dict(), "renewed": False, "failure": None}


class MemoryStore:
    """A store of one process, whose entries a test can replace."""

    def __init__(self, secret: bytes = b"k" * 32) -> None:
        self.secret = secret
        self.entries: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self.entries.get(name)

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        self.entries[name] = data

    def delete(self, name: str) -> None:
        self.entries.pop(name, None)

    def lock(self, name: str, patience: float) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def source(store: MemoryStore | FileTokenStore, clock: Clock | None = None) -> TokenSource:
    return TokenSource(store, min_ttl=60, task="task-2", clock=clock or Clock())


def sealed_entry(account: Account | None = None, store: MemoryStore | None = None) -> tuple[str, bytes]:
    """The name and the content of the entry that holds STORED."""
    store = store or MemoryStore()
    source(store).obtain(account or jim2(), lambda _previous: STORED)
    ((name, content),) = store.entries.items()
    return name, content


NAME, ENTRY = sealed_entry()


def assert_miss(content: bytes, account: Account | None = None, name: str = NAME) -> None:
    """An entry of this content is as good as none, and the next one takes its place."""
    store = MemoryStore()
    store.entries[name] = content
    asking = source(store)
    assert asking.peek(account or jim2()) is None
    assert asking.stored(account or jim2()) is None
    obtained = asking.obtain(account or jim2(), lambda previous: FRESH if previous is None else STORED)
    assert (obtained.token, obtained.reused) == (FRESH, False)
    assert asking.peek(account or jim2()) == FRESH
    assert list(store.entries) == [name]


def test_the_entry_itself_is_a_hit() -> None:
    store = MemoryStore()
    store.entries[NAME] = ENTRY
    assert source(store).peek(jim2()) == STORED


# What was not sealed by us


@thorough
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=400).map(lambda body: HEADER + body)))
def test_any_bytes_are_a_miss(content: bytes) -> None:
    assert_miss(content)


def test_an_entry_that_ends_anywhere_is_a_miss() -> None:
    for length in range(len(ENTRY)):
        assert_miss(ENTRY[:length])


def test_an_entry_with_any_bit_flipped_is_a_miss() -> None:
    for position in range(len(ENTRY)):
        for bit in range(8):
            flipped = bytearray(ENTRY)
            flipped[position] ^= 1 << bit
            store = MemoryStore()
            store.entries[NAME] = bytes(flipped)
            assert source(store).peek(jim2()) is None


@thorough
@given(st.integers(0, len(ENTRY)), st.integers(0, len(ENTRY)), st.binary(max_size=40))
def test_an_entry_with_a_part_replaced_is_a_miss(start: int, end: int, part: bytes) -> None:
    content = ENTRY[:start] + part + ENTRY[end:]
    assume(content != ENTRY)
    assert_miss(content)


@thorough
@given(st.one_of(st.integers(0, 10**6).map(lambda number: b"apiops.access %d\n" % number), st.binary(max_size=20)))
def test_another_version_of_the_format_is_a_miss(header: bytes) -> None:
    assume(header != HEADER)
    assert_miss(header + ENTRY.removeprefix(HEADER))


@thorough
@given(st.data())
def test_a_damaged_file_is_a_miss(data: st.DataObject) -> None:
    """As above, with the store of every user."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store = FileTokenStore(Path(folder) / "cache", clock)
        source(store).obtain(jim2(), lambda _previous: STORED)
        (file,) = (Path(folder) / "cache").glob("*.token")
        content = file.read_bytes()
        cut = data.draw(st.integers(0, len(content) - 1))
        file.write_bytes(content[:cut] + data.draw(st.binary(max_size=len(content) - cut - 1)))
        file.chmod(0o600)
        obtained = source(store).obtain(jim2(), lambda _previous: FRESH)
        assert (obtained.token, obtained.reused) == (FRESH, False)
        assert source(store).peek(jim2()) == FRESH


# What was sealed for others

texts = st.text(st.characters(codec="utf-8"), max_size=12)
changes = st.fixed_dictionaries(
    {},
    optional={
        "client_id": texts,
        "client_secret": texts,
        "base_url": texts.map(lambda path: f"https://jim2.example.com/{path}"),
        "scope": st.lists(texts, max_size=3).map(tuple),
        "token_endpoint_auth_method": st.just("client_secret_post"),
        "assume_expires_in": st.integers(1, 9999),
    },
)


@thorough
@given(changes, changes)
def test_the_entry_of_another_account_is_a_miss(one: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    mine, theirs = jim2(**one), jim2(**other)
    assume(mine != theirs)
    my_name, their_entry = sealed_entry(mine)[0], sealed_entry(theirs)[1]
    assert sealed_entry(theirs)[0] != my_name
    assert_miss(their_entry, mine, my_name)


@thorough
@given(texts, texts, texts, texts)
def test_two_secrets_are_never_taken_for_two_others(secret: str, key: str, other_secret: str, other_key: str) -> None:
    """Such as ab and c for a and bc."""
    mine = cimcloud(client_secret=secret, auth_key=key)
    theirs = cimcloud(client_secret=other_secret, auth_key=other_key)
    assume(mine != theirs)
    assert_miss(sealed_entry(theirs)[1], mine, sealed_entry(mine)[0])
    parts = [secret, key, secret + key, key + secret]
    assert len({Seal("x", [part, ""], b"k").name for part in parts}) == len(set(parts))


@thorough
@given(st.binary(min_size=1, max_size=64))
def test_the_entry_of_another_store_is_a_miss(secret: bytes) -> None:
    assume(secret.rstrip(b"\0") != MemoryStore().secret)
    name, content = sealed_entry(store=MemoryStore(secret))
    assert name != NAME
    assert_miss(content)


# What was sealed by us, but holds something else

# JSON can write half a surrogate pair, and Python reads it; as it reads NaN, and numbers beyond any float.
ODD: list[t.Any] = [
    None, True, False, 0, -1, 0.5, 1e20, -1e20, 10**400, -(10**400), float("nan"), float("inf"), float("-inf"),
    "", "x", "\ud800", "RefusedError", [], ["x"], [None], [[]], {}, {"x": "y"},
]  # fmt: skip

json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=8),
        st.sampled_from(ODD),
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=4), st.dictionaries(st.text(st.characters(), max_size=8), values, max_size=4)
    ),
    max_leaves=8,
)


def places(document: t.Any) -> list[tuple[str, ...]]:
    """The path of every field."""
    if not isinstance(document, dict):
        return []
    return [(key, *rest) for key, value in document.items() for rest in ((), *places(value))]


def changed(document: dict[str, t.Any], place: tuple[str, ...], *value: t.Any) -> dict[str, t.Any]:
    """The document with another value at this place, or with none."""
    copied = copy.deepcopy(document)
    inner = copied
    for key in place[:-1]:
        inner = inner[key]
    if value:
        inner[place[-1]] = value[0]
    else:
        del inner[place[-1]]
    return copied


def almost(document: dict[str, t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    """The document with one field missing or something else."""
    place = st.sampled_from(places(document))
    return st.one_of(
        st.builds(lambda where: changed(document, where), place),
        st.builds(lambda where, value: changed(document, where, value), place, json_values),
    )


def broken(using: t.Callable[[t.Any], object], documents: t.Iterable[dict[str, t.Any]]) -> dict[str, set[str]]:
    """What the use of these documents broke with, each field having been each odd value; and where."""
    found: dict[str, set[str]] = {}
    for document in documents:
        for place in places(document):
            for value in ODD:
                try:
                    using(changed(document, place, value))
                except Exception as error:
                    found.setdefault(f"{type(error).__name__}: {error}"[:120], set()).add(".".join(place))
    return found


def planted(document: t.Any) -> MemoryStore:
    """A store with an entry that is sealed as it should be, and holds this."""
    store = MemoryStore()
    seal = source(store)._seal(jim2(), "")
    assert seal.name == NAME
    store.entries[NAME] = seal.seal(document if isinstance(document, bytes) else json.dumps(document).encode())
    return store


def use(document: t.Any) -> None:
    """Use an entry in all ways there are: it is what it says, or nothing."""
    said = document.get("token") if isinstance(document, dict) else None
    told = said.get("access_token") if isinstance(said, dict) else None
    for rejected in (None, "0123456789ab"):
        for force in (False, True):
            asking = source(planted(document))
            for token in (asking.peek(jim2()), asking.stored(jim2())):
                assert token is None or token.access_token == told
            error: AccessError | None
            try:
                obtained = asking.obtain(jim2(), lambda _previous: FRESH, force=force, rejected=rejected)
            except AccessError as raised:
                error = raised
            else:
                error = None
                assert obtained.token.access_token == (told if obtained.reused else FRESH.access_token)
            # What is raised is a failure that was remembered.
            assert error is None or (document["failure"] and isinstance(error.message, str))


@thorough
@given(st.binary(max_size=40))
def test_a_sealed_text_that_is_no_json_is_a_miss(content: bytes) -> None:
    use(content)


@pytest.mark.parametrize("text", [b"[", b'{"at":', b"9"], ids=["deep list", "deep dictionary", "long number"])
def test_a_sealed_text_that_is_too_much_is_a_miss(text: bytes) -> None:
    use(text * 100_000)


@thorough
@given(json_values)
def test_a_sealed_document_of_any_kind_never_breaks(document: t.Any) -> None:
    use(document)


@thorough
@given(almost(DOCUMENT))
def test_a_sealed_entry_with_anything_in_a_field_never_breaks(document: dict[str, t.Any]) -> None:
    use(document)


@thorough
@given(almost({**DOCUMENT, "failure": FAILURE}), st.booleans())
def test_a_sealed_failure_with_anything_in_a_field_never_breaks(document: dict[str, t.Any], alone: bool) -> None:
    use({**document, "token": None} if alone else document)


def test_a_sealed_entry_with_odd_values_never_breaks() -> None:
    documents = [DOCUMENT, {**DOCUMENT, "failure": FAILURE}, {**DOCUMENT, "token": None, "failure": FAILURE}]
    assert broken(use, documents) == {}


# What comes back from a host


def use_token(document: t.Any) -> None:
    try:
        token = Token.from_dict(document)
    except (KeyError, TypeError, ValueError):
        return
    assert json.dumps(Token.from_dict(json.loads(json.dumps(token.to_dict()))).to_dict()) == json.dumps(token.to_dict())
    for value in (token.authorization, token.fingerprint, isoformat(token.expires_at) or ""):
        assert value.encode() is not None
    assert (token.expires_in(NOW) or 0) >= 0
    assert token.outlives(NOW) in (True, False)
    assert all(isinstance(secret, str) for secret in token.secrets)


@thorough
@given(st.one_of(json_values, almost(STORED.to_dict())))
def test_a_token_is_whole_or_none(document: t.Any) -> None:
    use_token(document)


def test_a_token_with_odd_values_is_whole_or_none() -> None:
    assert broken(use_token, [STORED.to_dict()]) == {}


def use_error(document: t.Any) -> None:
    try:
        error = error_from_dict(document)
    except (KeyError, TypeError, ValueError):
        return
    told = error.about("packaging", "rimo3")
    assert told.message.startswith("Account 'packaging' (rimo3): ") or told is error
    assert str(told) == told.message
    assert isinstance(min(error.retry_after or 0.0, 1.0), (int, float))


ERROR = TransportError("It broke.", status=500, retry_after=1.0).to_dict()


@thorough
@given(st.one_of(json_values, almost(ERROR)))
def test_an_error_is_whole_or_none(document: t.Any) -> None:
    use_error(document)


def test_an_error_with_odd_values_is_whole_or_none() -> None:
    assert broken(use_error, [ERROR]) == {}


# Clocks

jumps = st.lists(
    st.one_of(
        st.floats(-1e5, 1e5), st.sampled_from([59.0, 60.0, 61.0, -59.0, -60.0, -61.0, 3540.0, 3600.0, 1e10, -1e9])
    ),
    min_size=1,
    max_size=8,
)


@thorough
@given(jumps)
def test_a_clock_that_jumps_gives_the_last_token_or_a_new_one(steps: list[float]) -> None:
    clock, store = Clock(), MemoryStore()
    granted: list[tuple[float, Token]] = []

    def request(previous: Token | None) -> Token:
        assert previous is None or previous == granted[-1][1]
        granted.append((clock(), Token(f"tok-{len(granted)}", expires_at=clock() + 3600)))
        return granted[-1][1]

    for step in [0.0, *steps]:
        clock.now += step
        for asked in (source(store, clock).peek(jim2()), source(store, clock).stored(jim2())):
            assert asked is None or asked == granted[-1][1]
        obtained = source(store, clock).obtain(jim2(), request)
        at, token = granted[-1]
        assert obtained.token == token
        # Neither one that this clock says is over, nor one from its future.
        assert clock() + 60 < t.cast(float, token.expires_at)
        assert at <= clock() + 60
        assert obtained.reused or at == clock()


@thorough
@given(jumps)
def test_a_clock_that_jumps_holds_nobody_back_for_longer_than_was_asked(steps: list[float]) -> None:
    clock, store = Clock(), MemoryStore()

    def refuse(_previous: Token | None) -> Token:
        raise RateLimitedError("Slow down.", status=429, retry_after=300.0)

    with pytest.raises(RateLimitedError):
        source(store, clock).obtain(jim2(), refuse)
    for step in steps:
        clock.now += step
    with contextlib.suppress(RateLimitedError):
        assert source(store, clock).obtain(jim2(), lambda _previous: FRESH).token == FRESH
        return
    assert NOW - 60 <= clock() < NOW + 300


def test_all_fields_of_a_token_are_kept() -> None:
    assert set(STORED.to_dict()) == {field.name for field in dataclasses.fields(Token)}
