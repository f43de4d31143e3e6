# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them, with nothing but what its credentials put into the environment."""

from __future__ import annotations

import secrets
import typing as t

import pytest

from ..sandbox.server import SandboxHandle
from . import redis_server
from .awx import Document, Job, definition, survey_variables
from .conftest import FOUR
from .leaks import LeakDetector, assert_clean
from .oauth2_clients import Clients, Options, using
from .oidc_server import OidcServer
from .redis_server import RedisHandle
from .runner import AnsibleRunner

Credentials = list[tuple[str, dict[str, t.Any]]]
MakeJob = t.Callable[..., Job]

HOSTS = ("host1", "host2")
FIELDS = {
    "ca_path": "ca_data",
    "private_key_path": "private_key",
    "client_cert": "client_certificate",
    "client_key": "client_certificate_key",
}
"""The fields that take the content of a file, by the option that names one."""


@pytest.fixture
def job(ansible: AnsibleRunner, sandbox: SandboxHandle) -> t.Iterator[MakeJob]:
    """Make jobs; all that they leave behind is searched for secrets."""
    made: list[Job] = []

    def make(hosts: t.Sequence[str] = HOSTS, **environment: str) -> Job:
        made.append(Job(ansible.folder / f"job{len(made)}", ansible.environment(environment), hosts))
        return made[-1]

    yield make
    handed_out = [secret for server in ansible.more_servers for secret in server()]
    detector = LeakDetector(sandbox, more=[*ansible.more_secrets, *handed_out])
    for each in made:
        assert list(each.artifacts.glob("job_events/*.json"))
        # What it was given is in env, and in a note of ansible-runner. What AWX keeps and shows of that is searched.
        (each.artifacts / "command").unlink()
        folders = [path for path in each.folder.iterdir() if path.name != "env"]
        assert_clean(detector, f"{each.output}\n{each.injected.safe_env}", folders)


def credential(account: t.Mapping[str, t.Any]) -> tuple[str, dict[str, t.Any]]:
    """What a person enters into AWX for an account."""
    given = {option: value for option, value in account.items() if option not in ("name", "provider")}
    for option, field in FIELDS.items():
        if option in given:
            with open(given.pop(option)) as file:
                given[field] = file.read()
    if isinstance(given.get("scope"), list):
        given["scope"] = " ".join(given["scope"])
    return account["provider"], given


def answers(name: str, **given: t.Any) -> Document:
    """The variables of a job whose survey was answered like this, and left as it is for the rest."""
    return survey_variables(definition("job_templates", name)["survey_spec"], given)


def verdicts(job: Job) -> list[tuple[str, str]]:
    """Account and outcome of all tests of a job."""
    return sorted(
        (verdict["name"], verdict["outcome"]) for result in job.results("token_test") for verdict in result["verdicts"]
    )


@pytest.fixture
def four_credentials(four_accounts: list[dict[str, t.Any]]) -> Credentials:
    return [credential(account) for account in four_accounts]


# Validate


def test_four_credentials_are_four_accounts_of_every_host(
    job: MakeJob, sandbox: SandboxHandle, four_credentials: Credentials
) -> None:
    validation = job()
    assert validation.run("validate.yml", four_credentials, answers("validate")) == 0, validation.output
    assert verdicts(validation) == sorted((name, "valid") for name in FOUR for _host in HOSTS)
    counters = sandbox.counters()
    assert [counters[name]["token_requests"] for name in FOUR] == [1, 1, 1, 1]
    assert sandbox.counters()["licences_in_use"] == 0


def test_answers_of_the_survey_hold(job: MakeJob, sandbox: SandboxHandle, four_credentials: Credentials) -> None:
    sandbox.control("POST", "/accounts/rimo3", {"enabled": False})
    validation = job()
    report = validation.home / "report"
    chosen = answers(
        "validate",
        target="host2",
        validate_tokens_names="rimo3, jim2",
        validate_tokens_fail_on=["indeterminate"],
        validate_tokens_report_path=str(report),
        validate_tokens_report_formats=["json"],
        validate_tokens_release="yes",
    )
    assert validation.run("validate.yml", four_credentials, chosen) == 0, validation.output
    assert verdicts(validation) == [("jim2", "valid"), ("rimo3", "invalid")]
    assert [path.name for path in report.glob("report.*")] == ["report.json"]
    assert sandbox.counters()["jim2"]["live_tokens"] == 0
    failing = job()
    assert failing.run("validate.yml", four_credentials, answers("validate", validate_tokens_names="rimo3")) == 2
    tolerant = job()
    some = answers("validate", validate_tokens_names="rimo3", validate_tokens_max_hosts_failed="100%")
    assert tolerant.run("validate.yml", four_credentials, some) == 0, tolerant.output


def test_half_a_credential_fails_and_says_what_is_missing(
    job: MakeJob, sandbox: SandboxHandle, four_accounts: list[dict[str, t.Any]]
) -> None:
    rimo3, cimcloud, *_others = (credential(account) for account in four_accounts)
    del cimcloud[1]["auth_key"]
    validation = job()
    assert validation.run("validate.yml", [rimo3, cimcloud], answers("validate")) == 2
    assert "Account 'cimcloud' (cimcloud): option auth_key is missing." in validation.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 0


def test_without_credentials_nothing_is_tested_and_the_job_fails(job: MakeJob) -> None:
    validation = job()
    assert validation.run("validate.yml", [], answers("validate")) == 2
    assert verdicts(validation) == []
    assert "no account is defined" in validation.output


# Provision


