# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The registry of providers, one line for each, and how an operation opens one."""

from __future__ import annotations

import contextlib
import typing as t

from .._errors import AccessError, ConfigurationError
from .._model import Account
from ._base import Provider


def _rimo3() -> type[Provider]:
    from .rimo3 import Rimo3

    return Rimo3


def _cimcloud() -> type[Provider]:
    from .cimcloud import CIMcloud

    return CIMcloud


def _jim2() -> type[Provider]:
    from .jim2 import Jim2

    return Jim2


def _beyondtrust() -> type[Provider]:
    from .beyondtrust import BeyondTrust

    return BeyondTrust


def _oauth2() -> type[Provider]:
    from .oauth2 import OAuth2

    return OAuth2


class Registry(t.Mapping[str, t.Type[Provider]]):  # noqa: UP006 (evaluated on every Python that Ansible runs on)
    """The providers by name. Each is imported when it is first asked for: a host compiles whatever it imports."""

    def __init__(self, loaders: t.Mapping[str, t.Callable[[], type[Provider]]]) -> None:
        self._loaders = loaders

    def __getitem__(self, name: str) -> type[Provider]:
        return self._loaders[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._loaders

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


PROVIDERS = Registry(
    {"rimo3": _rimo3, "cimcloud": _cimcloud, "jim2": _jim2, "beyondtrust": _beyondtrust, "oauth2": _oauth2}
)


@contextlib.contextmanager
def open_provider(account: Account) -> t.Iterator[Provider]:
    """The provider of an account, connected; errors that leave the block name the account."""
    # With requests behind it this takes longest to import, and who has a stored token needs none of it.
    from .._transport import REQUESTS_IMPORT_ERROR, Transport

    provider = PROVIDERS[account.provider]
    try:
        if REQUESTS_IMPORT_ERROR is not None:
            raise ConfigurationError(
                "The Python library requests is missing, for the Python that runs this. Install it there (pip install "
                "requests).",
                kind="requests_missing",
            )
        with Transport(account.transport, close_connections=provider.close_connections) as transport:
            yield provider(account, transport)
    except AccessError as error:
        raise error.about(account.name, provider.name) from None
