# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Bring an account to the wanted state at a server that registers clients by API (RFC 7591 and RFC 7592).

Whatever a server hands out once is stored before anything else happens, and a change is noted before it is asked
for: so a lost answer, a full disk or a killed process is seen by the next run, which then makes no second account.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t
from urllib.parse import urlsplit

from .._account_record import AccountRecord, PendingChange, Registration
from .._errors import AccessError, ConfigurationError, RecordsError, RefusedError
from .._http import printable_url
from .._model import Account, Verdict, isoformat
from .._providers._authentication_methods import CERTIFICATE_METHODS, SECRET_METHODS
from .._providers._client_authentication import KEY_MEMBERS, certificate_jwk, certificate_subject, public_jwk
from .._providers._portal import AccountListing
from .._providers._registry import open_provider
from .._providers.oauth2 import OAuth2, may_have_acted
from .api_account import CREATED, ROTATED, WantedAccount, account_result, is_verified

DAY = 86400.0

# RFC 7592 section 2.2: what an update must not carry.
_NOT_UPDATED = ("client_id_issued_at", *(f"registration_{part}" for part in ("access_token", "client_uri")))


class Records(t.Protocol):
    """Where records are kept; nobody else changes them meanwhile. Every method raises RecordsError."""

    def get(self, name: str) -> AccountRecord | None:
        """The record of an account."""

    def pending(self, name: str) -> PendingChange | None:
        """A change whose outcome was not stored."""

    def note(self, name: str, action: str, server: str) -> None:
        """Note a change before it is asked for."""

    def keep(self, record: AccountRecord, *, settles: bool = True) -> None:
        """Store a record, and forget what was pending unless that is not settled by it."""

    def settle(self, name: str) -> None:
        """Forget what was pending, as nothing came of it."""

    def forget(self, name: str) -> None:
        """Forget an account, and what was pending of it."""


