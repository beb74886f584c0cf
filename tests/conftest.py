"""Fixtures every test module shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from runs.corpus import Corpus

settings.register_profile("unmuted", deadline=None)  # a busy machine is no defect
settings.load_profile("unmuted")

# Tests run side by side, and so do jobs: one thread each is fastest.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


MARKS = {"unit", "engine", "workflow", "slurm", "acceptance"}
# What shares session fixtures, by path: the small demo, the worlds of the guards, the toy workflow,
# the small worlds of matches and of families. Those that take longest come first.
SHARED_FIXTURES = {
    "tests/runs/test_small_demo.py": "small demo",
    "tests/runs/test_reports_in_browser.py": "small demo",
    "tests/runs/test_bad_media.py": "small demo",
    "tests/runs/test_outer_folds.py": "small demo",
    "tests/slurm": "small demo",
    "tests/project/test_baselines.py": "small demo",
    "tests/guards": "guards",
    "tests/engine/test_killing.py": "toy",
    "tests/engine/test_rebuilding.py": "toy",
    "tests/runs/test_highlights.py": "small matches",
    "tests/runs/test_segmentation.py": "small families",
    "tests/browser": "browser",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has no mark of its own as a unit test; put first what shares fixtures.

    It takes longest in one piece: started last, it would leave the other process idle.
    """
    for item in items:
        if MARKS.isdisjoint(mark.name for mark in item.iter_markers()):
            item.add_marker(pytest.mark.unit)
    first = {scope: place for place, scope in enumerate(dict.fromkeys(SHARED_FIXTURES.values()))}
    items.sort(key=lambda item: first.get(scope_of(item.nodeid), len(first)))


def scope_of(nodeid: str) -> str:
    """What one process runs: the tests that share session fixtures, or those of one file."""
    path = nodeid.split("::")[0]
    return SHARED_FIXTURES.get(path) or SHARED_FIXTURES.get(path.rpartition("/")[0]) or path


class FilesTogether(LoadScopeScheduling):
    """Gives each process of xdist whole scopes.

    Not `--dist loadgroup`, which pytest 9.2 made of no effect (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    """Share out the tests of `pytest -n 2`."""
    return FilesTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Escape hostile file names in captured logs: xdist sends reports as UTF-8."""
    report = yield
    report.sections = [
        tuple(text.encode("utf-8", "backslashreplace").decode() for text in section)
        for section in report.sections
    ]
    return report


@pytest.fixture(scope="session", autouse=True)
def without_waiting_for_disks() -> Iterator[None]:
    """Leave out what only a power cut would show; jobs in processes of their own do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


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


# One world for whole runs: the demo made small, built once; each test works on a copy of it.
@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The small demo before anything has run; not to be changed."""
    from runs.corpus import make_small_demo

    return make_small_demo(tmp_path_factory.mktemp("small") / "unbuilt")


@pytest.fixture(scope="session")
def built(small: Corpus) -> Corpus:
    """The small demo with everything; not to be changed."""
    from runs.corpus import TARGETS

    corpus = small.copy(small.folder.parent / "built")
    corpus.run(*TARGETS)
    return corpus


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Corpus], Corpus]:
    """Copies a built corpus into the test's own folder."""
    return lambda corpus: corpus.copy(tmp_path / "work")
