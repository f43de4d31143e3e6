# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX does with credential types and job templates, as far as the collection rests on it.

The rules are those of AWX 24: how it checks the inputs and the injectors of a credential type, a credential, and a
survey, and what of a survey becomes variables of a job. Credentials are put into a job by AWX's own code, the package
``awx_plugins.interfaces``; jobs are run by ansible-runner, as AWX runs them.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path
from unittest import mock

import jinja2.sandbox
import yaml
from awx_plugins.interfaces import _temporary_private_container_api as container_api
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import ENV_BLOCKLIST, inject_credential

from .runner import REPOSITORY

Document = dict[str, t.Any]

EXTENSIONS = REPOSITORY / "extensions" / "awx"

_NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")


def definition(kind: str, name: str) -> Document:
    """A file of the extensions, by its folder and its name."""
    document: Document = yaml.safe_load((EXTENSIONS / kind / f"{name}.yml").read_text())
    return document


def names(kind: str) -> list[str]:
    """The names of the files in a folder of the extensions."""
    return sorted(path.stem for path in (EXTENSIONS / kind).glob("*.yml"))


# What AWX checks of a credential type


def type_problems(kind: t.Any, inputs: t.Any, injectors: t.Any) -> list[str]:
    """What AWX would refuse of a custom credential type."""
    found = [] if kind in ("cloud", "net") else ["kind: must be 'cloud' or 'net'"]
    found += [f"inputs: {problem}" for problem in _input_problems(inputs)]
    return found or [f"injectors: {problem}" for problem in _injector_problems(inputs, injectors)]


_FIELD_KEYS: dict[str, type] = {
    "id": str,
    "type": str,
    "label": str,
    "help_text": str,
    "format": str,
    "choices": list,
    "multiline": bool,
    "secret": bool,
    "ask_at_runtime": bool,
    "default": object,
}


def _input_problems(inputs: t.Any) -> list[str]:
    if not isinstance(inputs, dict):
        return ["not a dictionary"]
    found = [f"{key} is not known" for key in set(inputs) - {"fields", "required"}]
    fields, required = inputs.get("fields", []), inputs.get("required", [])
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        return [*found, "fields is not a list of dictionaries"]
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return [*found, "required is not a list of texts"]
    for field in fields:
        found += [f"{field.get('id')}: {problem}" for problem in _field_problems(field)]
    ids = [field.get("id") for field in fields]
    found += [f"{name} is there twice" for name in sorted({str(name) for name in ids if ids.count(name) > 1})]
    # AWX takes a required field that does not exist, and then no credential at all.
    return found + [f"required has {name}, which is no field" for name in required if name not in ids]


def _field_problems(field: Document) -> list[str]:
    found = [f"{key} is not known" for key in set(field) - set(_FIELD_KEYS)]
    found += [f"{key} is missing" for key in ("id", "label") if key not in field]
    found += [
        f"{key} is no {kind.__name__}"
        for key, kind in _FIELD_KEYS.items()
        if key in field and not isinstance(field[key], kind)
    ]
    if found:
        return found
    if not _NAME.fullmatch(field["id"]) or field["id"] == "tower":
        found.append("not a name that can be used")
    kind = field.get("type", "string")
    if kind not in ("string", "boolean"):
        found.append(f"type {kind} is not known")
    if field.get("format", "url") not in ("ssh_private_key", "url"):
        found.append(f"format {field['format']} is not known")
    choices = field.get("choices", ["x"])
    if not choices or not all(isinstance(choice, str) for choice in choices) or len(set(choices)) < len(choices):
        found.append("choices are not texts that differ")
    if "default" in field and field["default"].__class__ is not {"string": str, "boolean": bool}.get(kind):
        found.append("default is of another type")
    if kind != "string":
        found += [f"{key} is for texts" for key in ("choices", "multiline", "format", "secret") if key in field]
    if field.get("ask_at_runtime"):
        found.append("ask_at_runtime is not for custom credential types")
    return found


class _Filename:
    """What ``tower.filename`` is while injectors are checked: the path of the one file, or one for each of several."""

    def __init__(self, files: t.Sequence[str]) -> None:
        self._single = list(files) == ["template"]
        for file in files:
            if "." in file:
                setattr(self, file.partition(".")[2], "EXAMPLE_FILENAME")

    def __str__(self) -> str:
        if not self._single:
            raise jinja2.UndefinedError("tower.filename without a file of its own")
        return "EXAMPLE_FILENAME"


