"""Debian's Chromium, driven from Python, and axe-core in it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
SIZES = {"phone": (375, 800), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    program = shutil.which("chromium")
    assert program, "chromium is among the packages that the tests need"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page that is shown, at both sizes and in both schemes."""
    found: dict[str, None] = {}
    before = page.viewport_size
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            result: dict[str, Any] = Axe().run(page).response
            for violation in result["violations"]:
                places = ", ".join(" ".join(node["target"]) for node in violation["nodes"][:3])
                found[f"{page.url}, {name}, {scheme}: {violation['id']} at {places}: {violation['help']}"] = None
    if before:
        page.set_viewport_size(before)
    return list(found)


def is_wider_than_its_window(page: Page) -> bool:
    """Whether a reader has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
