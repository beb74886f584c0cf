"""Spectrogram patches to time bins: which token says something about which stretch of sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

# Kaldi's filter bank at 16 kHz, as ASTFeatureExtractor computes it: 25 ms windows every 10 ms.
SAMPLE_RATE = 16_000
FRAME_SAMPLES = 400
HOP_SAMPLES = 160


def bin_edges(samples: int, steps: int) -> np.ndarray:
    """Return the borders of `steps` equal time bins, to the nearest sample: int64 (T + 1,)."""
    return (2 * np.arange(steps + 1) * samples + steps) // (2 * steps)


def frame_count(samples: int) -> int:
    """Return how many spectrogram frames lie wholly within so many samples: one at least.

    Zeros are added where none does.
    """
    return 1 + max(samples - FRAME_SAMPLES, 0) // HOP_SAMPLES


def token_spans(samples: int, patch: int, stride: int) -> np.ndarray:
    """Return the samples [start, stop) that each usable column of patches covers: int64 (K, 2).

    Column j covers the frames [j * stride, j * stride + patch). Columns that reach into the padding
    behind the sound are left out. Sound shorter than one patch keeps the first column, the one
    that has seen all of it.
    """
    columns = 1 + max(frame_count(samples) - patch, 0) // stride
    start = np.arange(columns) * stride * HOP_SAMPLES
    stop = start + (patch - 1) * HOP_SAMPLES + FRAME_SAMPLES
    return np.stack([start, np.minimum(stop, samples)], axis=1)


def pooling_weights(spans: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how much each token counts in each time bin.

    A bin takes the tokens it overlaps, weighted by the overlap. A bin that no token overlaps (the
    last milliseconds of a clip, or bins finer than a sample) takes the nearest token.

    Args:
        spans: int64 (K, 2), [start, stop) of each token in samples.
        edges: int64 (T + 1,), borders of the bins in samples.

    Returns:
        float32 (T, K), each row summing to 1.
    """
    start, stop = edges[:-1, None], edges[1:, None]  # (T, 1)
    overlap = np.minimum(stop, spans[:, 1]) - np.maximum(start, spans[:, 0])  # (T, K)
    # Where a bin and a token are apart, `overlap` is the negative of the gap between them.
    nearest = np.arange(len(spans)) == overlap.argmax(axis=1)[:, None]
    meets = overlap.max(axis=1, keepdims=True) > 0
    weights = np.where(meets, overlap.clip(min=0), nearest)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def window_edges(edges: np.ndarray, limit: int) -> np.ndarray:
    """Return the borders of the stretches that are one pass each, of at most `limit` samples.

    Sound that fits is one stretch. Longer sound is cut at the borders of time bins, into stretches
    of nearly equal numbers of bins; a bin longer than `limit` is itself cut evenly.

    Args:
        edges: int64 (T + 1,), borders of the bins in samples.
        limit: what the model takes in at once, in samples.

    Returns:
        int64 (W + 1,), increasing, from edges[0] to edges[-1].
    """
    if edges[-1] - edges[0] <= limit:
        return edges[[0, -1]]
    longest = int(np.diff(edges).max())
    if longest > limit:
        parts = -(-longest // limit)
        cuts = [np.linspace(a, b, parts + 1)[:-1].round() for a, b in pairwise(edges)]
        return np.append(np.concatenate(cuts), edges[-1]).astype(np.int64)
    steps = len(edges) - 1
    windows = -(-steps // (limit // longest))
    return edges[np.linspace(0, steps, windows + 1).astype(np.int64)]
