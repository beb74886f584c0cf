"""The toy workflow, built once; each test works on a copy of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.stage_folder import Stage
from engine.toy_corpus import TOY, ToyCorpus, make_toy

sys.path.append(str(TOY))
Copy = Callable[[ToyCorpus], ToyCorpus]


@pytest.fixture(scope="session")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> ToyCorpus:
    """The toy corpus before anything has run; not to be changed."""
    return make_toy(tmp_path_factory.mktemp("toy") / "unbuilt")


@pytest.fixture(scope="session")
def built(unbuilt: ToyCorpus) -> ToyCorpus:
    """The toy corpus with everything; not to be changed."""
    corpus = unbuilt.copy(unbuilt.folder.parent / "built")
    corpus.run()
    return corpus


@pytest.fixture
def work(tmp_path: Path, built: ToyCorpus) -> ToyCorpus:
    """A copy of the built corpus in the test's own folder."""
    return built.copy(tmp_path / "work")


@pytest.fixture
def fresh(tmp_path: Path, unbuilt: ToyCorpus) -> ToyCorpus:
    """A copy of the corpus before anything has run."""
    return unbuilt.copy(tmp_path / "work")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage in an empty folder."""
    return Stage(tmp_path / "stage")
