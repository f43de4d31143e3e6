# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: oauth_token
short_description: The fleet's one access token, in a template
version_added: 0.1.0
author:
  - apiops.access contributors (@apiops)
description:
  - Returns the same token as M(apiops.access.oauth_token), from the same place. A token that is known and lives long enough is reused;
    otherwise it is requested, once for all who ask.
  - Always runs on the controller.
  - Ansible prints the values of templates where a task shows its arguments. Use it where the value goes into an option that is
    no_log, or set C(no_log) on the task.
extends_documentation_fragment:
  - apiops.access.account
  - apiops.access.transport
  - apiops.access.token_cache
options:
  _terms:
    description: Names of accounts in the variable C(api_accounts). Without any, the options describe the account.
    type: list
    elements: str
  return:
    description:
      - >-
        What to return.
      - >-
        V(access_token): The token.
      - >-
        V(authorization): The whole value of the C(Authorization) header, also for CIMcloud's basic authorization.
    type: str
    default: access_token
    choices: [access_token, authorization]
seealso:
  - module: apiops.access.oauth_token
"""

EXAMPLES = r"""
- name: Call an API with any module
  ansible.builtin.uri:
    url: https://rimo3cloud.com/api/v2/application-packages
    headers:
      Authorization: "{{ lookup('apiops.access.oauth_token', provider='rimo3', return='authorization') }}"
  no_log: true

- name: The same for an account of api_accounts
  ansible.builtin.uri:
    url: https://jim2.example.com/Jim_Live/api/v1/jobs/1001/stock
    headers:
      Authorization: "Bearer {{ lookup('apiops.access.oauth_token', 'erp') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The token, or the header's value, for each account.
  type: list
  elements: str
"""

import dataclasses
import functools
import json
import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._arguments import LOOKUP_SPEC, account_from
from ..module_utils._errors import AccessError, ConfigurationError
from ..module_utils._model import Account
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._options import ACCOUNTS_VARIABLE, chosen_account, merged_options, own_environment, validated
from ..plugin_utils._token_access import request_in_turn, token_source


@dataclasses.dataclass(frozen=True)
class Asked:
    """All that the options of a lookup come from. Two are the same where ``text`` is, which has it all."""

    text: str = dataclasses.field(repr=False)
    raw: dict[str, t.Any] = dataclasses.field(compare=False, repr=False)
    element: dict[str, t.Any] = dataclasses.field(compare=False, repr=False)
    environ: dict[str, str] = dataclasses.field(compare=False, repr=False)


class LookupModule(LookupBase):
    """The lookup's host of the operation oauth_token."""

    def run(self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """One value for each account. Raises AnsibleLookupError, whose text is safe to print."""
        try:
            named = [{"account": term} for term in terms] or [{}]
            return [self._value({**kwargs, **account}, variables or {}) for account in named]
        except AccessError as error:
            raise AnsibleLookupError(error.message) from None

    def _value(self, raw: dict[str, t.Any], variables: t.Mapping[str, t.Any]) -> str:
        element, environ = {}, own_environment(os.environ)
        if raw.get("account"):
            element = chosen_account(str(raw["account"]), variables.get(ACCOUNTS_VARIABLE), self._templar.template)
        account, params = _resolved(Asked(json.dumps([raw, element, environ], default=repr), raw, element, environ))
        source = token_source(account, params, task=None)
        obtained = source.obtain(account, lambda previous: request_in_turn(account, previous, params))
        if not obtained.reused:
            from ..plugin_utils._release_ledger import note_obtained  # each worker would compile it, and few need it

            note_obtained(account, obtained, params)
        return str(getattr(obtained.token, params["return"]))


# A template can ask a thousand times, and reading the options takes longer than reading the token.
@functools.lru_cache(maxsize=64)
def _resolved(asked: Asked) -> tuple[Account, t.Mapping[str, t.Any]]:
    """The account and its validated options. Raises ConfigurationError."""
    merged, explicit = merged_options(asked.raw, LOOKUP_SPEC, lambda _name: asked.element, asked.environ)
    name = str(merged.pop("name", None) or merged.get("client_id") or merged.get("provider") or "unnamed")
    merged.pop("request_from", None)
    params = validated(LOOKUP_SPEC, merged, name)
    account = account_from(params, name=name, explicit=explicit)
    if params["return"] == "access_token" and not PROVIDERS[account.provider].needs_token(account):
        raise ConfigurationError(
            "authorization_type 'basic' has no token. Ask for the header with return='authorization'."
        ).about(account.name, account.provider)
    return account, params
