# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of a real server are handed to a store of the user's, each once, and none is lost where that fails."""

from __future__ import annotations

import json
import stat
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ..environments import Version
from ..sandbox.server import SandboxHandle
from . import test_versions
from .awx import credential_inputs, definition
from .awx_api import COLLECTION
from .oidc_server import OidcServer
from .runner import REPOSITORY, AnsibleRunner, Run
from .test_account_registration import Options, _Reader
from .test_accounts_playbook import Operator, changes, row
from .test_oidc_server import request_token
from .test_versions import version

__all__ = ["version"]  # the fixture

Tasks = list[dict[str, t.Any]]

NAMES = ["reporting", "signing", "nightly"]
KEPT = {
    "content": "{{ provision_accounts_record | combine({'change': provision_accounts_change}) | to_json }}",
    "dest": "{{ shelf }}/{{ provision_accounts_record.name }}.json",
    "mode": "0600",
}
TASKS: Tasks = [
    {
        "name": "Break",
        "ansible.builtin.fail": {"msg": "The shelf is not there."},
        "when": "provision_accounts_record.name in broken",
    },
    {"name": "Put it on the shelf", "ansible.builtin.copy": KEPT},
    {
        "name": "Count",
        "ansible.builtin.shell": "echo {{ provision_accounts_record.name }} >> {{ shelf }}/runs",
        "check_mode": False,
    },
]


class Owner(Operator):
    """Somebody with a list of wanted accounts, and a store: a folder with a file for each account."""

    def __init__(self, ansible: AnsibleRunner, oidc: OidcServer) -> None:
        super().__init__(ansible, oidc)
        self.shelf = ansible.inputs / "shelf"
        self.shelf.mkdir()
        self.tasks = ansible.folder / "store.yml"
        self.write(TASKS)

    def write(self, tasks: Tasks, name: str = "store.yml") -> None:
        """Make a task file."""
        (self.tasks.parent / name).write_text(yaml.safe_dump(tasks, sort_keys=False))

    def provision(self, *arguments: str, **variables: t.Any) -> Run:
        """Run the role's playbook."""
        given = {
            "api_accounts": self.wanted,
            "provision_accounts_records_file": str(self.records),
            "provision_accounts_initial_access_token": self.oidc.initial_access_token(),
            "provision_accounts_store": str(self.tasks),
            "shelf": str(self.shelf),
            "broken": [],
            **variables,
        }
        return self.ansible.playbook(
            "apiops.access.provision", *arguments, variables=given, hosts=("host1", "host2", "host3"),
            env={"ANSIBLE_VAULT_PASSWORD_FILE": str(self.vault)},
        )  # fmt: skip

    def provisioned(self, *arguments: str, **variables: t.Any) -> Run:
        """The same, which must succeed."""
        run = self.provision(*arguments, **variables)
        assert run.status == 0, run.output
        return run

    def on_the_shelf(self) -> dict[str, dict[str, t.Any]]:
        """What the store was given last of each account, by name."""
        return {path.stem: json.loads(path.read_text()) for path in sorted(self.shelf.glob("*.json"))}

    def handed(self) -> list[str]:
        """The accounts that were handed over, one for each time, in this order; then forgets it."""
        file = self.shelf / "runs"
        names = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return names

    @property
    def note(self) -> Path:
        """What the role keeps of that."""
        return self.records.with_name("api_accounts.yml.stored")

    def kept(self) -> dict[str, dict[str, t.Any]]:
        """The records, by name, where a secret can look like a template."""
        sealed = VaultLib([("default", VaultSecret(self.vault.read_bytes()))]).decrypt(self.records.read_bytes())
        return {item["name"]: item for item in yaml.load(sealed, Loader=_Reader)["api_accounts"]}

    def works(self, record: t.Mapping[str, t.Any]) -> bool:
        return request_token(self.oidc, dict(record)).status_code == 200


@pytest.fixture
def owner(oidc_ansible: AnsibleRunner, oidc: OidcServer) -> Owner:
    return Owner(oidc_ansible, oidc)


@pytest.fixture
def one(owner: Owner) -> Owner:
    """With one account, whose secret a new account renews."""
    del owner.wanted[1:]
    return owner


def given(record: dict[str, t.Any], change: str) -> dict[str, t.Any]:
    """What the store gets of a record."""
    return {**{key: value for key, value in record.items() if key != "registration"}, "change": change}


