# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of account records, with Ansible's own vault and its own way to read variables."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import multiprocessing
import os
import secrets
import signal
import stat
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.apiops.access.plugins.module_utils._account_record import AccountRecord, PendingChange
from ansible_collections.apiops.access.plugins.module_utils._errors import RecordsError
from ansible_collections.apiops.access.plugins.plugin_utils import _account_records
from ansible_collections.apiops.access.plugins.plugin_utils._account_records import AccountRecords, parsed
from ansible_collections.apiops.access.tests.unit.scripted import NOW, Clock
from hypothesis import HealthCheck, Phase, configuration, given, settings, strategies as st

configuration.set_hypothesis_home_dir(Path(__file__).absolute().parents[4] / ".build" / "hypothesis")

# The same examples in every run, so that a failure is one for everybody.
thorough = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)

FORK = multiprocessing.get_context("fork")
DEFAULT = ("default", VaultSecret(secrets.token_bytes(20)))
DEV = ("dev", VaultSecret(secrets.token_bytes(20)))
PROD = ("prod", VaultSecret(secrets.token_bytes(20)))

SERVER = "https://auth.example.com"
OPTIONS = {"provider": "oauth2", "issuer": SERVER, "scope": ["orders.read", "orders.write"], "timeout": 5.5}
SETTINGS = {"contacts": ["ops@example.com"], "jwks": {"keys": [{"kty": "EC", "x": "1"}]}, "tos_uri": "{{ 7 * 7 }}"}
SECRET, HANDLE = secrets.token_urlsafe(), secrets.token_urlsafe()


