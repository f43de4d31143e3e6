# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import (
    AccessError,
    ConfigurationError,
    TransportError,
)
from ansible_collections.apiops.access.plugins.module_utils._http import LONGEST_URL, HttpResponse
from ansible_collections.apiops.access.plugins.module_utils._model import Account, TransportOptions
from ansible_collections.apiops.access.plugins.module_utils._providers._discovery import (
    ServerMetadata,
    discover,
    metadata_urls,
)
from ansible_collections.apiops.access.plugins.module_utils._providers.oauth2 import OAuth2
from ansible_collections.apiops.access.tests.unit.scripted import (
    ISSUER,
    SECRET,
    Clock,
    Exchange,
    Script,
    ScriptedTransport,
    answer,
    body_of,
    oauth2,
)

REALM = f"{ISSUER}/realms/main"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
OAUTH = f"{ISSUER}/.well-known/oauth-authorization-server"
MUTUAL = TransportOptions(client_cert="/cert.pem")
GRANTED = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 60}


def document(issuer: str = ISSUER, **more: t.Any) -> dict[str, t.Any]:
    return {"issuer": issuer, "token_endpoint": f"{ISSUER}/token", "response_types_supported": ["code"], **more}


def published(reply: HttpResponse) -> Exchange:
    """What the first place says."""
    return (f"GET {OPENID}", reply)


def nowhere(*first: HttpResponse) -> list[Exchange]:
    """All places of an issuer without a path: these answers, and then 404."""
    replies = [*first, answer(404), answer(404)]
    return [(f"GET {url}", reply) for url, reply in zip((OPENID, OAUTH), replies)]


