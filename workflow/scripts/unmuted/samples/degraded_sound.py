"""Sound of which a part is lost, or that has noise on it, at stated levels of severity.

Where the lost stretch lies, and what the noise is, comes from a hash of the sound itself: neither
the names nor the other clips matter. The stretch of a larger share holds that of a smaller one, and
the noise of one clip is the same at all levels, so that a level differs from the next in severity
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.features.time_pooling import bin_edges
from unmuted.samples.missing_audio import noise_waveform
from unmuted.training.order import stable_hash

LOST, NOISE = "lost", "noise"
KINDS = (LOST, NOISE)  # of severity curves
_POSITIONS = 2**53  # as many as a float in [0, 1) can distinguish
_HIGHEST, _LOWEST = 32767, -32768  # of int16


@dataclass(frozen=True)
class Level:
    """One level of severity.

    kind: LOST, with the share of the clip's seconds as its value, or NOISE, with the ratio of sound
    to noise in dB.
    """

    kind: str
    value: float


def levels_of(missing: Mapping[str, Any]) -> tuple[Level, ...]:
    """Return the levels of the section `missing` of a configuration, mildest first of each kind."""
    lost = [Level(LOST, share) for share in sorted(missing["lost_shares"])]
    return (*lost, *(Level(NOISE, ratio) for ratio in sorted(missing["snr_db"], reverse=True)))


def degrade(samples: np.ndarray, level: Level, key: str) -> np.ndarray:
    """Return the sound int16 (n,) at a level; key: tells this sound and the seed from others."""
    if level.kind == LOST:
        return without_stretch(samples, level.value, key)
    return with_noise(samples, level.value, key)


def lost_steps(samples: int, level: Level, key: str, steps: int) -> np.ndarray:
    """Return the time steps of which at least half of the sound is lost, bool (T,)."""
    if level.kind != LOST:
        return np.zeros(steps, bool)
    start, stop = lost_stretch(samples, level.value, key)
    edges = bin_edges(samples, steps)
    lost = np.minimum(stop, edges[1:]) - np.maximum(start, edges[:-1])
    return (lost > 0) & (2 * lost >= np.diff(edges))


def lost_stretch(samples: int, share: float, key: str) -> tuple[int, int]:
    """Return the samples [start, stop) that are lost of so many: this share of them, in one piece.

    Raises ValueError for a share outside of 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share from 0 to 1, found {share}")
    length = round(share * samples)
    place = stable_hash("lost stretch", key) % _POSITIONS / _POSITIONS
    start = round(place * (samples - length))
    return start, start + length


def without_stretch(samples: np.ndarray, share: float, key: str) -> np.ndarray:
    """Return the sound int16 (n,) with digital silence in place of the lost stretch."""
    start, stop = lost_stretch(len(samples), share, key)
    kept = samples.copy()
    kept[start:stop] = 0
    return kept


def with_noise(samples: np.ndarray, snr_db: float, key: str) -> np.ndarray:
    """Add white noise to a sound int16 (n,), at this ratio of the clip's own level to the noise's.

    A sum that full scale cannot hold is made softer as a whole, which keeps the ratio. Silence has
    no level, so that nothing is added to it.
    """
    own = samples.astype(np.float64)
    noise = noise_waveform(len(samples), 0.0, f"noise on sound {key}").astype(np.float64)
    gain = _rms(own) / _rms(noise) * 10 ** (-snr_db / 20)
    mixed = own + gain * noise
    peak = np.abs(mixed).max(initial=0.0)
    if peak > _HIGHEST:
        mixed *= _HIGHEST / peak
    return np.clip(np.rint(mixed), _LOWEST, _HIGHEST).astype(np.int16)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))
