# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a client proves who it is; what it signs is verified by PyJWT, with the public key alone."""

from __future__ import annotations

import base64
import datetime
import functools
import secrets
import sys
import typing as t
import warnings
from pathlib import Path

import jwt
import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import ConfigurationError
from ansible_collections.apiops.access.plugins.module_utils._model import Account, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._client_authentication import (
    basic_credentials,
    certificate_jwk,
    certificate_subject,
    client_assertion,
    private_key_of,
    public_jwk,
)
from ansible_collections.apiops.access.tests.unit.scripted import NOW, oauth2
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.x509.oid import NameOID

AUDIENCE = "https://auth.example.com/token"
ALGORITHMS = {"rsa": "RS256", "p256": "ES256", "p384": "ES384", "p521": "ES512", "ed25519": "EdDSA"}
"""The kinds of keys that can be used, and what RFC 7518 and RFC 8037 sign with them."""


@functools.cache
def key(kind: str) -> t.Any:
    """A private key, which is made where the first test asks for it."""
    makers: dict[str, t.Callable[[], t.Any]] = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "dsa": lambda: dsa.generate_private_key(1024),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "x25519": x25519.X25519PrivateKey.generate,
    }
    return makers[kind]()


def pem(private: t.Any, form: str = "PKCS8", protection: serialization.KeySerializationEncryption | None = None) -> str:
    encoded: bytes = private.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        protection or serialization.NoEncryption(),
    )
    return encoded.decode()


def public_pem(private: t.Any) -> str:
    encoded: bytes = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


def with_key(text: str | None, **changes: t.Any) -> Account:
    given = {"client_secret": None, "token_endpoint_auth_method": "private_key_jwt"}
    return oauth2(private_key=text, **{**given, **changes})


def with_secret(secret: str, **changes: t.Any) -> Account:
    return oauth2(client_secret=secret, token_endpoint_auth_method="client_secret_jwt", **changes)


