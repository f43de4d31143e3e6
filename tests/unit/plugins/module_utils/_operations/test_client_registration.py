# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registration of an account, with a server that plays a script and records that can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.module_utils._account_record import AccountRecord, PendingChange
from ansible_collections.apiops.access.plugins.module_utils._arguments import API_ACCOUNT_SPEC
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    RateLimitedError,
    RecordsError,
    RefusedError,
    ServerError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._http import HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Account, Verdict
from ansible_collections.apiops.access.plugins.module_utils._operations.api_account import wanted_account
from ansible_collections.apiops.access.plugins.module_utils._operations.client_registration import (
    ClientRegistration,
    check_rotation,
    client_metadata,
    compared,
)
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock, Exchange, ScriptedTransport, answer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

SERVER = "https://auth.example.com"
REGISTER = f"POST {SERVER}/register"
NAME = "erp"
DAY = 86400.0
INITIAL = secrets.token_urlsafe()
MINIMAL = {
    "client_name": NAME,
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
    "token_endpoint_auth_method": "client_secret_basic",
}
LOST = TransportError("It broke.", kind="timeout")
UNSENT = TransportError("It was not reached.", kind="connection", unsent=True)
UNFORESEEN = AccessError("The call failed in an unforeseen way (RuntimeError).")

NO_HANDLE: dict[str, t.Any] = {"registration_access_token": None}

Reply = t.Union[HttpResponse, AccessError, BaseException]


def uri(client_id: str) -> str:
    return f"{SERVER}/register/{client_id}"


class Memory:
    """Records without a file. ``broken`` are the methods that fail, ``killed`` the one in which the run ends."""

    def __init__(self, events: list[str], clock: Clock) -> None:
        self.events = events
        self.clock = clock
        self.kept: dict[str, AccountRecord] = {}
        self.noted: dict[str, PendingChange] = {}
        self.broken: set[str] = set()
        self.killed: str | None = None

    def _write(self, method: str, told: str = "") -> None:
        if method == self.killed:
            self.killed = None
            raise KeyboardInterrupt
        if method in self.broken:
            raise RecordsError("records_file '/accounts.yml' cannot be written: No space left on device.")
        self.events.append(f"{method} {told}".strip())

    def get(self, name: str) -> AccountRecord | None:
        return self.kept.get(name)

    def pending(self, name: str) -> PendingChange | None:
        return self.noted.get(name)

    def note(self, name: str, action: str, server: str) -> None:
        self._write("note", action)
        self.noted[name] = PendingChange(name, action, self.clock(), server)

    def keep(self, record: AccountRecord, *, settles: bool = True) -> None:
        self._write("keep", record.client_id)
        self.kept[record.name] = record
        if settles:
            self.noted.pop(record.name, None)

    def settle(self, name: str) -> None:
        self._write("settle")
        self.noted.pop(name, None)

    def forget(self, name: str) -> None:
        self._write("forget")
        self.kept.pop(name, None)
        self.noted.pop(name, None)


class Server(ScriptedTransport):
    """Plays a script, and tells of it; a reply can also be the end of the run."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    def send(self, request: HttpRequest) -> HttpResponse:
        self.events.append(request.method)
        if self.script and isinstance(t.cast(object, self.script[0][1]), KeyboardInterrupt):
            raise KeyboardInterrupt
        return super().send(request)


class World:
    """A server, records, and credentials that work; nothing that is said may have a secret."""

    def __init__(self, trouble: AccessError | None = None) -> None:
        self.events: list[str] = []
        self.server = Server(self.events)
        self.clock = Clock()
        self.records = Memory(self.events, self.clock)
        self.working: dict[str, str | None] = {}
        """The accounts whose credentials work, and their secrets."""
        self.trouble = trouble
        """What a proof ends with."""
        self.secrets: list[str] = [INITIAL]
        self.masked: set[str] = set()

    def secret(self) -> str:
        self.secrets.append(secrets.token_urlsafe())
        return self.secrets[-1]

    def plays(self, *exchanges: tuple[str, Reply]) -> None:
        self.server.script += t.cast(t.List[Exchange], list(exchanges))  # noqa: UP006

    def prove(self, account: Account) -> Verdict:
        self.events.append(f"prove {account.client_id}")
        if self.trouble:
            raise self.trouble
        known = account.client_id in self.working
        if known and self.working[str(account.client_id)] == account.client_secret:
            return Verdict("valid", "active", "The token is active.", token_valid=True)
        return Verdict("invalid", "invalid_client", "It was refused.", status=401, token_valid=False)

    def client(self, client_id: str = "client-1", **changes: t.Any) -> dict[str, t.Any]:
        """What the server says of an account, with a secret and a handle of its own."""
        told = {
            **MINIMAL,
            "client_id": client_id,
            "client_id_issued_at": int(NOW),
            "client_secret": self.secret(),
            "client_secret_expires_at": 0,
            "registration_access_token": self.secret(),
            "registration_client_uri": uri(client_id),
        }
        told.update(changes)
        return {field: value for field, value in told.items() if value is not None}

    def registered(self, told: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
        """Have an account in the records as an earlier run left it; return what the server says of it."""
        told = told or self.client()
        record = dataclasses.replace(self.record_of(told), **changes)
        sent = {**record.sent, **record.settings}
        self.records.kept[NAME] = dataclasses.replace(record, sent=sent)
        self.working[told["client_id"]] = told.get("client_secret")
        return told

    def record_of(self, told: dict[str, t.Any]) -> AccountRecord:
        return AccountRecord(
            name=NAME,
            options=wanted().options,
            settings={},
            client_id=told["client_id"],
            client_secret=told.get("client_secret"),
            client_uri=told.get("registration_client_uri"),
            access_token=told.get("registration_access_token"),
            registered_at=NOW - DAY,
            secret_changed_at=NOW - DAY,
            sent=MINIMAL,
        )

    def run(self, *, check_mode: bool = False, open_end: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """One run; ``options`` as the user would give them. With an ``open_end`` it need not play all of the script."""
        self.events.clear()
        self.server.sent.clear()
        given = wanted(**options)
        work = ClientRegistration(
            given, self.records, self.prove, mask=self.masked.update, check_mode=check_mode, clock=self.clock
        )
        try:
            result = work.run()
        except AccessError as error:
            self.check(error.message, error.to_dict())
            raise
        self.check(result["msg"], {key: value for key, value in result.items() if key != "client_secret"})
        if not open_end:
            self.server.finished()
        self.server.script.clear()
        return result

    def look(self, **options: t.Any) -> dict[str, t.Any]:
        """What is told of the account."""
        self.events.clear()
        self.server.sent.clear()
        given = wanted(**options)
        work = ClientRegistration(
            given, self.records, self.prove, mask=self.masked.update, check_mode=False, clock=self.clock
        )
        result = work.look()
        self.server.finished()
        assert not [secret for secret in self.secrets if secret in str(result)]
        return result

    def fails(self, kind: type[AccessError] = AccessError, **options: t.Any) -> AccessError:
        with pytest.raises(kind) as caught:
            self.run(**options)
        self.server.finished()
        return caught.value

    def check(self, message: str, said: object) -> None:
        assert message.startswith(f"Account '{NAME}' (oauth2): ")
        assert not [secret for secret in self.secrets if secret in str(said)]

    def sent(self, number: int = 0) -> t.Any:
        """The document of a request."""
        body = self.server.sent[number].body
        assert isinstance(body, bytes)
        return json.loads(body)

    @property
    def record(self) -> AccountRecord:
        return self.records.kept[NAME]

    @property
    def calls(self) -> list[str]:
        """The requests of the last run."""
        return [event for event in self.events if event in ("GET", "POST", "PUT", "DELETE")]

    @property
    def writes(self) -> list[str]:
        """What the last run wrote into the records."""
        return [event for event in self.events if event.split()[0] in ("note", "keep", "settle", "forget")]


def wanted(**options: t.Any) -> t.Any:
    params = {name: option.get("default") for name, option in API_ACCOUNT_SPEC.items()}
    params |= {
        "provider": "oauth2",
        "name": NAME,
        "token_endpoint": f"{SERVER}/token",
        "registration_endpoint": f"{SERVER}/register",
        "records_file": "/accounts.yml",
        **options,
    }
    return wanted_account(params, frozenset(options))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[World]:
    made = World()
    monkeypatch.setattr(
        "ansible_collections.apiops.access.plugins.module_utils._transport.Transport",
        lambda _options, **_details: made.server,
    )
    yield made
    made.server.finished()


@pytest.fixture
def key() -> str:
    """A new private key in PEM form."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def reads(told: dict[str, t.Any]) -> tuple[str, HttpResponse]:
    return (f"GET {uri(told['client_id'])}", answer(200, told))


