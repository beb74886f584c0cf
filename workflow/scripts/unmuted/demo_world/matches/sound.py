"""How a match sounds: the crowd, the referee's whistle and a commentator.

All of it lies below 8 kHz; the encoder resamples it to the recording's rate and channels.
"""

from __future__ import annotations

import numpy as np

from unmuted.demo_world.matches.spec import Happening, RecordingSpec
from unmuted.demo_world.matches.vocabulary import CHANT, CORNER, FOUL, KICK_OFF, PENALTY

SAMPLE_RATE = 16_000
BLOCK = 160  # samples for which an envelope has one value, 10 ms
ATTACK_SECONDS, DECAY_SECONDS = 0.12, 0.9
RUN_UP_SECONDS = 1.5  # from the whistle to a penalty
PEAK = 0.9  # of full scale, in the loudest match

# Bands of the crowd's noise in Hz, and how loud each is at rest.
BANDS = ((120, 350), (350, 800), (800, 1800), (1800, 4500))
REST = np.array([0.05, 0.05, 0.035, 0.015])
# Gains of the bands when the crowd answers. A chant roars like a goal; a corner is cheered like a
# shot on target, and a foul is met like one off target: only the picture tells them apart.
ROARS = np.array([0.3, 0.6, 0.6, 0.35])
CHEERS = np.array([0.06, 0.1, 0.5, 0.45])
GROANS = np.array([0.5, 0.5, 0.06, 0.02])


def synthesise(spec: RecordingSpec) -> np.ndarray:
    """Return crowd and voices, (round(seconds * 16000), 2) float32 in -1..1; zeros if silent."""
    count = round(spec.seconds * SAMPLE_RATE)
    sound = np.zeros((count, 2), np.float32)
    if spec.audio == "silent":
        return sound
    rng = np.random.default_rng([spec.seed, 5])
    sound[:, 0] = _crowd(spec, count, rng)
    sound[:, 1] = _commentary(spec, count, rng)
    for each in spec.audible:
        if each.what in (FOUL, KICK_OFF):
            _whistle(sound[:, 1], each.moment, rng)
        elif each.what == PENALTY:
            _whistle(sound[:, 1], each.moment - RUN_UP_SECONDS, rng)
    return np.clip(sound * (PEAK / 3 * 10 ** (spec.level_db / 20)), -1, 1)


def _answer(each: Happening) -> np.ndarray:
    """Return the gains of the bands when the crowd answers."""
    if each.what == CHANT or each.kind == "Goal":
        return ROARS
    return CHEERS if each.what == CORNER or each.kind == "Shots on target" else GROANS


def _crowd(spec: RecordingSpec, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the crowd (count,) float32: noise in bands whose gains rise and fall."""
    blocks = -(-count // BLOCK)
    time = np.arange(blocks) * BLOCK / SAMPLE_RATE
    gains = np.repeat(REST[:, None], blocks, axis=1)
    gains *= 1 + 0.25 * np.sin(
        2 * np.pi * rng.uniform(0.05, 0.2, (4, 1)) * time + rng.uniform(0, 6, (4, 1))
    )
    for each in spec.audible:
        if each.lasts:
            begin = each.moment + each.delay
            rise = np.clip((time - begin) / ATTACK_SECONDS, 0, 1)
            fall = np.clip((begin + each.lasts - time) / DECAY_SECONDS, 0, 1)
            loudness = rng.uniform(0.75, 1.2)
            gains += loudness * _answer(each)[:, None] * np.minimum(rise, fall)
    crowd = np.zeros((blocks, BLOCK), np.float32)
    for band, gain in zip(BANDS, gains, strict=True):
        noise = _band_noise(rng, band, blocks * BLOCK).reshape(blocks, BLOCK)
        crowd += noise * gain[:, None].astype(np.float32)
    return crowd.reshape(-1)[:count]


def _band_noise(rng: np.random.Generator, band: tuple[int, int], count: int) -> np.ndarray:
    """Return noise within a band (Hz) of unit variance, (count,) float32, repeated after 8 s."""
    period = 8 * SAMPLE_RATE
    spectrum = np.zeros(period // 2 + 1, np.complex64)
    low, high = (8 * hertz for hertz in band)  # bins are 1/8 Hz apart
    spectrum[low:high] = np.exp(2j * np.pi * rng.random(high - low))
    noise = np.fft.irfft(spectrum).astype(np.float32)
    return np.resize(noise / noise.std(), count)


def _whistle(track: np.ndarray, start: float, rng: np.random.Generator) -> None:
    """Add a referee's whistle, half a second of a trembling tone."""
    first = round(start * SAMPLE_RATE)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    phase = 2 * np.pi * rng.uniform(2700, 3300) * time + 2.5 * np.sin(2 * np.pi * 35 * time)
    tone = 0.8 * np.sin(phase) * np.minimum(1, np.minimum(time, 0.5 - time) / 0.03)
    end = min(first + len(tone), len(track))
    if 0 <= first < end:
        track[first:end] += tone[: end - first]


def _commentary(spec: RecordingSpec, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return a voice (count,) float32: syllables of buzz at the match's pitch, with pauses."""
    blocks = -(-count // BLOCK)
    time = np.arange(blocks) * BLOCK / SAMPLE_RATE
    lilt = 1 + 0.12 * np.sin(2 * np.pi * 0.3 * time + rng.uniform(0, 6))
    speaks = np.sin(2 * np.pi * time / rng.uniform(5, 8) + rng.uniform(0, 6)) > -0.3
    loud = speaks * np.clip(np.sin(2 * np.pi * rng.uniform(3.5, 4.5) * time), 0, 1) ** 0.5
    phase = np.cumsum(np.repeat(spec.voice_hz * lilt, BLOCK)) / SAMPLE_RATE % 1
    sawtooth = (2 * phase - 1).astype(np.float32).reshape(blocks, BLOCK)
    return 0.22 * (sawtooth * loud[:, None].astype(np.float32)).reshape(-1)[:count]
