"""A finished run of the embedded demo, for the tests of its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acceptance.demo import run_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run_demo(folder)
    return folder


@pytest.fixture(scope="session")
def metrics(demo: Path) -> dict:
    return json.loads((demo / "results" / "arch2_metrics.json").read_text())
