# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts at a real OAuth server are made, changed, renewed and deleted, and their records are Ansible's own data."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import secrets
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import oidc_server
from .oidc_server import OidcServer, certificate_jwks, public_jwk
from .runner import AnsibleRunner, Run
from .test_main_job import HOSTS
from .test_oidc_server import manage, request_token, writable

Options = dict[str, t.Any]

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
METHODS = (*SECRET_METHODS, "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
SHOPS = {"contacts": ["ops@example.com"]}


class _Reader(yaml.SafeLoader):
    """Reads what Ansible would take literally as the text that it is."""


_Reader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(t.cast(yaml.ScalarNode, node)))


def run_task(
    ansible: AnsibleRunner,
    options: Options,
    *arguments: str,
    hosts: t.Sequence[str] = ("host1",),
    env: t.Mapping[str, str] | None = None,
    loop: t.Sequence[str] = (),
) -> Run:
    """As the runner's own, with results that are printed: a module that writes them takes longer than the task."""
    mark = "The result of"
    task = {
        "apiops.access.api_account": {option: f"{{{{ task_options['{option}'] }}}}" for option in options},
        "register": "registered",
        "ignore_errors": True,
        **({"loop": loop} if loop else {}),
    }
    show = {"ansible.builtin.debug": {"msg": f"{mark} {{{{ inventory_hostname }}}} {{{{ registered | to_json }}}}"}}
    play = {"hosts": "all", "gather_facts": False, "tasks": [task, show]}
    run = ansible.playbook([play], *arguments, hosts=hosts, variables={"task_options": options}, env=env)
    printed = (json.loads(f'"{text}"') for text in re.findall(f'"msg": "({mark} .*)"$', run.output, re.MULTILINE))
    told = (text[len(mark) + 1 :].partition(" ") for text in printed)
    return dataclasses.replace(run, results={host: json.loads(result) for host, _space, result in told})


class Provisioner:
    """The task under test and its records file, which is also read and changed here as its owner would."""

    def __init__(self, ansible: AnsibleRunner, oidc: OidcServer, options: Options, folder: Path | None = None) -> None:
        self.ansible = ansible
        self.oidc = oidc
        self.path = (folder or ansible.folder / "records") / "accounts.yml"
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.options = {
            **options,
            "scope": ["read"],
            "records_file": str(self.path),
            "initial_access_token": oidc.initial_access_token(),
        }
        self.password_file = self.new_password("vault-password")

    def new_password(self, name: str) -> Path:
        """A file with a new vault password, which must never be seen either."""
        path = self.ansible.inputs / name
        path.write_text(secrets.token_urlsafe(24))
        path.chmod(0o600)
        self.ansible.more_secrets.append(path.read_text())
        return path

    def task(self, *arguments: str, hosts: t.Sequence[str] = ("host1",), **changes: t.Any) -> Run:
        """Run the task; ``changes`` of None take an option out. Without arguments, with the vault password."""
        options = {option: value for option, value in {**self.options, **changes}.items() if value is not None}
        return run_task(self.ansible, options, *(arguments or self.vault()), hosts=hosts)

    def vault(self, *more: str) -> tuple[str, ...]:
        return ("--vault-password-file", str(self.password_file), *more)

    def created(self, **changes: t.Any) -> dict[str, t.Any]:
        """The record of the account that is made now."""
        run = self.task(**changes)
        assert (run.result["failed"], run.result["changed"]) == (False, True), run.output
        return self.record(**({"name": changes["name"]} if "name" in changes else {}))

    # The file

    def _vault_lib(self) -> VaultLib:
        return VaultLib([("default", VaultSecret(self.password_file.read_bytes()))])

    def document(self) -> dict[str, t.Any]:
        document = yaml.load(self._vault_lib().decrypt(self.path.read_bytes()), Loader=_Reader)
        assert isinstance(document, dict)
        return document

    def records(self) -> dict[str, dict[str, t.Any]]:
        return {record["name"]: record for record in self.document()["api_accounts"]}

    def record(self, name: str = "reporting") -> dict[str, t.Any]:
        return self.records()[name]

    def pending(self) -> list[tuple[str, str]]:
        """The accounts and the changes that are noted as not finished."""
        return [(item["name"], item["action"]) for item in self.document().get("api_accounts_pending", [])]

    def write(self, text: str) -> None:
        """The file's content, encrypted, as ``ansible-vault edit`` writes it."""
        self.path.write_bytes(self._vault_lib().encrypt(text))

    def set_registration(self, **changes: t.Any) -> None:
        """Change the part of the record that is not options."""
        document = self.document()
        document["api_accounts"][0]["registration"].update(changes)
        self.write(yaml.safe_dump(document))

    # The server

    def by_hand(self, method: str, **changes: t.Any) -> dict[str, t.Any]:
        """What somebody else does to the client at the server, who has the same handle; an update's answer."""
        registration = self.record()["registration"]
        client = {f"registration_{part}": registration[part] for part in ("client_uri", "access_token")}
        document = writable(manage(self.oidc, "GET", client).json(), **changes) if method == "PUT" else None
        response = manage(self.oidc, method, client, document)
        assert response.ok, response.text
        return dict(response.json() if response.content else {})

    def works(self, record: t.Mapping[str, t.Any] | None = None) -> bool:
        """Whether the credentials of a record, or of the account's own, are good for a token."""
        return request_token(self.oidc, dict(record or self.record())).status_code == 200

    def sent(self) -> collections.Counter[str]:
        """How often the server was asked to register, read, change or delete a client, by method."""
        counters = self.oidc.requests().items()
        return collections.Counter({call.split()[0]: count for call, count in counters if "/tenant/reg" in call})

    def client(self) -> dict[str, t.Any]:
        """The only client at the server."""
        (client,) = self.oidc.clients().values()
        return client


