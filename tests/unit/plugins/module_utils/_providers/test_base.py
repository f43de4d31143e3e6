# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.plugins.module_utils._errors import RefusedError, ServerError, TransportError
from ansible_collections.apiops.access.plugins.module_utils._providers._base import verdict_of_error
from ansible_collections.apiops.access.plugins.module_utils._providers._registry import PROVIDERS
from ansible_collections.apiops.access.tests.unit.scripted import Script, answer, rimo3


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(200, False), (401, False), (403, False), (404, False), (418, False), (429, True), (500, True), (503, True)],
)
def test_a_verdict_says_whether_the_same_test_may_come_out_otherwise(
    script: Script, status: int, retryable: bool
) -> None:
    verdict = PROVIDERS["rimo3"](rimo3(), script()).judge(answer(status, {}))
    assert verdict.retryable is retryable
    assert verdict.to_dict()["retryable"] is retryable


def test_a_verdict_that_rests_on_an_error_is_as_retryable_as_that() -> None:
    assert verdict_of_error(TransportError("x", kind="timeout")).retryable
    assert verdict_of_error(ServerError("x")).retryable
    assert not verdict_of_error(TransportError("x", kind="certificate", retryable=False)).retryable
    assert not verdict_of_error(RefusedError("x")).retryable
