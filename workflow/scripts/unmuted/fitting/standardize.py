"""Standardisation of features with statistics of the training clips alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONSTANT = 1e-6  # a feature that varies less than this carries nothing: it is centred, not blown up
CLIPS_AT_ONCE = 256  # bounds the float64 copies


@dataclass(frozen=True)
class Standardizer:
    """Centre and scale of each feature; `apply` gives (x - mean) / scale in float32."""

    mean: np.ndarray  # float32 (D,)
    scale: np.ndarray  # float32 (D,)

    def apply(self, features: np.ndarray) -> np.ndarray:
        return ((features - self.mean) / self.scale).astype(np.float32)

    def undo(self, standardized: np.ndarray) -> np.ndarray:
        return (standardized * self.scale + self.mean).astype(np.float32)


def fit_standardizer(features: np.ndarray, shared_scale: int = 0) -> Standardizer:
    """Mean and standard deviation of each feature over clips and time.

    features: (N, T, D). The last `shared_scale` features get ONE scale, the root mean of their
    variances: right for principal components, where a scale for each would raise the faintest
    components, mostly noise, to the strength of the first.
    """
    count = features.shape[0] * features.shape[1]
    if count == 0:
        raise ValueError(f"standardisation needs at least one clip, got features {features.shape}")
    mean = features.mean(axis=(0, 1), dtype=np.float64)
    variance = np.zeros_like(mean)
    for start in range(0, len(features), CLIPS_AT_ONCE):
        centred = features[start : start + CLIPS_AT_ONCE].astype(np.float64) - mean
        variance += np.einsum("ntd,ntd->d", centred, centred) / count
    if shared_scale:
        variance[-shared_scale:] = variance[-shared_scale:].mean()
    scale = np.sqrt(variance)
    scale[scale < CONSTANT] = 1.0
    return Standardizer(mean.astype(np.float32), scale.astype(np.float32))
