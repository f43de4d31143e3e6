# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The work list of the role provision_accounts: a Markdown file of what people have to do, from run to run.

Runs and people write the same file, so it is read line by line and trusted nowhere. An item is known by the comment
below it. That also has fingerprints of the lines that a run has written: all others are a person's, and are never
thrown away. What stands below the heading "Notes" is kept as it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from ._provisioning_report import ACTIONS, CONFIRM, markdown
from ._report_text import Report, clean, counted, list_of

FORMAT = 1
MOST_DONE = 50
"""Entries under "Done", beside those that spare a person from being asked the same again."""

MARKER = f"<!-- apiops.access work list {FORMAT}"

RUN, HAND, DROPPED, LEFT = "run", "hand", "dropped", "left"
ENDINGS = {
    RUN: "done",
    HAND: "ticked by hand",
    DROPPED: "no longer wanted",
    LEFT: "no longer wanted, as its account has left the list of accounts",
}
"""How an item came off the list, by its key in the file."""

BY_HAND_STEP = "Tick it off in the work list, as no program can see it."

_HELP = (
    "A run ticks off what it finds done. Tick yourself where the last step says so. Your own lines stay, and so does "
    "all that is below the heading Notes."
)
_NOTHING = "Nothing."
_MARKED = re.compile(r"<!--\s*apiops\.access work list ([0-9]{1,9})\b([^<>]*)-->")
_COMMENT = re.compile(r"<!--\s*(\{[^<>]*\})\s*-->")
_BOX = re.compile(r"^\s*(?:[-*+]|\d+[.)])?\s*(?:\[\s*([^\]\s]?)\s*\])?\s*")
_TICKS = ("x", "X", "✓", "✔")
_NOTES = re.compile(r"(?:\A|(?<=[\r\n])) {0,3}##[ \t]+notes[ \t#]*(?:\r\n|\r|\n|\Z)", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}##\s")
_SECTIONS = ("to do", "done")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?")
# What makes a link by itself in the dialects of Markdown: addresses, and whom to mail.
_LINK_LIKE = re.compile(r"[^\s`<>&]*(?:://|www\.|@)[^\s`<>&]*", re.IGNORECASE)


class WorkListError(ValueError):
    """The file is not to be overwritten, or the report cannot be made into a work list; the message says why."""


@dataclasses.dataclass(frozen=True)
class Item:
    """One thing that a person has to do. Dates are days in UTC, such as 2026-11-20.

    :ivar id: a hash of the account, the action and, where a person confirms values, these
    :ivar by_hand: whether a tick alone ends it
    :ivar fields: the settings that are to be changed or confirmed
    :ivar reopened: when it was found to be ticked and still needed
    :ivar done: when it came off the list, and ``by`` what: a key of ENDINGS
    :ivar ticked: whether its box is, in the file
    :ivar line: its first line in the file, and ``body`` those below that a run has written
    :ivar comment: that of the file
    :ivar edited: what a person has written into the first line, if anything
    :ivar remarks: the lines that a person has added
    """

    account: str
    action: str
    id: str
    since: str
    by_hand: bool = False
    fields: tuple[str, ...] = ()
    reopened: str = ""
    done: str = ""
    by: str = ""
    ticked: bool = False
    line: str = ""
    body: tuple[str, ...] = ()
    comment: str = ""
    edited: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return ACTIONS.get(self.action, self.action)


@dataclasses.dataclass(frozen=True)
class WorkList:
    """What a file has. ``own`` is a person's text below the open items, ``stray`` such text elsewhere."""

    open: tuple[Item, ...] = ()
    done: tuple[Item, ...] = ()
    own: tuple[str, ...] = ()
    stray: tuple[str, ...] = ()
    notes: str = ""
    newline: str = "\n"


@dataclasses.dataclass(frozen=True)
class Entry:
    """An open item, and what the run found of it; None where it is to stay as it is in the file."""

    item: Item
    need: dict[str, t.Any] | None


@dataclasses.dataclass(frozen=True)
class Update:
    """A work list after a run."""

    generated: str
    open: tuple[Entry, ...]
    done_now: tuple[Item, ...]
    done_before: tuple[Item, ...]
    dropped: tuple[Item, ...]
    """Those of both that there is no more room for."""
    old: WorkList


# From a file


