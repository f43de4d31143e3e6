# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work list from run to run, with what people do to the file in between."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.apiops.access.plugins.plugin_utils._provisioning_report import (
    provisioning_lines,
    provisioning_report,
)
from ansible_collections.apiops.access.plugins.plugin_utils._work_list import (
    MOST_DONE,
    WorkListError,
    read_work_list,
    update_work_list,
    work_data,
    work_list_text,
)
from hypothesis import HealthCheck, configuration, given, settings, strategies as st

from .report_samples import HOSTILE, assessed, for_a_person

configuration.set_hypothesis_home_dir(Path(__file__).absolute().parents[4] / ".build" / "hypothesis")

# The same examples in every run, so that a failure is one for everybody.
thorough = settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

Result = dict[str, t.Any]
URL = "https://support.example.com/login/api_account"


def run(old: str, day: int, *results: Result, names: list[str] | None = None) -> str:
    """The file after a run on that day of November."""
    return work_list_text(updated(old, day, *results, names=names))


def data(old: str, day: int, *results: Result, names: list[str] | None = None) -> dict[str, t.Any]:
    return work_data(updated(old, day, *results, names=names))


def updated(old: str, day: int, *results: Result, names: list[str] | None = None) -> t.Any:
    report = provisioning_report(list(results), generated=f"2026-11-{day:02}T03:00:00Z")
    return update_work_list(report, read_work_list(old), names)


def ticked(text: str, part: str, *, to: str = "[x]") -> str:
    """The file after a person has ticked the only box whose line has that part."""
    lines = text.split("\n")
    (index,) = [index for index, line in enumerate(lines) if line.startswith("- [") and part in line]
    lines[index] = lines[index].replace("[ ]" if to != "[ ]" else "[x]", to)
    return "\n".join(lines)


def below(text: str, part: str, *more: str) -> str:
    """The file after a person has written lines below the only one that has that part."""
    lines = text.split("\n")
    (index,) = [index for index, line in enumerate(lines) if part in line]
    return "\n".join([*lines[: index + 1], *more, *lines[index + 1 :]])


def section(text: str, name: str) -> str:
    return text.split(f"\n## {name}\n")[1].split("\n## ")[0]


def boxes(text: str, name: str) -> list[str]:
    """The titles in a section, with their boxes."""
    return [line for line in section(text, name).split("\n") if line.startswith("- [")]


def failed(name: str) -> Result:
    return {"item": name, "failed": True, "msg": "Connection refused.", "failure": {"kind": "connection"}}


def unread(account_name: str, /, **wanted: t.Any) -> Result:
    """An account with settings that no program can read."""
    account = {
        "name": account_name,
        "provider": "rimo3",
        "base_url": "https://api.rimo3.example.com",
        "client_id": "5f1c",
    }
    return assessed(account_name, account=account, unchecked=list(wanted), unchecked_wanted=wanted)


def different(name: str, /, **found: t.Any) -> Result:
    differences = [{"field": field, "wanted": "as wanted", "found": value} for field, value in found.items()]
    steps = [f"Set {field} to as wanted. It is now {value}." for field, value in found.items()]
    return {**for_a_person(name, "change", steps=("Sign in.", *steps, "Choose Save.")), "differences": differences}


# What a run makes of what there is to do


def test_a_new_list() -> None:
    repaired = for_a_person("erp", "repair", steps=(f"Sign in to {URL}.", "Choose Save."))
    refused = {**repaired, "verified": False, "verdict": {"message": "It refused the secret."}}
    text = run("", 20, assessed("shop"), refused)
    assert re.sub(r"<!-- .* -->", "<!-- -->", text) == (
        "<!-- -->\n"
        "# What people have to do for API accounts\n"
        "\n"
        "1 item to do. Last run: 2026-11-20T03:00:00Z.\n"
        "\n"
        "A run ticks off what it finds done. Tick yourself where the last step says so. Your own lines stay, and so "
        "does all that is below the heading Notes.\n"
        "\n"
        "## To do\n"
        "\n"
        "- [ ] **erp**: repair the credentials (since 2026-11-20)\n"
        f"  <{URL}>\n"
        "  Found: It refused the secret.\n"
        f"  1. Sign in to <{URL}>.\n"
        "  2. Choose Save.\n"
        "  <!-- -->\n"
        "\n"
        "## Done\n"
        "\n"
        "Nothing.\n"
        "\n"
        "## Notes\n"
    )


def test_nothing_to_do() -> None:
    text = run("", 20, assessed("shop"))
    assert section(text, "To do") == "\nNothing.\n"
    assert run(text, 20, assessed("shop")) == text


NEEDED, GONE, OUT = for_a_person("erp", "repair"), assessed("erp"), failed("erp")
SINCE_18 = "**erp**: repair the credentials (since 2026-11-18)"
ENDED = "- [x] **erp**: repair the credentials (2026-11-18 to 2026-11-20, done)"


