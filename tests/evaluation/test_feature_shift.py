"""Features of training clips against those of test clips, and the warning where they differ."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from sklearn.metrics import r2_score

from unmuted.evaluation.feature_shift import feature_shift

S, T, A = 3, 5, 4


def features(clips: int, scale: float = 1.0, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(clips):
        real = rng.normal(0.3, 1, (T, A)).astype(np.float32)
        guess = scale * (real + rng.normal(0, 0.5, (S, T, A)))
        found.append((guess.astype(np.float32), real))
    return found


def shift(test_scale: float) -> dict:
    made = {"train": features(50), "val": features(7, seed=1)}
    return feature_shift({**made, "test": features(20, test_scale, seed=2)})


def test_r2_and_rms_agree_with_scikit_learn_and_numpy() -> None:
    clips = features(20, seed=2)
    found = feature_shift({"train": iter(clips), "val": iter([]), "test": iter(clips)})["test"]
    real = np.concatenate([real for _, real in clips])
    for seed in range(S):
        guess = np.concatenate([generated[seed] for generated, _ in clips])
        expected = r2_score(real, guess, multioutput="variance_weighted")
        assert found["r2"]["per_seed"][seed] == pytest.approx(expected, abs=1e-6)
        rms = np.sqrt(np.mean(guess.astype(np.float64) ** 2))
        assert found["rms"]["per_seed"][seed] == pytest.approx(rms)
    assert found["clips"] == 20


@pytest.mark.parametrize(("scale", "has_shifted"), [(1.0, False), (1.3, True), (0.7, True)])
def test_features_that_another_model_makes_larger_or_smaller_are_warned_of(
    scale: float, has_shifted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="unmuted"):
        found = shift(scale)
    assert found["rms_ratio"] == pytest.approx(scale, rel=0.05)
    assert found["has_shifted"] == has_shifted
    warned = "tested on other features" in caplog.text
    assert warned == has_shifted


def test_a_split_without_sound_has_no_value_and_no_warning() -> None:
    found = feature_shift({"train": features(3), "val": [], "test": []})
    assert found["test"] == {"clips": 0, "r2": None, "rms": None}
    assert found["rms_ratio"] is None and found["has_shifted"] is False
