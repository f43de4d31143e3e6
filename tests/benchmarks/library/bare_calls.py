# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least that a module with requests can do: some GETs at the same time, and nothing of what came of them."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import requests
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule({"calls": {"type": "list", "elements": "dict"}, "ca_path": {"type": "path"}})

    def call(each: dict[str, t.Any]) -> int:
        headers = {"Authorization": each["authorization"]}
        return requests.get(each["url"], headers=headers, verify=module.params["ca_path"], timeout=30).status_code

    with ThreadPoolExecutor(16) as pool:
        module.exit_json(statuses=list(pool.map(call, module.params["calls"])))


if __name__ == "__main__":
    main()