def test_four_credentials_are_proven(job: MakeJob, sandbox: SandboxHandle, four_credentials: Credentials) -> None:
    provisioning = job()
    assert provisioning.run("provision.yml", four_credentials, answers("provision")) == 0, provisioning.output
    results = provisioning.results("api_account")
    assert [result["verified"] for result in results] == [True] * 4
    some = job()
    assert some.run("provision.yml", four_credentials, answers("provision", provision_accounts_names="jim2")) == 0
    assert [result["account"]["client_id"] for result in some.results("api_account")] == [
        sandbox.account("jim2")["client_id"]
    ]


# Any OAuth 2.0 server


def oauth2_cases(clients: Clients) -> dict[str, Options]:
    return {
        "a secret": clients.secret(),
        "a key": clients.key("EC"),
        "a key of a file": clients.key("RSA", path=True),
        "a certificate": clients.certificate(self_signed=False),
    }


@pytest.mark.parametrize("case", ["a secret", "a key", "a key of a file", "a certificate"])
def test_an_oauth2_account_by(case: str, job: MakeJob, oidc_ansible: AnsibleRunner, oidc: OidcServer) -> None:
    options = {**oauth2_cases(Clients(oidc_ansible, oidc))[case], **using(oidc)}
    if case == "a certificate":
        options["base_url"] = f"https://localhost:{oidc.mtls_port}"
    if case == "a key of a file":
        # What follows from the key.
        del options["token_endpoint_auth_method"]
    _provider, given = credential(options)
    validation = job()
    assert validation.run("validate.yml", [("oauth2", given)], answers("validate")) == 0, validation.output
    assert verdicts(validation) == [("oauth2", "valid")] * len(HOSTS)


# Rotate


def test_secrets_are_rotated_by_the_answers_of_the_survey(
    job: MakeJob, oidc_ansible: AnsibleRunner, oidc: OidcServer
) -> None:
    ansible, records = oidc_ansible, oidc_ansible.folder / "records.yml"
    vault = ansible.inputs / "vault"
    vault.write_text(secrets.token_urlsafe(24))
    ansible.more_secrets.append(vault.read_text())
    vaulted = {"ANSIBLE_VAULT_PASSWORD_FILE": str(vault)}
    account = {"name": "reporting", "provider": "oauth2", "issuer": oidc.issuer, "ca_path": str(oidc.ca)}
    token = oidc.initial_access_token()
    variables = {"wanted_api_accounts": [account], "records_file": str(records), "initial_access_token": token}
    made = ansible.playbook("apiops.access.accounts", variables=variables, env=vaulted)
    assert made.status == 0, made.output
    before = set(oidc.clients())

    nothing_due = job(**vaulted)
    untouched = answers("rotate", records_file=str(records), initial_access_token=token)
    assert nothing_due.run("rotate.yml", [], untouched) == 0, nothing_due.output
    assert set(oidc.clients()) == before
    named = job(**vaulted)
    chosen = answers("rotate", records_file=str(records), initial_access_token=token, rotate="reporting")
    assert named.run("rotate.yml", [], chosen) == 0, named.output
    assert len(oidc.clients()) == 1
    assert set(oidc.clients()) != before
    assert verdicts(named) == [("reporting", "valid")] * len(HOSTS)


# One token for all jobs


@pytest.fixture
def redis(ansible: AnsibleRunner, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RedisHandle]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as handle:
        ansible.more_secrets += handle.secrets
        yield handle


@pytest.mark.skipif(redis_server.binary() is None, reason=redis_server.MISSING)
@pytest.mark.xdist_group("redis")
def test_jobs_with_the_shared_cache_share_a_token(job: MakeJob, sandbox: SandboxHandle, redis: RedisHandle) -> None:
    cache = {
        "url": redis.url,
        "password": redis.password,
        "secret": redis.cache_secret,
        "ca_certificates": redis.files.ca.read_text(),
    }
    credentials = [credential(sandbox.account("rimo3")), ("shared_cache", cache)]
    reused = []
    for _job in range(2):
        validation = job()
        assert validation.run("validate.yml", credentials, answers("validate")) == 0, validation.output
        reused += [result["verdicts"][0]["reused"] for result in validation.results("token_test")]
        assert not (validation.home / ".ansible" / "apiops_access").exists()
    assert sorted(reused) == [False, True, True, True]
    assert sandbox.counters()["rimo3"]["token_requests"] == 1
    assert redis.refused() == []
    # Without it, a job knows nothing of the others.
    alone = job()
    assert alone.run("validate.yml", credentials[:1], answers("validate")) == 0, alone.output
    assert sandbox.counters()["rimo3"]["token_requests"] == 2


@pytest.mark.skipif(redis_server.binary() is None, reason=redis_server.MISSING)
@pytest.mark.xdist_group("redis")
@pytest.mark.parametrize(("fallback", "status"), [("fail", 2), ("none", 0)])
def test_what_jobs_do_while_the_shared_cache_is_down(
    job: MakeJob, sandbox: SandboxHandle, redis: RedisHandle, fallback: str, status: int
) -> None:
    redis.stop()
    cache = {"url": f"rediss://apiops@localhost:{redis_server.free_port()}", "password": redis.password}
    cache |= {"secret": redis.cache_secret, "fallback": fallback, "prefix": "other:"}
    validation = job(("host1",))
    credentials = [credential(sandbox.account("rimo3")), ("shared_cache", cache)]
    assert validation.run("validate.yml", credentials, answers("validate")) == status, validation.output
    assert sandbox.counters()["rimo3"]["token_requests"] == (0 if status else 1)
