# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every parser, given anything: the same inputs in every run."""

from __future__ import annotations

import pytest
from ansible_collections.apiops.access.tests.fuzz.inputs import inputs
from ansible_collections.apiops.access.tests.fuzz.seeds import seeds
from ansible_collections.apiops.access.tests.fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_survives_every_seed(name: str) -> None:
    for seed in seeds():
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(
    derandomize=True, max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip
@given(data=inputs())
def test_a_parser_survives_anything(name: str, data: bytes) -> None:
    TARGETS[name](data)
