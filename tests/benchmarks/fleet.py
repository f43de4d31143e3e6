# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goals 1 to 3: what a fleet waits for, at 10 forks, on local hosts."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.apiops.access.plugins.module_utils._arguments import SHARED_SPEC, account_from
from ansible_collections.apiops.access.plugins.module_utils._operations.oauth_token import request_token
from ansible_collections.apiops.access.plugins.plugin_utils._options import validated

from ..sandbox.server import SandboxHandle
from .measurement import Row, Samples, alternate, ratio_row
from .peers import TEST_PATHS, VENDORS, expert_tasks, naive_tasks, token_task
from .playbooks import FORKS, Play, Playbooks, Timing

MANY = 10**9


def open_gates(sandbox: SandboxHandle) -> None:
    """Lift the vendors' limits, which would otherwise be what is measured."""
    limits = ("cimcloud_per_second", "cimcloud_per_window", "jim2_licences", "beyondtrust_per_second")
    more = ("beyondtrust_per_hour", "beyondtrust_tokens")
    sandbox.control("POST", "/limits", dict.fromkeys((*limits, *more), MANY))


def variables(sandbox: SandboxHandle) -> dict[str, t.Any]:
    """The accounts, as the collection takes them and as the peers' tasks do."""
    accounts = {vendor: sandbox.account(vendor) for vendor in VENDORS}
    # The sandbox's limits are lifted, and so is the pace that would keep to them.
    return {"api_accounts": [{**account, "rate_limit": False} for account in accounts.values()], "a": accounts}


class Fleet:
    """The plays that are compared."""

    def __init__(self, folder: Path, sandbox: SandboxHandle) -> None:
        self.sandbox = sandbox
        self.playbooks = Playbooks(folder, variables(sandbox))
        self.timings: dict[tuple[str, int], list[Timing]] = {}

    def run(self, name: str, play: Play, hosts: int) -> Timing:
        timing = self.playbooks.run(play, hosts)
        self.timings.setdefault((name, hosts), []).append(timing)
        return timing

    def task(self, name: str, task: t.Mapping[str, t.Any], hosts: int) -> t.Callable[[], float]:
        """A play of one task; what counts is the task."""
        named = {"name": name, **{key: value for key, value in task.items() if key != "name"}}
        return lambda: self.run(name, {"tasks": [named]}, hosts).tasks[name]

    def whole(self, name: str, play: Play, hosts: int) -> t.Callable[[], float]:
        """A play; what counts is the whole run, from the command to the prompt."""
        return lambda: self.run(name, play, hosts).whole

    def token_requests(self, run: t.Callable[[], float]) -> int:
        """How many tokens a run requested."""
        self.sandbox.control("POST", "/counters/reset")
        run()
        counters = self.sandbox.counters()
        return sum(counters[vendor]["token_requests"] for vendor in VENDORS)


VALIDATION = "apiops.access.validate"
DEBUG = {"ansible.builtin.debug": {"msg": "nothing"}}
PING = {"tasks": [{"name": "ping", "ansible.builtin.ping": {}}]}
TOKEN = {"apiops.access.oauth_token": {"account": "rimo3"}}


def warm_token(fleet: Fleet, rounds: int) -> list[Row]:
    """Goal 1."""
    hosts = 200
    ours = fleet.task("oauth_token", TOKEN, hosts)
    ours()  # the one that requests the token
    found = alternate(rounds, {"ours": ours, "debug": fleet.task("debug", DEBUG, hosts)})
    peer = alternate(1, {"uri": fleet.task("uri", token_task("rimo3"), hosts)})["uri"]
    detail = f"{_seconds(found['ours'])}, debug {_seconds(found['debug'])}, {hosts} hosts"
    slower = peer.median / found["ours"].median
    return [
        ratio_row(1, "oauth_token, warm : debug", found["ours"], found["debug"], 1.3, detail=detail),
        Row(1, "uri token task : oauth_token, warm", slower, "x", 15, at_least=True, detail=f"uri {_seconds(peer)}"),
    ]


def bare_calls(sandbox: SandboxHandle) -> dict[str, t.Any]:
    """What no module with requests can do without: the same calls with tokens at hand, and nothing else."""
    calls = []
    for vendor in VENDORS:
        options = sandbox.account(vendor)
        account = account_from(validated(SHARED_SPEC, without_name(options), vendor), name=vendor)
        token = request_token(account, None)
        path = TEST_PATHS[vendor].format(site=options.get("site"))
        calls.append({"url": f"{options['base_url']}/{path}", "authorization": token.authorization})
    arguments = {"calls": calls, "ca_path": sandbox.config["ca_path"]}
    # With the faster way to the host that the collection's own modules take.
    return {"tasks": [{"name": "bare calls", "bare_calls": arguments, "vars": {"ansible_pipelining": True}}]}


