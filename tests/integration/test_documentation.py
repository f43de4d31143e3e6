# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation shows works: each example is run on the sandbox or checked, and every option is documented."""

from __future__ import annotations

import ast
import dataclasses
import functools
import json
import os
import re
import secrets
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.apiops.access.plugins.filter.validation_report import make
from ansible_collections.apiops.access.plugins.module_utils._errors import KINDS, VALID_REASONS
from ansible_collections.apiops.access.plugins.plugin_utils._validation_report import HOST_STATES
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ..sandbox.server import SandboxHandle
from .documents import GUIDES, PAGES, Shown, Vocabulary, blocks, loaded, module_of, plays_of, tasks_of
from .oidc_server import OidcServer, public_jwk
from .runner import REPOSITORY, AnsibleRunner

MODULES = ("oauth_token", "token_test", "api_account", "api_account_info", "api_request", "validation_report")


def documentation(ansible: AnsibleRunner, kind: str, name: str) -> dict[str, t.Any]:
    run = ansible.command("ansible-doc", "-t", kind, "--json", f"apiops.access.{name}")
    assert run.status == 0, run.output
    start = run.output.index("{")
    return dict(json.loads(run.output[start:])[f"apiops.access.{name}"])


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the examples run: the sandbox, the OAuth server, a key that it knows, and a vault password."""

    sandbox: SandboxHandle
    oidc: OidcServer
    ca: Path
    key: Path
    reporting: str
    vault: Path


@pytest.fixture
def place(oidc_ansible: AnsibleRunner, sandbox: SandboxHandle, oidc: OidcServer) -> Place:
    folder = oidc_ansible.inputs
    private = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    client = oidc.register(
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": [public_jwk(private.public_key())]}, scope="read"
    )
    (folder / "ca.pem").write_text(Path(sandbox.config["ca_path"]).read_text() + oidc.ca.read_text())
    (folder / "vault").write_text(secrets.token_urlsafe(24))
    return Place(sandbox, oidc, folder / "ca.pem", folder / "key.pem", client["client_id"], folder / "vault")


def here(place: Place, text: str) -> str:
    """An example's text with the servers of the tests in the place of the vendors, and this machine as the host."""
    sandbox = place.sandbox
    places = {
        "https://login.example.com/tenant": place.oidc.issuer,
        "base_url: https://api.example.com": f"base_url: https://localhost:{place.oidc.port}",
        "v1/me": "resource/me",
        "/etc/reporting/key.pem": str(place.key),
        "/etc/nightly/key.pem": str(place.key),
        "/var/backups/": f"{place.key.parent}/",
        "path: access_report": f"path: {place.key.parent}/access_report",
        "https://support.example.com": sandbox.account("beyondtrust")["base_url"],
        "https://jim2.example.com/Jim_Live": sandbox.account("jim2")["base_url"],
        "https://rimo3cloud.com": sandbox.account("rimo3")["base_url"],
        "192.0.2.10, 192.0.2.11": "127.0.0.1",
        "site: example-store": f"site: {sandbox.account('cimcloud')['site']}",
        "/srv/api_accounts/": f"{place.key.parent}/",
        "hosts: app_servers": "hosts: all",
    }
    for there, ours in places.items():
        text = text.replace(there, ours)
    return text


