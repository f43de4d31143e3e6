# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts with their own addresses, for a test that runs as root on Linux, and everything that a run leaves on them.

A host is a network namespace with an address on one bridge, process and mount namespaces, and an sshd. Its root is a
copy-on-write layer over this machine's, so that whatever a run writes there is in that host's own layer, and installing
a package changes nothing but that. All of it lives in the namespaces of one process: when that ends, also because the
tests were killed, nothing of the host is left. Only the bridge outlives its owner, and the next run removes it.

The machine's own temporary files, and with them what only the controller knows, cannot be seen from a host.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import hashlib
import importlib.util
import io
import ipaddress
import itertools
import json
import os
import re
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

PYTHON = "/usr/bin/python3"
"""The system's own Python, which a host can be without ``requests`` for."""

_PROGRAMS = ("bash", "chroot", "dpkg", "ip", "mount", "setpriv", "ssh", "sshd", "tee", "unshare", PYTHON)
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
_BRIDGE = "apiops"
# RFC 2544 sets these aside for tests of networks.
_RANGE = ipaddress.ip_network("198.18.0.0/15")
_HOME = "/home/manager"
_SETTINGS = "/etc/apiops"
_RECORDED = "/run/recorded"
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_DEVICE_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd"} | {
    name: f"/proc/self/fd/{number}" for number, name in enumerate(("stdin", "stdout", "stderr"))
}
_SFTP_CLOSE, _SFTP_WRITE = 4, 6
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{64,}")
_WITHIN = 20.0
_PAUSE = 0.004

_UNSHARE = (
    "setpriv", "--pdeathsig", "KILL", "--",
    "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private", "--",
    "sh", "-euc",
)  # fmt: skip

# What has to work: one file system over another, through which this Python can be seen, and a bridge with links.
_TRIAL = """
mount -t tmpfs apiops "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
ip link add apiops type bridge
ip link add one type veth peer name other
chroot "$1/root" "$2" -c "import requests"
"""

_HOST = f"""
folder=$1 address=$2 unreachable=$3 bare=$4 sshd=$5 python=$6
echo "$0" > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=0755 apiops "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root" "$folder/recorded"
echo mounted
read -r _
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
mount -t proc proc "$folder/root/proc"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$folder/root/dev/pts"
mount --bind "$folder/recorded" "$folder/root{_RECORDED}"
[ -z "$python" ] || {{ mkdir -p "$folder/root$python"; mount --bind -o ro "$python" "$folder/root$python"; }}
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up
[ -z "$unreachable" ] || ip route add unreachable "$unreachable"
[ -z "$bare" ] || chroot "$folder/root" sh -c '
  dpkg --remove --force-depends python3-requests >/dev/null 2>&1 || true
  while place=$({PYTHON} -c "import os, requests; print(os.path.dirname(requests.__file__))" 2>/dev/null)
  do rm -r "$place" || exit 1
  done'
echo connected
exec chroot "$folder/root" "$sshd" -D -e -f {_SETTINGS}/sshd_config
"""

# sshd runs this in place of what was asked for. It keeps all that arrives in clear: the command, and its whole input,
# also of file transfers. On the wire the same is encrypted, so that there is nothing to search for.
_RECORD = f"""#!/bin/bash
session={_RECORDED}/$$
printf %s "$SSH_ORIGINAL_COMMAND" > "$session.command"
exec sh -c "$SSH_ORIGINAL_COMMAND" < <(exec tee -p "$session.input" 2>/dev/null)
"""

_SSHD_CONFIG = """
ListenAddress {address}:22
HostKey {settings}/host_key
AuthorizedKeysFile {settings}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PermitUserRC no
PidFile none
LogLevel ERROR
MaxStartups 100
Subsystem sftp {sftp_server}
ForceCommand {settings}/record
"""


def missing() -> str:
    """What hosts with addresses of their own need and this machine does not have; empty where all is there."""
    if sys.platform != "linux":
        return "hosts with their own addresses are made of Linux namespaces"
    if os.geteuid() != 0:
        return "hosts with their own addresses are made by root alone"
    absent = [program for program in _PROGRAMS if _program(program) is None]
    absent += [name for name, found in (("sftp-server", _sftp_server()), ("libfaketime", _faketime())) if not found]
    if absent:
        return f"hosts with their own addresses need {', '.join(absent)}"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*_UNSHARE, _TRIAL, "trial", folder, sys.executable],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    return f"hosts with their own addresses cannot be made here: {done.stderr.strip()}" if done.returncode else ""


