# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""How a client proves who it is: RFC 6749 section 2.3, RFC 7523 (signed assertions), RFC 8705 (mutual TLS)."""

from __future__ import annotations

import base64
import json
import socket
import typing as t
import uuid
import warnings
from urllib.parse import quote_plus

from .._errors import ConfigurationError
from .._model import Account

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASSERTION_LIFETIME = 120
"""Seconds."""

# RFC 7518 section 3.4 and RFC 8037, by what cryptography calls the curve.
_CURVE_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

# RFC 7638 section 3.2 and RFC 8037 section 2: what a public key consists of.
KEY_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def basic_credentials(client_id: str, client_secret: str) -> str:
    """Base64 of both, each form-encoded first, as RFC 6749 section 2.3.1 asks for and many clients forget."""
    return base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()).decode()


def client_assertion(account: Account, audience: str, now: float) -> str:
    """A signed assertion (RFC 7523 section 3), to be used once: each has a ``jti`` of its own.

    ``now`` is in seconds since 1970, UTC. Raises ConfigurationError.
    """
    jwt = _pyjwt()
    claims = {
        "iss": account.client_id,
        "sub": account.client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFETIME,
    }
    headers = {"kid": account.key_id} if account.key_id else None
    if account.token_endpoint_auth_method == "client_secret_jwt":
        key: t.Any = account.client_secret
        algorithm = account.signing_alg or "HS256"
    else:
        key = private_key_of(account)
        own = _algorithm_of(key)
        algorithm = account.signing_alg or own
        if algorithm.startswith("ES") and algorithm != own:  # not every PyJWT looks at the curve
            misfit = "curve" if own.startswith("ES") else "type"
            raise ConfigurationError(f"The key cannot sign with {algorithm}: signing_alg does not fit its {misfit}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a short secret, which the server has chosen
            return str(jwt.encode(claims, key, algorithm=algorithm, headers=headers))
    except (TypeError, ValueError, NotImplementedError, jwt.PyJWTError):  # their texts can hold the key
        raise ConfigurationError(f"The key cannot sign with {algorithm}: signing_alg does not fit its type.") from None


def private_key_of(account: Account) -> t.Any:
    """The account's private key. Raises ConfigurationError where it is missing, unreadable, or of no use here."""
    pem = (account.private_key or "").encode(errors="replace")
    if account.private_key_path and not pem:
        try:
            with open(account.private_key_path, "rb") as file:
                pem = file.read()
        except OSError:
            raise ConfigurationError(
                f"private_key_path '{account.private_key_path}' cannot be read on {socket.gethostname()}. The key must "
                "be there, in PEM form, on the machine that requests the token."
            ) from None
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise _missing("cryptography", "cryptography") from None
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, ValueError):
        raise ConfigurationError(
            "private_key is not a private key in PEM form without a passphrase. Give it one that begins with "
            "-----BEGIN PRIVATE KEY-----, for example made by openssl genpkey."
        ) from None
    except Exception:  # an algorithm that this build of cryptography does not know; its text can hold the key
        raise ConfigurationError("private_key is of a type that is not supported. Use RSA, EC or Ed25519.") from None
    _algorithm_of(key)
    return key


def public_jwk(account: Account) -> dict[str, t.Any]:
    """The account's public key as the server takes it (RFC 7517). Raises ConfigurationError."""
    jwk = _jwk(private_key_of(account).public_key())
    jwk["use"] = "sig"
    if account.key_id:
        jwk["kid"] = account.key_id
    return jwk


def certificate_jwk(account: Account) -> dict[str, t.Any]:
    """The account's self-signed certificate as the server takes it (RFC 8705 section 2.2.2).

    Raises ConfigurationError.
    """
    certificate = _certificate(account)
    from cryptography.hazmat.primitives.serialization import Encoding

    jwk = _jwk(certificate.public_key())
    jwk["x5c"] = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    return jwk


def _jwk(public_key: t.Any) -> dict[str, t.Any]:
    """The members of a public key, and no more. Raises ConfigurationError."""
    algorithms = _pyjwt().algorithms
    for family in (algorithms.RSAAlgorithm, algorithms.ECAlgorithm, algorithms.OKPAlgorithm):
        try:
            found = json.loads(family.to_jwk(public_key))
        except (TypeError, ValueError, AttributeError, algorithms.InvalidKeyError):
            continue
        return {member: found[member] for member in KEY_MEMBERS[found["kty"]]}
    raise ConfigurationError("The key is of a type that is not supported. Use RSA, EC or Ed25519.")


def certificate_subject(account: Account) -> str:
    """The subject of the account's certificate, as RFC 4514 writes it. Raises ConfigurationError."""
    return str(_certificate(account).subject.rfc4514_string())


def _certificate(account: Account) -> t.Any:
    path = account.transport.client_cert or ""
    try:
        from cryptography import x509
    except ImportError:
        raise _missing("cryptography", "cryptography") from None
    try:
        with open(path, "rb") as file:
            return x509.load_pem_x509_certificate(file.read())
    except (OSError, ValueError):
        raise ConfigurationError(f"client_cert '{path}' is not a certificate in PEM form that can be read.") from None


def _algorithm_of(key: t.Any) -> str:
    """The algorithm that a private key signs with unless another is asked for."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVE_ALGORITHMS:
        return _CURVE_ALGORITHMS[key.curve.name]
    raise ConfigurationError(
        "private_key is of a type that is not supported. Use RSA, EC (P-256, P-384 or P-521) or Ed25519."
    )


def _pyjwt() -> t.Any:
    """PyJWT, which only signed assertions need."""
    try:
        import jwt
        import jwt.algorithms
    except ImportError:
        raise _missing("PyJWT", "PyJWT[crypto]") from None
    return jwt


def _missing(library: str, package: str) -> ConfigurationError:
    return ConfigurationError(
        f"The Python library {library} is missing on {socket.gethostname()}, for the Python that runs this. Signed "
        f"assertions need it: pip install '{package}'.",
        kind="library_missing",
    )
