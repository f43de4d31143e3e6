# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""Call an API with an account's token: one exchange, by the rules of its provider."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import tempfile
import time
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlencode

from ansible.module_utils.basic import AnsibleModule

from .._body import form_pairs, request_body
from .._errors import KINDS, AccessError, ConfigurationError, TransportError
from .._http import HttpRequest, HttpResponse, printable_url
from .._model import Account, RateNotice, Token
from .._providers._base import Provider
from .._providers._registry import PROVIDERS, open_provider
from .._xml import local_name, parse_xml, xml_data

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

# What the module itself decides on (RFC 9110), so that no token goes astray and no connection is kept.
_OWN_HEADERS = (
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "proxy-authorization",
    "transfer-encoding",
)

# What an answer can have that opens something.
_SECRET_HEADERS = ("authorization", "proxy-authorization", "set-cookie", "set-cookie2")

_HASHES = ("sha256", "sha384", "sha512", "sha1", "md5")


@dataclasses.dataclass(frozen=True)
class ApiCall:
    """What to call, below base_url. ``read_only`` says what the method alone may not: whether it changes anything.

    ``dest`` is the file that a success is written to, by the machine that calls.
    """

    path: str
    method: str = "GET"
    query: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: t.Any = None
    body_format: str = "json"
    src: str | None = None
    read_only: bool | None = None
    status_code: tuple[int, ...] = ()
    return_content: bool = False
    paginate: bool = False
    dest: str | None = None
    checksum: str | None = None
    backup: bool = False
    mode: t.Any = None
    owner: str | None = None
    group: str | None = None
    check_mode: bool = False

    def to_options(self) -> dict[str, t.Any]:
        """The options that describe it, for the way to a host."""
        options = {**dataclasses.asdict(self), "status_code": list(self.status_code)}
        del options["check_mode"]  # which Ansible itself tells the module
        return {option: value for option, value in options.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class ApiAnswer:
    """What came of a call. ``error`` says why it failed, in words that can be shown; None for a success.

    :ivar rejected: the server did not accept the token
    :ivar acted: the server can have done what was asked; False where it is known that it has not
    :ivar next_path: the path of the next page, if there is one
    :ivar file: what became of ``dest``: changed, checksum (SHA-256), size (bytes), backup_file
    """

    status: int
    url: str
    headers: t.Mapping[str, str]
    elapsed_ms: int
    document: t.Any = None
    xml: t.Any = None
    content: str | None = None
    error: str | None = None
    kind: str | None = None
    code: str | None = None
    retry_after: float | None = None
    rejected: bool = False
    acted: bool = True
    next_path: str | None = None
    file: t.Mapping[str, t.Any] | None = None
    rate: t.Mapping[str, t.Any] | None = None

    def to_text(self) -> str:
        """All fields, for the way back from a host: as text, since Ansible reads more from some names than we mean."""
        return json.dumps(dataclasses.asdict(self))


def api_call(params: t.Mapping[str, t.Any], *, check_mode: bool = False) -> ApiCall:
    """The call that validated options describe. Raises ConfigurationError before anything is sent."""
    fields = {field.name for field in dataclasses.fields(ApiCall)} - {"check_mode"}
    given = {field: params[field] for field in fields if params.get(field) is not None}
    given["status_code"] = tuple(given.get("status_code") or ())
    given["headers"] = {str(name): str(value) for name, value in (given.get("headers") or {}).items()}
    call = ApiCall(**given, check_mode=check_mode)
    if not call.path.isprintable() or "://" in call.path.split("?")[0] or "#" in call.path or " " in call.path:
        raise ConfigurationError(
            "path must be the part of the URL behind base_url, such as /api/v1/items?active=true, with special "
            "characters encoded. Where to send the token is said by base_url alone."
        )
    for name, value in call.headers.items():
        if name.lower() in _OWN_HEADERS:
            raise ConfigurationError(f"headers has {name}, which this module sets itself. Take it out.")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[ -~\t]*", value):
            raise ConfigurationError("headers has a name or a value with characters that no header can have.")
    if call.src is not None and call.body is not None:
        raise ConfigurationError("src and body exclude each other. Take one out.")
    if call.dest and (call.paginate or call.method == "HEAD"):
        raise ConfigurationError("dest keeps one answer as it is, and cannot be used with paginate or method: HEAD.")
    if call.paginate and call.method != "GET":
        raise ConfigurationError("paginate is for method: GET.")
    if call.checksum and not re.fullmatch(rf"({'|'.join(_HASHES)}):[0-9A-Fa-f]{{32,128}}", call.checksum):
        raise ConfigurationError(f"checksum must be ALGORITHM:HEX, with one of {', '.join(_HASHES)}.")
    if not call.dest and any(value is not None for value in (call.checksum, call.mode, call.owner, call.group)):
        raise ConfigurationError("checksum, mode, owner and group are for dest. Set it.")
    return call


def is_safe(account: Account, call: ApiCall) -> bool:
    """Whether the call changes nothing at the vendor (RFC 9110 section 9.2.1), unless the user says which."""
    if call.read_only is not None:
        return call.read_only
    return PROVIDERS[account.provider].is_safe(call.method, call.path, call.query)


def exchange(account: Account, token: Token, call: ApiCall) -> ApiAnswer:
    """Make one call, and judge its answer. Raises AccessError where there is none, or where dest cannot be written."""
    body, content_type = request_body(call.body, call.body_format, call.src)
    with open_provider(account) as provider:
        headers = {**provider.request_headers(call.path), **({"Content-Type": content_type} if content_type else {})}
        named = {name.lower(): name for name in headers}
        for name, value in call.headers.items():  # whatever its case, a header is there once
            headers.pop(named.get(name.lower(), name), None)
            headers[name] = value
        headers["Authorization"] = token.authorization
        url = _url(provider, call)
        request = HttpRequest(call.method, url, headers, body, repeatable=is_safe(account, call), limit=LARGEST_ANSWER)
        if not call.dest:
            return _judged(provider, call, provider.transport.send(request))
        with _Download(call) as download:
            response = provider.transport.send(dataclasses.replace(request, sink=download.write))
            if response.succeeded:
                seen = dataclasses.replace(response, body=download.start)
                # An error that comes as a success is no content of a file.
                response = response if provider.stated_error(seen) is None else seen
            answer = _judged(provider, call, response)
            # Another status that the user expects is no content of a file either.
            if answer.error or not response.succeeded:
                return answer
            if _is_web_page(response, headers):
                return dataclasses.replace(
                    answer,
                    error=f"{call.method} {answer.url} was answered with a web page, which is no content of dest. "
                    "Check path and base_url: this may be a login page or a proxy. Where a page is wanted, set the "
                    "header Accept to text/html.",
                    kind="malformed_answer",
                )
            return dataclasses.replace(answer, file=download.finish(), content=None)


def _is_web_page(response: HttpResponse, headers: t.Mapping[str, str]) -> bool:
    """Whether an answer is a web page that nobody has asked for."""
    accepted = next((value for name, value in headers.items() if name.lower() == "accept"), "")
    return response.headers.get("content-type", "").lower().startswith("text/html") and "html" not in accepted


LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer that are kept in memory; more has to go to a file, by dest."""

LONGEST_START = 64 * 1024
"""Bytes of a file in which an error is looked for."""


def _url(provider: Provider, call: ApiCall) -> str:
    path, _mark, query = call.path.partition("?")
    encoded = urlencode(form_pairs(call.query))
    return provider.url(path) + ("?" if query or encoded else "") + "&".join(part for part in (query, encoded) if part)


def _judged(provider: Provider, call: ApiCall, response: HttpResponse) -> ApiAnswer:
    """The answer with what it holds, and whether it is a failure."""
    document, root, content = _content(response)
    answer = ApiAnswer(
        status=response.status,
        url=printable_url(response.url),
        headers={name: value for name, value in response.headers.items() if name not in _SECRET_HEADERS},
        elapsed_ms=response.elapsed_ms,
        document=document,
        xml=None if root is None else {local_name(root.tag): xml_data(root)},
        content=content if call.return_content or (document is None and root is None) else None,
        rate=response.rate_notice.to_dict() if response.rate_notice else None,
        retry_after=response.retry_after,
    )
    expected = response.status in call.status_code if call.status_code else response.succeeded
    stated = provider.stated_error(response) if response.succeeded else None
    if expected and stated is None:
        return dataclasses.replace(
            answer, next_path=_next_path(provider, response, document) if call.paginate else None
        )
    code, words = provider.words_of(response)
    rejected = provider.rejects_token(response)
    said = provider.redactor.server_text(stated) if stated else ": ".join(part for part in (code, words) if part)
    kind, remedy = _meaning(provider, call, response, rejected, stated is not None)
    reason = f" ({said})" if said else ""
    return dataclasses.replace(
        answer,
        error=f"{call.method} {answer.url} was answered with status {response.status}{reason}. {remedy}",
        kind=kind,
        code=code,
        rejected=rejected,
        acted=not (rejected and provider.has_not_acted(response)),
    )


def _next_path(provider: Provider, response: HttpResponse, document: t.Any) -> str | None:
    """The path of the next page below base_url. Raises TransportError where the server names another place."""
    url = provider.next_page(response, document)
    below = provider.url("")
    if url is not None and not url.startswith(below):
        raise TransportError(
            f"{printable_url(response.url)} names a next page that is not below base_url, which is not asked.",
            kind="redirect",
            retryable=False,
        )
    return url and url[len(below) :]


def _meaning(
    provider: Provider, call: ApiCall, response: HttpResponse, rejected: bool, stated: bool
) -> tuple[str, str]:
    """A word for programs, and what to do."""
    status = response.status
    if rejected:
        return "token_rejected", (
            "The server did not accept the token. It has expired or was revoked, or the account was disabled or its "
            "secret changed."
        )
    if stated:
        return "api_error", "The server calls this an error, whatever the status says."
    if status == 403:
        return "not_permitted", provider.permission_remedy(call.path)
    if status == 404:
        return "not_found", "Check path and base_url."
    if status == 429:
        after = response.retry_after
        return "rate_limited", f"Try again in {after:g} s." if after else "Try again later."
    if status >= 500:
        return "server_error", "The server has a problem. Try again later."
    if response.succeeded:
        return "unexpected_status", "status_code does not have it."
    return "refused", "Check path, query and body against the vendor's documentation."


def _content(response: HttpResponse) -> tuple[t.Any, t.Any, str | None]:
    """The answer as JSON, or as XML, and its text. Raises MalformedAnswerError for JSON that is none."""
    kind = response.headers.get("content-type", "").lower()
    document = root = None
    if response.body.strip():
        if "json" in kind and response.succeeded:
            document = response.json()
        elif not response.is_html:
            document = response.json_or_none() if response.body.lstrip()[:1] in (b"{", b"[") or "json" in kind else None
            root = parse_xml(response.body) if document is None else None
    charset = re.search(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", kind)
    try:
        encoding = codecs.lookup(charset[1] if charset else "utf-8").name
        text = response.body.decode(encoding) if _ENCODINGS.fullmatch(encoding) else None
    except (LookupError, UnicodeError):
        return document, root, None  # no text
    return document, root, text


# Those of the web (WHATWG Encoding). Python knows others, of which some take time without end, or bring about text
# that can be neither printed nor stored.
_ENCODINGS = re.compile(
    r"ascii|utf-(8|16|32)(-(le|be))?|iso8859-\d+|cp(125\d|866|874|932|949)|koi8-[ru]|gb(k|2312|18030)|big5|"
    r"(euc|shift)_(jp|jis|kr)|iso2022_jp|mac-(roman|cyrillic)"
)


_PIECES = 8
"""How many pieces of an answer are hashed at once, in a thread that has to be told."""


class _Download:
    """A file on its way: written beside its place, and put there whole when all is well."""

    def __init__(self, call: ApiCall) -> None:
        self._call = call
        self._dest = os.path.realpath(os.path.expanduser(t.cast(str, call.dest)))
        self._temporary: str | None = None
        self._file: t.IO[bytes] | None = None
        self._hashes = {"sha256": hashlib.sha256()}
        if call.checksum:
            name = call.checksum.partition(":")[0]
            self._hashes[name] = hashlib.new(name)
        # Beside the download: hashlib lets other threads run, and would take as long as all else.
        self._hashing = ThreadPoolExecutor(max_workers=1)
        self._hashed: Future[None] | None = None
        self._waiting: list[bytes] = []
        self._size = 0
        self.start = b""
        """The first bytes, in which all of a short answer is."""

    def __enter__(self) -> _Download:
        if os.path.isdir(self._dest):
            raise self._error("is a folder; name the file")
        if os.path.exists(self._dest) and not os.path.isfile(self._dest):
            raise self._error("is no regular file, and would be replaced by one")
        folder = os.path.dirname(self._dest)
        if self._call.check_mode and not os.path.isdir(folder):
            return self  # an earlier task would have made it
        try:
            self._attributes(os.stat(folder))  # what is wrong with these is told before the call is made
            if not self._call.check_mode:
                descriptor, self._temporary = tempfile.mkstemp(dir=folder, prefix=".apiops-download-")
                self._file = open(descriptor, "wb")  # closed at the exit
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_details: object) -> None:
        self._hashing.shutdown()
        if self._file:
            self._file.close()
        with contextlib.suppress(OSError, TypeError):
            os.unlink(t.cast(str, self._temporary))

    def write(self, chunk: bytes) -> None:
        """Take a piece of the answer. Raises ConfigurationError where the disk does not."""
        self._waiting.append(chunk)
        if len(self._waiting) == _PIECES:
            self._hash_waiting()
        self._size += len(chunk)
        self.start += chunk[: max(0, LONGEST_START - len(self.start))]
        if self._call.check_mode:
            return  # only to know whether it differs
        try:
            t.cast("t.IO[bytes]", self._file).write(chunk)
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from None

    def _hash_waiting(self) -> None:
        """Have the pieces that wait hashed, once those before them are."""
        if self._hashed:
            self._hashed.result()
        self._hashed, self._waiting = self._hashing.submit(self._hash, self._waiting), []

    def _hash(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            for each in self._hashes.values():
                each.update(chunk)

    def finish(self) -> dict[str, t.Any]:
        """Put the file into its place, and say what became of it. Raises ConfigurationError."""
        self._hash_waiting()
        t.cast("Future[None]", self._hashed).result()
        call, found = self._call, self._hashes["sha256"].hexdigest()
        if call.checksum:
            name, _colon, wanted = call.checksum.partition(":")
            if self._hashes[name].hexdigest() != wanted.lower():
                raise self._error("was not written: what the server sent has another checksum")
        before = _checksum(self._dest)
        result: dict[str, t.Any] = {"dest": self._dest, "checksum": found, "checksum_before": before}
        result.update(size=self._size, changed=before != found)
        try:
            if before != found and not call.check_mode:
                t.cast("t.IO[bytes]", self._file).close()
                path = t.cast(str, self._temporary)
                if before is not None:
                    was = os.stat(self._dest)
                    with contextlib.suppress(PermissionError):
                        os.chown(path, was.st_uid, was.st_gid)
                    os.chmod(path, stat.S_IMODE(was.st_mode))  # after chown, which can take bits away
                self._set_attributes(path)
                if call.backup and before is not None:
                    result["backup_file"] = f"{self._dest}.{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}~"
                    with open(self._dest, "rb") as old, open(result["backup_file"], "xb", opener=_private) as copy:
                        shutil.copyfileobj(old, copy)
                    shutil.copystat(self._dest, result["backup_file"])
                os.replace(path, self._dest)
            elif before == found:
                result["changed"] = self._set_attributes(self._dest)
        except OSError as error:
            raise self._error(f"cannot be put into its place: {error.strerror}") from None
        return result

    def _attributes(self, was: os.stat_result) -> tuple[int, int, int]:
        """The mode, the user and the group to give a file that has others; -1 leaves one. Raises ConfigurationError."""
        call = self._call
        mode = stat.S_IMODE(was.st_mode) if call.mode is None else _mode(call.mode, was)
        return mode, _owner(call.owner), _group(call.group)

    def _set_attributes(self, path: str) -> bool:
        """Give a file its mode, owner and group; whether that was, or would be, a change. Raises OSError."""
        was = os.stat(path)
        mode, user, group = self._attributes(was)
        changed = mode != stat.S_IMODE(was.st_mode) or user not in (-1, was.st_uid) or group not in (-1, was.st_gid)
        if not self._call.check_mode:
            if (user, group) != (-1, -1):
                os.chown(path, user, group)
            os.chmod(path, mode)  # after chown, which can take bits away
        return changed

    def _error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"dest '{self._dest}' {problem} (on {socket.gethostname()}).", kind="dest")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _checksum(path: str) -> str | None:
    """The SHA-256 of a file; None where there is none that can be read."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                found.update(chunk)
    except OSError:
        return None
    return found.hexdigest()


def _mode(mode: t.Any, was: os.stat_result) -> int:
    """The mode as Ansible's modules take it: octal digits, a number, or symbols. Raises ConfigurationError."""
    if isinstance(mode, int):
        return mode
    text = str(mode)
    try:
        if re.fullmatch(r"[0-7]{3,5}", text):
            return int(text, 8)
        return int(AnsibleModule._symbolic_mode_to_octal(was, text))
    except Exception:  # Ansible has no type for it
        raise ConfigurationError(
            "mode must be octal digits in quotes, such as '0600', or symbols such as u=rw,g=r."
        ) from None


def _owner(name: str | None) -> int:
    import pwd

    return _number_of(name, "owner", lambda known: pwd.getpwnam(known).pw_uid)


def _group(name: str | None) -> int:
    import grp

    return _number_of(name, "group", lambda known: grp.getgrnam(known).gr_gid)


def _number_of(name: str | None, option: str, find: t.Callable[[str], int]) -> int:
    if name is None:
        return -1
    try:
        return int(name) if name.isdigit() else find(name)
    except KeyError:
        raise ConfigurationError(f"{option} '{name}' is not known on {socket.gethostname()}.") from None


def result_of(answer: ApiAnswer, *, pages: int | None = None, items: list[t.Any] | None = None) -> dict[str, t.Any]:
    """The answer as C(api_request) returns it."""
    result: dict[str, t.Any] = {
        "status": answer.status,
        "url": answer.url,
        "headers": dict(answer.headers),
        "elapsed_ms": answer.elapsed_ms,
        "json": answer.document if items is None else items,
        "queued": answer.status == 202,
    }
    if answer.xml is not None:
        result["xml"] = answer.xml
    if answer.content is not None:
        result["content"] = answer.content
    if pages is not None:
        result["pages"] = pages
    if answer.file is not None:
        result.update({key: value for key, value in answer.file.items() if key not in ("changed", "checksum_before")})
    return result


def answer_from(text: t.Any) -> ApiAnswer:
    """The inverse of ``ApiAnswer.to_text``. Raises AccessError for anything else."""
    try:
        answer = ApiAnswer(**json.loads(text))
        if answer.kind is not None and answer.kind not in KINDS:
            raise ValueError("no kind of failure")
    except (RecursionError, TypeError, ValueError):
        raise AccessError("The module answered with something else than an answer.") from None
    return answer


def rate_notice(answer: ApiAnswer) -> RateNotice | None:
    """What the server said of its rate limit."""
    return RateNotice.from_dict(answer.rate)
