"""Without a browser its tests are skipped with a reason, or fail where one must be there."""

from __future__ import annotations

import pytest

from browser.chromium import NEEDED, require_browser


@pytest.fixture(autouse=True)
def without_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


def test_without_a_browser_its_tests_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NEEDED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser on the PATH: chromium, "):
        require_browser()


def test_without_a_browser_they_fail_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NEEDED, "1")
    with pytest.raises(pytest.fail.Exception, match=f"no browser on the PATH: .*{NEEDED}"):
        require_browser()
