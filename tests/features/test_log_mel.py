"""The spectrogram of steps against transformers' own, and in pieces of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from unmuted.features.log_mel import FLOOR_DB, LogMel

RATE, WINDOW, HOP, MELS, HOPS = 16_000, 400, 160, 64, 20
STEP = HOP * HOPS
LOG_MEL = LogMel(RATE, WINDOW, HOP, MELS, HOPS)


def sound(steps: int, seed: int = 0) -> np.ndarray:
    """Noise, a tone and a silence, int16."""
    rng = np.random.default_rng(seed)
    time = np.arange(steps * STEP) / RATE
    noise = rng.normal(0, 10 ** rng.uniform(-4, -1, steps).repeat(STEP))
    samples = np.round(32767 * (0.3 * np.sin(2 * np.pi * 700 * time) + noise).clip(-1, 1))
    samples[STEP : 2 * STEP] = 0
    return samples.astype(np.int16)


def pieces(samples: np.ndarray, sizes: Iterator[int]) -> Iterator[np.ndarray]:
    start = 0
    while start < len(samples):
        size = next(sizes)
        yield samples[start : start + size]
        start += size


def mel_of(samples: np.ndarray, count: int, sizes: Iterator[int] | None = None) -> np.ndarray:
    given = [samples] if sizes is None else pieces(samples, sizes)
    return np.concatenate([sound.mel for sound in LOG_MEL.steps(given, count)])


def test_it_is_the_spectrogram_of_transformers() -> None:
    samples = sound(70)
    filters = mel_filter_bank(1 + WINDOW // 2, MELS, 0.0, RATE / 2, RATE, mel_scale="htk")
    padded = np.concatenate([samples, np.zeros(WINDOW - HOP, np.int16)]) / 32768
    expected = spectrogram(
        padded,
        window_function(WINDOW, "hann"),
        frame_length=WINDOW,
        hop_length=HOP,
        power=2.0,
        center=False,
        mel_filters=filters,
        mel_floor=1e-10,
        log_mel="dB",
    ).T.reshape(70, HOPS, MELS)
    found = mel_of(samples, 70)
    is_above = expected > FLOOR_DB + 1e-3
    assert is_above.mean() > 0.9 and found.dtype == np.float32
    assert np.abs(found - expected)[is_above].max() < 1e-4
    assert found.min() == FLOOR_DB  # silence is finite


def test_no_band_is_empty() -> None:
    filters = mel_filter_bank(1 + WINDOW // 2, MELS, 0.0, RATE / 2, RATE, mel_scale="htk")
    assert (filters.sum(axis=0) > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_pieces_of_any_size_give_the_same_bits(seed: int) -> None:
    samples = sound(150, seed)
    rng = np.random.default_rng(seed)
    sizes = iter(lambda: int(rng.choice([1, 7, 159, 3200, 100_000])), None)
    assert np.array_equal(mel_of(samples, 150), mel_of(samples, 150, sizes))


def test_a_step_does_not_depend_on_how_long_the_sound_is() -> None:
    samples = sound(200)
    assert np.array_equal(mel_of(samples, 200)[:60], mel_of(samples[: 62 * STEP], 62)[:60])


def test_the_level_and_where_there_is_no_sound() -> None:
    time = np.arange(4 * STEP) / RATE
    samples = np.round(32767 * np.sin(2 * np.pi * 500 * time)).astype(np.int16)
    samples[STEP : 2 * STEP] = 0
    samples[2 * STEP : 2 * STEP + STEP // 2 + HOP] = 0
    (found,) = LOG_MEL.steps([samples], 4)
    assert found.rms[0] == pytest.approx(-3.01, abs=0.01) and found.rms[1] == -140
    assert found.valid.tolist() == [True, False, False, True]


def test_what_is_missing_is_silence_and_what_is_too_long_is_left_out() -> None:
    samples = sound(10)
    short = next(iter(LOG_MEL.steps([samples[:STEP]], 3)))
    assert short.valid.tolist() == [True, False, False] and np.isfinite(short.mel).all()
    assert np.array_equal(mel_of(samples, 5)[:4], mel_of(samples[: 5 * STEP], 5)[:4])
    (none,) = LOG_MEL.steps([], 2)
    assert (none.mel == FLOOR_DB).all() and not none.valid.any()