def refused(call: t.Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        call()
    return str(caught.value)


def ask(transport: ScriptedTransport, **changes: t.Any) -> OAuth2:
    return OAuth2(oauth2(**changes), transport, Clock())


# Where it is looked for


def test_without_a_path_there_are_two_places() -> None:
    assert metadata_urls(ISSUER) == [OPENID, OAUTH]


def test_with_a_path_the_well_known_part_is_behind_it_and_before_it() -> None:
    assert metadata_urls(REALM) == [
        f"{REALM}/.well-known/openid-configuration",
        f"{ISSUER}/.well-known/openid-configuration/realms/main",
        f"{REALM}/.well-known/oauth-authorization-server",
        f"{ISSUER}/.well-known/oauth-authorization-server/realms/main",
    ]


@pytest.mark.parametrize("issuer", [ISSUER, REALM, "https://auth.example.com:8443/a"])
def test_a_slash_at_the_end_changes_no_place(issuer: str) -> None:
    assert metadata_urls(f"{issuer}/") == metadata_urls(issuer)


def test_the_places_are_asked_in_order_until_one_has_it(script: Script) -> None:
    first, second, third, _fourth = metadata_urls(REALM)
    transport = script(
        (f"GET {first}", answer(404)), (f"GET {second}", answer(403)), (f"GET {third}", answer(200, document(REALM)))
    )
    assert discover(REALM, transport).endpoints == {"token_endpoint": f"{ISSUER}/token"}
    assert all(request.repeatable and "Authorization" not in request.headers for request in transport.sent)


@pytest.mark.parametrize(
    "reply",
    [
        answer(404),
        answer(401, {"error": "invalid_request"}),
        answer(400, body="no"),
        answer(200, body="<html>Sign in</html>", content_type="text/html"),
        answer(200, body="not json"),
        answer(200, body=b""),
        answer(204),
        answer(200, []),
        answer(200, {"token_endpoint": f"{ISSUER}/token"}),
        answer(200, {"issuer": 7}),
    ],
)
def test_what_is_no_metadata_document_is_passed_over(script: Script, reply: HttpResponse) -> None:
    transport = script(published(reply), (f"GET {OAUTH}", answer(200, document())))
    assert discover(ISSUER, transport).issuer == ISSUER


def test_a_place_that_redirects_is_passed_over_too(script: Script) -> None:
    redirect = TransportError("a redirect", kind="redirect", status=302, retryable=False)
    transport = script((f"GET {OPENID}", redirect), (f"GET {OAUTH}", answer(200, document())))
    assert discover(ISSUER, transport).issuer == ISSUER


@pytest.mark.parametrize(
    ("asked", "told"), [("X", "X"), ("X/", "X"), ("X", "X/"), ("", "/"), ("/", ""), ("realms/XX", "realms/XX//")]
)
def test_a_slash_at_the_end_makes_no_other_server(script: Script, asked: str, told: str) -> None:
    issuer, claimed = f"{ISSUER}/{asked}", f"{ISSUER}/{told}"
    first = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    assert discover(issuer, script((f"GET {first}", answer(200, document(claimed))))).issuer == claimed


@pytest.mark.parametrize(("asked", "told"), [("X", ""), ("", "X"), ("x", "X")])
def test_any_other_letter_makes_another_server(script: Script, asked: str, told: str) -> None:
    issuer = f"{ISSUER}/{asked}"
    transport = script(*[(f"GET {url}", answer(200, document(f"{ISSUER}/{told}"))) for url in metadata_urls(issuer)])
    assert "they are of issuer" in refused(lambda: discover(issuer, transport))


def test_where_every_place_redirects_that_is_the_error(script: Script) -> None:
    redirects = [TransportError(f"redirect {number}", kind="redirect", status=302) for number in (1, 2)]
    with pytest.raises(TransportError, match="redirect 2"):
        discover(ISSUER, script((f"GET {OPENID}", redirects[0]), (f"GET {OAUTH}", redirects[1])))


def test_a_server_that_cannot_be_reached_is_not_asked_elsewhere(script: Script) -> None:
    with pytest.raises(TransportError):
        discover(ISSUER, script((f"GET {OPENID}", TransportError("no way", kind="connection"))))


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_is_an_error_that_may_pass(script: Script, status: int) -> None:
    with pytest.raises(AccessError) as caught:
        discover(ISSUER, script(published(answer(status))))
    assert (caught.value.status, caught.value.retryable) == (status, True)
    assert OPENID in str(caught.value)


def test_a_server_without_metadata_is_told_so_with_the_remedy(script: Script) -> None:
    text = refused(lambda: discover(ISSUER, script(*nowhere())))
    assert "token_endpoint" in text
    assert ISSUER in text


# Whose it is


@pytest.mark.parametrize(
    ("configured", "claimed"), [(ISSUER, f"{ISSUER}/"), (f"{ISSUER}/", ISSUER), (f"{ISSUER}/", f"{ISSUER}/")]
)
def test_a_slash_at_the_end_makes_no_other_issuer(script: Script, configured: str, claimed: str) -> None:
    metadata = discover(configured, script(published(answer(200, document(claimed)))))
    assert metadata.issuer == claimed


@pytest.mark.parametrize(
    "other",
    [
        "https://evil.example.com",
        "http://auth.example.com",
        "https://auth.example.com:8443",
        "https://AUTH.example.com",
        REALM,
    ],
)
def test_the_metadata_of_another_issuer_are_not_used(script: Script, other: str) -> None:
    text = refused(lambda: discover(ISSUER, script(*nowhere(answer(200, document(other))))))
    assert other in text
    assert "set issuer" in text


def test_the_right_metadata_are_found_behind_those_of_another(script: Script) -> None:
    transport = script(
        published(answer(200, document("https://evil.example.com"))), (f"GET {OAUTH}", answer(200, document()))
    )
    assert discover(ISSUER, transport).issuer == ISSUER


def test_the_name_of_another_issuer_is_shown_on_one_line_and_not_endlessly(script: Script) -> None:
    other = "https://evil.example.com/\x1b[31m\r\nfake: line" + "x" * 5000
    text = refused(lambda: discover(ISSUER, script(*nowhere(answer(200, document(other))))))
    assert text.isprintable()
    assert len(text) < 1000


def test_a_secret_in_the_name_of_another_issuer_is_masked(script: Script) -> None:
    other = document(f"https://other.example.com/{SECRET}")
    provider = OAuth2(oauth2(), script(*nowhere(answer(200, other))), Clock())
    assert "are of issuer https://other.example.com/********," in refused(provider.discover)


def test_an_issuer_without_a_printable_name_is_nobody(script: Script) -> None:
    assert "publishes no metadata" in refused(lambda: discover(ISSUER, script(*nowhere(answer(200, document("\x1b"))))))


# Which endpoint is used


def test_the_published_endpoint_is_used_as_it_is_published(script: Script) -> None:
    url = f"{ISSUER}/oauth/token/?tenant=7"
    transport = script(published(answer(200, document(token_endpoint=url))), (f"POST {url}", answer(200, GRANTED)))
    assert ask(transport).request_token(None).access_token == "tok-1"


def test_the_server_is_asked_for_its_endpoints_once(script: Script) -> None:
    transport = script(
        published(answer(200, document())),
        (f"POST {ISSUER}/token", answer(200, GRANTED)),
        (f"POST {ISSUER}/token", answer(200, GRANTED)),
    )
    provider = ask(transport)
    for _call in range(2):
        provider.request_token(None)


def test_a_server_that_publishes_nothing_is_asked_once_too_where_the_endpoint_is_given(script: Script) -> None:
    provider = OAuth2(oauth2(token_endpoint=f"{ISSUER}/given"), script(*nowhere()), Clock())
    assert provider.endpoint("introspection_endpoint") is None
    assert provider.discover() == ServerMetadata(ISSUER)


def test_metadata_that_are_known_already_are_not_asked_for(script: Script) -> None:
    transport = script((f"POST {ISSUER}/known", answer(200, GRANTED)))
    metadata = ServerMetadata(ISSUER, {"token_endpoint": f"{ISSUER}/known"})
    assert ask(transport, metadata=metadata).request_token(None).access_token == "tok-1"


def test_an_endpoint_that_is_given_is_used_and_nothing_is_looked_up(script: Script) -> None:
    url = "https://login.example.net/t"
    transport = script((f"POST {url}", answer(200, GRANTED)))
    assert ask(transport, token_endpoint=url).request_token(None).access_token == "tok-1"


def test_an_endpoint_that_is_given_goes_before_the_published_one(script: Script) -> None:
    given = f"{ISSUER}/given"
    provider = ask(script(), token_endpoint=given, metadata=ServerMetadata.from_document(document()))
    assert provider.endpoint("token_endpoint") == given


def test_without_an_issuer_nothing_is_looked_up(script: Script) -> None:
    provider = ask(script(), issuer=None, token_endpoint=f"{ISSUER}/token")
    assert provider.endpoint("introspection_endpoint") is None


def test_an_endpoint_that_is_not_published_is_named_with_the_remedy(script: Script) -> None:
    transport = script(published(answer(200, {"issuer": ISSUER})))
    text = refused(lambda: ask(transport).request_token(None))
    assert f"{ISSUER} publishes no token_endpoint" in text
    assert "Set token_endpoint" in text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://evil.example.com/token", "another host, evil.example.com"),
        ("https://auth.example.com.evil.example/token", "another host, auth.example.com.evil.example"),
        ("https://mtls.auth.example.com/token", "another host, mtls.auth.example.com"),
        ("http://auth.example.com/token", "must not be used"),
        ("https://me:pass-s3cret@auth.example.com/token", "must not be used"),
        ("https://auth.example.com@evil.example.com/token", "must not be used"),
        ("https://evil.example.com\\@auth.example.com/token", "must not be used"),
        ("https://auth.example.com/to ken", "must not be used"),
        ("https://auth.example.com/\r\nX: 1", "must not be used"),
        ("https://auth.example.com/token#part", "must not be used"),
        ("https://[::1", "must not be used"),
        ("//auth.example.com/token", "must not be used"),
        ("/token", "must not be used"),
        ("ftp://auth.example.com/token", "must not be used"),
    ],
)
def test_a_published_endpoint_that_credentials_must_not_go_to_gets_nothing(
    script: Script, url: str, words: str
) -> None:
    transport = script(published(answer(200, document(token_endpoint=url))))
    text = refused(lambda: ask(transport).request_token(None))
    assert words in text
    assert text.isprintable()
    assert "s3cret" not in text


