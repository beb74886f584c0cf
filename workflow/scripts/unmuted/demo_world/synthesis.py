"""Building blocks of sounds: damped modes, filtered noise, room and level. All at 44.1 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

SAMPLE_RATE = 44_100


def modes(
    frequencies: np.ndarray, decays: np.ndarray, gains: np.ndarray, seconds: float
) -> np.ndarray:
    """Return the damped sinusoids (n,) float64 of a struck body.

    Frequencies are in Hz, and decays to 1/e in seconds.
    """
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    audible = frequencies < 0.45 * SAMPLE_RATE
    waves = np.sin(2 * np.pi * np.outer(frequencies[audible], time))
    envelopes = np.exp(-np.outer(1 / decays[audible], time))
    return gains[audible] @ (waves * envelopes)


def noise_burst(
    rng: np.random.Generator, band: tuple[float, float], decay: float, seconds: float
) -> np.ndarray:
    """Return noise within a band (Hz) that dies away to 1/e in `decay` seconds."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return band_noise(rng, band, len(time)) * np.exp(-time / decay)


def band_noise(rng: np.random.Generator, band: tuple[float, float], count: int) -> np.ndarray:
    """Return `count` samples of noise within a band (Hz), of unit variance."""
    filtered = sosfilt(
        butter(2, band, "bandpass", fs=SAMPLE_RATE, output="sos"), rng.normal(size=count)
    )
    return filtered / max(filtered.std(), 1e-9)


def place(track: np.ndarray, sound: np.ndarray, time: float, gain: float = 1.0) -> None:
    """Add a sound to the track from `time` seconds on, cut at the track's end."""
    start = round(time * SAMPLE_RATE)
    end = min(start + len(sound), len(track))
    if start < end:
        track[start:end] += gain * sound[: end - start]


def gate(count: int, spans: Sequence[tuple[float, float]], attack: float) -> np.ndarray:
    """Return an envelope (count,) that is 1 within the spans and 0 outside, with soft edges."""
    time = np.arange(count) / SAMPLE_RATE
    envelope = np.zeros(count)
    for start, end in spans:
        rise = np.clip((time - start) / attack, 0, 1)
        fall = np.clip((end - time) / attack, 0, 1)
        envelope = np.maximum(envelope, np.minimum(rise, fall))
    return envelope


@dataclass(frozen=True)
class Room:
    """How a place sounds, about; clips in it vary a little.

    decay_s: seconds in which its echo falls to 1/e. echo: its level, 1 being that of the sound.
    level_db: of the loudest moment, in dB of full scale. noise_db: of its noise below that moment.
    """

    decay_s: float
    echo: float
    level_db: float
    noise_db: float


def in_room(track: np.ndarray, rng: np.random.Generator, room: Room | None = None) -> np.ndarray:
    """Return the track with the echo of a room, or of any: decaying noise, 0.1 to 0.5 s long."""
    if room is None:
        decay, wet = rng.uniform(0.03, 0.13), rng.uniform(0.02, 0.3)
    else:
        decay, wet = room.decay_s * rng.uniform(0.9, 1.1), room.echo * rng.uniform(0.8, 1.2)
    time = np.arange(int(4 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    echo = rng.normal(size=len(time)) * np.exp(-time / decay)
    echo *= wet / np.sqrt((echo**2).sum())
    return track + fftconvolve(track, echo)[: len(track)]


def with_background(
    track: np.ndarray, rng: np.random.Generator, room: Room | None = None
) -> np.ndarray:
    """Return the track over coloured background noise, at the levels of a room or at any."""
    loudness = np.abs(track).max()
    if room is None:
        level_db, noise_db = rng.uniform(-16, -3), rng.uniform(32, 55)
    else:
        level_db = room.level_db + rng.uniform(-2, 2)
        noise_db = room.noise_db + rng.uniform(-2, 2)
    level, below = 10 ** (level_db / 20), 10 ** (-noise_db / 20)
    colour = (rng.uniform(40, 120), rng.uniform(600, 6000))
    background = band_noise(rng, colour, len(track)) * below
    return (track / max(loudness, 1e-9) + background) * level
