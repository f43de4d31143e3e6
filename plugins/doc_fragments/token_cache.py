# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cache:
    description:
      - Where the controller keeps tokens, so that all hosts, tasks and runs share one.
      - >-
        V(file): In a private folder of the controller. Entries are encrypted with a key that is derived from the
        client secret, and tell nothing to who has only the folder.
      - >-
        V(redis): In a Redis server, for several controllers such as AWX execution nodes, which then share one token
        as well. It needs O(cache_url), O(cache_secret), and the Python library C(redis) (5.0 or later) on the
        controllers, whose clocks must agree to within a minute. Entries are encrypted as in a folder, and expire with
        their token.
      - >-
        V(none): Nowhere. Every task requests a token for each host, and nobody remembers that a secret was refused.
    type: str
    default: file
    choices: [file, redis, none]
  cache_path:
    description:
      - The folder for O(cache=file). It must be the user's own, with mode 0700. Not set, it is C(apiops_access) below
        E(ANSIBLE_HOME), which is C(~/.ansible) by default.
    type: path
  cache_url:
    description:
      - The server for O(cache=redis), as C(rediss://user@redis.example.com:6379/0). The number is that of the database.
      - The password has an option of its own, O(cache_password); a URL with a password is refused, since URLs are printed.
      - C(rediss://) is TLS, and the certificate is always verified, whatever O(validate_certs) says. Plain C(redis://) is
        taken only to the controller itself (C(localhost)), and there is no option to allow it to another machine.
      - The user needs the commands C(GET), C(SET), C(DEL), C(PEXPIRE), C(EVALSHA) and C(SCRIPT LOAD) on the keys of
        O(cache_prefix), and C(SELECT) for a database above 0. Redis 6.0 or later has such users, for example by
        C(ACL SETUSER apiops on >PASSWORD ~apiops_access:* +get +set +del +pexpire +evalsha +script|load).
    type: str
  cache_password:
    description:
      - The password of the user in O(cache_url). Where the URL has no user, it is that of Redis's user C(default).
    type: str
  cache_secret:
    description:
      - What the encryption of O(cache=redis) is derived from, together with the client secret. It must be the same for all
        controllers, and at least 16 random characters long, as from C(openssl rand -hex 32).
      - It must not be stored in that Redis. With another O(cache_secret) there are other entries; the former ones expire.
    type: str
  cache_ca_path:
    description:
      - The certificate of the authority that issued the certificate of O(cache_url) (a PEM file, or a folder as OpenSSL has them),
        in addition to those that the controller's system trusts.
      - It is not O(ca_path), since the vendor's authority has no say in who the cache is, and the other way round.
    type: path
  cache_prefix:
    description:
      - What the name of every key in O(cache=redis) begins with, so that an ACL can name them, and that several fleets can use
        one server. The rest of a name is derived from the secrets, and tells nothing.
    type: str
    default: "apiops_access:"
  cache_fallback:
    description:
      - What to do while the server of O(cache=redis) is down. A refused password, an untrusted certificate or a missing
        permission always fails.
      - >-
        V(fail): The task fails, and says why.
      - >-
        V(none): As O(cache=none), with a warning. Every host requests a token of its own then.
    type: str
    default: fail
    choices: [fail, none]
  min_ttl:
    description:
      - Reuse a token only if it lives this much longer (seconds). For a short-lived token half its lifetime is enough.
    type: int
    default: 60
  rate_limit:
    description:
      - Keep all hosts, tasks and runs that share the token cache within the rate that the vendor documents for an account, and
        within what its C(X-RateLimit) headers say is left. Only CIMcloud has a limit so low (2 calls a second, 100 in 15 minutes).
      - Calls wait for their turn. It needs the token cache; with O(cache=none) nobody waits.
    type: bool
    default: true
  rate_wait:
    description:
      - How long a call may wait for its turn by O(rate_limit) (seconds). One that would wait longer fails at once, and says
        when there is room again.
    type: int
    default: 120
notes:
  - Every account, transport and token cache option can also be set by the environment of the controller, as
    C(APIOPS_CLIENT_SECRET), or for one provider as C(RIMO3_CLIENT_SECRET), C(CIMCLOUD_AUTH_KEY), C(JIM2_BASE_URL) or
    C(BEYONDTRUST_CLIENT_ID). The order is task, C(module_defaults), O(account), provider's variable, C(APIOPS_) variable.
  - Secrets need no C(no_log). They are never printed, in no form and at no verbosity.
"""