def puts(told: dict[str, t.Any], reply: Reply | None = None) -> tuple[str, Reply]:
    return (f"PUT {uri(told['client_id'])}", answer(200, told) if reply is None else reply)


def deletes(client_id: str, reply: Reply | int = 204) -> tuple[str, Reply]:
    return (f"DELETE {uri(client_id)}", answer(reply) if isinstance(reply, int) else reply)


# Creation


def test_an_account_is_noted_registered_stored_and_proven_in_this_order(world: World) -> None:
    told = world.client()
    world.working["client-1"] = told["client_secret"]
    world.plays((REGISTER, answer(201, told)))
    result = world.run()
    assert world.events == ["note create", "POST", "keep client-1", "prove client-1"]
    assert (result["changed"], result["secret"], result["verified"]) == (True, "created", True)
    assert (result["management"], result["action_required"], result["portal"]) == ("api", False, None)
    assert result["account"]["client_id"] == "client-1"
    assert world.records.noted == {}


def test_the_server_is_asked_for_an_account_that_may_use_the_one_grant(world: World) -> None:
    told = world.client(scope="b a", contacts=["x@example.com"])
    world.plays((REGISTER, answer(201, told)))
    world.run(scope=["a", "b"], settings={"contacts": "x@example.com"}, initial_access_token=INITIAL)
    (request,) = world.server.sent
    assert world.sent() == {**MINIMAL, "scope": "a b", "contacts": ["x@example.com"]}
    assert dict(request.headers) == {"Authorization": f"Bearer {INITIAL}", "Content-Type": "application/json"}
    assert request.repeatable is False


def test_without_an_initial_access_token_none_is_sent(world: World) -> None:
    world.plays((REGISTER, answer(201, world.client())))
    world.run()
    assert "Authorization" not in world.server.sent[0].headers


def test_settings_go_before_what_follows_from_the_options(world: World) -> None:
    settings: dict[str, t.Any] = {
        "client_name": "ERP",
        "scope": "x",
        "grant_types": ["client_credentials", "refresh_token"],
    }
    world.plays((REGISTER, answer(201, world.client(**settings))))
    world.run(scope=["a"], settings=settings)
    assert {field: world.sent()[field] for field in settings} == settings


def test_all_that_the_server_hands_out_is_stored(world: World) -> None:
    told = world.client(client_secret_expires_at=int(NOW + 90 * DAY))
    world.plays((REGISTER, answer(201, told)))
    world.run(settings={"client_name": NAME})
    assert world.record == AccountRecord(
        name=NAME,
        options=wanted().options,
        settings={"client_name": NAME},
        client_id="client-1",
        client_secret=told["client_secret"],
        client_uri=uri("client-1"),
        access_token=told["registration_access_token"],
        registered_at=NOW,
        secret_changed_at=NOW,
        secret_expires_at=NOW + 90 * DAY,
        sent=MINIMAL,
    )


def test_what_the_server_hands_out_is_masked_from_then_on(world: World) -> None:
    told = world.client()
    world.plays((REGISTER, answer(201, told)))
    world.run()
    assert {told["client_secret"], told["registration_access_token"]} <= world.masked


def test_the_address_of_an_account_is_kept_to_the_letter(world: World) -> None:
    # RFC 7592 section 3: the client uses the URI as it is given, and must not construct one.
    address = f"{uri('client-1')}/"
    told = world.client(registration_client_uri=address)
    world.plays((REGISTER, answer(201, told)))
    world.run()
    assert world.record.client_uri == address


def test_an_account_without_a_secret_says_nothing_of_one(world: World, key: str) -> None:
    told = world.client(client_secret=None, token_endpoint_auth_method="private_key_jwt")
    world.plays((REGISTER, answer(201, {**told, "jwks": {"keys": []}})))
    with contextlib.suppress(AccessError):  # the keys are missing in the answer
        world.run(private_key=key)
    assert world.sent()["token_endpoint_auth_method"] == "private_key_jwt"
    (jwk,) = world.sent()["jwks"]["keys"]
    assert set(jwk) == {"kty", "crv", "x", "y", "use"}
    assert "d" not in jwk
    assert (world.record.client_secret, world.record.secret_changed_at) == (None, None)
    world.plays((REGISTER, answer(201, {**world.client("client-2", client_secret=None), **world.sent()})))
    world.records.kept.clear()
    assert world.run(private_key=key)["secret"] == "unchanged"


def test_a_secret_that_nobody_asked_for_does_not_change_how_the_account_proves_itself(world: World, key: str) -> None:
    # Some servers hand out a secret to every client. What the record says is what all other tasks go by.
    told = world.client(**client_metadata(wanted(private_key=key).account, {}))
    world.plays((REGISTER, answer(201, told)))
    world.run(private_key=key)
    recorded = {**world.record.options, "client_id": "client-1", "client_secret": world.record.client_secret}
    assert wanted(**recorded).account.token_endpoint_auth_method == "private_key_jwt"


@pytest.mark.parametrize("handle", ["registration_client_uri", "registration_access_token"])
def test_a_server_need_not_hand_out_a_handle(world: World, handle: str) -> None:
    without: dict[str, t.Any] = {handle: None}
    told = world.client(**without)
    world.working["client-1"] = told["client_secret"]
    world.plays((REGISTER, answer(201, told)))
    assert world.run()["verified"] is True
    result = world.run(settings={"contacts": ["x"]})
    assert world.calls == []
    assert (result["management"], result["actions"], result["changed"]) == ("portal", ["change"], False)


def test_a_server_that_changes_what_was_asked_for_is_told_and_the_account_is_kept(world: World) -> None:
    world.plays((REGISTER, answer(201, world.client(scope="a"))))
    error = world.fails(scope=["a", "b"])
    assert (error.kind, "scope" in error.message, "client-1" in error.message) == ("not_accepted", True, True)
    assert (world.record.client_id, world.records.noted) == ("client-1", {})


def test_what_the_server_does_not_tell_is_unchecked(world: World) -> None:
    told = world.client()
    world.working["client-1"] = told["client_secret"]
    world.plays((REGISTER, answer(201, told)))
    assert world.run(settings={"x_tier": "gold"})["unchecked"] == ["x_tier"]
    world.plays(reads(told))
    result = world.run(settings={"x_tier": "gold"})
    assert (result["unchecked"], result["changed"], world.writes) == (["x_tier"], False, [])


def test_credentials_that_do_not_work_are_to_be_repaired_and_the_account_is_kept(world: World) -> None:
    world.plays((REGISTER, answer(201, world.client(x_own="1"))))
    result = world.run(settings={"x_own": "1"})
    assert (result["verified"], result["actions"], result["changed"]) == (False, ["repair"], True)
    assert world.record.client_id == "client-1"


def test_a_proof_that_breaks_off_loses_nothing(world: World) -> None:
    told = world.client()
    world.trouble = TransportError("The token endpoint is out of reach.")
    world.plays((REGISTER, answer(201, told)))
    world.fails(TransportError)
    assert (world.record.client_secret, world.records.noted) == (told["client_secret"], {})


def test_a_server_without_registration_is_told_before_anything_is_noted(world: World) -> None:
    error = world.fails(ConfigurationError, registration_endpoint=None)
    assert "registration_endpoint" in error.message
    assert world.events == []


def test_credentials_of_an_account_without_a_record_are_not_managed(world: World) -> None:
    for state in ("present", "absent"):
        error = world.fails(ConfigurationError, client_id="client-1", client_secret=world.secret(), state=state)
        assert "records_file has no record" in error.message
    assert world.events == []


# Creation that fails


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(400, {"error": "invalid_client_metadata"}), ConfigurationError),
        (answer(400, {"error": "invalid_redirect_uri"}), ConfigurationError),
        (answer(401, {"error": "invalid_token"}), RefusedError),
        (answer(403), RefusedError),
        (answer(404), AccessError),
        (answer(405), AccessError),
        (answer(409), AccessError),
        (answer(429), RateLimitedError),
        (UNSENT, TransportError),
    ],
)
def test_what_the_server_refuses_leaves_nothing(world: World, reply: Reply, kind: type[AccessError]) -> None:
    world.plays((REGISTER, reply))
    world.fails(kind, initial_access_token=INITIAL)
    assert world.events == ["note create", "POST", "settle"]
    assert (world.records.kept, world.records.noted) == ({}, {})


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        UNFORESEEN,
        TransportError("Too large.", kind="too_large", status=201),
        TransportError("A redirect.", kind="redirect", status=303),
        answer(500),
        answer(503),
        answer(202),
        answer(201, body="{"),
        answer(201, body="<html>", content_type="text/html"),
        answer(201, [1]),
        answer(201, {"client_secret": "x"}),
        answer(201, {"client_id": 7}),
    ],
)
def test_a_lost_answer_makes_no_second_account(world: World, reply: Reply) -> None:
    world.plays((REGISTER, reply))
    error = world.fails(settings={"client_name": "ERP sync"})
    for told in (f"{SERVER}/register", "'ERP sync'", "2027-01-15T08:00:00Z", "state: absent"):
        assert told in error.message
    error = world.fails(settings={"client_name": "ERP sync"})
    assert (error.kind, world.events) == ("unfinished", [])
    for told in (f"{SERVER}/register", "'ERP sync'", "2027-01-15T08:00:00Z", "state: absent"):
        assert told in error.message
    result = world.run(state="absent")
    assert (result["changed"], world.events) == (True, ["forget"])
    assert world.records.noted == {}