def _program(name: str) -> str | None:
    # A user's own PATH need not have what only root uses.
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin")


def _sftp_server() -> str | None:
    return next((path for path in _SFTP_SERVERS if Path(path).exists()), None)


def _faketime() -> str | None:
    return next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


# The network


@dataclasses.dataclass(frozen=True)
class Network:
    """A bridge. ``controller``: this machine's address on it. ``api``: a second one, for the server alone.

    Two, so that a host can be kept from the server and still be reached by the controller.
    """

    bridge: str
    prefix: ipaddress.IPv4Network
    numbers: t.Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(11), repr=False)

    @property
    def controller(self) -> str:
        return str(self.prefix[1])

    @property
    def api(self) -> str:
        return str(self.prefix[2])

    @property
    def controller_at_api(self) -> str:
        """The address that the server sees this machine by."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((self.api, 9))
            return str(probe.getsockname()[0])

    def next_address(self) -> str:
        """One that nobody has had before."""
        return str(self.prefix[next(self.numbers)])


@contextlib.contextmanager
def network() -> t.Iterator[Network]:
    """A bridge of this process's own."""
    remove_leftovers()
    made = Network(f"{_BRIDGE}{os.getpid()}", _free_prefix())
    _ip("link", "add", made.bridge, "type", "bridge")
    try:
        for address in (made.controller, made.api):
            _ip("address", "add", f"{address}/{made.prefix.prefixlen}", "dev", made.bridge)
        _ip("link", "set", made.bridge, "up")
        yield made
    finally:
        _ip("link", "delete", made.bridge)


def remove_leftovers() -> None:
    """Remove the bridges of processes that were killed. Their hosts ended with them."""
    for link in json.loads(_ip("-json", "link")):
        owner = re.fullmatch(rf"{_BRIDGE}(\d+)", link["ifname"])
        if owner and not Path("/proc", owner[1]).exists():
            _ip("link", "delete", link["ifname"])


def _free_prefix() -> ipaddress.IPv4Network:
    """One that no interface has; by the process's number, so that two at a time do not choose the same."""
    taken = [
        ipaddress.ip_network((each["local"], each["prefixlen"]), strict=False)
        for link in json.loads(_ip("-4", "-json", "address"))
        for each in link["addr_info"]
    ]
    prefixes = list(_RANGE.subnets(new_prefix=24))
    start = os.getpid() % len(prefixes)
    free = (
        each
        for each in prefixes[start:] + prefixes[:start]
        if isinstance(each, ipaddress.IPv4Network) and not any(each.overlaps(other) for other in taken)
    )
    return next(free)


