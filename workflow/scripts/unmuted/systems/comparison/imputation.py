"""Audio that no generator makes: the random control, and what replaces audio that is rejected.

Audio is projected, float32 (N, T, A). Zeros are the training mean, because the projection subtracts
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.training.clip_arrays import blocks, memmap_stack
from unmuted.training.order import content_order, stable_hash


@dataclass(frozen=True)
class AudioStatistics:
    """How the sound of the training clips varies: `between`^2 + `within`^2 = variance.

    All are float64 (A,). mean: of the means of the clips, nearly zero. between: standard deviation
    of the means of the clips. within: standard deviation of the steps about the mean of their clip,
    root mean square over clips.
    """

    mean: np.ndarray
    between: np.ndarray
    within: np.ndarray


def audio_statistics(keys: Sequence[str], audio: np.ndarray, usable: np.ndarray) -> AudioStatistics:
    """Compute the statistics of the training clips that have usable sound, at least one.

    keys: content keys of the N clips. audio: (N, T, A). usable: bool (N,).
    """
    order = content_order(keys, audio)
    means, variances = [], []
    for part in blocks(order[usable[order]]):
        with_audio = audio[part].astype(np.float64)
        means.append(with_audio.mean(axis=1))
        variances.append(with_audio.var(axis=1))
    clip_means = np.concatenate(means)
    return AudioStatistics(
        mean=clip_means.mean(axis=0),
        between=clip_means.std(axis=0),
        within=np.sqrt(np.concatenate(variances).mean(axis=0)),
    )


def random_features(
    keys: Sequence[str], statistics: AudioStatistics, steps: int, seed: int
) -> np.ndarray:
    """Make a control: random audio (N, T, A) that varies as that of the training clips does.

    The numbers are normally distributed, with the mean of the training audio and its standard
    deviations between and within clips, and depend on the clip's content and the seed. Dimensions
    are independent, as principal components are uncorrelated over the clips they were fitted on.
    """
    # Makes up for the variance that is lost when the mean of the steps is subtracted.
    spread = np.sqrt(steps / max(steps - 1, 1))
    audio_dim = len(statistics.mean)

    def draw() -> Iterator[np.ndarray]:
        for key in keys:
            rng = np.random.default_rng(stable_hash("random features", seed, key) % 2**64)
            clip, step = (rng.standard_normal((rows, audio_dim)) for rows in (1, steps))
            step = spread * (step - step.mean(axis=0))
            yield statistics.mean + statistics.between * clip + statistics.within * step

    return memmap_stack(draw())


def filtered(generated: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Replace generated audio that the filter rejects by the training mean; kept: bool (N,).

    So every clip is scored in every arm, and all accuracies have the same denominator.
    """
    return np.where(kept[:, None, None], generated, np.float32(0))
