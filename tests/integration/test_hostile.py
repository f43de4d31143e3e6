# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that means harm runs nothing, gets no credentials sent elsewhere, and writes to no terminal."""

from __future__ import annotations

import json
import secrets
import typing as t
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from ..environments import Version
from ..sandbox.server import SandboxHandle
from . import test_versions
from .oidc_server import OidcServer
from .runner import AnsibleRunner
from .test_bad_input import assert_clear, fault
from .test_main_job import without_name
from .test_versions import version

__all__ = ["version"]  # the fixture

Tasks = list[dict[str, t.Any]]

ESCAPES = (
    "\x1b[2J\x1b]8;;https://evil.example.com\x07here\x1b]8;;\x07 \x9b31m \u202edrowssap\u202c \u200b\u2066 "
    "\r\nSet-Cookie: a=b"
)
"""Clears the screen, makes a link, turns the text round, and ends a header."""

FOREIGN = "https://evil.example.com"


class Trap:
    """Templates that would leave a file behind, were they ever evaluated."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "trapped"
        self.text = f"{{{{ lookup('pipe', 'touch {self.file}') }}}}"
        # No white space, as in a token, a client_id or a URL.
        self.word = f"{{{{lookup('pipe','touch'+chr(32)+'{self.file}')}}}}".replace("chr(32)", "'%c'%32")
        self.block = "{% for each in lookup('pipe', 'touch " + str(self.file) + "') %}{% endfor %}"

    @property
    def words(self) -> str:
        return f"{self.text} {self.block} {{# none"

    def assert_not_sprung(self) -> None:
        assert not self.file.exists()


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def origin(sandbox: SandboxHandle) -> str:
    parts = urlsplit(sandbox.account("rimo3")["base_url"])
    return f"{parts.scheme}://{parts.netloc}"


def hits(sandbox: SandboxHandle, path: str) -> int:
    """How many requests the scripted answers of a path have had."""
    return sum(found["hits"] for found in sandbox.control("GET", "/faults")["faults"] if found["path"] == path)


def says(
    sandbox: SandboxHandle, path: str, document: t.Any, status: int = 200, times: int = 50, **headers: str
) -> None:
    """Have the server answer a path with a document."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = document if isinstance(document, str) else json.dumps(document)
    fault(sandbox, path, 50, status=status, body=body, headers=named)


def oauth2_account(sandbox: SandboxHandle, ansible: AnsibleRunner, **options: t.Any) -> dict[str, t.Any]:
    """An account of a server below /evil, which answers what a test scripts."""
    secret = secrets.token_urlsafe(18)
    ansible.more_secrets.append(secret)
    issuer = f"{origin(sandbox)}/evil"
    return {
        "provider": "oauth2", "issuer": issuer, "client_id": "client-1", "client_secret": secret, "retries": 0,
        "ca_path": sandbox.account("rimo3")["ca_path"], **options,
    }  # fmt: skip


def assert_shown_plainly(output: str) -> None:
    """Every sign of an output is one that people see, and no more."""
    odd = {sign for sign in output if not sign.isprintable() and sign not in "\n\t"}
    assert not odd, ascii(sorted(odd))


# What is shown


@pytest.mark.parametrize("request_from", ["controller", "target"])
@pytest.mark.parametrize("verbosity", ["", "-vvvv"])
def test_a_servers_words_are_words(
    ansible: AnsibleRunner, sandbox: SandboxHandle, trap: Trap, request_from: str, verbosity: str
) -> None:
    account = sandbox.account("rimo3")
    said = f"{ESCAPES} {trap.words} {account['client_secret']}"
    document = {"error": f"invalid_client{ESCAPES}", "error_description": said}
    says(sandbox, "/rimo3/api/v2/connect/token", document, 400)
    options = {**without_name(account), "request_from": request_from}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"apiops.access.oauth_token": options, "register": "registered", "ignore_errors": True},
            {"ansible.builtin.debug": {"msg": "again {{ registered.msg }}"}},
            {"ansible.builtin.debug": {"var": "registered.failure"}},
        ],
    }
    run = ansible.playbook([play], variables={}, verbosity=verbosity)
    assert "again Account " in run.output
    assert trap.text.replace("'", "") in run.output.replace("'", "").replace("\\", "")
    assert_shown_plainly(run.output)
    trap.assert_not_sprung()


