"""Peaks of scores: what is kept, how far apart, at the ends, on plateaus and in damaged parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unmuted.dataset.events import Spot
from unmuted.systems.highlights.peaks import find_spots, peaks, suppress

SCORES = arrays(np.float64, st.integers(0, 60), elements=st.sampled_from(np.linspace(0, 1, 6)))


def test_keeps_the_best_of_each_window() -> None:
    scores = np.zeros((100, 2))
    scores[[10, 14, 40], 0] = 0.5, 0.9, 0.3
    scores[12, 1] = 0.7  # of another kind: in nobody's way
    spots = find_spots(scores, np.ones(100, bool), ["Goal", "Penalty"], 2, 5.0, 4.0, 0.1)
    assert spots == [
        Spot(2, 2_400, "Penalty", 0.7),
        Spot(2, 2_800, "Goal", 0.9),
        Spot(2, 8_000, "Goal", 0.3),
    ]


def test_a_window_of_its_own_for_each_kind() -> None:
    scores = np.zeros((100, 2))
    scores[[10, 20], :] = [[0.5], [0.6]]
    spots = find_spots(scores, np.ones(100, bool), ["Goal", "Corner"], 1, 5.0, [2.0, 8.0], 0.1)
    assert [(spot.milliseconds, spot.kind) for spot in spots] == [
        (2_000, "Goal"),
        (4_000, "Corner"),
        (4_000, "Goal"),
    ]


def test_the_shoulder_of_a_broad_peak_is_no_spot() -> None:
    scores = np.exp(-(np.linspace(-3, 3, 101) ** 2))
    assert suppress(scores, 5, 0.0)[0] == 50
    assert suppress(scores, 5, 0.0) == [50]


def test_ends_plateaus_and_equal_peaks() -> None:
    assert peaks(np.array([3.0, 1, 2, 2, 2, 1, 5])).tolist() == [0, 3, 6]
    assert peaks(np.array([1.0, 1.0])).tolist() == [0]
    assert peaks(np.zeros(0)).tolist() == []
    assert suppress(np.array([0.0, 1, 0, 1, 0]), 2, 0.5) == [1]  # the earliest of equal ones


def test_no_spot_where_there_is_no_picture() -> None:
    scores = np.linspace(0, 1, 50)[:, None]
    valid = np.ones(50, bool)
    valid[30:] = False
    scores[35] = np.nan  # whatever the network made of it
    (spot,) = find_spots(scores, valid, ["Goal"], 1, 5.0, 4.0)
    assert spot.milliseconds == 5_800
    assert find_spots(scores, np.zeros(50, bool), ["Goal"], 1, 5.0, 4.0) == []


def test_refuses_scores_that_are_none() -> None:
    scores = np.zeros((3, 1))
    scores[1] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        find_spots(scores, np.ones(3, bool), ["Goal"], 1, 5.0, 1.0)
    with pytest.raises(ValueError, match="2 steps"):
        find_spots(scores, np.ones(2, bool), ["Goal"], 1, 5.0, 1.0)


@given(SCORES, st.integers(0, 12), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=300)
def test_what_is_kept_is_apart_and_what_is_not_has_a_better_one(
    scores: np.ndarray, reach: int, threshold: float
) -> None:
    kept = suppress(scores, reach, threshold)
    assert all(abs(a - b) > reach for a in kept for b in kept if a != b)
    for step in peaks(scores):
        better = [k for k in kept if abs(k - step) <= reach and scores[k] >= scores[step]]
        assert better or scores[step] < threshold
    assert [scores[step] for step in kept] == sorted(scores[kept], reverse=True)
    if len(scores) and scores.max() >= threshold:
        assert scores[kept[0]] == scores.max()