def read_work_list(text: str) -> WorkList:
    """The work list in a file's text; a new one where that is blank. Raises WorkListError for any other file."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return WorkList()
    notes = _NOTES.search(text)
    lines = re.split(r"\r\n|\r|\n", text[: notes.start()] if notes else text)
    start = next((index for index, line in enumerate(lines[:10]) if _MARKED.search(line)), None)
    if start is None:
        raise WorkListError(
            f"The file is no work list: none of its first lines has the comment '{MARKER} ...' that one begins with. "
            "It is left as it is. Choose another path, or move the file away."
        )
    marked = t.cast(re.Match[str], _MARKED.search(lines[start]))
    if int(marked[1]) != FORMAT:
        raise WorkListError(
            f"The work list has the format {marked[1][:10]}, which another version of this collection wrote; this one "
            f"knows {FORMAT} alone. It is left as it is. Use that version, or choose another path."
        )
    reader = _Reader(_fingerprints_of(_members(marked[2])))
    reader.read([*lines[:start], _MARKED.sub("", lines[start]), *lines[start + 1 :]])
    return WorkList(
        open=_merged([item for item in reader.items if not item.done]),
        done=tuple(item for item in reader.items if item.done),
        own=_trimmed(reader.own),
        stray=_trimmed(reader.stray),
        notes=text[notes.end() :] if notes else "",
        newline="\r\n" if re.match(r"[^\r\n]*\r\n", text) else "\n",
    )


@dataclasses.dataclass(frozen=True)
class _Comment:
    """The comment that ends what a run has written of an item, and what it has."""

    text: str
    members: t.Mapping[str, t.Any]

    @property
    def prints(self) -> list[str]:
        return _fingerprints_of(self.members)


def _tokens(lines: t.Iterable[str]) -> t.Iterator[str | _Comment]:
    """The lines, and the comments of items, which somebody can have put on one line with something else."""
    for line in lines:
        rest, comments = line, [_Comment(found[0], _item_members(found[1])) for found in _COMMENT.finditer(line)]
        for comment in comments:
            if comment.members:
                before, _comment, rest = rest.partition(comment.text)
                if before.strip():
                    yield before.rstrip()
                yield comment
        if rest == line:
            yield line
        elif rest.strip():
            yield f"  > {rest.strip()}"  # quoted, as it is no line of its own, and so no heading either


def _item_members(text: str) -> dict[str, t.Any]:
    """What the comment of an item has; nothing for one that is damaged or a person's."""
    members = _members(text)
    members |= {name: clean(members.get(name) or "") for name in ("account", "action", "id", "since")}
    named = all(members[name] for name in ("account", "action", "id"))
    return members if named and _DATE.fullmatch(members["since"]) else {}


def _titles(tokens: t.Sequence[str | _Comment]) -> dict[int, _Comment]:
    """Where items begin: at the line that is as it was written, or else at the last box, or else at the comment."""
    titles: dict[int, _Comment] = {}
    known: dict[str, int] = {}
    box = None
    for index, token in enumerate(tokens):
        if isinstance(token, _Comment):
            written = "".join(token.prints[:1])
            titles[known.get(written, index if box is None else box)] = token
            box, known = None, {}
        elif _HEADING.match(token):
            box, known = None, {}
        elif token.strip():
            mark = t.cast(re.Match[str], _BOX.match(token))
            known[_fingerprint(token[mark.end() :])] = index
            box = index if re.match(r"\S.*\[", mark[0]) else box
    return titles


class _Reader:
    """Sorts the lines of a file: those of items, those that a run has written, and a person's own."""

    def __init__(self, fixed: t.Sequence[str]) -> None:
        """``fixed`` are the fingerprints of the lines that belong to no item."""
        self.items: list[Item] = []
        self.own: list[str] = []
        self.stray: list[str] = []
        self._fixed = fixed
        self._ours = fixed
        self._section = ""
        self._item: Item | None = None
        self._body: list[str] = []
        self._remarks: list[str] = []
        self._beside = False  # after a line that is no part of the item above it

    def read(self, lines: t.Iterable[str]) -> None:
        tokens = list(_tokens(lines))
        titles = _titles(tokens)
        for index, token in enumerate(tokens):
            if index in titles:
                self._end_item()
                self._item = _item_of("" if isinstance(token, _Comment) else token, titles[index])
                self._ours, self._beside = titles[index].prints, False
            if isinstance(token, _Comment):
                self._ours = []  # what comes after it no run has written
            elif index not in titles:
                self._read_line(token)
        self._end_item()

    def _end_item(self) -> None:
        if self._item:
            item = dataclasses.replace(self._item, body=tuple(self._body), remarks=_trimmed(self._remarks))
            self.items.append(item)
        self._item, self._body, self._remarks = None, [], []

    def _read_line(self, line: str) -> None:
        section = _words(line) if _HEADING.match(line) else ""
        aside = self.own if self._section == "to do" else self.stray
        if section in _SECTIONS:
            self._end_item()
            self._section, self._ours = section, self._fixed
        elif line[:1].strip() and _fingerprint(line) in self._fixed:
            self._beside = True  # a run's own, also where the heading above it is gone
        elif _fingerprint(line) in self._ours:
            self._body.append(line)
        elif self._item and not self._beside and (not line.strip() or line[0].isspace()):
            self._remarks.append(line)
        else:
            self._beside = self._beside or bool(line.strip())
            aside.append(line)


