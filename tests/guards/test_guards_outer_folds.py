"""Outer folds of a made corpus: pooled test clips, each predicted by models that never saw it."""

from __future__ import annotations

import json
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from guards.corpus import COPIES, ORIGINAL, make_clips, write_features
from guards.world import STAGES_RUN, World, make_world
from unmuted.engine.scenarios import scenario_path
from unmuted.evaluation.schema import write_report
from unmuted.samples.experiment import Clip, load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.comparison.planned import outer_fold_runs
from unmuted.systems.comparison.report import contents

FOLDS = 2
ARMS = {"arms": ["mean_audio"], "primary": "real_audio-video_only"}


def needed(world: World) -> list[str]:
    """Stages that the comparison of the world's arms waits for, in the order in which they run."""
    project = world.project()
    found: set[str] = set()
    waiting = [name for _, name in project.stages_of_report(project.stages.report("comparison"))]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += (*project.stages[name].upstream, *project.stages[name].after)
    return [name for name in STAGES_RUN if name in found]


@pytest.fixture(scope="module")
def folded(folder: Path) -> World:
    world = make_world(
        folder / "folded",
        make_clips(),
        comparison=ARMS,
        missing__training_rates=[0],
        evaluation={"outer_folds": FOLDS},
    )
    stages = needed(world)
    world.run(*stages)
    for run in runs(world):
        with chdir(run.folder):
            splits = run.project().dataset.splits
            clips = [replace(clip, split=splits.get(clip.video_id, "")) for clip in run.clips]
            write_features(run.project(), clips)  # of degraded sound those that the fold tests
        run.run(*stages)
    return world


@pytest.fixture(scope="module")
def report(folded: World) -> dict:
    """As it is written; a made corpus has no models to tell of."""
    with pytest.MonkeyPatch.context() as patch, chdir(folded.folder):
        patch.setattr("unmuted.evaluation.provenance._dtypes", lambda *_: ["float32"])
        found = contents(folded.report("comparison"))["metrics"]
        write_report(Path("comparison.json"), found, "comparison.schema.yaml")
        return json.loads(Path("comparison.json").read_text())


def runs(world: World) -> list[World]:
    names = outer_fold_runs(world.project().config)
    return [world.scenario(scenario_path(name)) for name in names]


def clips_tested_by(run: World) -> list[Clip]:
    with chdir(run.folder):
        return load_experiment(run.report("comparison")).split("test")


def test_every_labelled_clip_is_tested_once(folded: World, report: dict) -> None:
    """But for copies in other folds, and their source: what is trained on is not tested."""
    pooled = report["outer_folds"]
    labelled = {clip.video_id for clip in folded.clips if clip.label}
    tested = [clip.video_id for run in runs(folded) for clip in clips_tested_by(run)]
    assert pooled["clips"] == len(tested) == len(set(tested))
    assert labelled - set(tested) <= {*COPIES, ORIGINAL, "clip01"}
    assert [fold["test"] for fold in pooled["folds"]] == [
        len(clips_tested_by(r)) for r in runs(folded)
    ]


def test_accuracy_is_that_of_the_folds_own_models(folded: World, report: dict) -> None:
    right = []
    for run in runs(folded):
        predictions = run.artifacts("predictions")
        for clip in clips_tested_by(run):
            said = predictions[clip.video_id].json()
            found = np.argmax(said["arms"]["real_audio"]["probabilities"], axis=1)
            right.append(found == said["classes"].index(clip.label))
    per_seed = report["outer_folds"]["arms"]["real_audio"]["accuracy"]["per_seed"]
    assert per_seed == pytest.approx(np.mean(right, axis=0), abs=1e-6)  # as it is rounded


def test_no_model_of_a_fold_is_trained_on_what_the_fold_tests(folded: World) -> None:
    for run in runs(folded):
        with chdir(run.folder):
            splits = run.project().store.read_splits()
        partners = run.fits("swap_partners")[ONLY_FIT].json()["partners"]
        assert partners.keys() <= {name for name, split in splits.items() if split != "train"}
        made = splits.keys() & run.artifacts("comparison_predictions").keys()
        assert {splits[name] for name in made} == {"val", "test"}
        assert {name for name in splits if splits[name] == "test"} <= made


def test_the_run_itself_keeps_its_splits(folded: World, clean: World) -> None:
    for stage in ("projection", "generator", "classifier"):
        assert folded.contents(stage) == clean.contents(stage)