@pytest.fixture
def account(oidc_ansible: AnsibleRunner, oidc: OidcServer, oidc_account: Options) -> Provisioner:
    return Provisioner(oidc_ansible, oidc, oidc_account)


def new_key(account: Provisioner) -> tuple[str, ec.EllipticCurvePrivateKey]:
    """A private key as an option has it, which must never be seen, and as the library has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account.ansible.more_secrets += [pem, *pem.splitlines()[1:-1]]
    return pem, key


def authentication(account: Provisioner, method: str) -> tuple[Options, Options]:
    """The options of an account that authenticates itself so, and the metadata that must follow from them."""
    options: Options = {"token_endpoint_auth_method": method}
    if method in SECRET_METHODS:
        return options, {}
    if method == "private_key_jwt":
        pem, key = new_key(account)
        options.update(private_key=pem, key_id="first")
        return options, {"jwks": {"keys": [{**public_jwk(key.public_key()), "kid": "first", "use": "sig"}]}}
    if method == "tls_client_auth":
        certificate, key_path = account.oidc.client_certificate("reporting")
        expected: Options = {"tls_client_auth_subject_dn": "CN=reporting"}
    else:
        certificate, key_path = account.oidc.self_signed_certificate()
        expected = {"jwks": certificate_jwks(certificate)}
    return {**options, "client_cert": str(certificate), "client_key": str(key_path)}, expected


def part(found: t.Any, wanted: t.Any) -> t.Any:
    """What is found of the fields that are wanted: a server can tell more of a key than it was told."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {field: part(found.get(field), value) for field, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [part(*pair) for pair in zip(found, wanted)]
    return found


# The account is made


