"""Two worlds of matches with known answers: one that generated sound must win, one that it cannot.

The runs take a quarter of an hour each, so `make highlights-controls` makes them, and then runs
these tests; without their results they are skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from runs.corpus import REPOSITORY
from unmuted.dataset.events import Spot
from unmuted.engine.job import FullReader
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups
from unmuted.evaluation.schema import check_report
from unmuted.pipeline.registry import open_run
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.context import Context, Fitted
from unmuted.systems.highlights.inference import score_steps, sound_input
from unmuted.systems.highlights.loading import EVENTS, SOUND, STEPS
from unmuted.systems.highlights.report import TestRecording, match_truth, scored_arms
from unmuted.systems.highlights.resampled import difference
from unmuted.systems.highlights.scored import (
    PRIMARY,
    PRIMARY_METRIC,
    REAL,
    Curves,
    MatchTruth,
    Scored,
    ScoredArm,
    contrast_name,
    score_spots,
    statistic_of,
)
from unmuted.systems.highlights.spots_job import load_models
from unmuted.systems.highlights.spotting import Calibration, recording_spots

pytestmark = pytest.mark.acceptance
FOLDERS = "HIGHLIGHTS_CONTROLS"  # where the runs are, as in the Makefile
CONTROLS = ("positive", "negative")
PRIMARY_CONTRAST = contrast_name(PRIMARY)
RULED_OUT = 0.08  # of tight average mAP: a gain that the negative control must exclude
SHIFT_SECONDS = 60
FEWEST_TESTED = 20  # matches


@dataclass(frozen=True)
class Control:
    """A finished run of a control."""

    folder: Path
    config: dict
    report: dict

    @property
    def primary(self) -> dict:
        return self.report["contrasts"][PRIMARY_CONTRAST]

    @cached_property
    def tested(self) -> ScoredRun:
        with chdir(self.folder):
            return load_tested(FullReader(open_run(self.config)))


@dataclass(frozen=True)
class ScoredRun:
    """What the report of a run is made of, and `both` with all sound of test matches shifted."""

    arms: dict[str, ScoredArm]
    shifted: list[Scored]
    truth: list[MatchTruth]
    bootstrap: GroupBootstrap
    lost_sound: dict[str, Any]

    def primary(self, generated: ScoredArm) -> dict[str, Any]:
        """The primary contrast, with an arm in the place of the one of generated sound."""
        names = [match.name for match in self.truth]
        curves = Curves(names, sorted(self.lost_sound["rates"]), self.lost_sound["seed"])
        areas = curves.area(generated), curves.area(self.arms[PRIMARY[1]])
        return difference(*areas, self.bootstrap, self.lost_sound["seed"], 0.05)

    def contrast(self, first: Sequence[Scored], second: Sequence[Scored]) -> dict[str, Any]:
        """The difference of the tight average mAP of two sets of spots."""
        pair = (statistic_of(scored, PRIMARY_METRIC) for scored in (first, second))
        return difference(*pair, self.bootstrap, self.lost_sound["seed"], 0.05)


def load_tested(job: FullReader) -> ScoredRun:
    experiment = load_experiment(job, (EVENTS, SOUND, "spots"), STEPS)
    clips = [clip for clip in experiment.split("test") if "spots" in clip.artifacts]
    recordings = [
        TestRecording(c, c.artifacts[EVENTS].json(), c.artifacts["spots"].tensors()) for c in clips
    ]
    truth = match_truth(recordings)
    resampled = job.config["bootstrap"]
    bootstrap = draw_groups(
        [match.name for match in truth], resampled["resamples"], resampled["seed"], len(job.seeds)
    )
    return ScoredRun(
        {arm.name: arm for arm in scored_arms(job, recordings)},
        shifted_both(job, recordings, truth),
        truth,
        bootstrap,
        job.config["highlights"]["lost_sound"],
    )


def shifted_both(
    job: FullReader, recordings: Sequence[TestRecording], truth: Sequence[MatchTruth]
) -> list[Scored]:
    """Score the spotters of both media, by seed, on test matches whose sound is 60 s late."""
    arm, fits = ARMS["both"], job.fits_by_seed("spotter")
    choices = job.fits("spotter_selection")[ONLY_FIT].json()["arms"][arm.name]
    context = Context(job, Fitted.of(job), {})
    models = load_models({arm.name: choices}, fits, context)[arm.name]
    loaded = [labelled.recording for labelled in context.load([r.clip for r in recordings])]
    late = round(SHIFT_SECONDS * context.rate)

    def shifted(recording: Any) -> Any:
        sound, has_sound = recording.sound[0 : recording.steps], recording.has_sound
        return replace(
            recording, sound=np.roll(sound, late, axis=0), has_sound=np.roll(has_sound, late)
        )

    loaded = [shifted(recording) for recording in loaded]
    by_seed = []
    for model, choice in zip(models, choices, strict=True):
        calibration = Calibration.of(choice)
        spots: dict[str, list[Spot]] = {match.name: [] for match in truth}
        for recording in loaded:
            sound = sound_input(recording, arm.imputation)
            logits = score_steps(model, recording, sound, context.rate, context.inference)
            spots[recording.match] += recording_spots(
                calibration.scores(logits, context.reach),
                recording.shown,
                context.kinds,
                recording.halves,
                context.rate,
                calibration.windows,
            )
        of_match = [spots[match.name] for match in truth]
        by_seed.append(score_spots(truth, of_match, context.kinds, calibration.thresholds))
    return by_seed


def with_leak(arm: ScoredArm) -> ScoredArm:
    """Let an arm read the real sound where that is lost, as a leak would."""
    lost = {name: arm.scored(REAL) for name in arm.by_condition}
    return replace(arm, by_condition=lost)


@pytest.fixture(scope="module")
def control() -> Callable[[str], Control]:
    known: dict[str, Control] = {}

    def read(name: str) -> Control:
        folder = Path(os.environ.get(FOLDERS, REPOSITORY / "highlights-controls")) / name
        metrics = folder / "results" / "highlights_metrics.json"
        if not metrics.is_file():
            pytest.skip(f"there is no {metrics}: run `make highlights-controls` (half an hour)")
        if name not in known:
            config = yaml.safe_load((REPOSITORY / f"config/highlights_{name}.yaml").read_text())
            known[name] = Control(folder, config, json.loads(metrics.read_text()))
        return known[name]

    return read


Read = Callable[[str], Control]


def test_generated_sound_wins_where_the_picture_tells_it(control: Read) -> None:
    found = control("positive").primary
    assert found["verdict"] == "better" and found["ci95"][0] > 0, found


def test_generated_sound_does_not_win_where_the_picture_tells_nothing(control: Read) -> None:
    found = control("negative").primary
    assert found["verdict"] == "no difference shown", found
    assert found["ci95"][0] <= 0 and found["ci95"][1] < RULED_OUT, found


def test_a_generator_that_knows_the_lost_sound_is_seen(control: Read) -> None:
    """The negative control can turn red: with this leak the test above would fail."""
    tested = control("negative").tested
    generated = tested.arms[PRIMARY[0]]
    own, leaks = tested.primary(generated), tested.primary(with_leak(generated))
    assert own["delta"] == pytest.approx(
        control("negative").primary["delta"], abs=1e-5
    )  # rounded in the report
    assert leaks["ci95"][0] > 0 and leaks["ci95"][1] > RULED_OUT and leaks["p"] < 0.05, leaks


@pytest.mark.parametrize("name", CONTROLS)
def test_generators_read_matches_without_labels(control: Read, name: str) -> None:
    found = control(name)
    with chdir(found.folder):
        fits = FullReader(open_run(found.config)).fits_by_seed("step_generator")
        read = [len(a.tensors()["fitted_groups"]) for of in fits.values() for a in of.values()]
    assert min(read) > found.report["data"]["matches"]["train"]


@pytest.mark.parametrize("name", CONTROLS)
def test_there_is_something_to_win(control: Read, name: str) -> None:
    """Real sound helps: the negative control is lost for want of knowledge, not of headroom."""
    found = control(name).report["contrasts"]["both-video_only"]
    assert found["verdict"] == "better" and found["ci95"][0] > RULED_OUT, found


@pytest.mark.parametrize("name", CONTROLS)
def test_sound_of_another_minute_is_worth_nothing(control: Read, name: str) -> None:
    """The alignment of picture, sound and labels is real."""
    tested = control(name).tested
    both, video = (tested.arms[arm].scored(REAL) for arm in ("both", "video_only"))
    lost = tested.contrast(both, tested.shifted)
    assert lost["ci95"][0] > 0 and lost["p"] < 0.05, lost
    left = tested.contrast(tested.shifted, video)
    assert left["ci95"][0] <= 0, left


@pytest.mark.parametrize("name", CONTROLS)
def test_every_arm_is_above_chance(control: Read, name: str) -> None:
    report = control(name).report
    chance = max(report["chance"][PRIMARY_METRIC].values())
    for arm, found in report["arms"].items():
        assert found[PRIMARY_METRIC]["ci95"][0] > chance, arm


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_a_whole_run_of_enough_matches(control: Read, name: str) -> None:
    report = control(name).report
    check_report(report, "highlights_metrics.schema.yaml")
    matches = report["data"]["matches"]
    assert matches["test"] >= FEWEST_TESTED > matches["train"]
    assert report["data"]["excluded"]["no_label"] > 0
    assert len(report["provenance"]["seeds"]) >= 5 and "exploratory" not in report
    assert not any(arm["leaks"] for arm in report["arms"].values())


def test_both_controls_have_equal_numbers(control: Read) -> None:
    positive, negative = (control(name).report["data"] for name in CONTROLS)
    assert positive["matches"] == negative["matches"]
    assert positive["excluded"] == negative["excluded"]
