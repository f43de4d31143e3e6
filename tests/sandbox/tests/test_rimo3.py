# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ..server import SandboxHandle
from .caller import FORM, GRANT, Caller

TOKEN = "/api/v2/connect/token"
TEST = "/api/v2/connect/test"
LITERAL = '{"Form-Data": "grant_type=client_credentials"}'


def test_token_has_the_documented_fields(api: Caller) -> None:
    document = api.login("rimo3").json()
    assert document == {"access_token": document["access_token"], "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_the_articles_literal_body_is_accepted(api: Caller, kind: str) -> None:
    headers = api.basic("rimo3") | {"Content-Type": kind}
    assert api("rimo3", "POST", TOKEN, headers=headers, data=LITERAL).status_code == 200


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": GRANT, "headers": {"Content-Type": "text/plain"}}, 415),
        ({"data": GRANT, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": "grant_type=password", "headers": FORM}, 400),
        ({"data": GRANT + "&scope=all", "headers": FORM}, 400),
        ({"data": "", "headers": FORM}, 400),
        ({"data": json.dumps({"Form-Data": "grant_type=password"}), "headers": FORM}, 400),
        ({"data": json.dumps({"grant_type": "client_credentials"}), "headers": FORM}, 400),
        ({"data": GRANT, "headers": FORM, "params": {"client_id": "x"}}, 400),
    ],
)
def test_a_request_that_is_not_the_documented_one_is_refused(api: Caller, options: dict[str, Any], status: int) -> None:
    options["headers"] = api.basic("rimo3") | options["headers"]
    assert api("rimo3", "POST", TOKEN, **options).status_code == status


def test_credentials_in_the_body_are_refused(api: Caller, sandbox: SandboxHandle) -> None:
    account = sandbox.account("rimo3")
    body = f"{GRANT}&client_id={account['client_id']}&client_secret={account['client_secret']}"
    assert api("rimo3", "POST", TOKEN, headers=FORM, data=body).status_code == 400
    assert api("rimo3", "POST", TOKEN, headers=FORM, data=GRANT).status_code == 401


def test_a_wrong_secret_is_401_in_dotnet_style(api: Caller) -> None:
    response = api.login("rimo3", secret="wrong")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Unauthorized"
    assert response.headers["WWW-Authenticate"] == "Basic"


def test_verbs_and_paths(api: Caller) -> None:
    response = api("rimo3", "GET", TOKEN)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert api("rimo3", "POST", TEST, api.token("rimo3")).status_code == 405
    assert api("rimo3", "GET", TEST + "/", api.token("rimo3")).status_code == 404
    assert api("rimo3", "GET", "/api/v1/connect/test", api.token("rimo3")).status_code == 404


def test_the_test_takes_a_living_bearer_token_in_the_header(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    assert api("rimo3", "GET", TEST, token).status_code == 200
    assert api("rimo3", "GET", TEST).headers["WWW-Authenticate"] == "Bearer"
    assert api("rimo3", "GET", TEST).status_code == 401
    assert api("rimo3", "GET", TEST, token + "x").status_code == 401
    assert api("rimo3", "GET", TEST, headers={"Authorization": token}).status_code == 401
    assert api("rimo3", "GET", TEST, headers=api.basic("rimo3")).status_code == 401
    assert api("rimo3", "GET", TEST, params={"access_token": token}).status_code == 400
    sandbox.advance(3599)
    assert api("rimo3", "GET", TEST, token).status_code == 200
    sandbox.advance(2)
    assert api("rimo3", "GET", TEST, token).status_code == 401


def test_another_vendors_account_is_refused(api: Caller) -> None:
    headers = api.basic("jim2") | FORM
    assert api("rimo3", "POST", TOKEN, headers=headers, data=GRANT).status_code == 401


def test_a_token_of_another_vendor_is_refused(api: Caller) -> None:
    assert api("rimo3", "GET", TEST, api.token("jim2")).status_code == 401


def test_a_regenerated_secret_ends_the_old_one_but_not_the_tokens(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    new = sandbox.control("POST", "/accounts/rimo3", {"regenerate_secret": True})["client_secret"]
    assert api.login("rimo3").status_code == 401
    assert api.login("rimo3", secret=new).status_code == 200
    assert api("rimo3", "GET", TEST, token).status_code == 200


def test_a_disabled_account_neither_logs_in_nor_calls(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    sandbox.control("POST", "/accounts/rimo3", {"enabled": False})
    assert api.login("rimo3").status_code == 401
    assert api("rimo3", "GET", TEST, token).status_code == 401


def test_an_address_off_the_list_is_refused(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    sandbox.control("POST", "/accounts/rimo3", {"ip_addresses": ["192.0.2.0/24"]})
    assert api.login("rimo3").status_code == 403
    assert api("rimo3", "GET", TEST, token).status_code == 403


def test_application_packages(api: Caller) -> None:
    path = "/api/v2/application-packages"
    assert api("rimo3", "GET", path).status_code == 401
    assert {"applicationPackageId", "displayName"} <= set(api("rimo3", "GET", path, api.token("rimo3")).json()[0])


PACKAGES = "/api/v2/application-packages"
FIELDS = {
    "displayName": "VLC",
    "comment": "No comment",
    "fileName": "vlc.msi",
    "publisher": "VideoLAN",
    "name": "vlc",
    "version": "3.0.8",
    "installCommand": "msiexec /i vlc.msi",
    "uninstallCommand": "msiexec /x vlc.msi",
}
LINK = {**FIELDS, "fileLink": "https://files.example.com/vlc.msi", "progressStep": 0}
FORM_FIELDS = {**FIELDS, "progressStep": "2"}
FILES = {"file": ("vlc.zip", b"\r\n--PK\x00\r\n--boundary\r\n\r\n")}


def sequences(api: Caller, token: str, number: int) -> list[dict[str, Any]]:
    response = api("rimo3", "GET", f"{PACKAGES}/{number}/sequences", token)
    assert response.status_code == 200
    return list(response.json())


@pytest.mark.parametrize(("fails", "end"), [(False, "Completed"), (True, "Failed")])
def test_an_upload_by_link_goes_through_its_states(api: Caller, sandbox: SandboxHandle, fails: bool, end: str) -> None:
    sandbox.control("POST", "/switches", {"rimo3_sequences_fail": fails})
    token = api.token("rimo3")
    response = api("rimo3", "POST", f"{PACKAGES}/upload/manual/link", token, json=LINK)
    assert (response.status_code, set(response.json())) == (200, {"sequenceIdentifier"})
    package = api("rimo3", "GET", PACKAGES, token).json()[-1]
    assert package == {
        "applicationPackageId": 3,
        "displayName": "VLC",
        "manufacturer": "VideoLAN",
        "productVersion": "3.0.8",
        "fileName": "vlc.msi",
    }
    for seconds, status in ((0, "Queued"), (60, "Running"), (240, end)):
        sandbox.advance(seconds)
        assert sequences(api, token, 3) == [{**response.json(), "status": status}]
    assert sequences(api, token, 1)[0]["status"] == "Completed"
    assert sandbox.counters()["rimo3"]["acts"] == 1


def test_an_upload_of_a_file(api: Caller, sandbox: SandboxHandle) -> None:
    token = api.token("rimo3")
    for tags in ({}, {"tags": ["Evergreen", "Media"]}):
        data = {**FORM_FIELDS, **tags}
        response = api("rimo3", "POST", f"{PACKAGES}/upload/manual", token, data=data, files=FILES)
        assert (response.status_code, set(response.json())) == (200, {"sequenceIdentifier"})
    assert len(api("rimo3", "GET", PACKAGES, token).json()) == 4
    assert sandbox.counters()["rimo3"]["acts"] == 2


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *((without(LINK, name), name) for name in LINK if name != "comment"),
        *(({**LINK, name: ""}, name) for name in LINK if name != "comment"),
        *(({**LINK, "fileLink": link}, "fileLink") for link in ("vlc.msi", "file:///vlc.msi", "https:", 1)),
        *(({**LINK, "progressStep": step}, "progressStep") for step in ("0", 3, True, 1.0)),
        ({**LINK, "version": 3}, "version"),
        ({**LINK, "colour": "red"}, "colour"),
        ({**LINK, "tags": "x"}, "tags"),
        ([LINK], "$"),
    ],
)
def test_an_upload_by_link_that_is_refused(api: Caller, sandbox: SandboxHandle, body: Any, field: str) -> None:
    response = api("rimo3", "POST", f"{PACKAGES}/upload/manual/link", api.token("rimo3"), json=body)
    assert (response.status_code, set(response.json()["errors"])) == (400, {field})
    assert response.headers["Content-Type"] == "application/problem+json"
    assert sandbox.counters()["rimo3"]["acts"] == 0


@pytest.mark.parametrize(
    ("data", "files", "field"),
    [
        *((without(FORM_FIELDS, name), FILES, name) for name in FORM_FIELDS if name != "comment"),
        ({**FORM_FIELDS, "progressStep": "5"}, FILES, "progressStep"),
        ({**FORM_FIELDS, "fileLink": "https://x.example"}, FILES, "fileLink"),
        ({**FORM_FIELDS, "name": ["a", "b"]}, FILES, "name"),
        (FORM_FIELDS, {"file": (None, b"x")}, "file"),
        (FORM_FIELDS, {"file": ("a.zip", b"")}, "file"),
        (FORM_FIELDS, {"other": ("a.zip", b"x")}, "file"),
        (FORM_FIELDS, [("file", ("a.zip", b"x")), ("file", ("b.zip", b"x"))], "file"),
    ],
)
def test_an_upload_of_a_file_that_is_refused(
    api: Caller, sandbox: SandboxHandle, data: Any, files: Any, field: str
) -> None:
    response = api("rimo3", "POST", f"{PACKAGES}/upload/manual", api.token("rimo3"), data=data, files=files)
    assert (response.status_code, set(response.json()["errors"])) == (400, {field})
    assert sandbox.counters()["rimo3"]["acts"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"--b\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'x\r\n--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
    ],
)
def test_a_broken_form_is_refused(api: Caller, body: bytes) -> None:
    token, path = api.token("rimo3"), f"{PACKAGES}/upload/manual"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert api("rimo3", "POST", path, token, data=body, headers=headers).status_code == 400
    assert (
        api("rimo3", "POST", path, token, data=body, headers={"Content-Type": "multipart/form-data"}).status_code == 400
    )


def test_the_packages_other_refusals(api: Caller, sandbox: SandboxHandle) -> None:
    token, upload = api.token("rimo3"), f"{PACKAGES}/upload/manual"
    link = f"{upload}/link"
    assert api("rimo3", "POST", link, token, data=LINK).status_code == 415
    assert api("rimo3", "POST", upload, token, json=LINK).status_code == 415
    assert api("rimo3", "POST", link, token, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    for method, path in (("GET", f"{PACKAGES}/1/sequences"), ("POST", link), ("POST", upload)):
        assert api("rimo3", method, path).status_code == 401
        assert api("rimo3", "DELETE", path, token).status_code == 405
    missing = api("rimo3", "GET", f"{PACKAGES}/99/sequences", token)
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    assert api("rimo3", "GET", f"{PACKAGES}/x/sequences", token).status_code == 404
    sandbox.control("POST", "/accounts/rimo3", {"ip_addresses": ["192.0.2.0/24"]})
    assert api("rimo3", "POST", link, token, json=LINK).status_code == 403
    assert sandbox.counters()["rimo3"]["acts"] == 0


@pytest.mark.parametrize("key", ["rimo3_awkward", "jim2_awkward", "beyondtrust_awkward"])
def test_awkward_secrets_are_plain_base64_not_form_encoded(api: Caller, sandbox: SandboxHandle, key: str) -> None:
    secret = sandbox.account(key)["client_secret"]
    assert len(secret) == 200
    assert set(':%+ é"\\') <= set(secret)
    assert api.login(key).status_code == 200
    assert api.login(key, secret=secret.replace("%", "%25")).status_code == 401