@pytest.mark.parametrize("method", METHODS)
def test_an_account_is_registered_and_works_and_a_second_run_changes_nothing(account: Provisioner, method: str) -> None:
    options, expected = authentication(account, method)
    run = account.task(**options, settings=SHOPS)
    result = run.result
    assert (result["failed"], result["changed"], result["verified"]) == (False, True, True), run.output
    assert (result["change"], result["management"], result["action_required"]) == ("created", "api", False)
    assert result["secret"] == ("created" if method in SECRET_METHODS else "unchanged")
    assert "client_secret" not in result
    client = account.client()
    wanted = {
        "client_name": "reporting",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": method,
        "scope": "read",
        **SHOPS,
        **expected,
    }
    assert part(client, wanted) == wanted
    assert result["account"]["client_id"] == client["client_id"] == account.record()["client_id"]
    assert account.pending() == []

    stored = account.path.read_bytes()
    again = account.task(**options, settings=SHOPS)
    assert (again.result["failed"], again.result["changed"], again.result["verified"]) == (False, False, True), (
        again.output
    )
    assert (again.result["change"], again.result["secret"], again.result["unchecked"]) == ("none", "unchanged", [])
    assert account.sent() == {"POST": 1, "GET": 1}
    assert account.path.read_bytes() == stored


def test_the_record_is_encrypted_private_and_has_what_the_account_needs(account: Provisioner) -> None:
    record = account.created(settings=SHOPS)
    assert account.path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert [(path.name, stat.S_IMODE(path.stat().st_mode)) for path in sorted(account.path.parent.iterdir())] == [
        ("accounts.yml", 0o600),
        ("accounts.yml.lock", 0o600),
    ]
    options = {"name", "provider", "issuer", "ca_path", "scope", "client_id", "client_secret", "settings"}
    assert set(record) - {"token_endpoint_auth_method"} == {*options, "registration"}
    assert {option: record[option] for option in ("issuer", "ca_path", "scope", "settings")} == {
        "issuer": account.oidc.issuer,
        "ca_path": str(account.oidc.ca),
        "scope": ["read"],
        "settings": SHOPS,
    }
    # Whoever reads the file must not be able to make more accounts.
    assert account.options["initial_access_token"] not in json.dumps(account.document())
    assert account.works()


def test_all_hosts_of_a_task_have_one_account(account: Provisioner) -> None:
    run = account.task(hosts=HOSTS)
    assert sorted(result["change"] for result in run.results.values()) == ["created", "none", "none", "none"]
    assert len({result["account"]["client_id"] for result in run.results.values()}) == 1
    assert account.sent()["POST"] == 1


def test_the_secret_is_returned_where_that_is_asked_for(account: Provisioner) -> None:
    for changed in (True, False):
        run = account.ansible.task("api_account", {**account.options, "return_secret": True}, *account.vault())
        assert run.result["changed"] is changed
        assert run.result["client_secret"] == account.record()["client_secret"]
        assert "censored" in run.output


def test_a_setting_that_the_server_does_not_keep_is_told_and_not_asked_for_again(account: Provisioner) -> None:
    for changed in (True, False):
        result = account.task(settings={"nonsense": "1"}).result
        assert (result["failed"], result["changed"], result["unchecked"]) == (False, changed, ["nonsense"])
    assert account.sent() == {"POST": 1, "GET": 1}


# The account is changed


def test_a_changed_setting_is_one_update_which_keeps_what_somebody_else_has_set(account: Provisioner) -> None:
    account.oidc.settings(rotate_registration_access_token=False)
    before = account.created(settings=SHOPS)
    account.by_hand("PUT", cost_center="42", contacts=["else@example.com"])
    sent = account.sent()
    run = account.task(*account.vault("--diff"), settings={"contacts": ["new@example.com"]})
    result = run.result
    assert (result["failed"], result["change"], result["verified"]) == (False, "updated", True), run.output
    assert result["differences"] == [
        {"field": "contacts", "wanted": ["new@example.com"], "found": ["else@example.com"]}
    ]
    assert result["diff"] == {
        "before": {"contacts": ["else@example.com"]},
        "after": {"contacts": ["new@example.com"]},
    }
    assert account.sent() - sent == {"GET": 1, "PUT": 1}
    assert (account.client()["contacts"], account.client()["cost_center"]) == (["new@example.com"], "42")
    after = account.record()
    assert (after["client_secret"], after["settings"]) == (before["client_secret"], {"contacts": ["new@example.com"]})


