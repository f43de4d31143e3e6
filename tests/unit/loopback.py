# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on the loopback interface that answers with the very bytes it is given, and certificates for it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HANG = b"hang"
"""Answer nothing, until the test is over."""

CLOSE = b""
"""Close the connection without an answer."""


def reply(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    """The bytes of a whole answer."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclasses.dataclass(frozen=True)
class Received:
    """One request as it arrived, and the number of the connection it came by. Header names are in lower case."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


class Loopback:
    """Gives each request the next of the replies, and all further ones the last."""

    def __init__(self, replies: t.Sequence[bytes], context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.over = threading.Event()
        self._replies = list(replies)
        self._connections = 0
        self._context = context
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    outer._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def _serve(self, connection: t.Any) -> None:
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        self._connections += 1
        number = self._connections
        with connection, connection.makefile("rb") as file:
            while line := file.readline().decode().strip():
                headers = {}
                while field := file.readline().decode("latin-1").strip():
                    name, _colon, value = field.partition(":")
                    headers[name.lower()] = value.strip()
                body = file.read(int(headers.get("content-length", "0")))
                self.received.append(Received(number, line, headers, body))
                answer = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                if answer == HANG:
                    self.over.wait(30)
                if answer in (HANG, CLOSE):
                    return
                connection.sendall(answer)
                if b"\r\nConnection: close" in answer:
                    return


class Wire:
    """Plays each connection as a function does, which gets its number, the socket, and the test's end as an event.

    With a context the function gets the socket as TLS has it.
    """

    def __init__(
        self,
        play: t.Callable[[int, socket.socket, threading.Event], None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.over = threading.Event()
        self.connections = 0
        self._play = play
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(self.connections, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._play(number, connection, self.over)


def read_head(connection: socket.socket) -> bytes:
    """A request up to its blank line."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("no request")
        head += piece
    return head


def drip(connection: socket.socket, over: threading.Event, piece: bytes, pause: float = 0.02) -> None:
    """Send a piece again and again, until the other side or the test has had enough."""
    while not over.wait(pause):
        connection.sendall(piece)


@dataclasses.dataclass(frozen=True)
class Certificates:
    """PEM files: two authorities, of which the first signed all of the servers' certificates (with their keys)."""

    ca: Path
    other_ca: Path
    good: Path
    other_host: Path
    other_address: Path
    expired: Path
    not_yet: Path
    other_purpose: Path

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        key, authority = _authority("apiops.access unit tests")
        _key, stranger = _authority("some other authority")
        here: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        files = {
            "ca": _pem(authority),
            "other_ca": _pem(stranger),
            "good": _server(key, authority, here),
            "other_host": _server(key, authority, [x509.DNSName("elsewhere.example.com")]),
            "other_address": _server(key, authority, [x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]),
            "expired": _server(key, authority, here, days=-1),
            "not_yet": _server(key, authority, here, from_days=1),
            "other_purpose": _server(key, authority, here, purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
        }
        for name, content in files.items():
            (folder / f"{name}.pem").write_bytes(content)
        return cls(**{name: folder / f"{name}.pem" for name in files})


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, from_days: int = -30
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=from_days))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, _name(name), key, 30)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)  # to sign certificates
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _server(
    signer: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: list[x509.GeneralName],
    days: int = 30,
    from_days: int = -30,
    purpose: x509.ObjectIdentifier | None = None,
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("server", authority.subject, key, days, from_days)
    # Python 3.13 and later trust no certificate without this.
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _pem(builder.sign(signer, hashes.SHA256())) + encoded


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
