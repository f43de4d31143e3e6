# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller host of the operation token_test; documented in the module of the same name."""

from __future__ import annotations

import dataclasses
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ..module_utils._arguments import SECRET_OPTIONS, TOKEN_TEST_SPEC
from ..module_utils._errors import AccessError, ConfigurationError
from ..module_utils._model import Account, RateNotice, Token, Verdict, worst_outcome
from ..module_utils._operations.oauth_token import request_token
from ..module_utils._operations.token_test import MOST_AT_ONCE, introspect_token
from ..module_utils._providers._base import verdict_of_error
from ..module_utils._providers._registry import PROVIDERS
from ..module_utils._providers.oauth2 import combined_verdict, verdict_on_fresh_token
from ..plugin_utils._action import AccessAction, shipped_options
from ..plugin_utils._discovery_cache import with_metadata
from ..plugin_utils._options import listed_accounts
from ..plugin_utils._token_access import MOST_ATTEMPTS, is_paced, learn


@dataclasses.dataclass
class Check:
    """One account on its way to a verdict."""

    account: Account
    params: t.Mapping[str, t.Any]
    token: Token | None = None
    reused: bool = False
    renewed: bool = False
    verdict: dict[str, t.Any] | None = None
    fresh: bool = False
    """Whether the token was granted just now, by this task or one beside it."""
    introspection: Verdict | None = None
    """What the server said of the token."""
    used: Verdict | None = None
    """What came of the token's use by the host."""
    called: float = 0.0
    """The moment that the rate budget gave to the last call (seconds since 1970)."""


