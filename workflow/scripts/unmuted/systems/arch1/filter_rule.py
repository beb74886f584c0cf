"""How the Feature Filter decides under a configuration, and what it decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import (
    expected_similarity,
    kept,
    percentile_threshold,
    true_similarity,
)
from unmuted.systems.arch1.percentiles import filter_percentiles


@dataclass(frozen=True)
class FilterRule:
    """How a filter decides, as the configuration says it.

    percentiles: candidates, of which validation clips choose one. uniform: the source's fixed
    threshold for the similarity with the TRUE action, of tested clips too (a leak); else None.
    """

    percentiles: tuple[float, ...]
    uniform: float | None

    def thresholds(self, similarity: np.ndarray, percentile: float) -> list[float]:
        """One threshold a seed, from the similarities (N, S) of the clips that decide on it."""
        if self.uniform is not None:
            return [self.uniform] * similarity.shape[1]
        return [percentile_threshold(one, percentile) for one in similarity.T]

    def judge(
        self, similarity: np.ndarray, posterior: np.ndarray, labels: np.ndarray | None
    ) -> np.ndarray:
        """Similarity (N, S) by which clips in use are judged; labels (N,) where they are known.

        similarity: (N, S, C). posterior: of the video-only classifier, (S, N, C).
        """
        if self.uniform is not None and labels is not None:
            return true_similarity(similarity, labels)
        return expected_similarity(similarity, posterior)


def filter_rule(settings: Mapping[str, object]) -> FilterRule:
    """The rule of the configuration's section `filter`."""
    uniform = settings["uniform_threshold"] if settings["mode"] == "uniform" else None
    return FilterRule(filter_percentiles(settings), uniform)


def similarities(clips: Sequence[Clip], arm: str) -> np.ndarray:
    """Cosine of each clip's predicted labels with every action, (N, S, C)."""
    name = COMPARISON_ARMS[arm].similarity
    return np.stack([clip.artifacts["predicted_labels"].tensors()[name] for clip in clips])


def keep(similarity: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """bool (N, S): whether a filter with one threshold a seed keeps the clip's generated audio."""
    pairs = zip(similarity.T, thresholds, strict=True)
    return np.stack([kept(one, threshold) for one, threshold in pairs], axis=1)


def video_posterior(clips: Sequence[Clip]) -> np.ndarray:
    """The video-only classifier's probabilities, float32 (S, N, C)."""
    found = [clip.artifacts["predictions"].json()["arms"]["video_only"] for clip in clips]
    return np.float32([one["probabilities"] for one in found]).swapaxes(0, 1)
