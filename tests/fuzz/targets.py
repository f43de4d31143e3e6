# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each parser as a function of bytes, which fails where the parser does anything else than it documents.

That is to return its type, or to raise an AccessError whose text is fit to print and has nothing of a secret.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import math
import secrets
import tempfile
import typing as t
from unittest import mock
from urllib.parse import quote, urlsplit

import yaml
from ansible.parsing.vault import VaultLib
from ansible_collections.apiops.access.plugins.module_utils import _transport
from ansible_collections.apiops.access.plugins.module_utils._account_record import AccountRecord, Registration
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    KINDS,
    VALID_REASONS,
    AccessError,
    error_from_dict,
)
from ansible_collections.apiops.access.plugins.module_utils._http import HttpRequest, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import (
    LONGEST_RATE_RESET,
    Account,
    RateNotice,
    Token,
    Verdict,
)
from ansible_collections.apiops.access.plugins.module_utils._operations.api_request import (
    ApiAnswer,
    answer_from,
    api_call,
    exchange,
    result_of,
)
from ansible_collections.apiops.access.plugins.module_utils._providers._base import Provider, next_link
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import ServerMetadata
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.plugins.module_utils._providers.cimcloud import parse_moment
from ansible_collections.apiops.access.plugins.module_utils._providers.oauth2 import OAuth2
from ansible_collections.apiops.access.plugins.module_utils._redaction import SERVER_TEXT_LIMIT, Redactor
from ansible_collections.apiops.access.plugins.module_utils._transport import Transport
from ansible_collections.apiops.access.plugins.module_utils._xml import parse_xml, xml_data
from ansible_collections.apiops.access.plugins.plugin_utils import (
    _account_records,
    _discovery_cache,
    _file_store,
    _rate_budget,
    _release_ledger,
    _token_source,
)

NOW = 1_800_000_000.0

SECRET = f'{secrets.token_urlsafe(18)}+/ %"ü{secrets.token_urlsafe(6)}'
"""What every account here has, and what an answer has where it says ``@SECRET@``, in some form."""

_BASIC = base64.b64encode(f"client-1:{SECRET}".encode())
_SENT_FORMS = {
    b"@SECRET@": SECRET.encode(),
    b"@JSON@": json.dumps(SECRET)[1:-1].encode(),
    b"@QUOTED@": quote(SECRET, safe="").encode(),
    b"@BASE64@": base64.b64encode(SECRET.encode()),
    b"@BASIC@": _BASIC,
    b"@BROKEN@": json.dumps("\x1b".join(SECRET))[1:-1].encode(),
    b"@SPACED@": json.dumps("\u200b".join(SECRET))[1:-1].encode(),
}
MARKS = tuple(_SENT_FORMS)

_PIECE = 10
"""Characters of a secret that no text may have; fewer come about by chance."""

_FORMS = (SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), _BASIC.decode())
_PIECES = {
    joined[start : start + _PIECE]
    for joined in (form.replace(" ", "") for form in _FORMS)
    for start in range(len(joined) - _PIECE + 1)
}

URL = "https://vendor.example.com/base"
_COMMON: dict[str, t.Any] = {"name": "fuzzed", "base_url": URL, "client_id": "client-1", "client_secret": SECRET}
ACCOUNTS = {
    "rimo3": Account(provider="rimo3", **_COMMON),
    "cimcloud": Account(provider="cimcloud", site="acme", auth_key="k3y", customer="buyer", **_COMMON),
    "jim2": Account(provider="jim2", scope=("view",), **_COMMON),
    "beyondtrust": Account(provider="beyondtrust", **_COMMON),
    "oauth2": Account(provider="oauth2", issuer=URL, scope=("read",), audience="urn:api", **_COMMON),
}
_PUBLISHED = {name: f"{URL}/{name}" for name in ("token_endpoint", "introspection_endpoint", "registration_endpoint")}
KNOWN = dataclasses.replace(ACCOUNTS["oauth2"], metadata=ServerMetadata(URL, _PUBLISHED))
TOKEN = Token("tok-1", refresh_token="refresh-1", refresh_expires_at=NOW + 60)