@pytest.mark.parametrize("rotates", [True, False])
def test_the_registration_access_token_of_an_update_is_what_the_next_run_uses(
    account: Provisioner, rotates: bool
) -> None:
    account.oidc.settings(rotate_registration_access_token=rotates)
    tokens = [account.created(settings=SHOPS)["registration"]["access_token"]]
    for contact in ("a@example.com", "b@example.com"):
        run = account.task(settings={"contacts": [contact]})
        assert (run.result["failed"], run.result["changed"]) == (False, True), run.output
        tokens.append(account.record()["registration"]["access_token"])
    assert account.task(settings={"contacts": ["b@example.com"]}).result["changed"] is False
    assert len(set(tokens)) == (3 if rotates else 1)
    assert account.client()["contacts"] == ["b@example.com"]


def test_a_scope_that_is_taken_back_is_an_update_and_the_next_tokens_have_it_no_more(account: Provisioner) -> None:
    account.created(scope=["read", "write"])
    run = account.task()
    assert (run.result["change"], run.result["verified"]) == ("updated", True), run.output
    assert account.client()["scope"] == "read"
    assert request_token(account.oidc, account.record(), scope="write").json()["error"] == "invalid_scope"


def test_a_new_private_key_is_registered_and_the_old_one_is_good_for_nothing(account: Provisioner) -> None:
    first, _expected = authentication(account, "private_key_jwt")
    account.created(**first)
    second, expected = authentication(account, "private_key_jwt")
    result = account.task(**second).result
    assert (result["failed"], result["change"], result["verified"]) == (False, "updated", True), result["msg"]
    assert [item["field"] for item in result["differences"]] == ["jwks"]
    assert part(account.client(), expected) == expected
    assert account.record()["private_key"] == second["private_key"]


