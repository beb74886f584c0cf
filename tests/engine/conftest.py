"""The toy workflow, built once; each test works on a copy of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import make_splits
from engine.small_runs import LABELS
from engine.stage_folder import Stage
from engine.toy.registry import REGISTRY
from engine.toy_corpus import TOY, ToyCorpus, make_toy
from engine.toy_jobs import make_shards, open_with
from small_project import make_config
from unmuted.engine.run import Run
from unmuted.pipeline.registry import open_run

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


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The configuration of a few videos in the working directory."""
    monkeypatch.chdir(tmp_path)
    return make_config(tmp_path, LABELS)


@pytest.fixture
def project(config: dict[str, object]) -> Run:
    """The run of that configuration, with the stages of the workflow."""
    return open_run(config)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyCorpus:
    """15 videos in two shards, as the working directory."""
    found = make_toy(tmp_path / "toy")
    monkeypatch.chdir(found.folder)
    found.results.mkdir()
    return found


@pytest.fixture
def run(corpus: ToyCorpus) -> Run:
    """A run whose splits and numbers are there, and nothing that is fitted."""
    found = open_with(REGISTRY)
    make_splits.main(found, "results/splits.csv")
    make_shards(found, "numbers", "scaled")
    assert len(found.dataset.shards) == 2
    return found
