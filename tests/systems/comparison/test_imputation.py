"""Ways to fill a clip's audio: mean, random, swapped, filtered."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unmuted.systems.comparison.imputation import (
    AudioStatistics,
    audio_statistics,
    filtered,
    random_features,
)
from unmuted.systems.shared.projection import fit_projection

N, T, A = 40, 5, 4
KEYS = [f"{(i * 7919) % 1000:03d}" for i in range(N)]


def sounds(clips: int = N, seed: int = 0) -> np.ndarray:
    """Audio (N, T, A) whose dimensions differ in mean and in what varies between clips."""
    rng = np.random.default_rng(seed)
    clip = rng.normal(size=(clips, 1, A)) * [0.1, 1, 2, 3]
    return (clip + rng.normal(size=(clips, T, A)) + [5, 0, 0, -5]).astype(np.float32)


@given(seed=st.integers(0, 999))
@settings(max_examples=20)
def test_variance_between_and_within_clips_is_all_the_variance(seed: int) -> None:
    audio = sounds(seed=seed)
    usable = np.random.default_rng(seed).random(N) > 0.3
    found = audio_statistics(KEYS, audio, usable)
    np.testing.assert_allclose(found.mean, audio[usable].mean(axis=(0, 1)), atol=1e-5)
    expected = audio[usable].astype(np.float64).var(axis=(0, 1))
    np.testing.assert_allclose(found.between**2 + found.within**2, expected, rtol=1e-6)


def test_statistics_read_no_clip_without_sound_and_not_the_order() -> None:
    audio, usable = sounds(), np.arange(N) % 3 > 0
    order = np.random.default_rng(0).permutation(N)
    noisy = np.where(usable[:, None, None], audio, np.float32(99))
    first = audio_statistics(KEYS, audio, usable)
    moved = audio_statistics([KEYS[i] for i in order], noisy[order], usable[order])
    for name in ("mean", "between", "within"):
        assert getattr(first, name).tobytes() == getattr(moved, name).tobytes()


def test_random_features_vary_as_the_training_audio_does() -> None:
    """Mean, covariance, and the share of it that is of the whole clip."""
    tokens = sounds(400) @ np.random.default_rng(1).normal(size=(A, 9))
    audio = fit_projection(tokens, audio_dim=A).apply(tokens)
    keys = [str(i) for i in range(4000)]
    found = audio_statistics(keys[:400], audio, np.ones(400, bool))
    made = random_features(keys, found, T, seed=0)
    again = audio_statistics(keys, made, np.ones(4000, bool))
    assert made.dtype == np.float32
    largest = found.between.max()
    np.testing.assert_allclose(again.mean, found.mean, atol=0.1 * largest)
    np.testing.assert_allclose(again.between, found.between, rtol=0.2, atol=0.05 * largest)
    np.testing.assert_allclose(again.within, found.within, rtol=0.05)
    covariance = [np.cov(x.reshape(-1, A), rowvar=False) for x in (audio, made)]
    np.testing.assert_allclose(*covariance, atol=0.1 * covariance[0].max())


def test_random_features_belong_to_content_and_seed() -> None:
    statistics = AudioStatistics(np.zeros(A), np.ones(A), np.ones(A))
    made = random_features(["a", "b", "a"], statistics, T, 0)
    np.testing.assert_array_equal(made[0], made[2])
    assert (made[0] != made[1]).all()
    np.testing.assert_array_equal(made[[1]], random_features(["b"], statistics, T, 0))
    assert (made[0] != random_features(["a"], statistics, T, 1)[0]).all()


def test_random_features_tell_nothing_of_the_clips_own_sound() -> None:
    audio = sounds(400)
    keys = [str(i) for i in range(400)]
    made = random_features(keys, audio_statistics(keys, audio, np.ones(400, bool)), T, 0)
    for a in range(A):
        own, other = audio[..., a].mean(axis=1), made[..., a].mean(axis=1)
        assert abs(np.corrcoef(own, other)[0, 1]) < 0.15  # 3 standard errors


def test_rejected_clips_get_the_mean() -> None:
    generated, kept = sounds(3), np.array([True, False, True])
    audio = filtered(generated, kept)
    np.testing.assert_array_equal(audio[kept], generated[kept])
    np.testing.assert_array_equal(audio[~kept], np.zeros((1, T, A), np.float32))
    assert audio.dtype == np.float32