def surroundings(place: Place) -> tuple[dict[str, t.Any], dict[str, str]]:
    """The variables and the environment that the examples take for granted."""
    sandbox = place.sandbox
    support, erp, packaging = (sandbox.account(key) for key in ("beyondtrust_limited", "jim2", "rimo3"))
    manager, shop = sandbox.account("beyondtrust"), sandbox.account("cimcloud")
    sandbox.control("POST", "/accounts/beyondtrust_limited", {"ip_addresses": ["127.0.0.1"]})
    variables = {
        "rimo3_client_id": packaging["client_id"],
        "rimo3_client_secret": packaging["client_secret"],
        "support_client_id": support["client_id"],
        "support_client_secret": support["client_secret"],
        "manager_client_id": manager["client_id"],
        "manager_client_secret": manager["client_secret"],
        "reporting_client_id": place.reporting,
        "initial_access_token": place.oidc.initial_access_token(),
        "vault_initial_access_token": place.oidc.initial_access_token(),
        "vault_rimo3_id": packaging["client_id"],
        "vault_rimo3_secret": packaging["client_secret"],
        "vault_erp_id": erp["client_id"],
        "vault_erp_secret": erp["client_secret"],
        "vault_jim2_secret": erp["client_secret"],
        "vault_shop_user": shop["client_id"],
        "vault_shop_password": shop["client_secret"],
        "vault_shop_key": shop["auth_key"],
        "vault_support_id": support["client_id"],
        "vault_support_secret": support["client_secret"],
        "api_accounts": [
            {**support, "name": "support"},
            {**erp, "name": "erp"},
            {**manager, "name": "manager"},
            {**packaging, "name": "packaging"},
        ],
    }
    environment = {
        "CIMCLOUD_BASE_URL": shop["base_url"],
        "RIMO3_BASE_URL": packaging["base_url"],
        "RIMO3_CLIENT_ID": packaging["client_id"],
        "RIMO3_CLIENT_SECRET": packaging["client_secret"],
        "APIOPS_CA_PATH": str(place.ca),
        "SSL_CERT_FILE": str(place.ca),  # for ansible.builtin.uri
        "ANSIBLE_VAULT_PASSWORD_FILE": str(place.vault),
    }
    return variables, environment


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("module", name) for name in MODULES),
        ("lookup", "oauth_token"),
        ("lookup", "environment_accounts"),
        ("filter", "validation_report"),
        ("filter", "provisioning_report"),
    ],
)
def test_every_example_runs(ansible: AnsibleRunner, place: Place, kind: str, name: str) -> None:
    tasks = yaml.safe_load(here(place, documentation(ansible, kind, name)["examples"]))
    assert tasks
    variables, environment = surroundings(place)
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    run = ansible.playbook(plays, variables=variables, env=environment)
    assert run.status == 0, run.output
    assert "skipped=0" in run.output or name == "api_account"


def shown(page: str, language: str = "yaml") -> list[Shown]:
    """The blocks of a page that have no file of their own."""
    path = REPOSITORY / page if "/" in page or page.endswith(".md") else GUIDES / page
    return [block for block in blocks(path) if block.language == language and not block.caption]


def run_with(ansible: AnsibleRunner, place: Place, playbook: t.Any, variables: dict[str, t.Any]) -> None:
    """Run what a page shows, and have it succeed without skipping anything."""
    usual, environment = surroundings(place)
    del usual["api_accounts"]
    run = ansible.playbook(playbook, variables={**usual, **variables}, env=environment)
    assert run.status == 0, run.output
    assert "skipped=0" in run.output


def text_of(place: Place, block: Shown) -> t.Any:
    """What a block says, with the servers of the tests."""
    return yaml.safe_load(here(place, block.text))


def test_the_readmes_screenful_runs(ansible: AnsibleRunner, place: Place) -> None:
    playbook, accounts = shown("README.md")
    variables, environment = surroundings(place)
    run = ansible.playbook(text_of(place, playbook), variables=variables, env=environment)
    assert run.status == 0, run.output
    listed = text_of(place, accounts)["api_accounts"]
    # Its client ID stands in the README, since it is no secret.
    erp = {"client_id": place.sandbox.account("jim2")["client_id"]}
    variables["api_accounts"] = [{**item, **erp} if item["name"] == "erp" else item for item in listed]
    for name in ("provision", "validate"):
        run = ansible.playbook(f"apiops.access.{name}", variables=variables, env=environment)
        assert run.status == 0, run.output


@pytest.mark.parametrize("page", ["getting_started", "rimo3", "cimcloud", "jim2", "beyondtrust"])
def test_the_example_of_a_page_runs(ansible: AnsibleRunner, place: Place, page: str) -> None:
    accounts, playbook = shown(f"guide_{page}.rst")
    assert accounts.title == "accounts.yml"
    run_with(ansible, place, text_of(place, playbook), text_of(place, accounts))


def test_wanted_accounts_are_made_as_shown(ansible: AnsibleRunner, place: Place) -> None:
    wanted, *_others = shown("guide_provisioning.rst")
    variables, environment = surroundings(place)
    del variables["api_accounts"]
    variables.update(text_of(place, wanted))
    run = ansible.playbook("apiops.access.accounts", variables=variables, env=environment)
    assert run.status == 0, run.output
    assert {client.get("client_name") for client in place.oidc.clients().values()} >= {"reporting", "nightly export"}


