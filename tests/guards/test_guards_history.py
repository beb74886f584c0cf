"""What was there before leaves no trace, settings reach what they must, odd corpora work."""

from __future__ import annotations

import csv
import importlib
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import write_report
from guards.corpus import make_clips, silent, write_manifest
from guards.world import STAGES_RUN, World, make_world
from small_project import changed
from unmuted.systems.comparison.chosen_arms import chosen_arms

FEATURES = ("retrieved", "generated", "video_generated", "pilot_generated")
UP_TO_FEATURES = STAGES_RUN[: STAGES_RUN.index("classifier")]


def relabelled_source() -> list:
    """One training source under another class: the folds of other sources move with it."""
    clips = make_clips()
    source = next(clip.group for clip in clips if clip.split == "train" and clip.label == "cello")
    return [replace(c, label="rain") if c.group == source else c for c in clips]


def test_a_source_relabelled_later_gives_what_it_gives_from_the_start(
    clean: World, folder: Path
) -> None:
    world = replace(clean.copy(), clips=tuple(relabelled_source()))
    write_manifest(world.folder, world.clips)
    config = changed(world.config, "videos.manifest", str(world.folder / "manifest.csv"))
    world = replace(world, config=config)
    with chdir(world.folder):
        for table in Path("results").glob("*splits*"):
            table.unlink()
        importlib.import_module("make_splits").main(world.project(), "results/splits.csv")
    world.run(*UP_TO_FEATURES)
    fresh = make_world(folder / "relabelled from the start", relabelled_source())
    fresh.run(*UP_TO_FEATURES)
    for stage in FEATURES:
        assert world.contents(stage) == fresh.contents(stage), stage
        assert world.contents(stage) != clean.contents(stage), stage


def test_other_percentiles_fit_only_the_classifiers_behind_a_filter_again(clean: World) -> None:
    other = replace(clean.copy(), config=changed(clean.config, "filter.percentiles", [45, 60]))
    other.run("comparison_classifier", seeds=[0])
    before, after = (w.fits("comparison_classifier", 0) for w in (clean, other))
    same = {name for name in after if name in before and after[name].row == before[name].row}
    unfiltered = {name for name in after if "-" not in name}
    assert same == unfiltered and len(unfiltered) >= 9
    assert {"filtered-45", "filtered-60", "real_or_filtered-60"} <= after.keys() - same


@pytest.fixture(scope="module")
def half_heard(folder: Path) -> World:
    """Half of the training audio is missing in the run itself, not in a scenario of it."""
    return make_world(folder / "half", make_clips(), missing__training_rate=0.5).run()


def test_a_run_with_missing_training_audio_has_every_arm(half_heard: World, clean: World) -> None:
    trained = half_heard.fits("comparison_classifier", 0).keys()
    assert trained == set(chosen_arms(half_heard.project().config).fits)
    name = next(name for name in half_heard.ids("test"))
    arms = [w.artifacts("comparison_predictions")[name].json()["arms"] for w in (half_heard, clean)]
    assert arms[0].keys() == arms[1].keys()


@pytest.fixture(scope="module")
def all_silent(folder: Path) -> World:
    """No test clip has sound, and the validation clips come from one source."""
    clips = [silent(clip) if clip.split == "test" else clip for clip in make_clips()]
    clips = [replace(c, group="one source") if c.split == "val" else c for c in clips]
    return make_world(folder / "silent", clips).run()


def test_without_anybody_to_lend_a_sound_the_mean_is_heard(all_silent: World) -> None:
    found = all_silent.artifacts("comparison_predictions")
    tested = [found[name].json() for name in all_silent.ids("test")]
    assert tested
    for said in tested:
        for arm in said["missing"].values():
            assert arm["own"] == arm["missing"]  # nothing of its own is heard
        assert np.isfinite(said["arms"]["swapped_audio"]).all()


@pytest.mark.parametrize("world", ["all_silent", "half_heard", "clean"])
def test_every_video_that_was_not_trained_on_is_predicted(
    world: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made: World = request.getfixturevalue(world)
    table = tmp_path / "predictions.csv"
    with chdir(made.folder):
        project = made.project()
        for shard in project.dataset.shards:  # the media stages are not part of this world
            ledger = project.layout.ledger("wav", shard)
            if not ledger.exists():
                ledger.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(project.layout.ledger("ast", shard), ledger)
        write_report.main(made.report("predictions"), table=str(table))
    with open(table, newline="") as file:
        rows = {row["video_id"]: row for row in csv.DictReader(file)}
    assert rows.keys() == set(made.ids("val", "test", ""))
    for row in rows.values():
        assert row["label_1"] in ("barking", "cello", "rain") and not row["problem"]
        assert float(row["probability_1"]) >= float(row["probability_2"])
        assert row["audio"] == ("real" if row["audio_status"] == "ok" else "generated")
        assert bool(row["filter"]) == (row["audio"] == "generated")