def verified(assertion: str, public: t.Any, algorithm: str) -> dict[str, t.Any]:
    """The claims, after the signature is verified; the moments are for the tests to compare with the clock's."""
    return jwt.decode(
        assertion,
        public,
        algorithms=[algorithm],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


def refused(call: t.Callable[[], object], *unseen: str) -> ConfigurationError:
    """The refusal of a call, after a look whether it tells any line of what must not be seen."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    shown = [str(caught.value), repr(caught.value), str(caught.value.to_dict())]
    if not caught.value.__suppress_context__:
        shown.append(str(caught.value.__context__))
    lines = {line for text in unseen for line in text.splitlines() if line and not line.startswith("-----")}
    assert not [line for line in lines for text in shown if line in text]
    return caught.value


# HTTP Basic


@pytest.mark.parametrize(
    ("client_id", "client_secret", "expected"),
    [
        # What `printf 'client-1:s3cret-value' | base64` prints.
        ("client-1", "s3cret-value", "Y2xpZW50LTE6czNjcmV0LXZhbHVl"),
        # The same of 'client%2F1%3A%C3%A9:p%3Aa%25s%2Bs+%26%C3%A9'.
        ("client/1:é", "p:a%s+s &é", "Y2xpZW50JTJGMSUzQSVDMyVBOTpwJTNBYSUyNXMlMkJzKyUyNiVDMyVBOQ=="),
    ],
)
def test_basic_credentials_are_form_encoded_first(client_id: str, client_secret: str, expected: str) -> None:
    assert basic_credentials(client_id, client_secret) == expected


# Assertions


@pytest.mark.parametrize("kind", ALGORITHMS)
@pytest.mark.parametrize("source", ["text", "file"])
def test_a_key_signs_with_the_algorithm_of_its_kind(tmp_path: Path, kind: str, source: str) -> None:
    account = with_key(pem(key(kind)))
    if source == "file":
        path = tmp_path / "key.pem"
        path.write_text(pem(key(kind)))
        account = with_key(None, private_key_path=str(path))
    assertion = client_assertion(account, AUDIENCE, NOW)
    assert jwt.get_unverified_header(assertion)["alg"] == ALGORITHMS[kind]
    assert verified(assertion, public_pem(key(kind)), ALGORITHMS[kind])["sub"] == "client-1"


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_key_in_the_older_form_of_its_kind_signs_too(kind: str) -> None:
    account = with_key(pem(key(kind), "TraditionalOpenSSL"))
    assert verified(client_assertion(account, AUDIENCE, NOW), public_pem(key(kind)), ALGORITHMS[kind])


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
def test_the_algorithm_can_be_chosen(algorithm: str) -> None:
    assertion = client_assertion(with_key(pem(key("rsa")), signing_alg=algorithm), AUDIENCE, NOW)
    assert verified(assertion, public_pem(key("rsa")), algorithm)


@pytest.mark.parametrize(("chosen", "used"), [(None, "HS256"), ("HS384", "HS384"), ("HS512", "HS512")])
def test_a_secret_signs_by_hmac(chosen: str | None, used: str) -> None:
    secret = secrets.token_hex(32)
    assertion = client_assertion(with_secret(secret, signing_alg=chosen), AUDIENCE, NOW)
    assert verified(assertion, secret, used)["iss"] == "client-1"


def test_a_short_secret_signs_without_a_warning() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert client_assertion(with_secret("short"), AUDIENCE, NOW)
    assert warned == []


def test_an_assertion_has_the_claims_of_rfc_7523() -> None:
    claims = verified(
        client_assertion(with_key(pem(key("p256"))), AUDIENCE, NOW + 0.9), public_pem(key("p256")), "ES256"
    )
    assert claims.pop("jti")
    assert claims == {
        "iss": "client-1",
        "sub": "client-1",
        "aud": AUDIENCE,
        "iat": 1_800_000_000,
        "exp": 1_800_000_120,
    }


def test_no_two_assertions_have_the_same_id() -> None:
    secret = secrets.token_hex(32)
    made = [verified(client_assertion(with_secret(secret), AUDIENCE, NOW), secret, "HS256") for _time in range(5)]
    assert len({claims["jti"] for claims in made}) == 5


@pytest.mark.parametrize("key_id", [None, "key-7"])
def test_the_key_id_is_named_where_there_is_one(key_id: str | None) -> None:
    header = jwt.get_unverified_header(client_assertion(with_key(pem(key("rsa")), key_id=key_id), AUDIENCE, NOW))
    assert header.get("kid") == key_id
    assert ("kid" in header) is (key_id is not None)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa", "ES256"),
        ("rsa", "EdDSA"),
        ("p256", "RS256"),
        ("p256", "ES384"),
        ("p384", "ES512"),
        ("p521", "ES256"),
        ("p256", "EdDSA"),
        ("ed25519", "RS256"),
        ("ed25519", "ES256"),
    ],
)
def test_an_algorithm_that_does_not_fit_the_key_is_refused(kind: str, algorithm: str) -> None:
    text = pem(key(kind))
    error = refused(lambda: client_assertion(with_key(text, signing_alg=algorithm), AUDIENCE, NOW), text)
    assert "signing_alg" in str(error)
    assert algorithm in str(error)
    misfit = "curve" if kind.startswith("p") and algorithm.startswith("ES") else "type"
    assert f"does not fit its {misfit}" in str(error)


def test_a_secret_that_looks_like_a_key_is_refused_without_being_shown() -> None:
    text = public_pem(key("rsa"))
    refused(lambda: client_assertion(with_secret(text), AUDIENCE, NOW), text)


# Keys that cannot be used


@pytest.mark.parametrize("kind", ["dsa", "secp256k1", "ed448", "x25519"])
def test_a_key_of_another_kind_is_refused_with_the_kinds_that_are_not(kind: str) -> None:
    text = pem(key(kind))
    error = refused(lambda: private_key_of(with_key(text)), text)
    assert "RSA, EC" in str(error)
    assert "Ed25519" in str(error)


def test_a_key_that_this_cryptography_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = pem(key("p256"))

    def load(data: bytes, password: bytes | None) -> t.NoReturn:
        raise UnsupportedAlgorithm(f"what is {data!r}?")

    monkeypatch.setattr(serialization, "load_pem_private_key", load)
    assert "type that is not supported" in str(refused(lambda: private_key_of(with_key(text)), text))


def test_a_key_with_a_passphrase_is_refused_with_the_reason() -> None:
    text = pem(key("rsa"), protection=serialization.BestAvailableEncryption(b"hush"))
    assert "without a passphrase" in str(refused(lambda: private_key_of(with_key(text)), text))


def test_a_public_key_is_no_private_key() -> None:
    text = public_pem(key("rsa"))
    assert "private key in PEM form" in str(refused(lambda: private_key_of(with_key(text)), text))


def test_a_damaged_key_is_refused() -> None:
    lines = pem(key("rsa")).splitlines()
    text = "\n".join([*lines[:5], *lines[6:]])
    refused(lambda: private_key_of(with_key(text)), text)


@pytest.mark.parametrize("text", ["hunter2-s3cret", "schl\u00fcssel-s3cret", "half-\udc80-s3cret", "\x00-s3cret"])
def test_what_is_no_key_at_all_is_refused_without_being_shown(text: str) -> None:
    assert "private_key is not" in str(refused(lambda: private_key_of(with_key(text)), text))


def test_an_empty_key_is_refused() -> None:
    assert "private_key is not" in str(refused(lambda: private_key_of(with_key(""))))


def test_a_key_file_that_is_missing_is_named_with_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "web1")
    path = str(tmp_path / "nowhere.pem")
    text = str(refused(lambda: private_key_of(with_key(None, private_key_path=path))))
    assert f"private_key_path '{path}'" in text
    assert "web1" in text


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    assert str(tmp_path) in str(refused(lambda: private_key_of(with_key(None, private_key_path=str(tmp_path)))))


def test_a_key_file_in_binary_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.der"
    path.write_bytes(
        key("rsa").private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    assert "PEM" in str(refused(lambda: private_key_of(with_key(None, private_key_path=str(path)))))


def test_a_key_file_may_say_in_any_language_whose_key_it_is(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("Bag Attributes\n    friendlyName: Schl\u00fcssel\n" + pem(key("p256")), encoding="utf-8")
    found = private_key_of(with_key(None, private_key_path=str(path)))
    assert found.private_numbers() == key("p256").private_numbers()


@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
def test_a_missing_pyjwt_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    text = pem(key("p256"))
    account = with_key(text, client_secret="s3cret-value", token_endpoint_auth_method=method)
    error = refused(lambda: client_assertion(account, AUDIENCE, NOW), text, "s3cret-value")
    assert error.kind == "library_missing"
    assert "library PyJWT is missing" in str(error)
    assert "pip install 'PyJWT[crypto]'" in str(error)


def test_a_missing_cryptography_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    text = pem(key("p256"))
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    error = refused(lambda: client_assertion(with_key(text), AUDIENCE, NOW), text)
    assert error.kind == "library_missing"
    assert "library cryptography is missing" in str(error)
    assert "pip install 'cryptography'" in str(error)


def test_a_certificate_needs_cryptography_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    error = refused(lambda: certificate_subject(with_certificate(tmp_path / "cert.pem")))
    assert error.kind == "library_missing"
    assert "library cryptography is missing" in str(error)
    assert "pip install 'cryptography'" in str(error)


def test_an_account_without_a_certificate_has_none_to_tell() -> None:
    assert "client_cert '' is not a certificate" in str(refused(lambda: certificate_subject(oauth2())))


# What a server is told of a key


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("rsa", {"kty", "n", "e"}),
        ("p256", {"kty", "crv", "x", "y"}),
        ("p384", {"kty", "crv", "x", "y"}),
        ("p521", {"kty", "crv", "x", "y"}),
        ("ed25519", {"kty", "crv", "x"}),
    ],
)
def test_the_server_is_told_the_public_key_and_nothing_of_the_private_one(kind: str, members: set[str]) -> None:
    text = pem(key(kind))
    told = public_jwk(with_key(text, key_id="key-7"))
    assert set(told) == {*members, "use", "kid"}
    assert (told["use"], told["kid"]) == ("sig", "key-7")
    assertion = client_assertion(with_key(text), AUDIENCE, NOW)
    assert verified(assertion, jwt.PyJWK(told, ALGORITHMS[kind]).key, ALGORITHMS[kind])["iss"] == "client-1"


def test_a_key_without_an_id_is_told_without_one() -> None:
    assert "kid" not in public_jwk(with_key(pem(key("p256"))))


def test_a_coordinate_that_begins_with_zeros_keeps_its_length() -> None:
    short = ec.derive_private_key(379, ec.SECP256R1())  # the x of this one begins with a zero byte
    assert short.public_key().public_numbers().x < 2**248
    # RFC 7518 section 6.2.1.2: 32 octets, which are 43 characters.
    assert len(public_jwk(with_key(pem(short)))["x"]) == 43


def certificate(private: t.Any) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AU"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Jo, Sons & M\u00fcller"),
            x509.NameAttribute(NameOID.COMMON_NAME, "client-1"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2027, 1, 1))
        .not_valid_after(datetime.datetime(2028, 1, 1))
        .sign(private, hashes.SHA256())
    )


def with_certificate(path: Path) -> Account:
    return oauth2(transport=TransportOptions(client_cert=str(path)))


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_the_server_is_told_the_certificate_and_its_key(tmp_path: Path, kind: str) -> None:
    made = certificate(key(kind))
    path = tmp_path / "both.pem"
    path.write_text(pem(key(kind)) + made.public_bytes(serialization.Encoding.PEM).decode())
    told = certificate_jwk(with_certificate(path))
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(told)
    assert x509.load_der_x509_certificate(base64.b64decode(told.pop("x5c")[0])) == made
    assert jwt.PyJWK(told, ALGORITHMS[kind]).key.public_numbers() == key(kind).public_key().public_numbers()


def test_a_certificate_with_a_key_that_no_server_takes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(certificate(key("dsa")).public_bytes(serialization.Encoding.PEM))
    assert "type that is not supported" in str(refused(lambda: certificate_jwk(with_certificate(path))))


def test_the_subject_of_a_certificate_is_written_as_rfc_4514_does(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(certificate(key("p256")).public_bytes(serialization.Encoding.PEM))
    assert certificate_subject(with_certificate(path)) == "CN=client-1,O=Jo\\, Sons & M\u00fcller,C=AU"


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\xfe"])
def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    assert f"client_cert '{path}'" in str(refused(lambda: certificate_subject(with_certificate(path))))