def test_a_failure_is_looked_at_as_shown(ansible: AnsibleRunner, place: Place) -> None:
    (block,) = shown("guide_troubleshooting.rst")
    variables, environment = surroundings(place)
    variables["api_accounts"][0]["client_secret"] = secrets.token_urlsafe(24)
    run = ansible.playbook(plays_of(block), variables=variables, env=environment)
    assert "invalid_client: change something first" in run.output


# Every block of every page


@pytest.fixture(scope="module")
def everything() -> list[Shown]:
    return [block for page in PAGES for block in blocks(page)]


NOT_CHECKED = {
    ("docs/docsite/rst/guide_nightly_check.rst", "markdown"): "a part of a work list, as a run writes it",
    ("docs/docsite/rst/guide_nightly_check.rst", "text"): "a line of crontab",
    ("docs/docsite/rst/guide_sharing_tokens.rst", "text"): "a command of Redis, which the tests of the store run",
    ("roles/validate_tokens/README.md", "text"): "the end of a run",
}
"""What is shown and is no example of the collection's own: one block each, and what it is."""

APPLIED = ("docs/docsite/rst/guide_adding_a_provider.rst",)
"""Pages whose files and changes a test of its own applies."""


def kind_of(block: Shown) -> str:
    """How a block is tested."""
    if block.page in APPLIED and (block.caption or block.language == "diff"):
        return "applied"
    if block.page == "CONTRIBUTING.md" and block.title == "":
        return {"console": "command", "yaml": "fragment"}[block.language]
    if (block.page, block.language) in NOT_CHECKED:
        return "not checked"
    return {"yaml": "checked", "console": "command"}[block.language]


def test_every_block_of_code_is_tested_in_some_way(everything: list[Shown]) -> None:
    kinds = {str(block): kind_of(block) for block in everything}
    assert len(kinds) == len(everything) > 50
    assert list(kinds.values()).count("not checked") == len(NOT_CHECKED)


@pytest.fixture(scope="module")
def vocabulary(
    started_sandbox: SandboxHandle, everything: list[Shown], tmp_path_factory: pytest.TempPathFactory
) -> Vocabulary:
    checked = [block for block in everything if kind_of(block) == "checked"]
    used = {module_of(task) for block in checked for play in plays_of(block) for task in tasks_of(play)}
    # The commands' modules are among them.
    ansible = AnsibleRunner(tmp_path_factory.mktemp("words"), started_sandbox)
    run = ansible.command("ansible-doc", "-t", "module", "--json", *sorted(used), env=WITH_PEERS)
    assert run.status == 0, run.output
    titles = {block.title for block in everything} - {""}
    return Vocabulary(json.loads(run.output[run.output.index("{") :]), titles)


WITH_PEERS = {
    "ANSIBLE_COLLECTIONS_PATH": f"{REPOSITORY / '.build'}{os.pathsep}{REPOSITORY / '.build' / 'peer_collections'}"
}