@pytest.mark.parametrize(
    ("box", "result", "to_do", "done"),
    [
        ("open", NEEDED, [f"- [ ] {SINCE_18}"], []),
        ("open", GONE, [], [ENDED]),
        ("open", OUT, [f"- [ ] {SINCE_18}"], []),
        ("open", None, [f"- [ ] {SINCE_18}"], []),
        ("ticked", NEEDED, [f"- [ ] {SINCE_18}"], []),
        ("ticked", GONE, [], [ENDED]),
        ("ticked", OUT, [f"- [x] {SINCE_18}"], []),
        ("ticked", None, [f"- [x] {SINCE_18}"], []),
        ("absent", NEEDED, ["- [ ] **erp**: repair the credentials (since 2026-11-20)"], []),
        ("absent", GONE, [], []),
        ("absent", OUT, [], []),
        ("absent", None, [], []),
    ],
)
def test_the_fate_of_an_item(box: str, result: Result | None, to_do: list[str], done: list[str]) -> None:
    old = run("", 18, assessed("shop") if box == "absent" else NEEDED)
    old = ticked(old, "erp") if box == "ticked" else old
    results = [result] if result else [assessed("shop")]
    text = run(old, 20, *results)
    assert (boxes(text, "To do"), boxes(text, "Done")) == (to_do, done)
    assert ("Opened again on 2026-11-20" in text) == (box == "ticked" and result is NEEDED)
    assert run(text, 20, *results) == text
    # The day after, what is done is done, and what is open has its first date.
    later = run(text, 21, *results)
    assert (boxes(later, "To do"), boxes(later, "Done")) == (to_do, done)


def test_what_is_needed_again_is_a_new_item() -> None:
    text = run(run("", 18, NEEDED), 19, GONE)
    text = run(text, 20, NEEDED)
    assert boxes(text, "To do") == ["- [ ] **erp**: repair the credentials (since 2026-11-20)"]
    assert len(boxes(text, "Done")) == 1
    text = run(text, 21, GONE)
    assert [line.split("(")[1][:24] for line in boxes(text, "Done")] == [
        "2026-11-20 to 2026-11-21",
        "2026-11-18 to 2026-11-19",
    ]


def test_steps_are_those_of_the_last_run() -> None:
    text = run("", 18, different("erp", role="admin", enabled="no"))
    text = run(text, 20, different("erp", enabled="no"))
    assert boxes(text, "To do") == ["- [ ] **erp**: change the settings (since 2026-11-18)"]
    assert "Set enabled" in text
    assert "Set role" not in text


def test_an_item_that_is_opened_again_says_what_was_found() -> None:
    text = run(ticked(run("", 18, different("erp", role="admin")), "erp"), 20, different("erp", role="admin"))
    said = "  Opened again on 2026-11-20: ticked, but still needed. Found: role is admin.\n"
    assert said in text
    assert said in run(text, 21, different("erp", role="admin"))
    assert "Opened again" not in run(text, 21, assessed("erp"))


def test_where_nothing_is_known_of_why_nothing_is_said() -> None:
    assert "Found" not in run("", 18, {**NEEDED, "msg": ""})


def test_each_action_has_its_own_steps() -> None:
    both = for_a_person("erp", "repair", "change")
    both["portal"]["tasks"] = [
        {"action": "repair", "steps": ["Look at the secret."]},
        {"action": "change", "steps": ["Set role."]},
    ]
    items = data("", 20, both)["open"]
    assert [(item["action"], item["steps"]) for item in items] == [
        ("repair", ["Look at the secret."]),
        ("change", ["Set role."]),
    ]
    # Of one, the other stays.
    text = run(run("", 18, both), 20, for_a_person("erp", "change"))
    assert boxes(text, "To do") == ["- [ ] **erp**: change the settings (since 2026-11-18)"]
    assert boxes(text, "Done") == [ENDED]


def test_settings_that_could_not_be_read_may_be_changed_or_not() -> None:
    refused = {**for_a_person("erp", "repair"), "verified": False, "unchecked": ["role"]}
    text = run(run("", 18, different("erp", role="admin")), 20, refused)
    assert "- [ ] **erp**: change the settings (since 2026-11-18)" in boxes(text, "To do")
    assert "It is now admin." in text
    assert boxes(run(text, 21, assessed("erp")), "Done")[0].startswith("- [x] **erp**: change the settings")
    # Where another setting differs by now, the item still stands for both.
    text = run(text, 21, {**different("erp", enabled="no"), "unchecked": ["role"]})
    text = run(text, 22, assessed("erp", unchecked=["role"], verified=False))
    assert "- [ ] **erp**: change the settings (since 2026-11-18)" in boxes(text, "To do")


def test_steps_where_the_portal_has_none() -> None:
    left = {
        **assessed("erp"),
        "actions": ["delete", "delete"],
        "action_required": True,
        "msg": "Have client 7 deleted.",
    }
    (item,) = data("", 20, left)["open"]
    assert item["steps"] == ["Have client 7 deleted."]
    assert len(provisioning_report([left])["accounts"][0]["needs"]) == 1


def test_a_change_whose_answer_was_lost() -> None:
    lost = {"item": "erp", "msg": "Account 'erp' (oauth2): Look at the server.", "failure": {"kind": "unfinished"}}
    text = run("", 18, lost)
    assert boxes(text, "To do") == ["- [ ] **erp**: settle a change whose outcome is not known (since 2026-11-18)"]
    assert "  1. Look at the server.\n" in text
    assert boxes(run(text, 20, lost), "To do") == boxes(text, "To do")
    assert boxes(run(text, 20, failed("erp")), "To do") == boxes(text, "To do")
    assert boxes(run(text, 20, assessed("erp", account={"name": "erp", "provider": "oauth2"})), "To do") == []