def _injector_problems(inputs: Document, injectors: t.Any) -> list[str]:
    if not isinstance(injectors, dict):
        return ["not a dictionary"]
    found = [f"{key} is not known" for key in set(injectors) - {"file", "env", "extra_vars"}]
    if any(not isinstance(part, dict) for part in injectors.values()):
        return [*found, "a part is not a dictionary"]
    files = list(injectors.get("file", {}))
    found += [
        f"{name} is no name of a file" for name in files if not re.fullmatch(rf"template(\.{_NAME.pattern})?", name)
    ]
    if "template" in files and len(files) > 1:
        found.append("one file has no name, but there are several")
    for name, template in injectors.get("env", {}).items():
        if not _NAME.fullmatch(name):
            found.append(f"{name} is no name of a variable")
        if name.startswith("ANSIBLE_") or name in ENV_BLOCKLIST:
            found.append(f"{name} is not allowed")
        if not str(template).isascii():
            found.append(f"{name} is not ASCII")
    found += [
        f"{name} is no name of a variable" for name in injectors.get("extra_vars", {}) if not _NAME.fullmatch(name)
    ]
    # AWX renders each template once, with a text for every field, and refuses what is undefined then.
    known: Document = {field["id"]: "EXAMPLE" for field in inputs.get("fields", [])}
    known["tower"] = {"filename": _Filename(files)}
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for part in injectors.values():
        for name, template in part.items():
            if not isinstance(template, str):
                found.append(f"{name} is no text")
                continue
            try:
                environment.from_string(template).render(known)
            except jinja2.TemplateError as error:
                found.append(f"{name}: {error}")
    return found


# Credentials, and how AWX puts them into a job


def credential_inputs(type_definition: Document, inputs: t.Mapping[str, t.Any]) -> Document:
    """What AWX keeps of a credential's inputs. Raises ValueError where it would refuse them."""
    fields = {field["id"]: field for field in type_definition["inputs"]["fields"]}
    unknown = sorted(set(inputs) - set(fields))
    if unknown:
        raise ValueError(f"no fields: {', '.join(unknown)}")
    kept = {}
    for name, value in inputs.items():
        field = fields[name]
        # An empty value of a field with choices is the first of these.
        kept[name] = value or (field.get("choices") or [False if field["type"] == "boolean" else ""])[0]
        if field.get("choices") and kept[name] not in field["choices"]:
            raise ValueError(f"{name} has none of its choices")
        if (
            field.get("format") == "ssh_private_key"
            and value
            and not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", value)
        ):
            raise ValueError(f"{name} is no private key")
    missing = [name for name in type_definition["inputs"].get("required", []) if not kept.get(name)]
    if missing:
        raise ValueError(f"required: {', '.join(missing)}")
    return kept


@dataclasses.dataclass(frozen=True)
class Injected:
    """What a job gets of its credentials, and what of that AWX keeps and shows."""

    env: dict[str, t.Any]
    safe_env: dict[str, t.Any]


def inject(folder: Path, credentials: t.Iterable[tuple[Document, t.Mapping[str, t.Any]]]) -> Injected:
    """Have AWX's own code put credentials into a private data directory, whose ``env`` gets the files."""
    (folder / "env").mkdir(parents=True, exist_ok=True)
    injected = Injected({}, {})
    # In a container the directory is /runner; here it is where it is.
    with mock.patch.object(container_api, "CONTAINER_ROOT", str(folder)):
        for type_definition, inputs in credentials:
            inject_credential(
                ManagedCredentialType(
                    namespace="custom",
                    name=type_definition["name"],
                    kind=type_definition["kind"],
                    managed=False,
                    inputs=type_definition["inputs"],
                    injectors=type_definition["injectors"],
                ),
                Credential(credential_inputs(type_definition, inputs)),
                injected.env,
                injected.safe_env,
                [],
                str(folder),
            )
    return injected


