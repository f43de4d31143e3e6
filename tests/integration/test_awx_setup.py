# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""awx_setup.yml, by the real modules of awx.awx, on an API that is as strict as AWX's."""

from __future__ import annotations

import os
import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml

from . import awx_api
from .awx import EXTENSIONS, Document, definition, names
from .awx_api import AwxApi
from .runner import AnsibleRunner, Run

TYPES = names("credential_types")
TEMPLATES = names("job_templates")
NIGHTLY = "DTSTART;TZID=Europe/Berlin:20260101T030000 RRULE:FREQ=DAILY;INTERVAL=1"
ALL_OF_IT = {
    "awx_setup_job_templates": TEMPLATES,
    "awx_setup_project": "API access",
    "awx_setup_inventory": "Servers",
    "awx_setup_execution_environment": "API access",
    "awx_setup_schedule": NIGHTLY,
}

SetUp = t.Callable[..., Run]


@pytest.fixture
def api(ansible: AnsibleRunner) -> t.Iterator[AwxApi]:
    if not (awx_api.COLLECTION / "ansible_collections" / "awx" / "awx").is_dir():
        pytest.fail(awx_api.MISSING, pytrace=False)
    with awx_api.running() as server:
        ansible.more_secrets.append(server.token)
        yield server


@pytest.fixture
def set_up(ansible: AnsibleRunner, api: AwxApi) -> SetUp:
    """Run the playbook, and forget what was written before."""
    path = f"{ansible.environment()['ANSIBLE_COLLECTIONS_PATH']}{os.pathsep}{awx_api.COLLECTION}"

    def run(*arguments: str, **variables: t.Any) -> Run:
        api.writes.clear()
        env = {**api.environment, "ANSIBLE_COLLECTIONS_PATH": path}
        return ansible.playbook("apiops.access.awx_setup", *arguments, variables=variables, env=env, hosts=())

    return run


