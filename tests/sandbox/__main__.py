# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m ansible_collections.apiops.access.tests.sandbox --state DIR`: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import ipaddress
import shlex
from pathlib import Path
from typing import Any

from .server import DEFAULT_ADDRESS, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description="Four vendors' access APIs on one HTTPS port.")
    parser.add_argument("--state", type=Path, required=True, help="folder for certificates, accounts and sandbox.json")
    parser.add_argument(
        "--address",
        type=ipaddress.IPv4Address,
        default=ipaddress.IPv4Address(DEFAULT_ADDRESS),
        help=f"address to listen on, which others may reach; {DEFAULT_ADDRESS} unless given",
    )
    parser.add_argument("--port", type=int, default=0, help="port on the address; a free one unless given")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    arguments = parser.parse_args()

    def announce(config: dict[str, Any]) -> None:
        print(_welcome(arguments.state.absolute(), config), flush=True)

    serve(arguments.state, arguments.port, None if arguments.quiet else announce, str(arguments.address))


def _welcome(state: Path, config: dict[str, Any]) -> str:
    folder = shlex.quote(str(state))
    urls = "\n".join(
        f"  {key:<12}{config['accounts'][key]['base_url']}" for key in ("rimo3", "cimcloud", "jim2", "beyondtrust")
    )
    return f"""The sandbox serves, until Ctrl-C:
{urls}
  {"control":<12}{config["control"]["url"]}

Credentials: {folder}/sandbox.json (all accounts, and the control secret) and {folder}/accounts.yml.

By hand (curl reads the secret from its standard input, so that it is in no process list):
  jq -r '.accounts.rimo3 | "user = \\"\\(.client_id):\\(.client_secret)\\""' {folder}/sandbox.json |
    curl --cacert {folder}/ca.pem --config - --data grant_type=client_credentials \\
      {config["accounts"]["rimo3"]["base_url"]}/api/v2/connect/token

With Ansible, from the collection's folder, with this machine as the only host:
  source .build/venv/bin/activate
  export ANSIBLE_COLLECTIONS_PATH="$PWD/.build" ANSIBLE_LOCALHOST_WARNING=false
  ansible-playbook -i localhost, -c local -e ansible_python_interpreter="$(which python)" \\
    -e @{folder}/accounts.yml apiops.access.validate"""


if __name__ == "__main__":
    main()
