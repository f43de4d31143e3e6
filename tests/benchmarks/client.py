# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goal 6: the bare client, beside one HTTPS round trip and the libraries that people use for OAuth 2.0."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import sys
import time
import typing as t
from urllib.parse import urlsplit

from ansible_collections.apiops.access.plugins.module_utils._arguments import SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import open_provider
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated

from ..sandbox.server import SandboxHandle
from .fleet import without_name
from .measurement import Row, Samples, alternate, ratio_row, timed

_BODY = "grant_type=client_credentials"

# What a host imports to run the module, and what it would import for requests alone.
_IMPORTS = {
    "ours": "import ansible.module_utils.basic, ansible_collections.apiops.access.plugins.modules.token_test",
    "requests": "import ansible.module_utils.basic, requests",
}


def token_request(sandbox: SandboxHandle, rounds: int) -> list[Row]:
    """Goal 6, the request: each on a connection that is there."""
    options = without_name(sandbox.account("rimo3"))
    account = account_from(validated(SHARED_SPEC, options, "rimo3"), name="rimo3")
    url = f"{options['base_url']}/api/v2/connect/token"
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=options["ca_path"])
    bare = http.client.HTTPSConnection(str(parts.hostname), parts.port, context=context)
    basic = base64.b64encode(f"{options['client_id']}:{options['client_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}

    def by_http_client() -> None:
        bare.request("POST", parts.path, _BODY, headers)
        assert json.loads(bare.getresponse().read())["access_token"]

    with open_provider(account) as provider:
        subjects: dict[str, t.Callable[[], object]] = {
            "bare": by_http_client,
            "ours": lambda: provider.request_token(None),
            **_peers(options, url),
        }
        for subject in subjects.values():
            subject()  # connects
        found = alternate(rounds, {name: timed(subject) for name, subject in subjects.items()})
    bare.close()
    trip = "a bare HTTPS round trip"
    rows = [ratio_row(6, f"a token request : {trip}", found["ours"], found["bare"], 1.2, detail=_ms(found["ours"]))]
    for name in sorted(set(found) - {"ours", "bare"}):
        ratio = found[name].median / found["bare"].median
        rows.append(Row(6, f"{name} : {trip}", ratio, "x", detail=_ms(found[name])))
    return rows


def _peers(options: t.Mapping[str, t.Any], url: str) -> dict[str, t.Callable[[], object]]:
    """The libraries of the field, each as its documentation says."""
    import requests
    from authlib.integrations.requests_client import OAuth2Session as Authlib
    from oauthlib.oauth2 import BackendApplicationClient
    from requests.auth import HTTPBasicAuth
    from requests_oauthlib import OAuth2Session

    session = OAuth2Session(client=BackendApplicationClient(client_id=options["client_id"]))
    authorization = HTTPBasicAuth(options["client_id"], options["client_secret"])
    bare = requests.Session()
    client = Authlib(options["client_id"], options["client_secret"])
    return {
        "requests-oauthlib": lambda: session.fetch_token(url, auth=authorization, verify=options["ca_path"]),
        "requests alone": lambda: bare.post(
            url, {"grant_type": "client_credentials"}, auth=authorization, verify=options["ca_path"], timeout=30
        ).json(),
        "Authlib": lambda: client.fetch_token(url, grant_type="client_credentials", verify=options["ca_path"]),
    }


def start_up(rounds: int) -> list[Row]:
    """Goal 6, the start: what a process takes to import the module, over what requests takes."""

    def started(code: str) -> t.Callable[[], float]:
        def measure() -> float:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            return time.perf_counter() - start

        return measure

    found = alternate(rounds, {name: started(code) for name, code in _IMPORTS.items()})
    over = Samples(
        tuple((ours - peer) * 1000 for ours, peer in zip(found["ours"].values, found["requests"].values))
    )  # fmt: skip
    detail = f"{found['ours'].median * 1000:.0f} ms, import requests {found['requests'].median * 1000:.0f} ms"
    title = "start of the module, over import requests"
    return [Row(6, title, over.median, "ms", 15, spread=over.spread, detail=detail)]


def _ms(samples: Samples) -> str:
    return f"{samples.median * 1000:.2f} ms (+-{samples.spread * 1000:.2f})"