def test_every_account_is_handed_over_once_without_what_manages_it(owner: Owner) -> None:
    owner.provisioned()
    kept = owner.kept()
    assert owner.handed() == NAMES
    assert owner.on_the_shelf() == {name: given(kept[name], "created") for name in NAMES}
    assert {"client_secret", "scope", "ca_path"} <= set(owner.on_the_shelf()["reporting"])
    assert "private_key_path" in owner.on_the_shelf()["signing"]
    # Names, client IDs and moments: the search for leaks has read it as well.
    assert yaml.safe_load(owner.note.read_text()) == [
        {
            "name": name,
            "client_id": kept[name]["client_id"],
            "secret_changed_at": kept[name]["registration"].get("secret_changed_at", ""),
        }
        for name in NAMES
    ]
    assert stat.S_IMODE(owner.note.stat().st_mode) == 0o600

    files = {path: path.read_bytes() for path in (owner.note, owner.records)}
    again = owner.provisioned()
    assert set(changes(again)) == {0}
    assert owner.handed() == []
    assert {path: path.read_bytes() for path in files} == files


def test_the_first_host_of_many_has_the_controller_hand_over_once(one: Owner) -> None:
    tasks: Tasks = [{"ansible.builtin.command": "hostname", "register": "there"}, *TASKS]
    one.write(tasks)
    # A host that cannot even be reached is no reason not to.
    inventory = one.ansible.inputs / "gone.json"
    hosts = {name: {"ansible_connection": "gone"} for name in ("gone1", "gone2")}
    inventory.write_text(json.dumps({"all": {"children": {"gone": {"hosts": hosts}}}}))
    for rotate in ([], ["reporting"]):
        one.provisioned("-i", str(inventory), target="gone", provision_accounts_rotate=rotate)
        assert one.handed() == ["reporting"]
        assert one.on_the_shelf()["reporting"]["client_id"] == one.kept()["reporting"]["client_id"]
    assert list(one.oidc.clients()) == [one.kept()["reporting"]["client_id"]]


@pytest.mark.parametrize("characters", ["{{ 7*7 }}", "%+ :&'\"#"])
def test_a_secret_is_handed_over_as_it_is(one: Owner, characters: str) -> None:
    one.oidc.settings(secret_characters=characters)
    one.provisioned()
    secret = one.on_the_shelf()["reporting"]["client_secret"]
    assert characters in secret
    assert one.works(one.on_the_shelf()["reporting"])


def test_check_mode_hands_nothing_over(one: Owner) -> None:
    one.provisioned("--check", "--diff")
    assert (one.handed(), one.note.exists(), one.oidc.clients()) == ([], False, {})
    one.provisioned()
    one.handed()
    note = one.note.read_bytes()
    run = one.provisioned("--check", "--diff", provision_accounts_rotate=["reporting"])
    assert "as wanted (rotated)" in run.output
    assert (one.handed(), one.note.read_bytes(), len(one.oidc.clients())) == ([], note, 1)


def test_a_new_secret_is_handed_over_before_the_old_account_is_retired(one: Owner) -> None:
    one.provisioned()
    old = one.kept()["reporting"]
    one.handed()
    run = one.provision(provision_accounts_rotate="reporting", broken=["reporting"])
    assert run.status == 2
    assert "failed (rotated)" in row(run, "reporting")
    assert 'the task \\"Break\\" failed, whose result is hidden' in run.output
    assert "until then the account whose place it has taken is kept" in run.output
    new = one.kept()["reporting"]
    assert new["registration"]["replaced"] == old
    assert one.on_the_shelf()["reporting"]["client_id"] == old["client_id"]
    assert (one.works(old), one.works(new)) == (True, True)

    # Named again: it is handed over, and no third account is made.
    run = one.provisioned(provision_accounts_rotate="reporting")
    assert "as wanted (updated)" in row(run, "reporting")
    assert f"Client {old['client_id']}, whose place it has taken, was deleted." in run.output
    assert one.on_the_shelf()["reporting"] == given(one.kept()["reporting"], "rotated")
    assert list(one.oidc.clients()) == [new["client_id"]]
    assert one.handed() == ["reporting"]
    assert "replaced" not in one.kept()["reporting"]["registration"]

    run = one.provisioned(provision_accounts_rotate="reporting")
    assert "as wanted (rotated)" in row(run, "reporting")
    newest = one.kept()["reporting"]
    assert one.on_the_shelf()["reporting"] == given(newest, "rotated")
    assert list(one.oidc.clients()) == [newest["client_id"]]


