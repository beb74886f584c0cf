"""Metrics of masks, with truth and in silence separately; none of them depends on a batch.

A model that ignores the sound can do well on the frames in which something sounds, but not on those
in which nothing does. Sums are exact (`math.fsum`), so that the order of the frames does not change
a bit of a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from unmuted.systems.segmentation.pixel_counts import HALF, PixelCounts

BETA_SQUARED = 0.3  # precision counts more than recall, as in salient object detection


def iou(counts: PixelCounts) -> np.ndarray:
    """Compute |P & G| / |P | G| at each threshold: float64 (N, 255), NaN without truth."""
    union = counts.truth[:, None] + counts.false_alarms
    return _where(counts.has_truth, _ratio(counts.hits, union))


def f_measure(counts: PixelCounts) -> np.ndarray:
    """Compute F = 1.3 P R / (0.3 P + R) at each threshold: float64 (N, 255), NaN without truth.

    P = hits / marked and R = hits / truth, so that F = 1.3 hits / (0.3 truth + marked), which is 0
    where P and R are.
    """
    hits, marked = counts.hits, counts.hits + counts.false_alarms
    f = _ratio((1 + BETA_SQUARED) * hits, BETA_SQUARED * counts.truth[:, None] + marked)
    return _where(counts.has_truth, f)


def is_empty(counts: PixelCounts) -> np.ndarray:
    """Tell whether no pixel is marked at each threshold: bool (N, 255)."""
    return counts.hits + counts.false_alarms == 0


def marked_area(counts: PixelCounts) -> np.ndarray:
    """Compute the share of the frame that is marked at each threshold: float64 (N, 255)."""
    return _ratio(counts.hits + counts.false_alarms, counts.pixels[:, None])


def strict_iou(counts: PixelCounts) -> np.ndarray:
    """Compute the IoU with truth, else 1 where nothing is marked, and 0: float64 (N, 255)."""
    return np.where(counts.has_truth[:, None], iou(counts), is_empty(counts))


def mean(values: np.ndarray) -> float | None:
    """Average the values (N,) of frames, those that are NaN left out; None without any."""
    given = values[~np.isnan(values)]
    return math.fsum(given.tolist()) / len(given) if len(given) else None


def macro_mean(values: np.ndarray, classes: Sequence[str]) -> float | None:
    """Average the values (N,) of each class, and then the classes that have any."""
    means = means_by_class(values, classes).values()
    return mean(np.array([value for value in means if value is not None]))


def means_by_class(values: np.ndarray, classes: Sequence[str]) -> dict[str, float | None]:
    """Average the values (N,) of the frames of each class, by name; `classes`: of each frame."""
    names = np.asarray(classes)
    return {str(name): mean(values[names == name]) for name in np.unique(names)}


def choose_threshold(
    validation: PixelCounts,
    score: Callable[[PixelCounts], np.ndarray] = strict_iou,
    slack: float = 0.0,
) -> int:
    """Return the index of the threshold of the highest mean score; among equals, nearest to 0.5.

    With some slack, of the thresholds whose score is that close to the highest, return the one that
    leaves the most frames without truth empty; among equals, that of the highest score.

    validation: counts of validation frames, never of those that are reported. score: a function of
    this module that gives (N, 255). Raises ValueError where no frame has a score.
    """
    means = [mean(values) for values in score(validation).T]
    scored = [(value, -abs(k - HALF), -k) for k, value in enumerate(means) if value is not None]
    if not scored:
        raise ValueError("expected validation frames with a score, found none")
    if not slack:
        return -max(scored)[2]
    left_empty = is_empty(validation)[~validation.has_truth].sum(axis=0)
    least = max(scored)[0] - slack
    return -max((left_empty[-one[2]], *one) for one in scored if one[0] >= least)[3]


def mask_metrics(counts: PixelCounts, threshold: int) -> dict[str, float | int | None]:
    """Measure masks at a threshold that was chosen on validation; null where no frame counts.

    `empty_share` and `marked_area` are over the frames without truth: the share that was left
    empty, and the share of their pixels that was marked.

    Args:
        counts: of all frames with known truth.
        threshold: its index, as `choose_threshold` returns it.
    """
    silent = ~counts.has_truth
    return {
        "frames_with_truth": int(counts.has_truth.sum()),
        "frames_without_truth": int(silent.sum()),
        "iou": mean(iou(counts)[:, threshold]),
        "f": mean(f_measure(counts)[:, threshold]),
        "empty_share": mean(is_empty(counts)[silent, threshold].astype(np.float64)),
        "marked_area": mean(marked_area(counts)[silent, threshold]),
        "strict_iou": mean(strict_iou(counts)[:, threshold]),
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide (N, 255) by positive numbers, or 0 by 0, which is 0."""
    return part / np.maximum(whole, np.finfo(np.float64).tiny)


def _where(has_truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(has_truth[:, None], values, np.nan)