# What only people know


def test_settings_that_no_program_can_read_are_confirmed_once() -> None:
    result = unread("packaging", name="packaging", role="API User")
    text = run("", 18, result)
    assert "  <https://rimo3cloud.com/PublicApiAccounts/Index>\n" in text
    assert "Find Client ID 5f1c, and choose Edit." in text
    assert "Check that Name (name) is packaging." in text
    assert "Check that Role (role) is API User." in text
    assert "4. Check" in text
    assert "5. Tick it off in the work list" in text
    title = "- [ ] **packaging**: confirm the settings that no program can read (since 2026-11-18)"
    assert boxes(run(text, 19, result), "To do") == [title]
    text = run(ticked(text, "packaging"), 20, result)
    done = "**packaging**: confirm the settings that no program can read (2026-11-18 to 2026-11-20, ticked by hand)"
    assert (boxes(text, "To do"), boxes(text, "Done")) == ([], [f"- [x] {done}"])
    for day, later in enumerate([result, failed("packaging"), assessed("erp"), result], 21):
        text = run(text, day, later)
        assert (boxes(text, "To do"), boxes(text, "Done")) == ([], [f"- [x] {done}"])
    # Whoever takes the tick away wants to look again; a run that cannot look leaves that to the next.
    again = run(ticked(text, "packaging", to="[ ]"), 25, failed("packaging"))
    assert (boxes(again, "To do"), boxes(again, "Done")) == ([], [f"- [ ] {done}"])
    again = run(below(again, '"confirm"', "  Role?"), 26, result)
    assert (boxes(again, "To do"), boxes(again, "Done")) == ([title.replace("18", "26")], [])
    assert "  Role?\n" in section(again, "To do")


def test_other_values_are_confirmed_anew() -> None:
    text = run(
        ticked(run("", 18, unread("packaging", role="API User")), "packaging"), 19, unread("packaging", role="a")
    )
    assert [line[-18:] for line in boxes(text, "To do")] == ["(since 2026-11-19)"]
    assert "ticked by hand" in boxes(text, "Done")[0]
    # What nobody has confirmed is not done.
    text = run(text, 20, unread("packaging", role="b"))
    assert [line[-18:] for line in boxes(text, "To do")] == ["(since 2026-11-20)"]
    assert "no longer wanted" in boxes(text, "Done")[0]
    text = run(text, 20, unread("packaging", role="c"))
    text = run(text, 20, unread("packaging", role="b"))
    assert [line[-18:] for line in boxes(text, "To do")] == ["(since 2026-11-20)"]
    # The values that were confirmed once are so still.
    text = run(text, 21, unread("packaging", role="API User"))
    assert boxes(text, "To do") == []


def test_settings_are_not_asked_about_without_a_proof() -> None:
    refused = {**unread("packaging", role="a"), "verified": False, "actions": ["repair"], "action_required": True}
    text = run("", 18, refused)
    assert [line.split(": ")[1] for line in boxes(text, "To do")] == ["repair the credentials (since 2026-11-18)"]
    text = run(run("", 18, unread("packaging", role="a")), 19, refused)
    assert len(boxes(text, "To do")) == 2
    text = run(ticked(text, "confirm"), 20, refused)
    assert ("ticked by hand" in section(text, "Done"), len(boxes(text, "To do"))) == (True, 1)
    # An account that is to be deleted has no settings.
    text = run(run("", 18, unread("packaging", role="a")), 19, {**refused, "unchecked": []})
    assert "no longer wanted" in section(text, "Done")


def test_a_new_secret_is_ended_by_a_tick_alone() -> None:
    asked, not_asked = for_a_person("erp", "rotate"), assessed("erp")
    text = run("", 18, asked)
    title = "- [ ] **erp**: renew the secret (since 2026-11-18)"
    text = run(run(text, 19, not_asked), 20, asked)
    assert boxes(text, "To do") == [title]
    assert boxes(run(ticked(text, "erp"), 21, not_asked), "To do") == []
    # "Run this again", say the steps, and the same command asks for it again.
    text = run(ticked(text, "erp"), 21, asked)
    assert boxes(text, "To do") == []
    assert run(text, 21, asked) == text
    assert boxes(run(text, 22, asked), "To do") == [title.replace("18", "22")]


def test_a_forgotten_account_is_gone_when_a_person_says_so() -> None:
    forgotten = {**for_a_person("erp", "delete"), "changed": True, "change": "forgotten"}
    text = run(run("", 18, forgotten), 19, assessed("erp", verified=False))
    assert boxes(text, "To do") == ["- [ ] **erp**: delete the account (since 2026-11-18)"]
    assert boxes(run(ticked(text, "erp"), 20, assessed("erp")), "To do") == []
    # An account that is known again can be seen to go.
    text = run(text, 20, for_a_person("erp", "delete"))
    assert "Tick it off" not in text
    assert boxes(run(text, 21, assessed("erp", verified=False)), "To do") == []


def test_an_account_of_another_vendor_is_another_account() -> None:
    moved = {**NEEDED, "account": {"name": "erp", "provider": "jim2"}}
    text = run(run("", 18, NEEDED), 20, moved)
    assert boxes(text, "To do") == ["- [ ] **erp**: repair the credentials (since 2026-11-20)"]


# Accounts that come and go


