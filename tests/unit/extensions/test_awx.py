# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made for AWX: AWX takes it, every field is used, and every variable is one that the plugins read."""

from __future__ import annotations

import copy
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.apiops.access.plugins.lookup.environment_accounts import environment_accounts
from ansible_collections.apiops.access.plugins.module_utils._arguments import SECRET_OPTIONS, SHARED_SPEC
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.plugins.plugin_utils._options import with_environment
from ansible_collections.apiops.access.tests.integration.awx import (
    EXTENSIONS,
    Document,
    could_be_playbook,
    credential_inputs,
    definition,
    inject,
    names,
    survey_problem,
    survey_variables,
    type_problems,
)

ROOT = EXTENSIONS.parents[1]
TYPES = (*PROVIDERS, "shared_cache")
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"


def fields(name: str) -> dict[str, Document]:
    return {field["id"]: field for field in definition("credential_types", name)["inputs"]["fields"]}


def marked(name: str) -> dict[str, str]:
    """A credential with another value in each field: the last choice, or one of its own."""
    return {
        key: KEY.replace("MC4C", f"MC4C{key}")
        if field.get("format") == "ssh_private_key"
        else field.get("choices", [f"https://{key}.example.com"])[-1]
        for key, field in fields(name).items()
    }


def required(name: str) -> dict[str, str]:
    return {key: f"https://{key}.example.com" for key in definition("credential_types", name)["inputs"]["required"]}


def options(name: str, env: t.Mapping[str, str]) -> Document:
    """The options that the plugins find in a job's environment, by a provider's type or by that of the cache."""
    provider = "rimo3" if name == "shared_cache" else name
    found = with_environment({"provider": provider}, env, ready_token=False)
    del found["provider"]
    return found


def injected(name: str, inputs: t.Mapping[str, t.Any], folder: Path) -> Document:
    return options(name, inject(folder, [(definition("credential_types", name), inputs)]).env)


# Credential types


