# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token where Keycloak has its endpoint: by the helper of community.general, and by this collection.

The vendors of the sandbox take no secret in the body, which is all that the helper can do, so there is a server for it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from urllib.parse import parse_qsl

import uvicorn
from ansible_collections.apiops.access.plugins.module_utils._arguments import SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import request_token
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..sandbox import certificates
from .measurement import Row, alternate, timed

_REALM = "operations"
_PATH = f"/realms/{_REALM}/protocol/openid-connect/token"
_SECRET_VARIABLE = "BENCHMARK_CLIENT_SECRET"


def application() -> Starlette:
    """What Keycloak answers to the client credentials grant (RFC 6749 section 4.4), and no more of it."""

    async def token(request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        wanted = ("client_credentials", "benchmark", os.environ[_SECRET_VARIABLE])
        if (form.get("grant_type"), form.get("client_id"), form.get("client_secret")) != wanted:
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse({"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 300})

    return Starlette(routes=[Route(_PATH, token, methods=["POST"])])


@contextlib.contextmanager
def serving(folder: Path) -> t.Iterator[tuple[str, Path, str]]:
    """The server in a process of its own: its URL, its certificate authority, and the client's secret."""
    files = certificates.generate(folder)
    secret = secrets.token_urlsafe(24)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(listening.fileno()), str(files.server), str(files.server_key)],
            env={**os.environ, _SECRET_VARIABLE: secret},
            pass_fds=[listening.fileno()],
        )
    try:
        yield f"https://localhost:{port}", Path(files.ca), secret  # who connects waits until it accepts
    finally:
        process.terminate()
        process.wait()


def helper(folder: Path, rounds: int) -> list[Row]:
    """Goal 6, beside it: each with a connection of its own, as in a task."""
    from ansible_collections.community.general.plugins.module_utils.identity.keycloak import keycloak

    with serving(folder) as (url, ca, secret):
        os.environ["SSL_CERT_FILE"] = str(ca)  # the helper has no option for it
        options = {
            "provider": "oauth2",
            "base_url": url,
            "token_endpoint": f"{url}{_PATH}",
            "client_id": "benchmark",
            "client_secret": secret,
            "token_endpoint_auth_method": "client_secret_post",
            "ca_path": str(ca),
        }
        account = account_from(validated(SHARED_SPEC, options, "keycloak"), name="keycloak")
        parameters = {
            "auth_keycloak_url": url,
            "auth_realm": _REALM,
            "auth_client_id": "benchmark",
            "auth_client_secret": secret,
            "validate_certs": True,
            "connection_timeout": 30,
            "http_agent": "Ansible",
        }
        time.sleep(1)  # the first connection waits for the server to start
        subjects = {
            "ours": timed(lambda: request_token(account, None)),
            "keycloak": timed(lambda: keycloak.get_token(parameters)),
        }
        for subject in subjects.values():
            subject()
        found = alternate(rounds, subjects)
        del os.environ["SSL_CERT_FILE"]
    ratio = found["keycloak"].median / found["ours"].median
    detail = f"{found['keycloak'].median * 1000:.1f} ms, ours {found['ours'].median * 1000:.1f} ms, connection included"
    return [Row(6, "keycloak helper of community.general : a token request", ratio, "x", detail=detail)]


if __name__ == "__main__":
    number, certificate, key = sys.argv[1:]
    configuration = uvicorn.Config(
        application(), ssl_certfile=certificate, ssl_keyfile=key, log_level="critical", lifespan="off"
    )
    # As a socket and not by its number, for which uvicorn takes it to be none of TCP and lets answers wait.
    uvicorn.Server(configuration).run(sockets=[socket.socket(fileno=int(number))])
