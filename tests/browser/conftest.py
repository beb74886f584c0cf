"""A browser for the tests, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser.visit import Visit, running_browser

Open = Callable[..., Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this folder."""
    with running_browser() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a file in a window of its own: `visit(path, width=375, color_scheme="dark")`."""
    contexts = []

    def opened(path: Path | str, **options: object) -> Visit:
        contexts.append(visited := Visit.begin(browser, **options))
        visited.open(path)
        return visited

    yield opened
    for visited in contexts:
        visited.close()
