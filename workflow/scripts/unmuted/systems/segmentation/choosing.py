"""The choice of a network's checkpoint and threshold, on validation clips alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unmuted.errors import UserError
from unmuted.systems.segmentation.clip_data import ClipData
from unmuted.systems.segmentation.metrics import choose_threshold, iou, mask_metrics
from unmuted.systems.segmentation.pixel_counts import (
    THRESHOLDS,
    PixelCounts,
    concatenate_counts,
    count_pixels,
)
from unmuted.systems.segmentation.stored_probabilities import dequantised, quantised
from unmuted.training.checkpoints import Fit
from unmuted.training.states import State

Predict = Callable[[State, ClipData], np.ndarray]  # probabilities (K, H, W) of a checkpoint


@dataclass(frozen=True)
class Choice:
    """What was chosen, and the validation's scores.

    snapshot: index of the checkpoint. threshold: index of the threshold. score: strict IoU.
    """

    snapshot: int
    epoch: int
    threshold: int
    score: float
    by_snapshot: tuple[float, ...]

    @property
    def probability(self) -> float:
        """The probability from which a pixel is marked."""
        return float(THRESHOLDS[self.threshold])

    def payload(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "by_snapshot": list(self.by_snapshot)}

    @classmethod
    def of(cls, values: Any) -> Choice:
        """Return the choice of such JSON values; others among them are ignored."""
        names = ("snapshot", "epoch", "threshold", "score")
        return cls(**{n: values[n] for n in names}, by_snapshot=tuple(values["by_snapshot"]))


def count_clip(probabilities: np.ndarray, clip: ClipData) -> PixelCounts:
    """Count the pixels of all seconds of a clip, by probabilities as they are stored."""
    padding = np.broadcast_to(clip.is_padding, probabilities.shape)
    return count_pixels(dequantised(quantised(probabilities)), clip.truth, padding)


def choose(fit: Fit, clips: Sequence[ClipData], predict: Predict, slack: float = 0.0) -> Choice:
    """Choose a checkpoint and its threshold; the first of equal checkpoints.

    A checkpoint's threshold has the highest IoU where something sounds, or one that is lower by
    `slack` at most and leaves more seconds empty in which nothing in the picture sounds. By strict
    IoU, a network that ignores the sound does best with a threshold at which it marks nothing at
    all, so that it would seem to be worse on pairs than it is. Of the checkpoints, that of the
    highest strict IoU is chosen.

    Raises UserError where no second of the validation clips has a known truth.
    """
    labelled = [clip for clip in clips if clip.is_labelled.any()]
    if not any(clip.has_truth.any() for clip in labelled):
        raise UserError(
            "avs: no validation video has a second in which a mask marks something: checkpoints "
            "and thresholds cannot be chosen"
        )
    found = []
    for state in fit.snapshots:
        counts = concatenate_counts(
            count_clip(predict(state, clip), clip)[clip.is_labelled] for clip in labelled
        )
        threshold = choose_threshold(counts, iou, slack)
        score = mask_metrics(counts, threshold)["strict_iou"]
        assert score is not None
        found.append((score, threshold))
    scores = [score for score, _ in found]
    best = int(np.argmax(scores))
    return Choice(best, fit.epochs[best], found[best][1], scores[best], tuple(scores))