class OneAnswer(Transport):
    """Gives the same answer to every request."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer

    def __enter__(self) -> OneAnswer:
        return self

    def __exit__(self, *_details: object) -> None:
        pass

    def send(self, request: HttpRequest) -> HttpResponse:
        _assert_sendable(request)
        self.rate_notice = self.answer.rate_notice
        return dataclasses.replace(self.answer, url=request.url)


# What is true of every outcome


def assert_printable(text: str | None) -> None:
    """On one line, with nothing that a terminal obeys, and with no piece of a secret."""
    assert text is None or (text.isprintable() and len(text) < 20000), ascii(text)[:500]
    joined = (text or "").replace(" ", "")
    found = [piece for piece in _PIECES if piece in joined]
    assert not found, ascii(text)[:500]


def assert_storable(data: t.Any) -> None:
    """JSON, and text that every file and every terminal takes."""
    json.dumps(data, ensure_ascii=False).encode()


def _assert_error(error: AccessError) -> None:
    assert error.kind in KINDS
    assert_printable(error.message)
    assert_printable(error.error)
    assert error.retry_after is None or 0 <= error.retry_after < math.inf
    assert error_from_dict(json.loads(json.dumps(error.to_dict()))).to_dict() == error.to_dict()


def _assert_verdict(verdict: Verdict | None) -> None:
    if verdict is None:
        return
    assert verdict.reason in (VALID_REASONS if verdict.outcome == "valid" else KINDS)
    for value in _texts(verdict.to_dict()):
        assert_printable(value)
    assert_storable(verdict.to_dict())


def _assert_token(token: Token) -> None:
    assert isinstance(token, Token)
    assert token.authorization.isascii()
    assert token.authorization.isprintable()
    assert " " not in token.access_token
    assert Token.from_dict(json.loads(json.dumps(token.to_dict()))) == token
    assert token.expires_at is None or token.expires_in(NOW) is not None


def _assert_sendable(request: HttpRequest) -> None:
    """To the account's own server, with headers that are one line each."""
    there = urlsplit(request.url)
    assert (there.scheme, there.netloc) == ("https", "vendor.example.com"), ascii(request.url)
    assert request.url.isprintable()
    for name, value in request.headers.items():
        assert f"{name}{value}".isprintable()


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


@contextlib.contextmanager
def _errors_are_fit() -> t.Iterator[None]:
    try:
        yield
    except AccessError as error:
        _assert_error(error)


# Answers


def answer_of(data: bytes) -> HttpResponse:
    """An answer: a status, and headers, each on a line, then an empty line and the body."""
    for mark, form in _SENT_FORMS.items():
        data = data.replace(mark, form)
    head, _empty, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    status = int(first) if first.isascii() and first.isdigit() and len(first) == 3 else 200
    headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    return HttpResponse(status, URL, headers, body, elapsed_ms=7)


def _provider(account: Account, data: bytes) -> Provider:
    return PROVIDERS[account.provider](account, OneAnswer(answer_of(data)), lambda: NOW)


def _token(account: Account) -> t.Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with _errors_are_fit():
            _assert_token(_provider(account, data).request_token(TOKEN))
        with _errors_are_fit():
            _assert_token(_provider(account, data).request_token(None))

    return target


def _test(account: Account) -> t.Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with _errors_are_fit():
            _assert_verdict(_provider(account, data).test_token(TOKEN))

    return target


def _release(account: Account) -> t.Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with _errors_are_fit():
            assert_printable(_provider(account, data).release_token(TOKEN).message)

    return target


def _introspection(data: bytes) -> None:
    with _errors_are_fit():
        _assert_verdict(_provider(KNOWN, data).introspect_token(TOKEN))


def _discovery(data: bytes) -> None:
    provider = t.cast(OAuth2, _provider(ACCOUNTS["oauth2"], data))
    with _errors_are_fit():
        metadata = provider.discover()
        assert isinstance(metadata, ServerMetadata)
        assert ServerMetadata.from_dict(json.loads(json.dumps(metadata.to_dict()))) == metadata
    for name in _PUBLISHED:
        with _errors_are_fit():
            url = provider.endpoint(name)
            assert url is None or urlsplit(url)[:1] == ("https",)


