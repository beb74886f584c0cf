"""The decision rule of the Feature Filter under a configuration, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    """The decision rule of a filter, from the configuration.

    percentiles: candidates; one is chosen on validation clips. uniform: the source's fixed
    threshold for the similarity with the TRUE action, also of test clips (a leak); else None.
    """

    percentiles: tuple[float, ...]
    uniform: float | None

    def thresholds(self, similarity: np.ndarray, percentile: float) -> list[float]:
        """Return one threshold per seed, from the similarities (N, S) of the clips that set it."""
        if self.uniform is not None:
            return [self.uniform] * similarity.shape[1]
        return [percentile_threshold(of_seed, percentile) for of_seed in similarity.T]

    def judge(
        self, similarity: np.ndarray, posterior: np.ndarray, labels: np.ndarray | None
    ) -> np.ndarray:
        """Return the similarity (N, S) by which clips are judged; labels (N,) if they are known.

        similarity: (N, S, C). posterior: of the video-only classifier, (S, N, C).
        """
        if self.uniform is not None and labels is not None:
            return true_similarity(similarity, labels)
        return expected_similarity(similarity, posterior)


def filter_rule(settings: Mapping[str, Any]) -> FilterRule:
    """Make the rule of the configuration's section `filter`."""
    uniform = settings["uniform_threshold"] if settings["mode"] == "uniform" else None
    return FilterRule(filter_percentiles(settings), uniform)


def similarities(clips: Sequence[Clip], arm: str) -> np.ndarray:
    """Read the cosine of each clip's predicted labels with every action, (N, S, C)."""
    name = COMPARISON_ARMS[arm].similarity
    if name is None:
        raise ValueError(f"the arm {arm} has no filter")
    return np.stack([clip.artifacts["predicted_labels"].tensors()[name] for clip in clips])


def keep(similarity: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Tell whether a filter with one threshold per seed keeps generated audio: bool (N, S)."""
    pairs = zip(similarity.T, thresholds, strict=True)
    return np.stack([kept(of_seed, threshold) for of_seed, threshold in pairs], axis=1)


def video_posterior(clips: Sequence[Clip]) -> np.ndarray:
    """Read the video-only classifier's probabilities, float32 (S, N, C)."""
    arms = [clip.artifacts["predictions"].json()["arms"]["video_only"] for clip in clips]
    probabilities = np.array([arm["probabilities"] for arm in arms], dtype=np.float32)
    return probabilities.swapaxes(0, 1)