@pytest.mark.parametrize("same_key", [False, True])
def test_a_new_self_signed_certificate_is_registered_and_works(account: Provisioner, same_key: bool) -> None:
    options, _expected = authentication(account, "self_signed_tls_client_auth")
    account.created(**options)
    if same_key:  # as with most renewals
        key = serialization.load_pem_private_key(Path(options["client_key"]).read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        certificate = oidc_server._certificate("renewed", key, "renewed", key)
        path = account.ansible.inputs / "renewed.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        options["client_cert"] = str(path)
    else:
        options, _expected = authentication(account, "self_signed_tls_client_auth")
    result = account.task(**options).result
    assert (result["failed"], result["change"], result["verified"]) == (False, "updated", True), result["msg"]
    wanted = certificate_jwks(Path(options["client_cert"]))
    assert part(account.client()["jwks"], wanted) == wanted


def test_an_account_can_go_from_a_secret_to_a_key(account: Provisioner) -> None:
    secret = account.created()
    options, _expected = authentication(account, "private_key_jwt")
    result = account.task(**options).result
    assert (result["failed"], result["change"], result["verified"]) == (False, "updated", True), result["msg"]
    assert account.task(**options).result["change"] == "none"
    assert not account.works(secret)


# Without a handle, a person has to do it


@pytest.mark.parametrize("settings", [SHOPS, {"cost_center": "42"}], ids=["documented", "of_the_server"])
def test_a_client_that_the_server_does_not_let_us_manage_is_proven_and_its_change_is_a_persons(
    account: Provisioner, settings: Options
) -> None:
    account.oidc.settings(issue_registration_access_token=False)
    client_id = account.created()["client_id"]
    document = account.document()
    same = account.task().result
    assert (same["failed"], same["changed"], same["verified"]) == (False, False, True), same["msg"]
    result = account.task(settings=settings).result
    assert (result["failed"], result["changed"], result["verified"]) == (True, False, True), result["msg"]
    assert (result["actions"], result["management"]) == (["change"], "portal"), result["msg"]
    ((field, value),) = settings.items()
    steps = "\n".join(result["portal"]["steps"])
    assert client_id in steps
    assert field in steps
    assert ("42" if value == "42" else value[0]) in steps
    gone = account.task(state="absent", on_portal_action="report").result
    assert (gone["failed"], gone["changed"], gone["actions"]) == (False, False, ["delete"])
    assert account.sent() == {"POST": 1}
    assert account.document() == document
    assert account.works()


# The secret is renewed


def test_a_secret_is_renewed_by_an_update_where_the_server_does_that(account: Provisioner) -> None:
    account.oidc.settings(rotate_secret_on_update=True)
    before = account.created()
    run = account.task(*account.vault("--diff"), rotate_secret="always")
    result = run.result
    assert (result["failed"], result["change"], result["secret"], result["verified"]) == (
        False, "rotated", "rotated", True,
    ), run.output  # fmt: skip
    assert result["diff"] == {"before": {"secret": "unchanged"}, "after": {"secret": "rotated"}}
    after = account.record()
    assert after["client_id"] == before["client_id"]
    assert (account.works(before), account.works(after)) == (False, True)
    # A change alone renews nothing.
    assert account.task(settings=SHOPS).result["change"] == "updated"
    assert account.record()["client_secret"] == after["client_secret"]


def test_a_server_that_keeps_the_secret_is_told_and_a_new_account_takes_its_place(account: Provisioner) -> None:
    before = account.created(settings=SHOPS)
    kept = account.task(settings=SHOPS, rotate_secret="always").result
    assert (kept["failed"], kept["failure"]["kind"]) == (True, "not_rotated")
    assert "rotate_by: replace" in kept["msg"]
    assert account.works(before)
    assert account.pending() == []
    run = account.task(settings=SHOPS, rotate_secret="always", rotate_by="replace")
    assert (run.result["failed"], run.result["change"], run.result["secret"]) == (False, "rotated", "rotated"), (
        run.output
    )
    after = account.record()
    assert [after["client_id"]] == list(account.oidc.clients())
    assert after["client_id"] != before["client_id"]
    assert account.client()["contacts"] == SHOPS["contacts"]
    assert "replaced" not in after["registration"]
    assert (account.works(before), account.works(after)) == (False, True)
    assert account.task(settings=SHOPS).result["change"] == "none"


def test_a_secret_is_renewed_when_it_is_old_enough_and_not_before(account: Provisioner) -> None:
    account.oidc.settings(rotate_secret_on_update=True)
    before = account.created()
    assert account.task(rotate_after_days=30).result["change"] == "none"
    account.set_registration(secret_changed_at="2020-01-01T00:00:00Z")
    assert account.task(rotate_after_days=30).result["change"] == "rotated"
    assert account.record()["client_secret"] != before["client_secret"]
    assert account.task(rotate_after_days=30).result["change"] == "none"


# The account is deleted


def test_an_account_is_deleted_and_forgotten_with_its_token_and_a_second_run_changes_nothing(
    account: Provisioner,
) -> None:
    kept = account.created(name="other")
    account.created()
    variables = {"hosts": "all", "gather_facts": False, "vars_files": [str(account.path)]}
    fetched = account.ansible.playbook(
        [{**variables, "tasks": [{"apiops.access.oauth_token": {"account": "reporting"}}]}], *account.vault()
    )
    assert fetched.status == 0, fetched.output
    assert len(list(account.ansible.cache.glob("*.token"))) == 1
    deleted = account.task(state="absent")
    assert (deleted.result["failed"], deleted.result["change"]) == (False, "deleted"), deleted.output
    assert list(account.oidc.clients()) == [kept["client_id"]]
    assert account.records() == {"other": kept}
    assert account.pending() == []
    assert list(account.ansible.cache.glob("*.token")) == []
    stored, sent = account.path.read_bytes(), account.sent()
    again = account.task(state="absent").result
    assert (again["failed"], again["changed"], again["change"]) == (False, False, "none")
    assert (account.path.read_bytes(), account.sent()) == (stored, sent)


# Check mode


def test_check_mode_says_what_would_be_done_and_does_nothing(account: Provisioner) -> None:
    dry = account.vault("--check", "--diff")
    new = account.task(*dry, settings=SHOPS).result
    assert (new["failed"], new["change"], new["verified"]) == (False, "created", False), new["msg"]
    assert "Would register" in new["msg"]
    assert (new["diff"]["after"]["contacts"], new["diff"]["after"]["secret"]) == (SHOPS["contacts"], "created")
    assert account.oidc.requests() == {"GET /tenant/.well-known/openid-configuration": 1}
    assert not account.path.exists()

    account.created(settings=SHOPS)
    stored, sent = account.path.read_bytes(), account.sent()
    expectations: list[tuple[Options, str]] = [
        ({"settings": SHOPS}, "none"),
        ({"settings": {"contacts": ["new@example.com"]}}, "updated"),
        ({"settings": SHOPS, "rotate_secret": "always", "rotate_by": "replace"}, "rotated"),
        ({"state": "absent"}, "deleted"),
    ]
    for options, change in expectations:
        result = account.task(*dry, **options).result
        assert (result["failed"], result["changed"], result["change"]) == (False, change != "none", change)
    assert (account.sent() - sent).keys() == {"GET"}
    assert account.path.read_bytes() == stored
    assert account.works()


# The file is Ansible's own data


@pytest.mark.parametrize("characters", ["{{ 7*7 }}", "{% raw %}", "%+ :&'\"#"])
def test_records_are_the_accounts_of_any_play_and_their_secrets_are_no_templates(
    account: Provisioner, characters: str
) -> None:
    account.oidc.settings(secret_characters=characters)
    assert characters in account.created()["client_secret"]
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "vars_files": [str(account.path)],
            "tasks": [
                {"apiops.access.token_test": {"accounts": "{{ api_accounts }}"}, "register": "tested"},
                {"apiops.access.oauth_token": {"account": "reporting"}, "register": "obtained"},
                {
                    "ansible.builtin.assert": {
                        "that": [
                            "tested.outcome == 'valid'",
                            "lookup('apiops.access.oauth_token', 'reporting') == obtained.access_token",
                        ],
                        "quiet": True,
                    },
                    "no_log": True,
                },
                {"apiops.access.oauth_token": {"account": "reporting", "state": "absent"}, "run_once": True},
            ],
        }
    ]
    before = account.oidc.requests()["POST /tenant/token"]
    run = account.ansible.playbook(plays, *account.vault(), hosts=HOSTS[:3])
    assert run.status == 0, run.output
    assert account.oidc.requests()["POST /tenant/token"] == before + 1
    assert account.oidc.state()["live_tokens"] == 0