def _ip(*arguments: str) -> str:
    done = subprocess.run([_program("ip") or "ip", *arguments], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


# The hosts


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a host is to be like.

    :ivar reaches_api: whether it has a way to the server
    :ivar has_requests: whether its Python has ``requests``; if not, it is the system's own Python
    :ivar clock: seconds that its clock is ahead
    :ivar files: what else is there, by absolute path
    """

    name: str
    reaches_api: bool = True
    has_requests: bool = True
    clock: int = 0
    files: t.Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def python(self) -> str:
        return sys.executable if self.has_requests else PYTHON


@dataclasses.dataclass(frozen=True)
class Host:
    """A running host. ``folder``: where its layers are, in its own mount namespace."""

    plan: Plan
    address: str
    folder: Path
    process: subprocess.Popen[bytes]
    key: bytes = dataclasses.field(repr=False)
    public_key: str

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def layers(self) -> Path:
        """The same folder, as it can be opened from here."""
        return Path(f"/proc/{self.process.pid}/root{self.folder}")

    @property
    def written(self) -> Path:
        """Everything that was ever written on the host and not removed."""
        return self.layers / "upper"

    @property
    def recorded(self) -> Path:
        """What arrived by ssh; apart from the host's files."""
        return self.layers / "recorded"

    @property
    def proc(self) -> Path:
        """The host's own /proc, which has its processes alone. Number 1 is its sshd."""
        return self.layers / "root" / "proc"

    def processes(self) -> list[str]:
        return [name for name in os.listdir(self.proc) if name.isdigit()]

    def run(self, *command: str) -> str:
        """Run a command on the host, by no connection, and return what it prints."""
        first = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().strip()
        done = subprocess.run(
            ["nsenter", "--target", first, "--net", "--mount", "--uts", "--pid", "--root", "--wd", "--", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} on {self.name}: {done.stdout}{done.stderr}")
        return done.stdout


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Running hosts, and how to get at them. ``folder``: the controller's key, and the hosts that it knows."""

    network: Network
    folder: Path
    hosts: t.Mapping[str, Host]

    def inventory(self, path: Path, absent: t.Sequence[str] = ()) -> Path:
        """Write an inventory. ``absent``: hosts at whose addresses nobody is."""
        ssh = {
            "ansible_connection": "ssh",
            "ansible_user": "root",
            "ansible_remote_tmp": "~/.ansible/tmp",
            "ansible_ssh_private_key_file": str(self.folder / "key"),
            # Neither the user's own settings nor connections that outlive the run.
            "ansible_ssh_args": "-F none -o ControlMaster=no -o ControlPath=none -o IdentitiesOnly=yes",
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.folder / 'known_hosts'} "
            "-o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes",
        }
        hosts: dict[str, dict[str, t.Any]] = {
            host.name: {"ansible_host": host.address, "ansible_python_interpreter": host.plan.python}
            for host in self.hosts.values()
        }
        for name in absent:
            hosts[name] = {"ansible_host": self.network.next_address(), "ansible_ssh_timeout": 1}
        path.write_text(json.dumps({"all": {"children": {"fleet": {"hosts": hosts, "vars": ssh}}}}))
        return path


@contextlib.contextmanager
def running(network: Network, folder: Path, plans: t.Iterable[Plan]) -> t.Iterator[Fleet]:
    """Hosts that accept connections by ssh, until the end. ``folder``: an empty one for keys, logs and mount points."""
    key, public_key = _key_pair()
    _write(folder / "key", key, 0o600)
    with contextlib.ExitStack() as stack:
        hosts = {plan.name: stack.enter_context(_started(network, folder / plan.name, plan)) for plan in plans}
        for host in hosts.values():
            _furnish(host, public_key)
            link = f"{_BRIDGE[:2]}{os.getpid()}-{host.address.rpartition('.')[2]}"
            peer = ("peer", "name", "eth0", "netns", str(host.process.pid))
            _ip("link", "add", link, "master", network.bridge, "up", "type", "veth", *peer)
            stream = t.cast("t.IO[bytes]", host.process.stdin)
            stream.write(b"furnished\n")
            stream.flush()
        for host in hosts.values():
            _expect(host, "connected")
            _wait(functools.partial(_accepts, host), f"{host.name} does not accept connections")
        known = "".join(f"{host.address} {host.public_key}\n" for host in hosts.values())
        _write(folder / "known_hosts", known.encode(), 0o600)
        yield Fleet(network, folder, hosts)


@contextlib.contextmanager
def _started(network: Network, folder: Path, plan: Plan) -> t.Iterator[Host]:
    """The namespaces of a host, with nothing in them. They end with their first process, and that with this one."""
    folder.mkdir()
    address = network.next_address()
    unreachable = "" if plan.reaches_api else network.api
    bare = "" if plan.has_requests else "bare"
    # This Python can be where the machine's temporary files are, which a host does not see.
    python = sys.prefix if sys.prefix.startswith(("/tmp/", "/var/tmp/", "/run/", "/dev/")) else ""
    arguments = (_HOST, plan.name, str(folder), address, unreachable, bare, _program("sshd") or "", python)
    with _log(folder).open("wb") as log:
        process = subprocess.Popen([*_UNSHARE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    with process:
        try:
            host = Host(plan, address, folder, process, *_key_pair())
            _expect(host, "mounted")
            yield host
        finally:
            process.kill()


def _log(folder: Path) -> Path:
    return folder.with_suffix(".log")


def _furnish(host: Host, public_key: str) -> None:
    """Write what makes the host itself into its own layer."""
    for empty, mode in (("dev", 0o755), ("run", 0o755), ("tmp", 0o1777), ("var/tmp", 0o1777)):
        folder = host.written / empty
        folder.mkdir(parents=True)
        folder.chmod(mode)
        # What the machine has below it is not there for the host.
        os.setxattr(folder, "trusted.overlay.opaque", b"y")
    for device, number in _DEVICES.items():
        node = host.written / "dev" / device
        os.mknod(node, stat.S_IFCHR, os.makedev(*number))
        node.chmod(0o666)
    for link, place in _DEVICE_LINKS.items():
        (host.written / "dev" / link).symlink_to(place)
    for name, mode in (("dev/pts", 0o755), ("dev/shm", 0o1777), ("run/sshd", 0o755), (_RECORDED[1:], 0o755)):
        (host.written / name).mkdir()
        (host.written / name).chmod(mode)
    (host.written / _HOME[1:]).mkdir(mode=0o700, parents=True)
    config = _SSHD_CONFIG.format(address=host.address, settings=_SETTINGS, sftp_server=_sftp_server())
    if host.plan.clock:
        config += f"SetEnv LD_PRELOAD={_faketime()} FAKETIME={host.plan.clock:+d} DONT_FAKE_MONOTONIC=1\n"
    users = Path("/etc/passwd").read_text().splitlines(keepends=True)
    manager = f"root:x:0:0:root:{_HOME}:/bin/sh\n"
    files = {
        # With a home of its own, and an account that is not locked.
        "/etc/passwd": (manager + "".join(user for user in users if not user.startswith("root:"))).encode(),
        "/etc/shadow": b"root:*:20000:0:99999:7:::\n",
        f"{_SETTINGS}/sshd_config": config.encode(),
        f"{_SETTINGS}/host_key": host.key,
        f"{_SETTINGS}/authorized_keys": public_key.encode(),
        f"{_SETTINGS}/record": _RECORD.encode(),
        **host.plan.files,
    }
    modes = {"/etc/passwd": 0o644, f"{_SETTINGS}/host_key": 0o600, "/etc/shadow": 0o600, f"{_SETTINGS}/record": 0o755}
    for name, content in files.items():
        path = host.written / name[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content, modes.get(name, 0o644))


def _key_pair() -> tuple[bytes, str]:
    """A private and a public key, as OpenSSH writes them."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, public.decode()


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(content)


def _expect(host: Host, word: str) -> None:
    """Wait until the host's own script has come so far."""
    if t.cast("t.IO[bytes]", host.process.stdout).readline() != f"{word}\n".encode():
        raise RuntimeError(f"{host.name} did not come up: {_log(host.folder).read_text()}")


def _accepts(host: Host) -> bool:
    if host.process.poll() is not None:
        raise RuntimeError(f"{host.name} ended: {_log(host.folder).read_text()}")
    with contextlib.suppress(OSError), socket.create_connection((host.address, 22), timeout=1):
        return True
    return False


def _wait(until: t.Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not until():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(_PAUSE)


# What the package manager of a host has

_REPOSITORY = "/srv/packages"
_MODULES = "/usr/share/python3-requests"
_LIBRARIES = ("certifi", "charset_normalizer", "idna", "requests", "urllib3")


def without_apt() -> str:
    """What a host's package manager needs and this machine does not have; empty where all is there."""
    absent = [program for program in ("apt-get", "dpkg-deb") if _program(program) is None]
    if subprocess.run([PYTHON, "-c", "import apt"], capture_output=True, timeout=30, check=False).returncode:
        absent.append(f"the module apt of {PYTHON}")
    return f"installing a package on a host needs {', '.join(absent)}" if absent else ""


def repository(folder: Path) -> dict[str, bytes]:
    """Files of a host: a repository that apt finds alone, with a package python3-requests. ``folder``: an empty one.

    The package has what this very process imports, so that no network is needed to make it, or to install it.
    """
    tree = folder / "tree"
    for name in _LIBRARIES:
        origin = t.cast("t.Any", importlib.util.find_spec(name)).origin
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(Path(origin).parent, tree / _MODULES[1:] / name, ignore=ignored)
    pth = tree / "usr/lib/python3/dist-packages/apiops-requests.pth"
    pth.parent.mkdir(parents=True)
    # First, so that the system's own libraries do not mix with these.
    pth.write_text(f"import sys; sys.path.insert(0, {_MODULES!r})\n")
    control = "Package: python3-requests\nVersion: 99\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\n"
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(f"{control}Description: HTTP library\n")
    package = folder / "package.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(package)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    content = package.read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    index = f"{control}Filename: ./package.deb\nSize: {len(content)}\nSHA256: {checksum}\nDescription: HTTP library\n"
    settings = (
        f'Dir::Etc::SourceList "{_REPOSITORY}/sources.list";\nDir::Etc::SourceParts "-";\n'
        f'Dir::State::Lists "{_REPOSITORY}/lists";\n'
    )
    return {
        f"{_REPOSITORY}/package.deb": content,
        f"{_REPOSITORY}/Packages": index.encode(),
        f"{_REPOSITORY}/sources.list": f"deb [trusted=yes] file:{_REPOSITORY} ./\n".encode(),
        f"{_REPOSITORY}/lists/partial/.keep": b"",
        "/etc/apt/apt.conf.d/zz-only-this": settings.encode(),
    }


# What a run leaves on them

Traces = t.Dict[str, t.Dict[str, bytes]]  # noqa: UP006
"""By host, and by where it was seen: all that arrived, every process's arguments and environment, and every file."""


@contextlib.contextmanager
def watched(fleet: Fleet) -> t.Iterator[Traces]:
    """Everything that happens on the hosts from here on; complete at the end."""
    traces: Traces = {}
    seen: dict[str, set[bytes]] = {name: set() for name in fleet.hosts}
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for name, host in fleet.hosts.items():
                seen[name] |= set(_process_list(host))
            over.wait(_PAUSE)

    for host in fleet.hosts.values():
        for path in host.recorded.iterdir():
            path.unlink()
    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield traces
        for host in fleet.hosts.values():
            # What still runs may still write.
            _wait(lambda host=host: host.processes() == ["1"], f"on {host.name} something does not end")  # type: ignore[misc]
    finally:
        over.set()
        watch.join()
    for name, host in fleet.hosts.items():
        traces[name] = {"its process list": b"\n".join(sorted(seen[name])), **_sessions(host), **_files(host)}


def _process_list(host: Host) -> t.Iterator[bytes]:
    for number in host.processes():
        for part in ("cmdline", "environ"):
            # It may have ended since.
            with contextlib.suppress(OSError):
                yield (host.proc / number / part).read_bytes()


def _sessions(host: Host) -> dict[str, bytes]:
    """What each session brought, and the files that came by SFTP, put together from their packets."""
    found = {f"what arrived as {path.name}": path.read_bytes() for path in sorted(host.recorded.iterdir())}
    for name, content in list(found.items()):
        command = found.get(f"{name.removesuffix('.input')}.command", b"")
        if name.endswith(".input") and command == str(_sftp_server()).encode():
            found.update({f"{name}, file {number}": file for number, file in enumerate(transferred(content))})
    return found


def transferred(packets: bytes) -> t.Iterator[bytes]:
    """The files that an SFTP client writes (draft-ietf-secsh-filexfer-02: packets of length, type and fields)."""
    files: dict[bytes, bytearray] = {}
    position = 0
    while position + 5 <= len(packets):
        length, kind = struct.unpack_from(">IB", packets, position)
        body = packets[position + 5 : position + 4 + length]
        position += 4 + length
        if kind not in (_SFTP_CLOSE, _SFTP_WRITE):
            continue
        handle, rest = _sftp_string(body[4:])
        if kind == _SFTP_CLOSE:
            yield bytes(files.pop(handle, b""))
            continue
        (offset,) = struct.unpack_from(">Q", rest)
        data, _rest = _sftp_string(rest[8:])
        file = files.setdefault(handle, bytearray())
        file.extend(bytes(max(0, offset + len(data) - len(file))))
        file[offset : offset + len(data)] = data
    yield from (bytes(file) for file in files.values())


def _sftp_string(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    return data[4 : 4 + length], data[4 + length :]


def _files(host: Host) -> dict[str, bytes]:
    """Every file that was written on the host and is still there."""
    paths = [path for path in sorted(host.written.rglob("*")) if path.is_file() and not path.is_symlink()]
    return {f"the file /{path.relative_to(host.written)}": path.read_bytes() for path in paths}


@functools.lru_cache(maxsize=512)
def unpacked(data: bytes, depth: int = 3) -> tuple[bytes, ...]:
    """The data, and what is in it as Base64, as a zip archive or escaped, also one in the other: as modules travel."""
    found = [data]
    if depth:
        inner = [part for run in _BASE64.findall(data) for part in _decoded(run)]
        start = data.find(b"PK\3\4")
        if start >= 0:
            # The end of one, as a packet has it, is no archive (ValueError); the whole is searched as a file.
            whole = io.BytesIO(data[start:])
            with contextlib.suppress(zipfile.BadZipFile, ValueError), zipfile.ZipFile(whole) as archive:
                inner += [archive.read(name) for name in archive.namelist()]
        if b"\\\\" in data and b"\0" not in data:
            # The arguments of a module are JSON within a literal of Python.
            inner.append(data.replace(b"\\\\", b"\\"))
        for part in inner:
            found += unpacked(part, depth - 1)
    return tuple(found)


def _decoded(run: bytes) -> t.Iterator[bytes]:
    """What stands before Base64 can look as if it belonged to it."""
    plain = run.translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        part = plain[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        yield base64.b64decode(part + b"=" * (-len(part) % 4))
