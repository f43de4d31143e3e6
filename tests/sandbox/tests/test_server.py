# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from .. import server
from ..server import SandboxHandle, running
from .caller import Caller

PACKAGE = server.__package__ or ""
ROOT = Path(server.__file__).parents[len(PACKAGE.split("."))]
OPTIONS = {"name", "provider", "base_url", "client_id", "client_secret", "ca_path"}


def get(url: str, ca_path: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, verify=ca_path, timeout=5)


def test_certificates(sandbox: SandboxHandle) -> None:
    config = sandbox.config
    port = config["base_url"].rpartition(":")[2]
    path = "/beyondtrust/check_health"
    assert get(config["base_url"] + path, config["ca_path"]).status_code == 200
    assert get(f"https://127.0.0.1:{port}{path}", config["ca_path"]).status_code == 200
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(config["base_url"] + path, config["other_ca_path"])
    with pytest.raises(requests.exceptions.SSLError, match=r"doesn't match|not valid for"):
        get(config["wrong_host_url"] + path, config["ca_path"])
    with pytest.raises(requests.ConnectionError):
        get(config["base_url"].replace("https", "http") + path, config["ca_path"])


def test_files_are_private(state_dir: Path) -> None:
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    for name in ("sandbox.json", "accounts.yml", "server-key.pem"):
        assert stat.S_IMODE((state_dir / name).stat().st_mode) == 0o600


def test_accounts_have_the_collections_option_names(sandbox: SandboxHandle) -> None:
    more = {"cimcloud": {"site", "auth_key", "authorization_type"}, "jim2": {"scope"}}
    for key, account in sandbox.config["accounts"].items():
        expected = OPTIONS | more.get(account["provider"], set())
        assert set(account) == (expected | {"customer"} if key == "cimcloud_session" else expected)
    assert sandbox.account("cimcloud_basic")["authorization_type"] == "basic"
    assert (sandbox.account("jim2")["scope"], sandbox.account("jim2_full")["scope"]) == (["view"], ["all"])


def test_accounts_yml_lists_the_four(sandbox: SandboxHandle, state_dir: Path) -> None:
    yaml = pytest.importorskip("yaml")
    document = yaml.safe_load((state_dir / "accounts.yml").read_text())
    four = [sandbox.account(key) for key in ("rimo3", "cimcloud", "jim2", "beyondtrust")]
    assert document == {"api_accounts": four}


def test_a_regenerated_secret_is_not_written(sandbox: SandboxHandle, state_dir: Path) -> None:
    before = [(state_dir / name).read_bytes() for name in ("sandbox.json", "accounts.yml")]
    sandbox.control("POST", "/accounts/rimo3", {"regenerate_secret": True})
    assert [(state_dir / name).read_bytes() for name in ("sandbox.json", "accounts.yml")] == before


def test_unknown_paths(api: Caller, sandbox: SandboxHandle) -> None:
    for path in ("/", "/rimo3", "/other", "/rimo3x/api/v2/connect/test"):
        assert api.url("GET", sandbox.config["base_url"] + path).status_code == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_announces_no_secret_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-m", PACKAGE, "--state", str(state)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 10
        while not (state / "sandbox.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        handle = SandboxHandle(server.read_config(state))
        api = Caller(handle)
        tokens = [api.token(key) for key in ("rimo3", "cimcloud", "jim2", "beyondtrust")]
        # A client that keeps its connection must not hold the end up.
        with requests.Session() as session:
            session.trust_env = False
            session.get(handle.config["base_url"], verify=handle.config["ca_path"], timeout=5)
            started = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert time.monotonic() - started < 3
    assert handle.config["base_url"] in out
    assert f"{state}/ca.pem" in out
    assert err == ""
    secrets = [account["client_secret"] for account in handle.config["accounts"].values()]
    for secret in (*secrets, *tokens, handle.config["control"]["secret"]):
        assert secret not in out


def test_a_taken_port_is_said(sandbox: SandboxHandle, tmp_path: Path) -> None:
    port = sandbox.config["base_url"].rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", PACKAGE, "--state", str(tmp_path), "--port", port],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert done.returncode != 0
    assert "in use" in done.stderr


def test_another_address(tmp_path: Path) -> None:
    address = "127.0.0.3"
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        pytest.skip(f"this machine does not have {address}")
    with running(tmp_path, address) as handle:
        config, api = handle.config, Caller(handle)
        port = config["base_url"].rpartition(":")[2]
        assert config["base_url"] == f"https://{address}:{port}"
        assert handle.account("rimo3")["base_url"] == f"https://{address}:{port}/rimo3"
        assert api.token("rimo3")
        assert handle.counters()["rimo3"]["tokens_granted"] == 1
        with pytest.raises(requests.exceptions.SSLError, match=r"doesn't match|not valid for"):
            get(config["wrong_host_url"], config["ca_path"])
        # Nobody who is given an address is served on another.
        with pytest.raises(requests.ConnectionError, match="refused"):
            get(f"https://127.0.0.1:{port}", config["ca_path"])
    assert (tmp_path / "stderr.txt").read_text() == ""


@pytest.mark.parametrize("wrong", ["localhost", "::1", "198.18.0.256"])
def test_what_is_no_address_is_said(tmp_path: Path, wrong: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", PACKAGE, "--state", str(tmp_path / "state"), "--address", wrong],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert done.returncode == 2
    assert wrong in done.stderr
    assert not (tmp_path / "state").exists()


def test_running_tells_why_it_did_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"), running(tmp_path):
        pass


def test_it_serves_many_tests_a_second(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    headers = {"Authorization": f"Bearer {api.token('rimo3')}"}
    with requests.Session() as session:
        session.trust_env, session.verify, session.headers = False, account["ca_path"], headers  # type: ignore[assignment]
        started = time.monotonic()
        for _turn in range(200):
            assert session.get(account["base_url"] + "/api/v2/connect/test").status_code == 200
    # Far below what it does, so that only a change of kind is noticed.
    assert 200 / (time.monotonic() - started) > 100
