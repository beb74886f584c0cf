"""Generated sound is worth something where it follows from the picture, and nothing where not.

The controls of highlights in miniature: invented features, the library's own fits, one seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from systems.highlights.toy_matches import (
    KINDS,
    RATE,
    matches_with_other_sound,
    recordings_of,
    toy_matches,
)
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.config.highlights import SamplingSettings, SpotterSettings, StretchSettings
from unmuted.samples.folds import Generators
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.choosing import Validation, choose_calibration
from unmuted.systems.highlights.generation import generate_sound, window_data, windows_of
from unmuted.systems.highlights.inference import score_steps, sound_input
from unmuted.systems.highlights.recordings import Recording
from unmuted.systems.highlights.sampling import recording_targets
from unmuted.systems.highlights.spotting import (
    LabelledRecording,
    count_matches,
    recording_spots,
)
from unmuted.systems.highlights.spotting_metric import TOLERANCES, average_map
from unmuted.systems.highlights.training import SpotterData, load_spotter_state, train_spotter
from unmuted.systems.shared.training import train_video_generator

Matches = list[LabelledRecording]
Draw = Callable[[int, int], Matches]  # the matches of a count from a number on
TRAIN, VAL, TEST, UNLABELLED = (2, 0), (2, 20), (8, 40), (12, 100)
FOLDS, WINDOW, REACH = 2, 50, 5
SAMPLING, STRETCHES = SamplingSettings(seconds=10), StretchSettings()
GENERATOR = VideoGeneratorSettings(
    steps=100, validate_every=100, hidden=32, bottleneck=16, batch_size=16, clip_noise=0
)
SPOTTER = SpotterSettings(
    hidden=16, width=16, epochs=24, snapshots=1, batch_size=16, learning_rate=0.01
)


def generated(training: list[Recording]) -> Callable[[Recording], np.ndarray]:
    """Fit a generator for each fold; return what makes the sound of any recording out of fold."""
    names = sorted({recording.match for recording in training})
    fold_of = {name: index % FOLDS for index, name in enumerate(names)}
    states = {}
    for fold in range(FOLDS):
        read = [recording for recording in training if fold_of[recording.match] != fold]
        data = window_data(read, windows_of(read, WINDOW), WINDOW)
        states[fold], _ = train_video_generator(data, GENERATOR, 0)
    generators = Generators.of(states)
    return lambda recording: generate_sound(recording, generators, fold_of, WINDOW, 0)


def with_imputations(matches: Matches, make: Callable[[Recording], np.ndarray]) -> Matches:
    """The recordings with generated sound, and with the training mean."""
    return [
        replace(
            one,
            recording=replace(
                one.recording,
                imputed={
                    "generated": make(one.recording),
                    "mean": np.zeros_like(one.recording.sound),
                },
            ),
        )
        for one in matches
    ]


def without_sound(arm: str, train: Matches, val: Matches, test: Matches) -> float:
    """Train an arm; return its tight average mAP on test matches that have lost their sound."""
    imputation = ARMS[arm].imputation
    data = SpotterData(recordings_of(train), len(KINDS), RATE, SAMPLING)
    model = load_spotter_state(train_spotter(data, ARMS[arm], SPOTTER, 0).snapshots[0])

    def scores(matches: Matches, is_lost: bool) -> list[np.ndarray]:
        return [
            score_steps(
                model, r, sound_input(r, imputation, np.full(r.steps, is_lost)), RATE, STRETCHES
            )
            for r in recordings_of(matches)
        ]

    targets = [recording_targets(r, len(KINDS), RATE, SAMPLING) for r in recordings_of(val)]
    shown = [r.shown for r in recordings_of(val)]
    trained = np.ones(len(KINDS), bool)
    validation = Validation(val, targets, shown, KINDS, trained, RATE, (1, 3, 8), REACH)
    calibration, _ = choose_calibration(scores(val, False), validation)
    spots = [
        recording_spots(
            calibration.scores(logits, REACH),
            one.recording.shown,
            KINDS,
            one.recording.halves,
            RATE,
            calibration.windows,
        )
        for logits, one in zip(scores(test, True), test, strict=True)
    ]
    return float(average_map(count_matches(test, spots, KINDS, TOLERANCES["tight"]), "tight")[0, 0])


def worth(draw: Draw) -> float:
    """What generated sound adds to the training mean, where all sound is lost."""
    torch.set_num_threads(1)
    train, val, test, unlabelled = (draw(*some) for some in (TRAIN, VAL, TEST, UNLABELLED))
    make = generated(recordings_of(train + unlabelled))
    splits = [with_imputations(matches, make) for matches in (train, val, test)]
    return without_sound("generated_audio", *splits) - without_sound("mean_audio", *splits)


@pytest.fixture(scope="module")
def worth_where_it_follows() -> float:
    return worth(toy_matches)


def test_generated_sound_helps_where_it_follows_from_the_picture(
    worth_where_it_follows: float,
) -> None:
    assert worth_where_it_follows > 0.1, worth_where_it_follows


@pytest.mark.acceptance
def test_generated_sound_does_not_help_where_it_is_that_of_another_match(
    worth_where_it_follows: float,
) -> None:
    found = worth(matches_with_other_sound)
    assert abs(found) < 0.05, found
    assert found < worth_where_it_follows / 2