def test_check_mode_tells_of_a_lost_answer_too(world: World) -> None:
    world.records.note(NAME, "create", SERVER)
    assert world.fails(check_mode=True).kind == "unfinished"
    assert world.run(check_mode=True, state="absent")["changed"] is True
    assert world.events == []
    assert NAME in world.records.noted


def test_nothing_is_sent_where_nothing_can_be_stored(world: World) -> None:
    world.records.broken = {"note"}
    world.fails(RecordsError)
    assert world.calls == []


def test_an_account_that_cannot_be_stored_is_deleted_again(world: World) -> None:
    told = world.client()
    world.records.broken = {"keep"}
    world.plays((REGISTER, answer(201, told)), deletes("client-1"))
    error = world.fails(RecordsError)
    assert world.events == ["note create", "POST", "DELETE", "settle"]
    assert world.server.sent[1].headers["Authorization"] == f"Bearer {told['registration_access_token']}"
    assert "No space left on device" in error.message
    assert "nothing is left of it" in error.message
    assert (world.records.kept, world.records.noted) == ({}, {})


def test_a_disk_that_is_full_for_good_is_told_as_it_is(world: World) -> None:
    world.records.broken = {"keep", "settle"}
    world.plays((REGISTER, answer(201, world.client())), deletes("client-1"))
    error = world.fails(RecordsError)
    assert "state: absent" in error.message
    assert NAME in world.records.noted


@pytest.mark.parametrize(
    ("handle", "reply"), [({}, 500), ({}, LOST), ({}, 405), ({"registration_access_token": None}, None)]
)
def test_an_account_that_can_neither_be_stored_nor_deleted_is_named(
    world: World, handle: dict[str, t.Any], reply: t.Any
) -> None:
    world.records.broken = {"keep"}
    world.plays((REGISTER, answer(201, world.client(**handle))))
    if reply:
        world.plays(deletes("client-1", reply))
    error = world.fails(RecordsError)
    assert "client client-1" in error.message
    assert "lost" in error.message
    assert NAME in world.records.noted


@pytest.mark.parametrize("moment", ["POST", "keep"])
def test_a_run_that_is_killed_makes_no_second_account(world: World, moment: str) -> None:
    if moment == "keep":
        world.records.killed = "keep"
        world.plays((REGISTER, answer(201, world.client())))
    else:
        world.plays((REGISTER, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.server.script.clear()
    assert world.records.noted[NAME].action == "create"
    assert world.fails().kind == "unfinished"
    assert world.calls == []


# An account that is there


def test_an_account_as_wanted_is_read_and_proven_and_nothing_is_written(world: World) -> None:
    told = world.registered()
    world.plays(reads(told))
    result = world.run()
    assert world.events == ["GET", "prove client-1"]
    assert (result["changed"], result["secret"], result["verified"], result["management"]) == (
        False, "unchanged", True, "api",
    )  # fmt: skip
    assert world.server.sent[0].headers["Authorization"] == f"Bearer {told['registration_access_token']}"
    assert world.server.sent[0].body is None


def test_a_second_run_finds_what_the_first_one_made(world: World) -> None:
    settings: dict[str, t.Any] = {
        "contacts": ["b", "a"],
        "x_limits": {"rate": 5},
        "client_uri": "https://erp.example.com",
    }
    told = world.client(**{**settings, "contacts": ["a", "b"]}, scope="b a", client_secret_expires_at=NOW + 1e7)
    world.working["client-1"] = told["client_secret"]
    world.plays((REGISTER, answer(201, told)))
    assert world.run(scope=["a", "b"], settings=settings)["changed"] is True
    world.plays(reads(told))
    result = world.run(scope=["a", "b"], settings=settings)
    assert (result["changed"], result["differences"], world.writes) == (False, [], [])


def test_the_client_id_of_the_record_is_used_whatever_is_given(world: World) -> None:
    world.plays(reads(world.registered()))
    assert world.run(client_id="client-1", client_secret=world.secret())["verified"] is True


def test_an_update_replaces_all_and_keeps_what_the_server_has_beside(world: World) -> None:
    told = world.registered(world.client(x_own="kept", logo_uri="https://example.com/logo", contacts=["old"]))
    world.plays(reads(told), puts({**told, "contacts": ["new"]}))
    result = world.run(settings={"contacts": ["new"]})
    assert world.events == ["GET", "note update", "PUT", "keep client-1", "prove client-1"]
    assert world.sent(1) == {
        **MINIMAL,
        "client_id": "client-1",
        "client_secret": told["client_secret"],
        "contacts": ["new"],
        "logo_uri": "https://example.com/logo",
        "x_own": "kept",
    }
    assert world.server.sent[1].headers["Content-Type"] == "application/json"
    assert (result["changed"], result["secret"]) == (True, "unchanged")
    assert result["differences"] == [{"field": "contacts", "wanted": ["new"], "found": ["old"]}]
    assert (world.record.settings, world.records.noted) == ({"contacts": ["new"]}, {})


def test_an_account_without_a_secret_sends_none(world: World) -> None:
    told = world.registered(world.client(client_secret=None))
    world.plays(reads(told), puts({**told, "contacts": ["new"]}))
    world.run(settings={"contacts": ["new"]})
    assert "client_secret" not in world.sent(1)


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ({"contacts": ["b", "a"]}, {"settings": {"contacts": ["a", "b"]}}),
        ({"contacts": ["a", "a"]}, {"settings": {"contacts": ["a"]}}),
        ({"scope": "b  a a"}, {"scope": ["a", "b"]}),
        ({"scope": "b a"}, {"settings": {"scope": "a b"}}),
        ({"redirect_uris": None, "response_types": None}, {}),
        ({"jwks": {"keys": [{"n": "1", "e": "AQAB", "kty": "RSA", "alg": "RS256"}]}},
         {"settings": {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1"}]}}}),
        ({"x_limits": {"a": 1, "b": 2}}, {"settings": {"x_limits": {"b": 2, "a": 1}}}),
    ],
)  # fmt: skip
def test_what_is_the_same_in_another_order_is_no_change(
    world: World, found: dict[str, t.Any], asked: dict[str, t.Any]
) -> None:
    told = world.registered(world.client(**found), settings=asked.get("settings", {}))
    world.plays(reads(told))
    result = world.run(**asked)
    assert (result["changed"], result["unchecked"], world.calls) == (False, [], ["GET"])


@pytest.mark.parametrize(
    ("found", "asked", "field"),
    [
        ({"contacts": ["a"]}, {"settings": {"contacts": ["a", "b"]}}, "contacts"),
        ({"scope": "a b"}, {"scope": ["a"]}, "scope"),
        ({"grant_types": ["client_credentials", "password"]}, {}, "grant_types"),
        ({"response_types": ["code"]}, {}, "response_types"),
        ({"client_name": "else"}, {}, "client_name"),
        ({"token_endpoint_auth_method": "client_secret_post"}, {}, "token_endpoint_auth_method"),
        ({"x_on": True}, {"settings": {"x_on": False}}, "x_on"),
        ({"x_no": 0}, {"settings": {"x_no": 1}}, "x_no"),
        ({"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1"}]}},
         {"settings": {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "2"}]}}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1", "kid": "old"}]}},
         {"settings": {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1", "kid": "new"}]}}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1", "x5c": ["old"]}]}},
         {"settings": {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1", "x5c": ["new"]}]}}}, "jwks"),
    ],
)  # fmt: skip
def test_what_differs_is_changed(world: World, found: dict[str, t.Any], asked: dict[str, t.Any], field: str) -> None:
    told = world.registered(world.client(**found))
    world.plays(reads(told), (f"PUT {uri('client-1')}", answer(200, {**told, **as_asked(asked)})))
    world.run(**asked)
    assert world.sent(1)[field] == as_asked(asked)[field]


def as_asked(asked: dict[str, t.Any]) -> dict[str, t.Any]:
    """The metadata that some options ask for."""
    given = wanted(**asked)
    return client_metadata(given.account, given.settings)


def test_a_new_setting_is_asked_for_though_the_server_may_not_tell_of_it(world: World) -> None:
    told = world.registered()
    world.plays(reads(told), puts(told))
    result = world.run(settings={"x_tier": "gold"})
    assert (result["changed"], result["unchecked"]) == (True, ["x_tier"])
    world.plays(reads(told))
    result = world.run(settings={"x_tier": "gold"})
    assert (result["changed"], world.calls) == (False, ["GET"])


