"""Spots from logits, and what validation matches choose."""

from __future__ import annotations

import numpy as np
import pytest

from systems.highlights.toy_matches import KINDS, RATE, toy_matches
from unmuted.systems.highlights.recordings import HalfStart
from unmuted.systems.highlights.sampling import Targets
from unmuted.systems.highlights.spotting import (
    Calibration,
    averaged,
    choose_calibration,
    fit_temperature,
    recording_spots,
)

WINDOWS = (1, 3, 10)


def test_times_are_those_of_each_half_of_a_file() -> None:
    scores = np.zeros((500, 1))
    scores[[100, 300]] = 1
    halves = (HalfStart(1, 2.0), HalfStart(2, 50.1))
    spots = recording_spots(scores, np.ones(500, bool), ["Goal"], halves, RATE, 3.0, 0.5)
    assert [(s.half, s.milliseconds) for s in spots] == [(1, 18_000), (2, 9_900)]


def test_the_middle_of_a_plateau_is_its_peak() -> None:
    logits = np.full((100, 1), -8.0)
    logits[40:51, 0] = 6 + np.random.default_rng(0).uniform(-1, 1, 11)
    scores = Calibration(1.0, (1.0,), (0.5,)).scores(logits, 5)
    assert scores[:, 0].argmax() == 45
    assert averaged(np.ones((4, 2)), 9).tolist() == [[1, 1]] * 4


def test_the_temperature_undoes_an_exaggeration() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 1)) * 2
    target = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    targets = Targets(target, np.ones_like(target))
    assert fit_temperature(4 * logits, targets) == pytest.approx(4, rel=0.1)
    ignored = Targets(np.where(logits > 0, 0, target).astype(np.float32), (logits <= 0) * 1.0)
    assert fit_temperature(4 * logits, ignored) == pytest.approx(4, rel=0.2)


def test_windows_and_thresholds_are_those_that_suit_each_kind() -> None:
    """Kind 0 echoes 4 s after every event; kind 1 is found without an echo, and so is kind 2."""
    labelled = toy_matches(2)
    logits, targets = [], []
    for one in labelled:
        rows = np.full((one.recording.steps, 3), -6.0)
        for place, event in enumerate(one.recording.events):
            step = round(event.seconds * RATE)
            is_strong = place % 2
            rows[max(step - 5, 0) : step + 6, event.kind] = 3 if is_strong else 1.5
            if event.kind == 0 and is_strong:
                rows[step + 15 : step + 26, 0] = 2.5
        logits.append(rows)
        targets.append(Targets((rows > 0).astype(np.float32), np.ones(rows.shape, np.float32)))
    valid = [one.recording.shown for one in labelled]
    found, score = choose_calibration(logits, targets, labelled, valid, KINDS, RATE, WINDOWS, 5)
    assert found.windows[0] == 10
    assert score > 0.85
    assert all(0.05 < threshold < 0.95 for threshold in found.thresholds)