def record(**changes: t.Any) -> AccountRecord:
    made = AccountRecord(
        name="erp",
        options=OPTIONS,
        settings=SETTINGS,
        client_id="client-1",
        client_secret=SECRET,
        client_uri=f"{SERVER}/register/client-1",
        access_token=HANDLE,
        registered_at=NOW,
        secret_changed_at=NOW + 60,
        secret_expires_at=NOW + 86400,
        sent={"client_name": "erp", "redirect_uris": [], "jwks": {"keys": [{"x": "{{ 1 }}"}]}},
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.yml"


def opened(path: Path, *known: t.Any, vault_id: str | None = None, **details: t.Any) -> AccountRecords:
    details.setdefault("patience", 30.0)
    return AccountRecords(str(path), known or (DEFAULT,), vault_id, clock=Clock(), **details)


def keep(path: Path, *kept: AccountRecord, vault_id: str | None = None, known: t.Sequence[t.Any] = ()) -> None:
    with opened(path, *known, vault_id=vault_id) as records:
        for item in kept:
            records.keep(item)


def encrypt(path: Path, text: str | bytes, secret: tuple[str, VaultSecret] = DEFAULT, label: str | None = None) -> None:
    path.write_bytes(VaultLib([secret]).encrypt(text, secret=secret[1], vault_id=label))


def content(path: Path, *known: t.Any) -> t.Any:
    """What a person sees by ``ansible-vault view``, as text."""
    return VaultLib(known or [DEFAULT]).decrypt(path.read_bytes()).decode()


def variables(path: Path, *known: t.Any) -> t.Any:
    """What a play has of the file, with all of its templates rendered."""
    loader = DataLoader()
    loader.set_vault_secrets(list(known) or [DEFAULT])
    trusted = "trusted_as_template" in inspect.signature(loader.load_from_file).parameters
    data = loader.load_from_file(str(path), **({"trusted_as_template": True} if trusted else {}))
    return Templar(loader=loader, variables=data).template(data)


def trouble(work: t.Callable[[AccountRecords], object], path: Path, *known: t.Any, **details: t.Any) -> RecordsError:
    """The error of some work; no error and no file beside this one has a secret."""
    with pytest.raises(RecordsError) as caught, opened(path, *known, **details) as records:
        work(records)
    for secret in (SECRET, HANDLE):
        assert secret not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


# What is kept is what there is


@pytest.mark.parametrize(
    "kept",
    [
        record(),
        record(client_secret=None, client_uri=None, access_token=None, secret_changed_at=None, secret_expires_at=None),
        record(replaced=record(client_id="client-0", client_secret="old", settings={}, registered_at=None)),
        record(options={}, settings={}, sent={}),
    ],
)
def test_a_record_comes_back_as_it_was_kept(path: Path, kept: AccountRecord) -> None:
    keep(path, kept)
    with opened(path) as records:
        assert records.get("erp") == kept
        assert records.get("another") is None


def test_without_a_file_there_is_nothing(path: Path) -> None:
    with opened(path) as records:
        assert records.get("erp") is None
        assert records.pending("erp") is None
        records.settle("erp")
    assert not path.exists()


def test_the_file_tells_nothing_to_who_has_no_vault_secret(path: Path) -> None:
    keep(path, record())
    raw = path.read_bytes()
    assert raw.startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    for told in (SECRET, HANDLE, "client-1", "erp", "example"):
        assert told.encode() not in raw
        assert told.encode().hex().encode() not in raw


def test_the_file_is_the_variable_that_all_modules_read(path: Path) -> None:
    keep(path, record())
    (element,) = variables(path)["api_accounts"]
    registration = element.pop("registration")
    assert element == {
        "name": "erp",
        **OPTIONS,
        "client_id": "client-1",
        "client_secret": SECRET,
        "settings": SETTINGS,
    }
    assert registration == {
        "client_uri": f"{SERVER}/register/client-1",
        "access_token": HANDLE,
        "registered_at": "2027-01-15T08:00:00Z",
        "secret_changed_at": "2027-01-15T08:01:00Z",
        "secret_expires_at": "2027-01-16T08:00:00Z",
        "sent": record().sent,
    }


LOOKALIKES = [
    "{{ 7 * 7 }}", "{% raw %}", "{# no comment", "a{{b", "2026-11-20", "2026-11-20T20:57:00Z", "12", "012", "1_000",
    "0x1F", "1e3", ".inf", "1:30", "yes", "no", "on", "null", "~", "", " ", " x ", "!unsafe x", "!vault |", "# x",
    "- x", "a: b", "'", '"', "\\", "\\n", "%", "@", "`", "*a", "&a", "<<", "=", "---", "...", "\t", "a\nb", "a\n", "\n",
    "a\r\nb", "ünïcödé", "日本語 🔑", "\u2028", "\x85", "\ufeff", "\x00\x07", "x" * 300, "word " * 60,
    "-----BEGIN KEY-----\nAB+/=\n-----END KEY-----\n",
]  # fmt: skip


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_secret_stays_what_it_is_wherever_it_is_read(path: Path, text: str) -> None:
    kept = record(client_secret=text, settings={"a": [text], "b": {"c": text}}, options={"private_key": text})
    keep(path, kept)
    with opened(path) as records:
        assert records.get("erp") == kept
        # A second write starts from what was read.
        records.note("erp", "update", SERVER)
        assert records.get("erp") == kept
    (element,) = variables(path)["api_accounts"]
    assert (element["client_secret"], element["private_key"]) == (text, text)
    assert element["settings"] == {"a": [text], "b": {"c": text}}


# A lone surrogate is in no encoding, and so in no file.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x85")
TEXTS = st.one_of(
    st.text(CHARACTERS),
    st.sampled_from([text for text in LOOKALIKES if text != "\x85"]),
    st.builds("{}{}".format, st.sampled_from(["{{ ", "{%", "{#", "}}"]), st.text(CHARACTERS)),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.text("abcdefgh_", min_size=1).map("x_{}".format), VALUES.filter(lambda value: value is not None), max_size=4
)


@thorough
@given(options=FIELDS, wanted=FIELDS, secret=TEXTS, handle=TEXTS, name=TEXTS)
def test_any_record_comes_back_as_it_was_kept(
    options: dict[str, t.Any], wanted: dict[str, t.Any], secret: str, handle: str, name: str
) -> None:
    kept = record(name=name, options=options, settings=wanted, client_secret=secret, access_token=handle)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.yml"
        keep(path, kept)
        with opened(path) as records:
            assert records.get(name) == kept
        (element,) = variables(path)["api_accounts"]
        assert (element["name"], element["client_secret"]) == (name, secret)
        assert {key: element[key] for key in options} == options
        assert element["settings"] == wanted


def test_strings_that_ansible_has_marked_are_kept_as_plain_ones(path: Path) -> None:
    loader = DataLoader()
    marked = loader.load("{issuer: 'https://auth.example.com', nested: {deep: [a, '{{ b }}']}}")
    keep(path, record(options=wrap_var(marked), settings=marked, name=wrap_var("erp"), client_id=wrap_var("client-1")))
    with opened(path) as records:
        found = records.get("erp")
    assert found is not None
    assert dict(found.options) == {"issuer": SERVER, "nested": {"deep": ["a", "{{ b }}"]}}
    assert "!!python" not in content(path)


# The file itself


def test_only_its_owner_can_read_the_file(path: Path) -> None:
    keep(path, record())
    path.chmod(0o644)
    keep(path, record(client_secret="new"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_leaves_nothing_beside_the_file_and_its_lock(path: Path) -> None:
    keep(path, record(), record(name="crm"))
    assert sorted(item.name for item in path.parent.iterdir()) == ["accounts.yml", "accounts.yml.lock"]
    assert path.with_name("accounts.yml.lock").read_bytes() == b""
    assert stat.S_IMODE(path.with_name("accounts.yml.lock").stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["os.replace", "os.fsync", "tempfile.mkstemp"])
def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    keep(path, record())
    before = path.read_bytes()

    def full(*_args: object, **_details: object) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(step, full)
        error = trouble(lambda records: records.keep(record(client_secret="new")), path)
    assert "No space left on device" in error.message
    assert path.read_bytes() == before
    assert sorted(item.name for item in path.parent.iterdir()) == ["accounts.yml", "accounts.yml.lock"]


def test_the_content_is_on_the_disk_before_it_takes_the_files_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noted(step: str) -> None:
        done = getattr(os, step)

        def do(*args: t.Any) -> None:
            steps.append(step)
            done(*args)

        monkeypatch.setattr(os, step, do)

    noted("fsync")
    noted("replace")
    keep(path, record())
    assert steps == ["fsync", "replace"]


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    target = tmp_path / "vault" / "target.yml"
    path.symlink_to(target)
    keep(path, record())
    keep(path, record(name="crm"))
    assert path.is_symlink()
    assert [element["name"] for element in variables(target)["api_accounts"]] == ["erp", "crm"]


def test_who_uses_a_link_waits_for_who_uses_the_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to(path)
    with opened(path), pytest.raises(RecordsError) as caught, opened(link, patience=0.0):
        raise AssertionError
    assert caught.value.kind == "records_busy"


def test_a_read_only_file_is_not_changed_whoever_asks(path: Path) -> None:
    keep(path, record())
    before = path.read_bytes()
    path.chmod(0o400)
    error = trouble(lambda records: records.keep(record(client_secret="new")), path)
    assert "read-only" in error.message
    assert trouble(lambda records: records.check_writable(), path).message == error.message
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (before, 0o400)
    with opened(path) as records:
        assert records.get("erp") == record()


def test_whether_a_record_can_be_stored_is_told_without_a_write(path: Path) -> None:
    with opened(path) as records:
        records.check_writable()
    assert not path.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "accounts.yml"
    error = trouble(lambda _records: None, path)
    assert "No such file or directory" in error.message


def test_a_folder_is_no_file(path: Path) -> None:
    path.mkdir()
    error = trouble(lambda records: records.get("erp"), path)
    assert "Is a directory" in error.message


# What else is in the file


def test_other_accounts_and_their_order_are_kept(path: Path) -> None:
    keep(path, *(record(name=name) for name in ("a", "b", "c")))
    keep(path, record(name="b", client_secret="new"))
    assert [item["name"] for item in variables(path)["api_accounts"]] == ["a", "b", "c"]
    with opened(path) as records:
        records.forget("a")
        assert (records.get("a"), records.get("c")) == (None, record(name="c"))


OTHERS = """
# written by hand
api_accounts:
  - name: erp
    provider: jim2
    client_secret: by-hand
when: 2026-11-20
ports: {80: http}
limit: 0.5
key: |
  -----BEGIN KEY-----
  AB+/=
flag: true
nothing: null
list: [a, {b: c}]
"""


def test_other_variables_are_kept(path: Path) -> None:
    encrypt(path, OTHERS)
    before = variables(path)
    keep(path, record(name="crm"))
    after = variables(path)
    assert [item["name"] for item in after["api_accounts"]] == ["erp", "crm"]
    assert after["api_accounts"][0] == before["api_accounts"][0]
    del before["api_accounts"], after["api_accounts"]
    assert after == before


def test_templates_that_a_person_wrote_stay_templates(path: Path) -> None:
    encrypt(path, "site: acme\nurl: 'https://{{ site }}.example.com'\nliteral: !unsafe '{{ site }}'\n")
    keep(path, record(client_secret="{{ site }}"))
    found = variables(path)
    assert (found["url"], found["literal"]) == ("https://acme.example.com", "{{ site }}")
    assert found["api_accounts"][0]["client_secret"] == "{{ site }}"


def test_a_file_of_other_variables_alone_is_one_without_records(path: Path) -> None:
    encrypt(path, "api_accounts:\nother: 1\n")
    with opened(path) as records:
        assert records.get("erp") is None
        assert records.pending("erp") is None
        records.keep(record())
        assert records.get("erp") == record()
    assert variables(path)["other"] == 1


@pytest.mark.parametrize("empty", ["", "# nothing yet\n", "---\n"])
def test_a_file_without_variables_is_one_without_records(path: Path, empty: str) -> None:
    encrypt(path, empty)
    with opened(path) as records:
        assert records.get("erp") is None


# Pending changes


def test_a_change_is_noted_until_its_outcome_is_kept(path: Path) -> None:
    noted = PendingChange("erp", "create", NOW, f"{SERVER}/register")
    with opened(path) as records:
        records.note("erp", "create", f"{SERVER}/register")
        assert (records.get("erp"), records.pending("erp")) == (None, noted)
    with opened(path) as records:
        assert records.pending("erp") == noted
        assert records.pending("crm") is None
        records.keep(record())
        assert (records.get("erp"), records.pending("erp")) == (record(), None)
    assert "pending" not in content(path)


def test_a_note_of_strings_that_ansible_has_marked_is_one_of_plain_ones(path: Path) -> None:
    class Marked(str):
        """As ansible-core 2.16 marks what may not be a template, and newer ones what has an origin."""

    with opened(path) as records:
        records.note(Marked("erp"), Marked("update"), Marked(SERVER))
        assert records.pending("erp") == PendingChange("erp", "update", NOW, SERVER)
    assert "!!python" not in content(path)


def test_a_note_leaves_the_record_alone(path: Path) -> None:
    keep(path, record())
    with opened(path) as records:
        records.note("erp", "update", SERVER)
        records.note("erp", "rotate", SERVER)
        pending = records.pending("erp")
        assert pending is not None
        assert (pending.action, records.get("erp")) == ("rotate", record())


@pytest.mark.parametrize("kept", [None, record()])
def test_what_came_to_nothing_is_forgotten_and_the_record_stays(path: Path, kept: AccountRecord | None) -> None:
    if kept:
        keep(path, kept)
    with opened(path) as records:
        records.note("erp", "update", SERVER)
        records.settle("erp")
        assert (records.get("erp"), records.pending("erp")) == (kept, None)


def test_to_settle_what_is_not_pending_writes_nothing(path: Path) -> None:
    keep(path, record())
    before = path.read_bytes()
    with opened(path) as records:
        records.settle("erp")
    assert path.read_bytes() == before


def test_an_account_is_forgotten_with_what_was_pending_of_it(path: Path) -> None:
    keep(path, record(), record(name="crm"))
    with opened(path) as records:
        records.note("erp", "delete", SERVER)
        records.note("crm", "update", SERVER)
        records.forget("erp")
        assert (records.get("erp"), records.pending("erp")) == (None, None)
        assert records.pending("crm") is not None
    assert [item["name"] for item in variables(path)["api_accounts"]] == ["crm"]


def test_the_last_account_leaves_a_list_that_can_be_read(path: Path) -> None:
    keep(path, record())
    with opened(path) as records:
        records.forget("erp")
    assert variables(path) == {"api_accounts": []}


# The vault


def test_a_file_that_is_not_encrypted_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("api_accounts: []\n")
    for work in (lambda records: records.get("erp"), lambda records: records.keep(record())):
        error = trouble(t.cast("t.Callable[[AccountRecords], object]", work), path)
        assert "not encrypted" in error.message
    assert path.read_text() == "api_accounts: []\n"


def test_the_wrong_password_is_told(path: Path) -> None:
    keep(path, record())
    error = trouble(lambda records: records.get("erp"), path, ("default", VaultSecret(b"wrong")))
    assert (error.kind, "--vault-password-file" in error.message) == ("vault", True)


def test_a_file_that_is_cut_short_is_told(path: Path) -> None:
    keep(path, record())
    path.write_bytes(path.read_bytes()[:200])
    assert "cannot be decrypted" in trouble(lambda records: records.get("erp"), path).message


@pytest.mark.parametrize("there", [False, True])
def test_a_run_without_a_vault_secret_is_told_how_to_have_one(path: Path, there: bool) -> None:
    if there:
        keep(path, record())
    with pytest.raises(RecordsError) as caught, AccountRecords(str(path), (), None) as records:
        records.note("erp", "create", SERVER)
    assert (caught.value.kind, "--vault-id" in caught.value.message) == ("vault", True)
    with pytest.raises(RecordsError, match="vault secret"), AccountRecords(str(path), (), None) as records:
        records.check_writable()
    assert path.exists() is there


def test_the_chosen_vault_id_encrypts_and_stands_in_the_file(path: Path) -> None:
    keep(path, record(), known=(DEV, PROD), vault_id="prod")
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert SECRET in content(path, PROD)
    keep(path, record(client_secret="new"), known=(DEV, PROD), vault_id="dev")
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")
    assert "client_secret: new" in content(path, DEV)


def test_a_vault_id_that_the_run_does_not_have_is_told_before_anything_is_written(path: Path) -> None:
    for work in (lambda records: records.check_writable(), lambda records: records.note("erp", "create", SERVER)):
        error = trouble(t.cast("t.Callable[[AccountRecords], object]", work), path, DEV, PROD, vault_id="test")
        assert error.kind == "vault"
        assert "'test'" in error.message
        assert "dev, prod" in error.message
    assert not path.exists()


def test_ansibles_own_choice_of_the_vault_id_holds_where_the_task_has_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_VAULT_ENCRYPT_IDENTITY", "prod")
    keep(path, record(), known=(DEV, PROD))
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    keep(path, record(), known=(DEV, PROD), vault_id="dev")
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")


def test_a_file_stays_with_its_own_vault_secret_where_no_other_is_chosen(path: Path) -> None:
    # As with ansible-vault edit: who has the password of dev alone must not come to read what was prod's.
    keep(path, record(), known=(PROD,), vault_id="prod")
    keep(path, record(client_secret="new"), known=(DEV, PROD))
    assert "client_secret: new" in content(path, PROD)


def test_a_run_that_asks_for_matching_vault_ids_can_read_what_it_wrote(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_VAULT_ID_MATCH", True)
    keep(path, record(), known=(DEV,))
    with opened(path, DEV) as records:
        assert records.get("erp") == record()


# Damage


@pytest.mark.parametrize(
    "text",
    [
        "api_accounts: [",
        "- a\n- b\n",
        "just words",
        "7",
        "api_accounts: words",
        "api_accounts: {erp: {}}",
        "api_accounts: []\napi_accounts_pending: words",
        "other: !!python/object/apply:os.getcwd []",
        "when: 2026-13-45",
        b"\xff\xfe\xff",
    ],
)
def test_a_damaged_file_is_told_and_left_alone(path: Path, text: str | bytes) -> None:
    encrypt(path, text)
    before = path.read_bytes()
    for work in (lambda records: records.get("erp"), lambda records: records.note("erp", "create", SERVER)):
        trouble(t.cast("t.Callable[[AccountRecords], object]", work), path)
    assert path.read_bytes() == before


def element(**changes: t.Any) -> str:
    """A file with one account, of which parts are missing or odd."""
    made = {"name": "erp", "client_id": "client-1", "settings": {}, "registration": {}, **changes}
    return json.dumps({"api_accounts": [{key: value for key, value in made.items() if value != "missing"}]})


@pytest.mark.parametrize(
    "odd",
    [
        {"registration": "missing"},
        {"registration": None},
        {"registration": "words"},
        {"registration": [1]},
        {"client_id": "missing"},
        {"client_id": None},
        {"client_id": 7},
        {"client_secret": 7},
        {"settings": "words"},
        {"registration": {"access_token": 7}},
        {"registration": {"client_uri": []}},
        {"registration": {"registered_at": "yesterday"}},
        {"registration": {"secret_expires_at": 7}},
        {"registration": {"replaced": {"name": "erp"}}},
        {"registration": {"replaced": "words"}},
    ],
)
def test_an_account_that_is_no_record_is_told(path: Path, odd: dict[str, t.Any]) -> None:
    encrypt(path, element(**odd))
    error = trouble(lambda records: records.get("erp"), path)
    assert "'erp'" in error.message
    assert "ansible-vault edit" in error.message


def test_the_names_are_those_of_records_alone(path: Path) -> None:
    by_hand = [{"name": "by-hand", "client_id": "x"}, 7, {"registration": {}}, {"name": "crm", "registration": {}}]
    encrypt(path, json.dumps({"api_accounts": by_hand}))
    keep(path, record())
    with opened(path) as records:
        assert records.names() == ["crm", "erp"]


@pytest.mark.parametrize("odd", [7, None, "words", {}, {"name": 7}])
def test_odd_things_among_the_accounts_stop_no_other(path: Path, odd: t.Any) -> None:
    encrypt(path, json.dumps({"api_accounts": [odd], "api_accounts_pending": [odd]}))
    keep(path, record())
    with opened(path) as records:
        assert (records.get("erp"), records.pending("erp")) == (record(), None)


@pytest.mark.parametrize("since", ["yesterday", 7, [], None])
def test_a_note_that_is_damaged_is_still_a_note_or_an_error_that_is_told(path: Path, since: t.Any) -> None:
    encrypt(path, json.dumps({"api_accounts_pending": [{"name": "erp", "action": "create", "since": since}]}))
    with contextlib.suppress(RecordsError), opened(path) as records:
        assert records.pending("erp") is not None


@pytest.mark.parametrize("written", ["2027-01-15T08:00:00Z", "2027-01-15 08:00:00", "'2027-01-15T09:00:00+01:00'"])
def test_a_moment_that_a_person_wrote_is_understood(path: Path, written: str) -> None:
    encrypt(path, f"api_accounts: [{{name: erp, client_id: x, registration: {{registered_at: {written}}}}}]")
    with opened(path) as records:
        found = records.get("erp")
    assert found is not None
    assert found.registered_at == NOW


# Others at the same time


def hold(path: Path, held: t.Any, over: t.Any) -> None:
    with opened(path):
        held.set()
        over.wait(30)


@pytest.fixture
def holder(path: Path) -> t.Iterator[tuple[t.Any, t.Any]]:
    """A process that has the file, and how to have it give it back."""
    held, over = FORK.Event(), FORK.Event()
    process = FORK.Process(target=hold, args=(path, held, over))
    process.start()
    assert held.wait(30)
    yield process, over
    if process.is_alive():  # a killed one can have died with the event's own lock
        over.set()
    process.join(30)


def test_who_waits_too_long_is_told_and_nothing_is_changed(path: Path, holder: tuple[t.Any, t.Any]) -> None:
    error = trouble(lambda records: records.keep(record()), path, patience=0.0)
    assert error.kind == "records_busy"
    assert not path.exists()


def test_who_waits_gets_the_file_when_the_other_is_done(path: Path, holder: tuple[t.Any, t.Any]) -> None:
    holder[1].set()
    keep(path, record())
    assert path.exists()


def test_a_process_that_is_killed_frees_the_file(path: Path, holder: tuple[t.Any, t.Any]) -> None:
    os.kill(holder[0].pid, signal.SIGKILL)
    holder[0].join(30)
    with opened(path, patience=0.0) as records:
        records.keep(record())


def add(path: Path, number: int, start: t.Any) -> None:
    start.wait(30)
    with opened(path) as records:
        records.note(f"account-{number}", "create", SERVER)
        records.keep(record(name=f"account-{number}"))


def test_no_process_loses_what_another_wrote(path: Path) -> None:
    start = FORK.Barrier(6)
    processes = [FORK.Process(target=add, args=(path, number, start)) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    names = {item["name"] for item in variables(path)["api_accounts"]}
    assert names == {f"account-{number}" for number in range(6)}


def test_the_end_of_a_fork_does_not_free_the_file(path: Path) -> None:
    with opened(path) as records:
        fork = FORK.Process(target=records.__exit__, args=(None, None, None))
        fork.start()
        fork.join(30)
        with pytest.raises(RecordsError), opened(path, patience=0.0):
            raise AssertionError


def test_a_fork_that_lives_on_does_not_keep_the_file(path: Path) -> None:
    over = FORK.Event()
    with opened(path):
        fork = FORK.Process(target=over.wait, args=(30,))
        fork.start()
    try:
        with opened(path, patience=0.0) as records:
            records.keep(record())
    finally:
        over.set()
        fork.join(30)


def test_what_is_written_is_yaml_that_a_person_can_edit(path: Path) -> None:
    keep(path, record())
    text = content(path)
    assert text.startswith("# ")
    assert "client_id: client-1" in text
    assert f"client_secret: {SECRET}" in text or f"client_secret: '{SECRET}'" in text
    assert yaml.safe_load(text.replace("!unsafe ", ""))["api_accounts"][0]["name"] == "erp"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join(['*' + old] * 9)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB, "a: &a [*a]", "a: &a {b: *a}", "a: !!timestamp x", "a: !!int ''", "a: !!bool x", "a: !!float x",
        "a: !!python/object/apply:os.system [id]", "a: !unsafe [1]", "[a]: b", "{a: b}: c", "- 1", "x", "5", "a: b: c",
        "a: !!binary x", "a: 2027-99-99", "[" * 5000, "a: " + "9" * 5000, "\x00", "a: *b",
        "%YAML 9.9\n---\na: b", "--- a\n--- b",
    ],
)  # fmt: skip
def test_what_are_no_variables_is_told_in_no_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError):
        parsed(text.encode())
    assert time.process_time() - started < 20


def test_keys_that_are_merged_take_no_time_either() -> None:
    started = time.process_time()
    with contextlib.suppress(ValueError):  # which PyYAML does depends on its release
        assert len(parsed(MERGES.encode())) == 9
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}), ("a: 1\na: 2", {"a": 2}), ("a: .nan", None), ("a: &a [1]\nb: *a", {"a": [1], "b": [1]}),
        ("a: &a {x: 1}\nb: {<<: *a, y: 2}", {"a": {"x": 1}, "b": {"x": 1, "y": 2}}),
        ("a: !unsafe '{{ 1 }}'", {"a": "{{ 1 }}"}),
    ],
)  # fmt: skip
def test_all_else_is_read(text: str, expected: object) -> None:
    found = parsed(text.encode())
    assert found == expected or (expected is None and found["a"] != found["a"])


def test_numbers_of_ansibles_own_types_are_kept() -> None:
    """As a template gives them."""

    class Tagged(int):
        pass

    found = _account_records._literal({"retries": Tagged(3), "on": True, "off": None, "time": 1.5})
    assert yaml.dump(found, Dumper=yaml.SafeDumper)
    assert found == {"retries": 3, "on": True, "off": None, "time": 1.5}
    assert found["retries"].__class__ is int
    assert found["on"] is True


@pytest.mark.parametrize("text", ["{{ 1 }}", "{% x %}", "{# x", "#jinja2: variable_start_string:'[['\n[[ 1 ]]", "}{"])
def test_what_could_be_a_template_is_marked_as_none(text: str) -> None:
    assert isinstance(_account_records._literal(text), _account_records._Unsafe)
