# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_accounts
short_description: The accounts that the controller's environment has credentials for
version_added: 1.0.0
author:
  - apiops.access contributors (@apiops)
description:
  - Finds for which providers the environment of the controller has an account, as AWX sets it from credentials, and returns them as
    a list such as C(api_accounts) is. It is what the roles of this collection take without such a list.
  - An account is what C(RIMO3_CLIENT_ID) and C(RIMO3_CLIENT_SECRET) make, or those variables of another provider; for BeyondTrust
    also E(BT_API_HOST), E(BT_CLIENT_ID) and E(BT_CLIENT_SECRET), and for the provider in E(APIOPS_PROVIDER) also those that begin with
    C(APIOPS_). So there is one account for each provider at most, and its name is the provider's.
  - The accounts hold no secret, and nothing but their name and provider. What reads them finds all the rest in the environment.
  - Where the environment has a client ID or a secret for a provider, but not all that its account needs, this fails and tells what is
    missing. To leave the account out without a word would make it one that nobody tests. An address alone is no account.
  - Nothing is sent, and a ready token (C(RIMO3_ACCESS_TOKEN)) is no account.
seealso:
  - plugin: apiops.access.oauth_token
    plugin_type: lookup
notes:
  - Use C(query), which always returns a list. As with every lookup plugin, C(lookup) returns the account itself where there is only one.
"""

EXAMPLES = r"""
- name: Test what the environment has, in one task
  apiops.access.token_test:
    accounts: "{{ query('apiops.access.environment_accounts') }}"

- name: Test the accounts of a list as well
  apiops.access.token_test:
    accounts: "{{ api_accounts + query('apiops.access.environment_accounts') }}"
"""

RETURN = r"""
_raw:
  description: The accounts, each with C(name) and C(provider). Without any the list is empty.
  type: list
  elements: dict
"""

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._arguments import ACCOUNT_SPEC, SECRET_OPTIONS, SHARED_SPEC, account_from
from ..module_utils._errors import AccessError, ConfigurationError
from ..module_utils._providers._registry import PROVIDERS
from ..plugin_utils._options import validated, with_environment

_MEANT = sorted({"client_id", "private_key_path", *(SECRET_OPTIONS & set(ACCOUNT_SPEC))})
"""What nobody sets for a provider without meaning an account there."""


class LookupModule(LookupBase):
    """Finds the accounts of the environment."""

    def run(
        self, terms: t.Sequence[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, str]]:
        """One element for each account. Raises AnsibleLookupError, whose text is safe to print."""
        if terms or kwargs:
            raise AnsibleLookupError("environment_accounts takes neither names nor options.")
        try:
            return environment_accounts(os.environ)
        except AccessError as error:
            raise AnsibleLookupError(error.message) from None


def environment_accounts(environ: t.Mapping[str, str]) -> list[dict[str, str]]:
    """The accounts of an environment, in the order of the providers. Raises ConfigurationError for half of one."""
    if environ.get("APIOPS_PROVIDER") and environ["APIOPS_PROVIDER"] not in PROVIDERS:
        raise ConfigurationError(f"The environment's APIOPS_PROVIDER is none of {', '.join(sorted(PROVIDERS))}.")
    return [{"name": provider, "provider": provider} for provider in PROVIDERS if _has_account(provider, environ)]


def _has_account(provider: str, environ: t.Mapping[str, str]) -> bool:
    # The general variables are every provider's, and so say of none that an account is meant there, but of the chosen one.
    general = environ.get("APIOPS_PROVIDER") == provider
    own = {name: value for name, value in environ.items() if general or not name.startswith("APIOPS_")}
    found = with_environment({"provider": provider}, own, ready_token=False)
    meant = [option for option in _MEANT if option in found]
    if not meant:
        return False
    options = with_environment({"provider": provider}, environ, ready_token=False)
    try:
        account_from(validated(SHARED_SPEC, options, provider), name=provider)
    except ConfigurationError as error:
        raise error.with_message(f"{error.message} The environment has its {', '.join(meant)}.") from None
    return True
