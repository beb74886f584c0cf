"""Loudness: the untrained baseline finds cheers at any level, and nothing without sound."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.systems.highlights.loudness import LOUD_SHARE, WINDOW, loudness_scores
from unmuted.systems.highlights.peaks import find_spots

RATE = 5.0


def crowd(*cheers: int, seconds: int = 900) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0.05, 0.1, size=int(RATE * seconds))
    for second in cheers:
        noise[int(RATE * second) : int(RATE * (second + 8))] += 0.4
    return noise


@pytest.mark.parametrize("gain", [0.01, 1.0, 16.0])
def test_finds_cheers_at_any_level(gain: float) -> None:
    rms = gain * crowd(100, 400, 700)
    scores = loudness_scores(rms, np.ones(len(rms), bool), RATE)
    spots = find_spots(scores[:, None], scores >= 0, ["any kind"], 1, RATE, WINDOW, LOUD_SHARE)
    best = sorted(spots, key=lambda spot: -spot.score)[:3]
    for second, spot in zip((100, 400, 700), sorted(best), strict=True):
        assert abs(spot.milliseconds / 1000 - (second + 4)) < 3
    assert ((scores >= 0) & (scores < 1)).all()


def test_averages_over_steps_with_sound_only() -> None:
    rms = crowd(100)
    has_sound = np.ones(len(rms), bool)
    has_sound[int(RATE * 104) :] = False
    loud = np.where(has_sound, rms, 9.0)  # what is masked has no say
    scores = loudness_scores(loud, has_sound, RATE)
    assert (scores[~has_sound] == 0).all()
    assert scores.argmax() >= RATE * 100
    assert scores.argmax() < RATE * 104


@pytest.mark.parametrize("has_sound", [False, True])
def test_silence_gives_no_spot(has_sound: bool) -> None:
    silent = np.zeros(200)
    scores = loudness_scores(silent, np.full(200, has_sound), RATE)
    assert (scores == 0).all()
    assert loudness_scores(np.zeros(0), np.zeros(0, bool), RATE).shape == (0,)
