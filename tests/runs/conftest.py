"""A corpus that is built once; each test works on a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runs.corpus import COMPARED, Corpus, make_corpus


@pytest.fixture(scope="session")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus before anything has run."""
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
    corpus = with_metrics.copy(with_metrics.folder.parent / "with_comparison")
    corpus.run(*COMPARED)
    return corpus


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Corpus], Corpus]:
    """Copies a built corpus into the test's own folder."""
    return lambda corpus: corpus.copy(tmp_path / "work")