def test_there_is_a_type_for_each_provider_and_one_for_the_cache() -> None:
    assert names("credential_types") == sorted(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_awx_takes_the_type(name: str) -> None:
    document = definition("credential_types", name)
    assert set(document) == {"name", "description", "kind", "inputs", "injectors"}
    assert type_problems(document["kind"], document["inputs"], document["injectors"]) == []
    assert all(field["type"] in ("string", "boolean") for field in fields(name).values())


def test_the_names_of_the_types_differ() -> None:
    assert len({definition("credential_types", name)["name"] for name in TYPES}) == len(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_the_plugins_read_every_variable(name: str) -> None:
    injectors = definition("credential_types", name)["injectors"]
    assert set(injectors) <= {"env", "file"}
    for variable in injectors["env"]:
        assert list(options(name, {variable: "https://1"}).values()) == ["https://1"], variable


@pytest.mark.parametrize("name", TYPES)
def test_every_field_and_every_file_is_used(name: str, tmp_path: Path) -> None:
    given = marked(name)
    found = injected(name, given, tmp_path)
    contents = {option: Path(value).read_text() for option, value in found.items() if value.startswith(str(tmp_path))}
    arrived = sorted({**found, **contents}.values())
    fixed = ["redis"] if name == "shared_cache" else []
    assert arrived == sorted([*given.values(), *fixed])
    assert len(contents) == len(definition("credential_types", name)["injectors"].get("file", {}))


@pytest.mark.parametrize("name", TYPES)
def test_what_is_a_secret_is_marked_as_one(name: str, tmp_path: Path) -> None:
    given = marked(name)
    found = injected(name, given, tmp_path)
    secret = {key for key, field in fields(name).items() if field.get("secret")}
    assert {given[key] for key in secret} >= {found[option] for option in SECRET_OPTIONS & set(found)}
    assert {key for key, value in given.items() if "PRIVATE KEY" in value} <= secret


@pytest.mark.parametrize("name", TYPES)
def test_what_awx_keeps_of_the_environment_has_no_secret(name: str, tmp_path: Path) -> None:
    given = marked(name)
    kept = inject(tmp_path, [(definition("credential_types", name), given)]).safe_env
    assert kept
    for key, field in fields(name).items():
        if field.get("secret"):
            assert not [variable for variable, value in kept.items() if given[key] in value]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("empty", [True, False])
def test_what_is_left_empty_is_not_set(name: str, empty: bool, tmp_path: Path) -> None:
    """With ``empty`` as AWX's forms send it; without, as its API can be called."""
    given = required(name)
    blank = {key: "" for key, field in fields(name).items() if key not in given and "choices" not in field}
    found = injected(name, {**given, **blank} if empty else given, tmp_path)
    fixed = ["redis"] if name == "shared_cache" else []
    assert sorted(found.values()) == sorted([*given.values(), *fixed])


@pytest.mark.parametrize("name", TYPES)
def test_the_choices_are_those_of_the_option(name: str, tmp_path: Path) -> None:
    for key, field in fields(name).items():
        if "choices" not in field:
            continue
        last = field["choices"][-1]
        found = injected(name, {**required(name), key: last}, tmp_path)
        (option,) = [option for option, value in found.items() if value == last]
        # Jim2 documents two scopes, but the option is also OAuth 2.0's.
        known = SHARED_SPEC[option].get("choices", ["view", "all"])
        assert sorted(set(field["choices"]) - {"automatic"}) == sorted(known)
        if "automatic" in field["choices"]:
            assert option not in injected(name, {**required(name), key: "automatic"}, tmp_path)


@pytest.mark.parametrize("name", [name for name in TYPES if name != "shared_cache"])
def test_the_first_choice_is_what_the_plugins_do_anyway(name: str, tmp_path: Path) -> None:
    # AWX has the first choice for an empty field. Jim2's is another on purpose: what reads only, and takes no licence.
    first = {key: field["choices"][0] for key, field in fields(name).items() if "choices" in field}
    anyway = {"token_body": "form", "authorization_type": "bearer", "scope": "view"}
    assert {key: choice for key, choice in first.items() if choice != "automatic"} == {
        key: anyway[key] for key in first if key in anyway
    }


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_awx_asks_for_makes_an_account(name: str, tmp_path: Path) -> None:
    more = {"cimcloud": {"auth_key": "k"}, "oauth2": {"issuer": "https://login.example.com", "private_key": KEY}}
    given = {**required(name), **more.get(name, {})}
    if name == "cimcloud":
        given["site"] = "acme"
    env = inject(tmp_path, [(definition("credential_types", name), given)]).env
    assert environment_accounts(env) == [{"name": name, "provider": name}]


def test_a_key_is_a_file_of_the_job(tmp_path: Path) -> None:
    found = injected("oauth2", {"client_id": "c", "private_key": KEY.rstrip("\n")}, tmp_path)
    assert Path(found["private_key_path"]).read_text() == KEY
    assert Path(found["private_key_path"]).stat().st_mode & 0o077 == 0
    assert "private_key" not in found


# The rules themselves: what AWX refuses

GOOD: Document = {
    "inputs": {"fields": [{"id": "a", "type": "string", "label": "A"}], "required": ["a"]},
    "injectors": {"env": {"RIMO3_CLIENT_ID": "{{ a }}"}},
}


def test_a_plain_type_is_taken() -> None:
    assert type_problems("net", GOOD["inputs"], GOOD["injectors"]) == []


@pytest.mark.parametrize(("where", "value", "told"), [
    (("inputs", "fields", 0, "id"), "a-b", "not a name"),
    (("inputs", "fields", 0, "id"), "tower", "not a name"),
    (("inputs", "fields", 0, "type"), "number", "type number"),
    (("inputs", "fields", 0, "type"), "boolean", ""),
    (("inputs", "fields", 0, "lable"), "A", "lable is not known"),
    (("inputs", "fields", 0, "secret"), "yes", "secret is no bool"),
    (("inputs", "fields", 0, "format"), "pem", "format pem"),
    (("inputs", "fields", 0, "choices"), ["x", "x"], "choices"),
    (("inputs", "fields", 0, "choices"), [1, 2], "choices"),
    (("inputs", "fields", 0, "default"), True, "default"),
    (("inputs", "fields", 0, "ask_at_runtime"), True, "ask_at_runtime"),
    (("inputs", "required"), ["b"], "which is no field"),
    (("inputs", "requires"), ["a"], "requires is not known"),
    (("injectors", "env", "ANSIBLE_CONFIG"), "{{ a }}", "not allowed"),
    (("injectors", "env", "PATH"), "{{ a }}", "not allowed"),
    (("injectors", "env", "A-B"), "{{ a }}", "no name"),
    (("injectors", "env", "X"), "{{ b }}", "'b' is undefined"),
    (("injectors", "env", "X"), "{{ a", "X: "),
    (("injectors", "env", "X"), True, "no text"),
    (("injectors", "env", "X"), "{{ tower.filename.key }}", "no attribute 'key'"),
    (("injectors", "env", "X"), "{{ tower.filename }}", "without a file"),
    (("injectors", "file"), {"key": "{{ a }}"}, "no name of a file"),
    (("injectors", "file"), {"template": "{{ a }}", "template.b": "{{ a }}"}, "several"),
    (("injectors", "files"), {"template": "{{ a }}"}, "files is not known"),
])  # fmt: skip
def test_what_awx_refuses_of_a_type(where: tuple[t.Any, ...], value: t.Any, told: str) -> None:
    changed = copy.deepcopy(GOOD)
    place: t.Any = changed
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    found = type_problems("cloud", changed["inputs"], changed["injectors"])
    assert [problem for problem in found if told in problem] if told else found == []


def test_what_else_awx_refuses_of_a_type() -> None:
    twice = {"fields": [GOOD["inputs"]["fields"][0]] * 2}
    switch = {"fields": [{"id": "a", "type": "boolean", "label": "A", "secret": True}]}
    assert type_problems("ssh", GOOD["inputs"], GOOD["injectors"])
    assert type_problems("cloud", twice, {}) == ["inputs: a is there twice"]
    assert type_problems("cloud", switch, {}) == ["inputs: a: secret is for texts"]


@pytest.mark.parametrize(("name", "inputs", "told"), [
    ("rimo3", {"client_id": "c"}, "required: client_secret"),
    ("rimo3", {"client_id": "c", "client_secret": "s", "site": "x"}, "no fields: site"),
    ("rimo3", {"client_id": "c", "client_secret": "s", "token_body": "xml"}, "none of its choices"),
    ("oauth2", {"client_id": "c", "private_key": "abc"}, "no private key"),
])  # fmt: skip
def test_what_awx_refuses_of_a_credential(name: str, inputs: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        credential_inputs(definition("credential_types", name), inputs)


# Job templates

TEMPLATES = names("job_templates")


def playbook_variables(name: str) -> tuple[str, Document]:
    """The text of a playbook, and the options of the roles that it uses."""
    text = (ROOT / "playbooks" / f"{name}.yml").read_text()
    known: Document = {}
    for role in re.findall(r"apiops\.access\.(provision_accounts|validate_tokens)", text):
        spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
        known.update(spec["argument_specs"]["main"]["options"])
    return text, known


def test_each_job_template_has_its_playbook_which_awx_finds() -> None:
    for name in TEMPLATES:
        playbook = EXTENSIONS / "project" / definition("job_templates", name)["playbook"]
        (imported,) = yaml.safe_load(playbook.read_text())
        assert could_be_playbook(playbook)
        assert imported["import_playbook"] == f"apiops.access.{name}"
        assert (ROOT / "playbooks" / f"{name}.yml").exists()
    assert sorted(path.stem for path in (EXTENSIONS / "project").glob("*.yml")) == TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_awx_takes_the_survey_and_keeps_it_as_it_is(name: str) -> None:
    spec = definition("job_templates", name)["survey_spec"]
    kept = copy.deepcopy(spec)
    assert survey_problem(kept) is None
    # Otherwise each run of awx_setup.yml would find a difference.
    assert kept == spec


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_question_is_a_variable_of_the_playbook(name: str) -> None:
    text, known = playbook_variables(name)
    for question in definition("job_templates", name)["survey_spec"]["spec"]:
        variable = question["variable"]
        assert variable in known or re.search(rf"\b{variable}\b(?! =)", text), variable
        assert question.get("question_description")
        option = known.get(variable, {})
        if question["type"] == "multiselect":
            assert option["type"] == "list"
            assert question["choices"].splitlines() == option["choices"]
            # It has no default in a schedule, so what is shown must be what holds then.
            assert question["default"].splitlines() == option["default"]
        if option.get("type") == "bool":
            assert question["choices"].splitlines() in (["no", "yes"], ["yes", "no"])
            assert question["default"] == ("yes" if option["default"] else "no")
        if option.get("no_log") or re.search("(secret|password|token)$", variable):
            assert question["type"] == "password"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_schedule_needs_no_answers_but_to_what_has_no_default(name: str) -> None:
    spec = definition("job_templates", name)["survey_spec"]
    answers = {"records_file": "/data/api_accounts.yml"} if name == "rotate" else {}
    variables = survey_variables(spec, answers)
    assert variables == {
        question["variable"]: answers.get(question["variable"], question.get("default"))
        for question in spec["spec"]
        if question["type"] != "multiselect" and ("default" in question or question["variable"] in answers)
    }


SURVEY: Document = {
    "name": "n",
    "description": "",
    "spec": [
        {
            "question_name": "Q",
            "variable": "q",
            "type": "multiselect",
            "required": False,
            "choices": "a\nb",
            "default": "a",
        }
    ],
}


@pytest.mark.parametrize(("change", "told"), [
    ({"variable": 1}, "variable"),
    ({"type": "bool"}, "type bool"),
    ({"required": "no"}, "required"),
    ({"default": "c"}, "none of its choices"),
    ({"default": ["a"]}, "another type"),
    ({"type": "multiplechoice", "default": "a\nb"}, "more than one"),
    ({"choices": ""}, "choices are missing"),
    ({"min": "0"}, "min or max"),
    ({"type": "integer", "default": "1"}, "another type"),
    ({"help": "x"}, "help is not known"),
])  # fmt: skip
def test_what_awx_refuses_of_a_survey(change: Document, told: str) -> None:
    assert survey_problem(copy.deepcopy(SURVEY)) is None
    changed = copy.deepcopy(SURVEY)
    changed["spec"][0].update(change)
    assert told in (survey_problem(changed) or "")


@pytest.mark.parametrize("answers", [{"q": "a"}, {"q": ["c"]}, {"r": 1}])
def test_what_awx_refuses_of_answers(answers: Document) -> None:
    assert survey_variables(SURVEY, {"q": ["a", "b"]}) == {"q": ["a", "b"]}
    with pytest.raises(ValueError, match=r"another type|none of|not in"):
        survey_variables(SURVEY, answers)