def test_an_account_that_is_not_selected_stays_and_one_that_has_left_does_not() -> None:
    text = run("", 18, NEEDED, unread("packaging", role="a"))
    before = section(text, "To do")
    assert section(run(text, 20, assessed("shop"), names=["shop", "erp", "packaging"]), "To do") == before
    text = run(text, 20, assessed("shop"), names=["shop", "packaging"])
    assert [line.split("**")[1] for line in boxes(text, "To do")] == ["packaging"]
    assert "no longer wanted, as its account has left the list of accounts" in boxes(text, "Done")[0]
    assert run(text, 20, assessed("shop"), names=["shop", "packaging"]) == text


def test_the_order_is_the_peoples() -> None:
    text = run("", 18, for_a_person("one", "repair"), for_a_person("two", "repair"))
    first, second = re.findall(r"- \[ \](?:.|\n)*?-->\n\n", text)
    text = text.replace(first + second, second + first)
    text = run(text, 20, *(for_a_person(name, "repair") for name in ("new", "one", "two")))
    assert [line.split("**")[1] for line in boxes(text, "To do")] == ["two", "one", "new"]


def test_what_is_done_is_kept_for_a_while_and_what_is_confirmed_for_longer() -> None:
    many = [for_a_person(f"account {number}", "repair") for number in range(MOST_DONE + 5)]
    text = run(run("", 16, unread("packaging", role="z")), 17, unread("packaging", role="a"))
    assert "no longer wanted" in section(text, "Done")
    text = run(ticked(text, "(since 2026-11-17)"), 18, unread("packaging", role="a"), *many)
    text = below(text, "account 3**", "  Bob has done this.")
    text = below(text, f"account {MOST_DONE + 3}**", "  Eve has done this.")
    fine = [assessed(f"account {number}") for number in range(MOST_DONE + 5)]
    after = run(text, 19, *fine)
    done = [line.split("**")[1] for line in boxes(after, "Done")]
    assert done == [*(f"account {number}" for number in range(MOST_DONE)), "packaging"]
    assert "  Bob has done this." in section(after, "Done")
    assert "Eve" not in section(after, "Done")
    assert "  Eve has done this." in after.split("\n## Notes\n")[1]
    assert run(after, 19, *fine) == after
    assert "packaging" not in section(run(after, 20, *fine, unread("packaging", role="b")), "Done")
    assert "packaging" not in section(run(after, 20, *fine, names=["erp"]), "Done")


# The file is the people's as well


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- [ ] ", "- [X] "),
        ("- [ ] ", "* [x]  "),
        ("- [ ] ", "+   [ x ] "),
        ("- [ ] ", "-[✓] "),
        ("- [ ] ", "  - [✔] "),
        ("- [ ] ", "1. [x] "),
    ],
)
def test_ways_to_tick(before: str, after: str) -> None:
    text = run("", 18, unread("packaging", role="a")).replace(before, after)
    assert boxes(run(text, 20, unread("packaging", role="a")), "To do") == []


def test_ends_of_line_are_kept() -> None:
    text = run("", 18, NEEDED)
    edited = f"\ufeff{ticked(text, 'erp')}\nMine.\n".replace("\n", "\r\n")
    after = run(edited, 20, GONE)
    assert after.replace("\r\n", "") == after.replace("\r\n", "\n").replace("\n", "")
    assert boxes(after.replace("\r\n", "\n"), "Done") == [ENDED]
    assert after.endswith("## Notes\r\n\r\nMine.\r\n")
    assert boxes(run(text.replace("\n", "\r"), 20, GONE), "Done") == [ENDED]


def test_an_editor_that_writes_markdown_its_own_way() -> None:
    text = run("", 18, for_a_person("a_b", "repair", steps=("Sign in to _this_.", "Choose *Save*.")))
    text = text.replace("- [ ]", "*   [ ]").replace("**", "__").replace("\n  ", "\n\n    ").replace("2. ", "1) ")
    text = text.replace("\\_", "_").replace("\\*", "*")
    after = run(text, 20, for_a_person("a_b", "repair", steps=("Sign in to _this_.", "Choose *Save*.")))
    assert boxes(after, "To do") == ["- [ ] **a_b**: repair the credentials (since 2026-11-18)"]
    assert after.count("Save") == 1
    assert after.endswith("## Notes\n")


def test_notes_are_kept_as_they_are() -> None:
    notes = '\n- [x] mine {{ x }}\n\t<b>&\u2028\x0b\n## Notes\n## Done\n- [ ] **erp**: <!-- {"a": 1} -->\r\nlast'
    text = run("", 18, NEEDED) + notes
    assert run(text, 20, NEEDED).split("## Notes\n", 1)[1] == f"{notes}\n"
    assert run(text, 18, NEEDED) == f"{text}\n"


@pytest.mark.parametrize("heading", ["## notes", "##   NOTES  ", "   ## Notes ##", "##\tNotes"])
def test_the_heading_of_the_notes(heading: str) -> None:
    text = run("", 18, NEEDED).replace("## Notes", heading) + "Mine."
    assert run(text, 18, NEEDED).endswith("\n## Notes\nMine.\n")