class ActionModule(AccessAction):
    """Finds the tokens on the controller, and has the host itself test them."""

    spec = TOKEN_TEST_SPEC

    def perform(self) -> dict[str, t.Any]:
        checks, params = self._checks()
        self._with_tokens(checks, self._obtain)
        ran = self._test_within_rate(checks)
        # A cached token can have died since; one that was requested just now has not.
        rejected = [
            check for check in checks if check.reused and _of(check)["reason"] in ("token_rejected", "inactive")
        ]
        if rejected:
            self._with_tokens(rejected, self._renew)
            self._test_within_rate([check for check in rejected if check.renewed])
            for check in rejected:
                if check.used and check.token and not check.renewed:
                    check.verdict = self._combined(check)
        return self._result(checks, params, ran)

    def _checks(self) -> tuple[list[Check], dict[str, t.Any]]:
        """What is to be tested; everything that can be wrong with the options is found before anything is sent."""
        raw = dict(self._task.args)
        if raw.get("accounts") is None:
            params, explicit = self.options()
            ready = params["access_token"] or (params["access_tokens"] or {}).get(params["name"])
            params.update((params["account_secrets"] or {}).get(params["name"], {}))
            account = self.one_account(params, explicit, need_credentials=not ready)
            checks = [Check(account, {**params, "access_token": ready})]
        else:
            params, _explicit = self.options()
            ready_tokens = params["access_tokens"] or {}
            hidden = params["account_secrets"] or {}
            elements = [{**each, **hidden.get(str(each.get("name")), {})} for each in params["accounts"]]
            found = listed_accounts(elements, raw, self.account_named, ready_tokens)
            for option in ("access_tokens", "account_secrets"):
                unknown = sorted(set(params[option] or {}) - {account.name for account, _own in found})
                if unknown:
                    raise ConfigurationError(
                        f"{option} has accounts that accounts does not have: {', '.join(unknown)}."
                    )
            checks = [Check(account, own) for account, own in found]
        for check in checks:
            self.remember_secrets(check.params)
            if not PROVIDERS[check.account.provider].needs_token(check.account):
                self._allow_basic(check)
        return checks, params

    @staticmethod
    def _allow_basic(check: Check) -> None:
        """With basic authorization the credentials themselves would go to the host: only where the user says so."""
        if check.params["request_from"] != "target":
            raise ConfigurationError(
                "authorization_type 'basic' has no token: its test sends the client secret itself to each host. Set "
                "request_from: target where that is wanted, or use authorization_type 'bearer'."
            ).about(check.account.name, check.account.provider)

    def _with_tokens(self, checks: t.Sequence[Check], step: t.Callable[[Check], None]) -> None:
        """Run a step for each account, at the same time where the controller asks; note its error as the verdict."""

        def guarded(check: Check) -> None:
            try:
                step(check)
            except AccessError as error:
                check.token = None
                check.verdict = verdict_of_error(error, check.account.base_url).to_dict()

        by_host = [check for check in checks if check.params["request_from"] == "target"]
        by_controller = [check for check in checks if check.params["request_from"] == "controller"]
        if by_controller:
            with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as pool:
                list(pool.map(guarded, by_controller))
        for check in by_host:  # Ansible's connection to a host serves one module at a time
            guarded(check)

    def _obtain(self, check: Check) -> None:
        ready = check.params["access_token"]
        if ready:
            check.token = PROVIDERS[check.account.provider].ready_token(check.account, ready)
            return
        provider = PROVIDERS[check.account.provider]
        if not provider.needs_token(check.account):
            check.token = request_token(check.account, None)
            return
        obtained = self.obtain(check.account, check.params)
        check.token, check.reused, check.fresh = obtained.token, obtained.reused, not obtained.reused

    def _renew(self, check: Check) -> None:
        before = t.cast(Token, check.token)
        obtained = self.obtain(check.account, check.params, rejected=before.fingerprint)
        check.token, check.renewed = obtained.token, obtained.token.fingerprint != before.fingerprint
        check.fresh = True  # if it is the same, then it was itself a renewal of a moment ago

    def _test_within_rate(self, checks: t.Sequence[Check]) -> dict[str, t.Any]:
        """Test, and again what met a vendor's low rate limit: each attempt waits until the budget has room for it."""
        ran = self._test(checks)
        for _attempt in range(MOST_ATTEMPTS - 1):
            limited = [
                check
                for check in checks
                if check.token and is_paced(check.account, check.params) and _of(check)["status"] == 429
            ]
            if not limited:
                break
            self._test(limited)
        return ran

    def _test(self, checks: t.Sequence[Check]) -> dict[str, t.Any]:
        """Have the host test all tokens that are there, in one module run; return what the module returned."""
        ready = []
        for check in checks:
            try:
                if check.token is not None:
                    check.called = self.pace(check.account, check.params, calls=1)
                    ready.append(check)
            except AccessError as error:
                check.verdict = verdict_of_error(error, check.account.base_url).to_dict()
        if not ready:
            return {}
        tokens = {check.account.name: t.cast(Token, check.token).access_token for check in ready}
        self.secrets |= set(tokens.values())
        self._with_tokens([check for check in ready if _asks_here(check)], self._introspect)
        shipped = [self._shipped(check) for check in ready]
        # Apart from the accounts, so that no module on no host shows or logs them.
        hidden = {
            options["account"]: {key: options.pop(key) for key in SECRET_OPTIONS & set(options)} for options in shipped
        }
        result = self.run_module(
            "token_test",
            {
                "accounts": shipped,
                "access_tokens": tokens,
                "account_secrets": hidden,
                "fail_on": [],
                **_shared_certificates(shipped),
            },
        )
        for check, verdict, told in zip(ready, result["verdicts"], result["introspections"]):
            check.used = Verdict(**verdict)
            check.introspection = Verdict(**told) if told else check.introspection
            check.verdict = self._combined(check)
        for check, rate in zip(ready, result.get("rates", ())):
            learn(check.account, check.params, check.called, RateNotice.from_dict(rate))
        return result

    @staticmethod
    def _introspect(check: Check) -> None:
        """Ask the server about the token."""
        try:
            check.introspection = introspect_token(with_metadata(check.account), t.cast(Token, check.token))
        except AccessError as error:
            check.introspection = verdict_of_error(error, check.account.base_url)

    @staticmethod
    def _shipped(check: Check) -> dict[str, t.Any]:
        """What the host is told of the account: no secret, unless it is the host that requests tokens with it."""
        by_host = check.params["request_from"] == "target" and PROVIDERS[check.account.provider].introspects
        return shipped_options(check.account, check.params, secrets=by_host)

    @staticmethod
    def _combined(check: Check) -> dict[str, t.Any]:
        """One verdict from what the server said of the token, and what came of its use by the host."""
        token, account = t.cast(Token, check.token), check.account
        told = (
            verdict_on_fresh_token(check.introspection) if check.introspection and check.fresh else check.introspection
        )
        verdict = combined_verdict(told, t.cast(Verdict, check.used))
        if check.fresh and verdict.reason == "token_rejected":
            verdict = dataclasses.replace(
                verdict,
                message=f"{verdict.message} The token was granted just now, so that its age is not the reason: check "
                "whether the account's list of allowed addresses has this host's.",
            )
        missing = set(account.scope) - set(token.scope)
        if verdict.introspection is None and verdict.outcome == "valid" and token.scope and missing:
            verdict = dataclasses.replace(
                verdict,
                outcome="invalid",
                reason="scope_missing",
                message=f"The token works, but was granted without the scope {' '.join(sorted(missing))}. Have the "
                "account be given it at the server.",
                permitted=False,
            )
        return verdict.to_dict()

    def _result(
        self, checks: t.Sequence[Check], params: t.Mapping[str, t.Any], ran: t.Mapping[str, t.Any]
    ) -> dict[str, t.Any]:
        now = time.time()
        verdicts = []
        for check in checks:
            token = check.token
            basic = token is not None and token.token_type == "Basic"
            verdicts.append(
                {
                    "name": check.account.name,
                    "provider": check.account.provider,
                    **_of(check),
                    "expires_in": _expires_in(check, now),
                    "fingerprint": token.fingerprint if token and not basic else None,
                    "reused": check.reused and not check.renewed,
                    "renewed": check.renewed,
                }
            )
        outcome = worst_outcome(verdict["outcome"] for verdict in verdicts)
        result: dict[str, t.Any] = {
            key: value for key, value in ran.items() if key in ("warnings", "deprecations", "ansible_facts")
        }
        result.update(changed=False, outcome=outcome, verdicts=verdicts)
        if params["accounts"] is None:
            result.update({key: value for key, value in verdicts[0].items() if key not in ("name", "message")})
        failing = [verdict for verdict in verdicts if verdict["outcome"] in params["fail_on"]]
        if failing:
            result["failed"] = True
            result["failure"] = {
                "kind": failing[0]["reason"],
                "status": failing[0]["status"],
                "error": None,
                "retryable": failing[0]["retryable"],
            }
        result["msg"] = " ".join(_sentence(verdict) for verdict in failing or verdicts)
        return result


def _shared_certificates(shipped: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Take out the certificates that all accounts have in common, so that they go to the host once."""
    certificates = {options.get("ca_data") for options in shipped}
    if len(certificates) != 1:
        return {}
    for options in shipped:
        options.pop("ca_data", None)
    return {"ca_data": certificates.pop()}


def _asks_here(check: Check) -> bool:
    """Whether the server is asked about the token from here, where the credentials are unless the host has them."""
    return check.params["request_from"] == "controller" and PROVIDERS[check.account.provider].introspects


def _of(check: Check) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", check.verdict)


def _expires_in(check: Check, now: float) -> int | None:
    """Seconds that the token lives, as its grant said, or else its introspection."""
    known = check.token.expires_in(now) if check.token else None
    told = (_of(check).get("introspection") or {}).get("expires_at")
    return known if known is not None or told is None else max(0, int(told - now))


def _sentence(verdict: t.Mapping[str, t.Any]) -> str:
    message = str(verdict["message"])
    if message.startswith("Account '"):  # that of an error, which names it already
        return message
    return f"Account '{verdict['name']}' ({verdict['provider']}): {message}"