def changed(run: Run) -> int:
    """How many tasks of a run that came to its end have changed something."""
    assert run.status == 0, run.output
    found = re.search(r"changed=(\d+) .*failed=0", run.output)
    assert found
    return int(found[1])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the files, to change."""
    return Path(shutil.copytree(EXTENSIONS, tmp_path / "inputs" / "awx"))


def change(file: Path, **changes: t.Any) -> None:
    document: Document = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**document, **changes}))


# Credential types


def test_all_credential_types_are_installed_as_they_are_in_the_files(api: AwxApi, set_up: SetUp) -> None:
    assert changed(set_up()) == 1
    installed = api.named("credential_types")
    assert len(installed) == len(TYPES)
    for name in TYPES:
        document = definition("credential_types", name)
        assert {key: installed[document["name"]][key] for key in document} == document
    assert api.writes == ["POST /api/v2/credential_types/"] * len(TYPES)


def test_a_second_run_changes_nothing_and_a_changed_file_only_its_own_type(
    api: AwxApi, set_up: SetUp, copied: Path
) -> None:
    set_up(awx_setup_folder=str(copied))
    assert changed(set_up(awx_setup_folder=str(copied))) == 0
    assert api.writes == []
    rimo3 = copied / "credential_types" / "rimo3.yml"
    document: Document = yaml.safe_load(rimo3.read_text())
    document["inputs"]["fields"].append({"id": "customer", "type": "string", "label": "Customer"})
    injectors = {"env": {**document["injectors"]["env"], "RIMO3_CUSTOMER": "{{ customer }}"}}
    change(rimo3, inputs=document["inputs"], injectors=injectors)
    assert changed(set_up(awx_setup_folder=str(copied))) == 1
    row = api.named("credential_types")[document["name"]]
    assert api.writes == [f"PATCH {row['url']}"]
    assert row["injectors"] == injectors
    assert changed(set_up(awx_setup_folder=str(copied))) == 0


def test_only_the_chosen_types_are_installed(api: AwxApi, set_up: SetUp) -> None:
    set_up("-e", "awx_setup_credential_types=rimo3,shared_cache", awx_setup_suffix=" 2")
    assert sorted(api.named("credential_types")) == [
        "Rimo3 (apiops.access) 2",
        "Shared token cache (apiops.access) 2",
    ]


def test_check_mode_changes_nothing(api: AwxApi, set_up: SetUp) -> None:
    assert changed(set_up("--check", **ALL_OF_IT)) == 2
    assert api.writes == []


def test_other_fields_of_a_type_in_use_are_refused_and_told_and_stop_no_other(
    api: AwxApi, set_up: SetUp, copied: Path
) -> None:
    set_up(awx_setup_folder=str(copied))
    before = api.named("credential_types")
    in_use = definition("credential_types", "cimcloud")
    api.add("credentials", name="shop", credential_type=before[in_use["name"]]["id"])
    for name in ("cimcloud", "rimo3"):
        inputs = definition("credential_types", name)["inputs"]
        inputs["fields"][0]["label"] = "Another"
        change(copied / "credential_types" / f"{name}.yml", inputs=inputs)
    run = set_up(awx_setup_folder=str(copied))
    assert run.status == 2
    told = " ".join(run.output.split())
    assert "Not installed: cimcloud (You don't have permission to PATCH" in told
    assert "of a type that there are credentials of" in told
    assert "rimo3 (" not in told.partition("Not installed: ")[2].partition("Where AWX")[0]
    assert api.named("credential_types")[in_use["name"]]["inputs"] == in_use["inputs"]
    assert api.named("credential_types")["Rimo3 (apiops.access)"]["inputs"]["fields"][0]["label"] == "Another"
    # Beside it, under another name.
    assert changed(set_up(awx_setup_folder=str(copied), awx_setup_suffix=" 2")) == 1
    assert len(api.tables["credential_types"]) == 2 * len(TYPES)


def test_other_injectors_of_a_type_in_use_are_taken(api: AwxApi, set_up: SetUp, copied: Path) -> None:
    set_up(awx_setup_folder=str(copied))
    name = definition("credential_types", "rimo3")["name"]
    api.add("credentials", name="packaging", credential_type=api.named("credential_types")[name]["id"])
    change(copied / "credential_types" / "rimo3.yml", injectors={"env": {"RIMO3_CLIENT_ID": "{{ client_id }}"}})
    assert changed(set_up(awx_setup_folder=str(copied))) == 1
    assert api.named("credential_types")[name]["injectors"] == {"env": {"RIMO3_CLIENT_ID": "{{ client_id }}"}}


def test_what_awx_would_not_take_is_refused(api: AwxApi, set_up: SetUp, copied: Path) -> None:
    change(copied / "credential_types" / "rimo3.yml", injectors={"env": {"RIMO3_CLIENT_ID": "{{ client }}"}})
    run = set_up(awx_setup_folder=str(copied), awx_setup_credential_types="rimo3")
    assert run.status == 2
    assert "'client' is undefined" in run.output
    assert api.tables["credential_types"] == []


# Job templates


def test_job_templates_with_surveys_credentials_and_a_schedule(api: AwxApi, set_up: SetUp) -> None:
    set_up()
    kinds = api.named("credential_types")
    for name in ("rimo3", "jim2"):
        api.add("credentials", name=name, credential_type=kinds[definition("credential_types", name)["name"]]["id"])
    wanted = {**ALL_OF_IT, "awx_setup_credentials": ["rimo3", "jim2"]}
    assert changed(set_up(**wanted)) == 2
    made = api.named("job_templates")
    for name in TEMPLATES:
        template = definition("job_templates", name)
        row = made[template["name"]]
        assert api.surveys[row["id"]] == template["survey_spec"]
        assert {key: row[key] for key in set(template) - {"survey_spec"}} == {
            key: template[key] for key in set(template) - {"survey_spec"}
        }
        assert row["project"] == api.named("projects")["API access"]["id"]
        assert row["inventory"] == api.named("inventories")["Servers"]["id"]
        assert row["execution_environment"] == api.named("execution_environments")["API access"]["id"]
        assert row["ask_inventory_on_launch"] is False
        assert sorted(api.attached[row["id"]]) == sorted(row["id"] for row in api.tables["credentials"])
    validate = made[definition("job_templates", "validate")["name"]]
    (schedule,) = api.tables["schedules"]
    assert (schedule["unified_job_template"], schedule["rrule"]) == (validate["id"], NIGHTLY)
    assert changed(set_up(**wanted)) == 0
    assert api.writes == []


def test_a_changed_survey_is_brought_up_to_date(api: AwxApi, set_up: SetUp, copied: Path) -> None:
    wanted = {**ALL_OF_IT, "awx_setup_folder": str(copied), "awx_setup_inventory": ""}
    set_up(**wanted)
    assert {row["ask_inventory_on_launch"] for row in api.tables["job_templates"]} == {True}
    spec = definition("job_templates", "provision")["survey_spec"]
    del spec["spec"][1]
    change(copied / "job_templates" / "provision.yml", survey_spec=spec)
    assert changed(set_up(**wanted)) == 1
    row = api.named("job_templates")[definition("job_templates", "provision")["name"]]
    assert api.surveys[row["id"]] == spec
    assert api.writes == [f"POST {row['related']['survey_spec']}"]


@pytest.mark.parametrize(("wrong", "told"), [
    ({"awx_setup_credential_types": ["rimo4"]}, "awx_setup_credential_types can have beyondtrust, cimcloud, "),
    ({"awx_setup_job_templates": "x", "awx_setup_project": "x"}, "awx_setup_job_templates can have provision, "),
    ({"awx_setup_job_templates": "validate"}, "Job templates need awx_setup_project"),
    ({"awx_setup_schedule": NIGHTLY}, "awx_setup_schedule is that of the job template validate"),
])  # fmt: skip
def test_what_is_asked_for_wrongly_is_told_before_anything_is_sent(
    api: AwxApi, set_up: SetUp, wrong: Document, told: str
) -> None:
    run = set_up(**wrong)
    assert run.status == 2
    assert told in run.output
    assert api.writes == []