def test_a_persons_lines_stay_where_they_are() -> None:
    text = run("", 18, NEEDED, for_a_person("shop", "repair"))
    text = below(text, "**erp**", "  Bob asks Jim.", "    - He is away.")
    text = text.replace("\n## Done", "\n- [ ] Buy cake\n  with cherries\n\nThe end.\n\n## Done")
    after = run(text, 20, NEEDED, for_a_person("shop", "repair"))
    to_do = section(after, "To do").split("\n- [ ] ")
    assert to_do[1].endswith("-->\n  Bob asks Jim.\n    - He is away.\n")
    assert to_do[3] == "Buy cake\n  with cherries\n\nThe end.\n"
    assert boxes(after, "To do")[2] == "- [ ] Buy cake"
    after = run(after, 21, GONE, failed("shop"))
    assert "  Bob asks Jim.\n    - He is away.\n" in section(after, "Done")
    assert boxes(after, "To do")[1] == "- [ ] Buy cake"
    assert run(after, 21, GONE, failed("shop")) == after


def test_what_a_person_wrote_into_our_lines_is_kept() -> None:
    text = (
        run("", 18, NEEDED).replace("(since 2026-11-18)", "(since 2026-11-18) - Bob").replace("Save.", "Save, twice.")
    )
    for result in (NEEDED, GONE):
        after = run(text, 20, result)
        assert "  > **erp**: repair the credentials (since 2026-11-18) - Bob\n  2. Choose Save, twice.\n" in after
        assert run(after, 20, result) == after
    kept = run(text, 20, failed("erp"))
    assert "- [ ] **erp**: repair the credentials (since 2026-11-18) - Bob\n" in kept
    assert "  2. Choose Save, twice." in kept


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# What people", "Team: ops\n\n# What people"),
        ("## To do", "Team: ops\n\n## To do"),
        ("## Done\n", "## Done\nTeam: ops\n"),
        ("Nothing.\n\n## Notes", "Nothing.\nTeam: ops\n\n## Notes"),
        ("\n## Done", "\nTeam: ops <!-- see below\n\n## Done"),
        ("\n## Done", "\n  Team: ops --> \n\n## Done"),
    ],
)
def test_text_that_cannot_stay_is_moved_to_the_notes(before: str, after: str) -> None:
    text = run("", 18, NEEDED).replace(before, after) + "\nMine.\n"
    written = run(text, 20, NEEDED)
    head, notes = written.split("\n## Notes\n")
    assert "Team" not in head
    assert notes.startswith("\nMine.\n\nMoved here on 2026-11-20, from where no text can stay:\n\n")
    assert "Team: ops" in notes
    assert run(written, 20, NEEDED) == written


@pytest.mark.parametrize(
    ("pattern", "broken"),
    [
        (r'"since":"[^"]*"', '"since":"soon"'),
        (r'"id":"[^"]*",', ""),
        (r'"account":"erp"', '"account":"erp'),
        (r"<!-- \{\"account.*-->", "<!-- -->"),
        (r"(\{\"account.*) -->", r"\1"),
        (r"<!-- (\{\"account.*-->)", r"\1"),
        (r"(\{\"account.*)\}", rf'\1,"x":{"[" * 9999}}}'),
    ],
)
def test_a_damaged_item_is_a_persons_text_and_its_need_a_new_item(pattern: str, broken: str) -> None:
    text = re.sub(pattern, broken, run("", 18, NEEDED))
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == ["- [ ] **erp**: repair the credentials (since 2026-11-20)"]
    assert "**erp**: repair the credentials (since 2026-11-18)" in after.split("\n## Notes\n")[1]
    assert run(after, 20, NEEDED) == after


def test_a_comment_without_its_title_is_an_open_item() -> None:
    text = run("", 18, NEEDED).replace(f"- [ ] {SINCE_18}\n", "")
    assert boxes(run(text, 20, NEEDED), "To do") == [f"- [ ] {SINCE_18}"]


@pytest.mark.parametrize(("pattern", "other"), [(r',"lines":"[0-9a-f]*"\}', "}"), (r'"[0-9a-f]*"\}', "[7]}")])
def test_an_item_without_fingerprints_is_as_a_person_wrote_it(pattern: str, other: str) -> None:
    text = re.sub(rf"(\"account.*?){pattern}", rf"\1{other}", run("", 18, NEEDED))
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == [f"- [ ] {SINCE_18}"]
    assert f"  > {SINCE_18}\n  <{URL}>\n" in after
    assert run(after, 20, NEEDED) == after


def test_a_comment_without_its_title_is_no_other_items() -> None:
    text = run(run("", 17, NEEDED), 18, GONE)
    done = "- [x] **erp**: repair the credentials (2026-11-17 to 2026-11-18, done)"
    text = text.replace(f"{done}\n", "").replace("Nothing.\n", "Nothing.\n\n- [ ] Buy cake\n")
    after = run(text, 20, assessed("shop"))
    assert (boxes(after, "To do"), boxes(after, "Done")) == (["- [ ] Buy cake"], [done])


def test_a_title_that_was_copied() -> None:
    text = run("", 18, NEEDED).replace(f"- [ ] {SINCE_18}\n", f"- [x] {SINCE_18}\n- [ ] {SINCE_18}\n")
    for result in (NEEDED, failed("erp")):
        after = run(text, 20, result)
        assert sorted(boxes(after, "To do")) == [f"- [ ] {SINCE_18}", f"- [x] {SINCE_18}"]
        assert run(after, 20, result) == after