def test_an_old_account_that_cannot_be_deleted_is_told_after_its_successor_was_handed_over(one: Owner) -> None:
    one.provisioned()
    one.oidc.fault("answer", "DELETE", "/tenant/reg", status=503)
    run = one.provision(provision_accounts_rotate="reporting")
    assert run.status == 2
    assert "failed (rotated)" in row(run, "reporting")
    assert "status 503" in run.output
    assert one.on_the_shelf()["reporting"]["client_id"] == one.kept()["reporting"]["client_id"]
    one.handed()
    one.provisioned()
    assert (one.handed(), list(one.oidc.clients())) == ([], [one.kept()["reporting"]["client_id"]])


def test_an_old_account_is_kept_beyond_that_where_it_is_wanted_so(one: Owner) -> None:
    one.provisioned()
    old = one.kept()["reporting"]
    one.provisioned(provision_accounts_rotate="reporting", provision_accounts_retire="later")
    assert one.on_the_shelf()["reporting"]["client_id"] != old["client_id"]
    one.wanted[0]["retire"] = "later"
    one.provisioned()
    assert one.works(old)
    one.provisioned(provision_accounts_retire="now")
    assert not one.works(old)


def test_a_secret_that_is_renewed_in_place_is_handed_over(one: Owner) -> None:
    one.oidc.settings(rotate_secret_on_update=True)
    one.wanted[0]["rotate_by"] = "update"
    one.provisioned()
    for broken in (["reporting"], []):
        run = one.provision(provision_accounts_rotate="reporting" if broken else [], broken=broken)
        assert run.status == (2 if broken else 0), run.output
        assert (one.on_the_shelf()["reporting"] == given(one.kept()["reporting"], "rotated")) is (not broken)
    assert one.handed() == ["reporting", "reporting"]


def test_one_that_fails_stops_no_other_and_the_next_run_hands_it_over(owner: Owner) -> None:
    run = owner.provision(broken=["signing"])
    assert run.status == 2
    assert "failed (created)" in row(run, "signing")
    assert "as wanted (created)" in row(run, "nightly")
    assert "Not as wanted: signing." in run.output
    assert owner.handed() == ["reporting", "nightly"]
    assert set(owner.kept()) == set(NAMES)
    assert [item["name"] for item in yaml.safe_load(owner.note.read_text())] == ["reporting", "nightly"]
    owner.provisioned(provision_accounts_names="reporting")
    assert owner.handed() == []
    owner.provisioned()
    assert owner.handed() == ["signing"]
    assert owner.on_the_shelf()["signing"]["change"] == "created"


def test_an_account_that_cannot_be_proven_is_not_handed_over(one: Owner) -> None:
    one.oidc.fault("answer", "POST", "/tenant/token", status=503, times=5)
    assert one.provision().status == 2
    assert (one.handed(), len(one.kept())) == ([], 1)


def test_a_deleted_account_is_told_to_the_store_until_that_succeeds(one: Owner) -> None:
    one.provisioned()
    client_id = one.kept()["reporting"]["client_id"]
    one.handed()
    one.wanted[0]["state"] = "absent"
    run = one.provision(broken=["reporting"])
    assert run.status == 2
    assert "failed (deleted)" in row(run, "reporting")
    assert (one.oidc.clients(), one.kept()) == ({}, {})
    one.provisioned()
    gone = {"name": "reporting", "provider": "oauth2", "client_id": client_id, "change": "deleted"}
    assert (one.on_the_shelf()["reporting"], one.handed()) == (gone, ["reporting"])
    again = one.provisioned()
    assert (one.handed(), set(changes(again))) == ([], {0})


def test_all_are_handed_over_again_where_the_note_is_removed(one: Owner) -> None:
    one.provisioned()
    one.note.unlink()
    (one.shelf / "reporting.json").unlink()
    one.provisioned()
    assert one.on_the_shelf()["reporting"]["change"] == "created"


def test_accounts_that_were_recorded_before_there_was_a_store_are_handed_over(one: Owner) -> None:
    one.provisioned(provision_accounts_store="records_file")
    assert (one.handed(), one.note.exists()) == ([], False)
    one.provisioned()
    assert one.handed() == ["reporting"]


def test_the_playbook_of_wanted_accounts_has_a_store_too(one: Owner) -> None:
    run = one.run("-e", f"store={one.tasks}", "-e", f"shelf={one.shelf}", "-e", '{"broken": []}')
    assert run.status == 0, run.output
    assert one.handed() == ["reporting"]


# Nothing of it is seen


