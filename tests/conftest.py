"""Fixtures every test module shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unmuted", deadline=None)  # a busy machine is no defect
settings.load_profile("unmuted")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real and damaged media beside the checkout; its tests are skipped without it."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: real and damaged media are not part of the repository")
    return folder
