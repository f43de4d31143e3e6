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
      - >-
        V(beyondtrust): BeyondTrust Remote Support or Privileged Remote Access.
      - >-
        V(cimcloud): CIMcloud.
      - >-
        V(jim2): Jim2 by Happen Business.
      - >-
        V(oauth2): Any authorization server that follows the RFCs of OAuth 2.0.
      - >-
        V(rimo3): Rimo3.
    type: str
    choices: [beyondtrust, cimcloud, jim2, oauth2, rimo3]
  base_url:
    description:
      - Where the API is. A path in it is kept.
      - For V(provider=rimo3) the default is V(https://rimo3cloud.com), for V(provider=cimcloud)
        V(https://api.cimcloud.com). The others need it, but for V(provider=oauth2) O(issuer) or O(token_endpoint) can stand
        instead.
      - For V(provider=jim2) it includes the instance, as in V(https://jim2.example.com/Jim_Live).
      - For V(provider=beyondtrust) the environment variable E(BT_API_HOST) also sets it.
      - For V(provider=oauth2) it is the API that the token is for, where O(test_path) is. Without O(issuer) and
        O(token_endpoint) it is the issuer as well.
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
      - What V(provider=oauth2) needs of it depends on O(token_endpoint_auth_method).
      - For V(provider=beyondtrust) the environment variable E(BT_CLIENT_SECRET) also sets it.
    type: str
  scope:
    description:
      - For V(provider=jim2) and V(provider=oauth2) only. The scopes to ask for.
      - Jim2 documents V(view), which only reads and takes no licence, and V(all), which takes a full user licence and is
        what Jim2 grants when nothing is asked for.
      - An OAuth 2.0 server can grant less than was asked for, and need not say so. M(apiops.access.token_test) compares.
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
      - >-
        V(bearer): The portal's type Default. A token is requested and sent with each call.
      - >-
        V(basic): The portal's type Basic. There is no token; the credentials themselves are sent with each call.
    type: str
    choices: [bearer, basic]
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
      - >-
        V(form): The form of RFC 6749, C(grant_type=client_credentials).
      - >-
        V(json): The vendor's literal text C({"Form-Data"&#58; "grant_type=client_credentials"}), sent as public
        scripts send it.
    type: str
    choices: [form, json]
  token_endpoint_auth_method:
    description:
      - For V(provider=jim2), V(provider=beyondtrust) and V(provider=oauth2) only. How the account authenticates itself at the
        token endpoint. Jim2 and BeyondTrust know the first two.
      - When this is not set, C(client_secret_basic) is used; for V(provider=oauth2) with a private key and no
        O(client_secret), C(private_key_jwt).
      - >-
        V(client_secret_basic): By the secret, in the Authorization header. For V(provider=oauth2) it is form-encoded,
        as RFC 6749 section 2.3.1 asks for.
      - >-
        V(client_secret_post): By the secret, in the form.
      - >-
        V(client_secret_jwt): By an assertion that is signed with the secret (RFC 7523).
      - >-
        V(private_key_jwt): By an assertion that is signed with O(private_key) or O(private_key_path) (RFC 7523).
      - >-
        V(tls_client_auth): By O(client_cert), whose issuer the server trusts (RFC 8705).
      - >-
        V(self_signed_tls_client_auth): By O(client_cert), which the server knows (RFC 8705).
    type: str
    choices: [client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth]
  issuer:
    description:
      - For V(provider=oauth2) only. The server's issuer URL. Its endpoints are found by what it publishes (RFC 8414, or
        OpenID Connect Discovery), which must be of exactly this issuer but for a slash at the end.
      - A published endpoint on another host than the issuer's is not trusted. Where that is right, set that endpoint.
    type: str
  token_endpoint:
    description:
      - For V(provider=oauth2) only. The URL of the token endpoint, where it is not to be found by O(issuer).
    type: str
  introspection_endpoint:
    description:
      - For V(provider=oauth2) only. The URL of the introspection endpoint (RFC 7662), where it is not to be found by
        O(issuer).
    type: str
  revocation_endpoint:
    description:
      - For V(provider=oauth2) only. The URL of the revocation endpoint (RFC 7009), where it is not to be found by O(issuer).
    type: str
  registration_endpoint:
    description:
      - For V(provider=oauth2) only. The URL of the registration endpoint (RFC 7591), where it is not to be found by
        O(issuer).
    type: str
  private_key:
    description:
      - For V(provider=oauth2) only. The private key of C(private_key_jwt), in PEM form without a passphrase. RSA, EC (P-256,
        P-384 or P-521) or Ed25519.
      - Signed assertions need the Python library C(PyJWT[crypto]), 2.10 or later, on the machine that requests the token.
    type: str
  private_key_path:
    description:
      - For V(provider=oauth2) only. A file with that key, on the machine that requests the token.
    type: path
  key_id:
    description:
      - For V(provider=oauth2) only. The C(kid) that tells the server which of the account's keys has signed.
    type: str
  signing_alg:
    description:
      - For V(provider=oauth2) only. How assertions are signed. Not set, it is C(HS256) with a secret, C(RS256) with an RSA key,
        the curve's own with an EC key, and C(EdDSA) with an Ed25519 key.
    type: str
    choices: [ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512]
  assertion_audience:
    description:
      - For V(provider=oauth2) only. Whom assertions are made out to (C(aud)). Not set, it is the URL of the token endpoint, as
        RFC 7523 section 3 has it. Some servers take their issuer URL only.
    type: str
  audience:
    description:
      - For V(provider=oauth2) only. The API that the token is to be for, in the parameter C(audience) that several servers
        have.
    type: str
  resource:
    description:
      - For V(provider=oauth2) only. The APIs that the token is to be for, as URLs (RFC 8707).
    type: list
    elements: str
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
      - For V(provider=oauth2) there is none unless this is set; then the server's introspection endpoint tells.
    type: str
  assume_expires_in:
    description:
      - The lifetime (seconds) of a token whose answer does not say it. Not set, it is what the vendor documents, which is
        3600 for Rimo3 and BeyondTrust, 1200 for Jim2, and seven days for CIMcloud. For V(provider=oauth2) it is 300, an
        assumption.
    type: int
"""