@pytest.mark.parametrize(
    "name", ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "registration_endpoint"]
)
def test_no_published_endpoint_may_be_on_another_host(script: Script, name: str) -> None:
    transport = script(published(answer(200, document(**{name: "https://evil.example.com/x?y=1"}))))
    text = refused(lambda: ask(transport).endpoint(name))
    assert f"set {name}: https://evil.example.com/x" in text


def test_another_port_of_the_same_host_and_other_letters_are_the_same_host(script: Script) -> None:
    url = "https://AUTH.example.com:8443/token"
    transport = script(published(answer(200, document(token_endpoint=url))))
    assert ask(transport).endpoint("token_endpoint") == url


def test_what_an_issuer_with_tls_publishes_has_it_too_even_where_plain_http_is_allowed(script: Script) -> None:
    transport = script(published(answer(200, document(token_endpoint="http://auth.example.com/token"))))
    provider = OAuth2(oauth2(transport=TransportOptions(allow_http=True)), transport, Clock())
    assert "token_endpoint" in refused(lambda: provider.request_token(None))


def test_published_plain_http_needs_the_users_word(script: Script) -> None:
    issuer, url = "http://auth.example.com", "http://auth.example.com/token"
    reply = answer(200, document(issuer, token_endpoint=url))
    transport = script((f"GET {issuer}/.well-known/openid-configuration", reply))
    account = oauth2(issuer=issuer, base_url=issuer, transport=TransportOptions(allow_http=True))
    assert OAuth2(account, transport).endpoint("token_endpoint") == url