def test_what_the_tasks_do_is_hidden_also_where_they_fail_or_include_others(one: Owner) -> None:
    secret, go_on = "{{ provision_accounts_record.client_secret }}", {"ignore_errors": True}
    failing = {"ansible.builtin.copy": {"content": secret, "dest": "/nowhere/at/all/file", "mode": "0600"}}
    one.write([{"ansible.builtin.debug": {"msg": secret}}, failing], "more.yml")
    one.write(
        [
            {"name": "Loop", "ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": [secret, "x"], "register": "seen"},
            {"name": "Fact", "ansible.builtin.set_fact": {"found": secret}},
            {"name": "Command", "ansible.builtin.command": {"cmd": "cat", "stdin": secret}},
            {"name": "Wrong", "ansible.builtin.copy": {"content": secret, "destination": secret}, **go_on},
            {"name": "Undefined", "ansible.builtin.debug": {"msg": f"{secret} {{{{ nothing }}}}"}, **go_on},
            {"name": "Block", "block": [{"ansible.builtin.include_tasks": "more.yml"}]},
        ]
    )  # fmt: skip
    for arguments in ((), ("--diff",)):
        run = one.provision(*arguments, ansible_connection="loud")
        assert run.status == 2, run.output
        assert run.output.count("the output has been hidden") >= 8
        assert 'the task \\"ansible.builtin.copy\\" failed' in run.output


# What cannot be done


@pytest.mark.parametrize(
    ("variables", "tasks", "note", "part"),
    [
        ({"provision_accounts_store": "/nowhere/store.yml"}, "[]", "", "/nowhere/store.yml is none."),
        ({}, "the store", "", "must be records_file, or the path of a file of tasks"),
        ({}, "- name: [", "", "store.yml"),
        ({"provision_accounts_records_file": ""}, "[]", "", "is nothing without provision_accounts_records_file"),
        ({}, "[]", "just text", "api_accounts.yml.stored is no list of accounts. Remove it"),
    ],
    ids=["missing", "no tasks", "no YAML", "no records", "damaged"],
)
def test_what_cannot_be_done_is_told_before_anything_is_sent(
    one: Owner, variables: Options, tasks: str, note: str, part: str
) -> None:
    one.tasks.write_text(tasks)
    one.note.write_text(note)
    run = one.provision(**variables)
    assert run.status == 2
    assert part in run.output
    assert one.oidc.requests() == {}


def test_tasks_that_ansible_cannot_load_lose_nothing(one: Owner) -> None:
    one.write([{"name": "Put it there", "nobody.nowhere.store": {"record": "{{ provision_accounts_record }}"}}])
    assert one.provision().status != 0
    kept = one.kept()
    one.write(TASKS)
    one.provisioned()
    assert (one.handed(), one.kept()) == (["reporting"], kept)


# On other versions of Ansible


@pytest.mark.xdist_group("versions")
def test_an_account_is_handed_over_and_rotated_on_every_version(
    one: Owner, sandbox: SandboxHandle, version: Version
) -> None:
    one.oidc.settings(secret_characters="{{ 7*7 }}")

    def run(playbook: str, **variables: t.Any) -> str:
        token = one.oidc.initial_access_token()
        values = {"shelf": str(one.shelf), "initial_access_token": token, **variables}
        status, output = test_versions.run(
            one.ansible, version, "ansible-playbook", "-i", str(test_versions.inventory(one.ansible, version)), "-vvvv",
            "-e", one.ansible.variables(values), f"apiops.access.{playbook}",
            ANSIBLE_VAULT_PASSWORD_FILE=str(one.vault),
        )  # fmt: skip
        test_versions.assert_nothing_leaked(sandbox, output, one.ansible.folder, one.ansible.inputs)
        for secret in one.oidc.secrets():
            assert secret not in output
        assert status == (2 if variables["broken"] else 0), output
        return output

    shared = {"records_file": str(one.records), "store": str(one.tasks), "broken": []}
    run("accounts", **shared, wanted_api_accounts=one.wanted)
    old = one.kept()["reporting"]
    assert one.on_the_shelf()["reporting"] == given(old, "created")
    run("rotate", **{**shared, "broken": ["reporting"]}, rotate="reporting")
    new = one.kept()["reporting"]
    assert (new["registration"]["replaced"], one.works(old), one.works(new)) == (old, True, True)
    output = run("rotate", **shared, rotate="reporting")
    assert "2 checks: 2 valid" in output
    assert one.on_the_shelf()["reporting"] == given(one.kept()["reporting"], "rotated")
    assert list(one.oidc.clients()) == [new["client_id"]]
    # Tasks of the store and all of the rest: nothing is left to do.
    output = run("rotate", **shared)
    assert output.count("changed=0") == 3
    one.wanted[0]["state"] = "absent"
    run("accounts", **shared, wanted_api_accounts=one.wanted)
    assert one.on_the_shelf()["reporting"]["change"] == "deleted"


# The examples

