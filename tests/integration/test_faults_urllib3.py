# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport keeps all that it promises on urllib3 1 too, which many hosts have from their distribution."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from .runner import REPOSITORY

BUILD = REPOSITORY / ".build"
FOLDER = BUILD / "urllib3_1"
TESTS = "tests/unit/plugins/module_utils/test_transport.py"


def installed() -> Path:
    """A folder with urllib3 1 alone, made once and kept between runs."""
    with (BUILD / "urllib3_1.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "urllib3").exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--target", str(FOLDER), "urllib3==1.26.*"], check=True, timeout=600)
    return FOLDER


def test_the_transports_own_tests_pass_with_urllib3_1() -> None:
    paths = [str(installed()), str(BUILD), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(paths)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    assert run("-c", "import urllib3; print(urllib3.__version__)").stdout.startswith("1.26.")
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", TESTS)
    assert tested.returncode == 0, tested.stdout[-5000:]
