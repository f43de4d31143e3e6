# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to check the server's certificate. Do not turn this off where a secret is worth anything; set O(ca_path).
    type: bool
    default: true
  ca_path:
    description:
      - A file or folder with the certificate authorities to trust.
      - A file that the controller has is sent along to the hosts that call the API. A folder, or a file that the controller
        does not have, must be on each of them.
      - It goes before O(ca_data) and the environment's E(REQUESTS_CA_BUNDLE).
    type: path
  ca_data:
    description:
      - The certificate authorities to trust, as text (PEM).
    type: str
  client_cert:
    description:
      - A file with the client certificate (PEM) for servers that ask for one, on every machine that calls the API.
    type: path
  client_key:
    description:
      - A file with the key (PEM) of O(client_cert), where it is not in the same file.
    type: path
  timeout:
    description:
      - How long (seconds) each try of a call can take as a whole. That is to find the server's address, to connect, to send,
        and to get all of the answer. The addresses of one name share the time.
      - Large bodies that are sent, and answers that are written to a file, can take longer as a whole, as long as 256 KiB of
        them get through in each such time.
      - All tries of a call together take at most O(retries) + 1 times as long, and the pauses between them. A pause that the
        server asks for is at most 30 seconds; a longer one is reported instead.
      - Through a SOCKS proxy it holds for each step alone.
    type: float
    default: 15.0
  retries:
    description:
      - How often a call is repeated after a failed connection, and, where it only reads, after the statuses 429, 502, 503
        and 504. A token request is repeated only where it did not reach the server, or the server says that it did not act, by
        status 429 or by C(Retry-After). Refused credentials are never tried again.
    type: int
    default: 2
  proxy:
    description:
      - The URL of the proxy to use. Not set, the environment's E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) hold.
    type: str
  allow_http:
    description:
      - Allow plain C(http) to other machines than this one. It shows the credentials to the network.
    type: bool
    default: false
"""