def _item_of(line: str, comment: _Comment) -> Item:
    members = comment.members
    done, by, reopened = (clean(members.get(name) or "") for name in ("done", "by", "reopened"))
    box = t.cast(re.Match[str], _BOX.match(line))
    title = line[box.end() :]
    done = done if _DATE.fullmatch(done) else ""
    return Item(
        account=members["account"],
        action=members["action"],
        id=members["id"],
        since=members["since"],
        by_hand=members.get("hand") is True,
        fields=tuple(clean(field) for field in list_of(members.get("fields"))),
        reopened=reopened if _DATE.fullmatch(reopened) else "",
        done=done,
        by="" if not done else by if by in ENDINGS else RUN,
        ticked=box[1] in _TICKS,
        line=line,
        comment=comment.text,
        edited="" if _fingerprint(title) in comment.prints[:1] else title,
    )


def _members(text: str) -> dict[str, t.Any]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _merged(items: t.Sequence[Item]) -> tuple[Item, ...]:
    """The items, each once: a line can have been copied."""
    merged: dict[str, Item] = {}
    for item in items:
        first = merged.get(item.id)
        merged[item.id] = item if first is None else dataclasses.replace(
            first,
            since=min(first.since, item.since),
            ticked=first.ticked or item.ticked,
            remarks=(*first.remarks, *item.remarks),
        )  # fmt: skip
    return tuple(merged.values())


def _words(line: str) -> str:
    """What a line says: editors change its marks and spaces, and the numbers of lists."""
    return re.sub(r"^\d+ ", "", re.sub(r"[\W_]+", " ", line).strip().lower())


def _fingerprint(line: str) -> str:
    return hashlib.sha256(_words(line).encode()).hexdigest()[:6] if line.strip() else ""


def _fingerprints_of(members: t.Mapping[str, t.Any]) -> list[str]:
    lines = members.get("lines")
    return re.findall(r"[0-9a-f]{6}", lines) if isinstance(lines, str) else []


def _trimmed(lines: t.Sequence[str]) -> tuple[str, ...]:
    """The lines without blank ones around them."""
    said = [index for index, line in enumerate(lines) if line.strip()]
    return tuple(lines[said[0] : said[-1] + 1]) if said else ()


# From run to run


def update_work_list(report: Report, old: WorkList, names: t.Collection[str] | None = None) -> Update:
    """The work list after the run of a report. ``names`` are all accounts that there are, where that is known.

    Raises WorkListError where the report does not tell its date.
    """
    today = report["generated"][:10]
    if not _DATE.fullmatch(today):
        raise WorkListError(
            "A work list needs to know when the accounts were assessed. Set generated to that, in UTC, such as "
            "2026-11-20T21:00:00Z."
        )
    rows = {row["name"]: row for row in report["accounts"]}
    needs = {_id(row, need): (row, need) for row in rows.values() for need in row["needs"]}
    listed = None if names is None else {clean(name) for name in names} | set(rows)

    asked_again = [item for item in old.done if _is_asked_again(item, needs)]
    done_before = [
        # Where a person took the tick from what was confirmed, and the run could not look, that stays.
        dataclasses.replace(item, ticked=item.ticked or not _holds(item, rows, needs, listed))
        for item in old.done
        if item not in asked_again
    ]
    entries: list[Entry] = []
    done_now: list[Item] = []
    for item in old.open:
        row, need = needs.get(item.id) or (rows.get(item.account), None)
        ending = _ending(item, row, need, listed)
        if ending:
            done_now.append(dataclasses.replace(item, done=today, by=ending, ticked=True))
        else:
            entries.append(Entry(_refreshed(item, row, need, today) if row and need else item, need))
    known = {entry.item.id for entry in entries}
    remarks = {item.id: _remarks(item) for item in asked_again}
    for id, (row, need) in needs.items():
        if id not in known and not any(_spares(item, id, need, today) for item in (*done_now, *done_before)):
            new = Item(row["name"], need["action"], id, today, need["by_hand"], tuple(need["wanted"]))
            entries.append(Entry(dataclasses.replace(new, remarks=remarks.get(id, ())), need))
    ended = [item for item in (*done_now, *done_before) if not _holds(item, rows, needs, listed)]
    return Update(
        report["generated"], tuple(entries), tuple(done_now), tuple(done_before), tuple(ended[MOST_DONE:]), old
    )


