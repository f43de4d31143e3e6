# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""What servers publish about themselves, asked once in a run and forgotten with it."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import tempfile
import typing as t

from ansible import constants

from ..module_utils._model import Account
from ..module_utils._providers._discovery import ServerMetadata
from ..module_utils._providers._registry import open_provider

if t.TYPE_CHECKING:
    from ..module_utils._providers.oauth2 import OAuth2


def with_metadata(account: Account) -> Account:
    """The account with what its server publishes, for use on the controller. Raises AccessError.

    A host that asks the server itself finds out for itself: what one machine is told holds for no other.
    """
    if account.metadata or not account.issuer:
        return account
    # Ansible's own folder of this run, which only its user can read and which Ansible removes.
    path = os.path.join(constants.DEFAULT_LOCAL_TMP, f"apiops-metadata-{_key(account)}")
    metadata = _read(path)
    if metadata is None:
        with _one_at_a_time(path):
            metadata = _read(path)
            if metadata is None:
                with open_provider(account) as provider:
                    metadata = t.cast("OAuth2", provider).discover()
                _write(path, t.cast(ServerMetadata, metadata))
    return dataclasses.replace(account, metadata=metadata)


@contextlib.contextmanager
def _one_at_a_time(path: str) -> t.Iterator[None]:
    """Have one process ask, while the others wait for what it is told."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # without the folder of the run, everybody asks
            lock = stack.enter_context(open(f"{path}.lock", "ab"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _key(account: Account) -> str:
    """The issuer and how it was reached: who is asked without a check of certificates can be somebody else."""
    transport = dataclasses.replace(account.transport, timeout=0.0, retries=0)
    return hashlib.sha256(json.dumps([account.issuer, dataclasses.asdict(transport)]).encode()).hexdigest()[:32]


def _read(path: str) -> ServerMetadata | None:
    try:
        with open(path, encoding="utf-8") as file:
            return ServerMetadata(**json.load(file))
    except (OSError, TypeError, ValueError):
        return None


def _write(path: str, metadata: ServerMetadata) -> None:
    with contextlib.suppress(OSError):  # it is asked again then
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(metadata.to_dict(), file)
        os.replace(temporary, path)
