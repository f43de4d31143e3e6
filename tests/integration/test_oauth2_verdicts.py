# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What token_test says of tokens of a real OAuth server: by introspection, by their use, and by both."""

from __future__ import annotations

import pytest

from .oauth2_clients import (
    DISCOVERY,
    INTROSPECTION,
    SIX,
    TOKEN,
    Clients,
    each_verdict,
    is_active,
    owner,
    revoke,
    using,
    verdicts,
)
from .oidc_server import JWT, OPAQUE, OidcServer
from .runner import AnsibleRunner

OTHER = "https://other.example.test"


@pytest.fixture
def clients(oidc_ansible: AnsibleRunner, oidc: OidcServer) -> Clients:
    return Clients(oidc_ansible, oidc)


# What was wanted, and what was granted


def test_a_scope_that_the_server_left_out_is_missed(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    """RFC 6749 section 3.3: the server may ignore a scope."""
    options = {**clients.secret(), "scope": ["read", "nonsense"]}
    for _time in range(2):
        run = oidc_ansible.task("token_test", options)
        assert verdicts(run) == {("invalid", "scope_missing")}
        assert (run.result["token_valid"], run.result["permitted"]) == (True, False)
        assert run.result["introspection"]["missing_scope"] == ["nonsense"]
        assert run.result["introspection"]["scope"] == ["read"]
        assert "nonsense" in run.result["msg"]
    # It is no reason to ask for another token.
    assert oidc.requests()[TOKEN] == 1


def test_wanted_scopes_are_compared_with_those_of_the_token(oidc_ansible: AnsibleRunner, clients: Clients) -> None:
    client = clients.secret()
    scopes = {"list": ["write", "read"], "commas": "read,write", "spaces": "read write", "none": []}
    found = each_verdict(oidc_ansible, {name: {**client, "scope": scope} for name, scope in scopes.items()})
    assert {name: verdict["reason"] for name, verdict in found.items()} == dict.fromkeys(scopes, "active")
    assert set(found["spaces"]["introspection"]["scope"]) == {"read", "write"}


def test_a_server_that_tells_no_scope_is_not_said_to_have_granted_it(
    oidc_ansible: AnsibleRunner, clients: Clients
) -> None:
    """This one leaves the field out where no scope is left."""
    run = oidc_ansible.task("token_test", {**clients.secret(), "scope": ["nonsense"]})
    assert run.result["introspection"]["scope"] is None
    assert run.result["introspection"]["missing_scope"] is None


def test_the_audience_of_a_token_is_compared(oidc_ansible: AnsibleRunner, clients: Clients) -> None:
    options = {**clients.secret(), "resource": [OPAQUE]}
    found = each_verdict(
        oidc_ansible,
        {
            "right": {**options, "audience": OPAQUE},
            "other": {**options, "audience": OTHER},
            "refused": {**options, "resource": [OTHER]},
        },
    )
    assert {name: (verdict["outcome"], verdict["reason"]) for name, verdict in found.items()} == {
        "right": ("valid", "active"),
        "other": ("invalid", "audience_mismatch"),
        "refused": ("invalid", "invalid_target"),
    }
    assert found["right"]["introspection"]["audience"] == [OPAQUE]
    assert OTHER in found["other"]["message"]


def test_a_token_that_the_server_cannot_introspect_is_judged_by_its_use(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    options = {**clients.secret(), "resource": [JWT], "scope": ["read"]}
    found = each_verdict(
        oidc_ansible,
        {
            "alone": options,
            "used": {**options, **using(oidc)},
            "less": {**options, **using(oidc), "scope": ["read", "nonsense"]},
        },
    )
    assert {name: (verdict["outcome"], verdict["reason"]) for name, verdict in found.items()} == {
        "alone": ("indeterminate", "introspection_unsupported"),
        "used": ("valid", "accepted"),
        "less": ("invalid", "scope_missing"),
    }
    assert "Set test_path" in found["alone"]["message"]


# Introspection that the server does not allow


def test_who_may_not_introspect_gets_no_verdict_on_any_host(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    """RFC 7662 section 2.2 has the server say inactive then, which is no word on the token."""
    oidc.settings(introspection_allowed=False)
    options = {**clients.secret(), "fail_on": ["invalid"]}
    for _time in range(2):
        run = oidc_ansible.task("token_test", options, "--forks", "2", hosts=SIX)
        assert verdicts(run) == {("indeterminate", "introspection_not_permitted")}
        assert all("set test_path" in result["msg"] for result in run.results.values())
    # What was just granted is not renewed over and over.
    assert oidc.requests()[TOKEN] <= 2


def test_a_token_that_works_is_valid_for_who_may_not_introspect(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.settings(introspection_allowed=False)
    run = oidc_ansible.task("token_test", {**clients.secret(), **using(oidc)})
    assert verdicts(run) == {("valid", "accepted")}


# Tokens that ended


@pytest.mark.parametrize("end", ["revoked", "expired", "rejected"])
def test_a_cached_token_that_ended_is_renewed_once_for_six_hosts(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, end: str
) -> None:
    options = {**clients.secret(), **(using(oidc) if end == "rejected" else {})}
    first = oidc_ansible.task("oauth_token", options).result
    if end == "expired":
        oidc.clock(700)
    else:
        revoke(oidc, options, first["access_token"])
    if end == "rejected":  # by its use alone
        oidc.settings(metadata={"introspection_endpoint": None})
    run = oidc_ansible.task("token_test", options, "--forks", "6", hosts=SIX)
    assert verdicts(run) == {("valid", "accepted" if end == "rejected" else "active")}
    (successor,) = {result["fingerprint"] for result in run.results.values()}
    assert successor != first["fingerprint"]
    assert any(result["renewed"] for result in run.results.values())
    assert oidc.requests()[TOKEN] == 2


def test_a_ready_token_needs_no_credentials(oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients) -> None:
    options = clients.secret()
    token = oidc_ansible.task("oauth_token", options).result["access_token"]
    bare = {option: options[option] for option in ("provider", "issuer", "ca_path")}
    ready = {"alone": {**bare, "access_token": token}, "used": {**bare, **using(oidc), "access_token": token}}
    found = each_verdict(oidc_ansible, ready)
    assert {name: verdict["reason"] for name, verdict in found.items()} == {"alone": "untested", "used": "accepted"}
    revoke(oidc, options, token)
    assert not is_active(oidc, options, token)
    found = each_verdict(oidc_ansible, ready)
    assert (found["used"]["outcome"], found["used"]["reason"]) == ("invalid", "token_rejected")


# What each host does


def test_each_host_reaches_the_server_and_the_controller_introspects(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    run = oidc_ansible.task("token_test", clients.secret(), hosts=SIX)
    assert verdicts(run) == {("valid", "active")}
    requests = oidc.requests()
    # The controller's discovery, and the proof of each host that it reaches the server.
    assert (requests[DISCOVERY], requests[INTROSPECTION], requests[TOKEN]) == (1 + len(SIX), len(SIX), 1)


def test_a_host_that_does_not_reach_the_server_has_no_valid_token(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    # The first to ask is the controller.
    oidc.fault("drop_before", "GET", "/tenant/.well-known/openid-configuration", skip=1)
    run = oidc_ansible.task("token_test", {**clients.secret(), "retries": 0})
    assert verdicts(run) == {("indeterminate", "connection")}
    assert run.result["introspection"]["active"] is True


@pytest.mark.parametrize("resource", [OPAQUE, JWT])
def test_a_token_bound_to_a_certificate_works_with_that_alone(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, resource: str
) -> None:
    client = clients.certificate(self_signed=True, tls_client_certificate_bound_access_tokens=True)
    there = {"base_url": f"https://localhost:{oidc.mtls_port}", "test_path": "resource/me"}
    options = {**client, **there, "resource": [resource]}
    token = oidc_ansible.task("oauth_token", options).result["access_token"]
    assert owner(oidc, token, (client["client_cert"], client["client_key"])) == client["client_id"]
    assert owner(oidc, token) is None
    bare = {option: client[option] for option in ("provider", "issuer", "ca_path")}
    found = each_verdict(oidc_ansible, {"with": options, "without": {**bare, **there, "access_token": token}})
    assert {name: (verdict["outcome"], verdict["reason"]) for name, verdict in found.items()} == {
        "with": ("valid", "accepted"),
        "without": ("invalid", "token_rejected"),
    }


# Clocks


@pytest.mark.parametrize(("offset", "way"), [(0, None), (600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off_is_told(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients, offset: int, way: str | None
) -> None:
    oidc.clock(offset)
    run = oidc_ansible.task("token_test", clients.secret())
    assert verdicts(run) == {("valid", "active")}
    assert abs(run.result["clock_skew"] + offset) < 60
    assert (f"s {way} the server's" in run.result["msg"]) is (way is not None)
    assert ("clock" in run.result["msg"]) is (way is not None)


def test_a_clock_that_is_off_is_named_where_it_spoils_an_assertion(
    oidc_ansible: AnsibleRunner, oidc: OidcServer, clients: Clients
) -> None:
    oidc.clock(600)
    result = oidc_ansible.task("oauth_token", clients.key()).result
    assert result["failure"]["kind"] == "invalid_client"
    assert "This machine's clock is" in result["msg"]