def test_a_setting_of_another_value_is_asked_for_though_the_server_does_not_tell_of_it(world: World) -> None:
    told = world.registered(settings={"x_tier": "gold"})
    world.plays(reads(told), puts(told))
    assert world.run(settings={"x_tier": "silver"})["changed"] is True
    assert world.sent(1)["x_tier"] == "silver"


def test_a_new_key_is_registered_though_the_server_does_not_tell_of_keys(world: World, key: str) -> None:
    first = wanted(private_key=key)
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = world.registered(
        world.client(client_secret=None, token_endpoint_auth_method="private_key_jwt"),
        options=first.options,
        sent=client_metadata(first.account, {}),
    )
    world.plays(reads(told))
    assert world.run(private_key=key)["changed"] is False
    world.plays(reads(told), puts(told))
    assert world.run(private_key=other.decode())["changed"] is True


@pytest.mark.parametrize(
    ("found", "settings", "gone"),
    [
        # RFC 7591 section 2: jwks and jwks_uri must not both be there.
        ({"jwks": {"keys": []}}, {"jwks_uri": f"{SERVER}/keys"}, "jwks"),
        ({"jwks_uri": f"{SERVER}/keys"}, {"jwks": {"keys": [{"kty": "RSA", "n": "1", "e": "AQAB"}]}}, "jwks_uri"),
        # RFC 8705 section 2.1.2: exactly one of them.
        ({"tls_client_auth_subject_dn": "CN=old"}, {"tls_client_auth_san_dns": "new"}, "tls_client_auth_subject_dn"),
        # What an assertion was signed with is nothing to an account that has a secret now.
        ({"token_endpoint_auth_signing_alg": "RS256", "token_endpoint_auth_method": "private_key_jwt"}, {},
         "token_endpoint_auth_signing_alg"),
    ],
)  # fmt: skip
def test_an_update_has_nothing_that_excludes_what_is_asked_for(
    world: World, found: dict[str, t.Any], settings: dict[str, t.Any], gone: str
) -> None:
    told = world.registered(world.client(**found))
    after = {field: value for field, value in {**told, **MINIMAL, **settings}.items() if field != gone}
    world.plays(reads(told), puts(after))
    world.run(settings=settings)
    assert gone not in world.sent(1)


def test_what_the_server_does_not_take_is_an_error(world: World) -> None:
    told = world.registered(world.client(contacts=["old"]))
    world.plays(reads(told), puts(told))
    error = world.fails(settings={"contacts": ["new"]})
    assert (error.kind, "contacts" in error.message) == ("not_accepted", True)
    assert world.records.noted == {}


@pytest.mark.parametrize("reply", [answer(400, {"error": "invalid_client_metadata"}), answer(403), answer(429), UNSENT])
def test_an_update_that_is_refused_leaves_all_as_it_was(world: World, reply: Reply) -> None:
    told = world.registered(world.client(contacts=["old"]))
    before = world.record
    world.plays(reads(told), puts(told, reply))
    world.fails(settings={"contacts": ["new"]})
    assert (world.record, world.records.noted) == (before, {})


def test_a_refusal_that_repeats_the_secret_tells_nobody(world: World) -> None:
    told = world.registered(world.client(contacts=["old"]))
    words = f"client_secret '{told['client_secret']}' is not {told['registration_access_token']}"
    world.plays(reads(told), puts(told, answer(400, {"error": "invalid_client_metadata", "error_description": words})))
    world.fails(ConfigurationError, settings={"contacts": ["new"]})


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_server_that_does_not_answer_the_question_says_nothing_about_the_account(world: World, status: int) -> None:
    told = world.registered()
    world.plays((f"GET {uri('client-1')}", answer(status)))
    world.fails()
    assert world.events == ["GET"]
    assert world.record.access_token == told["registration_access_token"]


