# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of a real OAuth server: how they are asked for, shared, and given back."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from ..unit.loopback import Loopback, reply
from .leaks import LeakDetector
from .oauth2_clients import (
    AWKWARD,
    DISCOVERY,
    SIX,
    TOKEN,
    Clients,
    each_token,
    is_active,
    left_behind,
    named,
    owner,
    plays,
    using,
)
from .oidc_server import JWT, OidcServer, call
from .runner import AnsibleRunner
from .test_versions import SITECUSTOMIZE

WRONG = "not-the-secret-0123456789-0123456789"


@pytest.fixture
def clients(oidc_ansible: AnsibleRunner, oidc: OidcServer) -> Clients:
    return Clients(oidc_ansible, oidc)


# Authentication


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_each_authentication_method_gets_tests_and_revokes_a_token(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, request_from: str
) -> None:
    made = clients.of_every_method()
    if request_from == "target":  # a host runs a module for each
        made = {name: made[name] for name in ("client_secret_basic", "RSA as text", "tls_client_auth")}
    else:
        assert AWKWARD in made["client_secret_post"]["client_secret"]
    accounts = named(made, request_from=request_from)
    ids = [account["client_id"] for account in accounts]
    tokens = [result["access_token"] for result in each_token(oidc_ansible, accounts)]
    assert [owner(oidc, token) for token in tokens] == ids

    tested = oidc_ansible.task("token_test", {"accounts": accounts})
    assert [verdict["reason"] for verdict in tested.result["verdicts"]] == ["active"] * len(accounts), tested.output
    assert [verdict["introspection"]["client_id"] for verdict in tested.result["verdicts"]] == ids

    released = each_token(oidc_ansible, accounts, state="absent")
    assert [(result["changed"], result["released"]) for result in released] == [(True, True)] * len(accounts)
    assert [owner(oidc, token) for token in tokens] == [None] * len(accounts)
    assert oidc.requests()[TOKEN] == len(accounts)


@pytest.mark.parametrize(("kind", "algorithm"), [("RSA", "PS256"), ("secret", "HS512")])
def test_the_signing_algorithm_that_a_server_demands(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, kind: str, algorithm: str
) -> None:
    demand: dict[str, t.Any] = {"token_endpoint_auth_signing_alg": algorithm}
    client = clients.secret("client_secret_jwt", **demand) if kind == "secret" else clients.key(kind, **demand)
    run = oidc_ansible.task("token_test", {**client, "signing_alg": algorithm})
    assert run.result.get("reason") == "active", run.output