def test_a_records_file_among_the_group_vars_gives_every_play_its_accounts(account: Provisioner) -> None:
    project = account.ansible.folder / "project"
    file = project / "group_vars" / "all" / "accounts.yml"
    file.parent.mkdir(parents=True)
    playbook = project / "site.json"
    given = {option: f"{{{{ wanted['{option}'] }}}}" for option in account.options}
    tasks = [
        {"apiops.access.api_account": given, "run_once": True},
        {"apiops.access.token_test": {"accounts": "{{ api_accounts }}"}, "when": "api_accounts is defined"},
    ]
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    wanted = {"wanted": {**account.options, "records_file": str(file)}}
    for tested in (False, True):
        run = account.ansible.playbook(playbook, *account.vault(), hosts=HOSTS[:2], variables=wanted)
        assert run.status == 0, run.output
        assert ('"verdicts"' in run.output) is tested
    assert account.sent() == {"POST": 1, "GET": 1}


def test_an_account_can_be_named_alone_where_its_record_is_among_the_variables(account: Provisioner) -> None:
    account.created(settings=SHOPS)
    stored = account.path.read_bytes()
    task = {
        "apiops.access.api_account": {
            "account": "reporting",
            "records_file": str(account.path),
            "settings": "{{ settings | default(omit) }}",
        },
        "register": "done",
    }
    check: Options = {"ansible.builtin.assert": {"that": ["done.change == expected", "done.verified"]}}
    play = {"hosts": "all", "gather_facts": False, "vars_files": [str(account.path)], "tasks": [task, check]}
    run = account.ansible.playbook([play], *account.vault(), variables={"expected": "none"})
    assert run.status == 0, run.output
    assert account.path.read_bytes() == stored
    variables = {"expected": "updated", "settings": {"contacts": ["new@example.com"]}}
    run = account.ansible.playbook([play], *account.vault(), variables=variables)
    assert run.status == 0, run.output
    assert account.client()["contacts"] == ["new@example.com"]


