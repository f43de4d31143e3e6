# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blocks of code in the documentation, and what is wrong with one by the words of the collection and of Ansible."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import textwrap
import typing as t
from pathlib import Path

import yaml
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.parsing.splitter import parse_kv
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible_collections.apiops.access.plugins.module_utils._arguments import (
    API_ACCOUNT_ONLY_SPEC,
    ELEMENT_OPTIONS,
    READY_TOKEN_SPEC,
    SHARED_SPEC,
)
from ansible_collections.apiops.access.plugins.module_utils._providers._base import SPECIAL_OPTIONS
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS

from .runner import REPOSITORY

GUIDES = REPOSITORY / "docs" / "docsite" / "rst"
PAGES = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted(REPOSITORY.glob("roles/*/README.md")),
    *sorted(GUIDES.glob("*.rst")),
)

Document = t.Dict[str, t.Any]  # noqa: UP006

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n"
    r"(?P<options>(?:(?P=indent) +:[\w-]+:.*\n)*)\n"
    r"(?P<body>(?:(?:(?P=indent)   .*)?\n)+)",
    re.MULTILINE,
)
_OTHER_LITERAL = re.compile(
    r"^(?! *\.\. ).*::$|^ *\.\. (?:code|sourcecode|literalinclude|parsed-literal|include)::", re.MULTILINE
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A block of code as a page shows it. ``caption``: the file that it is, where the page says so."""

    page: str
    line: int
    language: str
    text: str
    caption: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language})"

    @property
    def title(self) -> str:
        """The file that the first line names, as in ``# accounts.yml``."""
        found = re.match(r"# ([\w.-]+\.yml)$", self.text.partition("\n")[0])
        return found[1] if found else ""


def blocks(path: Path) -> list[Shown]:
    """All blocks of a page. Raises ValueError where there are some that this does not see."""
    text, page = path.read_text(), str(path.relative_to(REPOSITORY))
    if path.suffix == ".md":
        if text.count("\n```") != 2 * len(_FENCE.findall(text)):
            raise ValueError(f"{page} has a block of code in another form than ```language")
        return [Shown(page, _line(text, found), found[1] or "text", found[2]) for found in _FENCE.finditer(text)]
    other = _OTHER_LITERAL.search(text)
    if other or text.count("code-block::") != len(_DIRECTIVE.findall(text)):
        where = _line(text, other) if other else 0
        raise ValueError(f"{page}:{where} has a block of code in another form than .. code-block:: language")
    return [
        Shown(
            page,
            _line(text, found),
            found["language"],
            textwrap.dedent(found["body"]).strip("\n") + "\n",
            "".join(re.findall(r":caption: (.*)", found["options"])),
        )
        for found in _DIRECTIVE.finditer(text)
    ]


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it, as far as tags go."""


_Loader.add_constructor("!vault", lambda _loader, _node: "a secret")


def loaded(block: Shown) -> t.Any:
    """What a block of YAML says."""
    return yaml.load(block.text, _Loader)  # it is safe


def plays_of(block: Shown) -> list[Document]:
    """The plays that a block shows, or one play with the tasks that it shows; none for variables.

    Raises ValueError for anything else.
    """
    document = loaded(block)
    if isinstance(document, dict):
        return []
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise ValueError(f"{block} is neither plays nor tasks nor variables")
    if all("hosts" in item for item in document):
        return document
    return [{"name": str(block), "hosts": "all", "gather_facts": False, "tasks": document}]


def tasks_of(play: Document) -> t.Iterator[Document]:
    """Every task of a play, also those in blocks."""
    pending = [task for section in ("pre_tasks", "tasks", "post_tasks", "handlers") for task in play.get(section, [])]
    for task in pending:
        nested = [inner for section in ("block", "rescue", "always") for inner in task.get(section, [])]
        if nested:
            pending.extend(nested)
        else:
            yield task


_KEYWORDS = {*Task.fattributes, *Block.fattributes, *Play.fattributes, "action", "local_action", "with_items"}


def module_of(task: Document) -> str:
    """The module of a task. Raises ValueError for none, and for one without its collection."""
    found = [key for key in task if key not in _KEYWORDS]
    if len(found) != 1 or found[0].count(".") < 2:
        raise ValueError(f"{task.get('name')}: not one module by its full name, but {found}")
    return str(found[0])


class Vocabulary:
    """What can be written: modules by their documentation, variables of roles and playbooks, targets of make.

    ``modules``: what ``ansible-doc --json`` says of each module that is used.
    """

    def __init__(self, modules: t.Mapping[str, Document], titles: t.Collection[str]) -> None:
        self.modules = modules
        self.titles = titles
        self.roles = {
            path.parts[-3]: yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
            for path in REPOSITORY.glob("roles/*/meta/argument_specs.yml")
        }
        self.playbooks = {
            ".".join(
                ("apiops.access", *path.relative_to(REPOSITORY / "playbooks").with_suffix("").parts)
            ): path.read_text()
            for path in REPOSITORY.glob("playbooks/**/*.yml")
        }
        self.targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))

    # YAML

    def wrong_in_yaml(self, block: Shown) -> list[str]:
        """What is wrong with a block of YAML but its syntax."""
        document = loaded(block)
        if isinstance(document, dict):
            return self._wrong_variables(document)
        return [wrong for play in plays_of(block) for wrong in self._wrong_in_play(play)]

    def _wrong_in_play(self, play: Document) -> t.Iterator[str]:
        yield from self._wrong_variables(play.get("vars", {}), others=True)
        defaults = play.get("module_defaults", {})
        for group, options in defaults.items():
            # The group's modules share these options.
            known = SHARED_SPEC if group == "group/apiops.access.all" else self._options(group)
            yield from (f"{group}: no option {option}" for option in options if option not in known)
        for role in play.get("roles", []):
            name = str(role["role"]).rpartition(".")[2]
            if name not in self.roles or not str(role["role"]).startswith("apiops.access."):
                yield f"no role {role['role']}"
            else:
                yield from (f"{name}: no variable {key}" for key in role.get("vars", {}) if key not in self.roles[name])
        for task in tasks_of(play):
            module = module_of(task)
            yield from (f"{module}: {wrong}" for wrong in self._wrong_arguments(module, task[module] or {}, defaults))

    def _options(self, module: str) -> t.Mapping[str, Document]:
        documented = self.modules[module]["doc"].get("options", {})
        aliases = {alias: option for option in documented.values() for alias in option.get("aliases", [])}
        return {**documented, **aliases}

    def _wrong_arguments(self, module: str, given: t.Any, defaults: Document) -> t.Iterator[str]:
        if module not in self.modules:
            yield "no such module"
            return
        if not isinstance(given, dict):  # set_fact, include_tasks and the like take text
            return
        documented = self.modules[module]["doc"].get("options", {})
        free = module in ("ansible.builtin.set_fact",)
        yield from _wrong_options(self._options(module), given, free)
        missing = {
            name
            for name, option in documented.items()
            if option.get("required") and not {name, *option.get("aliases", [])} & {*given, *defaults.get(module, {})}
        }
        yield from (f"option {name} is missing" for name in sorted(missing))
        if module.startswith("apiops.access."):
            yield from _foreign_options(given)
            yield from (wrong for element in _elements(given.get("accounts")) for wrong in _wrong_element(element))

    def _wrong_variables(self, variables: Document, others: bool = False) -> list[str]:
        """What is wrong with variables; ``others``: they can also be of the example's own."""
        wrong = []
        for name, value in variables.items():
            ours = name in SHARED_SPEC or any(name in options for options in self.roles.values())
            if not ours and not others and not self.in_a_playbook(name):
                wrong.append(f"no variable {name}")
            if name in ("api_accounts", "wanted_api_accounts"):
                wrong += [each for element in _elements(value) for each in _wrong_element(element)]
            elif name in SHARED_SPEC:
                wrong += list(_wrong_options(SHARED_SPEC, {name: value}))
            for options in self.roles.values():
                if name in options:
                    wrong += list(_wrong_options(options, {name: value}))
        return wrong

    def in_a_playbook(self, variable: str, playbook: str | None = None) -> bool:
        """Whether a playbook (or the given one) reads a variable."""
        texts = self.playbooks.values() if playbook is None else [self.playbooks[playbook]]
        return any(re.search(rf"(?<![\w.]){re.escape(variable)}\b", text) for text in texts)

    # Commands

    def wrong_in_console(self, block: Shown) -> list[str]:
        """What is wrong with the commands of a block."""
        wrong = []
        for line in block.text.replace("\\\n", " ").splitlines():
            if not line.startswith("$ "):
                wrong.append(f"neither a command nor a part of one: {line}")
                continue
            # Two blanks and a # begin the page's own words on a command.
            command = re.split(r"\s+# ", line[2:])[0]
            for part in re.split(r" && ", command):
                words = shlex.split(part)
                while words and re.fullmatch(r"[A-Z0-9_]+=.*", words[0]):
                    words = words[1:]
                wrong += self._wrong_command(words) if words else []
        return wrong

    def _wrong_command(self, words: list[str]) -> list[str]:
        program, arguments = words[0], words[1:]
        if program == "make":
            named = [word for word in arguments if "=" not in word]
            return [f"no target {target}" for target in named if target not in self.targets]
        if program == "ansible-playbook":
            return self._wrong_playbook(words)
        if program == "ansible":
            parsed = _parsed(AdHocCLI(words), arguments)
            if isinstance(parsed, str):
                return [parsed]
            given = parse_kv(parsed.module_args)
            wrong = list(self._wrong_arguments(parsed.module_name, given, {}))
            return wrong + self._wrong_extra_variables(parsed.extra_vars, None)
        if program == "ansible-doc":
            kinds = {"module": "modules", "lookup": "lookup", "callback": "callback", "filter": "filter"}
            names = [word.rpartition(".")[2] for word in arguments if word.startswith("apiops.access.")]
            kind = arguments[arguments.index("-t") + 1] if "-t" in arguments else "module"
            places = ["roles/{}" if kind == "role" else f"plugins/{kinds[kind]}/{{}}.py"]
            return [f"no {name}" for name in names if not (REPOSITORY / places[0].format(name)).exists()]
        if program in OTHERS:
            return []
        return [f"{program} is no command that the documentation may show"]

    def _wrong_playbook(self, words: list[str]) -> list[str]:
        parsed = _parsed(PlaybookCLI(words), words[1:])
        if isinstance(parsed, str):
            return [parsed]
        wrong = []
        for playbook in parsed.args:
            if playbook not in self.playbooks and playbook not in self.titles:
                wrong.append(f"no playbook {playbook}")
            else:
                wrong += self._wrong_extra_variables(parsed.extra_vars, playbook)
        return wrong

    def _wrong_extra_variables(self, given: t.Iterable[str], playbook: str | None) -> list[str]:
        wrong = []
        for text in given:
            if text.startswith("@"):
                name = Path(text[1:]).name  # Ansible has made the path absolute
                wrong += [] if name in self.titles else [f"no page shows the file {name}"]
                continue
            variables = json.loads(text) if text.startswith("{") else parse_kv(text)
            for name in variables:
                known = any(name in options for options in self.roles.values())
                if not known and not (playbook in self.playbooks and self.in_a_playbook(name, playbook)):
                    wrong.append(f"{playbook} has no variable {name}")
        return wrong


OTHERS = frozenset(
    {
        "ansible-builder",
        "ansible-galaxy",
        "antsibull-changelog",
        "export",
        "git",
        "openssl",
        "podman",
        "python",
        "python3",
        "read",
    }
)
"""Programs that are not ours, whose commands are not checked."""


def _parsed(cli: t.Any, arguments: list[str]) -> t.Any:
    """What a command of Ansible makes of its arguments, or what is wrong with them."""
    cli.init_parser()
    cli.parser.exit_on_error = False
    try:
        return cli.parser.parse_args(arguments)
    except (SystemExit, Exception) as error:
        return f"{shlex.join(arguments)}: {error}"


def _is_template(value: t.Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _wrong_options(known: t.Mapping[str, Document], given: Document, free: bool = False) -> t.Iterator[str]:
    """Options that are not there, and values that are not among an option's choices."""
    for name, value in given.items():
        option = known.get(name)
        if option is None:
            if not free:
                yield f"no option {name}"
            continue
        choices = [str(choice) for choice in option.get("choices") or []]
        values = value if isinstance(value, list) else [value]
        for each in values if choices else []:
            if not _is_template(each) and str(each).lower() not in [choice.lower() for choice in choices]:
                yield f"{name} cannot be {each}"
        nested = option.get("suboptions") or (
            option.get("options") if isinstance(option.get("options"), dict) else None
        )
        for each in values if nested else []:
            if isinstance(each, dict):
                yield from (f"{name}: {wrong}" for wrong in _wrong_options(t.cast("Document", nested), each))


def _elements(accounts: t.Any) -> list[Document]:
    return accounts if isinstance(accounts, list) else []


_ELEMENT_SPEC = {**SHARED_SPEC, **READY_TOKEN_SPEC, **API_ACCOUNT_ONLY_SPEC}


def _wrong_element(element: Document) -> t.Iterator[str]:
    """What is wrong with an element of api_accounts."""
    options = {name: value for name, value in element.items() if name not in ("name", "registration")}
    yield from (f"no option {name} of an account" for name in element if name not in ELEMENT_OPTIONS)
    yield from _wrong_options(_ELEMENT_SPEC, {name: value for name, value in options.items() if name in _ELEMENT_SPEC})
    yield from _foreign_options(options)
    if "name" not in element:
        yield "an account has no name"


def _foreign_options(given: Document) -> t.Iterator[str]:
    """Options that the named provider does not know, and fields that its accounts do not have."""
    provider = PROVIDERS[given["provider"]] if given.get("provider") in PROVIDERS else None
    if provider is None:
        return
    yield from (f"{name} is not for {provider.name}" for name in SPECIAL_OPTIONS - provider.options if name in given)
    settings = given.get("settings")
    if isinstance(settings, dict) and not provider.more_settings:
        yield from (f"{provider.name} has no setting {name}" for name in settings if name not in provider.settings)