def test_each_try_of_a_request_has_an_assertion_that_the_server_takes(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    busy = reply(429, b"{}", "Retry-After: 0")
    granted = reply(200, json.dumps({"access_token": "granted-0123456789", "token_type": "Bearer"}).encode())
    with contextlib.closing(Loopback([busy, busy, granted])) as front:
        options = {**clients.key(), "token_endpoint": f"{front.url}/token", "assertion_audience": oidc.issuer}
        run = oidc_ansible.task("oauth_token", options)
    assert run.result.get("access_token") == "granted-0123456789", run.output
    assert len(front.received) == 3
    for received in front.received:
        headers = {"Content-Type": received.headers["content-type"]}
        answer = call("POST", f"{oidc.issuer}/token", data=received.body, headers=headers, verify=str(oidc.ca))
        assert answer.status_code == 200, answer.text


# One token for all


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_six_hosts_share_one_token(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, method: str
) -> None:
    options = clients.key(path=True) if method == "private_key_jwt" else clients.secret(method)
    run = oidc_ansible.task("oauth_token", options, "--forks", "6", hosts=SIX)
    assert run.status == 0, run.output
    (token,) = {result["access_token"] for result in run.results.values()}
    assert sum(result["changed"] for result in run.results.values()) == 1
    assert owner(oidc, token) == options["client_id"]
    assert oidc.requests()[TOKEN] == 1


def test_no_secret_reaches_a_host_that_only_tests(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    """What Ansible sends to a host is kept there, and searched."""
    accounts = named(clients.of_every_method())
    run = oidc_ansible.playbook(
        plays({"apiops.access.token_test": {"accounts": "{{ api_accounts }}"}}),
        variables={"api_accounts": accounts}, env={"ANSIBLE_KEEP_REMOTE_FILES": "1"}, allowed=[oidc_ansible.remote],
    )  # fmt: skip
    assert run.status == 0, run.output
    sent = b"".join(path.read_bytes() for path in oidc_ansible.remote.rglob("*") if path.is_file())
    assert oidc.issuer.encode() in sent  # these are the right files
    hidden = [*oidc_ansible.more_secrets, *oidc.secrets(), *clients.assertions()]
    detector = LeakDetector(oidc_ansible.sandbox, tokens=False, more=hidden)
    assert detector.in_files(oidc_ansible.remote) == {}


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_a_host_that_has_the_secret_neither_shows_nor_logs_it(
    oidc_ansible: AnsibleRunner, clients: Clients, method: str
) -> None:
    """A connection shows what ssh shows at -vvv, and the log of the system is searched as all files of a run are."""
    client = clients.key("RSA") if method == "private_key_jwt" else clients.secret(method)
    customized = oidc_ansible.inputs / "customized"
    customized.mkdir()
    (customized / "sitecustomize.py").write_text(SITECUSTOMIZE)
    system_log = oidc_ansible.home / "system.log"
    env = {"PYTHONPATH": str(customized), "TEST_SYSTEM_LOG": str(system_log)}
    for module, more in (("oauth_token", {}), ("token_test", {}), ("oauth_token", {"state": "absent"})):
        options = {**client, **more, "request_from": "target"}
        run = oidc_ansible.task(module, options, variables={"ansible_connection": "loud"}, env=env)
        assert run.result["failed"] is False, run.output
        assert "loud: " in run.output
    for logged in ("state=present", "accounts=", "state=absent"):
        assert logged in system_log.read_text()


# Refusals


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_jwt", "tls_client_auth"])
def test_refused_credentials_are_tried_once_for_six_hosts(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, method: str
) -> None:
    if method == "tls_client_auth":
        options = clients.certificate(self_signed=False)
        options["client_cert"], options["client_key"] = map(str, oidc.client_certificate("somebody else"))
    else:
        options = {**clients.secret(method), "client_secret": WRONG}
    oidc_ansible.more_secrets.append(WRONG)
    run = oidc_ansible.task("oauth_token", options, "--forks", "6", hosts=SIX)
    assert [result["failure"]["kind"] for result in run.results.values()] == ["invalid_client"] * len(SIX), run.output
    for result in run.results.values():
        assert result["msg"].startswith(f"Account '{options['client_id']}' (oauth2): ")
        assert "Check client_id, the secret or key, and token_endpoint_auth_method." in result["msg"]
    assert oidc.requests()[TOKEN] == 1


@pytest.fixture
def without_pyjwt(oidc_ansible: AnsibleRunner) -> dict[str, str]:
    """An environment in which PyJWT cannot be imported."""
    stub = oidc_ansible.inputs / "stub"
    stub.mkdir()
    (stub / "jwt.py").write_text("raise ImportError('no PyJWT here')\n")
    return {"PYTHONPATH": str(stub)}


@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_a_missing_library_is_named_without_a_traceback(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, without_pyjwt: dict[str, str], request_from: str
) -> None:
    run = oidc_ansible.task("oauth_token", {**clients.key(), "request_from": request_from}, env=without_pyjwt)
    assert run.result["failure"]["kind"] == "library_missing", run.output
    assert "pip install 'PyJWT[crypto]'" in run.result["msg"]
    assert "Traceback" not in run.output
    assert TOKEN not in oidc.requests()


def test_nobody_needs_the_library_but_who_signs(
    oidc_ansible: AnsibleRunner, clients: Clients, without_pyjwt: dict[str, str]
) -> None:
    run = oidc_ansible.task("token_test", clients.secret(), env=without_pyjwt)
    assert run.result.get("reason") == "active", run.output


# The environment


def test_neither_netrc_nor_the_environments_certificates_go_before_the_options(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    netrc = oidc_ansible.home / ".netrc"
    netrc.write_text("machine localhost login somebody password else\ndefault login somebody password else\n")
    netrc.chmod(0o600)
    env = {"REQUESTS_CA_BUNDLE": str(oidc.other_ca), "CURL_CA_BUNDLE": str(oidc.other_ca)}
    options = {**clients.secret(), **using(oidc)}
    run = oidc_ansible.task("token_test", options, env=env)
    assert run.result.get("reason") == "accepted", run.output
    # Where nothing is set, the environment's are the ones.
    del options["ca_path"]
    refused = oidc_ansible.task("token_test", {**options, "cache": "none"}, env=env).result
    assert refused["failure"]["kind"] == "certificate"


def test_the_lookup_takes_the_account_from_the_environment(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(secret_characters=AWKWARD)
    client = clients.secret()
    env = {"APIOPS_PROVIDER": "oauth2", "OAUTH2_ISSUER": oidc.issuer, "OAUTH2_CLIENT_ID": client["client_id"],
           "OAUTH2_CLIENT_SECRET": client["client_secret"], "APIOPS_CLIENT_SECRET": WRONG,
           "OAUTH2_CA_PATH": str(oidc.ca), "OAUTH2_SCOPE": "read,write"}  # fmt: skip
    header = "{{ lookup('apiops.access.oauth_token', return='authorization') }}"
    run = oidc_ansible.playbook(
        plays(
            {
                "ansible.builtin.uri": {
                    "url": oidc.resource_url,
                    "ca_path": str(oidc.ca),
                    "headers": {"Authorization": header},
                },
                "register": "answer",
                "no_log": True,
            },
            {
                "ansible.builtin.copy": {
                    "content": "{{ answer.json | to_json }}",
                    "dest": str(oidc_ansible.registered / "host1.json"),
                    "mode": "0600",
                }
            },
        ),
        env=env,
    )
    assert run.status == 0, run.output
    assert run.result == {"client_id": client["client_id"], "scope": "read write"}


# The way back


def test_a_released_token_is_revoked(oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients) -> None:
    options = clients.secret()
    token = oidc_ansible.task("oauth_token", options).result["access_token"]
    absent = {**options, "state": "absent"}
    checked = oidc_ansible.task("oauth_token", absent, "--check").result
    assert (checked["changed"], checked["released"], is_active(oidc, options, token)) == (True, False, True)
    released = oidc_ansible.task("oauth_token", absent).result
    assert (released["changed"], released["released"], is_active(oidc, options, token)) == (True, True, False)
    again = oidc_ansible.task("oauth_token", absent).result
    assert (again["changed"], again["released"]) == (False, False)


def test_a_token_that_cannot_be_revoked_is_said_to_live_on(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    client = clients.secret()
    accounts = named({"jwt": {**client, "resource": [JWT]}, "opaque": client})
    tokens = [result["access_token"] for result in each_token(oidc_ansible, accounts)]
    oidc.settings(metadata={"revocation_endpoint": None})
    endpoint = {"revocation_endpoint": f"{oidc.issuer}/token/revocation"}
    unsupported, unpublished = each_token(oidc_ansible, [{**accounts[0], **endpoint}, accounts[1]], state="absent")
    for result in (unsupported, unpublished):
        assert result["released"] is False
        assert "works until it expires" in result["msg"]
    assert "publishes no revocation_endpoint" in unpublished["msg"]
    assert [owner(oidc, token) for token in tokens] == [client["client_id"]] * 2


def test_the_tokens_of_a_play_that_fails_are_revoked(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    made = {"basic": clients.secret(), "key": clients.key(), "tls": clients.certificate(self_signed=True)}
    run = oidc_ansible.playbook(
        plays(
            *({"apiops.access.oauth_token": {"account": name}} for name in made),
            {"ansible.builtin.fail": {"msg": "as meant"}},
        ),
        hosts=("host1", "host2"), variables={"api_accounts": named(made)},
        env={"ANSIBLE_CALLBACKS_ENABLED": "apiops.access.release_tokens"},
    )  # fmt: skip
    assert run.status == 2, run.output
    assert "Tokens that this run requested: 3 released: basic, key, tls." in run.output
    assert (oidc.requests()[TOKEN], oidc.state()["live_tokens"]) == (3, 0)
    assert oidc.requests()[DISCOVERY] == 2  # who shows a certificate is told by itself
    assert left_behind(oidc_ansible) == []


def test_what_cannot_be_revoked_does_not_fail_the_end_of_a_run(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(metadata={"revocation_endpoint": None})
    task: dict[str, t.Any] = {"apiops.access.oauth_token": {"account": "only"}}
    run = oidc_ansible.playbook(
        plays(task), variables={"api_accounts": named({"only": clients.secret()})},
        env={"ANSIBLE_CALLBACKS_ENABLED": "apiops.access.release_tokens"},
    )  # fmt: skip
    assert run.status == 0, run.output
    assert "requested: 1 not released: only (The server publishes no revocation_endpoint" in run.output
