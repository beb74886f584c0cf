"""Mean and scale of features; free of torch, for jobs that do without."""

from __future__ import annotations

import numpy as np

from unmuted.training.clip_arrays import ClipArray

CONSTANT = 1e-6  # a feature that varies less than this carries nothing: it is centred, not blown up
CLIPS_AT_ONCE = 256  # bounds the float64 copies


def moments(
    features: ClipArray, clips: np.ndarray, shared_scale: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and standard deviation, float64 (D,), of each feature over clips and time.

    features: (N, T, D). clips: indices of the clips to read, in the order of summation. The last
    `shared_scale` features get ONE scale, the root mean of their variances: right for principal
    components, where a scale for each would raise the faintest, mostly noise, to the strength of
    the first.
    """
    parts = np.array_split(clips, max(1, -(-len(clips) // CLIPS_AT_ONCE)))
    count = len(clips) * features.shape[1]
    mean = sum(features[part].sum(axis=(0, 1), dtype=np.float64) for part in parts) / count
    centred = (features[part].astype(np.float64) - mean for part in parts)
    variance = sum(np.einsum("ntd,ntd->d", x, x) for x in centred) / count
    if shared_scale:
        variance[-shared_scale:] = variance[-shared_scale:].mean()
    scale = np.sqrt(variance)
    scale[scale < CONSTANT] = 1.0
    return mean, scale
