"""The mIoU and F of AVSBench's evaluation, only for comparison with published figures.

Both depend on the batch. The mIoU is averaged over batches, whatever their size. F takes the best
threshold of each batch, chosen on the test frames themselves, so that it rises as batches shrink;
with one batch of all frames, it is the pooled F. A frame with empty truth counts in the mIoU as the
share of unmarked pixels: a model that always marks a tenth of the picture gets 0.9 in silence. The
metrics to be reported are those of `metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unmuted.systems.segmentation.metrics import f_measure
from unmuted.systems.segmentation.pixel_counts import PixelCounts

EPSILON = 1e-7


def published_metrics(counts: PixelCounts, batch: int) -> dict[str, float]:
    """Compute both metrics, named with the batch size.

    counts: frames in the order of the data set. batch: frames of a batch, in AVSBench five times
    its clips. Raises ValueError without a frame or with a batch below 1.
    """
    if len(counts) == 0 or batch < 1:
        raise ValueError(
            f"expected frames and a batch of at least 1, found {len(counts)} and {batch}"
        )
    batches = list(_batches(counts, batch))
    return {
        f"miou_published_batch_{batch}": float(np.mean([_miou(part) for part in batches])),
        f"f_published_batch_{batch}": float(np.mean([_highest_f(part) for part in batches])),
    }


def _batches(counts: PixelCounts, size: int) -> Iterator[PixelCounts]:
    return (counts[start : start + size] for start in range(0, len(counts), size))


def _miou(counts: PixelCounts) -> float:
    """Average over frames the IoU at 0.5, which itself is not marked."""
    hits, false_alarms = counts.inside_above_half, counts.outside_above_half
    unmarked = counts.pixels - false_alarms
    part = np.where(counts.has_truth, hits, unmarked)
    whole = np.where(counts.has_truth, counts.truth + false_alarms, counts.pixels)
    return float((part / (whole + EPSILON)).mean())


def _highest_f(counts: PixelCounts) -> float:
    """Average F over the frames with truth, and take the best threshold; 0 without truth."""
    if not counts.has_truth.any():
        return 0.0
    return float(f_measure(counts[counts.has_truth]).mean(axis=0).max())
