# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The base of the action plugins: options in, one place for errors, and how tokens are had."""

from __future__ import annotations

import contextlib
import os
import traceback
import typing as t
from urllib.parse import urlsplit

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.vars.hostvars import HostVars

from ..module_utils._arguments import ACCOUNT_SPEC, CREDENTIAL_OPTIONS, TRANSPORT_SPEC, Spec, account_from
from ..module_utils._errors import AccessError, ConfigurationError, error_from_dict
from ..module_utils._http import is_loopback
from ..module_utils._model import Account, Token
from ..module_utils._providers._registry import PROVIDERS
from ..module_utils._redaction import Redactor, displayable
from ..module_utils._transport import REQUESTS_IMPORT_ERROR
from . import _rate_budget
from ._options import ACCOUNTS_VARIABLE, chosen_account, merged_options, secrets_in, validated
from ._release_ledger import note_obtained
from ._token_access import calls_of_request, pace, request_in_turn, token_source
from ._token_source import Obtained, TokenSource
from ._token_store import prepare_encryption

# Ansible imports an action plugin before it forks a worker for each host: what is loaded here, no worker has to load.
INHERITED_BY_WORKERS = (_rate_budget, *PROVIDERS.values())
prepare_encryption()


class AccessAction(ActionBase):
    """An action plugin of this collection. Subclasses set ``spec`` and write ``perform``."""

    _supports_check_mode = True
    _supports_async = False
    spec: t.ClassVar[Spec]
    secret_results: bool = False
    """Whether a successful result holds a token, so that the display must be censored."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """What Ansible calls. Every failure becomes a result whose text is safe to print."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self.secrets: set[str] = set()
        self.identifiers: set[str] = set()
        self.remember_secrets(self._task.args)
        try:
            if REQUESTS_IMPORT_ERROR is not None:
                raise ConfigurationError(
                    "The Python library requests is missing on the controller, for the Python that runs Ansible. "
                    "Install it there (pip install requests).",
                    kind="requests_missing",
                )
            performed = self.perform()
        except AccessError as error:
            performed = {"failed": True, "msg": error.message, "failure": error.as_failure()}
        except ModuleFailedError as failure:
            performed = failure.result
        except AnsibleError:
            raise  # Ansible's own, such as a host that cannot be reached
        except Exception as error:  # its text could hold a secret, and Ansible prints what is raised
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(place.filename)}:{place.lineno}"
            performed = {
                "failed": True,
                "msg": f"Internal error in {self._task.action}: {type(error).__name__} at {where}. Please report it.",
                "failure": AccessError("").as_failure(),
            }
        if performed.get("failed") or not self.secret_results:
            performed = Redactor(self.secrets, self.identifiers).data(performed)
            performed = displayable(performed) if performed.get("failed") else performed
        else:
            performed.setdefault("_ansible_no_log", True)
        result.update(performed)
        return result

    def perform(self) -> dict[str, t.Any]:
        """The plugin's own work; returns its result. Raises AccessError."""
        raise NotImplementedError

    # Options

    def account_named(self, name: str) -> dict[str, t.Any]:
        """The element of this host's api_accounts. Raises ConfigurationError."""
        return chosen_account(name, self.task_vars.get(ACCOUNTS_VARIABLE), self._templar.template)

    def options(self) -> tuple[dict[str, t.Any], frozenset[str]]:
        """This task's validated options, and which the user gave explicitly."""
        raw = dict(self._task.args)
        merged, explicit = merged_options(raw, self.spec, self.account_named)
        self.remember_secrets(merged)
        name = merged.get("name") or merged.get("client_id") or merged.get("provider") or "unnamed"
        if "name" not in self.spec and "name" not in raw:
            merged.pop("name", None)  # it came with the account, where it is no option of the task
        return {**validated(self.spec, merged, str(name)), "name": str(name)}, explicit

    def remember_secrets(self, options: t.Mapping[str, t.Any]) -> None:
        """Mask these options' secrets in whatever this task fails with."""
        self.secrets |= secrets_in(options)
        self.identifiers.add(str(options.get("client_id") or ""))

    def vault_secrets(self) -> t.Sequence[t.Any]:
        """The vault secrets of this run, each with its vault ID."""
        return getattr(getattr(self._loader, "_vault", None), "secrets", None) or ()

    def one_account(
        self, params: t.Mapping[str, t.Any], explicit: t.Container[str], *, need_credentials: bool = True
    ) -> Account:
        """The account that the task's own options describe."""
        return account_from(params, name=params["name"], explicit=explicit, need_credentials=need_credentials)

    # Tokens

    def source(self, account: Account, params: t.Mapping[str, t.Any]) -> TokenSource:
        """The token source of an account. Raises StoreError."""
        # All hosts and loops of one task share its id, which no other task has.
        return token_source(account, params, str(self._task._uuid))

    def pace(self, account: Account, params: t.Mapping[str, t.Any], calls: int) -> float:
        """Wait until the vendor's rate has room for these calls; return the moment that the last of them has.

        Raises RateLimitedError, StoreError.
        """
        return pace(account, params, calls, params["rate_wait"])

    def obtain(
        self,
        account: Account,
        params: t.Mapping[str, t.Any],
        *,
        force: bool = False,
        rejected: str | None = None,
        keep: bool = True,
    ) -> Obtained:
        """The account's token, by the controller or, if asked for, by this host. Raises AccessError."""
        from_target = params["request_from"] == "target"
        ask = self._request_on_target(account, params) if from_target else self._request_here(account, params)
        try:
            obtained = self.source(account, params).obtain(
                account, ask, force=force, rejected=rejected, keep=keep, where=self.where(account, params)
            )
        except AccessError as error:
            raise error.about(account.name, account.provider) from None
        self.secrets |= set(obtained.token.secrets)
        if keep and not obtained.reused:
            note_obtained(account, obtained, params, host=self.where(account, params))
        return obtained

    def where(self, account: Account, params: t.Mapping[str, t.Any]) -> str:
        """What sets a token apart that one host alone can use: the host, where the server is that host itself."""
        if params["request_from"] == "target" and is_loopback(urlsplit(account.base_url).hostname or ""):
            return str(self.task_vars.get("inventory_hostname", ""))
        return ""

    def _request_here(self, account: Account, params: t.Mapping[str, t.Any]) -> t.Callable[[Token | None], Token]:
        return lambda previous: request_in_turn(account, previous, params)

    def _request_on_target(self, account: Account, params: t.Mapping[str, t.Any]) -> t.Callable[[Token | None], Token]:
        def ask(_previous: Token | None) -> Token:
            self.pace(account, params, calls_of_request(account))
            result = self.run_module("oauth_token", shipped_options(account, params, secrets=True), quiet=True)
            return Token.from_dict(result["token"])

        return ask

    def run_module(
        self, name: str, args: t.Mapping[str, t.Any], *, quiet: bool = False, logged: bool = True
    ) -> dict[str, t.Any]:
        """Run a module of this collection on the host; return its result. Raises AccessError where it failed.

        ``quiet``: the answer holds a token, which Ansible would show at -vvv as it comes over ssh.
        ``logged``: whether the host's system log may have the options, of which Ansible masks those of the
        argument spec alone.
        """
        # The connection's own: it is what ssh looks at, and another object than the task's.
        play_context = self._connection._play_context
        was = play_context.no_log
        play_context.no_log = bool(was or quiet)
        task_vars = self.task_vars if logged else {**self.task_vars, "ansible_no_target_syslog": True}
        try:
            with self._pipelining():
                result: dict[str, t.Any] = self._execute_module(
                    module_name=f"apiops.access.{name}", module_args=dict(args), task_vars=task_vars
                )
        finally:
            play_context.no_log = was
        if isinstance(result.get("access_error"), dict):
            raise error_from_dict(result["access_error"])
        if result.get("failed") or result.get("unreachable"):
            raise ModuleFailedError(result)
        return result

    @contextlib.contextmanager
    def _pipelining(self) -> t.Iterator[None]:
        """Have the host read a module from its standard input: no file there has the token, and it is faster.

        Not where the user has decided, nor with become, as sudo can be set up to ask for a terminal.
        """
        connection = self._connection
        wanted = connection.has_pipelining and not connection.become and not self._is_pipelining_decided()
        if wanted:
            connection.set_option("pipelining", True)
        try:
            yield
        finally:
            if wanted:
                connection.set_option("pipelining", False)

    def _is_pipelining_decided(self) -> bool:
        """Whether configuration or variables say something of pipelining. Ansible adds its default to a task's own."""
        hosts = self.task_vars.get("hostvars")
        of_host = hosts.raw_get(self.task_vars.get("inventory_hostname")) if isinstance(hosts, HostVars) else {}
        variables = {**of_host, **self._task.get_vars()}
        try:
            _value, origin = constants.config.get_config_value_and_origin(
                "pipelining", plugin_type="connection", plugin_name=self._connection._load_name, variables=variables
            )
        except AnsibleError:  # a connection plugin that does not know the option
            return True
        return bool(origin != "default")


class ModuleFailedError(Exception):
    """A module could not do its work on the host; ``result`` is what Ansible has to say of it."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__("a module failed")
        self.result = result


def shipped_options(account: Account, params: t.Mapping[str, t.Any], *, secrets: bool) -> dict[str, t.Any]:
    """The options of an account as its module on a host takes them: resolved, and no others.

    ``secrets``: also the account's own, which only a host that requests the token itself may have.
    """
    own = {**ACCOUNT_SPEC, **TRANSPORT_SPEC}
    if not secrets:
        own = {option: spec for option, spec in own.items() if option not in CREDENTIAL_OPTIONS}
    shipped = {option: params[option] for option in own if params.get(option) is not None}
    certificates = _certificates_in(params.get("ca_path"))
    if certificates:
        del shipped["ca_path"]
        shipped["ca_data"] = certificates
    return {"account": account.name, **shipped}


def _certificates_in(path: str | None) -> str | None:
    """The certificates of a file that is here, and so perhaps not on the host; None where there is no such file."""
    try:
        with open(path or "", encoding="ascii", errors="ignore") as file:
            return file.read()
    except OSError:
        return None