def _id(row: t.Mapping[str, t.Any], need: t.Mapping[str, t.Any]) -> str:
    """The same as long as it is the same work: a change that is half made still is, other values to confirm are not."""
    wanted = need["wanted"] if need["action"] == CONFIRM else None
    text = json.dumps([row["name"], row["provider"], need["action"], wanted], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _ending(
    item: Item, row: t.Mapping[str, t.Any] | None, need: dict[str, t.Any] | None, listed: t.Collection[str] | None
) -> str | None:
    """How an item comes off the list in this run; None where it stays."""
    if need is not None:
        return HAND if need["by_hand"] and item.ticked else None
    if row is None or row["state"] == "failed":
        return LEFT if listed is not None and item.account not in listed else None
    if item.by_hand and item.ticked:
        return HAND
    if item.action == CONFIRM:
        # Without a proof it is not known which settings can be read.
        return None if row["verified"] is not True and _unread(item, row) else DROPPED
    return None if item.by_hand or _unread(item, row) else RUN


def _unread(item: Item, row: t.Mapping[str, t.Any]) -> list[str]:
    """The item's settings that the run could not read, so that it cannot tell what became of them."""
    return [field for field in item.fields if field in row["unchecked"]]


def _refreshed(item: Item, row: t.Mapping[str, t.Any], need: t.Mapping[str, t.Any], today: str) -> Item:
    return dataclasses.replace(
        item,
        by_hand=need["by_hand"],
        fields=tuple(dict.fromkeys([*need["wanted"], *_unread(item, row)])),
        reopened=today if item.ticked else item.reopened,
    )


def _spares(item: Item, id: str, need: t.Mapping[str, t.Any], today: str) -> bool:
    """Whether a person has done what is needed, as nobody else can know. New secrets can be wanted again, tomorrow."""
    return item.id == id and need["by_hand"] and item.by == HAND and (need["action"] == CONFIRM or item.done == today)


def _is_asked_again(item: Item, needs: t.Container[str]) -> bool:
    """Whether a person took the tick from what was confirmed."""
    return item.action == CONFIRM and item.by == HAND and not item.ticked and item.id in needs


def _holds(item: Item, rows: t.Mapping[str, t.Any], needs: t.Container[str], listed: t.Collection[str] | None) -> bool:
    """Whether what was confirmed still is, or may be: then it stays, however long ago that was."""
    if item.action != CONFIRM or item.by != HAND:
        return False
    row = rows.get(item.account)
    if row is None or row["verified"] is not True:
        return listed is None or item.account in listed
    return item.id in needs


# To data and to a file


def work_data(update: Update) -> dict[str, t.Any]:
    """The work list as a part of the report."""
    return {
        "open": [_entry_data(entry) for entry in update.open],
        "done_now": [_done_data(item) for item in update.done_now],
        "done_before": [_done_data(item) for item in update.done_before],
    }


def _entry_data(entry: Entry) -> dict[str, t.Any]:
    item, need = entry.item, entry.need
    return {
        "account": item.account,
        "action": item.action,
        "title": item.title,
        "since": item.since,
        "state": "kept" if need is None else "reopened" if item.reopened else "needed",
        "found": need["found"] if need else "",
        "url": need["url"] if need else "",
        "steps": _steps(need) if need else [],
    }


def _done_data(item: Item) -> dict[str, t.Any]:
    return {
        "account": item.account,
        "action": item.action,
        "title": item.title,
        "since": item.since,
        "done": item.done,
        "by": item.by,
        "ending": ENDINGS[item.by],
    }


def _steps(need: t.Mapping[str, t.Any]) -> list[str]:
    return [*need["steps"], BY_HAND_STEP] if need["by_hand"] else list(need["steps"])


def work_list_text(update: Update) -> str:
    """The work list as Markdown, to be read again by the next run."""
    old, today = update.old, update.generated[:10]
    title = "# What people have to do for API accounts"
    status = f"{counted(len(update.open), 'item')} to do. Last run: {markdown(update.generated)}."
    lines = [_marker(title, status, _HELP, _NOTHING), title, "", status, "", _HELP, "", "## To do", ""]
    moved = [old.stray, *(_remarks(item) for item in update.dropped)]

    def staying(text: tuple[str, ...]) -> tuple[str, ...]:
        """A person's text where it may stay: what opens or ends a comment would hide what comes after it."""
        if any("<!--" in line or "-->" in line for line in text):
            moved.append(text)
            return ()
        return text

    for entry in update.open:
        if entry.need:
            lines += [*_open_lines(entry.item, entry.need), *staying(_remarks(entry.item)), ""]
        else:
            lines += [*_kept_lines(entry.item), ""]
    lines += [] if update.open else [_NOTHING, ""]
    own = staying(old.own)
    if own and own[0][0].isspace():  # it would become a remark of the item above
        own = ()
        moved.append(old.own)
    lines += [*own, *([""] if own else []), "## Done", ""]
    done = [item for item in (*update.done_now, *update.done_before) if item not in update.dropped]
    for item in done:
        lines += [*_done_lines(item), *staying(_remarks(item))]
    lines += [*([] if done else [_NOTHING]), "", "## Notes"]
    notes = [old.notes.rstrip()] if old.notes.strip() else []
    for text in moved:
        notes += ["", f"Moved here on {today}, from where no text can stay:", "", *text] if text else []
    return old.newline.join([*lines, *notes]).rstrip() + old.newline


def _marker(*fixed: str) -> str:
    return f"{MARKER} {_json({'lines': ''.join(map(_fingerprint, fixed))})} -->"


def _remarks(item: Item) -> tuple[str, ...]:
    """What a person has written to an item, quoted where it is no line of its own, and so no heading either."""
    return (*([f"  > {item.edited}"] if item.edited else []), *item.remarks)


def _kept_lines(item: Item) -> list[str]:
    return [item.line, *item.body, f"  {item.comment}", *item.remarks]


def _open_lines(item: Item, need: t.Mapping[str, t.Any]) -> list[str]:
    url = need["url"]
    body = [f"  {_linked(url, [url])}"] if url else []
    said = [f"Opened again on {item.reopened}: ticked, but still needed."] if item.reopened else []
    if need["found"] and (item.reopened or need["action"] == "repair"):
        said.append(f"Found: {_linked(need['found'])}")
    body += [f"  {' '.join(said)}"] if said else []
    body += [f"  {number}. {_linked(step, [url])}" for number, step in enumerate(_steps(need), 1)]
    title = f"**{_linked(item.account)}**: {markdown(item.title)} (since {item.since})"
    return [f"- [ ] {title}", *body, f"  {_comment(item, [title, *body])}"]


def _done_lines(item: Item) -> list[str]:
    title = f"**{_linked(item.account)}**: {markdown(item.title)} ({item.since} to {item.done}, {ENDINGS[item.by]})"
    return [f"- [{'x' if item.ticked else ' '}] {title}", f"  {_comment(item, [title])}"]


def _comment(item: Item, lines: t.Sequence[str]) -> str:
    members: dict[str, t.Any] = {
        "account": item.account,
        "action": item.action,
        "id": item.id,
        "since": item.since,
        "done": item.done,
        "by": item.by if item.done else "",
        "hand": item.by_hand,
        "fields": [] if item.done else list(item.fields),
        "reopened": "" if item.done else item.reopened,
        "lines": "".join(map(_fingerprint, lines)),
    }
    return f"<!-- {_json({name: value for name, value in members.items() if value})} -->"


def _json(members: t.Mapping[str, t.Any]) -> str:
    """JSON that does not end a comment."""
    inner = json.dumps(members, separators=(",", ":"))[1:-1]
    return "{" + re.sub(r"[<>]|--", lambda found: "".join(f"\\u{ord(one):04x}" for one in found[0]), inner) + "}"


def _linked(text: str, urls: t.Sequence[str] = ()) -> str:
    """Text for Markdown in which the given addresses are links, and nothing else is or becomes one."""
    safe = [re.escape(url) for url in urls if _URL.fullmatch(url)]
    parts = re.split(rf"(?<!\w)({'|'.join(safe)})(?![\w@:/?#%&=~+-]|\.\w)", text) if safe else [text]
    return "".join(f"<{part}>" if index % 2 else _unlinked(part) for index, part in enumerate(parts))


def _unlinked(text: str) -> str:
    written, end = [], 0
    for found in _LINK_LIKE.finditer(text):
        written += [markdown(text[end : found.start()]), f"`{found[0]}`"]
        end = found.end()
    return "".join([*written, markdown(text[end:])])
