# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The validation report as JUnit XML, which continuous integration servers show: a suite an account, a case a host."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

from ._report_text import Report
from ._validation_report import HOST_STATES

_HOSTS = "hosts"
"""The suite of the hosts themselves: whether each could test."""


def validation_junit(report: Report) -> str:
    """Each account on each host as a test case. Invalid is a failure, and what could not be told is an error."""
    root = ElementTree.Element("testsuites", name="API access by host")
    suite = _suite(root, report, _HOSTS)
    for host in report["hosts"]:
        case = _case(suite, _HOSTS, host["host"])
        if host["state"] == "no_accounts":
            ElementTree.SubElement(case, "skipped", message=host["message"])
        elif host["state"] != "tested":
            _bad(case, "error", host["reason"], f"{HOST_STATES[host['state']]}: {host['message']}")
    for problem in report["problems"]:
        if not problem["hosts"]:  # of no host, such as a name that none has
            _bad(_case(suite, _HOSTS, problem["account"] or "all"), "error", problem["reason"], problem["message"])
    _count(suite)
    for account in report["accounts"]:
        suite = _suite(root, report, account["name"])
        for host in report["hosts"]:
            verdict = host["verdicts"].get(account["name"])
            if verdict is None:
                continue
            case = _case(suite, account["name"], host["host"], verdict["elapsed_ms"])
            if verdict["outcome"] != "valid":
                element = "failure" if verdict["outcome"] == "invalid" else "error"
                _bad(case, element, verdict["reason"], verdict["message"])
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, report: Report, name: str) -> ElementTree.Element:
    # JUnit's moments have no time zone; this one is UTC.
    moment = {"timestamp": report["generated"].removesuffix("Z")} if report["generated"] else {}
    return ElementTree.SubElement(root, "testsuite", name=name, **moment)


def _case(suite: ElementTree.Element, account: str, host: str, elapsed_ms: int | None = None) -> ElementTree.Element:
    """A case; its time is in seconds."""
    took = f"{(elapsed_ms or 0) / 1000:.3f}"
    return ElementTree.SubElement(suite, "testcase", classname=account, name=host, time=took)


def _bad(case: ElementTree.Element, element: str, reason: str, message: str) -> None:
    ElementTree.SubElement(case, element, type=reason, message=message).text = message


def _count(element: ElementTree.Element) -> None:
    cases: t.Sequence[ElementTree.Element] = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(kind) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
