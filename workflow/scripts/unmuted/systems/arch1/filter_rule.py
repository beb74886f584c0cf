"""The decision rule of the Feature Filter under a configuration, and its inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unmuted.evaluation.arms import COMPARISON_ARMS, HASH
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import (
    best_similarity,
    expected_similarity,
    kept,
    percentile_threshold,
    true_similarity,
)
from unmuted.systems.arch1.percentiles import filter_percentiles
from unmuted.training.order import stable_hash

EXPECTATIONS = {"posterior": expected_similarity, "max": best_similarity}
POSITIONS = 2**53  # as many as a float in [0, 1) can distinguish


@dataclass(frozen=True)
class FilterRule:
    """The decision rule of a filter, from the configuration.

    percentiles: candidates; one is chosen on validation clips. uniform: the source's fixed
    threshold for the similarity with the TRUE action, also of test clips (a leak); else None.
    expect: makes the similarity (N, S) of clips whose label is not read.
    """

    percentiles: tuple[float, ...]
    uniform: float | None
    expect: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(default=expected_similarity)

    def thresholds(self, similarity: np.ndarray, percentile: float) -> list[float]:
        """Return one threshold per seed, from the similarities (N, S) of the clips that set it."""
        if self.uniform is not None:
            return [self.uniform] * similarity.shape[1]
        return [percentile_threshold(of_seed, percentile) for of_seed in similarity.T]

    def judge(
        self, similarity: np.ndarray, posterior: np.ndarray, labels: np.ndarray | None
    ) -> np.ndarray:
        """Return the similarity (N, S) by which clips are judged; labels (N,) if they are known.

        similarity: (N, S, C). posterior: of video-only classifiers, (S, N, C), that of training
        clips out of fold. Only the source's filter reads labels.
        """
        if self.uniform is not None and labels is not None:
            return true_similarity(similarity, labels)
        return self.expect(similarity, posterior)


def filter_rule(settings: Mapping[str, Any]) -> FilterRule:
    """Make the rule of the configuration's section `filter`."""
    uniform = settings["uniform_threshold"] if settings["mode"] == "uniform" else None
    return FilterRule(filter_percentiles(settings), uniform, EXPECTATIONS[settings["expectation"]])


@dataclass(frozen=True)
class Decisions:
    """What filters decide about N clips, by the name of the arm with percentile.

    limits: thresholds, one per seed. kept: which clips are kept, bool (N, S).
    """

    limits: Mapping[str, list[float]]
    kept: Mapping[str, np.ndarray]


def decide(
    clips: Sequence[Clip], filters: Collection[str], rule: FilterRule, labels: np.ndarray | None
) -> Decisions:
    """Judge the clips that set the thresholds: those of training for itself, else of validation.

    Training clips are judged by their out-of-fold posteriors, as any other clip is by posteriors
    of classifiers that have not read it, and the thresholds reject the same share of both. A
    filter by hash keeps as many clips as the Feature Filter does.

    labels: int (N,), read by the source's filter alone; None for all others.
    """
    limits: dict[str, list[float]] = {}
    verdicts: dict[str, np.ndarray] = {}
    if not filters:
        return Decisions(limits, verdicts)
    similarity = rule.judge(similarities(clips), video_posterior(clips), labels)
    positions = hash_positions([clip.key for clip in clips], similarity.shape[1])
    for percentile in rule.percentiles:
        own = rule.thresholds(similarity, percentile)
        kept_by_filter = keep(similarity, own)
        for arm in filters:
            by_hash = COMPARISON_ARMS[arm].filters_by == HASH
            fit = f"{arm}-{percentile:g}"
            limits[fit] = limits_of_shares(positions, kept_by_filter) if by_hash else own
            verdicts[fit] = keep(positions if by_hash else similarity, limits[fit])
    return Decisions(limits, verdicts)


def similarities(clips: Sequence[Clip]) -> np.ndarray:
    """Read the cosine of each clip's predicted labels with every action, (N, S, C)."""
    return np.stack([clip.artifacts["predicted_labels"].tensors()["similarity"] for clip in clips])


def keep(similarity: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Tell whether a filter with one threshold per seed keeps generated audio: bool (N, S)."""
    pairs = zip(similarity.T, thresholds, strict=True)
    return np.stack([kept(of_seed, threshold) for of_seed, threshold in pairs], axis=1)


def hash_positions(keys: Sequence[str], seeds: int) -> np.ndarray:
    """Return a position in [0, 1) for each clip and seed, (N, S), from a hash of its content."""
    return np.array(
        [
            [
                stable_hash("random filter", seed, key) % POSITIONS / POSITIONS
                for seed in range(seeds)
            ]
            for key in keys
        ]
    )


def limits_of_shares(positions: np.ndarray, kept_clips: np.ndarray) -> list[float]:
    """Return thresholds of positions (N, S) that keep as many clips as `kept_clips`, bool (N, S).

    Where none is kept the threshold is 1, above all positions.
    """
    shares = kept_clips.mean(axis=0)
    return [
        percentile_threshold(of_seed, 100 * (1 - share)) if share else 1.0
        for of_seed, share in zip(positions.T, shares, strict=True)
    ]


def video_posterior(clips: Sequence[Clip]) -> np.ndarray:
    """Read the posteriors of video-only classifiers, float32 (S, N, C).

    Those of training clips are by classifiers that have not read their source group; any other
    clip's are the average of these classifiers.
    """
    of_clips = [clip.artifacts["video_posterior"].tensors()["probabilities"] for clip in clips]
    return np.stack(of_clips, axis=1)