# With a client certificate


ALIASED = document(
    introspection_endpoint=f"{ISSUER}/introspect", mtls_endpoint_aliases={"token_endpoint": f"{ISSUER}/mtls/token"}
)


def with_aliases(**changes: t.Any) -> Account:
    return oauth2(metadata=ServerMetadata.from_document(ALIASED), **changes)


def test_the_alias_for_mutual_tls_is_used_with_a_certificate(script: Script) -> None:
    provider = OAuth2(with_aliases(transport=MUTUAL), script())
    assert provider.endpoint("token_endpoint") == f"{ISSUER}/mtls/token"
    assert provider.endpoint("introspection_endpoint") == f"{ISSUER}/introspect"


def test_the_alias_for_mutual_tls_is_not_used_without_one(script: Script) -> None:
    assert OAuth2(with_aliases(), script()).endpoint("token_endpoint") == f"{ISSUER}/token"


def test_an_alias_may_not_be_on_another_host_either(script: Script) -> None:
    aliases = {"token_endpoint": "https://evil.example.com/token"}
    metadata = ServerMetadata.from_document(document(mtls_endpoint_aliases=aliases))
    provider = OAuth2(oauth2(metadata=metadata, transport=MUTUAL), script())
    assert "another host, evil.example.com" in refused(lambda: provider.endpoint("token_endpoint"))


def test_a_given_endpoint_goes_before_an_alias(script: Script) -> None:
    provider = OAuth2(with_aliases(transport=MUTUAL, token_endpoint=f"{ISSUER}/given"), script())
    assert provider.endpoint("token_endpoint") == f"{ISSUER}/given"


def test_an_alias_without_a_url_is_none(script: Script) -> None:
    metadata = ServerMetadata.from_document(document(mtls_endpoint_aliases={"token_endpoint": ""}))
    provider = OAuth2(oauth2(metadata=metadata, transport=MUTUAL), script())
    assert provider.endpoint("token_endpoint") == f"{ISSUER}/token"


def test_a_published_endpoint_is_taken_up_to_the_longest_url() -> None:
    longest = f"{ISSUER}/".ljust(LONGEST_URL, "x")
    assert ServerMetadata.from_document(document(token_endpoint=longest)).endpoints["token_endpoint"] == longest
    assert "token_endpoint" not in ServerMetadata.from_document(document(token_endpoint=f"{longest}x")).endpoints


def test_a_client_with_a_certificate_sends_its_name_and_no_secret(script: Script) -> None:
    transport = script((f"POST {ISSUER}/mtls/token", answer(200, GRANTED)))
    account = with_aliases(transport=MUTUAL, token_endpoint_auth_method="tls_client_auth", client_secret=None)
    OAuth2(account, transport, Clock()).request_token(None)
    assert body_of(transport.sent[0]) == b"grant_type=client_credentials&client_id=client-1"
    assert "Authorization" not in transport.sent[0].headers
