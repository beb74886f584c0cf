"""What generated audio must beat: ridge regression from the picture, and mean sounds of classes.

Both are closed-form, and fitted on the training clips with usable sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.evaluation.metrics import r2
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.clip_arrays import blocks
from unmuted.training.moments import moments
from unmuted.training.order import content_order


@dataclass(frozen=True)
class Ridge:
    """Linear regression of audio at a time step on the picture there and on the clip's mean.

    The names of the fields are those of the stage's arrays.
    """

    visual_mean: np.ndarray  # float64 (Dv,)
    visual_scale: np.ndarray  # float64 (Dv,)
    audio_mean: np.ndarray  # float64 (A,)
    weights: np.ndarray  # float64 (2 Dv, A)

    def predict(self, visual: np.ndarray) -> np.ndarray:
        """Predict audio float32 (N, T, A) from visual features (N, T, Dv)."""
        x = _features(visual, self.visual_mean, self.visual_scale)
        return (x @ self.weights + self.audio_mean).astype(np.float32)


def fit_ridge(
    data: GeneratorData, validation: GeneratorData | None, penalties: Sequence[float]
) -> tuple[Ridge, list[float]]:
    """Fit a ridge regression for each penalty; keep the one of highest R2 on validation clips.

    data: training clips, of which those with usable sound are read, in an order that comes from
    their content. A penalty is the weight of the squared coefficients relative to the number of
    time steps. Returns the regression and the R2 of each penalty, NaN without a validation clip
    with sound; then the largest penalty is kept.
    """
    order = _with_audio(data)
    mean, scale = moments(data.visual, order)
    audio_mean, _ = moments(data.audio, order)
    size = 2 * len(mean)
    gram, cross, count = np.zeros((size, size)), np.zeros((size, len(audio_mean))), 0
    for part in blocks(order):
        x = _features(data.visual[part], mean, scale).reshape(-1, size)
        gram += x.T @ x
        cross += x.T @ (data.audio[part].reshape(len(x), -1) - audio_mean)
        count += len(x)
    values, vectors = np.linalg.eigh(gram / count)
    rotated = vectors.T @ cross / count

    def of_penalty(penalty: float) -> Ridge:
        weights = vectors @ (rotated / (np.maximum(values, 0) + penalty)[:, None])
        return Ridge(mean, scale, audio_mean, weights)

    candidates = sorted(penalties, reverse=True)
    if validation is None or not validation.has_audio.any():
        return of_penalty(candidates[0]), [float("nan")] * len(candidates)
    chosen_on = _with_audio(validation)
    truth = validation.audio[chosen_on]
    scores = [r2(of_penalty(p).predict(validation.visual[chosen_on]), truth) for p in candidates]
    return of_penalty(candidates[int(np.nanargmax(scores))]), scores


def class_sounds(audio: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Average the audio (N, T, A) of each class per time step: float32 (C, T, A).

    labels: int (N,). A class without a clip gets the mean over all clips.
    """
    sounds = np.tile(audio.mean(axis=0, dtype=np.float64), (classes, 1, 1))
    for label in np.unique(labels):
        sounds[label] = audio[labels == label].mean(axis=0, dtype=np.float64)
    return sounds.astype(np.float32)


def expected_class_sound(posterior: np.ndarray, sounds: np.ndarray) -> np.ndarray:
    """Weight the mean sounds (C, T, A) of the classes by a posterior (..., C): (..., T, A)."""
    return np.tensordot(posterior, sounds, axes=1).astype(np.float32)


def _with_audio(data: GeneratorData) -> np.ndarray:
    order = content_order(data.keys, data.visual, data.audio)
    return order[data.has_audio[order]]


def _features(visual: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardise (N, T, Dv) and put the mean over time next to each step: (N, T, 2 Dv)."""
    x = (visual - mean) / scale
    return np.concatenate([x, np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)], axis=2)
