"""Fixtures every test module shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from runs.corpus import Corpus

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


# A corpus that is built once; each test works on a copy of it.
@pytest.fixture(scope="session")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus before anything has run."""
    from runs.corpus import make_corpus

    return make_corpus(tmp_path_factory.mktemp("corpus") / "unbuilt")


@pytest.fixture(scope="session")
def with_features(unbuilt: Corpus) -> Corpus:
    """The corpus with all per-clip stages; not to be changed."""
    corpus = unbuilt.copy(unbuilt.folder.parent / "with_features")
    corpus.run("features")
    return corpus


@pytest.fixture(scope="session")
def with_metrics(with_features: Corpus) -> Corpus:
    """The corpus with everything; not to be changed."""
    corpus = with_features.copy(with_features.folder.parent / "with_metrics")
    corpus.run()
    return corpus


@pytest.fixture(scope="session")
def with_comparison(with_metrics: Corpus) -> Corpus:
    """The corpus with the comparison of all arms as well; not to be changed."""
    from runs.corpus import COMPARED

    corpus = with_metrics.copy(with_metrics.folder.parent / "with_comparison")
    corpus.run(*COMPARED)
    return corpus


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Corpus], Corpus]:
    """Copies a built corpus into the test's own folder."""
    return lambda corpus: corpus.copy(tmp_path / "work")
