"""The baselines of generated audio against scikit-learn's and formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

from arch2_in_memory import AUDIO_DIM, STEPS, clips_of, make_corpus
from unmuted.evaluation.metrics import r2
from unmuted.systems.shared.baselines import class_sounds, expected_class_sound, fit_ridge
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import fit_projection

PENALTIES = (0.01, 1.0, 100.0)


@pytest.fixture(scope="module")
def parts() -> tuple[GeneratorData, GeneratorData]:
    """Training and validation clips."""
    corpus = make_corpus(clips=120)
    clips = np.array(clips_of(corpus), dtype=object)
    heard = clips[(corpus.split == "train") & corpus.usable]
    projection = fit_projection((c.artifacts["ast"].tensors()["tokens"] for c in heard), AUDIO_DIM)
    train, val = (
        generator_data(list(clips[corpus.split == split]), projection, STEPS)
        for split in ("train", "val")
    )
    return train, val


def features(data: GeneratorData, heard: np.ndarray, like: GeneratorData) -> np.ndarray:
    mean, scale = (f(like.visual[like.has_audio], axis=(0, 1)) for f in (np.mean, np.std))
    x = (data.visual[heard] - mean) / scale
    x = np.concatenate([x, np.repeat(x.mean(axis=1, keepdims=True), STEPS, axis=1)], axis=2)
    return x.reshape(-1, x.shape[2])


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_regression_is_scikit_learns(
    parts: tuple[GeneratorData, GeneratorData], penalty: float
) -> None:
    train, val = parts
    x = features(train, train.has_audio, train)
    expected = SklearnRidge(alpha=penalty * len(x)).fit(
        x, train.audio[train.has_audio].reshape(len(x), -1)
    )
    ridge, _ = fit_ridge(train, None, [penalty])
    every = np.ones(len(val), bool)
    np.testing.assert_allclose(
        ridge.predict(val.visual).reshape(-1, AUDIO_DIM),
        expected.predict(features(val, every, train)),
        atol=1e-4,
    )


def test_validation_clips_choose_the_penalty(parts: tuple[GeneratorData, GeneratorData]) -> None:
    train, val = parts
    ridge, scores = fit_ridge(train, val, PENALTIES)
    heard = val.visual[val.has_audio], val.audio[val.has_audio]
    of_each = [r2(fit_ridge(train, None, [p])[0].predict(heard[0]), heard[1]) for p in PENALTIES]
    assert scores == pytest.approx(of_each[::-1])
    assert r2(ridge.predict(heard[0]), heard[1]) == pytest.approx(max(of_each))


def test_without_validation_sound_the_largest_penalty_is_kept(
    parts: tuple[GeneratorData, GeneratorData],
) -> None:
    train, val = parts
    silent = replace(val, has_audio=np.zeros(len(val), bool))
    expected = fit_ridge(train, None, [100.0])[0].weights
    for validation in (None, silent):
        ridge, scores = fit_ridge(train, validation, PENALTIES)
        assert np.isnan(scores).all()
        np.testing.assert_array_equal(ridge.weights, expected)


def test_neither_silent_clips_nor_the_order_of_clips_matter(
    parts: tuple[GeneratorData, GeneratorData],
) -> None:
    train, val = parts
    visual = train.visual.copy()
    visual[~train.has_audio] = 1e3
    order = np.random.default_rng(0).permutation(len(train))
    first, _ = fit_ridge(train, val, PENALTIES)
    for other in (replace(train, visual=visual), train.take(order)):
        again, _ = fit_ridge(other, val, PENALTIES)
        assert first.weights.tobytes() == again.weights.tobytes()


def test_the_expected_sound_weights_the_classes_by_the_posterior() -> None:
    audio = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    sounds = class_sounds(audio, np.array([0, 2, 2, 0]), 3)
    np.testing.assert_allclose(sounds[0], audio[[0, 3]].mean(axis=0))
    np.testing.assert_allclose(sounds[2], audio[[1, 2]].mean(axis=0))
    np.testing.assert_allclose(sounds[1], audio.mean(axis=0))  # a class that was never heard
    posterior = np.array([[[0.25, 0.0, 0.75]], [[0.0, 1.0, 0.0]]])  # (S, N, C)
    expected = expected_class_sound(posterior, sounds)
    np.testing.assert_allclose(expected[0, 0], 0.25 * sounds[0] + 0.75 * sounds[2])
    np.testing.assert_allclose(expected[1, 0], sounds[1])
