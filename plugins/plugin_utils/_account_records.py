# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The file of account records: ordinary Ansible data, encrypted with the run's own vault secret."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import stat
import tempfile
import time
import typing as t

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted, match_encrypt_secret

from ..module_utils._account_record import AccountRecord, PendingChange
from ..module_utils._errors import RecordsError
from ..module_utils._model import UTC, isoformat
from ._options import ACCOUNTS_VARIABLE

PENDING_VARIABLE = "api_accounts_pending"

PATIENCE = 300.0
"""Seconds to wait for another run that changes accounts of the same file."""

_HEADING = "# Account records of apiops.access, written by the module api_account. Comments are not kept.\n"


MOST_VALUES = 100_000
"""Values of a whole file, written out: what an anchor names counts each time. One account has some dozens."""


class _Unsafe(str):
    """A string that Ansible must not take for a template."""


class _Loader(yaml.SafeLoader):
    """Knows Ansible's tag for strings that are no templates, and no other."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            raise yaml.YAMLError("merge keys without end")


class _Dumper(yaml.SafeDumper):
    """Writes that tag."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


_Loader.add_constructor("!unsafe", lambda loader, node: _Unsafe(loader.construct_scalar(t.cast(yaml.ScalarNode, node))))
# In quotes what YAML's plain form would not bring back, such as other line ends than its own.
_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.replace("\n", "").isprintable() else '"'
    ),
)
_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def parsed(text: bytes) -> dict[str, t.Any]:
    """The variables in a file of records. Raises ValueError for anything else."""
    try:
        document = yaml.load(text, Loader=_Loader) or {}  # noqa: S506  # it is safe
        if not isinstance(document, dict) or _size(document, {}) > MOST_VALUES:
            raise ValueError("not variables")
    # PyYAML raises whatever comes of a tag that does not fit its value.
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError):
        raise ValueError("not YAML") from None
    return document


