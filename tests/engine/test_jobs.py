"""What a job offers of a run: what its stage declares, and nothing else. With the toy registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from engine.toy.registry import REGISTRY
from engine.toy_corpus import ToyCorpus
from engine.toy_jobs import (
    ANY_TABLE,
    PART,
    job_of,
    open_with,
)
from unmuted.engine.job import Job, UndeclaredRead
from unmuted.engine.run import Run

pytestmark = pytest.mark.unit


def test_settings_are_those_of_the_stage_and_those_that_every_job_needs(run: Run) -> None:
    job = job_of(run, "scaled")
    assert dict(job.config["toy"]) == {"factor": 2.0, "delay": 0.0}  # indirect ones too
    assert job.config["seeds"] == job.seeds == [0, 1, 2] and job.config["threads"] == 1
    with pytest.raises(UndeclaredRead, match=r"stage scaled reads the setting toy\.jitter"):
        job.config["toy"]["jitter"]


@pytest.mark.parametrize(
    "read",
    [
        lambda job: job.rows("means", PART),
        lambda job: job.artifacts("means", []),
        lambda job: job.fits("means", PART),
        lambda job: job.fits_by_seed("means"),
        lambda job: job.recorded_artifact("means", ANY_TABLE, "scaled", "v00", ""),
    ],
)
def test_an_undeclared_stage_or_fit_is_refused(run: Run, read: Callable[[Job], object]) -> None:
    with pytest.raises(UndeclaredRead, match=r"^stage scaled reads the stage means undeclared"):
        read(job_of(run, "scaled"))


@pytest.mark.parametrize("name", ["numbers", "scaled"])
def test_what_a_stage_waits_for_and_what_it_makes_it_does_not_read(run: Run, name: str) -> None:
    job = job_of(run, "scaled", inputs=(), after=("numbers",))
    with pytest.raises(UndeclaredRead, match=f"reads the stage {name} undeclared"):
        job.rows(name, min(run.dataset.shards))


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda job: job.model_spec("vit"), "runs the model vit"),
        (lambda job: job.specifications, "reads specifications"),
        (lambda job: job.read_splits(), "reads the splits"),
    ],
)
def test_undeclared_models_specifications_and_splits_are_refused(
    run: Run, read: Callable[[Job], object], words: str
) -> None:
    with pytest.raises(UndeclaredRead, match=f"^stage scaled {words} undeclared"):
        read(job_of(run, "scaled"))


def test_declared_models_specifications_and_splits_are_offered(run: Run) -> None:
    known = {name: {"of": name} for name in run.dataset.videos}
    models = SimpleNamespace(spec=lambda given, role: given["path"])
    dataset = replace(run.dataset.listing, specifications=known)
    registry = replace(REGISTRY, models=models, read_dataset=lambda config: dataset)
    run = open_with(registry, models={"vit": {"path": "models/vit"}})
    job = job_of(run, "scaled", models=("vit",), reads_specification=True, reads_splits=True)
    assert job.model_spec("vit") == "models/vit"
    assert job.specifications == {
        name: known[name] for name in run.dataset.shards[min(run.dataset.shards)]
    }
    assert job.read_splits() == job_of(run, "means").read_splits() == run.dataset.splits


def test_a_job_sees_the_videos_of_its_shard_or_of_its_splits(corpus: ToyCorpus, run: Run) -> None:
    first = min(run.dataset.shards)
    assert (
        list(job_of(run, "scaled").videos) == run.dataset.shards[first] != list(run.dataset.videos)
    )
    seen = {
        splits: set(job_of(run, "means", splits=splits).videos)
        for splits in ((), ("train",), ("train", "val"))
    }
    assert seen[()] == run.dataset.videos.keys()
    assert seen["train",] == set(corpus.ids("train"))
    assert seen["train", "val"] == {*corpus.ids("train"), *corpus.ids("val")}


@pytest.mark.parametrize("is_set", [True, False])
def test_a_setting_can_widen_the_splits_to_all_videos(run: Run, is_set: bool) -> None:
    run.config["toy"]["delay"] = float(is_set)
    job = job_of(run, "means", all_videos_if="toy.delay")
    assert (job.videos.keys() == run.dataset.videos.keys()) == is_set
