"""Which tokens a time bin takes, and where long sound is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.features.time_pooling import (
    bin_edges,
    frame_count,
    pooling_weights,
    token_spans,
    window_edges,
)

SECOND = 16_000


def test_three_seconds_as_the_published_model_sees_them() -> None:
    spans = token_spans(3 * SECOND, patch=16, stride=10)
    assert frame_count(3 * SECOND) == 298
    assert len(spans) == 29  # of 101; the rest has seen padding
    assert spans[0].tolist() == [0, 15 * 160 + 400]
    assert spans[-1].tolist() == [28 * 1600, 28 * 1600 + 2800]
    weights = pooling_weights(spans, bin_edges(3 * SECOND, 18))
    # Bin 0 is [0, 2667): token 0 covers it whole, token 1 from 1600 on.
    np.testing.assert_allclose(weights[0, :3], [2667 / 3734, 1067 / 3734, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (399, 1), (400, 1), (559, 1), (560, 2), (163_840, 1022)]
)
def test_frames_lie_wholly_within_the_sound(samples: int, frames: int) -> None:
    assert frame_count(samples) == frames


@given(
    samples=st.integers(1, 200_000),
    steps=st.integers(1, 60),
    patch=st.integers(1, 16),
    stride=st.integers(1, 16),
)
def test_every_bin_is_a_mean_of_tokens_of_its_own_time(
    samples: int, steps: int, patch: int, stride: int
) -> None:
    spans, edges = token_spans(samples, patch, stride), bin_edges(samples, steps)
    weights = pooling_weights(spans, edges)
    assert weights.shape == (steps, len(spans))
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert spans[-1, 1] <= samples
    for (start, stop), row in zip(pairwise(edges), weights, strict=True):
        overlap = np.clip(np.minimum(stop, spans[:, 1]) - np.maximum(start, spans[:, 0]), 0, None)
        if overlap.sum():
            np.testing.assert_allclose(row, overlap / overlap.sum(), atol=1e-5)
        else:
            distance = np.maximum(spans[:, 0] - stop, start - spans[:, 1])
            assert distance[row.argmax()] == distance.min()
            assert row.max() == 1


def test_sound_shorter_than_a_patch_gives_all_bins_its_only_token() -> None:
    weights = pooling_weights(token_spans(1000, 16, 10), bin_edges(1000, 18))
    np.testing.assert_array_equal(weights, np.ones((18, 1)))


@given(samples=st.integers(1, 2_000_000), steps=st.integers(1, 60), limit=st.integers(500, 200_000))
def test_windows_fit_the_model_and_keep_to_the_time_grid(
    samples: int, steps: int, limit: int
) -> None:
    edges = bin_edges(samples, steps)
    windows = window_edges(edges, limit)
    lengths = np.diff(windows)
    assert (windows[0], windows[-1]) == (0, samples)
    assert (lengths > 0).all()
    assert lengths.max() <= limit
    if np.diff(edges).max() <= limit:
        assert set(windows) <= set(edges)
        assert lengths.max() - lengths.min() <= 2 * np.diff(edges).max()
    else:
        assert set(edges) <= set(windows)
    if samples <= limit:
        assert len(windows) == 2
