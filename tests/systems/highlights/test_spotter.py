"""The spotter learns what toy matches show and sound like; scores do not depend on stretches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from systems.highlights.toy_matches import KINDS, RATE, recordings_of, toy_matches
from unmuted.config.highlights import SamplingSettings, SpotterSettings, StretchSettings
from unmuted.errors import UserError
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.choosing import Validation, choose_calibration
from unmuted.systems.highlights.inference import score_steps, sound_input, stretches
from unmuted.systems.highlights.network import Spotter, spotting_loss
from unmuted.systems.highlights.sampling import recording_targets
from unmuted.systems.highlights.spotting import (
    LabelledRecording,
    count_matches,
    recording_spots,
    sigmoid,
    spottable,
)
from unmuted.systems.highlights.spotting_metric import TOLERANCES, average_map
from unmuted.systems.highlights.training import SpotterData, load_spotter_state, train_spotter

SAMPLING = SamplingSettings()
SETTINGS = SpotterSettings(
    hidden=24, width=24, epochs=10, snapshots=1, batch_size=16, learning_rate=0.01
)
QUICK = SpotterSettings(hidden=8, width=8, epochs=2, snapshots=2, batch_size=8)
STRETCHES = StretchSettings()
REACH = 5


def data_of(labelled: list[LabelledRecording]) -> SpotterData:
    return SpotterData(recordings_of(labelled), len(KINDS), RATE, SAMPLING)


def scores_of(
    model: Spotter, labelled: list[LabelledRecording], settings: StretchSettings = STRETCHES
) -> list[np.ndarray]:
    return [
        score_steps(model, one.recording, sound_input(one.recording, None), RATE, settings)
        for one in labelled
    ]


def tight(model: Spotter, arm: str, val: list, test: list) -> float:
    targets = [recording_targets(one.recording, len(KINDS), RATE, SAMPLING) for one in val]
    valid = [spottable(one.recording, ARMS[arm].reads_visual) for one in val]
    trained = np.ones(len(KINDS), bool)
    validation = Validation(val, targets, valid, KINDS, trained, RATE, (1, 3, 8), REACH)
    calibration, _ = choose_calibration(scores_of(model, val), validation)
    spots = [
        recording_spots(
            calibration.scores(logits, REACH),
            spottable(one.recording, ARMS[arm].reads_visual),
            KINDS,
            one.recording.halves,
            RATE,
            calibration.windows,
        )
        for logits, one in zip(scores_of(model, test), test, strict=True)
    ]
    return float(average_map(count_matches(test, spots, KINDS, TOLERANCES["tight"]), "tight")[0, 0])


@pytest.fixture(scope="module")
def world() -> tuple[list, list, list]:
    return toy_matches(6), toy_matches(2, 8), toy_matches(3, 10)


@pytest.fixture(scope="module")
def both(world: tuple[list, list, list]) -> Spotter:
    torch.set_num_threads(1)
    return load_spotter_state(
        train_spotter(data_of(world[0]), ARMS["both"], SETTINGS, 0).snapshots[0]
    )


@pytest.fixture(scope="module")
def video_map(world: tuple[list, list, list]) -> float:
    """The tight average mAP of a spotter that reads the picture alone."""
    train, val, test = world
    fit = train_spotter(data_of(train), ARMS["video_only"], SETTINGS, 0)
    return tight(load_spotter_state(fit.snapshots[0]), "video_only", val, test)


def test_both_media_tell_more_than_one(
    world: tuple[list, list, list], both: Spotter, video_map: float
) -> None:
    _, val, test = world
    with_both = tight(both, "both", val, test)
    assert with_both > 0.85
    assert with_both > video_map + 0.1


def test_shifted_sound_helps_no_more(
    world: tuple[list, list, list], both: Spotter, video_map: float
) -> None:
    """The alignment of picture and sound is real: sound from 60 s later is worth nothing."""
    _, val, test = world
    shifted = [
        replace(one, recording=replace(r, sound=np.roll(r.sound[0 : r.steps], -300, axis=0)))
        for one in test
        for r in [one.recording]
    ]
    without = tight(both, "both", val, shifted)
    assert without < tight(both, "both", val, test) - 0.2
    assert without < video_map + 0.05


@pytest.mark.acceptance
def test_the_sources_scale_of_sound_leaves_what_the_picture_tells(
    world: tuple[list, list, list], video_map: float
) -> None:
    """Seed mode: its sound is all zeros, so reading both media gives what the picture gives."""
    train, val, test = (
        [
            replace(one, recording=replace(one.recording, sound=0 * np.array(one.recording.sound)))
            for one in some
        ]
        for some in world
    )
    fit = train_spotter(data_of(train), ARMS["both"], SETTINGS, 0)
    assert tight(load_spotter_state(fit.snapshots[0]), "both", val, test) == pytest.approx(
        video_map, abs=0.08
    )


def test_scores_do_not_depend_on_the_length_of_stretches(both: Spotter) -> None:
    long = toy_matches(1, 50, seconds=200.0)
    whole = scores_of(both, long, StretchSettings(stretch=1000))
    # The GRU forgets slowly: what 20 s of context leave out is small, what 50 s do is nothing.
    for stretch, margin, tolerance in ((60, 20, 0.05), (120, 50, 1e-3), (147, 50, 1e-3)):
        parts = scores_of(both, long, StretchSettings(stretch=stretch, margin=margin))
        for one, other in zip(whole, parts, strict=True):
            np.testing.assert_allclose(sigmoid(one), sigmoid(other), atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("steps", "length", "margin"),
    [(1, 300, 50), (300, 300, 50), (301, 300, 50), (1000, 300, 50), (999, 7, 3)],
)
def test_every_step_is_kept_once_with_context(steps: int, length: int, margin: int) -> None:
    kept = np.zeros(steps, int)
    for part in stretches(steps, length, margin):
        assert 0 <= part.start <= part.first < part.last <= part.stop <= steps
        assert part.start == 0 or part.first - part.start >= margin
        assert part.stop == steps or part.stop - part.last >= margin
        kept[part.first : part.last] += 1
    assert (kept == 1).all()


def test_the_same_seed_gives_the_same_weights(world: tuple[list, list, list]) -> None:
    fits = [train_spotter(data_of(world[1]), ARMS["both"], QUICK, seed) for seed in (3, 3, 4)]
    first, same, other = (fit.snapshots[-1]["model.head.weight"] for fit in fits)
    assert (first == same).all()
    assert (first != other).any()


def test_nothing_is_read_of_steps_without_a_picture_or_sound(both: Spotter) -> None:
    (one, _) = toy_matches(1, 60)
    half = np.arange(one.recording.steps) < 200
    blind = replace(one.recording, shown=half, has_sound=half)
    visual, sound = (np.array(x[0 : blind.steps]) for x in (blind.visual, blind.sound))
    visual[~half], sound[~half] = np.nan, np.nan
    with np.errstate(invalid="ignore"):
        spoiled = replace(blind, visual=visual, sound=sound)
        scores = [
            score_steps(both, r, sound_input(r, None), RATE, STRETCHES) for r in (blind, spoiled)
        ]
    assert np.isfinite(scores[1]).all()
    np.testing.assert_array_equal(*scores)


def test_imputed_sound_is_read_where_there_is_none(both: Spotter) -> None:
    (one, _) = toy_matches(1, 60)
    steps = one.recording.steps
    imputed = {"knn": np.full(one.recording.sound.shape, 3, np.float32)}
    recording = replace(one.recording, imputed=imputed)
    lost = np.arange(steps) >= 100
    given = sound_input(recording, "knn", lost)
    assert (given.is_real == ~lost).all()
    assert (given.sound[lost] == 3).all()
    assert (given.sound[~lost] == recording.sound[0:100]).all()
    assert (sound_input(recording, None, lost).sound[lost] == 0).all()


def test_two_kinds_at_one_time_are_both_targets() -> None:
    logits = torch.tensor([[[9.0, 9.0, -9.0]]])
    target, weight = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.ones(1, 1, 3)
    assert spotting_loss(logits, target, weight) < 1e-3
    assert spotting_loss(logits, target, torch.zeros(1, 1, 3)) == 0


def test_no_event_and_other_features_are_refused(both: Spotter) -> None:
    silent = [replace(one.recording, events=()) for one in toy_matches(1)]
    with pytest.raises(UserError, match="no training match has a highlight event"):
        train_spotter(SpotterData(silent, 3, RATE, SAMPLING), ARMS["both"], QUICK, 0)
    (one, _) = toy_matches(1)
    wide = replace(one.recording, visual=np.zeros((one.recording.steps, 99), np.float32))
    with pytest.raises(ValueError, match="reads 12 features a step, found 99"):
        score_steps(both, wide, sound_input(wide, None), RATE, STRETCHES)


def test_a_recording_of_a_fifth_of_a_second_is_trained_on() -> None:
    matches = toy_matches(1)
    short = [
        replace(
            r, visual=r.visual[:1], sound=r.sound[:1], shown=r.shown[:1], has_sound=r.has_sound[:1]
        )
        for r in recordings_of(matches)
    ]
    fit = train_spotter(
        SpotterData([*short, *recordings_of(toy_matches(1, 3))], 3, RATE, SAMPLING),
        ARMS["both"],
        QUICK,
        0,
    )
    assert np.isfinite(fit.history[-1]["loss"])