def _size(value: t.Any, known: dict[int, int]) -> int:
    """How many values data have. Raises ValueError for data that hold themselves, and so have no end."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = 0
        known[id(value)] = 1 + sum(
            _size(item, known) for item in (value.values() if isinstance(value, dict) else value)
        )
    if not known[id(value)]:
        raise ValueError("without end")
    return known[id(value)]


class AccountRecords:
    """The records of one file, to be used as a context manager: nobody else changes them meanwhile.

    Every method raises RecordsError.
    """

    def __init__(
        self,
        path: str,
        secrets: t.Sequence[t.Any],
        vault_id: str | None,
        clock: t.Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        """``secrets``: the run's vault secrets, each with its vault ID. ``vault_id``: which of them encrypts."""
        self.path = os.path.realpath(path)
        self._secrets = list(secrets)
        self._vault_id = vault_id
        self._clock = clock
        self._patience = patience
        self._lock: t.IO[bytes] | None = None
        self._owner = os.getpid()
        self._found_vault_id: str | None = None
        """The vault ID of the secret that decrypts the file; it stays with that one unless another is chosen."""

    def __enter__(self) -> AccountRecords:
        deadline = time.monotonic() + self._patience
        try:
            self._lock = open(f"{self.path}.lock", "ab", opener=_private)  # held until the exit
            while True:
                try:
                    fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return self
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise self._error(
                            f"is in use by another run since more than {self._patience:.0f} s; try "
                            "again when that is done.",
                            kind="records_busy",
                        ) from None
                    time.sleep(0.1)
        except OSError as error:
            raise self._error(f"cannot be locked: {error.strerror}.") from None

    def __exit__(self, *_details: object) -> None:
        lock = t.cast("t.IO[bytes]", self._lock)
        if os.getpid() == self._owner:
            fcntl.flock(lock, fcntl.LOCK_UN)  # a fork that lives on would hold it by its copy
        lock.close()

    def get(self, name: str) -> AccountRecord | None:
        """The record of an account."""
        for element in self._read().get(ACCOUNTS_VARIABLE) or []:
            if isinstance(element, dict) and element.get("name") == name:
                try:
                    return _record_from(element)
                except (AttributeError, KeyError, TypeError, ValueError):
                    raise self._error(
                        f"has an account '{name}' that was not written by api_account: there is no client_id, or its "
                        "part 'registration' is damaged; correct it (ansible-vault edit)."
                    ) from None
        return None

    def names(self) -> list[str]:
        """The names of all accounts that have a record."""
        elements = self._read().get(ACCOUNTS_VARIABLE) or []
        return [
            str(item["name"]) for item in elements if isinstance(item, dict) and {"name", "registration"} <= set(item)
        ]

    def pending(self, name: str) -> PendingChange | None:
        """The change of an account whose outcome was not stored."""
        for item in self._read().get(PENDING_VARIABLE) or []:
            if isinstance(item, dict) and item.get("name") == name:
                since = None
                with contextlib.suppress(ValueError):  # one that a person has damaged is still a note
                    since = _moment(item.get("since"))
                return PendingChange(name, str(item.get("action")), since or 0.0, str(item.get("server")))
        return None

    def note(self, name: str, action: str, server: str) -> None:
        """Note a change before it is asked for; that also proves that its outcome can be stored."""
        since = isoformat(self._clock())
        self._change(name, pending=_literal({"name": name, "action": action, "since": since, "server": server}))

    def keep(self, record: AccountRecord, *, settles: bool = True) -> None:
        """Store a record, and forget what was pending unless that is not settled by it."""
        pending = None if settles else next(iter(_of(self._read(), PENDING_VARIABLE, record.name)), None)
        self._change(record.name, element=_element_of(record), pending=pending)

    def settle(self, name: str) -> None:
        """Forget what was pending, as nothing came of it."""
        document = self._read()
        if any(_named(item, name) for item in document.get(PENDING_VARIABLE) or []):
            self._change(name, element=next(iter(_of(document, ACCOUNTS_VARIABLE, name)), None))

    def forget(self, name: str) -> None:
        """Forget an account, and what was pending of it."""
        self._change(name, element=None, pending=None)

    def check_writable(self) -> None:
        """Raise where a record could not be stored; nothing is written yet."""
        self._encrypting_secret()
        with contextlib.suppress(FileNotFoundError):
            # The owner's wish, which root's permissions and a rename would not notice.
            if not os.stat(self.path).st_mode & stat.S_IWUSR:
                raise self._error("is read-only (its mode has no write permission). Nothing was changed there.")

    def _change(
        self, name: str, element: dict[str, t.Any] | bool | None = False, pending: dict[str, t.Any] | None = None
    ) -> None:
        """Replace what there is of one account; an ``element`` of False leaves the record."""
        document = self._read()
        if element is not False:
            _replace(document, ACCOUNTS_VARIABLE, name, t.cast("dict[str, t.Any] | None", element))
        document.setdefault(ACCOUNTS_VARIABLE, [])
        _replace(document, PENDING_VARIABLE, name, pending)
        if not document[PENDING_VARIABLE]:
            del document[PENDING_VARIABLE]
        self._write(document)

    def _read(self) -> dict[str, t.Any]:
        try:
            with open(self.path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}.") from None
        if not is_encrypted(content):
            raise self._error(
                "is not encrypted, and secrets belong into no such file; encrypt it "
                "(ansible-vault encrypt), or name another."
            )
        if not self._secrets:
            raise self._no_secret()
        try:
            plain, self._found_vault_id, _secret = VaultLib(self._secrets).decrypt_and_get_vault_id(content)
        except (AnsibleError, UnicodeDecodeError):
            raise self._error(
                "cannot be decrypted with the vault secrets of this run; give the right one "
                "(--vault-id, --vault-password-file, or ANSIBLE_VAULT_PASSWORD_FILE).",
                kind="vault",
            ) from None
        try:
            document = parsed(plain)
        except ValueError:
            raise self._error("is no file of variables in YAML; correct or remove it.") from None
        if not all(isinstance(document.get(name) or [], list) for name in (ACCOUNTS_VARIABLE, PENDING_VARIABLE)):
            raise self._error(f"has no list {ACCOUNTS_VARIABLE}; correct or remove it.")
        return document

    def _write(self, document: t.Mapping[str, t.Any]) -> None:
        """Replace the file whole, readable by its owner alone."""
        self.check_writable()
        vault_id, secret = self._encrypting_secret()
        text = _HEADING + yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        sealed = VaultLib(self._secrets).encrypt(text, secret=secret, vault_id=vault_id)
        temporary = None
        try:
            descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(self.path), prefix=".apiops-records-")
            with open(descriptor, "wb") as file:  # 0600 by contract
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            with contextlib.suppress(OSError, TypeError):
                os.unlink(t.cast(str, temporary))
            raise self._error(f"cannot be written: {error.strerror}.") from None

    def _encrypting_secret(self) -> tuple[str, t.Any]:
        """The vault secret that encrypts, as ansible-vault itself would choose it."""
        if not self._secrets:
            raise self._no_secret()
        wanted = self._vault_id or self._found_vault_id or constants.DEFAULT_VAULT_ENCRYPT_IDENTITY
        try:
            found = match_encrypt_secret(self._secrets, encrypt_vault_id=wanted)
        except AnsibleError:
            found = None
        if not found:
            known = ", ".join(sorted({str(vault_id) for vault_id, _secret in self._secrets}))
            raise self._error(
                f"cannot be encrypted: this run has no vault secret '{wanted}', but: {known}.", kind="vault"
            )
        return t.cast("tuple[str, t.Any]", found)

    def _no_secret(self) -> RecordsError:
        return self._error(
            "needs a vault secret, and this run has none; run with --vault-id, "
            "--vault-password-file, or ANSIBLE_VAULT_PASSWORD_FILE.",
            kind="vault",
        )

    def _error(self, problem: str, kind: str = "records") -> RecordsError:
        return RecordsError(f"records_file '{self.path}' {problem}", kind=kind)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _named(item: t.Any, name: str) -> bool:
    return isinstance(item, dict) and item.get("name") == name


