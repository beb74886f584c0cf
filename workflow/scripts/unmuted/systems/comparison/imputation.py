"""Imputation of a clip's audio where it is neither real nor generated.

All arrays are projected audio, float32 (N, T, A); zeros are the training mean, since the
projection centres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.training.clip_arrays import blocks, memmap_stack
from unmuted.training.order import content_order, stable_hash


def mean_audio(clips: int, steps: int, audio_dim: int) -> np.ndarray:
    """Return the mean sound of the training clips for every clip at every step."""
    return np.zeros((clips, steps, audio_dim), dtype=np.float32)


@dataclass(frozen=True)
class AudioStatistics:
    """How the sound of the training clips varies: `between`^2 + `within`^2 = variance.

    All are float64 (A,). between: standard deviation of the means of the clips. within: standard
    deviation of the steps about the mean of their clip, root mean square over clips.
    """

    mean: np.ndarray
    between: np.ndarray
    within: np.ndarray


def audio_statistics(keys: Sequence[str], audio: np.ndarray, usable: np.ndarray) -> AudioStatistics:
    """Compute the statistics of the training clips with usable sound, bool (N,); at least one."""
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
    """Make a control: audio (N, T, A) as loud and as varied as the training clips', but random.

    The numbers are normal and depend on the clip's content and the seed: one part for the whole
    clip, one for each step about it, as large as in real sound. Dimensions are independent:
    principal components are uncorrelated over the clips that they were fitted on, so the covariance
    is that of real sound.
    """
    spread = np.sqrt(steps / max(steps - 1, 1))  # what taking the mean out of the steps costs
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
