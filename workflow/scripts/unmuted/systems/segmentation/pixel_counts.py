"""What all metrics of masks are computed from: the pixels of each frame, counted by probability.

A frame takes 4 KB whatever its size, and counts are whole numbers, so that neither the order of the
frames nor the batches in which they were counted can change a metric.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# The published evaluation's 255 thresholds. The last is 1.0 in float32; that of index 127 is 0.5.
THRESHOLDS = np.linspace(0.0, 1.0 - 1e-10, 255).astype(np.float32)
HALF = 127


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of N frames by the number of the highest threshold that their probability reaches.

    inside, outside: int64 (N, 255), pixels of the truth, and all others. inside_above_half,
    outside_above_half: int64 (N,), those whose probability is above 0.5: the published mIoU does
    not mark a pixel of exactly 0.5, all thresholds do.
    """

    inside: np.ndarray
    outside: np.ndarray
    inside_above_half: np.ndarray
    outside_above_half: np.ndarray

    def __len__(self) -> int:
        return len(self.inside)

    def __getitem__(self, frames: slice | np.ndarray) -> PixelCounts:
        """Return the counts of some frames, by a slice, a mask or their indices."""
        return PixelCounts(*(counts[frames] for counts in vars(self).values()))

    @property
    def truth(self) -> np.ndarray:
        """Pixels of each frame's truth, int64 (N,)."""
        return self.inside.sum(axis=1)

    @property
    def has_truth(self) -> np.ndarray:
        """Whether anything sounds in the frame, bool (N,)."""
        return self.truth > 0

    @property
    def pixels(self) -> np.ndarray:
        """Counted pixels of each frame, int64 (N,)."""
        return self.truth + self.outside.sum(axis=1)

    @property
    def hits(self) -> np.ndarray:
        """Pixels of the truth that are marked at each threshold, int64 (N, 255)."""
        return _from_above(self.inside)

    @property
    def false_alarms(self) -> np.ndarray:
        """Pixels outside the truth that are marked at each threshold, int64 (N, 255)."""
        return _from_above(self.outside)


def count_pixels(
    probabilities: np.ndarray, truth: np.ndarray, is_padding: np.ndarray | None = None
) -> PixelCounts:
    """Count the pixels of frames.

    Args:
        probabilities: float32 (N, H, W), from 0 to 1.
        truth: bool (N, H, W); a frame in which nothing sounds has no pixel.
        is_padding: bool (N, H, W), pixels that are not of the video, which are not counted.

    Raises:
        ValueError: arrays of different shapes, a frame without a pixel that counts, or
            probabilities that are NaN or not from 0 to 1.
    """
    counted = np.ones(truth.shape, dtype=bool) if is_padding is None else ~is_padding
    if probabilities.ndim != 3 or not probabilities.shape == truth.shape == counted.shape:
        shapes = f"{probabilities.shape}, {truth.shape} and {counted.shape}"
        raise ValueError(f"expected three arrays of one shape (N, H, W), found {shapes}")
    frames = [_count(*frame) for frame in zip(probabilities, truth, counted, strict=True)]
    if not frames:
        return PixelCounts(*np.zeros((2, 0, 255), np.int64), *np.zeros((2, 0), np.int64))
    return PixelCounts(*(np.stack(counts) for counts in zip(*frames, strict=True)))


def concatenate_counts(parts: Iterable[PixelCounts]) -> PixelCounts:
    """Return the counts of all frames of some parts, such as batches; at least one part."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return PixelCounts(*(np.concatenate(column) for column in columns))


def _count(
    p: np.ndarray, truth: np.ndarray, counted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.int64, np.int64]:
    p, truth = p[counted].astype(np.float32, copy=False), truth[counted]
    if len(p) == 0:
        raise ValueError("expected a frame with pixels of the video, found none but padding")
    if not (p.min() >= 0.0 and p.max() <= 1.0):  # false for NaN
        raise ValueError(f"expected probabilities from 0 to 1, found {p.min()} to {p.max()}")
    reached = np.searchsorted(THRESHOLDS, p, side="right") - 1
    above_half = p > 0.5
    return (
        np.bincount(reached[truth], minlength=len(THRESHOLDS)),
        np.bincount(reached[~truth], minlength=len(THRESHOLDS)),
        (above_half & truth).sum(),
        (above_half & ~truth).sum(),
    )


def _from_above(counts: np.ndarray) -> np.ndarray:
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1]
