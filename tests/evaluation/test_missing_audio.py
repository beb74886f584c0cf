"""What missing audio costs: the exact expectation over masks, and curves on clips with sound."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.missing_audio import CorrectByAudio, expected_correct, missing_accuracy
from unmuted.evaluation.severity import severity_curves
from unmuted.samples.degraded_sound import LOST, NOISE, Level
from unmuted.samples.missing_audio import KINDS

S, N = 3, 6
RATES = (0.0, 0.25, 0.5, 1.0)


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, shape).astype(float)


def by_audio(seed: int = 0, clips: int = N) -> CorrectByAudio:
    return CorrectByAudio(*drawn(seed, 4, S, clips))


def resamples(clips: int = N):
    return draw_groups([str(n // 2) for n in range(clips)], 300, 0, seeds=S)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_expectation_is_the_mean_over_all_masks(seed: int, rate: float) -> None:
    own, missing = drawn(seed, 2, S, N)
    total = 0.0
    for mask in product((False, True), repeat=N):
        lost = sum(mask)
        chance = rate**lost * (1 - rate) ** (N - lost)
        total += chance * np.where(mask, missing, own).mean()
    assert expected_correct(own, missing, rate).mean() == pytest.approx(total, abs=1e-12)


def test_the_ends_and_what_follows_from_them_are_reported_by_kind() -> None:
    one = by_audio()
    found = missing_accuracy({"a": one}, RATES, KINDS, resamples(), ["b"])
    for kind, lost in (("no_stream", one.missing), ("noise", one.noise), ("swapped", one.swapped)):
        arm = found[kind]["a"]
        assert arm["own"]["mean"] == pytest.approx(one.own.mean())
        assert arm["missing"]["mean"] == pytest.approx(lost.mean())
        assert arm["missing"]["per_seed"] == pytest.approx(lost.mean(axis=1))
        assert arm["difference"]["mean"] == pytest.approx(lost.mean() - one.own.mean())
        low, high = arm["difference"]["ci95"]
        assert low <= arm["difference"]["mean"] <= high
        line = [(1 - rate) * one.own.mean() + rate * lost.mean() for rate in RATES]
        assert [point["mean"] for point in arm["expected"]] == pytest.approx(line, abs=1e-12)
        assert arm["expected"][0] == arm["own"] and arm["expected"][-1] == arm["missing"]
    assert found["silence"] == found["no_stream"]


def test_an_arm_that_leaks_is_marked() -> None:
    both = {"filtered": by_audio(), "knn_audio": by_audio(1)}
    found = missing_accuracy(both, RATES, ["noise"], resamples(), ["filtered"])["noise"]
    assert {arm: one["leaks"] for arm, one in found.items()} == {
        "filtered": True,
        "knn_audio": False,
    }


def test_severity_is_measured_on_clips_that_have_sound_to_lose() -> None:
    clips, has_sound = 40, np.arange(40) % 4 > 0
    levels = (Level(LOST, 0), Level(LOST, 1), Level(NOISE, 0))
    heard = drawn(2, len(levels), S, int(has_sound.sum()))
    found = severity_curves({"a": heard}, levels, has_sound, resamples(clips), ["a"])
    assert found["clips"] == 30
    assert found["lost"]["levels"] == [0, 1] and found["noise"]["levels"] == [0]
    points = [*found["lost"]["arms"]["a"]["accuracy"], *found["noise"]["arms"]["a"]["accuracy"]]
    assert [point["mean"] for point in points] == pytest.approx(heard.mean(axis=(1, 2)))
    for point, of_level in zip(points, heard, strict=True):
        assert point["per_seed"] == pytest.approx(of_level.mean(axis=1))
        low, high = point["ci95"]
        assert low < point["mean"] < high
    assert found["lost"]["arms"]["a"]["leaks"]


def test_resamples_without_a_sounding_clip_are_left_out() -> None:
    """One of two groups has sound: a quarter of all resamples have none of it."""
    bootstrap = draw_groups(["a", "b"], 400, 0, seeds=S)
    has_sound = np.array([True, False])
    found = severity_curves({"a": np.ones((1, S, 1))}, (Level(LOST, 0),), has_sound, bootstrap, [])
    assert found["lost"]["arms"]["a"]["accuracy"][0]["ci95"] == [1.0, 1.0]


def test_without_a_sounding_clip_there_is_no_curve() -> None:
    nothing = np.zeros((1, S, 0))
    has_sound = np.zeros(N, bool)
    assert severity_curves({"a": nothing}, (Level(LOST, 0),), has_sound, resamples(), []) is None