def _of(document: t.Mapping[str, t.Any], variable: str, name: str) -> list[t.Any]:
    return [item for item in document.get(variable) or [] if _named(item, name)]


def _replace(document: dict[str, t.Any], variable: str, name: str, new: dict[str, t.Any] | None) -> None:
    """Put an item in the place of the one of that name, or behind all; None takes it out."""
    items = list(document.get(variable) or [])
    place = next((place for place, item in enumerate(items) if _named(item, name)), len(items))
    rest = [item for item in items if not _named(item, name)]
    document[variable] = rest if new is None else [*rest[:place], new, *rest[place:]]


def _literal(value: t.Any) -> t.Any:
    """Plain data, without what Ansible adds to strings, and each of which stays what it is when Ansible reads it."""
    if isinstance(value, str):
        return _Unsafe(value) if "{" in value or value.startswith("#jinja2") else "".join(value)
    if isinstance(value, dict):
        return {"".join(str(key)): _literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def _element_of(record: AccountRecord) -> dict[str, t.Any]:
    """The record as an element of api_accounts: options that all modules know, and ``registration``."""
    registration = {
        "client_uri": record.client_uri,
        "access_token": record.access_token,
        "registered_at": isoformat(record.registered_at),
        "secret_changed_at": isoformat(record.secret_changed_at),
        "secret_expires_at": isoformat(record.secret_expires_at),
        "sent": dict(record.sent) or None,
        "replaced": _element_of(record.replaced) if record.replaced else None,
    }
    element = {
        "name": record.name,
        **record.options,
        "client_id": record.client_id,
        "client_secret": record.client_secret,
        "settings": dict(record.settings),
        "registration": {key: value for key, value in registration.items() if value is not None},
    }
    return t.cast("dict[str, t.Any]", _literal({key: value for key, value in element.items() if value is not None}))


_OWN_KEYS = ("name", "client_id", "client_secret", "settings", "registration")


def _record_from(element: t.Mapping[str, t.Any]) -> AccountRecord:
    """The inverse. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
    registration = dict(element["registration"])
    replaced = registration.get("replaced")
    texts = [element.get("client_secret"), registration.get("client_uri"), registration.get("access_token")]
    if not isinstance(element["client_id"], str) or not all(isinstance(text, (str, type(None))) for text in texts):
        raise ValueError("not a record")
    return AccountRecord(
        name=element["name"],
        options={key: value for key, value in element.items() if key not in _OWN_KEYS},
        settings=dict(element.get("settings") or {}),
        client_id=element["client_id"],
        client_secret=texts[0],
        client_uri=texts[1],
        access_token=texts[2],
        registered_at=_moment(registration.get("registered_at")),
        secret_changed_at=_moment(registration.get("secret_changed_at")),
        secret_expires_at=_moment(registration.get("secret_expires_at")),
        sent=dict(registration.get("sent") or {}),
        replaced=_record_from(replaced) if replaced else None,
    )


def _moment(value: t.Any) -> float | None:
    """Seconds since 1970 of a moment as ``isoformat`` writes it, which YAML may have read as a date already."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if not isinstance(value, datetime.datetime):
        raise ValueError("not a moment")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