@pytest.mark.parametrize(
    "server",
    [
        {"token_endpoint": "https://other.example.com/token", "registration_endpoint": None},
        {"issuer": "https://other.example.com"},
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_credentials_of_an_account_go_to_no_other_server(
    world: World, server: dict[str, t.Any], state: str
) -> None:
    world.registered()
    error = world.fails(ConfigurationError, state=state, **server)
    assert (world.events, "other.example.com" in error.message) == ([], True)


def test_a_record_whose_url_was_spoiled_by_hand_is_of_no_server(world: World) -> None:
    spoiled = {**wanted().options, "issuer": None, "token_endpoint": "https://[2001:db8::1/token"}
    world.registered(options=spoiled)
    error = world.fails(ConfigurationError)
    assert (world.events, "correct the record (ansible-vault edit)" in error.message) == ([], True)


def test_two_issuers_on_one_host_are_two_servers(world: World) -> None:
    def issuer(realm: str) -> dict[str, t.Any]:
        return {"issuer": f"{SERVER}/realms/{realm}", "token_endpoint": None}

    told = world.registered(options=wanted(**issuer("a")).options)
    world.fails(ConfigurationError, **issuer("b"))
    assert world.events == []
    world.plays(reads(told))
    with contextlib.suppress(AccessError):
        world.run(**issuer("a/"))
    assert world.calls[0] == "GET"


def test_options_that_only_the_record_knows_are_brought_up_to_date(world: World) -> None:
    told = world.registered()
    world.plays(reads(told))
    result = world.run(test_path="/status")
    assert (result["changed"], world.writes) == (False, ["keep client-1"])
    assert world.record.options["test_path"] == "/status"


# News by the server


@pytest.mark.parametrize("news", ["client_secret", "registration_access_token"])
def test_what_is_handed_out_anew_by_a_read_is_stored_before_anything_else_happens(world: World, news: str) -> None:
    old = world.registered(world.client(contacts=["old"]))
    told = {**old, news: world.secret()}
    world.plays(reads(told), puts({**told, "contacts": ["new"]}))
    world.run(settings={"contacts": ["new"]})
    assert world.events[:4] == ["GET", "keep client-1", "note update", "PUT"]
    assert world.server.sent[1].headers["Authorization"] == f"Bearer {told['registration_access_token']}"
    assert world.sent(1)["client_secret"] == told["client_secret"]
    assert (world.record.client_secret, world.record.access_token) == (
        told["client_secret"], told["registration_access_token"],
    )  # fmt: skip
    assert told[news] in world.masked


def test_check_mode_does_not_lose_what_is_handed_out_anew(world: World) -> None:
    told = {**world.registered(), "registration_access_token": world.secret()}
    world.plays(reads(told))
    world.run(check_mode=True)
    assert world.record.access_token == told["registration_access_token"]


def test_what_an_update_hands_out_anew_is_stored_before_it_is_proven(world: World) -> None:
    old = world.registered()
    told = {**old, "contacts": ["new"], "client_secret": world.secret(), "registration_access_token": world.secret()}
    world.plays(reads(old), puts(told))
    world.working["client-1"] = told["client_secret"]
    assert world.run(settings={"contacts": ["new"]})["verified"] is True
    assert world.events.index("keep client-1") < world.events.index("prove client-1")
    assert world.record.secret_changed_at == NOW
    world.plays(reads(told))
    assert world.run(settings={"contacts": ["new"]})["changed"] is False
    assert world.server.sent[0].headers["Authorization"] == f"Bearer {told['registration_access_token']}"


@pytest.mark.parametrize("step", ["read", "update"])
def test_news_that_cannot_be_stored_are_told_without_themselves(world: World, step: str) -> None:
    old = world.registered()
    told = {**old, "registration_access_token": world.secret(), "client_secret": world.secret(), "contacts": ["new"]}
    world.records.broken = {"keep"}
    world.plays(*([reads(told)] if step == "read" else [reads(old), puts(told)]))
    error = world.fails(RecordsError, settings={"contacts": ["new"]})
    assert "client-1" in error.message
    assert "lost" in error.message


def test_an_end_of_the_secret_that_is_not_told_again_is_kept(world: World) -> None:
    # RFC 7591 section 3.2.1: it is told where a secret is, which a read need not repeat.
    told = world.registered(secret_expires_at=NOW + 30 * DAY)
    world.plays(reads({**told, "client_secret": None, "client_secret_expires_at": None}))
    world.run()
    assert world.record.secret_expires_at == NOW + 30 * DAY


def test_a_secret_that_ends_no_longer_is_recorded_so(world: World) -> None:
    told = world.registered(secret_expires_at=NOW + 30 * DAY)
    world.plays(reads({**told, "client_secret_expires_at": 0}))
    world.run()
    assert world.record.secret_expires_at is None


# Rotation by an update

ALWAYS: dict[str, t.Any] = {"rotate_secret": "always"}


def test_a_secret_is_renewed_by_an_update_without_it(world: World) -> None:
    old = world.registered()
    told = {**old, "client_secret": world.secret(), "client_secret_expires_at": int(NOW + 90 * DAY)}
    world.working["client-1"] = told["client_secret"]
    world.plays(reads(old), puts(told))
    result = world.run(**ALWAYS)
    assert world.events == ["GET", "note rotate", "PUT", "keep client-1", "prove client-1"]
    assert "client_secret" not in world.sent(1)
    assert (result["changed"], result["secret"], result["client_secret"]) == (True, "rotated", told["client_secret"])
    assert (world.record.client_secret, world.record.secret_changed_at) == (told["client_secret"], NOW)
    assert world.record.secret_expires_at == NOW + 90 * DAY


@pytest.mark.parametrize(
    ("record", "days", "due"),
    [
        ({"secret_changed_at": NOW - 30 * DAY}, 30, True),
        ({"secret_changed_at": NOW - 30 * DAY + 1}, 30, False),
        ({"secret_changed_at": None}, 30, True),
        ({"secret_changed_at": NOW, "secret_expires_at": NOW + DAY}, 365, True),
        ({"secret_changed_at": NOW, "secret_expires_at": NOW + DAY + 1}, 365, False),
        ({"secret_changed_at": NOW, "secret_expires_at": NOW - DAY}, 365, True),
        ({"secret_changed_at": NOW, "secret_expires_at": None}, 365, False),
        ({"secret_changed_at": NOW - 1000 * DAY}, None, False),
    ],
)
def test_a_secret_is_renewed_when_it_is_old_enough_or_ends_soon(
    world: World, record: dict[str, t.Any], days: int | None, due: bool
) -> None:
    old = world.client(client_secret_expires_at=int(record.get("secret_expires_at") or 0))
    world.registered(old, **record)
    told = {**old, "client_secret": world.secret()}
    world.plays(reads(old), *([puts(told)] if due else []))
    assert (world.run(rotate_after_days=days)["secret"] == "rotated") is due


def test_a_server_that_keeps_the_secret_is_told_and_the_way_out(world: World) -> None:
    told = world.registered(world.client(contacts=["old"]))
    world.plays(reads(told), puts({**told, "contacts": ["new"]}))
    error = world.fails(ConfigurationError, **ALWAYS, settings={"contacts": ["new"]})
    assert (error.kind, "rotate_by: replace" in error.message) == ("not_rotated", True)
    # The rest of the update was made, and the record knows of it.
    assert (world.record.settings, world.records.noted) == ({"contacts": ["new"]}, {})
    assert world.record.secret_changed_at == NOW - DAY


@pytest.mark.parametrize("method", ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"])
def test_an_account_without_a_secret_has_none_to_renew(method: str) -> None:
    account = dataclasses.replace(wanted().account, token_endpoint_auth_method=method)
    with pytest.raises(ConfigurationError, match="rotate_secret"):
        check_rotation(account, True)
    check_rotation(account, False)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_an_account_with_a_secret_can_have_it_renewed(method: str) -> None:
    check_rotation(dataclasses.replace(wanted().account, token_endpoint_auth_method=method), True)


def test_an_account_without_a_secret_is_never_due(world: World) -> None:
    told = world.registered(world.client(client_secret=None), secret_changed_at=None)
    world.plays(reads(told))
    assert world.run(rotate_after_days=1)["secret"] == "unchanged"


# Updates whose answer is lost


def test_an_update_that_was_made_is_seen_by_a_read(world: World) -> None:
    old = world.registered(world.client(contacts=["old"]))
    told = {**old, "contacts": ["new"], "registration_access_token": old["registration_access_token"]}
    world.plays(reads(old), puts(old, LOST), reads(told))
    result = world.run(settings={"contacts": ["new"]})
    assert (result["changed"], world.record.settings, world.records.noted) == (True, {"contacts": ["new"]}, {})


def test_a_renewal_that_was_made_is_seen_by_a_read(world: World) -> None:
    old = world.registered()
    told = {**old, "client_secret": world.secret()}
    world.working["client-1"] = told["client_secret"]
    world.plays(reads(old), puts(old, answer(502)), reads(told))
    result = world.run(**ALWAYS)
    assert (result["secret"], result["verified"]) == ("rotated", True)
    assert world.record.client_secret == told["client_secret"]


@pytest.mark.parametrize("options", [ALWAYS, {"settings": {"contacts": ["new"]}}])
def test_an_update_that_was_not_made_is_an_error_and_can_be_tried_again(
    world: World, options: dict[str, t.Any]
) -> None:
    old = world.registered(world.client(contacts=["old"]))
    told = {**old, "registration_access_token": world.secret()}
    world.plays(reads(old), puts(old, LOST), reads(told))
    error = world.fails(TransportError, **options)
    assert "was not made" in error.message
    assert (world.record.client_secret, world.record.settings) == (old["client_secret"], {})
    # What the read handed out is stored all the same.
    assert (world.record.access_token, world.records.noted) == (told["registration_access_token"], {})


def test_a_renewal_that_a_read_says_nothing_of_is_not_denied(world: World) -> None:
    old = world.registered()
    world.plays(reads(old), puts(old, LOST), reads({**old, "client_secret": None, "client_secret_expires_at": None}))
    error = world.fails(TransportError, **ALWAYS)
    assert "as before" not in error.message


@pytest.mark.parametrize("reply", [answer(401), LOST, answer(500)])
def test_an_update_of_which_nothing_can_be_known_leaves_the_record_and_the_note(world: World, reply: Reply) -> None:
    old = world.registered()
    before = world.record
    world.plays(reads(old), puts(old, LOST), (f"GET {uri('client-1')}", reply))
    error = world.fails(TransportError, **ALWAYS)
    assert "Run this again" in error.message
    assert (world.record, world.records.noted[NAME].action) == (before, "rotate")
    # The next run finds the account as it is.
    world.plays(reads(old))
    assert world.run()["verified"] is True
    assert world.records.noted == {}


def test_a_lost_renewal_that_ended_the_handle_is_told_by_the_next_run(world: World) -> None:
    world.registered()
    world.working["client-1"] = "a secret that nobody knows"
    world.records.note(NAME, "rotate", SERVER)
    world.plays((f"GET {uri('client-1')}", answer(401)))
    result = world.run()
    assert (result["verified"], result["actions"], result["management"]) == (False, ["repair"], "portal")
    assert "rotate of 2027-01-15T08:00:00Z was lost" in result["msg"]


def test_an_account_with_a_lost_renewal_is_not_said_to_be_gone_for_sure(world: World) -> None:
    world.registered()
    world.working["client-1"] = "a secret that nobody knows"
    world.records.note(NAME, "rotate", SERVER)
    world.plays(deletes("client-1", 401))
    result = world.run(state="absent")
    assert (result["actions"], "2027-01-15T08:00:00Z" in result["msg"]) == (["delete"], True)
    assert world.records.kept == {}


def test_a_run_that_is_killed_during_an_update_leaves_the_note(world: World) -> None:
    old = world.registered()
    world.records.killed = "keep"
    world.plays(reads(old), puts({**old, "contacts": ["new"]}))
    with pytest.raises(KeyboardInterrupt):
        world.run(settings={"contacts": ["new"]})
    assert world.records.noted[NAME].action == "update"
    world.plays(reads({**old, "contacts": ["new"]}))
    world.run(settings={"contacts": ["new"]})
    assert (world.records.noted, world.record.settings) == ({}, {"contacts": ["new"]})


# Rotation by another account

REPLACE: dict[str, t.Any] = {**ALWAYS, "rotate_by": "replace"}


@pytest.fixture
def old(world: World) -> dict[str, t.Any]:
    """The account that is to be replaced."""
    return world.registered(world.client("client-0"))


@pytest.fixture
def new(world: World) -> dict[str, t.Any]:
    """The account that takes its place."""
    told = world.client("client-1")
    world.working["client-1"] = told["client_secret"]
    return told


def test_an_account_is_replaced_by_one_that_is_proven_before_the_old_one_is_deleted(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-0"))
    result = world.run(**REPLACE, initial_access_token=INITIAL)
    first = ["GET", "note replace", "POST", "keep client-1", "prove client-1"]
    assert world.events[:5] == first
    assert world.events.index("DELETE") > 4
    assert world.calls == ["GET", "POST", "DELETE"]
    assert world.server.sent[1].headers["Authorization"] == f"Bearer {INITIAL}"
    assert world.server.sent[2].headers["Authorization"] == f"Bearer {old['registration_access_token']}"
    assert (result["changed"], result["secret"], result["client_secret"]) == (True, "rotated", new["client_secret"])
    assert (result["action_required"], result["account"]["client_id"]) == (False, "client-1")
    assert (world.record.client_id, world.record.replaced, world.records.noted) == ("client-1", None, {})


def test_the_old_account_is_in_the_record_until_it_is_deleted(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    before = world.record
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-0", 500))
    world.fails(ServerError, **REPLACE)
    assert (world.record.client_id, world.record.replaced) == ("client-1", before)
    assert world.record.client_secret == new["client_secret"]


@pytest.mark.parametrize("reply", [answer(400, {"error": "invalid_client_metadata"}), answer(401), answer(429), UNSENT])
def test_a_replacement_that_is_refused_leaves_the_old_account(
    world: World, old: dict[str, t.Any], reply: Reply
) -> None:
    before = world.record
    world.plays(reads(old), (REGISTER, reply))
    world.fails(**REPLACE)
    assert (world.record, world.records.noted) == (before, {})


@pytest.mark.parametrize("reply", [LOST, answer(500), answer(201, body="{")])
def test_a_replacement_whose_answer_is_lost_costs_nobody_the_old_account(
    world: World, old: dict[str, t.Any], reply: Reply
) -> None:
    before = world.record
    world.plays(reads(old), (REGISTER, reply))
    error = world.fails(**REPLACE)
    assert (world.record, world.records.noted[NAME].action) == (before, "replace")
    # It would delete the old account, which still works.
    assert "state: absent" not in error.message


def test_after_a_replacement_whose_answer_is_lost_no_second_one_is_made(world: World, old: dict[str, t.Any]) -> None:
    world.plays(reads(old), (REGISTER, LOST))
    world.fails(**REPLACE)
    told = world.client("client-2")
    world.plays(reads(old), (REGISTER, answer(201, told)), deletes("client-0"))
    with contextlib.suppress(AccessError):
        world.run(**REPLACE, open_end=True)
    world.server.script.clear()
    assert "POST" not in world.calls


def test_a_replacement_whose_answer_is_lost_is_told_by_the_next_run(world: World, old: dict[str, t.Any]) -> None:
    world.plays(reads(old), (REGISTER, LOST))
    world.fails(**REPLACE)
    world.plays(reads(old))
    try:
        said = world.run(open_end=True)["msg"]
    except AccessError as error:
        said = error.message
    world.server.script.clear()
    assert "2027-01-15T08:00:00Z" in said


@pytest.mark.parametrize("look", [False, True])
def test_news_do_not_settle_a_replacement_whose_answer_is_lost(world: World, old: dict[str, t.Any], look: bool) -> None:
    world.plays(reads(old), (REGISTER, LOST))
    world.fails(**REPLACE)
    noted = world.records.noted[NAME]
    told = {**old, "registration_access_token": world.secret()}
    world.plays(reads(told))
    world.clock.now += DAY
    if look:
        world.look()
    else:
        world.run()
    assert world.record.access_token == told["registration_access_token"]
    # By the moment a person finds the client at the server.
    assert world.records.noted[NAME] == noted


def test_a_replacement_that_cannot_be_stored_is_deleted_again(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    before = world.record
    world.records.broken = {"keep"}
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-1"))
    error = world.fails(RecordsError, **REPLACE)
    assert (world.record, world.records.noted) == (before, {})
    # It would delete the old account, which still works.
    assert "state: absent" not in error.message


@pytest.mark.parametrize("reply", [204, 500, LOST])
def test_a_replacement_that_does_not_work_is_deleted_and_the_old_account_is_kept(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], reply: Reply | int
) -> None:
    before = world.record
    del world.working["client-1"]
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-1", reply))
    error = world.fails(**REPLACE)
    assert (error.kind, world.record, world.records.noted) == ("rotation_failed", before, {})
    assert ("deleted again" in error.message) is (reply == 204)
    assert ("client client-1" in error.message) is (reply != 204)


def test_a_replacement_without_a_handle_that_does_not_work_is_named(world: World, old: dict[str, t.Any]) -> None:
    world.plays(reads(old), (REGISTER, answer(201, world.client("client-1", registration_access_token=None))))
    error = world.fails(**REPLACE)
    assert (error.kind, "client client-1" in error.message) == ("rotation_failed", True)
    assert world.record.client_id == "client-0"


def test_a_replacement_that_could_not_be_proven_is_proven_by_the_next_run(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    world.trouble = TransportError("The token endpoint is out of reach.")
    world.plays(reads(old), (REGISTER, answer(201, new)))
    world.fails(TransportError, **REPLACE)
    assert world.record.replaced is not None
    assert world.record.replaced.client_secret == old["client_secret"]
    world.trouble = None
    world.plays(deletes("client-0"), reads(new))
    result = world.run()
    assert (world.records.kept[NAME].client_id, world.records.kept[NAME].replaced) == ("client-1", None)
    assert result["action_required"] is False


@pytest.fixture
def unproven(world: World, old: dict[str, t.Any], new: dict[str, t.Any]) -> dict[str, t.Any]:
    """The run after one that could not prove the new account, which does not work."""
    world.trouble = TransportError("The token endpoint is out of reach.")
    world.plays(reads(old), (REGISTER, answer(201, new)))
    world.fails(TransportError, **REPLACE)
    world.trouble = None
    del world.working["client-1"]
    world.plays(reads(new))
    return world.run()


def test_the_old_account_is_not_deleted_while_the_new_one_does_not_work(
    world: World, unproven: dict[str, t.Any]
) -> None:
    assert (world.calls, unproven["verified"]) == (["GET"], False)
    assert world.record.replaced is not None


def test_nobody_is_asked_to_delete_the_old_account_while_the_new_one_does_not_work(unproven: dict[str, t.Any]) -> None:
    assert "repair" in unproven["actions"]
    assert "delete" not in unproven["actions"]


@pytest.mark.parametrize("reply", [answer(500), LOST, answer(429), UNSENT])
def test_an_old_account_that_could_not_be_deleted_is_deleted_by_the_next_run(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], reply: Reply
) -> None:
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-0", reply))
    world.fails(**REPLACE)
    world.plays(deletes("client-0"), reads(new))
    result = world.run()
    assert (world.record.client_id, world.record.replaced) == ("client-1", None)
    assert (result["verified"], result["action_required"]) == (True, False)
    # An account is gone at the server that was there before.
    assert result["changed"] is True


def test_a_deletion_of_the_old_account_whose_answer_was_lost_is_seen_by_its_credentials(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-0", LOST))
    world.fails(**REPLACE)
    del world.working["client-0"]
    world.plays(deletes("client-0", 401), reads(new))
    world.run()
    assert world.record.replaced is None


def replaced(world: World, old: dict[str, t.Any], new: dict[str, t.Any]) -> None:
    """The records after a run that ended before it deleted the old account."""
    before = world.record
    world.registered(new, replaced=before)


def test_an_old_account_that_can_no_longer_be_managed_is_for_a_person_to_delete(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(deletes("client-0", 401), reads(new))
    result = world.run()
    assert (result["actions"], result["action_required"]) == (["delete"], True)
    assert "client-0" in result["msg"]
    assert any("client-0" in step for step in result["portal"]["steps"])
    assert world.record.replaced is not None


def test_a_second_replacement_does_not_lose_sight_of_the_first_account(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    newest = world.client("client-2")
    world.working["client-2"] = newest["client_secret"]
    # The first one's handle is dead, and its credentials are not.
    world.plays(deletes("client-0", 401), reads(new), (REGISTER, answer(201, newest)), deletes("client-1"))
    world.run(**REPLACE, open_end=True)
    known: list[str] = []
    found: AccountRecord | None = world.record
    while found:
        known.append(found.client_id)
        found = found.replaced
    assert "client-0" in known


def test_check_mode_leaves_the_old_account_to_the_run_and_not_to_a_person(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(reads(new))
    result = world.run(check_mode=True)
    assert world.writes == []
    assert (result["action_required"], result["change"]) == (False, "updated")


@pytest.mark.parametrize("moment", ["POST", "keep", "prove", "DELETE"])
def test_a_run_that_is_killed_during_a_replacement_loses_no_account(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_account: Account) -> Verdict:
        raise KeyboardInterrupt

    if moment == "keep":
        world.records.killed = "keep"
    if moment == "prove":
        monkeypatch.setattr(world, "prove", killed)
    world.plays(
        reads(old),
        (REGISTER, KeyboardInterrupt() if moment == "POST" else answer(201, new)),
        deletes("client-0", KeyboardInterrupt()),
    )
    with pytest.raises(KeyboardInterrupt):
        world.run(**REPLACE)
    world.server.script.clear()
    before = world.record.replaced
    if moment in ("POST", "keep"):
        assert (world.record.client_secret, world.records.noted[NAME].action) == (old["client_secret"], "replace")
    else:
        assert before is not None
        assert (world.record.client_id, before.client_secret) == ("client-1", old["client_secret"])


# An old account that is kept

LATER: dict[str, t.Any] = {"retire": "later"}
KEPT = {"client_id": "client-0", "since": "2027-01-14T08:00:00Z"}


def test_a_replaced_account_is_kept_where_that_is_wanted(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    before = world.record
    world.plays(reads(old), (REGISTER, answer(201, new)))
    result = world.run(**REPLACE, **LATER)
    assert world.events[:5] == ["GET", "note replace", "POST", "keep client-1", "prove client-1"]
    assert world.calls == ["GET", "POST"]
    assert (world.record.client_id, world.record.replaced, world.records.noted) == ("client-1", before, {})
    assert (result["change"], result["secret"], result["action_required"]) == ("rotated", "rotated", False)
    assert (result["replaced"], result["retired"]) == ({**KEPT, "since": "2027-01-15T08:00:00Z"}, [])
    assert "Client client-0, whose place it has taken, is kept until a run with retire: now" in result["msg"]


def test_a_replacement_that_does_not_work_is_deleted_where_the_old_account_would_be_kept(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    before = world.record
    del world.working["client-1"]
    world.plays(reads(old), (REGISTER, answer(201, new)), deletes("client-1"))
    assert world.fails(**REPLACE, **LATER).kind == "rotation_failed"
    assert (world.record, world.records.noted) == (before, {})


@pytest.mark.parametrize("asked", [{}, REPLACE, {"rotate_after_days": 1, "rotate_by": "replace"}])
@pytest.mark.parametrize("check_mode", [False, True])
def test_while_an_old_account_is_kept_no_other_rotation_is_started(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], asked: dict[str, t.Any], check_mode: bool
) -> None:
    replaced(world, old, new)
    before = world.record
    world.plays(reads(new))
    result = world.run(**asked, **LATER, check_mode=check_mode)
    assert (world.calls, world.writes, world.record) == (["GET"], [], before)
    assert (result["change"], result["secret"], result["replaced"], result["retired"]) == (
        "none", "unchanged", KEPT, [],
    )  # fmt: skip
    assert ("only then is there another new secret" in result["msg"]) is bool(asked)


def test_what_else_is_wanted_of_an_account_is_done_while_the_old_one_is_kept(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(reads(new), puts({**new, "contacts": ["new"]}))
    result = world.run(**REPLACE, **LATER, settings={"contacts": ["new"]})
    assert (result["change"], result["replaced"], world.record.settings) == ("updated", KEPT, {"contacts": ["new"]})
    assert world.sent(1)["client_secret"] == new["client_secret"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_kept_account_is_deleted_by_a_later_run(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], check_mode: bool
) -> None:
    replaced(world, old, new)
    world.plays(*([] if check_mode else [deletes("client-0")]), reads(new))
    result = world.run(check_mode=check_mode)
    assert world.events[0] == "prove client-1"
    assert (result["change"], result["retired"]) == ("updated", ["client-0"])
    assert result["replaced"] == (KEPT if check_mode else None)
    assert (world.record.replaced is None) is not check_mode
    were = "would be" if check_mode else "was"
    assert f"Client client-0, whose place it has taken, {were} deleted." in result["msg"]


def test_a_run_that_deletes_a_kept_account_renews_no_secret_by_its_age(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(deletes("client-0"), reads(new))
    assert world.run(rotate_after_days=1, rotate_by="replace")["secret"] == "unchanged"
    # Nor with the next one's help is it forgotten.
    world.plays(reads(new), (REGISTER, answer(201, world.client("client-2"))), deletes("client-2"))
    world.fails(rotate_after_days=1, rotate_by="replace")


def test_a_kept_account_and_its_successor_are_both_deleted_where_another_secret_is_wanted_at_once(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    newest = world.client("client-2")
    world.working["client-2"] = newest["client_secret"]
    world.plays(deletes("client-0"), reads(new), (REGISTER, answer(201, newest)), deletes("client-1"))
    result = world.run(**REPLACE)
    assert (result["change"], result["retired"], result["replaced"]) == ("rotated", ["client-0", "client-1"], None)


@pytest.mark.parametrize("retire", ["now", "later"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_an_old_account_is_kept_while_the_new_one_does_not_work(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any], retire: str, check_mode: bool
) -> None:
    replaced(world, old, new)
    del world.working["client-1"]
    world.plays(reads(new))
    result = world.run(retire=retire, check_mode=check_mode)
    assert (result["actions"], result["replaced"], result["retired"]) == (["repair"], KEPT, [])
    assert "Client client-0, whose place it was to take, is kept in the record." in result["msg"]


def test_a_kept_account_takes_its_place_back_where_the_new_one_is_gone(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    del world.working["client-1"]
    world.plays((f"GET {uri('client-1')}", answer(401)), reads(old))
    result = world.run(**LATER)
    assert (result["account"]["client_id"], result["replaced"], world.record.client_id) == (
        "client-0", None, "client-0",
    )  # fmt: skip
    assert result["verified"] is True


def test_check_mode_leaves_the_place_to_the_new_one_though_it_is_gone(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    del world.working["client-1"]
    before = world.record
    world.plays((f"GET {uri('client-1')}", answer(401)), reads(old))
    result = world.run(**LATER, check_mode=True)
    assert (result["account"]["client_id"], world.record, world.writes) == ("client-0", before, [])


def test_a_look_tells_of_a_kept_account(world: World, old: dict[str, t.Any], new: dict[str, t.Any]) -> None:
    world.plays(reads(old))
    assert world.look()["replaced"] is None
    replaced(world, old, new)
    world.plays(reads(new))
    assert world.look()["replaced"] == KEPT


# A handle that is dead


@pytest.mark.parametrize("status", [401, 404])
def test_an_account_that_can_no_longer_be_managed_but_works_is_left_as_it_is(world: World, status: int) -> None:
    world.registered()
    before = world.record
    world.plays((f"GET {uri('client-1')}", answer(status)))
    result = world.run(settings={"x_tier": "gold"}, **ALWAYS)
    assert world.events == ["GET", "prove client-1"]
    assert (result["verified"], result["changed"], result["management"]) == (True, False, "portal")
    assert result["actions"] == ["regain", "change", "rotate"]
    assert any("registration access token for client client-1" in step for step in result["portal"]["steps"])
    assert world.record == before


def test_an_account_that_is_gone_at_the_server_is_not_made_anew_without_a_word(world: World) -> None:
    world.registered()
    world.working.clear()
    world.plays((f"GET {uri('client-1')}", answer(401)))
    result = world.run()
    assert (result["verified"], result["actions"], result["changed"]) == (False, ["repair"], False)
    assert "state: absent forgets it" in result["msg"]
    assert world.writes == []


def test_settings_as_they_were_recorded_are_nothing_to_change(world: World) -> None:
    told = world.client(registration_access_token=None)
    world.registered(told, settings={"x_tier": "gold"})
    result = world.run(settings={"x_tier": "gold"})
    assert (result["actions"], result["differences"], result["unchecked"]) == ([], [], ["x_tier"])
    assert world.calls == []


# Deletion


def test_an_account_is_deleted_and_forgotten(world: World) -> None:
    told = world.registered()
    world.plays(deletes("client-1"))
    result = world.run(state="absent")
    assert world.events == ["note delete", "DELETE", "forget"]
    assert world.server.sent[0].headers["Authorization"] == f"Bearer {told['registration_access_token']}"
    assert (result["changed"], result["action_required"]) == (True, False)
    assert (world.records.kept, world.records.noted) == ({}, {})
    assert "client_secret" not in result
    assert world.run(state="absent")["changed"] is False
    assert world.events == []


@pytest.mark.parametrize("status", [401, 404])
def test_an_account_whose_handle_and_credentials_are_dead_is_gone(world: World, status: int) -> None:
    world.registered()
    world.working.clear()
    world.plays(deletes("client-1", status))
    result = world.run(state="absent")
    assert (result["changed"], world.records.kept) == (True, {})


@pytest.mark.parametrize("settings", [{}, {"x_tier": "gold"}])
def test_an_account_whose_credentials_still_work_is_for_a_person_to_delete(
    world: World, settings: dict[str, t.Any]
) -> None:
    world.registered()
    before = world.record
    world.plays(deletes("client-1", 401))
    result = world.run(state="absent", settings=settings)
    assert (result["actions"], result["changed"], result["management"]) == (["delete"], False, "portal")
    assert (world.record, world.records.noted) == (before, {})
    assert any("client client-1" in step for step in result["portal"]["steps"])


@pytest.mark.parametrize("works", [True, False])
def test_an_account_without_a_handle_is_gone_when_its_credentials_are_dead(world: World, works: bool) -> None:
    world.registered(world.client(registration_access_token=None))
    if not works:
        world.working.clear()
    result = world.run(state="absent")
    assert (result["actions"], world.calls) == (["delete"] if works else [], [])
    assert (NAME in world.records.kept) is works


@pytest.mark.parametrize("reply", [LOST, answer(500)])
def test_a_deletion_whose_answer_is_lost_is_finished_by_the_next_run(world: World, reply: Reply) -> None:
    world.registered()
    before = world.record
    world.plays(deletes("client-1", reply))
    world.fails(state="absent")
    assert (world.record, world.records.noted[NAME].action) == (before, "delete")
    world.working.clear()
    world.plays(deletes("client-1", 401))
    assert world.run(state="absent")["changed"] is True
    assert (world.records.kept, world.records.noted) == ({}, {})


def test_a_deletion_tells_of_an_account_that_a_lost_replacement_may_have_left(world: World) -> None:
    told = world.registered()
    world.plays(reads(told), (REGISTER, LOST))
    world.fails(**REPLACE)
    world.plays(deletes("client-1"))
    result = world.run(state="absent")
    assert (result["change"], world.records.kept) == ("deleted", {})
    assert "Client client-1 is gone at the server" in result["msg"]
    assert f"Look at the server ({SERVER}/register) for a client named 'erp'" in result["msg"]
    assert "api_accounts_pending" not in result["msg"]  # its entry is gone with the record


def test_an_account_that_is_wanted_again_after_a_lost_deletion_is_looked_at(world: World) -> None:
    told = world.registered()
    world.plays(deletes("client-1", LOST))
    world.fails(state="absent")
    world.plays(reads(told))
    assert world.run()["verified"] is True
    assert world.records.noted == {}


@pytest.mark.parametrize("reply", [answer(403), answer(405), answer(429), UNSENT])
def test_a_deletion_that_is_refused_is_no_lost_one(world: World, reply: Reply) -> None:
    world.registered()
    before = world.record
    world.plays(deletes("client-1", reply))
    with contextlib.suppress(AccessError):
        assert world.run(state="absent")["actions"] == ["delete"]
    assert (world.record, world.records.noted) == (before, {})


def test_whether_an_account_is_gone_is_not_guessed(world: World) -> None:
    world.registered()
    world.trouble = TransportError("The token endpoint is out of reach.")
    world.plays(deletes("client-1", 401))
    world.fails(TransportError, state="absent")
    assert NAME in world.records.kept


def test_an_account_that_cannot_be_noted_is_not_deleted(world: World) -> None:
    world.registered()
    world.records.broken = {"note"}
    world.fails(RecordsError, state="absent")
    assert world.calls == []


def test_both_accounts_are_deleted_where_one_was_to_take_the_others_place(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(deletes("client-0"), deletes("client-1"))
    assert world.run(state="absent")["changed"] is True
    assert world.records.kept == {}


def test_no_account_is_forgotten_that_was_not_deleted(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    replaced(world, new, world.client("client-2"))
    world.plays(deletes("client-0"), deletes("client-1"), deletes("client-2"))
    world.run(state="absent")
    assert world.records.kept == {}


def test_of_two_accounts_the_one_that_is_left_is_named(
    world: World, old: dict[str, t.Any], new: dict[str, t.Any]
) -> None:
    replaced(world, old, new)
    world.plays(deletes("client-0", 401), deletes("client-1"))
    result = world.run(state="absent", open_end=True)
    assert result["actions"] == ["delete"]
    assert any("client-0" in step for step in result["portal"]["steps"])
    assert NAME in world.records.kept


# A look at an account


def test_an_account_is_shown_as_the_server_has_it(world: World) -> None:
    told = world.registered(world.client(contacts=["x"]))
    world.plays(reads(told))
    shown = world.look()
    assert (shown["client_id"], shown["source"], shown["managed"]) == ("client-1", "registration", True)
    assert shown["fields"]["contacts"] == ["x"]
    assert (shown["registered_at"], shown["secret_expires_at"]) == ("2027-01-14T08:00:00Z", None)
    assert world.writes == []


def test_a_look_loses_no_news(world: World) -> None:
    told = {**world.registered(), "registration_access_token": world.secret(), "client_secret": world.secret()}
    world.plays(reads(told))
    world.look()
    assert (world.record.access_token, world.record.client_secret) == (
        told["registration_access_token"], told["client_secret"],
    )  # fmt: skip


@pytest.mark.parametrize("handle", [True, False])
def test_an_account_without_a_good_handle_is_shown_as_it_was_recorded(world: World, handle: bool) -> None:
    world.registered(world.client(**({} if handle else NO_HANDLE)), settings={"x_tier": "gold"})
    if handle:
        world.plays((f"GET {uri('client-1')}", answer(401)))
    shown = world.look()
    assert (shown["source"], shown["managed"], shown["fields"]) == ("records_file", False, {"x_tier": "gold"})


# Check mode


@pytest.mark.parametrize(
    ("options", "secret"),
    [
        ({"settings": {"contacts": ["new"]}}, "unchanged"),
        (ALWAYS, "rotated"),
        (REPLACE, "rotated"),
        ({"rotate_after_days": 1}, "rotated"),
    ],
)
def test_check_mode_says_what_would_be_changed_and_changes_nothing(
    world: World, options: dict[str, t.Any], secret: str
) -> None:
    told = world.registered()
    before = world.record
    world.plays(reads(told))
    result = world.run(check_mode=True, **options)
    assert (world.calls, world.writes, world.record) == (["GET"], [], before)
    assert (result["changed"], result["secret"]) == (True, secret)
    assert "would be" in result["msg"]


def test_check_mode_says_that_an_account_would_be_registered(world: World) -> None:
    result = world.run(check_mode=True, scope=["a"])
    assert (result["changed"], result["secret"], result["verified"]) == (True, "created", False)
    assert (result["action_required"], world.events) == (False, [])
    assert result["account"]["fields"]["scope"] == "a"
    assert "client_secret" not in result


def test_check_mode_says_that_an_account_would_be_deleted(world: World) -> None:
    world.registered()
    result = world.run(check_mode=True, state="absent")
    assert (result["changed"], world.events, NAME in world.records.kept) == (True, [], True)


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_account_as_wanted_is_no_change_in_check_mode_either(world: World, check_mode: bool) -> None:
    world.plays(reads(world.registered()))
    assert world.run(check_mode=check_mode)["changed"] is False


# Steps for people


@pytest.mark.parametrize("options", [{}, {"state": "absent"}])
def test_steps_can_have_settings_that_only_this_server_knows(world: World, options: dict[str, t.Any]) -> None:
    world.registered(world.client(registration_access_token=None), settings={"x_tier": "silver"})
    result = world.run(settings={"x_tier": "gold"}, **options)
    assert result["action_required"] is True
    assert ("gold" in str(result["portal"])) is (options == {})


# The metadata


def test_keys_of_the_users_own_are_registered_as_they_are(key: str) -> None:
    given = wanted(private_key=key, settings={"jwks_uri": f"{SERVER}/keys"})
    metadata = client_metadata(given.account, given.settings)
    assert (metadata["jwks_uri"], "jwks" in metadata) == (f"{SERVER}/keys", False)


def test_the_algorithm_is_registered_where_one_is_chosen(key: str) -> None:
    given = wanted(private_key=key, signing_alg="ES256", key_id="k1")
    metadata = client_metadata(given.account, given.settings)
    assert metadata["token_endpoint_auth_signing_alg"] == "ES256"
    assert metadata["jwks"]["keys"][0]["kid"] == "k1"


def test_a_certificate_is_registered_by_its_subject_or_whole(tmp_path: Path) -> None:
    from ansible_collections.apiops.access.tests.unit.loopback import Certificates

    path = str(Certificates.make(tmp_path).good)
    by_name = wanted(token_endpoint_auth_method="tls_client_auth", client_cert=path)
    assert client_metadata(by_name.account, {})["tls_client_auth_subject_dn"] == "CN=server"
    chosen = {"tls_client_auth_san_dns": "erp.example.com"}
    assert "tls_client_auth_subject_dn" not in client_metadata(by_name.account, chosen)
    whole = wanted(token_endpoint_auth_method="self_signed_tls_client_auth", client_cert=path)
    (jwk,) = client_metadata(whole.account, {})["jwks"]["keys"]
    assert (jwk["kty"], len(jwk["x5c"])) == ("EC", 1)


def test_a_key_that_cannot_be_read_is_told_before_anything_is_noted(world: World) -> None:
    world.fails(ConfigurationError, private_key_path="/nowhere/key.pem")
    assert world.events == []


@pytest.mark.parametrize("odd", ["words", 7, None, {"keys": "words"}, {"keys": [7, None]}, {"keys": [{}]}, {}])
def test_odd_keys_of_a_server_are_other_keys(odd: t.Any) -> None:
    keys = {"keys": [{"kty": "RSA", "e": "AQAB", "n": "1"}]}
    differences, unchecked = compared({"jwks": keys}, {"jwks": odd} if odd is not None else {}, {})
    assert ([item["field"] for item in differences], unchecked) == (["jwks"], [])
