# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OAuth server of the tests does what they rely on; asked by plain requests, without the collection."""

from __future__ import annotations

import base64
import concurrent.futures
import email.utils
import functools
import hmac
import json
import secrets
import subprocess
import sys
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .oidc_server import JWT, OPAQUE, OidcServer, base64url, call, certificate_jwks, public_jwk

Client = dict[str, t.Any]
_READ_ONLY = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


def send(oidc: OidcServer, method: str, url: str, bearer: str | None = None, **arguments: t.Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return call(method, url, headers=headers, verify=str(oidc.ca), **arguments)


def post(oidc: OidcServer, client: Client, path: str, **data: str) -> requests.Response:
    """A call with the client's credentials in Basic, encoded as RFC 6749 wants it."""
    pair = (urllib.parse.quote_plus(client["client_id"]), urllib.parse.quote_plus(client["client_secret"]))
    return send(oidc, "POST", f"{oidc.issuer}/{path}", data=data, auth=pair)


def request_token(oidc: OidcServer, client: Client, **data: str) -> requests.Response:
    return post(oidc, client, "token", grant_type="client_credentials", **data)


def new_token(oidc: OidcServer, client: Client, **data: str) -> str:
    response = request_token(oidc, client, **data)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def is_active(oidc: OidcServer, client: Client, token: str) -> bool:
    response = post(oidc, client, "token/introspection", token=token)
    assert response.status_code == 200
    return bool(response.json()["active"])


def manage(oidc: OidcServer, method: str, client: Client, document: t.Any = None) -> requests.Response:
    uri, bearer = client["registration_client_uri"], client["registration_access_token"]
    return send(oidc, method, uri, bearer, json=document)


def writable(client: Client, **changes: t.Any) -> dict[str, t.Any]:
    """What an update may have in it."""
    return {**{name: value for name, value in client.items() if name not in _READ_ONLY}, **changes}


# Discovery


@pytest.mark.parametrize(
    ("setting", "statuses"),
    [
        ("both", (200, 404, 200)),
        ("openid", (200, 404, 404)),
        ("oauth", (404, 200, 404)),
        ("oauth_inserted", (404, 404, 200)),
        ("none", (404, 404, 404)),
    ],
)
def test_discovery_is_where_it_is_set_to_be(oidc: OidcServer, setting: str, statuses: tuple[int, ...]) -> None:
    oidc.settings(well_known=setting)
    answers = [
        send(oidc, "GET", f"https://localhost:{oidc.port}{path}")
        for path in (
            "/tenant/.well-known/openid-configuration",
            "/tenant/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/tenant",
        )
    ]
    assert tuple(answer.status_code for answer in answers) == statuses
    for answer in answers:
        if answer.ok:
            assert answer.json()["issuer"] == oidc.issuer
            assert answer.json()["token_endpoint"] == f"{oidc.issuer}/token"
            assert answer.json()["registration_endpoint"] == f"{oidc.issuer}/reg"
            assert answer.json()["mtls_endpoint_aliases"] == {
                "token_endpoint": f"{oidc.mtls_issuer}/token",
                "introspection_endpoint": f"{oidc.mtls_issuer}/token/introspection",
                "revocation_endpoint": f"{oidc.mtls_issuer}/token/revocation",
            }


def test_metadata_can_be_replaced_and_left_out(oidc: OidcServer) -> None:
    oidc.settings(metadata={"issuer": "https://elsewhere.example.test", "revocation_endpoint": None})
    document = send(oidc, "GET", f"{oidc.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == "https://elsewhere.example.test"
    assert "revocation_endpoint" not in document


# Registration


def test_registration_needs_an_initial_access_token(oidc: OidcServer) -> None:
    for bearer in (None, "wrong"):
        refused = send(oidc, "POST", f"{oidc.issuer}/reg", bearer, json={})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    client = oidc.register(scope="read write", cost_center="42", unknown="dropped")
    assert client["registration_client_uri"] == f"{oidc.issuer}/reg/{client['client_id']}"
    assert (client["cost_center"], client.get("unknown")) == ("42", None)
    assert oidc.clients()[client["client_id"]]["scope"] == "read write"
    assert "client_secret" not in oidc.clients()[client["client_id"]]
    assert oidc.requests() == {"POST /tenant/reg": 3}
    assert manage(oidc, "GET", client).json() == client


def test_a_client_without_management(oidc: OidcServer) -> None:
    oidc.settings(issue_registration_access_token=False)
    assert not {"registration_access_token", "registration_client_uri"} & oidc.register().keys()


def test_an_update_rotates_the_registration_access_token_as_set(oidc: OidcServer) -> None:
    client = oidc.register()
    updated = manage(oidc, "PUT", client, writable(client, client_name="new")).json()
    assert updated["client_name"] == "new"
    assert updated["registration_access_token"] != client["registration_access_token"]
    assert manage(oidc, "GET", client).status_code == 401
    oidc.settings(rotate_registration_access_token=False)
    again = manage(oidc, "PUT", updated, writable(updated, client_name="newer")).json()
    assert again["registration_access_token"] == updated["registration_access_token"]


def test_an_update_rotates_the_secret_where_it_is_set(oidc: OidcServer) -> None:
    client = oidc.register()
    without = {name: value for name, value in writable(client).items() if name != "client_secret"}
    updated = manage(oidc, "PUT", client, without).json()
    assert updated["client_secret"] == client["client_secret"]
    oidc.settings(rotate_secret_on_update=True)
    kept = manage(oidc, "PUT", updated, writable(updated)).json()
    assert kept["client_secret"] == client["client_secret"]
    rotated = manage(oidc, "PUT", kept, without).json()
    assert rotated["client_secret"] != client["client_secret"]
    assert request_token(oidc, client).status_code == 401
    assert request_token(oidc, rotated).status_code == 200


def test_forbidden_and_false_fields_are_refused(oidc: OidcServer) -> None:
    client = oidc.register()
    for wrong in (*({name: client[name]} for name in _READ_ONLY), {"client_secret": "x"}, {"client_id": "x"}):
        refused = manage(oidc, "PUT", client, writable(client, **wrong))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    refused = manage(oidc, "PUT", client, writable(client, scope="nonsense"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert manage(oidc, "GET", client).json() == client


def test_a_deleted_client_is_gone(oidc: OidcServer) -> None:
    client = oidc.register()
    assert manage(oidc, "DELETE", client).status_code == 204
    assert manage(oidc, "GET", client).status_code == 401
    assert request_token(oidc, client).json()["error"] == "invalid_client"
    assert oidc.requests()["DELETE /tenant/reg/ID"] == 1
    assert oidc.clients() == {}


# Authentication


def test_secrets_are_form_encoded_in_basic(oidc: OidcServer) -> None:
    oidc.settings(secret_characters='%+ :/"&=')
    client = oidc.register()
    assert '%+ :/"&=' in client["client_secret"]
    assert request_token(oidc, client).status_code == 200
    raw = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    refused = call(
        "POST",
        f"{oidc.issuer}/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {raw}"},
        verify=str(oidc.ca),
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    in_form = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    posted = send(oidc, "POST", f"{oidc.issuer}/token", data={"grant_type": "client_credentials", **in_form})
    assert posted.status_code == 200


def integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def key_and_signer(algorithm: str) -> tuple[dict[str, t.Any], t.Callable[[bytes], bytes]]:
    """A new key's JSON form, and how it signs."""
    if algorithm == "EdDSA":
        edwards = ed25519.Ed25519PrivateKey.generate()
        x = base64url(edwards.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        return {"kty": "OKP", "crv": "Ed25519", "x": x}, edwards.sign
    if algorithm == "ES256":
        elliptic = ec.generate_private_key(ec.SECP256R1())

        def sign(data: bytes) -> bytes:
            pair = decode_dss_signature(elliptic.sign(data, ec.ECDSA(hashes.SHA256())))
            return b"".join(number.to_bytes(32, "big") for number in pair)

        return public_jwk(elliptic.public_key()), sign
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_numbers()
    way: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm == "PS256":
        way = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    jwk = {"kty": "RSA", "n": integer(public.n), "e": integer(public.e)}
    return jwk, lambda data: key.sign(data, way, hashes.SHA256())


def assertion(client: Client, audience: str, algorithm: str, sign: t.Callable[[bytes], bytes]) -> dict[str, str]:
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": audience,
        "jti": secrets.token_urlsafe(),
        "exp": int(time.time()) + 60,
    }
    parts = [base64url(json.dumps(part).encode()) for part in ({"alg": algorithm}, claims)]
    signature = base64url(sign(".".join(parts).encode()))
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": ".".join([*parts, signature]),
    }


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_an_assertion_works_once(oidc: OidcServer, algorithm: str) -> None:
    sign: t.Callable[[bytes], bytes]
    if algorithm == "HS256":
        client = oidc.register(token_endpoint_auth_method="client_secret_jwt")
        sign = functools.partial(hmac.digest, client["client_secret"].encode(), digest="sha256")
    else:
        jwk, sign = key_and_signer(algorithm)
        client = oidc.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [jwk]})
        assert "client_secret" not in client
    form = assertion(client, oidc.issuer, algorithm, sign)
    assert send(oidc, "POST", f"{oidc.issuer}/token", data=form).status_code == 200
    assert oidc.state()["assertion_ids"] == 1
    for refused in (form, assertion(client, "https://elsewhere.example.test", algorithm, sign)):
        answer = send(oidc, "POST", f"{oidc.issuer}/token", data=refused)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert form["client_assertion"] in oidc.control("GET", "/secrets")["assertions"]


def test_a_client_certificate_by_the_authority(oidc: OidcServer) -> None:
    client = oidc.register(token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=fleet")
    form = {"grant_type": "client_credentials", "client_id": client["client_id"]}
    right, other = oidc.client_certificate("fleet"), oidc.client_certificate("other")
    url = f"{oidc.mtls_issuer}/token"
    assert send(oidc, "POST", url, data=form, cert=right).status_code == 200
    for certificate in (other, oidc.self_signed_certificate("fleet"), None):
        assert send(oidc, "POST", url, data=form, cert=certificate).json()["error"] == "invalid_client"
    token = send(oidc, "POST", url, data=form, cert=right).json()["access_token"]
    asked = {"client_id": client["client_id"], "token": token}
    answer = send(oidc, "POST", f"{url}/introspection", data=asked, cert=right)
    assert (answer.json()["active"], answer.json()["iss"]) == (True, oidc.issuer)
    # The main port does not ask for certificates.
    assert send(oidc, "POST", f"{oidc.issuer}/token", data=form, cert=right).json()["error"] == "invalid_client"


def test_a_self_signed_certificate_and_a_token_bound_to_it(oidc: OidcServer) -> None:
    certificate = oidc.self_signed_certificate()
    client = oidc.register(
        token_endpoint_auth_method="self_signed_tls_client_auth",
        jwks=certificate_jwks(certificate[0]),
        tls_client_certificate_bound_access_tokens=True,
    )
    form = {"grant_type": "client_credentials", "client_id": client["client_id"]}
    url = f"{oidc.mtls_issuer}/token"
    other = oidc.self_signed_certificate()
    assert send(oidc, "POST", url, data=form, cert=other).json()["error"] == "invalid_client"
    for resource in (OPAQUE, JWT):
        token = send(oidc, "POST", url, data={**form, "resource": resource}, cert=certificate).json()["access_token"]
        assert send(oidc, "GET", oidc.mtls_resource_url, token, cert=certificate).status_code == 200
        for refused in (
            send(oidc, "GET", oidc.mtls_resource_url, token, cert=other),
            send(oidc, "GET", oidc.mtls_resource_url, token),
            send(oidc, "GET", oidc.resource_url, token, cert=certificate),
        ):
            assert refused.status_code == 401


# Tokens


def test_scopes_and_resources(oidc: OidcServer) -> None:
    client = oidc.register(scope="read write")
    for resource in (OPAQUE, JWT):
        token = new_token(oidc, client, scope="read", resource=resource)
        assert (token.count(".") == 2) is (resource == JWT)
        answer = send(oidc, "GET", oidc.resource_url, token)
        assert answer.json() == {"client_id": client["client_id"], "scope": "read"}
        assert token in oidc.tokens()
    assert request_token(oidc, client, scope="admin").json()["error"] == "invalid_scope"
    assert request_token(oidc, client, resource="https://elsewhere.example.test").json()["error"] == "invalid_target"
    # RFC 6749 3.3 lets a server leave a scope out that it does not know, and so does this one.
    assert "scope" not in request_token(oidc, client, scope="nonsense").json()


def test_the_resource_refuses_what_is_no_token(oidc: OidcServer) -> None:
    assert send(oidc, "GET", oidc.resource_url).headers["WWW-Authenticate"] == 'Bearer realm="resource"'
    refused = send(oidc, "GET", oidc.resource_url, "wrong")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_introspection_and_revocation(oidc: OidcServer) -> None:
    client, other = oidc.register(), oidc.register()
    token = new_token(oidc, client)
    assert oidc.state()["live_tokens"] == 1
    assert is_active(oidc, client, token)
    oidc.settings(introspection_allowed=False)
    assert not is_active(oidc, client, token)
    oidc.settings(introspection_allowed=True)
    assert post(oidc, other, "token/revocation", token=token).json()["error"] == "invalid_request"
    for _turn in range(2):
        assert post(oidc, client, "token/revocation", token=token).status_code == 200
    assert not is_active(oidc, client, token)
    assert send(oidc, "GET", oidc.resource_url, token).status_code == 401
    assert oidc.state()["live_tokens"] == 0


def test_jwt_tokens_are_neither_introspected_nor_revoked(oidc: OidcServer) -> None:
    client = oidc.register()
    token = new_token(oidc, client, resource=JWT)
    for path in ("token/introspection", "token/revocation"):
        refused = post(oidc, client, path, token=token)
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")


def test_tokens_expire_by_the_server_s_clock(oidc: OidcServer) -> None:
    oidc.settings(token_ttl=100)
    client = oidc.register()
    assert request_token(oidc, client).json()["expires_in"] == 100
    tokens = [new_token(oidc, client, resource=resource) for resource in (OPAQUE, JWT)]
    for offset, status in ((90, 200), (110, 401), (0, 200)):
        oidc.clock(offset)
        for token in tokens:
            answer = send(oidc, "GET", oidc.resource_url, token)
            assert answer.status_code == status
            date = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
            assert abs(date - time.time() - offset) < 5
        assert is_active(oidc, client, tokens[0]) is (status == 200)


# Faults


def test_a_request_that_is_dropped_before_it_is_handled(oidc: OidcServer) -> None:
    token = oidc.initial_access_token()
    oidc.fault("drop_before", "POST", "/tenant/reg")
    with pytest.raises(requests.ConnectionError):
        send(oidc, "POST", f"{oidc.issuer}/reg", token, json={"grant_types": [], "response_types": []})
    assert oidc.clients() == {}
    assert oidc.requests() == {"POST /tenant/reg": 1}
    oidc.register()


def test_an_answer_that_is_lost(oidc: OidcServer) -> None:
    client = oidc.register()
    oidc.fault("drop_after", "PUT", "/tenant/reg")
    with pytest.raises(requests.ConnectionError):
        manage(oidc, "PUT", client, writable(client, client_name="new"))
    assert oidc.clients()[client["client_id"]]["client_name"] == "new"
    # It took effect: the registration access token that was lost replaced the known one.
    assert manage(oidc, "GET", client).status_code == 401


def test_an_answer_that_is_held(oidc: OidcServer) -> None:
    client = oidc.register()
    oidc.fault("hold_after", "POST", "/tenant/token", times=2)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(request_token, oidc, client)
        wait_until(lambda: oidc.state()["held"] == 1)
        assert oidc.state()["live_tokens"] == 1
        assert not asked.done()
        assert oidc.release() == 1
        assert asked.result().status_code == 200
    pair = (client["client_id"], client["client_secret"])
    form = {"grant_type": "client_credentials"}
    with pytest.raises(requests.ReadTimeout):
        send(oidc, "POST", f"{oidc.issuer}/token", data=form, auth=pair, timeout=0.5)
    wait_until(lambda: oidc.state()["held"] == 0)
    assert request_token(oidc, client).status_code == 200


def test_a_reset_drops_what_is_held(oidc: OidcServer) -> None:
    client = oidc.register()
    oidc.fault("hold_after", "POST", "/tenant/token")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(request_token, oidc, client)
        wait_until(lambda: oidc.state()["held"] == 1)
        oidc.reset()
        assert isinstance(asked.exception(), requests.ConnectionError)
    wait_until(lambda: oidc.state()["held"] == 0)


def test_another_answer_for_some_of_the_requests(oidc: OidcServer) -> None:
    client = oidc.register()
    answer = {"status": 503, "headers": {"Retry-After": "7"}, "body": "<html>"}
    oidc.fault("answer", "POST", "/tenant/token", skip=1, times=2, **answer)
    answers = [request_token(oidc, client) for _turn in range(4)]
    assert [each.status_code for each in answers] == [200, 503, 503, 200]
    assert (answers[1].text, answers[1].headers["Retry-After"]) == ("<html>", "7")


# Control


def test_a_reset_forgets_all_but_what_must_not_leak(oidc: OidcServer) -> None:
    initial = oidc.initial_access_token()
    oidc.settings(token_ttl=5, rotate_secret_on_update=True)
    client = oidc.register()
    token = new_token(oidc, client)
    updated = manage(oidc, "PUT", client, writable(client)).json()
    oidc.fault("answer", "POST", "/tenant", status=500)
    oidc.clock(1000)
    oidc.reset()
    state = {"requests": {}, "held": 0, "clients": [], "live_tokens": 0, "assertion_ids": 0}
    assert oidc.state() == state
    assert send(oidc, "POST", f"{oidc.issuer}/reg", initial, json={}).status_code == 401
    assert request_token(oidc, updated).status_code == 401
    assert request_token(oidc, oidc.register()).json()["expires_in"] == 600
    hidden = {initial, oidc.control_secret, client["client_secret"]}
    hidden |= {each["registration_access_token"] for each in (client, updated)}
    assert hidden <= set(oidc.secrets())
    assert token in oidc.tokens()


def test_control_refuses_strangers_and_nonsense(oidc: OidcServer) -> None:
    assert call("GET", f"http://127.0.0.1:{oidc.control_port}/secrets").status_code == 401
    for path, document in (
        ("/settings", {"nonsense": 1}),
        ("/settings", {"token_ttl": "1"}),
        ("/settings", {"secret_characters": "é"}),
        ("/settings", {"well_known": "nowhere"}),
        ("/faults", {"action": "nonsense", "path": "/"}),
        ("/initial_access_tokens", {"policies": ["nonsense"]}),
        ("/nonsense", {}),
    ):
        with pytest.raises(RuntimeError):
            oidc.control("POST", path, document)


def test_the_server_ends_with_the_process_that_started_it(oidc: OidcServer, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib\n"
        f"from {__package__}.oidc_server import running\n"
        "with running(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.control_port, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "server")], stdout=subprocess.PIPE, text=True, check=False
    )
    port = int(ended.stdout)

    def is_closed() -> bool:
        try:
            call("GET", f"http://127.0.0.1:{port}/state")
        except requests.ConnectionError:
            return True
        return False

    wait_until(is_closed)


def wait_until(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