def _registration(data: bytes) -> None:
    calls: tuple[t.Callable[[OAuth2], Registration], ...] = (
        lambda provider: provider.register({"client_name": "x"}, "initial-1"),
        lambda provider: provider.read_registration(f"{URL}/reg/1", "handle-1"),
        lambda provider: provider.update_registration(f"{URL}/reg/1", "handle-1", {"client_secret": SECRET}),
    )
    for call in calls:
        with _errors_are_fit():
            registration = call(t.cast(OAuth2, _provider(KNOWN, data)))
            assert registration.client_id.isprintable()
            there = urlsplit(registration.client_uri or f"{URL}/")
            assert (there.scheme, there.hostname, there.username) == ("https", "vendor.example.com", None)
            _assert_kept(registration)


def _assert_kept(registration: Registration) -> None:
    """What a server hands out comes back from the file of records as it was, and as no template."""
    record = AccountRecord(
        "fuzzed", {"provider": "oauth2"}, {}, registration.client_id, registration.client_secret,
        registration.client_uri, registration.access_token,
    )  # fmt: skip
    element = _account_records._element_of(record)
    text = yaml.dump({"api_accounts": [element]}, Dumper=_account_records._Dumper, allow_unicode=True)
    (again,) = _account_records.parsed(text.encode())["api_accounts"]
    assert _account_records._record_from(again) == record
    for value in _texts(again):
        assert "{" not in value or isinstance(value, _account_records._Unsafe)


def _listing(data: bytes) -> None:
    with _errors_are_fit():
        listed = _provider(ACCOUNTS["beyondtrust"], data).list_accounts(TOKEN, None)
        assert listed is None or all(isinstance(each, dict) for each in listed)
        assert_storable(listed)


def _request(account: Account) -> t.Callable[[bytes], None]:
    call = api_call({"path": "items", "method": "GET", "paginate": True, "return_content": True})

    def target(data: bytes) -> None:
        transport = OneAnswer(answer_of(data))
        with mock.patch.object(_transport, "Transport", return_value=transport), _errors_are_fit():
            answer = exchange(account, TOKEN, call)
            assert answer.kind is None or answer.kind in KINDS
            for text in (answer.error, answer.code):
                assert_printable(text)
            assert_storable(result_of(answer))
            below = "" if answer.next_path is None else answer.next_path
            assert below.isprintable()
            assert ".." not in below.split("/")

    return target


def _headers(data: bytes) -> None:
    response = HttpResponse(
        429, URL, dict.fromkeys(("retry-after", "date", "link", "x-ratelimit-remaining", "x-ratelimit-reset"), "")
    )
    text = data.decode("latin-1")
    for name in response.headers:
        for date in (text, "Fri, 15 Jan 2027 08:00:00 GMT"):
            one = dataclasses.replace(response, headers={**response.headers, "date": date, name: text})
            wait, skew, notice = one.retry_after, one.clock_skew(NOW), one.rate_notice
            assert wait is None or 0 <= wait < math.inf
            assert skew is None or isinstance(skew, int)
            assert notice is None or 0 <= notice.reset <= LONGEST_RATE_RESET
    moment = parse_moment(data.decode("utf-8", "replace"))
    assert moment is None or math.isfinite(moment)


def _link(data: bytes) -> None:
    with _errors_are_fit():
        url = next_link(HttpResponse(200, f"{URL}/list?page=1", {"link": data.decode("latin-1")}))
        assert url is None or (url.startswith("https://vendor.example.com/") and url.isprintable())


def _xml(data: bytes) -> None:
    root = parse_xml(data)
    if root is not None:
        with _errors_are_fit():
            assert_storable(xml_data(root))


def _words(data: bytes) -> None:
    for mark, form in _SENT_FORMS.items():
        data = data.replace(mark, form)
    shown = Redactor([SECRET], ["client-1"]).server_text(data.decode("utf-8", "replace"))
    assert_printable(shown)
    assert len(shown or "") <= SERVER_TEXT_LIMIT


# What a host, a store or a file says


class OneEntry:
    """A store that has the same entry under every name."""

    secret = b"store" * 8

    def __init__(self, entry: bytes | None = None) -> None:
        self.entry = entry

    def read(self, name: str) -> bytes | None:
        return self.entry

    def write(self, name: str, data: bytes, expires_at: float) -> None:
        assert math.isfinite(expires_at)

    def delete(self, name: str) -> None:
        pass

    def lock(self, name: str, patience: float) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def _entry(data: bytes) -> None:
    """An entry that somebody has put there, and one that was sealed with our own key."""
    account = ACCOUNTS["rimo3"]
    for sealed in (False, True):
        store = OneEntry(data)
        source = _token_source.TokenSource(store, min_ttl=60, clock=lambda: NOW)
        if sealed:
            store.entry = source._seal(account, "").seal(data)
        for found in (source.peek(account), source.stored(account)):
            assert found is None or sealed
            if found is not None:
                _assert_token(found)
        with _errors_are_fit():
            _assert_token(source.obtain(account, lambda _previous: TOKEN).token)


