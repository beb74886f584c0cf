"""Degraded sound: as severe as stated, where a hash says, and worse at each level."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.features.time_pooling import bin_edges
from unmuted.samples.degraded_sound import (
    LOST,
    NOISE,
    Level,
    degrade,
    levels_of,
    lost_steps,
    lost_stretch,
    with_noise,
    without_stretch,
)

SHARES = st.floats(0, 1)


def tone(n: int, peak: float = 8000.0) -> np.ndarray:
    return np.int16(peak * np.sin(np.arange(n) / 7) + 1)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@given(st.integers(1, 50_000), SHARES, st.text())
def test_the_lost_stretch_has_its_share_and_lies_in_the_clip(
    n: int, share: float, key: str
) -> None:
    start, stop = lost_stretch(n, share, key)
    assert 0 <= start <= stop <= n
    assert stop - start == pytest.approx(share * n, abs=0.5)


@given(st.integers(100, 50_000), SHARES, SHARES, st.text())
def test_a_larger_share_holds_what_a_smaller_one_has_lost(
    n: int, one: float, other: float, key: str
) -> None:
    small, large = sorted([one, other])
    start, stop = lost_stretch(n, small, key)
    first, last = lost_stretch(n, large, key)
    assert first <= start + 1 and stop - 1 <= last  # to the sample: both ends are rounded


def test_stretches_lie_everywhere() -> None:
    starts = [lost_stretch(1000, 0.25, str(i))[0] for i in range(2000)]
    counts, _ = np.histogram(starts, bins=10, range=(0, 751))
    assert counts.min() > 130 and counts.max() < 275


@given(st.integers(1, 20_000), SHARES, st.text())
def test_what_is_not_lost_stays_as_it_is(n: int, share: float, key: str) -> None:
    samples = tone(n)
    start, stop = lost_stretch(n, share, key)
    left = without_stretch(samples, share, key)
    assert not left[start:stop].any()
    np.testing.assert_array_equal(
        np.delete(left, np.s_[start:stop]), np.delete(samples, np.s_[start:stop])
    )


@given(st.integers(200, 20_000), SHARES, st.text(), st.integers(1, 40))
def test_a_step_is_lost_with_half_of_its_sound(n: int, share: float, key: str, steps: int) -> None:
    silent = np.zeros(n, bool)
    silent[slice(*lost_stretch(n, share, key))] = True
    edges = bin_edges(n, steps)
    parts = [silent[a:b] for a, b in pairwise(edges)]
    expected = [part.any() and part.mean() >= 0.5 for part in parts]
    assert lost_steps(n, Level(LOST, share), key, steps).tolist() == expected


def test_all_steps_are_lost_with_all_sound_and_none_with_noise() -> None:
    assert lost_steps(1000, Level(LOST, 1), "a", 18).all()
    assert not lost_steps(1000, Level(LOST, 0), "a", 18).any()
    assert not lost_steps(1000, Level(NOISE, -10), "a", 18).any()


@pytest.mark.parametrize("peak", [40.0, 8000.0, 32000.0])
@pytest.mark.parametrize("ratio", [20, 10, 0, -10])
def test_noise_is_as_loud_as_stated_whatever_the_level_of_the_sound(
    ratio: float, peak: float
) -> None:
    """Loud sound too: where full scale has no room the sum is made softer, not the noise."""
    samples = tone(48_000, peak).astype(np.float64)
    mixed = with_noise(np.int16(samples), ratio, "a").astype(np.float64)
    gain = mixed @ samples / (samples @ samples)  # noise and sound have nothing in common
    noise = mixed - gain * samples
    found = 20 * np.log10(gain * rms(samples) / rms(noise))
    assert found == pytest.approx(ratio, abs=0.25)
    assert np.abs(mixed).max() <= 32767
    assert gain == pytest.approx(1, abs=0.05) or np.abs(mixed).max() >= 32766


def test_the_noise_of_a_clip_is_the_same_at_all_levels() -> None:
    samples = tone(48_000, 1000.0)
    soft, loud = (with_noise(samples, ratio, "a") - np.float64(samples) for ratio in (10, 0))
    assert np.corrcoef(soft, loud)[0, 1] > 0.999
    other = with_noise(samples, 0, "b") - np.float64(samples)
    assert abs(np.corrcoef(loud, other)[0, 1]) < 0.03


def test_digital_silence_stays_silent() -> None:
    assert not with_noise(np.zeros(1000, np.int16), 0, "a").any()


def test_levels_come_from_the_settings_mildest_first() -> None:
    levels = levels_of({"lost_shares": [1, 0, 0.5], "snr_db": [-10, 20]})
    assert levels == (
        *(Level(LOST, share) for share in (0, 0.5, 1)),
        *(Level(NOISE, ratio) for ratio in (20, -10)),
    )
    samples = tone(1000)
    np.testing.assert_array_equal(degrade(samples, levels[0], "a"), samples)
    assert not degrade(samples, levels[2], "a").any()
    with pytest.raises(ValueError, match="from 0 to 1"):
        degrade(samples, Level(LOST, 1.5), "a")
