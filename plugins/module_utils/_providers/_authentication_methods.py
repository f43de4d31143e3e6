# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The methods by which a client proves who it is, and the algorithms of those that sign: what options can say."""

from __future__ import annotations

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
ASSERTION_METHODS = ("client_secret_jwt", "private_key_jwt")
CERTIFICATE_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
AUTH_METHODS = (*SECRET_METHODS, "private_key_jwt", *CERTIFICATE_METHODS)

_HMAC_ALGORITHMS = ("HS256", "HS384", "HS512")
_KEY_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
SIGNING_ALGORITHMS = (*_HMAC_ALGORITHMS, *_KEY_ALGORITHMS)


def algorithms_for(method: str) -> tuple[str, ...]:
    """The algorithms that can sign the assertions of a method."""
    return _HMAC_ALGORITHMS if method == "client_secret_jwt" else _KEY_ALGORITHMS
