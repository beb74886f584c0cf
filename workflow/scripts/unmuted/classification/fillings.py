"""What stands for a clip's audio where it is neither real nor generated.

All arrays are projected audio, float32 (N, T, A); zeros are the training mean, since the
projection centres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.fitting.order import content_order, stable_hash


def mean_audio(clips: int, steps: int, audio_dim: int) -> np.ndarray:
    """The mean of the training clips' sound for every clip at every step."""
    return np.zeros((clips, steps, audio_dim), dtype=np.float32)


@dataclass(frozen=True)
class AudioStatistics:
    """How the training clips' sound varies, each (A,) float64: `between`^2 + `within`^2 = variance.

    between: standard deviation of the clips' means. within: of the steps about their clip's mean,
    root mean square over clips.
    """

    mean: np.ndarray
    between: np.ndarray
    within: np.ndarray


def audio_statistics(keys: Sequence[str], audio: np.ndarray, usable: np.ndarray) -> AudioStatistics:
    """Statistics of the training clips with usable sound, bool (N,); at least one."""
    order = content_order(keys, audio)
    heard = audio[order[usable[order]]].astype(np.float64)
    clip_means = heard.mean(axis=1)
    return AudioStatistics(
        mean=clip_means.mean(axis=0),
        between=clip_means.std(axis=0),
        within=np.sqrt(heard.var(axis=1).mean(axis=0)),
    )


def random_features(
    keys: Sequence[str], statistics: AudioStatistics, steps: int, seed: int
) -> np.ndarray:
    """A control: audio (N, T, A) as loud and as varied as the training clips', about nothing.

    Normal numbers that belong to the clip's content and the seed: one part for the whole clip, one
    for each step about it, as large as in real sound. Dimensions are independent: principal
    components are uncorrelated over the clips that they were fitted on, so the covariance is that
    of real sound.
    """
    spread = np.sqrt(steps / max(steps - 1, 1))  # what taking the mean out of the steps costs
    made = np.zeros((len(keys), steps, len(statistics.mean)), dtype=np.float32)
    for i, key in enumerate(keys):
        rng = np.random.default_rng(stable_hash("random features", seed, key) % 2**64)
        clip, step = rng.standard_normal((1, made.shape[2])), rng.standard_normal(made.shape[1:])
        step = spread * (step - step.mean(axis=0))
        made[i] = statistics.mean + statistics.between * clip + statistics.within * step
    return made


def filtered(generated: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Generated audio of the clips that the filter keeps, bool (N,); else the training mean.

    So every clip is scored in every arm, and accuracies share their denominator.
    """
    return np.where(kept[:, None, None], generated, np.float32(0))