STAND_IN = """
import json
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec=json.loads({spec!r}), supports_check_mode=True)
given = {{option: value for option, value in module.params.items() if value is not None}}
with open({calls!r}, "a") as file:
    file.write(json.dumps([{name!r}, given]) + "\\n")
module.exit_json(changed=True)
"""
MODULES = ("awx.awx.credential", "community.hashi_vault.vault_kv2_write", "community.hashi_vault.vault_kv2_delete")


def specification(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """A module's options as they are documented, in the form in which a module checks them."""
    known = ("type", "elements", "choices", "default", "required", "aliases")
    spec = {name: {key: option[key] for key in known if key in option} for name, option in options.items()}
    for name, option in options.items():
        spec[name].setdefault("type", "str")
        if option.get("suboptions"):
            spec[name]["options"] = specification(option["suboptions"])
    return spec


def stand_ins(ansible: AnsibleRunner) -> tuple[Path, Path]:
    """Collections whose modules take what the real ones document and nothing else; and the file where they note it."""
    tree, calls = ansible.inputs / "stand-ins", ansible.inputs / "calls"
    for module in MODULES:
        namespace, collection, name = module.split(".")
        if not (COLLECTION / "ansible_collections" / namespace / collection).is_dir():
            pytest.skip(f"the collection {namespace}.{collection} is not there: run make peers")
        told = ansible.command(
            "ansible-doc", "-t", "module", "--json", module, env={"ANSIBLE_COLLECTIONS_PATH": str(COLLECTION)}
        )
        document = json.loads(told.output[told.output.index("{") :])[module]["doc"]
        spec = json.dumps(specification(document["options"]))
        file = tree / "ansible_collections" / namespace / collection / "plugins" / "modules" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(STAND_IN.format(spec=spec, calls=str(calls), name=module))
    return tree, calls


@pytest.mark.parametrize("example", ["hashicorp_vault", "awx_credential"])
def test_the_examples_give_their_modules_what_these_document(owner: Owner, example: str) -> None:
    tree, calls = stand_ins(owner.ansible)
    owner.wanted[0]["resource"] = ["https://api.example.test/opaque"]
    both = f"{tree}:{owner.ansible.environment()['ANSIBLE_COLLECTIONS_PATH']}"
    environment = {"ANSIBLE_VAULT_PASSWORD_FILE": str(owner.vault), "ANSIBLE_COLLECTIONS_PATH": both}
    login = {"store_role_id": "role", "store_secret_id": "a-secret-id-0123456789"}
    owner.ansible.more_secrets.append(login["store_secret_id"])

    def handed() -> list[tuple[str, dict[str, t.Any]]]:
        calls.unlink(missing_ok=True)
        variables = {
            "wanted_api_accounts": owner.wanted,
            "records_file": str(owner.records),
            "initial_access_token": owner.oidc.initial_access_token(),
            "store": str(REPOSITORY / "playbooks" / "examples" / "stores" / f"{example}.yml"),
            "target": "host1",
            **login,
        }
        run = owner.ansible.playbook("apiops.access.accounts", hosts=("host1",), variables=variables, env=environment)
        assert run.status == 0, run.output
        return [tuple(json.loads(line)) for line in calls.read_text().splitlines()]

    created = handed()
    kept = owner.kept()
    owner.wanted[0]["state"] = "absent"
    ((module, options),) = handed()
    if example == "hashicorp_vault":
        assert [module for module, _options in created] == ["community.hashi_vault.vault_kv2_write"] * 3
        assert [options["path"] for _module, options in created] == [f"api_accounts/{name}" for name in NAMES]
        assert [options["data"] for _module, options in created] == [
            {key: value for key, value in kept[name].items() if key != "registration"} for name in NAMES
        ]
        assert (module, options["path"]) == ("community.hashi_vault.vault_kv2_delete", "api_accounts/reporting")
        return
    kind = definition("credential_types", "oauth2")
    assert {(options["name"], options["state"], options["credential_type"]) for _module, options in created} == {
        (name, "present", kind["name"]) for name in NAMES
    }
    inputs = {options["name"]: credential_inputs(kind, options["inputs"]) for _module, options in created}
    for name in ("reporting", "signing"):
        assert inputs[name]["client_id"] == kept[name]["client_id"]
    # A lookup takes the last end of line off.
    assert inputs["reporting"]["ca_data"].strip() == owner.oidc.ca.read_text().strip()
    assert inputs["reporting"]["client_secret"] == kept["reporting"]["client_secret"]
    assert (inputs["reporting"]["scope"], inputs["reporting"]["resource"]) == (
        "read",
        "https://api.example.test/opaque",
    )
    assert (options["name"], options["state"]) == ("reporting", "absent")
