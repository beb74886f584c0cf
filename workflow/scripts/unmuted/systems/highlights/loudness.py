"""Highlights without training: where a match is loud, the crowd has seen something."""

from __future__ import annotations

import numpy as np

AVERAGED = 10.0  # seconds
LOUD_SHARE = 0.9  # of the steps are quieter than a spot
WINDOW = 120.0  # seconds; the loudest within 60 s on either side is the spot


def loudness_scores(
    rms: np.ndarray, has_sound: np.ndarray, rate: float, averaged: float = AVERAGED
) -> np.ndarray:
    """Return which share of the steps with sound is quieter than each step, float64 (S,).

    Levels differ between matches, so a step is compared with its own recording only. Steps without
    sound have 0. A spot is a peak with at least `LOUD_SHARE`, by `peaks.find_spots` with `WINDOW`.

    Args:
        rms: (S,), root of the mean square of the sound in each step, not in decibels.
        has_sound: bool (S,).
        rate: steps a second.
        averaged: seconds around a step over which the power is averaged.
    """
    power = np.where(has_sound, np.square(rms, dtype=np.float64), 0)
    half = int(averaged * rate / 2)
    sums = _window_sums(power, half)
    counts = _window_sums(has_sound.astype(np.float64), half)
    level = sums / np.maximum(counts, 1)
    ranked = np.sort(level[has_sound])
    quieter = np.searchsorted(ranked, level, side="left") / max(len(ranked), 1)
    return np.where(has_sound, quieter, 0.0)


def _window_sums(values: np.ndarray, half: int) -> np.ndarray:
    """Return the sum of each step and `half` steps on either side, fewer at the ends."""
    if not len(values):
        return values
    return np.convolve(values, np.ones(2 * half + 1))[half : half + len(values)]
