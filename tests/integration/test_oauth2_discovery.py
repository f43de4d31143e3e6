# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the endpoints of a real OAuth server are found, and which of them are trusted."""

from __future__ import annotations

import contextlib

import pytest

from ..unit.loopback import Certificates, Loopback, reply, server_context
from .oauth2_clients import DISCOVERY, SIX, TOKEN, Clients, left_behind, named, owner, plays, using, verdicts
from .oidc_server import OidcServer
from .runner import AnsibleRunner


@pytest.fixture
def clients(oidc_ansible: AnsibleRunner, oidc: OidcServer) -> Clients:
    return Clients(oidc_ansible, oidc)


@pytest.mark.parametrize("well_known", ["openid", "oauth", "oauth_inserted"])
def test_the_endpoints_are_found_wherever_the_server_publishes_them(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, well_known: str
) -> None:
    oidc.settings(well_known=well_known)
    run = oidc_ansible.task("token_test", clients.secret())
    assert run.result.get("reason") == "active", run.output


def test_a_login_page_in_place_of_metadata_does_not_hide_them_elsewhere(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(well_known="oauth")
    login = {"Location": f"{oidc.issuer}/login"}
    oidc.fault("answer", "GET", "/tenant/.well-known/openid-configuration", status=302, headers=login)
    client = clients.secret()
    run = oidc_ansible.task("oauth_token", client)
    assert run.result["failed"] is False, run.output
    assert owner(oidc, run.result["access_token"]) == client["client_id"]


def test_a_server_without_metadata_needs_its_endpoints_set(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(well_known="none")
    client = clients.secret()
    failed = oidc_ansible.task("oauth_token", client).result
    assert failed["failure"]["kind"] == "configuration"
    assert f"{oidc.issuer} publishes no metadata" in failed["msg"]
    assert "set token_endpoint" in failed["msg"]
    # What the message says helps.
    helped = oidc_ansible.task("oauth_token", {**client, "token_endpoint": f"{oidc.issuer}/token"})
    assert helped.result["failed"] is False, helped.output
    assert owner(oidc, helped.result["access_token"]) == client["client_id"]


def test_explicit_endpoints_need_no_discovery(oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients) -> None:
    options = {
        **clients.secret(),
        "token_endpoint": f"{oidc.issuer}/token",
        "introspection_endpoint": f"{oidc.issuer}/token/introspection",
        "revocation_endpoint": f"{oidc.issuer}/token/revocation",
    }
    del options["issuer"]
    run = oidc_ansible.task("token_test", options)
    assert run.result.get("reason") == "active", run.output
    assert oidc_ansible.task("oauth_token", {**options, "state": "absent"}).result["released"] is True
    assert oidc.state()["live_tokens"] == 0
    assert not [path for path in oidc.requests() if "well-known" in path]


def test_metadata_of_another_issuer_are_not_used(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(metadata={"issuer": "https://elsewhere.example.test"})
    result = oidc_ansible.task("oauth_token", clients.secret()).result
    assert result["failure"]["kind"] == "configuration"
    assert oidc.issuer in result["msg"]
    assert "https://elsewhere.example.test" in result["msg"]
    assert TOKEN not in oidc.requests()


@pytest.mark.parametrize(("request_from", "endpoints"), [
    ("controller", ["token_endpoint"]),
    ("target", ["token_endpoint"]),
    ("controller", ["introspection_endpoint", "revocation_endpoint"]),
])  # fmt: skip
def test_nothing_is_sent_to_an_endpoint_on_another_host(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, request_from: str, endpoints: list[str]
) -> None:
    answer = b'{"access_token": "stolen-0123456789", "token_type": "Bearer", "active": true}'
    certificates = Certificates.make(oidc_ansible.inputs)
    trusted = oidc_ansible.inputs / "both.pem"  # so that nothing but the other host is in the way
    trusted.write_text(oidc.ca.read_text() + certificates.ca.read_text())
    options = {**clients.secret(), "request_from": request_from, "ca_path": str(trusted)}
    with contextlib.closing(Loopback([reply(200, answer)], server_context(certificates.good))) as elsewhere:
        oidc.settings(metadata={endpoint: f"{elsewhere.url}/{endpoint}" for endpoint in endpoints})
        results = [oidc_ansible.task("token_test", options).result]
        if "revocation_endpoint" in endpoints:
            results.append(oidc_ansible.task("oauth_token", {**options, "state": "absent"}).result)
        assert elsewhere.received == []
    assert [result["failure"]["kind"] for result in results] == ["configuration"] * len(endpoints)
    for result, endpoint in zip(results, endpoints):
        for part in ("Account", f"set {endpoint}: {elsewhere.url}/{endpoint}", "another host, 127.0.0.1"):
            assert part in result["msg"]


def test_a_run_discovers_the_server_once(oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients) -> None:
    account = {"account": "only"}
    run = oidc_ansible.playbook(
        plays(
            {"apiops.access.oauth_token": account},
            {"ansible.builtin.assert": {"that": ["lookup('apiops.access.oauth_token', 'only') is truthy"]},
             "no_log": True},
            {"apiops.access.oauth_token": {**account, "force": True}},
            {"apiops.access.token_test": account},
            {"apiops.access.oauth_token": {**account, "state": "absent"}},
        ),
        "--forks", "6", hosts=SIX, variables={"api_accounts": named({"only": {**clients.secret(), **using(oidc)}})},
    )  # fmt: skip
    assert run.status == 0, run.output
    assert oidc.requests()[DISCOVERY] == 1
    assert left_behind(oidc_ansible) == []


def test_a_run_that_finds_a_token_discovers_the_server_once_too(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    options = {**clients.secret(), **using(oidc)}
    oidc_ansible.task("oauth_token", options)
    run = oidc_ansible.task("token_test", options, "--forks", "6", hosts=SIX)
    assert verdicts(run) == {("valid", "accepted")}
    assert (oidc.requests()[TOKEN], oidc.requests()[DISCOVERY]) == (1, 2)
