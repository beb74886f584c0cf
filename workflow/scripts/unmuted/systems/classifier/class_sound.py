"""The mean sound of each class, and the sound that is expected under a class posterior.

It is the null model of every generator: whoever knows the class that the picture suggests, and how
that class sounds on average, needs no generator for this.
"""

from __future__ import annotations

import numpy as np

from unmuted.training.clip_arrays import ClipArray


def mean_sound_of_classes(
    audio: ClipArray, labels: np.ndarray, order: np.ndarray, classes: int
) -> np.ndarray:
    """Average the audio of the clips of each class at every time step: float32 (C, T, A).

    A class without clips gets zeros, the training mean of the projection.

    Args:
        audio: (N, T, A), projected, of clips with usable sound.
        labels: int (N,).
        order: indices of the N clips in an order that does not depend on their names.
        classes: C.
    """
    means = np.zeros((classes, *audio.shape[1:]))
    for label in range(classes):
        of_class = order[labels[order] == label]
        if len(of_class):
            means[label] = audio[of_class].mean(axis=0, dtype=np.float64)
    return means.astype(np.float32)


def expected_sound(posterior: np.ndarray, sounds: np.ndarray) -> np.ndarray:
    """Average the classes' sounds (C, T, A) under posteriors (S, C): float32 (S, T, A)."""
    return np.einsum("sc,cta->sta", posterior, sounds).astype(np.float32)