@pytest.mark.parametrize(
    ("lines", "mine"),
    [
        ("{title} {comment} - Bob\n", ["  > - Bob"]),
        ("{title}\n  1. Sign in. {comment} ## Done\n", ["  > ## Done"]),
        ("{title} (Bob) {comment}\n", [f"  > {SINCE_18} (Bob)"]),
    ],
)
def test_lines_that_were_joined(lines: str, mine: list[str]) -> None:
    text = run("", 18, NEEDED)
    (comment,) = re.findall(r"<!-- .*account.*-->", text)
    (item,) = re.findall(r"- \[ \](?:.|\n)*?-->\n", text)
    text = text.replace(item, lines.format(title=f"- [ ] {SINCE_18}", comment=comment))
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == [f"- [ ] {SINCE_18}"]
    assert [line for line in section(after, "To do").split("\n") if line.startswith("  >")] == mine
    assert run(after, 20, NEEDED) == after
    assert after.count("Sign in.") == 1


def test_a_line_that_was_joined_with_the_comment_below_it() -> None:
    text = re.sub(r"  2\. Choose Save\.\n  (<!-- .*-->)", r"  2. Choose Jam. \1", run("", 18, NEEDED))
    assert "  2. Choose Jam.\n" in section(run(text, 20, NEEDED), "To do")


def test_a_persons_line_without_words_is_not_a_step_without_words() -> None:
    result = for_a_person("erp", "repair", steps=("***", "Save."))
    text = run("", 18, result).replace("  2. Save.", "  2. Save.\n  ---")
    assert "\n  ---\n" in run(text, 20, result)


def test_text_in_another_encoding() -> None:
    # As Ansible reads bytes that are no UTF-8.
    text = below(run("", 18, NEEDED), "2. Choose Save.", "  J\udcfcrgen asks.")
    assert "\n  J\udcfcrgen asks.\n" in section(run(text, 20, NEEDED), "To do")


def test_lines_above_the_list() -> None:
    text = f"---\nteam: ops\n---\n{run('', 18, NEEDED)}"
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == [f"- [ ] {SINCE_18}"]
    assert "\nteam: ops\n" in after.split("\n## Notes\n")[1]


@pytest.mark.parametrize("member", ["reopened", "done", "by"])
def test_what_is_no_date_or_word_of_the_lists(member: str) -> None:
    text = run("", 18, NEEDED).replace('"since"', f'"{member}":"\\u003cb\\u003e","since"')
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == [f"- [ ] {SINCE_18}"]
    assert "<b>" not in after
    assert "Opened again" not in after


def test_whoever_changes_a_done_item_changes_nothing() -> None:
    text = run(run("", 18, NEEDED), 20, GONE)
    assert run(text.replace("[x]", "[ ]"), 20, GONE) == text
    assert boxes(run(text.replace('"by":"run"', '"by":"me"'), 20, GONE), "Done") == [ENDED]


def test_items_that_were_copied_are_one() -> None:
    text = run("", 18, NEEDED)
    item = section(text, "To do").strip("\n")
    first, last = item.replace("-18", "-19"), item.replace("[ ]", "[x]").replace("-18", "-19")
    text = text.replace("## To do\n", f"## To do\n\n{first}\n").replace("## Done", f"{last}\n  Mine.\n\n## Done")
    after = run(text, 20, NEEDED)
    assert boxes(after, "To do") == [f"- [ ] {SINCE_18}"]
    assert "Opened again" in after
    assert "\n  Mine.\n" in section(after, "To do")


@pytest.mark.parametrize(
    "text", ["# Mine\n", "{}", "<!-- apiops.access -->\n", "\n" * 20 + "<!-- apiops.access work list 1 -->"]
)
def test_another_file_is_not_overwritten(text: str) -> None:
    with pytest.raises(WorkListError, match=r"no work list.*left as it is. Choose another path"):
        run(text, 20, NEEDED)


def test_a_list_of_another_version_is_not_overwritten() -> None:
    text = run("", 18, NEEDED).replace("work list 1", "work list 2")
    with pytest.raises(WorkListError, match=r"format 2.*left as it is"):
        run(text, 20, NEEDED)


@pytest.mark.parametrize("text", ["", " \n\r\n\t", "\ufeff\n"])
def test_an_empty_file_is_a_new_list(text: str) -> None:
    assert run(text, 20, NEEDED) == run("", 20, NEEDED)


@pytest.mark.parametrize("generated", ["", "yesterday", "20.11.2026"])
def test_a_list_needs_a_date(generated: str) -> None:
    with pytest.raises(WorkListError, match="Set generated"):
        update_work_list(provisioning_report([NEEDED], generated=generated), read_work_list(""))


# Texts of servers


def unmarked(text: str) -> str:
    """The text without the comments that a run writes, which must be well formed."""
    found = re.findall(r"<!-- (?:apiops\.access work list 1 )?(\{.*?\}) -->", text)
    for comment in found:
        assert json.loads(comment)
        assert not re.search(r"--|[<>]|\{\{", comment)
    plain = re.sub(r"<!-- (?:apiops\.access work list 1 )?\{.*?\} -->", "", text)
    assert "<!--" not in plain
    return plain