def client_metadata(account: Account, settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The metadata to register (RFC 7591 section 2): what follows from the account's options, and the settings.

    Raises ConfigurationError where a key or certificate cannot be read.
    """
    method = account.token_endpoint_auth_method
    metadata: dict[str, t.Any] = {
        "client_name": account.name,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
        "token_endpoint_auth_method": method,
    }
    if account.scope:
        metadata["scope"] = " ".join(account.scope)
    if account.signing_alg:
        metadata["token_endpoint_auth_signing_alg"] = account.signing_alg
    has_keys = "jwks" in settings or "jwks_uri" in settings
    if method == "private_key_jwt" and not has_keys:
        metadata["jwks"] = {"keys": [public_jwk(account)]}
    if method == "self_signed_tls_client_auth" and not has_keys:
        metadata["jwks"] = {"keys": [certificate_jwk(account)]}
    if method == "tls_client_auth" and not any(field.startswith("tls_client_auth_") for field in settings):
        metadata["tls_client_auth_subject_dn"] = certificate_subject(account)
    return {**metadata, **settings}


def compared(
    wanted: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any], asked_before: t.Mapping[str, t.Any]
) -> tuple[list[dict[str, t.Any]], list[str]]:
    """The fields that differ, and those that the server was asked for before and does not tell."""
    differences, unchecked = [], []
    for field, value in wanted.items():
        current = found.get(field)
        if _is_same(field, current, value):
            continue
        if current is None and _is_same(field, asked_before.get(field), value):
            unchecked.append(field)
        else:
            differences.append({"field": field, "wanted": value, "found": current})
    return differences, unchecked


def _is_same(field: str, found: t.Any, wanted: t.Any) -> bool:
    if field == "jwks":
        # What both sides tell beside the keys themselves: a new certificate for the same key is another, for one.
        told = [
            name for name in ("kid", "x5c") if all(any(name in key for key in _keys(jwks)) for jwks in (found, wanted))
        ]
        return _described(found, told) == _described(wanted, told)
    return bool(_comparable(field, found) == _comparable(field, wanted))


def _keys(jwks: t.Any) -> list[dict[str, t.Any]]:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _described(jwks: t.Any, more: t.Sequence[str]) -> list[list[str]]:
    """What makes keys the same (RFC 7638 section 3.2), and ``more`` of what there is to them."""
    return sorted(
        [str(key.get(member)) for member in (*KEY_MEMBERS.get(str(key.get("kty")), ("kty",)), *more)]
        for key in _keys(jwks)
    )


def _comparable(field: str, value: t.Any) -> t.Any:
    """The value in a form in which the same is equal, whatever its order."""
    if field == "scope" and isinstance(value, str):
        return sorted(set(value.split()))
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return sorted(set(value)) or None
    return None if value == "" else value


class ClientRegistration:
    """One run's work on one account."""

    def __init__(
        self,
        wanted: WantedAccount,
        records: Records,
        prove: t.Callable[[Account], Verdict],
        *,
        mask: t.Callable[[t.Iterable[str]], None],
        check_mode: bool,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        """``prove`` requests and tests a token. ``mask`` keeps secrets out of what is said from then on."""
        self.wanted = wanted
        self.name = wanted.account.name
        self.records = records
        self.prove = prove
        self.mask = mask
        self.check_mode = check_mode
        self.clock = clock
        self.retired: list[str] = []
        """The client IDs of accounts that were deleted, or in check mode would be, as others have taken their place."""
        self.leftover: AccountRecord | None = None
        """Such an account that only a person can delete."""
        self.waiting = False
        """Whether a new secret is due, and waits until such an account is deleted."""

    def run(self) -> dict[str, t.Any]:
        """The result of C(api_account). Raises AccessError; what it says then also tells what is left."""
        with open_provider(self.wanted.account) as provider:
            self.provider = t.cast(OAuth2, provider)
            record = self.records.get(self.name)
            if record:
                self.mask(record.secrets)
            pending = self.records.pending(self.name)
            if record:
                self._check_server(record)
            if record is None and self.wanted.account.client_id:
                raise ConfigurationError(
                    "client_id is given, but records_file has no record of this account, so that it cannot be managed. "
                    "Take client_id out to register a new account, or take records_file out to prove this one."
                )
            work = self._absent if self.wanted.state == "absent" else self._present
            result = work(record, pending)
            # Where the handle is missing or dead it is a person's again, as the result says.
            management = "portal" if result["action_required"] else "api"
            replaced = replaced_account(self.records.get(self.name))
            return {**result, "management": management, "replaced": replaced, "retired": self.retired}

    def _check_server(self, record: AccountRecord) -> None:
        """Raise ConfigurationError where a record is of another server, which alone may see its credentials."""
        recorded, wanted = OAuth2.completed(dict(record.options)), self.wanted.account
        servers = [
            (recorded.get("issuer") or recorded.get("token_endpoint") or "").rstrip("/"),
            (wanted.issuer or wanted.token_endpoint or "").rstrip("/"),
        ]
        both_issuers = recorded.get("issuer") and wanted.issuer
        if servers[0] != servers[1] and (both_issuers or _host_of(servers[0]) != _host_of(servers[1])):
            raise ConfigurationError(
                f"The record of this account is of {servers[0]}, and not of {servers[1]}. Nothing was sent. Take "
                "another name or another records_file for an account at another server; where the same server has "
                "moved, correct the record (ansible-vault edit)."
            )

    def look(self) -> dict[str, t.Any]:
        """What is recorded of the account, and what the server tells of it now. Raises AccessError."""
        record = t.cast(AccountRecord, self.records.get(self.name))
        self.mask(record.secrets)
        with open_provider(self.wanted.account) as provider:
            self.provider = t.cast(OAuth2, provider)
            registration = self._read(record)
        if registration:
            record = self._up_to_date(record, registration)
        return {
            "name": record.name,
            "provider": OAuth2.name,
            "client_id": record.client_id,
            "source": "registration" if registration else "records_file",
            "fields": dict(registration.metadata if registration else record.settings),
            "managed": registration is not None,
            "registered_at": isoformat(record.registered_at),
            "secret_changed_at": isoformat(record.secret_changed_at),
            "secret_expires_at": isoformat(record.secret_expires_at),
            "replaced": replaced_account(record),
        }

    # The account is to be there

    def _present(self, record: AccountRecord | None, pending: PendingChange | None) -> dict[str, t.Any]:
        if record is None:
            if pending:
                raise self._unfinished(pending)
            return self._create()
        if record.replaced and self.wanted.retire == "now":
            record = self._retire(record)
        registration = self._read(record)
        if registration is None and record.replaced and not is_verified(self.prove(self._account_of(record))):
            # The new account did not work and was deleted again, and then the run was killed: the old one stays.
            if not self.check_mode:
                self.records.keep(record.replaced, settles=False)
            return self._present(record.replaced, pending)
        if registration is None:
            return self._without_management(record, pending)
        record = self._up_to_date(record, registration)
        asked = client_metadata(self.wanted.account, self.wanted.settings)
        differences, unchecked = compared(asked, registration.metadata, record.sent)
        rotating = self._is_due(record)
        if rotating and record.replaced and self.wanted.retire == "later":
            # Two old accounts would be there, and the older one perhaps still in use.
            rotating, self.waiting = False, True
        unsettled = pending is not None and pending.action == "replace"
        if pending and unsettled and (differences or rotating):
            raise self._unfinished(pending, record)
        if self.check_mode:
            return self._result(record, registration, differences, unchecked, rotated=rotating)
        if rotating and self.wanted.rotate_by == "replace":
            record, registration = self._replace(record, asked)
        elif differences or rotating:
            record, registration = self._update(record, registration, asked, rotating)
        elif (pending or self._as_wanted(record, asked) != record) and not unsettled:
            self.records.keep(self._as_wanted(record, asked))
        left, ignored = compared(asked, registration.metadata, asked)
        if left:
            raise AccessError(
                "The server has taken the update, but not these settings as they are wanted: "
                f"{', '.join(item['field'] for item in left)}. Ask its administrator which values it takes.",
                kind="not_accepted",
            )
        result = self._result(record, registration, differences, sorted({*unchecked, *ignored}), rotated=rotating)
        if pending and unsettled:
            result["actions"].append("delete")
            result["action_required"] = True
            result["msg"] += f" {self._unfinished(pending, record).message}"
        return result

    def _as_wanted(self, record: AccountRecord, asked: t.Mapping[str, t.Any]) -> AccountRecord:
        """The record with the options, the settings and all that the server was asked for as they are wanted now."""
        wanted = self.wanted
        return dataclasses.replace(record, options=wanted.options, settings=wanted.settings, sent=asked)

    def _is_due(self, record: AccountRecord) -> bool:
        """Whether the secret is to be renewed now: asked for, old enough, or within a day of its end."""
        if self.wanted.rotate_secret:
            return True
        days = self.wanted.rotate_after_days
        # A run that ends a rotation begins none by itself: a secret that lives for hours would be renewed twice.
        if days is None or record.client_secret is None or self.retired:
            return False
        now = self.clock()
        ends = record.secret_expires_at
        return now >= (record.secret_changed_at or 0.0) + days * DAY or (ends is not None and now >= ends - DAY)

    def _create(self) -> dict[str, t.Any]:
        asked = client_metadata(self.wanted.account, self.wanted.settings)
        if self.check_mode:
            message = f"Would register it at {self._server()}."
            listing = AccountListing("settings", asked)
            return account_result(self.wanted, None, listing, [], [], [], change=CREATED, message=message)
        record, registration = self._register(asked, "create")
        differences, unchecked = compared(asked, registration.metadata, asked)
        if differences:
            # The account is there and stored; the next run would only find the same.
            raise AccessError(
                f"The account is registered as {record.client_id}, but the server has changed these settings: "
                f"{', '.join(item['field'] for item in differences)}. Ask its administrator which values it takes.",
                kind="not_accepted",
            )
        return self._result(record, registration, [], unchecked, created=True)

    def _register(
        self, asked: t.Mapping[str, t.Any], action: str, replaced: AccountRecord | None = None
    ) -> tuple[AccountRecord, Registration]:
        """Register, and store what the server hands out; or leave nothing behind."""
        server = self._server()
        # That also proves, before anything is asked for, that the outcome can be stored.
        self.records.note(self.name, action, server)
        try:
            registration = self.provider.register(asked, self.wanted.initial_access_token)
        except AccessError as error:
            if not may_have_acted(error):
                self.records.settle(self.name)
                raise
            raise error.with_message(
                f"{error.message} An account may be there all the same, and its credentials are lost then. "
                f"{self._lost_account(server, self.clock(), replaced)}"
            ) from None
        self.mask(registration.secrets)
        now = self.clock()
        record = AccountRecord(
            name=self.name,
            options=self.wanted.options,
            settings=self.wanted.settings,
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            client_uri=registration.client_uri,
            access_token=registration.access_token,
            registered_at=now,
            secret_changed_at=now if registration.client_secret else None,
            secret_expires_at=registration.secret_expires_at,
            sent=asked,
            replaced=replaced,
        )
        try:
            self.records.keep(record)
        except RecordsError as error:
            raise error.with_message(f"{error.message} {self._undo(registration, replaced)}") from None
        return record, registration

    def _undo(self, registration: Registration, replaced: AccountRecord | None) -> str:
        """Delete what was registered and could not be stored; say what is left."""
        if registration.client_uri and registration.access_token:
            with contextlib.suppress(AccessError):
                self.provider.delete_registration(registration.client_uri, registration.access_token)
                with contextlib.suppress(RecordsError):
                    self.records.settle(self.name)
                what_then = (
                    "take the account's entry out of api_accounts_pending in it (ansible-vault edit). The account that "
                    "was to be replaced works as before."
                    if replaced
                    else "run once with state: absent."
                )
                return (
                    "So the new account was deleted at the server again, and nothing is left of it. Make the file "
                    f"writable; if the next run then speaks of an unfinished change, {what_then}"
                )
        return (
            f"The new account could not be stored, nor deleted again: have client {registration.client_id} deleted at "
            "the server. Its credentials are lost."
        )

    def _unfinished(self, pending: PendingChange, record: AccountRecord | None = None) -> AccessError:
        return AccessError(
            f"An earlier run asked to {pending.action} this account and never stored the outcome. "
            f"{self._lost_account(pending.server, pending.since, record)}",
            kind="unfinished",
        )

    def _lost_account(self, server: str, since: float, record: AccountRecord | None) -> str:
        """What to do about an account that may be at the server. ``record``: the one that is in use meanwhile."""
        look = self._where_to_look(server, since)
        if record:
            return (
                f"{look}, other than {record.client_id}, which is in use and works as before; delete it there. Then "
                "take the account's entry out of api_accounts_pending in records_file (ansible-vault edit). Until then "
                "nothing is changed about the account."
            )
        return (
            f"{look}, and delete it there. Then run this once with state: absent, which forgets the attempt; until "
            "then nothing is sent, so that no second account is made."
        )

    def _where_to_look(self, server: str, since: float) -> str:
        name = self.wanted.settings.get("client_name", self.name)
        return (
            f"Look at the server ({server}) for a client named '{name}' that was registered at {isoformat(since)} or "
            "soon after"
        )

    def _server(self) -> str:
        return printable_url(
            self.provider.required_endpoint(
                "registration_endpoint", "Set it, or have the server's administrator make the account."
            )
        )

    # What is there

    def _read(self, record: AccountRecord) -> Registration | None:
        """What the server has of the account; None where it cannot be managed from here (any more)."""
        if not record.client_uri or not record.access_token:
            return None
        try:
            registration = self.provider.read_registration(record.client_uri, record.access_token)
        except AccessError as error:
            if _is_gone(error):
                return None
            raise
        self.mask(registration.secrets)
        return registration

    def _with_news(self, record: AccountRecord, registration: Registration) -> AccountRecord:
        """The record with what the server handed out anew."""
        renewed = registration.client_secret not in (None, record.client_secret)
        return dataclasses.replace(
            record,
            client_secret=registration.client_secret or record.client_secret,
            access_token=registration.access_token or record.access_token,
            client_uri=registration.client_uri or record.client_uri,
            secret_changed_at=self.clock() if renewed else record.secret_changed_at,
            secret_expires_at=registration.secret_expires_at
            if registration.tells_expiry or renewed
            else record.secret_expires_at,
        )

    def _up_to_date(self, record: AccountRecord, registration: Registration) -> AccountRecord:
        """The record with what a read handed out anew, stored at once: what it had before can be dead already."""
        current = self._with_news(record, registration)
        if current != record:
            self._keep(current, settles=False)
        return current

    def _keep(self, record: AccountRecord, *, settles: bool = True) -> None:
        try:
            self.records.keep(record, settles=settles)
        except RecordsError as error:
            raise error.with_message(
                f"{error.message} What the server handed out with its last answer is lost by that. If the next run "
                f"finds that it can no longer manage client {record.client_id}, have the server's administrator issue "
                "a new registration access token, or a new secret."
            ) from None

    def _without_management(self, record: AccountRecord, pending: PendingChange | None) -> dict[str, t.Any]:
        """All that can be done without a handle: prove the credentials, and say who can do the rest."""
        verdict = self.prove(self._account_of(record))
        verified = is_verified(verdict)
        had_handle = bool(record.client_uri and record.access_token)
        differences = [
            {"field": field, "wanted": value, "found": record.settings.get(field)}
            for field, value in self.wanted.settings.items()
            if record.settings.get(field) != value
        ]
        actions = [] if verified else ["repair"]
        if had_handle and verified:
            actions.append("regain")
        actions += ["change"] if differences else []
        actions += ["rotate"] if self._is_due(record) else []
        said = ""
        if had_handle:
            said = (
                "The server no longer accepts the registration access token, so the account can no longer be managed "
                "from here; its credentials still work. "
                if verified
                else "The server accepts neither the registration access token nor the credentials: the account seems "
                "to be deleted or disabled there. If it is gone, state: absent forgets it here, and state: present "
                "then registers a new one. "
            )
        if pending:
            said += f"The answer to the {pending.action} of {isoformat(pending.since)} was lost. "
        return account_result(
            self._known(record), verdict, None, actions, differences, sorted(self.wanted.settings), said=said
        )

    # Changes

    def _update(
        self, record: AccountRecord, found: Registration, asked: t.Mapping[str, t.Any], rotating: bool
    ) -> tuple[AccountRecord, Registration]:
        """One PUT, which replaces all metadata: what the server has beside the wanted stays as it is."""
        uri, token = t.cast(str, record.client_uri), t.cast(str, record.access_token)
        document = {field: value for field, value in found.metadata.items() if not _is_left_out(field, asked)}
        document.update(asked, client_id=record.client_id)
        if record.client_secret and not rotating:  # without it, a server that can renews it (RFC 7592 section 2.2)
            document["client_secret"] = record.client_secret
        self.records.note(self.name, "rotate" if rotating else "update", printable_url(uri))
        try:
            updated = self.provider.update_registration(uri, token, document)
        except AccessError as error:
            if not may_have_acted(error):
                self.records.settle(self.name)
                raise
            updated = self._after_lost_answer(record, asked, rotating, error)
        self.mask(updated.secrets)
        before = record.client_secret
        record = self._with_news(self._as_wanted(record, asked), updated)
        self._keep(record)
        if rotating and record.client_secret == before:
            raise ConfigurationError(
                "The server has kept the secret: it does not renew secrets by an update. Set rotate_by: replace, which "
                "registers a new account, proves it, and then deletes this one; or have the administrator renew it.",
                kind="not_rotated",
            )
        return record, updated

    def _after_lost_answer(
        self, record: AccountRecord, asked: t.Mapping[str, t.Any], rotating: bool, error: AccessError
    ) -> Registration:
        """What became of an update without an answer; raise that error where it cannot be told or was not made."""
        registration = None
        with contextlib.suppress(AccessError):
            registration = self._read(record)
        if registration is None:
            raise error.with_message(
                f"{error.message} The answer is lost, and the server no longer accepts the registration access token, "
                "or cannot be reached. The record still has the credentials from before. Run this again: it tells what "
                "still works, and what the server's administrator has to do."
            ) from None
        renewed = registration.client_secret not in (None, record.client_secret)
        if rotating and registration.client_secret is None:
            self._keep(self._with_news(record, registration))
            self.records.note(self.name, "rotate", printable_url(t.cast(str, record.client_uri)))
            raise error.with_message(
                f"{error.message} Whether the secret was renewed is not known, as the server does not tell secrets "
                "again. Run this again with rotate_secret: never: it tells whether the recorded one still works."
            ) from None
        if (rotating and not renewed) or compared(asked, registration.metadata, record.sent)[0]:
            self._keep(self._with_news(record, registration))
            raise error.with_message(
                f"{error.message} The update was not made; the account is as before. Run this again."
            )
        return registration

    def _replace(self, record: AccountRecord, asked: t.Mapping[str, t.Any]) -> tuple[AccountRecord, Registration]:
        """A new account in the place of the old one, which is deleted once the new one is proven."""
        new, registration = self._register(asked, "replace", replaced=record)
        verdict = self.prove(self._account_of(new))
        if not is_verified(verdict):
            left = "It was deleted again."
            try:
                if not new.client_uri or not new.access_token:
                    raise ConfigurationError("no handle")
                self.provider.delete_registration(new.client_uri, new.access_token)
            except AccessError:
                left = f"Have client {new.client_id} deleted at the server."
            self.records.keep(record)
            raise AccessError(
                f"The account that was to take its place does not work: {verdict.message} {left} The old one is kept, "
                "and nothing about it has changed.",
                kind="rotation_failed",
                status=verdict.status,
            )
        return new if self.wanted.retire == "later" else self._retire(new), registration

    def _retire(self, record: AccountRecord) -> AccountRecord:
        """Delete the account whose place the record's has taken, after the new one is proven."""
        old = t.cast(AccountRecord, record.replaced)
        if not is_verified(self.prove(self._account_of(record))):
            return record
        if self.check_mode:
            self.retired.append(old.client_id)
        elif self._delete(old)[0] is None:
            record = dataclasses.replace(record, replaced=old.replaced)
            self.records.keep(record, settles=False)
            self.retired.append(old.client_id)
        else:
            self.leftover = old
        return record

    # The account is to be gone

    def _absent(self, record: AccountRecord | None, pending: PendingChange | None) -> dict[str, t.Any]:
        if record is None:
            message = "There is no record of it."
            if pending:
                message = (
                    f"The attempt to {pending.action} it, of {isoformat(pending.since)}, is forgotten. If the "
                    f"server ({pending.server}) has a client of it, only its administrator can delete that."
                )
                if not self.check_mode:
                    self.records.forget(self.name)
            return account_result(
                self.wanted, None, None, [], [], [], change="forgotten" if pending else "none", message=message
            )
        gone = [{"field": "client_id", "wanted": None, "found": record.client_id}]
        if self.check_mode:
            message = f"Would delete client {record.client_id}, and forget it."
            return account_result(self._known(record), None, None, [], gone, [], change="deleted", message=message)
        was_rotating = pending is not None and pending.action == "rotate"
        if not was_rotating:
            self.records.note(self.name, "delete", printable_url(record.client_uri or self.wanted.account.base_url))
        proven = True
        for account in reversed(chain(record)):
            try:
                verdict, proven = self._delete(account)
            except AccessError as error:
                if not may_have_acted(error) and not was_rotating:
                    self.records.settle(self.name)
                raise
            if verdict is not None:
                self.records.settle(self.name)
                return account_result(self._known(account), verdict, None, ["delete"], [], [])
        self.records.forget(self.name)
        if pending and was_rotating and not proven:
            message = (
                f"Client {record.client_id} is forgotten here, and may still be there: the answer to the rotation of "
                f"{isoformat(pending.since)} was lost, and with it the secret and the registration access token that "
                "are good now."
            )
            return account_result(
                self._known(record), None, None, ["delete"], gone, [], change="forgotten", message=message
            )
        message = f"Client {record.client_id} is gone at the server, and forgotten here."
        if pending and pending.action == "replace":
            message += (
                " An earlier run asked to replace it and never stored the outcome. "
                f"{self._where_to_look(pending.server, pending.since)}, and delete it there."
            )
        return account_result(self._known(record), None, None, [], gone, [], change="deleted", message=message)

    def _delete(self, record: AccountRecord) -> tuple[Verdict | None, bool]:
        """Delete at the server; the verdict on the credentials where they still work, and whether the server itself
        said that the account is gone now."""
        self.mask(record.secrets)
        if record.client_uri and record.access_token:
            try:
                self.provider.delete_registration(record.client_uri, record.access_token)
                return None, True
            except AccessError as error:
                if not _is_gone(error) and error.status != 405:  # RFC 7592 section 2.3: a server need not delete
                    raise
        # After a deletion, and after a lost answer to one, servers say 401: then the credentials tell.
        verdict = self.prove(self._account_of(record))
        return (verdict if is_verified(verdict) else None), False

    # Results

    def _account_of(self, record: AccountRecord) -> Account:
        return dataclasses.replace(self.wanted.account, client_id=record.client_id, client_secret=record.client_secret)

    def _known(self, record: AccountRecord) -> WantedAccount:
        return dataclasses.replace(self.wanted, account=self._account_of(record))

    def _result(
        self,
        record: AccountRecord,
        registration: Registration,
        differences: list[dict[str, t.Any]],
        unchecked: list[str],
        *,
        created: bool = False,
        rotated: bool = False,
    ) -> dict[str, t.Any]:
        verdict = self.prove(self._account_of(record))
        done = {"create": created, "change": bool(differences), "rotate": rotated}
        fields = ", ".join(item["field"] for item in differences)
        words = {"create": "registered", "change": f"changed ({fields})", "rotate": "given a new secret"}
        were = "would be" if self.check_mode else "was"
        told = [f"It {were} {words[what]}." for what, is_done in done.items() if is_done]
        if self.retired:
            told.append(f"Client {', '.join(self.retired)}, whose place it has taken, {were} deleted.")
        elif record.replaced and not self.leftover:
            told.append(self._kept(record, verdict))
        result = account_result(
            self._known(record),
            verdict,
            AccountListing("registration", registration.metadata),
            [] if is_verified(verdict) else ["repair"],
            differences,
            unchecked,
            change=CREATED if created else ROTATED if rotated else "updated" if differences or self.retired else "none",
            said=" ".join(told) + " " if told else "",
        )
        if self.leftover:
            left = account_result(self._known(self.leftover), None, None, ["delete"], [], [])
            steps = [*(result["portal"]["steps"] if result["portal"] else []), *left["portal"]["steps"]]
            tasks = [*(result["portal"]["tasks"] if result["portal"] else []), *left["portal"]["tasks"]]
            result["portal"] = {**left["portal"], "steps": steps, "tasks": tasks}
            result["actions"].append("delete")
            result["action_required"] = True
            result["msg"] += f" Client {self.leftover.client_id}, whose place it took, is still there: have it deleted."
        result["client_secret"] = record.client_secret
        return result

    def _kept(self, record: AccountRecord, verdict: Verdict) -> str:
        """That the account is kept whose place the record's has taken, and for how long."""
        old = t.cast(AccountRecord, record.replaced).client_id
        if not is_verified(verdict):
            return f"Client {old}, whose place it was to take, is kept in the record."
        waiting = ", and only then is there another new secret" if self.waiting else ""
        return f"Client {old}, whose place it has taken, is kept until a run with retire: now deletes it{waiting}."


def replaced_account(record: AccountRecord | None) -> dict[str, t.Any] | None:
    """The account that is still there although the record's has taken its place, and since when; without secrets."""
    if record is None or record.replaced is None:
        return None
    return {"client_id": record.replaced.client_id, "since": isoformat(record.registered_at)}


def _is_left_out(field: str, asked: t.Mapping[str, t.Any]) -> bool:
    """Whether a field that a server has must not be in an update: by RFC 7592, or as another excludes it."""
    return (
        field in _NOT_UPDATED
        # RFC 7591 section 2: not both.
        or (field == "jwks" and "jwks_uri" in asked)
        or (field == "jwks_uri" and "jwks" in asked)
        # RFC 8705 section 2.1.2: only one of them.
        or (field.startswith("tls_client_auth_") and any(name.startswith("tls_client_auth_") for name in asked))
        # Of the method that the account had before.
        or (field == "token_endpoint_auth_signing_alg" and field not in asked)
    )


def chain(record: AccountRecord) -> list[AccountRecord]:
    """The account, and those whose place it has taken, from the newest on."""
    return [record, *(chain(record.replaced) if record.replaced else [])]


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _is_gone(error: AccessError) -> bool:
    """Whether a call about a registration says that its handle is no longer good (RFC 7592 section 2)."""
    return (isinstance(error, RefusedError) and error.status == 401) or error.status == 404


def check_rotation(account: Account, wanted_now: bool) -> None:
    """Raise ConfigurationError where a secret is to be renewed that the account does not have."""
    if wanted_now and account.token_endpoint_auth_method not in SECRET_METHODS:
        what = "certificate" if account.token_endpoint_auth_method in CERTIFICATE_METHODS else "private key"
        raise ConfigurationError(
            f"rotate_secret is for accounts with a secret; this one has a {what}. Give it a new {what}: the next run "
            "registers it."
        )
