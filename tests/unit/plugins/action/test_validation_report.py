# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import types
import typing as t
from pathlib import Path
from unittest.mock import MagicMock
from xml.etree import ElementTree

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.apiops.access.plugins.action.validation_report import ActionModule
from ansible_collections.apiops.access.plugins.filter.validation_report import make

RESULTS = {
    "web-1": {"verdicts": [{"name": "erp", "provider": "jim2", "outcome": "valid", "message": "The token works."}]},
    "web-2": {"unreachable": True, "msg": "Connection refused"},
}


def report(moment: str = "2026-11-20T21:00:00Z", history: str = "") -> dict[str, t.Any]:
    return dict(make(RESULTS, generated=moment, history=history))


def write(options: dict[str, t.Any], check_mode: bool = False) -> dict[str, t.Any]:
    connection = MagicMock()
    action = ActionModule(
        task=types.SimpleNamespace(args=options, action="x", async_val=0, check_mode=check_mode, diff=False),
        connection=connection,
        play_context=types.SimpleNamespace(),
        loader=None,
        templar=None,
        shared_loader_obj=None,
    )
    result = action.run(task_vars={})
    assert not [call for call in connection.mock_calls if "exec_command" in str(call) or "put_file" in str(call)]
    return dict(result)


def modes(*paths: Path) -> list[str]:
    return [f"{path.stat().st_mode & 0o7777:04o}" for path in paths]


def test_each_format_is_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    result = write({"report": report(), "path": str(folder), "formats": ["html", "json", "junit"]})
    names = ["report.html", "report.json", "report.xml"]
    assert result["files"] == [str(folder / name) for name in names]
    assert result["changed"]
    assert sorted(os.listdir(folder)) == names
    assert json.loads((folder / "report.json").read_text()) == report()
    assert (folder / "report.html").read_text() == make(report(), "html")
    assert ElementTree.parse(folder / "report.xml").getroot().tag == "testsuites"
    assert modes(folder, *folder.iterdir()) == ["0700", "0600", "0600", "0600"]


def test_the_formats_that_most_want_are_the_default(tmp_path: Path) -> None:
    write({"report": report(), "path": str(tmp_path)})
    assert sorted(os.listdir(tmp_path)) == ["report.html", "report.json"]


def test_the_same_report_changes_nothing(tmp_path: Path) -> None:
    options = {"report": report(), "path": str(tmp_path), "history_path": str(tmp_path / "history.json")}
    assert write(options)["changed"]
    assert not write(options)["changed"]
    assert write({**options, "report": report("2026-11-21T21:00:00Z")})["changed"]


def test_files_that_others_could_read_are_private_again(tmp_path: Path) -> None:
    options = {"report": report(), "path": str(tmp_path), "formats": ["json"]}
    write(options)
    (tmp_path / "report.json").chmod(0o644)
    tmp_path.chmod(0o755)
    assert write(options)["changed"]
    assert modes(tmp_path, tmp_path / "report.json") == ["0700", "0600"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "report.json").symlink_to(tmp_path / "elsewhere")
    write({"report": report(), "path": str(tmp_path), "formats": ["json"]})
    assert (tmp_path / "report.json").is_symlink()
    assert json.loads((tmp_path / "elsewhere").read_text()) == report()


def test_the_history_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    write({"report": report(), "history_path": str(path)})
    first = path.read_text()
    assert modes(path) == ["0600"]
    second = report("2026-11-21T21:00:00Z", first)
    assert write({"report": second, "history_path": str(path)})["files"] == [str(path)]
    assert [run["generated"] for run in json.loads(path.read_text())["runs"]] == [
        "2026-11-20T21:00:00Z",
        "2026-11-21T21:00:00Z",
    ]


def test_a_damaged_history_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(b"\xff{")
    write({"report": report(history="\ufffd{"), "history_path": str(path)})
    assert len(json.loads(path.read_text())["runs"]) == 1


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    options = {"report": report(), "path": str(folder), "history_path": str(tmp_path / "h")}
    result = write(options, check_mode=True)
    assert result["files"] == [str(folder / "report.html"), str(folder / "report.json"), str(tmp_path / "h")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["folder/report.html", "h"])
def test_check_mode_tells_whether_something_would_be_written(tmp_path: Path, file: str) -> None:
    options = {"report": report(), "path": str(tmp_path / "folder"), "history_path": str(tmp_path / "h")}
    assert write(options, check_mode=True)["changed"]
    write(options)
    assert not write(options, check_mode=True)["changed"]
    (tmp_path / file).chmod(0o644)
    assert write(options, check_mode=True)["changed"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"report": RESULTS}, "report is none that the filter"),
        ({"report": report(), "formats": ["pdf"]}, "formats"),
        ({"path": "x"}, "report"),
        ({"report": report(), "history_path": "/nowhere/h"}, r"written to /nowhere/h \(No such file or directory\)"),
        ({"report": report(), "path": "/dev/null/x"}, r"cannot be written to /dev/null/x \(Not a directory\)"),
        ({"report": report(), "history_path": "/proc/1/x/h"}, r"cannot be written to /proc/1/x/h \("),
    ],
)
def test_what_is_wrong_is_told(options: dict[str, t.Any], told: str) -> None:
    with pytest.raises(AnsibleActionFail, match=told) as caught:
        write(options)
    assert "{{" not in str(caught.value)  # which ansible-core 2.16 would take for a template


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"path": str(tmp_path), "formats": ["json"]}
    write({**options, "report": report()})

    def full(*_arguments: t.Any) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "report.json"))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(AnsibleActionFail, match="No space left on device"):
        write({**options, "report": report("2026-11-21T21:00:00Z")})
    assert os.listdir(tmp_path) == ["report.json"]
    assert json.loads((tmp_path / "report.json").read_text()) == report()