def test_every_example_names_what_there_is(vocabulary: Vocabulary, everything: list[Shown]) -> None:
    ways = {"checked": vocabulary.wrong_in_yaml, "command": vocabulary.wrong_in_console}
    found = {str(block): ways[kind](block) for block in everything if (kind := kind_of(block)) in ways}
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("- apiops.access.token_test:\n    acount: erp\n", "no option acount"),
        ("- apiops.access.oauth_token:\n    state: gone\n", "state cannot be gone"),
        ("- apiops.access.oauth_token:\n    provider: rimo3\n    scope: [view]\n", "scope is not for rimo3"),
        ("- apiops.access.api_request:\n    account: erp\n", "option path is missing"),
        ("- apiops.access.api_account:\n    manager: {id: x}\n", "manager: no option id"),
        ("- apiops.access.token_tset:\n    account: erp\n", "no such module"),
        (
            "- apiops.access.token_test:\n    accounts: [{name: erp, provder: jim2}]\n",
            "no option provder of an account",
        ),
        ("- hosts: all\n  roles: [{role: apiops.access.validate}]\n", "no role apiops.access.validate"),
        ("- hosts: all\n  roles: [{role: apiops.access.validate_tokens, vars: {validate_token: 1}}]\n", "no variable"),
        ("- hosts: all\n  module_defaults: {group/apiops.access.all: {cach: redis}}\n", "no option cach"),
        (
            "api_accounts: [{name: support, provider: beyondtrust, settings: {perm_comand: deny}}]\n",
            "no setting perm_comand",
        ),
        ("api_acounts: []\n", "no variable api_acounts"),
        ("validate_tokens_fail_on: [unsure]\n", "validate_tokens_fail_on cannot be unsure"),
        ("cache: memory\n", "cache cannot be memory"),
    ],
)
def test_a_mistake_in_an_example_is_found(vocabulary: Vocabulary, text: str, wrong: str) -> None:
    found = vocabulary.wrong_in_yaml(Shown("page", 1, "yaml", text))
    assert len(found) == 1
    assert wrong in found[0]


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("ansible-playbook apiops.access.validat", "no playbook"),
        ("ansible-playbook apiops.access.validate -e @acounts.yml", "no page shows the file acounts.yml"),
        ("ansible-playbook apiops.access.rotate -e rotate_after=90", "has no variable rotate_after"),
        ("ansible-playbook apiops.access.validate --ask-vault-password-now", "--ask-vault-password-now"),
        ("ansible all -m apiops.access.token_test -a provder=rimo3", "no option provder"),
        ("ansible all -m apiops.access.token_test -a provider=rimo4", "provider cannot be rimo4"),
        ("make domo", "no target domo"),
        ("ansible-doc apiops.access.token", "no token"),
        ("ansibel all", "no command"),
    ],
)
def test_a_mistake_in_a_command_is_found(vocabulary: Vocabulary, command: str, wrong: str) -> None:
    found = vocabulary.wrong_in_console(Shown("page", 1, "console", f"$ {command}\n"))
    assert len(found) == 1
    assert wrong in found[0]


def test_every_example_has_ansibles_syntax(ansible: AnsibleRunner, everything: list[Shown]) -> None:
    plays = [play for block in everything if kind_of(block) == "checked" for play in plays_of(block)]
    assert len(plays) > 20
    # A file that a play would read need not be there for that.
    without_files = [{key: value for key, value in play.items() if key != "vars_files"} for play in plays]
    run = ansible.playbook(without_files, "--syntax-check", verbosity="", env=WITH_PEERS)
    assert run.status == 0, run.output


def test_the_fragment_of_a_changelog_is_one(everything: list[Shown]) -> None:
    (block,) = [block for block in everything if kind_of(block) == "fragment"]
    sections = {
        name for name, _title in yaml.safe_load((REPOSITORY / "changelogs" / "config.yaml").read_text())["sections"]
    }
    document = loaded(block)
    assert set(document) <= sections
    assert all(isinstance(line, str) for lines in document.values() for line in lines)


# What the pages say


def words_of(page: Path) -> dict[str, list[str]]:
    """The first words of a page's tables, in order, by the heading above them."""
    found: dict[str, list[str]] = {}
    heading = ""
    lines = page.read_text().splitlines()
    for line, below in zip(lines, [*lines[1:], ""]):
        if line and set(below) == {"-"}:
            heading = line
        word = re.fullmatch(r" {3}\* - ``(\w+)``", line)
        if word:
            found.setdefault(heading, []).append(word[1])
    return found


def test_every_kind_of_failure_is_explained_once() -> None:
    found = words_of(GUIDES / "guide_troubleshooting.rst")
    states = found.pop("What the report says of hosts")
    assert sorted(states) == sorted(HOST_STATES)
    assert sorted(word for words in found.values() for word in words) == sorted([*KINDS, *VALID_REASONS])


@pytest.mark.parametrize("page", sorted(path.name for path in GUIDES.glob("guide_*.rst")))
def test_the_kinds_that_a_page_names_are_kinds(page: str) -> None:
    rows = re.findall(r"^   \* - ((?:``\w+``(?:, )?)+)\n     - ", (GUIDES / page).read_text(), re.MULTILINE)
    tables = (GUIDES / page).read_text().count("* - ``failure.kind``")
    named = {word for row in rows for word in re.findall(r"``(\w+)``", row)}
    assert not tables or named <= {*KINDS, *VALID_REASONS}, sorted(named - {*KINDS, *VALID_REASONS})


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_the_tests_that_the_security_model_names_are_there() -> None:
    named = re.findall(r"``(test_\w+\.py)::(test_\w+)``", (GUIDES / "guide_security.rst").read_text())
    assert len(named) > 30
    files = {path.name: path for path in (REPOSITORY / "tests").rglob("test_*.py")}
    by_name: dict[str, set[str]] = {}
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        if path.name in {file for file, _name in named}:
            by_name.setdefault(path.name, set()).update(functions_of(path))
    assert files
    assert [f"{file}::{name}" for file, name in named if name not in by_name.get(file, set())] == []


