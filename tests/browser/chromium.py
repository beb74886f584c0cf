"""The browser of the tests: Debian's Chromium, or another one that is on the PATH."""

from __future__ import annotations

import os
import shutil

import pytest

NEEDED = "UNMUTED_NEEDS_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root, Chromium has no sandbox. A page of the tests may play sound without a click.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
)


def find_browser() -> str | None:
    """The path of a browser that is there."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def require_browser() -> str:
    """Skip where there is no browser; fail where the environment says that there must be one."""
    browser = find_browser()
    if browser is None:
        message = f"there is no browser on the PATH: {', '.join(NAMES)} (Debian: chromium)"
        if os.environ.get(NEEDED):
            pytest.fail(f"{message}, and {NEEDED} is set", pytrace=False)
        pytest.skip(message)
    return browser