class Job:
    """A job of AWX: a private data directory for ansible-runner, a home of its own, and no other environment."""

    def __init__(self, folder: Path, environment: t.Mapping[str, str], hosts: t.Sequence[str] = ("host1",)) -> None:
        self.folder = folder
        self.home = folder / "home"
        for name in ("home", "inventory", "env"):
            (folder / name).mkdir(parents=True, mode=0o700)
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": {host: {} for host in hosts}, "vars": local}}
        (folder / "inventory" / "hosts.json").write_text(json.dumps(inventory))
        shutil.copytree(EXTENSIONS / "project", folder / "project")
        self._environment = {
            **environment,
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"),
        }
        self.output = ""
        self.injected = Injected({}, {})

    def run(
        self,
        playbook: str,
        credentials: t.Iterable[tuple[str, t.Mapping[str, t.Any]]],
        variables: t.Mapping[str, t.Any] | None = None,
    ) -> int:
        """Run a playbook of the project with credentials, by the names of their types; return its status."""
        self.injected = inject(
            self.folder, [(definition("credential_types", name), given) for name, given in credentials]
        )
        for name, content in (("envvars", self.injected.env), ("extravars", dict(variables or {}))):
            (self.folder / "env" / name).write_text(json.dumps(content))
            (self.folder / "env" / name).chmod(0o600)
        done = subprocess.run(
            ["ansible-runner", "run", str(self.folder), "--ident", "job", "-p", playbook, "-vvv"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        self.output = done.stdout.decode("utf-8", "surrogateescape")
        return done.returncode

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / "job"

    def results(self, module: str) -> list[Document]:
        """The results of a module of the collection, from the events, as AWX reads them; each of a loop by itself."""
        events = [json.loads(path.read_text()) for path in (self.artifacts / "job_events").glob("*.json")]
        results = [
            event["event_data"]["res"]
            for event in sorted(events, key=lambda event: int(event["counter"]))
            if event["event"] in ("runner_on_ok", "runner_on_failed", "runner_item_on_ok", "runner_item_on_failed")
            and event["event_data"]["task_action"] == f"apiops.access.{module}"
        ]
        return [result for result in results if "results" not in result]


# Surveys

_SURVEY_TYPES: dict[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def survey_problem(spec: t.Any) -> str | None:
    """What AWX would refuse of a survey; what it takes is brought into the form that it keeps."""
    for key, kind in {"name": str, "description": str, "spec": list}.items():
        if not isinstance(spec, dict) or not isinstance(spec.get(key), kind):
            return f"{key} is missing or of another type"
    if not spec["spec"]:
        return "there are no questions"
    seen = set()
    for number, question in enumerate(spec["spec"]):
        problem = _question_problem(question)
        if not problem and question["variable"] in seen:
            problem = "its variable is there twice"
        if problem:
            return f"question {number}: {problem}"
        seen.add(question["variable"])
    return None


def _question_problem(question: t.Any) -> str | None:
    for key, kind in {"type": str, "question_name": str, "variable": str, "required": bool}.items():
        if not isinstance(question, dict) or not isinstance(question.get(key), kind):
            return f"{key} is missing or of another type"
    # AWX keeps what it does not know, but nobody reads it.
    known = {
        "type",
        "question_name",
        "question_description",
        "variable",
        "required",
        "default",
        "choices",
        "min",
        "max",
    }
    if set(question) - known:
        return f"{', '.join(sorted(set(question) - known))} is not known"
    if question["type"] not in _SURVEY_TYPES:
        return f"type {question['type']} is not known"
    default = question.get("default", "")
    if default != "" and not isinstance(default, _SURVEY_TYPES[question["type"]]):
        return "default is of another type"
    if any(not isinstance(question.get(key, 0), int) for key in ("min", "max")):
        return "min or max is no whole number"
    if question["type"] in ("multiplechoice", "multiselect"):
        if not question.get("choices"):
            return "choices are missing"
        for key in ("choices", "default"):
            if isinstance(question.get(key), str):
                question[key] = "\n".join(line for line in question[key].splitlines() if line.strip())
        chosen = question.get("default", "").splitlines()
        if question["type"] == "multiplechoice" and len(chosen) > 1:
            return "default is more than one choice"
        if any(choice not in question["choices"].splitlines() for choice in chosen):
            return "default is none of its choices"
    return None


def survey_variables(spec: Document, answers: t.Mapping[str, t.Any]) -> Document:
    """The variables of a job that was launched with these answers. Raises ValueError where AWX would not launch it.

    A question that nobody answered, as in a schedule, has its default, unless that is not of the form of an answer: the
    default of a multiselect is a text, and so such a question has none.
    """
    unknown = sorted(set(answers) - {question["variable"] for question in spec["spec"]})
    if unknown:
        raise ValueError(f"not in the survey: {', '.join(unknown)}")
    variables = {}
    for question in spec["spec"]:
        name = question["variable"]
        if name in answers:
            problem = _answer_problem(question, answers[name])
            if problem:
                raise ValueError(f"{name}: {problem}")
            variables[name] = answers[name]
        elif question["required"] and "default" not in question:
            raise ValueError(f"{name} is missing")
        elif "default" in question and not _answer_problem(question, question["default"]):
            variables[name] = question["default"]
    return variables


def _answer_problem(question: Document, answer: t.Any) -> str | None:
    if question["type"] in ("multiplechoice", "multiselect"):
        if isinstance(answer, list) is not (question["type"] == "multiselect"):
            return "of another type"
        chosen = answer if isinstance(answer, list) else [answer]
        wrong = [choice for choice in chosen if choice not in question["choices"].splitlines()]
        return f"none of the choices: {wrong}" if wrong else None
    if answer.__class__ is not _SURVEY_TYPES[question["type"]]:
        return "of another type"
    size = len(answer) if isinstance(answer, str) else answer
    if size < question.get("min", size) or size > question.get("max", size):
        return "too small or too large"
    return None


# Projects


def could_be_playbook(path: Path) -> bool:
    """Whether AWX offers a file of a project as a playbook; it reads lines, and no YAML."""
    return any(re.match(r"\s*-?\s*(?:hosts|include|import_playbook):", line) for line in path.read_text().splitlines())
