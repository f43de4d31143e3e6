# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients at the OAuth server, registered out of band, and what their tokens are good for, asked by plain requests."""

from __future__ import annotations

import typing as t
import urllib.parse
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .oidc_server import OidcServer, base64url, call, certificate_jwks, public_jwk
from .runner import AnsibleRunner, Run
from .test_oidc_server import integer

Options = dict[str, t.Any]
PrivateKey = t.Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey]

SIX = tuple(f"host{number}" for number in range(1, 7))
AWKWARD = "%+ :/\"&='\\<>;,@?#[]!$()*~^|`"

TOKEN = "POST /tenant/token"
INTROSPECTION = "POST /tenant/token/introspection"
DISCOVERY = "GET /tenant/.well-known/openid-configuration"


class Clients:
    """Makes clients; each is the options of a task. Their keys and signed assertions are searched for as secrets."""

    def __init__(self, ansible: AnsibleRunner, oidc: OidcServer) -> None:
        self._ansible = ansible
        self._oidc = oidc
        self._server = {"provider": "oauth2", "issuer": oidc.issuer, "ca_path": str(oidc.ca)}
        ansible.more_servers.append(self.assertions)

    def assertions(self) -> list[str]:
        """Every signed assertion that the server has seen."""
        return list(self._oidc.control("GET", "/secrets")["assertions"])

    def secret(self, method: str = "client_secret_basic", **metadata: t.Any) -> Options:
        client = self._oidc.register(token_endpoint_auth_method=method, **metadata)
        return {
            **self._server,
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "token_endpoint_auth_method": method,
        }

    def key(self, kind: str = "EC", *, path: bool = False, **metadata: t.Any) -> Options:
        """A client of private_key_jwt with a new key, as text or as a file."""
        key, method = _new_key(kind), "private_key_jwt"
        client = self._oidc.register(token_endpoint_auth_method=method, jwks={"keys": [_public_part(key)]}, **metadata)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self._ansible.more_secrets += [line for line in pem.splitlines() if "-----" not in line and len(line) > 20]
        options = {**self._server, "client_id": client["client_id"], "token_endpoint_auth_method": method}
        if not path:
            return {**options, "private_key": pem}
        file = self._ansible.inputs / f"{kind}.pem"
        file.write_text(pem)
        return {**options, "private_key_path": str(file)}

    def certificate(self, *, self_signed: bool, **metadata: t.Any) -> Options:
        """A client of mutual TLS with a new certificate."""
        if self_signed:
            method, (certificate, key) = "self_signed_tls_client_auth", self._oidc.self_signed_certificate()
            metadata["jwks"] = certificate_jwks(certificate)
        else:
            method, (certificate, key) = "tls_client_auth", self._oidc.client_certificate("fleet")
            metadata["tls_client_auth_subject_dn"] = "CN=fleet"
        client = self._oidc.register(token_endpoint_auth_method=method, **metadata)
        return {
            **self._server,
            "client_id": client["client_id"],
            "token_endpoint_auth_method": method,
            "client_cert": str(certificate),
            "client_key": str(key),
        }

    def of_every_method(self) -> dict[str, Options]:
        """A client for each way to authenticate itself, those with a secret with an awkward one."""
        self._oidc.settings(secret_characters=AWKWARD)
        made = {name: self.secret(name) for name in ("client_secret_basic", "client_secret_post", "client_secret_jwt")}
        for kind in ("RSA", "EC", "Ed25519"):
            made |= {f"{kind} as text": self.key(kind), f"{kind} as a file": self.key(kind, path=True)}
        made["tls_client_auth"] = self.certificate(self_signed=False)
        made["self_signed_tls_client_auth"] = self.certificate(self_signed=True)
        return made


def _new_key(kind: str) -> PrivateKey:
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else ed25519.Ed25519PrivateKey.generate()


def _public_part(key: PrivateKey) -> dict[str, t.Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "n": integer(public.n), "e": integer(public.e)}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return public_jwk(key.public_key())
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}


# What a token is good for


def using(oidc: OidcServer) -> Options:
    """The options of a test that uses the token, at the protected resource."""
    return {"base_url": f"https://localhost:{oidc.port}", "test_path": "resource/me"}


def owner(oidc: OidcServer, token: str, certificate: tuple[str, str] | None = None) -> str | None:
    """The client whose token the protected resource accepts; None where it refuses it."""
    url = oidc.mtls_resource_url if certificate else oidc.resource_url
    answer = call("GET", url, headers={"Authorization": f"Bearer {token}"}, verify=str(oidc.ca), cert=certificate)
    assert answer.status_code in (200, 401)
    return str(answer.json()["client_id"]) if answer.status_code == 200 else None


def is_active(oidc: OidcServer, options: Options, token: str) -> bool:
    """What an introspection says, by a client of client_secret_basic."""
    answer = _post(oidc, options, "introspection", token)
    return bool(answer["active"])


def revoke(oidc: OidcServer, options: Options, token: str) -> None:
    """End a token behind the collection's back, by a client of client_secret_basic."""
    _post(oidc, options, "revocation", token)


def _post(oidc: OidcServer, options: Options, path: str, token: str) -> t.Any:
    pair = tuple(urllib.parse.quote_plus(options[option]) for option in ("client_id", "client_secret"))
    answer = call("POST", f"{oidc.issuer}/token/{path}", data={"token": token}, auth=pair, verify=str(oidc.ca))
    assert answer.status_code == 200
    return answer.json() if answer.text else None


# Runs


def named(clients: t.Mapping[str, Options], **more: t.Any) -> list[Options]:
    """Accounts for api_accounts."""
    return [{**options, **more, "name": name} for name, options in clients.items()]


def plays(*tasks: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]


def each_token(ansible: AnsibleRunner, accounts: list[Options], **options: t.Any) -> list[dict[str, t.Any]]:
    """The results of oauth_token for each of the accounts, in one run."""
    run = ansible.task(
        "oauth_token", {**options, "account": "{{ item }}"}, variables={"api_accounts": accounts},
        keywords={"loop": [account["name"] for account in accounts]},
    )  # fmt: skip
    assert not run.result.get("failed"), run.output
    return list(run.result["results"])


def each_verdict(ansible: AnsibleRunner, clients: t.Mapping[str, Options]) -> dict[str, dict[str, t.Any]]:
    """What token_test says of each of the accounts, by name, in one run."""
    run = ansible.task("token_test", {"accounts": named(clients)})
    assert "verdicts" in run.result, run.output
    return {verdict["name"]: verdict for verdict in run.result["verdicts"]}


def verdicts(run: Run) -> set[tuple[str, str]]:
    """The outcomes and reasons that token_test had on the hosts."""
    assert all("outcome" in result for result in run.results.values()), run.output
    return {(result["outcome"], result["reason"]) for result in run.results.values()}


def left_behind(ansible: AnsibleRunner) -> list[Path]:
    """What a run should have removed."""
    return list((ansible.ansible_home / "tmp").iterdir())
