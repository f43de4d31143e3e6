# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account:
    description:
      - The name of an account in the variable C(api_accounts), a list of dictionaries that each have a C(name) and any
        of the account, transport and token cache options.
      - What the task sets itself goes before what the account has.
    type: str
  provider:
    description:
      - The kind of API.
      - Required, here, in O(account), or as C(APIOPS_PROVIDER).
    type: str
    choices:
      beyondtrust: BeyondTrust Remote Support or Privileged Remote Access.
      cimcloud: CIMcloud.
      jim2: Jim2 by Happen Business.
      rimo3: Rimo3.
  base_url:
    description:
      - Where the API is. A path in it is kept.
      - For V(provider=rimo3) the default is V(https://rimo3cloud.com), for V(provider=cimcloud)
        V(https://api.cimcloud.com). The others need it.
      - For V(provider=jim2) it includes the instance, as in V(https://jim2.example.com/Jim_Live).
      - For V(provider=beyondtrust) the environment variable E(BT_API_HOST) also sets it.
    type: str
  client_id:
    description:
      - The account's client ID. CIMcloud calls it AuthUserName, BeyondTrust OAuth Client ID.
      - For V(provider=beyondtrust) the environment variable E(BT_CLIENT_ID) also sets it.
    type: str
  client_secret:
    description:
      - The account's client secret. CIMcloud calls it AuthPassword; for Jim2 it is the mapped user's password.
      - It stays on the controller, unless C(request_from=target).
      - For V(provider=beyondtrust) the environment variable E(BT_CLIENT_SECRET) also sets it.
    type: str
  scope:
    description:
      - For V(provider=jim2) only. The scopes to ask for.
      - Documented are V(view), which only reads and takes no licence, and V(all), which takes a full user licence and is
        what Jim2 grants when nothing is asked for.
    type: list
    elements: str
  site:
    description:
      - For V(provider=cimcloud) only, and required there. The site's name.
    type: str
  auth_key:
    description:
      - For V(provider=cimcloud) only, and required there with O(authorization_type=bearer). The App Authorization's AuthKey.
    type: str
  authorization_type:
    description:
      - For V(provider=cimcloud) only. The App Authorization's type. C(bearer) is what is used when this is not set.
    type: str
    choices:
      bearer: The portal's type Default. A token is requested and sent with each call.
      basic: The portal's type Basic. There is no token; the credentials themselves are sent with each call.
  customer:
    description:
      - For V(provider=cimcloud) only. The user name of a customer, in whose session the token is to work
        (C(GenerateCustomerSession)).
      - The App Authorization's Session Access Type must be Any Session.
    type: str
  token_body:
    description:
      - For V(provider=rimo3) only. The body of the token request. C(form) is what is used when this is not set.
      - The vendor's page contradicts itself here, so both readings can be chosen.
    type: str
    choices:
      form: The form of RFC 6749, C(grant_type=client_credentials).
      json: The vendor's literal text C({"Form-Data"&#58; "grant_type=client_credentials"}), sent as public scripts send it.
  token_endpoint_auth_method:
    description:
      - For V(provider=jim2) and V(provider=beyondtrust) only. How the credentials are sent to the token endpoint.
        C(client_secret_basic) is what is used when this is not set.
    type: str
    choices:
      client_secret_basic: In the Authorization header.
      client_secret_post: In the form.
  logoff_path:
    description:
      - For V(provider=jim2) only. The path, below O(base_url), that ends a session. V(logoff) is what is used when this
        is not set.
      - The vendor's reference names this endpoint, but no copy of its page was found. That it is a POST with the token
        to V(logoff) is an assumption.
    type: str
  test_path:
    description:
      - The path, below O(base_url), of a read that is used to test a token, instead of the provider's own.
      - For V(provider=jim2) no endpoint for tests is documented. What is used when this is not set, V(api/v1/jobs/0/stock), is a
        documented read of a job that cannot exist. That Jim2 looks at the token before it looks for the job is an
        assumption, which the test checks by the same call without a token.
    type: str
  assume_expires_in:
    description:
      - The lifetime (seconds) of a token whose answer does not say it. Not set, it is what the vendor documents, which is
        3600 for Rimo3 and BeyondTrust, 1200 for Jim2, and seven days for CIMcloud.
    type: int
"""