def test_every_guide_is_in_the_site() -> None:
    sections = yaml.safe_load((GUIDES.parent / "extra-docs.yml").read_text())["sections"]
    listed = [page for section in sections for page in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in GUIDES.glob("*.rst"))
    readme = (REPOSITORY / "README.md").read_text()
    assert [page for page in listed if f"docs/docsite/rst/{page}.rst" not in readme] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: str(page.parent.name)
)
def test_links_lead_to_what_the_archive_has(page: Path) -> None:
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in target]
    ignored = [name.rstrip("/") for name in yaml.safe_load((REPOSITORY / "galaxy.yml").read_text())["build_ignore"]]
    for target in targets:
        path = (page.parent / target).resolve()
        assert path.exists(), target
        assert path.relative_to(REPOSITORY).parts[0] not in ignored, target


@functools.lru_cache
def content_of_readme() -> str:
    text = (REPOSITORY / "README.md").read_text()
    return text[text.index("## Included content") : text.index("## Documentation")]


@pytest.mark.parametrize(
    "path",
    [
        *(REPOSITORY / "plugins").glob("modules/*.py"),
        *(REPOSITORY / "plugins").glob("lookup/*.py"),
        *(REPOSITORY / "plugins").glob("filter/*.py"),
        *(REPOSITORY / "plugins").glob("callback/*.py"),
        *REPOSITORY.glob("roles/*"),
        *(path for path in REPOSITORY.glob("playbooks/*.yml") if path.stem != "demo"),
        *REPOSITORY.glob("playbooks/examples/*.yml"),
    ],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)  # fmt: skip
def test_the_readme_has_all_that_is_included(path: Path) -> None:
    assert re.search(rf"[`.\[]{path.stem}`", content_of_readme())


def calls(ansible: AnsibleRunner, sandbox: SandboxHandle, name: str) -> list[dict[str, t.Any]]:
    """Options with which a module returns all that it can; the last fail."""
    if name == "validation_report":
        report = make({}, history="")
        return [{"report": report, "path": str(ansible.inputs / "report")}, {"report": {}}]
    account = sandbox.account("beyondtrust_limited" if name != "api_request" else "beyondtrust")
    options = account if name == "api_account" else {key: value for key, value in account.items() if key != "name"}
    wrong = {**options, "client_secret": "not-the-secret-0123456789"}
    if name == "api_account_info":
        manager = sandbox.account("beyondtrust")
        del manager["name"]
        return [manager, options, wrong]
    if name == "api_request":
        file = ansible.inputs / "kept.nsb"
        file.write_text("another")
        more: list[dict[str, t.Any]] = [
            {"path": "api/config/v1/jump-group", "paginate": True, "return_content": True},
            {"path": "api/command?action=get_api_info"},
            {"path": "api/backup", "dest": str(file), "backup": True},
            {"path": "api/nothing"},
        ]
        return [*({**options, **each} for each in more), {**wrong, "path": "api/backup"}]
    return [options, wrong]


@pytest.mark.parametrize("name", MODULES)
def test_every_result_is_documented(ansible: AnsibleRunner, sandbox: SandboxHandle, name: str) -> None:
    documented = set(documentation(ansible, "module", name)["return"])
    wanted = set(documented)
    # What Ansible itself adds to results.
    documented |= {"changed", "failed", "invocation", "diff", "exception", "warnings", "_ansible_no_log"}
    documented |= {"msg"} if name == "validation_report" else set()
    returned: set[str] = set()
    for options in calls(ansible, sandbox, name):
        returned |= set(ansible.task(name, options).result)
    if name == "token_test":  # the only verdict's fields are at the top as well
        contained = documentation(ansible, "module", name)["return"]["verdicts"]["contains"]
        documented |= set(contained)
    assert returned - documented == set()
    if name in ("api_request", "api_account_info"):
        assert wanted - returned == set()