def test_hostile_text_stays_text() -> None:
    hostile = f"{HOSTILE} --> <!-- https://evil.example/x www.evil.example a@evil.example ~~x~~ <https://evil.example>"
    result = {
        **for_a_person(hostile, "repair", "change", steps=(hostile, f"- {hostile}")),
        "differences": [{"field": hostile, "wanted": hostile, "found": hostile}],
        "unchecked": ["a" + hostile],
        "unchecked_wanted": {"a" + hostile: hostile},
        "verdict": {"message": hostile},
    }
    result["portal"]["url"] = "javascript:alert(1)//https://evil.example/"
    text = run("", 18, result)
    text = run(text.replace("- [ ]", "- [x]"), 20, result)
    assert boxes(text, "To do")
    assert boxes(text, "Done")
    plain = unmarked(text)
    assert "Opened again" in plain
    assert not re.search(r"<[^>]*>", plain)
    assert "{{" not in text
    assert "\x1b" not in text
    outside = re.sub(r"`[^`\n]*`", "", plain.replace("\\`", ""))
    for link in ("](", "://", "www.", "@", "`"):
        assert link not in outside.replace("\\](", "")
    assert run(text, 20, result) == text


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        (URL, f"<{URL}>"),
        ("http://[2001:db8::1]:8080/a?b=%20&c#d", "<http://[2001:db8::1]:8080/a?b=%20&c#d>"),
        ("https://user:word@support.example.com", "`https://user:word@support.example.com`"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://a.example/<b>", "`https://a.example/`&lt;b>"),
        ("https://a.example/`b", "`https://a.example/`\\`b"),
        ("ftp://a.example/", "`ftp://a.example/`"),
        ("## Notes", "\\#\\# Notes"),
    ],
)
def test_the_link_of_an_item(url: str, linked: str) -> None:
    result = for_a_person("erp", "repair")
    result["portal"]["url"] = url
    assert f"\n  {linked}\n" in run("", 20, result)


@pytest.mark.parametrize(
    ("step", "written"),
    [
        (f"Go to {URL}.", f"Go to <{URL}>."),
        (f"Go ({URL}), now", f"Go (<{URL}>), now"),
        (f"Go to x{URL}", f"Go to `x{URL}`"),
        (f"Go to {URL}/more", f"Go to `{URL}/more`"),
        (f"Go to {URL}.evil.example", f"Go to `{URL}.evil.example`"),
        (f"Go to {URL}@evil.example", f"Go to `{URL}@evil.example`"),
        ("It is now HTTPS://evil.example/.", "It is now `HTTPS://evil.example/.`"),
        ("It is now WWW.evil.example.", "It is now `WWW.evil.example.`"),
        ("> It is now x > y.", "\\> It is now x > y."),
        ("Tell ops@example.com & wait", "Tell `ops@example.com` & wait"),
        ("Set x to &lt;b&gt; > *", "Set x to &amp;lt;b&amp;gt; > \\*"),
    ],
)
def test_addresses_in_steps(step: str, written: str) -> None:
    assert f"  1. {written}\n" in run("", 20, for_a_person("erp", "repair", steps=(step,)))


# For the screen


def test_lines_tell_what_came_off_the_list() -> None:
    text = run("", 18, NEEDED, for_a_person("shop", "rotate"), different("support", role="admin"))
    shop = {**for_a_person("shop", "repair", steps=("Sign in.",)), "msg": "It was refused."}
    results = [GONE, shop, different("support", role="admin"), unread("packaging", role="a")]
    report = provisioning_report(results, generated="2026-11-20T03:00:00Z")
    report["work"] = data(ticked(text, "support"), 20, *results)
    lines = provisioning_lines(report)
    assert lines[lines.index("What people have to do:") :] == [
        "What people have to do:",
        "  shop: renew the secret (since 2026-11-18, as before; its steps are in the work list)",
        "  support: change the settings (since 2026-11-18, ticked but still needed)",
        f"    {URL}",
        "    Found: role is admin.",
        "    1. Sign in.",
        "    2. Set role to as wanted. It is now admin.",
        "    3. Choose Save.",
        "  shop: repair the credentials (since 2026-11-20)",
        f"    {URL}",
        "    1. Sign in.",
        "  packaging: confirm the settings that no program can read (since 2026-11-20)",
        "    https://rimo3cloud.com/PublicApiAccounts/Index",
        "    1. In Rimo3, open Extend > Integrations > API Accounts (https://rimo3cloud.com/PublicApiAccounts/Index).",
        "    2. Find Client ID 5f1c, and choose Edit.",
        "    3. Check that Role (role) is a.",
        "    4. Tick it off in the work list, as no program can see it.",
        "",
        "Off the list in this run:",
        "  erp: repair the credentials (done)",
    ]


def test_lines_of_an_empty_list() -> None:
    report = provisioning_report([GONE], generated="2026-11-20T03:00:00Z")
    report["work"] = data("", 20, GONE)
    assert provisioning_lines(report)[-2:] == ["What people have to do:", "  Nothing."]


def test_data() -> None:
    text = run(
        ticked(run("", 17, unread("packaging", role="a")), "packaging"), 18, NEEDED, unread("packaging", role="a")
    )
    work = data(text, 20, for_a_person("shop", "repair"), GONE)
    assert [(item["account"], item["state"], item["since"]) for item in work["open"]] == [
        ("shop", "needed", "2026-11-20")
    ]
    assert work["done_now"] == [
        {
            "account": "erp",
            "action": "repair",
            "title": "repair the credentials",
            "since": "2026-11-18",
            "done": "2026-11-20",
            "by": "run",
            "ending": "done",
        }
    ]
    assert [(item["account"], item["by"], item["done"]) for item in work["done_before"]] == [
        ("packaging", "hand", "2026-11-18")
    ]


