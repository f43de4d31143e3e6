# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The registry of providers, one line for each, and how an operation opens one."""

from __future__ import annotations

import contextlib
import typing as t

from .._errors import AccessError
from .._model import Account
from .._transport import Transport
from ._base import Provider
from .beyondtrust import BeyondTrust
from .cimcloud import CIMcloud
from .jim2 import Jim2
from .oauth2 import OAuth2
from .rimo3 import Rimo3

PROVIDERS: dict[str, type[Provider]] = {
    provider.name: provider for provider in (Rimo3, CIMcloud, Jim2, BeyondTrust, OAuth2)
}


@contextlib.contextmanager
def open_provider(account: Account) -> t.Iterator[Provider]:
    """The provider of an account, connected; errors that leave the block name the account."""
    provider = PROVIDERS[account.provider]
    try:
        with Transport(account.transport, close_connections=provider.close_connections) as transport:
            yield provider(account, transport)
    except AccessError as error:
        raise error.about(account.name, provider.name) from None