def _entry_file(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = _file_store.FileTokenStore(folder, clock=lambda: NOW)
        source = _token_source.TokenSource(store, min_ttl=60, clock=lambda: NOW)
        for name in ("key", f"{source._seal(ACCOUNTS['rimo3'], '').name}.token"):
            store._replace(store._path(name), data, None)
        again = _token_source.TokenSource(
            _file_store.FileTokenStore(folder, clock=lambda: NOW), min_ttl=60, clock=lambda: NOW
        )
        assert again.peek(ACCOUNTS["rimo3"]) is None


def _budget(data: bytes) -> None:
    for sealed in (False, True):
        store = OneEntry(data)
        budget = _rate_budget.RateBudget(store, ACCOUNTS["cimcloud"], clock=lambda: NOW)
        if sealed:
            store.entry = budget._seal.seal(data)
        with _errors_are_fit():
            reservation = budget.reserve(3, patience=60.0)
            assert all(NOW <= moment < NOW + 5 * LONGEST_RATE_RESET for moment in reservation.moments)
            assert 0 <= reservation.wait <= 60.0
            budget.learn(RateNotice(3, 60.0), NOW)


def _ledger(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = _release_ledger.Ledger(folder)
        for number, content in enumerate((data, ledger._seal.seal(data))):
            (ledger._folder / f"note-{number}").write_bytes(content)
        for note in ledger.take():
            _assert_token(note.token)


def _discovery_file(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = _discovery_cache._read(file.name)
        assert found is None or all(isinstance(url, str) for url in found.endpoints.values())


def _records(data: bytes) -> None:
    """A file of records, as it comes out of its vault."""
    records = _account_records.AccountRecords("/nowhere/records.yml", [("default", None)], None, clock=lambda: NOW)
    vault = mock.patch.object(VaultLib, "decrypt_and_get_vault_id", return_value=(data, "default", None))
    content = mock.mock_open(read_data=b"$ANSIBLE_VAULT;1.1;AES256\n")
    with vault, mock.patch.object(_account_records, "open", content, create=True):
        for read in (records.names, lambda: records.get("fuzzed"), lambda: records.pending("fuzzed")):
            with _errors_are_fit():
                read()
    with contextlib.suppress(ValueError):
        yaml.dump(_account_records.parsed(data), Dumper=_account_records._Dumper)


def _from_hosts(data: bytes) -> None:
    """What a module on a host can send back."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(AccessError):
        assert isinstance(answer_from(data), ApiAnswer)
    for parse in (error_from_dict, Token.from_dict, RateNotice.from_dict):
        try:
            found: t.Any = parse(document)
        except (KeyError, TypeError, ValueError):
            continue
        assert found is None or isinstance(found, (AccessError, Token, RateNotice))
        if isinstance(found, Token):
            _assert_token(found)


TARGETS: t.Mapping[str, t.Callable[[bytes], None]] = {
    **{f"token_{name}": _token(account) for name, account in {**ACCOUNTS, "oauth2": KNOWN}.items()},
    **{f"test_{name}": _test(account) for name, account in {**ACCOUNTS, "oauth2": KNOWN}.items()},
    "release_jim2": _release(ACCOUNTS["jim2"]),
    "release_oauth2": _release(dataclasses.replace(KNOWN, revocation_endpoint=f"{URL}/revoke")),
    "introspection": _introspection,
    "discovery": _discovery,
    "registration": _registration,
    "listing": _listing,
    "request_beyondtrust": _request(ACCOUNTS["beyondtrust"]),
    "request_cimcloud": _request(ACCOUNTS["cimcloud"]),
    "headers": _headers,
    "link": _link,
    "xml": _xml,
    "words": _words,
    "entry": _entry,
    "entry_file": _entry_file,
    "budget": _budget,
    "ledger": _ledger,
    "discovery_file": _discovery_file,
    "records": _records,
    "from_hosts": _from_hosts,
}
