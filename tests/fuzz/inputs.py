# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs by hypothesis: bytes of any kind, seeds, and answers whose documents have the names that parsers look for."""

from __future__ import annotations

import json
import typing as t

from hypothesis import strategies as st

from .seeds import DOCUMENTS, FIELDS, HEADERS, NUMBERS, TEXTS, seeds

STATUSES = "200 201 202 204 301 400 401 403 404 422 429 500 503".split()  # noqa: SIM905


def documents() -> st.SearchStrategy[str]:
    """JSON, and what some take for it."""
    texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20)).map(json.dumps)
    scalars = st.one_of(texts, st.sampled_from(NUMBERS))
    fields = st.one_of(st.sampled_from(FIELDS), st.text(max_size=5)).map(json.dumps)

    def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        lists = st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        # Pairs and no dictionaries, so that names come twice.
        pairs = st.lists(st.tuples(fields, inner), max_size=6)
        return st.one_of(lists, pairs.map(_object))

    changed = st.builds(_changed, st.sampled_from(DOCUMENTS), st.data())
    return st.one_of(st.recursive(scalars, containers, max_leaves=12), changed)


def _object(pairs: t.Iterable[tuple[str, str]]) -> str:
    """A JSON object of names and values that are JSON already."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"


def _changed(document: str, data: t.Any) -> str:
    """A right document of which one value is another."""
    try:
        known = json.loads(document)
    except (ValueError, RecursionError):
        return document
    if not isinstance(known, dict) or not known:
        return document
    field = data.draw(st.sampled_from(sorted(known)))
    value = data.draw(st.one_of(st.sampled_from(NUMBERS), st.sampled_from(TEXTS).map(json.dumps)))
    others = [(json.dumps(name), json.dumps(other)) for name, other in known.items() if name != field]
    return _object([*others, (json.dumps(field), value)])


def inputs() -> st.SearchStrategy[bytes]:
    """What any target can be given."""
    bodies = documents().map(lambda text: text.encode("utf-8", "surrogatepass"))
    statuses = st.sampled_from(STATUSES)
    headers = st.lists(st.sampled_from(HEADERS), max_size=3)
    heads = st.builds(lambda status, lines: "\n".join([status, *lines]), statuses, headers)
    answers = st.builds(lambda head, body: head.encode("latin-1") + b"\n\n" + body, heads, bodies)
    return st.one_of(answers, bodies, st.sampled_from(list(seeds())), st.binary(max_size=200))