def test_an_answer_that_failed_is_shown_plainly(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    """A failure is displayed with all that it has, so also the document is made fit for that."""
    account = without_name(sandbox.account("beyondtrust"))
    says(sandbox, "/beyondtrust/api/config/v1/x", {"message": ESCAPES, ESCAPES: [ESCAPES]}, 422)
    run = ansible.task("api_request", {**account, "path": "api/config/v1/x", "return_content": True})
    result = assert_clear(run, "status 422")
    assert result["json"]["message"].endswith("\nSet-Cookie: a=b")
    assert_shown_plainly(run.output)


def test_a_report_of_hostile_words_is_a_report(ansible: AnsibleRunner, sandbox: SandboxHandle, trap: Trap) -> None:
    markup = f"<script>alert(1)</script> | [x](javascript:alert(1)) & ]]> {ESCAPES} {trap.words}"
    says(sandbox, "/rimo3/api/v2/connect/token", {"error": "invalid_client", "error_description": markup}, 400)
    says(sandbox, "/jim2/Jim_Sandbox/token", {"error_description": markup}, 503)
    folder = ansible.folder / "report"
    accounts = [{**sandbox.account(key), "name": f"{key} {markup}", "retries": 0} for key in ("rimo3", "jim2")]
    play = {
        "hosts": "all",
        "gather_facts": False,
        "roles": [{"role": "apiops.access.validate_tokens"}],
        "vars": {"validate_tokens_fail_on": [], "validate_tokens_report_path": str(folder),
                 "validate_tokens_report_formats": ["html", "json", "junit"]},
    }  # fmt: skip
    unsafe = ansible.inputs / "accounts.yml"
    # As any inventory would have them that is no template.
    unsafe.write_text("api_accounts:\n" + "".join(
        "- {" + ", ".join(f"{key}: !unsafe {json.dumps(value)}" for key, value in account.items()) + "}\n"
        for account in accounts
    ))  # fmt: skip
    run = ansible.playbook([play], "-e", f"@{unsafe}", hosts=("host1", "<b>host2</b>"), verbosity="")
    assert run.status == 0, run.output
    assert_shown_plainly(run.output)
    trap.assert_not_sprung()
    written = {path.suffix: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {".html", ".json", ".xml"} <= set(written)
    for text in written.values():
        assert_shown_plainly(text)
    html = written[".html"]
    assert "<script>alert" not in html
    assert "<b>host2" not in html
    assert "alert(1)" in html
    assert "alert(1)" in "".join(ElementTree.fromstring(written[".xml"]).itertext()) + written[".xml"]
    assert "alert(1)" in json.dumps(json.loads(written[".json"]))


# Templates, and names that Ansible looks for


def result_of(ansible: AnsibleRunner) -> t.Any:
    """What the play below has kept."""
    (path,) = ansible.registered.iterdir()
    return json.loads(path.read_text())


def kept(ansible: AnsibleRunner, what: str) -> dict[str, t.Any]:
    """A task that keeps a variable for the test."""
    return {
        "ansible.builtin.copy": {"content": f"{{{{ {what} | to_json }}}}", "dest": f"{ansible.registered}/kept.json"},
        "delegate_to": "localhost",
        "no_log": True,
    }


def run_on(
    ansible: AnsibleRunner,
    version: Version,
    tasks: Tasks,
    *arguments: str,
    **variables: t.Any,
) -> str:
    path = ansible.inputs / "hostile.json"
    path.write_text(json.dumps([{"hosts": "host1", "gather_facts": False, "tasks": tasks}]))
    status, output = test_versions.run(
        ansible, version, "ansible-playbook", "-i", str(test_versions.inventory(ansible, version)), "-vvvv",
        "-e", ansible.variables(variables), *arguments, str(path),
    )  # fmt: skip
    assert "Traceback" not in output
    assert "Internal error" not in output
    assert status == 0, output[-3000:]
    return output


RESERVED = {
    "failed": True, "changed": True, "skipped": True, "unreachable": True, "rc": 1, "msg": "theirs", "exception": "x",
    "ansible_facts": {"pwned": True}, "_ansible_no_log": True, "_ansible_delegated_vars": {"ansible_host": "evil"},
    "warnings": ["theirs"], "deprecations": [{"msg": "theirs", "version": "1"}], "add_host": {"host_name": "evil"},
    "add_group": "evil", "invocation": {"module_args": {}}, "include": "/etc/passwd", "results": [1], "diff": {},
    "__ansible_unsafe": "{{ 1 }}", "__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n00",
    "__ansible_type": "TrustedAsTemplate",
}  # fmt: skip
"""What means something in a result, or in data that Ansible reads."""


def _without_internal(found: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in found.items() if not name.startswith("_ansible_")}


@pytest.mark.xdist_group("versions")
@pytest.mark.parametrize("request_from", ["controller", "target"])
def test_an_answer_is_data_whatever_its_names_are(
    ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    version: Version,
    trap: Trap,
    request_from: str,
) -> None:
    document = {
        **RESERVED,
        "text": trap.words,
        trap.word: trap.text,
        "each": [dict(RESERVED), {"__ansible_unsafe": "x"}],
    }
    says(sandbox, "/beyondtrust/api/config/v1/x", document)
    account = without_name(sandbox.account("beyondtrust"))
    tasks: Tasks = [
        {"apiops.access.api_request": {**account, "path": "api/config/v1/x", "request_from": request_from},
         "register": "registered"},
        {"ansible.builtin.debug": {"msg": "{{ registered.json.text }} {{ registered.json['each'] }}"}},
        {"ansible.builtin.assert": {"that": [
            "registered is not failed", "registered is not changed", "registered is not skipped",
            "pwned is not defined", "ansible_facts.pwned is not defined", "groups['all'] | length == 2",
            "registered.msg is not defined",
        ]}},
        kept(ansible, "registered.json"),
    ]  # fmt: skip
    output = run_on(ansible, version, tasks)
    if version.core < (2, 19):  # where Ansible drops these names of its own from whatever is registered
        document = json.loads(json.dumps(document), object_hook=_without_internal)
    assert result_of(ansible) == document
    assert "]: theirs" not in output  # as a warning of Ansible
    trap.assert_not_sprung()


@pytest.mark.xdist_group("versions")
def test_a_token_that_is_a_template_stays_a_token(
    ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    version: Version,
    trap: Trap,
) -> None:
    says(sandbox, "/rimo3/api/v2/connect/token", {"access_token": trap.word, "expires_in": 3600, "scope": trap.word})
    account = without_name(sandbox.account("rimo3"))
    ansible.more_secrets.append(trap.word)
    tasks: Tasks = [
        {"apiops.access.oauth_token": account, "register": "registered"},
        {
            "ansible.builtin.set_fact": {"looked": "{{ lookup('apiops.access.oauth_token', **account) }}"},
            "no_log": True,
        },
        {"ansible.builtin.set_fact": {"again": "{{ registered.access_token }}"}, "no_log": True},
        kept(ansible, "[registered.access_token, looked, again, registered.scope]"),
    ]
    run_on(ansible, version, tasks, account=account)
    assert result_of(ansible) == [trap.word, trap.word, trap.word, [trap.word]]
    trap.assert_not_sprung()


@pytest.mark.xdist_group("versions")
def test_what_a_registration_hands_out_is_no_template_when_it_is_read_again(
    ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    version: Version,
    trap: Trap,
    tmp_path: Path,
) -> None:
    account = oauth2_account(sandbox, ansible)
    base = account["issuer"]
    uri, handle = f"{base}/reg/{trap.word}", f"handle-{trap.word}"
    # Other signs for templates, as Ansible's own module template lets a file choose them.
    signs = "variable_start_string:'[[', variable_end_string:']]'"
    override = f"#jinja2: {signs}\n[[ lookup('pipe', 'touch {trap.file}') ]]"
    handed = {
        "client_id": trap.word, "client_secret": override, "client_secret_expires_at": 0, "policy_uri": trap.words,
        "registration_client_uri": uri, "registration_access_token": handle,
    }  # fmt: skip
    published = {"issuer": base, "token_endpoint": f"{base}/token", "registration_endpoint": f"{base}/register"}
    says(sandbox, "/evil/.well-known/openid-configuration", published)
    says(sandbox, "/evil/register", handed, 201)
    says(sandbox, "/evil/token", {"access_token": "tok-1", "expires_in": 3600})
    ansible.more_secrets += [handle, override]
    vault = ansible.inputs / "vault"
    vault.write_text(secrets.token_urlsafe(18))
    records = tmp_path / "inputs" / "records.yml"
    options = {key: value for key, value in account.items() if key not in ("client_id", "client_secret")}
    tasks: Tasks = [
        {
            "apiops.access.api_account": {**options, "name": "evil", "records_file": str(records)},
            "register": "registered",
        },
        {"ansible.builtin.include_vars": {"file": str(records)}, "no_log": True},
        {"apiops.access.oauth_token": {"account": "evil", "cache": "none"}},
        {"ansible.builtin.debug": {"msg": "{{ registered.msg }} {{ registered.account.client_id }}"}, "no_log": True},
        kept(ansible, "api_accounts[0]"),
    ]
    output = run_on(ansible, version, tasks, "--vault-password-file", str(vault))
    again = result_of(ansible)
    assert (again["client_id"], again["client_secret"]) == (trap.word, override)
    assert (again["registration"]["access_token"], again["registration"].get("client_uri")) == (handle, uri)
    assert override not in output
    trap.assert_not_sprung()


@pytest.mark.xdist_group("versions")
def test_a_list_of_thousands_of_hostile_accounts_is_a_list(
    ansible: AnsibleRunner,
    sandbox: SandboxHandle,
    version: Version,
    trap: Trap,
) -> None:
    listed = [{"name": trap.text, "client_id": trap.word, "comments": ESCAPES, **RESERVED} for _account in range(2000)]
    says(sandbox, "/beyondtrust/api/config/v1/api-account", listed)
    account = without_name(sandbox.account("beyondtrust"))
    tasks: Tasks = [
        {"apiops.access.api_account_info": account, "register": "registered", "no_log": True},
        {"ansible.builtin.debug": {"msg": "{{ item.name }} {{ item.fields.comments }}"},
         "loop": "{{ registered.accounts[:2] }}", "loop_control": {"label": "{{ item.client_id }}"}, "no_log": True},
        kept(ansible, "[registered.accounts | length, registered.accounts[0].name, registered.changed]"),
    ]  # fmt: skip
    run_on(ansible, version, tasks)
    assert result_of(ansible) == [2000, trap.text, False]
    trap.assert_not_sprung()


# Where credentials go

ELSEWHERE = [
    f"{FOREIGN}/token",
    "http://localhost/token",
    "https://user:pw@localhost/token",
    f"{FOREIGN}\\@localhost/token",
    "//evil.example.com/token",
    "https://localhost.evil.example.com/token",
    "https://localhost/token\r\nHost: evil.example.com",
]


@pytest.mark.parametrize("alias", [False, True], ids=["endpoint", "mtls_alias"])
def test_a_document_that_names_another_place_gets_no_credentials(
    ansible: AnsibleRunner, sandbox: SandboxHandle, oidc: OidcServer, alias: bool
) -> None:
    account = oauth2_account(sandbox, ansible)
    if alias:  # which hold for who has a certificate
        certificate, key = oidc.client_certificate("client-1")
        account.update(client_cert=str(certificate), client_key=str(key))
    for number, url in enumerate(ELSEWHERE):
        base = f"{account['issuer']}/{number}"
        document: dict[str, t.Any] = {"issuer": base, "token_endpoint": url}
        if alias:
            document.update(token_endpoint=f"{base}/token", mtls_endpoint_aliases={"token_endpoint": url})
        says(sandbox, f"/evil/{number}/.well-known/", document)
    says(sandbox, "/", {"access_token": "tok-1"})
    loop = {"loop": [f"{account['issuer']}/{number}" for number in range(len(ELSEWHERE))]}
    run = ansible.task("oauth_token", {**account, "issuer": "{{ item }}"}, keywords=loop)
    assert len(run.result["results"]) == len(ELSEWHERE), run.output
    for url, result in zip(ELSEWHERE, run.result["results"]):
        assert result["failed"], url
        assert result["failure"]["kind"] == "configuration", url
        assert "token_endpoint" in result["msg"], url
    assert hits(sandbox, "/") == 0
    assert_shown_plainly(run.output)


def test_a_document_of_another_issuer_is_not_used(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = oauth2_account(sandbox, ansible)
    other = f"{FOREIGN}/{ESCAPES}"
    says(sandbox, "/evil/.well-known/", {"issuer": other, "token_endpoint": f"{account['issuer']}/token"})
    run = ansible.task("oauth_token", account)
    assert assert_clear(run, "evil.example.com", "are not used")["failure"]["kind"] == "configuration"
    assert_shown_plainly(run.output)


HANDLES = [
    f"{FOREIGN}/reg/1", "http://localhost/reg/1", "https://a:b@localhost/reg/1", "https://localhost/" + "x" * 3000,
]  # fmt: skip


def test_a_handle_for_another_place_is_not_kept(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = oauth2_account(sandbox, ansible)
    token = secrets.token_urlsafe(18)
    ansible.more_secrets.append(token)
    for number, uri in enumerate(HANDLES):
        base, path = f"{account['issuer']}/{number}", f"/evil/{number}"
        published = {"issuer": base, "token_endpoint": f"{base}/token", "registration_endpoint": f"{base}/register"}
        says(sandbox, f"{path}/.well-known/openid-configuration", published)
        handed = {"client_id": f"c-{number}", "client_secret": token[::-1]}
        handed.update(registration_client_uri=uri, registration_access_token=token)
        says(sandbox, f"{path}/register", handed, 201)
        says(sandbox, f"{path}/token", {"access_token": "tok-1", "expires_in": 3600})
    vault = ansible.inputs / "vault"
    vault.write_text(secrets.token_urlsafe(18))
    options = {key: value for key, value in account.items() if key not in ("client_id", "client_secret")}
    options.update(issuer="{{ item }}", name="{{ item | basename }}", records_file=str(ansible.inputs / "records.yml"))
    numbers = range(len(HANDLES))
    loop = {"loop": [f"{account['issuer']}/{number}" for number in (*numbers, *numbers)]}  # the second uses the handle
    run = ansible.task("api_account", options, "--vault-password-file", str(vault), keywords=loop)
    changes = [result.get("change", result["msg"]) for result in run.result["results"]]
    assert changes == ["created"] * len(HANDLES) + ["none"] * len(HANDLES), run.output
    assert [hits(sandbox, f"/evil/{number}/register") for number in numbers] == [1] * len(HANDLES)


LINKS = [
    f"{FOREIGN}/x", "//evil.example.com/x", "https://a:b@localhost/x", f"{FOREIGN}\\@localhost/x",
    "\\\\evil.example.com/x", "../../../../../../rimo3/x", "/beyondtrust/api/%2e%2e/%2e%2e/rimo3/x",
    "/beyondtrust/../rimo3/x", "/rimo3/x", "file:///etc/passwd", "/beyondtrust/\x1b[2J",
]  # fmt: skip


def test_a_link_takes_the_token_nowhere(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    for number, target in enumerate(LINKS):
        says(sandbox, f"/beyondtrust/api/config/v1/x/{number}/", [1], Link=f'<{target}>; rel="next"')
    says(sandbox, "/rimo3/", [2])
    options = {**without_name(sandbox.account("beyondtrust")), "path": "api/config/v1/x/{{ item }}/", "paginate": True}
    run = ansible.task("api_request", options, keywords={"loop": list(range(len(LINKS)))})
    assert len(run.result["results"]) == len(LINKS), run.output
    for target, result in zip(LINKS, run.result["results"]):
        assert result["failed"], target
        assert result["failure"]["kind"] == "redirect", target
        assert "next page" in result["msg"], target
    assert hits(sandbox, "/rimo3/") == 0
    assert_shown_plainly(run.output)


def test_a_server_does_not_choose_where_a_file_goes(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    folder = ansible.folder / "downloads"
    folder.mkdir()
    says(sandbox, "/beyondtrust/api/reporting", "content", Content_Disposition='attachment; filename="../../evil"',
         Content_Type="application/octet-stream", Content_Location="/evil", Location="/evil")  # fmt: skip
    account = without_name(sandbox.account("beyondtrust"))
    run = ansible.task("api_request", {**account, "path": "api/reporting", "dest": str(folder / "mine")})
    assert run.result["dest"] == str(folder / "mine"), run.output
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert not list(ansible.folder.rglob("*evil*"))


# Answers without measure

UNUSABLE_TOKENS = [
    {"access_token": "tok\r\nX-Injected: 1"},
    {"access_token": "tok\u0000"},
    {"access_token": "tok\u2028en"},
    {"access_token": "x" * (3 << 20)},
    {"access_token": "tok-1", "scope": "s" * (3 << 20)},
    {"access_token": "tok-1", "expires_in": "soon"},
    '{"access_token": "tok-1", "expires_in": NaN}',
    '{"access_token": "tok-1", "expires_in": 1' + "0" * 5000 + "}",
    '{"access_token": "tok-\\ud800"}',
    "[" * 100_000,
    '{"access_token": "tok-1", "x": ' + "[" * 200 + "]" * 200 + "}",
]


def test_a_token_that_cannot_be_one_goes_into_no_header(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = oauth2_account(sandbox, ansible, cache="none", test_path="use")
    for number, document in enumerate(UNUSABLE_TOKENS):
        says(sandbox, f"/evil/{number}/token", document)
    says(sandbox, "/evil/use", {})
    options = {**account, "token_endpoint": f"{account.pop('issuer')}/{{{{ item }}}}/token"}
    options.update(base_url=f"{origin(sandbox)}/evil")
    del options["issuer"]
    run = ansible.task("token_test", options, keywords={"loop": list(range(len(UNUSABLE_TOKENS)))})
    assert len(run.result["results"]) == len(UNUSABLE_TOKENS), run.output[-3000:]
    for document, result in zip(UNUSABLE_TOKENS, run.result["results"]):
        assert result["failed"], str(document)[:60]
        assert result["failure"]["kind"] == "malformed_answer", str(document)[:60]
        assert len(result["msg"]) < 1000
    assert hits(sandbox, "/evil/use") == 0
    assert_shown_plainly(run.output)


def test_words_without_measure_are_cut_off(ansible: AnsibleRunner, sandbox: SandboxHandle) -> None:
    account = sandbox.account("jim2")
    long = f"{account['client_secret']} " * (3 << 13)
    says(sandbox, "/jim2/Jim_Sandbox/token", {"error": long, "error_description": long, "errors": [long]}, 401)
    run = ansible.task("oauth_token", without_name(account))
    result = assert_clear(run, "********")
    assert len(result["msg"]) < 2000


@pytest.mark.parametrize("prefix", ["\ufeff", '{"access_token": "first"}'[:-1] + ', "x": 1, '])
def test_a_mark_or_a_name_that_comes_twice_does_no_harm(
    ansible: AnsibleRunner, sandbox: SandboxHandle, prefix: str
) -> None:
    body = '"access_token": "tok-second", "expires_in": 3600}'
    says(sandbox, "/rimo3/api/v2/connect/token", prefix + ("{" if prefix == "\ufeff" else "") + body)
    run = ansible.task("oauth_token", without_name(sandbox.account("rimo3")))
    assert run.result["access_token"] == "tok-second", run.output