# Whatever people and servers do

NAMES = ("one", "two_2", "a.b -- c", "<x> {{ y }} | `z`")
PROBES = (
    "## Notes",
    "## Done",
    "## To do",
    "- [ ] ",
    "  - [x] ",
    "<!-- ",
    " -->",
    "```",
    "    ",
    "> ",
    "  1. ",
    "\t",
    "",
)

results_of_runs = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["fine", "failed", "repair", "change", "rotate", "forgotten", "unread", "refused"]),
        st.sampled_from(["a", "b"]),
    ),
    unique_by=lambda account: account[0],
    max_size=4,
)
places = st.floats(0, 1)
edits = st.lists(
    st.tuples(st.just("add"), places, st.sampled_from(PROBES), st.sampled_from(PROBES))
    | st.tuples(st.sampled_from(["tick", "delete", "double", "join", "indent", "outdent"]), places),
    max_size=8,
)


def edited(text: str, day: int, changes: t.Iterable[tuple[t.Any, ...]]) -> str:
    """The file after a person has worked on it. The first line stays: without it, it is another file."""
    lines = text.split("\n")
    for number, (change, place, *around) in enumerate(changes):
        index = 1 + round(place * (len(lines) - 2))
        if change == "add":
            lines.insert(index, f"mine-{day}-{number}".join(around))
        elif change == "tick":
            lines[index] = lines[index].replace("[ ]", "[x]")
        elif change == "delete" and "mine" not in lines[index]:
            del lines[index]
        elif change == "double":
            lines.insert(index, lines[index])
        elif change == "join":
            lines[index : index + 2] = ["".join(lines[index : index + 2])]
        elif change == "indent":
            lines[index] = f"  {lines[index]}"
        elif change == "outdent":
            lines[index] = lines[index].lstrip()
    return "\n".join(lines)


def results_for(accounts: t.Iterable[tuple[str, str, str]]) -> list[Result]:
    made: dict[str, t.Callable[[str, str], Result]] = {
        "fine": lambda name, _value: assessed(name),
        "failed": lambda name, _value: failed(name),
        "repair": lambda name, value: for_a_person(name, "repair", "change", steps=(value, "Save")),
        "change": lambda name, value: different(name, role=value),
        "rotate": lambda name, _value: for_a_person(name, "rotate"),
        "forgotten": lambda name, _value: {**for_a_person(name, "delete"), "changed": True, "change": "forgotten"},
        "unread": lambda name, value: unread(name, role=value),
        "refused": lambda name, _value: {**for_a_person(name, "repair"), "verified": False, "unchecked": ["role"]},
    }
    return [made[kind](name, value) for name, kind, value in accounts]


@thorough
@given(
    runs=st.lists(st.tuples(results_of_runs, edits, st.booleans()), max_size=4),
    last=results_of_runs,
    listed=st.none() | st.lists(st.sampled_from(NAMES)),
)
def test_whatever_people_write_is_kept_and_a_second_run_changes_nothing(
    runs: list[tuple[t.Any, t.Any, bool]], last: t.Any, listed: list[str] | None
) -> None:
    text = ""
    for day, (accounts, changes, crlf) in enumerate(runs, 1):
        text = run(text, day, *results_for(accounts), names=listed).replace("\r\n", "\n")
        text = edited(text, day, changes)
        text = text.replace("\n", "\r\n") if crlf else text
    after = run(text, 9, *results_for(last), names=listed)
    assert [words for words in re.findall(r"mine-\d-\d", text) if words not in after] == []
    assert run(after, 9, *results_for(last), names=listed) == after


@thorough
@given(accounts=results_of_runs, notes=st.text(), lines=st.lists(st.text(st.characters(exclude_characters="\r\n"))))
def test_whatever_text_there_is(accounts: t.Any, notes: str, lines: list[str]) -> None:
    results = results_for(accounts)
    text = run("", 18, *results)
    assert run(f"{text}{notes}", 18, *results) == (f"{text}{notes.rstrip()}\n" if notes.strip() else text)
    marker, _newline, rest = text.partition("\n")
    edited = "\n".join([marker, *lines, rest])
    after = run(edited, 18, *results)
    assert run(after, 18, *results) == after
    said = re.sub(r"\W+", "", after)
    assert [line for line in lines if re.sub(r"\W+", "", line) not in said] == []


@thorough
@given(accounts=results_of_runs)
def test_what_is_written_is_read(accounts: t.Any) -> None:
    update = updated("", 18, *results_for(accounts))
    read = read_work_list(work_list_text(update))
    written = [dataclasses.replace(item, line="", body=(), comment="") for item in read.open]
    assert written == [entry.item for entry in update.open]
    assert (read.own, read.stray, read.notes) == ((), (), "")


@thorough
@given(first=st.text(), text=st.text())
def test_whatever_file_there_is(first: str, text: str) -> None:
    for old in (text, f"<!-- apiops.access work list 1 {first}-->\n{text}"):
        try:
            after = run(old, 18, NEEDED)
        except WorkListError:
            continue
        assert run(after, 18, NEEDED) == after
