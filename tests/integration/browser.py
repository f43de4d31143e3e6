# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Chromium without a window, in which the tests open pages as a reader does."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

MISSING = "no Chromium is on the PATH (Debian and Ubuntu: the package chromium)"

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def binary() -> str | None:
    """A Chromium of the machine."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextlib.contextmanager
def running(folder: Path) -> t.Iterator[Browser]:
    """A browser with a profile of its own, closed at the end. Raises RuntimeError where there is none.

    C(folder) is where it keeps what does not belong to a profile, such as reports of crashes.
    """
    found = binary()
    if found is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        environment: dict[str, str | float | bool] = {
            **os.environ,
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
        }
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS, env=environment)
        try:
            yield browser
        finally:
            browser.close()


class Reader:
    """Opens pages from files, each as somebody who has never been there, and notes what a page should not do.

    :ivar noted: what was written to the console, errors of scripts, dialogs, and requests for anything but the file,
        unless the page's policy stopped them
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.noted: list[str] = []

    def open(self, html: str, *, fragment: str = "", width: int = 1280, height: int = 900, **options: t.Any) -> Page:
        """A page with that text. ``width`` and ``height`` are of the window, in pixels.

        ``options`` are those of playwright's contexts, such as C(color_scheme) and C(java_script_enabled).
        """
        file = self.folder / "report.html"
        file.write_text(html)
        page = self.browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
        # A test fails at once where something is not there.
        page.set_default_timeout(5000)
        address = file.as_uri()

        def requested(request: Request) -> None:
            if request.url.split("#")[0] != address and request.failure != "csp":
                self.noted.append(f"request: {request.url} {request.failure}")

        def said(message: ConsoleMessage) -> None:
            self.noted.append(f"console: {message.text}")

        def asked(dialog: Dialog) -> None:
            self.noted.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("requestfinished", requested)
        page.on("requestfailed", requested)
        page.on("console", said)
        page.on("dialog", asked)
        page.on("pageerror", lambda error: self.noted.append(f"error: {error}"))
        page.goto(f"{address}{fragment}")
        return page

    def open_on_phone(self, html: str) -> Page:
        return self.open(html, width=375, height=812, device_scale_factor=2, is_mobile=True, has_touch=True)

    def close(self) -> None:
        for context in self.browser.contexts:
            context.close()