def without_name(account: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {option: value for option, value in account.items() if option != "name"}


def validation(fleet: Fleet, rounds: int) -> list[Row]:
    """Goal 2."""
    hosts = 40
    ours = fleet.whole("validation", VALIDATION, hosts)
    forget = Path(fleet.playbooks.folder) / "ansible_home" / "apiops_access"
    requested = _cold(forget, lambda: fleet.token_requests(ours))
    found = alternate(
        rounds,
        {
            "ours": ours,
            "ping": fleet.whole("ping", PING, hosts),
            "floor": fleet.whole("floor", bare_calls(fleet.sandbox), hosts),
        },
    )
    peers = alternate(
        max(1, rounds // 3),
        {
            "naive": fleet.whole("naive", {"tasks": naive_tasks()}, hosts),
            "expert": fleet.whole("expert", {"tasks": expert_tasks()}, hosts),
        },
    )
    detail = f"{_seconds(found['ours'])}, ping {_seconds(found['ping'])}, {hosts} hosts x {len(VENDORS)} accounts"
    title = "validation"
    return [
        ratio_row(2, f"{title} : ping", found["ours"], found["ping"], 1.4, detail=detail),
        Row(
            2,
            "the least: ping with requests and the calls : ping",
            found["floor"].median / found["ping"].median,
            "x",
            detail=_seconds(found["floor"]),
        ),
        _slower(2, f"naive uri : {title}", peers["naive"], found["ours"], 6),
        _slower(2, f"expert uri : {title}", peers["expert"], found["ours"], 3),
        Row(2, "token requests of a cold validation, an account", requested / len(VENDORS), "requests", 1),
    ]


def growth(fleet: Fleet, rounds: int) -> list[Row]:
    """Goal 3: the same with ten times the hosts."""
    few, many = 40, 400
    found = alternate(
        rounds,
        {
            "few": fleet.whole("validation", VALIDATION, few),
            "many": fleet.whole("validation", VALIDATION, many),
            "start": fleet.whole("start", {"tasks": [DEBUG]}, 1),
        },
    )
    start = found["start"].median
    a_host = {name: Samples(tuple((value - start) / hosts for value in found[name].values))
              for name, hosts in (("few", few), ("many", many))}  # fmt: skip
    peaks = {hosts: max(timing.peak_kb for timing in fleet.timings["validation", hosts]) for hosts in (few, many)}
    memory = (peaks[many] - peaks[few]) / (many - few)
    detail = f"{a_host['many'].median * 1000:.0f} ms a host of {many}, {a_host['few'].median * 1000:.0f} ms of {few}"
    return [
        ratio_row(3, f"cost a host, {many} : {few} hosts", a_host["many"], a_host["few"], 1.1, detail=detail),
        Row(3, "controller's memory, a host", memory, "kB", 100, detail=f"{peaks[few]} kB, {peaks[many]} kB"),
    ]


def ceiling(sandbox: SandboxHandle, seconds: float = 3.0, clients: int = FORKS) -> Row:
    """What the sandbox answers at most, on connections that are kept."""
    url = urlsplit(sandbox.account("rimo3")["base_url"])
    context = ssl.create_default_context(cafile=sandbox.config["ca_path"])
    counts = [0] * clients
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        connection = http.client.HTTPSConnection(str(url.hostname), url.port, context=context)
        while time.perf_counter() < end:
            connection.request("GET", f"{url.path}/api/v2/connect/test")
            connection.getresponse().read()
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Row(0, f"the sandbox's own ceiling, {clients} clients", sum(counts) / seconds, "requests a second")


def _slower(number: int, title: str, peer: Samples, ours: Samples, limit: float) -> Row:
    return Row(number, title, peer.median / ours.median, "x", limit, at_least=True, detail=_seconds(peer))


def _cold(folder: Path, measure: t.Callable[[], int]) -> int:
    for path in folder.glob("*"):
        if path.is_file():
            path.unlink()
    return measure()


def _seconds(samples: Samples) -> str:
    return f"{samples.median:.2f} s (+-{samples.spread:.2f})"
