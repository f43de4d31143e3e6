# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from ..server import SandboxHandle
from .caller import Caller

TOKEN = "/rimo3/api/v2/connect/token"
TEST = "/rimo3/api/v2/connect/test"
LINK = "/api/v2/application-packages/upload/manual/link"
UPLOAD = {
    "fileLink": "https://files.example.com/vlc.msi",
    "displayName": "VLC",
    "comment": "",
    "fileName": "vlc.msi",
    "publisher": "VideoLAN",
    "name": "vlc",
    "version": "3.0.8",
    "installCommand": "msiexec /i vlc.msi",
    "uninstallCommand": "msiexec /x vlc.msi",
    "progressStep": 0,
}


def fault(sandbox: SandboxHandle, **options: Any) -> None:
    sandbox.control("POST", "/faults", {"path": TEST, **options})


def probe(api: Caller, **options: Any) -> requests.Response:
    return api("rimo3", "GET", "/api/v2/connect/test", **options)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic wrong"])
def test_the_control_secret_is_needed(api: Caller, sandbox: SandboxHandle, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    url = sandbox.config["control"]["url"]
    assert api.url("GET", f"{url}/counters", headers=headers).status_code == 403
    assert api.url("POST", f"{url}/reset", headers=headers).status_code == 403


def test_counters_tell_accounts_apart(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    api.login("rimo3", secret="wrong")
    probe(api, token=token)
    probe(api, token="nobody's")
    api("rimo3", "GET", "/api/v2/application-packages", token)
    counters = sandbox.counters()
    assert counters["rimo3"] == {
        "token_requests": 2,
        "tokens_granted": 1,
        "refused_logins": 1,
        "live_tokens": 1,
        "tests": 1,
        "refreshes": 0,
        "logoffs": 0,
        "calls": 2,
        "customer_sessions": 0,
        "acts": 0,
    }
    assert counters["unknown"]["tests"] == 1
    api.url("POST", f"{sandbox.config['base_url']}{TOKEN}", headers={"Authorization": "Basic bm9ib2R5OngK"})
    assert sandbox.counters()["unknown"]["token_requests"] == 1
    sandbox.control("POST", "/counters/reset")
    counters = sandbox.counters()
    assert (counters["rimo3"]["token_requests"], counters["rimo3"]["live_tokens"]) == (0, 1)


def test_a_dead_tokens_test_is_its_accounts(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    sandbox.control("POST", "/accounts/rimo3", {"revoke_tokens": True})
    assert probe(api, token=token).status_code == 401
    assert sandbox.counters()["rimo3"]["tests"] == 1


def test_the_clock_moves_the_date_header(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.advance(86400)
    clock = sandbox.control("GET", "/clock")
    assert clock["offset"] == 86400
    assert abs(clock["now"] - time.time() - 86400) < 60
    date = parsedate_to_datetime(probe(api).headers["Date"]).timestamp()
    assert abs(date - clock["now"]) < 60
    with pytest.raises(RuntimeError):
        sandbox.advance(-1)


def test_evict_oldest(api: Caller, sandbox: SandboxHandle) -> None:
    old, new = api.token("rimo3"), api.token("rimo3")
    sandbox.control("POST", "/accounts/rimo3", {"evict_oldest": 1})
    assert [probe(api, token=token).status_code for token in (old, new)] == [401, 200]


def test_permissions_and_sessions_can_be_changed(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/accounts/beyondtrust", {"permissions": {"perm_command": "deny"}})
    headers = {"Accept": "application/json"}
    token = api.token("beyondtrust")
    assert api("beyondtrust", "GET", "/api/command/v2/info", token, headers=headers).status_code == 403
    sandbox.control("POST", "/accounts/cimcloud", {"session_access": "auto"})
    assert "customer_price" in api("cimcloud", "GET", "/products", api.token("cimcloud")).json()[0]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/accounts/nobody", {"enabled": True}),
        ("/accounts/rimo3", {"enabled": "yes"}),
        ("/accounts/rimo3", {"colour": "red"}),
        ("/accounts/rimo3", {"ip_addresses": ["here"]}),
        ("/accounts/rimo3", {"permissions": {"perm_command": "deny"}}),
        ("/accounts/cimcloud", {"allowed_methods": ["BREW"]}),
        ("/accounts/cimcloud", {"cimcloud_names": "jwt"}),
        ("/limits", {"jim2_licences": -1}),
        ("/limits", {"jim2_licences": True}),
        ("/limits", {"coffee": 1}),
        ("/switches", {"beyondtrust_namespace": "odd"}),
        ("/switches", {"jim2_expires_in": "20"}),
        ("/faults", {"status": 200}),
        ("/faults", {"path": "/rimo3", "times": 0}),
        ("/faults", {"path": "/rimo3", "body_size": 1 << 40}),
        ("/faults", {"path": "/rimo3", "cut_after": 1}),
        ("/faults", {"path": "/rimo3", "status": None, "cut_after": -1}),
        ("/faults", {"path": "/rimo3", "skip": -1}),
        ("/backup", {"size": -1}),
        ("/backup", {"revision": "2"}),
        ("/backup", {"colour": "red"}),
        ("/accounts/cimcloud", {"resources": ["coffee"]}),
        ("/accounts/rimo3", {"resources": ["accounts"]}),
        ("/clock", {}),
        ("/clock", [1]),
    ],
)
def test_a_wrong_control_request_is_refused(sandbox: SandboxHandle, path: str, document: Any) -> None:
    with pytest.raises(RuntimeError, match=": 400 "):
        sandbox.control("POST", path, document)


def test_reset_brings_everything_back(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    sandbox.control("POST", "/accounts/rimo3", {"regenerate_secret": True})
    sandbox.control("POST", "/limits", {"jim2_licences": 9})
    sandbox.control("POST", "/switches", {"beyondtrust_v2": False, "jim2_expires_in": 5})
    fault(sandbox, status=500)
    sandbox.control("POST", "/backup", {"size": 1, "revision": 7})
    api("rimo3", "POST", LINK, token, json=UPLOAD)
    sandbox.advance(5)
    sandbox.control("POST", "/reset")
    counters = sandbox.counters()
    assert (counters["rimo3"]["token_requests"], counters["rimo3"]["acts"]) == (0, 0)
    assert sandbox.control("GET", "/backup") == {"revision": 1, "size": 100_000}
    assert len(sandbox.control("GET", "/records")["packages"]) == 2
    assert counters["licences_total"] == 2
    assert sandbox.control("GET", "/faults") == {"faults": []}
    assert sandbox.control("GET", "/clock")["offset"] == 0
    assert sandbox.control("POST", "/switches", {})["beyondtrust_v2"] is True
    assert probe(api, token=token).status_code == 401
    assert api.login("rimo3").status_code == 200


def test_a_scripted_answer_is_used_up(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, times=2, status=503, headers={"Retry-After": "7", "content-type": "text/html"}, body="<p>é")
    for _turn in range(2):
        response = probe(api)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
        assert (response.headers["Content-Type"], response.content.decode()) == ("text/html", "<p>é")
    assert probe(api).status_code == 401
    assert sandbox.control("GET", "/faults")["faults"][0] == {
        "path": TEST,
        "method": None,
        "status": 503,
        "left": 0,
        "hits": 2,
    }
    assert sandbox.counters()["unknown"]["tests"] == 1


def test_a_scripted_answer_is_for_its_verb_and_path(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, method="POST", status=500)
    sandbox.control("POST", "/faults", {"path": "/jim2", "status": 500})
    assert probe(api).status_code == 401
    sandbox.control("DELETE", "/faults")
    assert api("rimo3", "POST", "/api/v2/connect/test").status_code == 405


def test_a_redirect_and_an_empty_body(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, status=302, headers={"Location": "https://localhost/elsewhere"})
    fault(sandbox, status=200, body=None)
    assert probe(api).headers["Location"] == "https://localhost/elsewhere"
    empty = probe(api)
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_truncated_answer(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, body='{"access_token": ', truncate=True)
    with requests.Session() as session:
        session.trust_env = False
        url = sandbox.config["base_url"] + TEST
        with session.get(url, verify=sandbox.config["ca_path"], stream=True, timeout=5) as response:
            assert int(response.headers["Content-Length"]) > 20
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                response.content  # noqa: B018
    assert probe(api).status_code == 401


def test_a_large_answer_is_streamed(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, body='{"junk": "', body_size=5_000_000)
    response = probe(api)
    assert len(response.content) == 5_000_000
    assert response.content.startswith(b'{"junk": "xxx')
    assert "Content-Length" not in response.headers
    fault(sandbox, body_size=2 << 30)
    started = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        url = sandbox.config["base_url"] + TEST
        with session.get(url, verify=sandbox.config["ca_path"], stream=True, timeout=5) as response:
            assert len(next(response.iter_content(1000))) == 1000
    assert probe(api).status_code == 401
    assert time.monotonic() - started < 5


def test_a_late_answer_scripted_or_real(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    fault(sandbox, status=200, delay=0.3)
    fault(sandbox, status=None, delay=0.3)
    for expected in (b"", b"valid"):
        started = time.monotonic()
        response = probe(api, token=token)
        assert time.monotonic() - started >= 0.3
        assert response.status_code == 200
        assert expected in response.content
    assert sandbox.counters()["rimo3"]["tests"] == 1


def test_a_late_token_is_still_granted(api: Caller, sandbox: SandboxHandle) -> None:
    sandbox.control("POST", "/faults", {"path": TOKEN, "status": None, "delay": 0.1})
    assert api.login("rimo3").status_code == 200


def test_others_are_served_while_one_waits(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, delay=60)
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.ReadTimeout):
            session.get(sandbox.config["base_url"] + TEST, verify=sandbox.config["ca_path"], timeout=0.2)
    assert probe(api).status_code == 401


@pytest.mark.parametrize("challenge", [None, "Bearer", 'Bearer error="invalid_token"'])
def test_a_living_token_can_be_refused_once(api: Caller, sandbox: SandboxHandle, challenge: str | None) -> None:
    token = api.token("rimo3")
    fault(sandbox, status=401, headers={"WWW-Authenticate": challenge} if challenge else {})
    refused = probe(api, token=token)
    assert (refused.status_code, refused.headers.get("WWW-Authenticate")) == (401, challenge)
    assert probe(api, token=token).status_code == 200


def test_a_page_in_the_middle_can_fail(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    fault(sandbox, status=503, skip=1, headers={"Retry-After": "1"})
    assert [probe(api, token=token).status_code for _turn in range(3)] == [200, 503, 200]


def read_cut(
    api: Caller, sandbox: SandboxHandle, method: str, path: str, token: str, **options: Any
) -> tuple[int, int]:
    """What Content-Length promises and how much comes before the connection breaks."""
    headers = {"Authorization": f"Bearer {token}"}
    with requests.Session() as session:
        session.trust_env = False
        url, verify = sandbox.config["base_url"] + path, sandbox.config["ca_path"]
        response = session.request(method, url, headers=headers, verify=verify, stream=True, timeout=5, **options)
        length, come = int(response.headers["Content-Length"]), 0
        try:
            for byte in response.iter_content(1):
                come += len(byte)
        except requests.exceptions.ChunkedEncodingError:
            return length, come
        finally:
            response.close()
    raise AssertionError("the answer is whole")


@pytest.mark.parametrize("size", [0, 1, 65_536, 270_000])
def test_the_vendors_own_answer_can_be_cut(api: Caller, sandbox: SandboxHandle, size: int) -> None:
    token = api.token("beyondtrust")
    sandbox.control("POST", "/backup", {"size": 1_000_000})
    sandbox.control("POST", "/faults", {"path": "/beyondtrust/api/backup", "status": None, "cut_after": size})
    assert read_cut(api, sandbox, "GET", "/beyondtrust/api/backup", token) == (1_000_000, size)
    assert len(api("beyondtrust", "GET", "/api/backup", token).content) == 1_000_000


def test_a_streamed_scripted_answer_can_be_cut(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, body="{", body_size=200_000, truncate=True)
    assert read_cut(api, sandbox, "GET", TEST, "x") == (201_024, 200_000)


def test_an_answer_shorter_than_the_cut_is_whole(api: Caller, sandbox: SandboxHandle) -> None:
    fault(sandbox, status=None, cut_after=100_000)
    assert probe(api, token=api.token("rimo3")).json() == {"message": "The access token is valid."}


def test_a_post_acts_though_its_answer_is_lost(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    sandbox.control("POST", "/faults", {"path": f"/rimo3{LINK}", "status": None, "cut_after": 0})
    assert read_cut(api, sandbox, "POST", f"/rimo3{LINK}", token, json=UPLOAD)[1] == 0
    assert sandbox.counters()["rimo3"]["acts"] == 1
    sandbox.control("POST", "/faults", {"path": f"/rimo3{LINK}", "status": 503})
    assert api("rimo3", "POST", LINK, token, json=UPLOAD).status_code == 503
    assert sandbox.counters()["rimo3"]["acts"] == 1


def test_a_late_stream_is_whole(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("beyondtrust")
    sandbox.control("POST", "/faults", {"path": "/beyondtrust/api/backup", "status": None, "delay": 0.1})
    assert len(api("beyondtrust", "GET", "/api/backup", token).content) == 100_000
