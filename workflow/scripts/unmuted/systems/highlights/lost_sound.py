"""Sound of test matches that is declared missing: which, and what is there in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.config.highlights import LostSoundSettings
from unmuted.samples.missing_audio import position
from unmuted.training.order import stable_hash


def missing_at(matches: Sequence[str], rate: float, seed: int) -> np.ndarray:
    """Return which matches have lost their sound at a rate, bool (M,).

    The first of them by hash, `rate` of all, rounded: of few matches the exact share counts. A
    match that is missing at a rate is missing at every higher one.
    """
    order = sorted(range(len(matches)), key=lambda i: (position(matches[i], seed), matches[i]))
    missing = np.zeros(len(matches), bool)
    missing[order[: int(np.floor(rate * len(matches) + 0.5))]] = True
    return missing


def dropout_steps(key: str, steps: int, rate: float, settings: LostSoundSettings) -> np.ndarray:
    """Return the steps of one lost stretch of a recording, bool (S,); its place comes from `key`.

    A stretch that is longer than the recording takes all of it.
    """
    rng = np.random.default_rng(stable_hash("dropout", settings.seed, key) % 2**63)
    low, high = min(settings.dropout), max(settings.dropout)
    length = min(round(rng.uniform(low, high) * rate), steps)
    start = int(rng.integers(steps - length + 1))
    lost = np.zeros(steps, bool)
    lost[start : start + length] = True
    return lost


def noise_patches(
    key: str, level_db: float, shape: tuple[int, ...], seed: int
) -> Iterator[np.ndarray]:
    """Yield log-mel patches of white noise in dB, float32 (n, P, M), around a level.

    shape: (S, P, M), of all of them together; blocks keep memory independent of S. The power in a
    band of white noise is exponentially distributed, averaged over the few frequencies of the band.
    """
    rng = np.random.default_rng(stable_hash("noise", seed, key) % 2**63)
    for start in range(0, shape[0], STEPS_AT_ONCE):
        block = min(STEPS_AT_ONCE, shape[0] - start), *shape[1:]
        power = rng.gamma(FREQUENCIES, 1 / FREQUENCIES, block)
        yield (level_db + 10 * np.log10(np.maximum(power, 1e-6))).astype(np.float32)


STEPS_AT_ONCE = 1024
FREQUENCIES = 4.0  # of a band, on average