def test_what_its_owner_has_in_the_file_beside_stays_as_it_is(account: Provisioner) -> None:
    account.write(
        "---\n"
        "region: east\n"
        "api_accounts:\n"
        "  - name: by hand\n"
        "    provider: oauth2\n"
        "    issuer: 'https://{{ region }}.example.com'\n"
        "    client_id: ours\n"
        "    client_secret: !unsafe '{{ literal }}'\n"
    )
    account.created()
    account.task(settings=SHOPS)
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(account.path)],
        "tasks": [
            {
                "ansible.builtin.assert": {
                    "that": [
                        "api_accounts | map(attribute='name') == ['by hand', 'reporting']",
                        "api_accounts[0].issuer == 'https://east.example.com'",
                        "api_accounts[0].client_secret[:2] == open",
                        "region == 'east'",
                    ]
                }
            }
        ],
    }
    run = account.ansible.playbook([play], *account.vault(), variables={"open": {"__ansible_unsafe": "{{"}})
    assert run.status == 0, run.output


def test_ansible_vault_shows_the_file_and_gives_it_another_password(account: Provisioner) -> None:
    record = account.created()
    shown = subprocess.run(
        ["ansible-vault", "view", *account.vault(), str(account.path)],
        env=account.ansible.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    assert yaml.load(shown, Loader=_Reader)["api_accounts"] == [record]
    new = account.new_password("new-password")
    rekeyed = account.ansible.command(
        "ansible-vault", "rekey", *account.vault("--new-vault-password-file", str(new)), str(account.path)
    )
    assert rekeyed.status == 0, rekeyed.output
    account.password_file = new
    assert account.task().result["change"] == "none"
    assert account.task(settings=SHOPS).result["change"] == "updated"
    assert account.record()["settings"] == SHOPS


def test_the_vault_id_that_encrypts_is_the_one_that_is_named(account: Provisioner) -> None:
    dev, prod = account.new_password("dev"), account.new_password("prod")
    both = ("--vault-id", f"dev@{dev}", "--vault-id", f"prod@{prod}")
    assert account.task(*both, vault_id="prod").result["change"] == "created"
    assert account.path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    account.password_file = prod
    assert account.record()["client_id"] == account.client()["client_id"]
    assert account.task(*both, vault_id="prod", settings=SHOPS).result["change"] == "updated"
    assert account.path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n")
    stored, sent = account.path.read_bytes(), account.sent()
    unknown = account.task(*both, vault_id="staging", settings={"contacts": []}).result
    assert (unknown["failed"], unknown["failure"]["kind"]) == (True, "vault")
    assert "'staging'" in unknown["msg"]
    assert "dev, prod" in unknown["msg"]
    assert (account.path.read_bytes(), account.sent()) == (stored, sent)


def test_a_file_is_read_again_where_vault_ids_must_match(account: Provisioner) -> None:
    prod = account.new_password("prod")
    env = {"ANSIBLE_VAULT_ID_MATCH": "true", "ANSIBLE_VAULT_IDENTITY_LIST": f"prod@{prod}"}
    for change in ("created", "none"):
        result = run_task(account.ansible, account.options, env=env).result
        assert result.get("change") == change, result["msg"]
