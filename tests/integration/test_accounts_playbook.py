# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that brings accounts to the wanted state, from nothing to proven on every host, at a real server."""

from __future__ import annotations

import re
import secrets
import subprocess
import typing as t

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .oidc_server import OidcServer
from .runner import AnsibleRunner, Run

HOSTS = ("host1", "host2", "host3", "host4")


class Operator:
    """Somebody with a vault password, a list of wanted accounts, and the playbook."""

    def __init__(self, ansible: AnsibleRunner, oidc: OidcServer) -> None:
        self.ansible = ansible
        self.oidc = oidc
        password = secrets.token_urlsafe(24)
        ansible.more_secrets.append(password)
        self.vault = ansible.inputs / "vault"
        self.vault.write_text(password)
        self.records = ansible.folder / "records" / "api_accounts.yml"
        self.records.parent.mkdir()
        key = ansible.inputs / "key.pem"
        private = ed25519.Ed25519PrivateKey.generate()
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate, certificate_key = oidc.client_certificate("nightly.example.com")
        shared = {"provider": "oauth2", "issuer": oidc.issuer, "ca_path": str(oidc.ca), "scope": ["read"]}
        self.wanted: list[dict[str, t.Any]] = [
            {**shared, "name": "reporting", "settings": {"contacts": ["ops@example.com"]}, "rotate_by": "replace"},
            {**shared, "name": "signing", "private_key_path": str(key)},
            {
                **shared,
                "name": "nightly",
                "token_endpoint_auth_method": "tls_client_auth",
                "client_cert": str(certificate),
                "client_key": str(certificate_key),
            },
        ]

    def run(self, *arguments: str) -> Run:
        variables = {
            "wanted_api_accounts": self.wanted,
            "records_file": str(self.records),
            "initial_access_token": self.oidc.initial_access_token(),
        }
        return self.ansible.playbook(
            "apiops.access.accounts", *arguments, hosts=HOSTS, variables=variables,
            env={"ANSIBLE_VAULT_PASSWORD_FILE": str(self.vault)},
        )  # fmt: skip

    def kept(self) -> dict[str, dict[str, t.Any]]:
        """The records, by name, as ansible-vault shows them."""
        shown = subprocess.run(
            ["ansible-vault", "view", "--vault-password-file", str(self.vault), str(self.records)],
            env=self.ansible.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return {item["name"]: item for item in yaml.safe_load(shown.stdout)["api_accounts"]}


@pytest.fixture
def operator(oidc_ansible: AnsibleRunner, oidc: OidcServer) -> Operator:
    return Operator(oidc_ansible, oidc)


def changes(run: Run) -> list[int]:
    """The number of changed tasks of each host."""
    return [int(number) for number in re.findall(r"changed=(\d+)", run.output)]


def row(run: Run, account: str) -> str:
    """What the report of the accounts shows of one."""
    return next(line for line in run.output.splitlines() if re.search(rf'^ +"{account} +oauth2', line))


def test_accounts_are_created_proven_from_every_host_renewed_and_deleted(operator: Operator) -> None:
    first = operator.run()
    assert first.status == 0, first.output
    assert all("as wanted (created)" in row(first, account) for account in ("reporting", "signing", "nightly"))
    assert "12 checks: 12 valid" in first.output
    clients = operator.oidc.clients()
    methods = {client["client_name"]: client["token_endpoint_auth_method"] for client in clients.values()}
    assert methods == {"reporting": "client_secret_basic", "signing": "private_key_jwt", "nightly": "tls_client_auth"}
    created = operator.kept()
    content = operator.records.read_bytes()

    second = operator.run()
    assert second.status == 0, second.output
    assert set(changes(second)) == {0}
    assert operator.records.read_bytes() == content
    assert "12 checks: 12 valid" in second.output
    counters = operator.oidc.requests()
    assert (counters["POST /tenant/reg"], counters.get("PUT /tenant/reg/ID", 0)) == (3, 0)

    operator.wanted[2]["state"] = "absent"
    third = operator.run("-e", "rotate=reporting")
    assert third.status == 0, third.output
    assert "as wanted (rotated)" in row(third, "reporting")
    assert "as wanted (deleted)" in row(third, "nightly")
    assert "8 checks: 8 valid" in third.output
    kept = operator.kept()
    assert set(kept) == {"reporting", "signing"}
    assert kept["signing"] == created["signing"]
    assert kept["reporting"]["client_secret"] != created["reporting"]["client_secret"]
    # The old account's place is taken, and the deleted one is gone.
    assert set(operator.oidc.clients()) == {item["client_id"] for item in kept.values()}

    fourth = operator.run()
    assert fourth.status == 0, fourth.output
    assert set(changes(fourth)) == {0}
    assert "8 checks: 8 valid" in fourth.output


def test_check_mode_says_what_it_would_do_and_does_nothing(operator: Operator) -> None:
    run = operator.run("--check", "--diff")
    assert run.status == 0, run.output
    assert "as wanted (created)" in row(run, "reporting")
    assert operator.oidc.clients() == {}
    assert not operator.records.exists()


def test_accounts_of_the_command_line_do_not_hide_the_wanted_ones(operator: Operator) -> None:
    other = {"api_accounts": [{**operator.wanted[1], "name": "another"}]}
    run = operator.run("-e", operator.ansible.variables(other, "other"))
    assert run.status == 2
    assert "api_accounts is set on the command line" in run.output
    assert operator.oidc.requests() == {}
