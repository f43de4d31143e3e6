# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs to begin with: for each kind of target what is right, and what has been wrong somewhere before."""

from __future__ import annotations

import json
import typing as t

from .targets import MARKS, NOW, URL

FIELDS = (
    "access_token", "token", "bearer_token", "refresh_token", "token_type", "expires_in", "expiration", "scope", "aud",
    "active", "exp", "client_id", "client_secret", "client_secret_expires_at", "registration_access_token",
    "registration_client_uri", "issuer", "token_endpoint", "introspection_endpoint", "registration_endpoint",
    "mtls_endpoint_aliases", "error", "error_description", "message", "errors", "detail", "permissions", "perm_command",
    "name", "type", "kind", "status", "retryable", "retry_after", "at", "until", "task", "renewed", "failure",
    "expires_at", "refresh_expires_at", "moments", "answered", "remaining", "reset", "hold", "released", "entry",
    "account", "endpoints", "api_accounts", "api_accounts_pending", "registration", "sent", "settings", "since",
)  # fmt: skip
"""The names that the parsers look for."""

TEXTS = (
    *(mark.decode() for mark in MARKS),
    "", " ", "Bearer", "bearer", "MAC", "fuzzed", "invalid_client", "access_denied", "not_found", "read write", URL,
    f"{URL}/token", "https://evil.example.com/token", "http://vendor.example.com/token", "//evil.example.com/",
    "https://user:pw@vendor.example.com/", "https://evil.example.com\\@vendor.example.com/", "https://[::1/",
    "https://vendor.example.com:99999/", "javascript:alert(1)", "tok\r\nX-Injected: 1", "tok\x00", "tok en", "tök",
    "\x1b[2J\x1b]8;;https://evil.example.com\x07", "\x9b31m", "\u202e\u200b\u2066", "\ud800", "\udfff\ud800x",
    "\ufffe\uffff",
    "{{ lookup('pipe', 'id') }}", "{% raw %}", "{# x #}", "#jinja2: variable_start_string:'[['\n[[ 1 ]]", "!unsafe x",
    "x" * 70000, "3600", "1e400", "NaN", "-1", "0x10", "1_000", "٣", "2027-01-15T09:00:00Z",
    "2027-01-15 09:00:00.1234567", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "Fri, 15 Jan 2027 09:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 -0000",
    "Permission denied", "$ANSIBLE_VAULT;1.1;AES256", "&a", "*a", "yes", "null", "1:2:3", "\u2028", "\x85",
)  # fmt: skip

NUMBERS = (
    "0", "-0", "1", "3600", "-1", "0.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", "1" + "0" * 5000,
    "1" + "0" * 400, "9223372036854775808", str(NOW), str(NOW + 3600), "253402300800", "true", "false", "null",
)  # fmt: skip
"""As JSON has them, or would."""

HEADERS = (
    "Content-Type: application/json", "Content-Type: text/html", "Content-Type: text/xml; charset=utf-7",
    "Content-Type: text/plain; charset=idna", "Content-Type: text/plain; charset=unicode_escape",
    "Content-Type: application/json; charset=\"utf-16\"", "Date: Fri, 15 Jan 2027 08:00:00 GMT",
    "Date: Mon, 01 Jan 0001 00:00:00 -0000",
    "Retry-After: 5", "Retry-After: " + "9" * 5000, "Retry-After: Fri, 15 Jan 2027 09:00:00 GMT", "Retry-After: -1",
    "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 60", 'Link: </base/items?page=2>; rel="next"',
    "Link: <https://evil.example.com/base/x>; rel=next", "Link: <//evil.example.com/>; rel=next",
    "Link: <http://vendor.example.com:80/base/x>; rel=next", "Link: </base/%2e%2e/x>; rel=next",
    "Link: <\x1b]8;;x\x07>; rel=next",
    'WWW-Authenticate: Bearer error="invalid_token"',
)  # fmt: skip

DOCUMENTS = (
    '{"access_token": "tok-2", "token_type": "Bearer", "expires_in": 3600, "scope": "read"}',
    '{"token": "tok-2", "expiration": "2027-01-15T09:00:00Z", "refresh_token": "refresh-2"}',
    '{"active": true, "scope": "read", "aud": ["urn:api"], "exp": 1800003600, "client_id": "client-1"}',
    json.dumps({"issuer": URL, "token_endpoint": f"{URL}/t", "mtls_endpoint_aliases": {"token_endpoint": f"{URL}/m"}}),
    '{"error": "x", "error_description": "@BROKEN@"}', '{"error_description": "so @SPACED@", "error": "@QUOTED@"}',
    json.dumps({"client_id": "c", "client_secret": "@JSON@", "registration_client_uri": f"{URL}/reg/c",
                "registration_access_token": "handle-2", "client_secret_expires_at": 0}),
    '{"error": "invalid_client", "error_description": "@JSON@ @BASIC@ \\u001b[2J"}',
    '{"errors": [{"detail": "no"}, {"title": "@JSON@"}]}', '{"errors": {"name": ["is @JSON@", 7]}, "message": "x"}',
    '{"permissions": {"perm_command": "full_access", "perm_backup": 1}}', '[{"name": "a", "client_id": "b"}]',
    '<?xml version="1.0" encoding="UTF-8"?><a xmlns="urn:x"><permission name="perm_backup">1</permission></a>',
    "<error>Permission denied for @SECRET@</error>", '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
    "<html>", "[" * 5000, '{"a":' * 5000, "\ufeff{}", '{"access_token": "a", "access_token": "b"}',
    json.dumps({"at": NOW, "task": None, "token": None, "renewed": False, "failure": None}),
    json.dumps({"at": NOW - 5, "task": None, "renewed": False, "failure": None,
                "token": {"access_token": "t", "token_type": "Bearer", "expires_at": NOW + 3600, "scope": [],
                          "refresh_token": None, "refresh_expires_at": None}}),
    json.dumps({"type": "RefusedError", "message": "x", "kind": "refused", "status": 401, "error": None,
                "retryable": False, "retry_after": None, "unsent": False}),
    json.dumps({"moments": [NOW], "answered": [], "remaining": 3, "hold": 0.0, "since": NOW, "until": NOW + 60,
                "told": 0.0, "at": NOW}),
    json.dumps({"issuer": URL, "endpoints": {"token_endpoint": f"{URL}/token"}, "mtls_endpoint_aliases": {}}),
    "api_accounts:\n- name: fuzzed\n  provider: oauth2\n  client_id: c\n  client_secret: !unsafe \"{{ 1 }}\"\n"
    "  registration: {client_uri: x, access_token: y, registered_at: 2027-01-15T08:00:00Z}\n",
    "api_accounts_pending:\n- {name: fuzzed, action: create, since: 2027-01-15T08:00:00Z, server: x}\n",
    "api_accounts: &a [*a]", "a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]", "a: !!timestamp x", "a: !!int ''", "a: !!bool x",
    "a: !!python/object/apply:os.system [id]", "? [a]\n: b", "a: 1\na: 2", "- 1", "a: !!binary x", "a: 0x" + "f" * 5000,
)  # fmt: skip


def seeds() -> t.Iterator[bytes]:
    """Whole inputs: documents by themselves, and as the bodies of answers."""
    for document in DOCUMENTS:
        yield document.encode()
        for head in ("200\nContent-Type: application/json", "401", "400\nRetry-After: 5", "201"):
            yield f"{head}\n\n{document}".encode()
    for header in HEADERS:
        yield f"200\n{header}\n\n[]".encode("latin-1")
        yield header.partition(": ")[2].encode("latin-1")
