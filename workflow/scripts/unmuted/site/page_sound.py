"""The sound of a video as a page shows it: the envelope of its samples, and a mel spectrogram.

Both have a bounded number of columns, so that a page of two hours takes as long as one of seconds.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

COLUMNS = 240  # at most
BANDS = 48
WINDOW = 1024  # samples of a column's spectrum
FLOOR_DB = -100.0
_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class ShownSound:
    """A sound in n columns of equal length.

    low, high: float (n,), the least and the largest sample of each, as shares of full scale.
    mel: float (BANDS, n), decibels of full scale in mel bands, of the window in its middle; the
    lowest band first. seconds: of all columns. rate: samples a second.
    """

    low: np.ndarray
    high: np.ndarray
    mel: np.ndarray
    seconds: float
    rate: int


def read_shown_sound(path: Path) -> ShownSound:
    """Read a wav file of 16 bits in one channel, a column at a time. Raises ValueError for another.

    A file without samples has one silent column.
    """
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(f"{path}: expected 16-bit mono, found {file.getparams()}")
        count, rate = file.getnframes(), file.getframerate()
        columns = max(1, min(COLUMNS, count))
        edges = np.arange(columns + 1) * count // columns
        extremes, windows = np.zeros((2, columns)), np.zeros((columns, WINDOW))
        for i, (start, stop) in enumerate(pairwise(edges.tolist())):
            file.setpos(start)
            samples = np.frombuffer(file.readframes(stop - start), dtype="<i2")
            if len(samples):
                extremes[:, i] = samples.min() / _FULL_SCALE, samples.max() / _FULL_SCALE
            first = max(0, (start + stop) // 2 - WINDOW // 2)
            file.setpos(min(first, count))
            samples = np.frombuffer(file.readframes(WINDOW), dtype="<i2")
            windows[i, : len(samples)] = samples / _FULL_SCALE
    low, high = extremes
    return ShownSound(low, high, _mel_levels(windows, rate), count / rate, rate)


def _mel_levels(windows: np.ndarray, rate: int) -> np.ndarray:
    """Return decibels (BANDS, n) of windows (n, WINDOW)."""
    taper = np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows * taper, axis=1)) ** 2 / (taper.sum() / 2) ** 2
    bands = power @ _mel_filters(rate)
    return 10 * np.log10(np.maximum(bands, 10 ** (FLOOR_DB / 10))).T


@cache
def _mel_filters(rate: int) -> np.ndarray:
    """Return triangular filters (frequencies, BANDS) on the HTK mel scale, up to half the rate."""
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)  # Hz
    frequencies = np.fft.rfftfreq(WINDOW, 1 / rate)[:, None]
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - left) / (middle - left)
    falling = (right - frequencies) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling))
