"""The audio projection: principal components of AST's time tokens, fitted on training clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from unmuted.errors import UserError

CLIPS_AT_ONCE = 64


@dataclass(frozen=True)
class Projection:
    """A linear map from AST's tokens (D) to audio features (A), and its transpose back."""

    mean: np.ndarray  # float32 (D,)
    components: np.ndarray  # float32 (A, D), orthonormal rows, the strongest first
    explained: np.ndarray  # float32 (A,), share of the total variance

    def apply(self, tokens: np.ndarray) -> np.ndarray:
        """Project tokens (..., D) to features, float32 (..., A)."""
        return ((tokens - self.mean) @ self.components.T).astype(np.float32)

    def invert(self, features: np.ndarray) -> np.ndarray:
        """Map features (..., A) back to tokens, float32 (..., D)."""
        return (features @ self.components + self.mean).astype(np.float32)


def fit_projection(clips: Iterable[np.ndarray], audio_dim: int) -> Projection:
    """Fit the principal components of the time steps of all clips, exactly, in one pass.

    clips: float (T, D) each, training clips with real sound only. The D x D scatter matrix is
    accumulated in float64 and decomposed (full PCA by `eigh`, the same as scikit-learn's
    `covariance_eigh`), so the memory does not grow with the number of clips. The sign makes the
    largest loading of each component positive. Another order of the clips changes the result by
    float64 rounding: give them in an order that does not come from names.
    """
    count, mean, scatter = 0, np.zeros(1), np.zeros((1, 1))  # the first block brings D
    for rows in _blocks(clips):
        count, mean, scatter = _accumulate(count, mean, scatter, rows)
    if count < 2:
        raise UserError(
            f"the training clips with usable sound give {count} time steps: an audio feature space "
            "needs training videos with sound"
        )
    if min(count - 1, len(mean)) < audio_dim:
        raise UserError(
            f"audio_dim is {audio_dim}, but the training clips with sound give {count} time steps "
            f"of {len(mean)} AST features: set audio_dim to at most {min(count - 1, len(mean))} "
            "or add training clips with sound"
        )
    return _decompose(mean, scatter, audio_dim)


def _blocks(clips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield time steps of several clips at once, float64 (rows, D): fewer and larger products."""
    stream = iter(clips)
    while block := list(islice(stream, CLIPS_AT_ONCE)):
        yield np.concatenate(block).astype(np.float64)


def _accumulate(
    count: int, mean: np.ndarray, scatter: np.ndarray, rows: np.ndarray
) -> tuple[int, np.ndarray, np.ndarray]:
    """Add `rows` (T, D) to the mean and scatter (Chan, Golub and LeVeque 1979)."""
    total = count + len(rows)
    row_mean = rows.mean(axis=0)
    centred, shift = rows - row_mean, row_mean - mean
    scatter = scatter + centred.T @ centred + np.outer(shift, shift) * (count * len(rows) / total)
    return total, mean + shift * (len(rows) / total), scatter


def _decompose(mean: np.ndarray, scatter: np.ndarray, audio_dim: int) -> Projection:
    values, vectors = np.linalg.eigh(scatter)  # ascending
    components = vectors[:, ::-1][:, :audio_dim].T
    strongest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(audio_dim), strongest])[:, None]
    values = np.clip(values[::-1], 0.0, None)
    explained = values[:audio_dim] / max(values.sum(), np.finfo(np.float64).tiny)
    return Projection(
        mean.astype(np.float32), components.astype(np.float32), explained.astype(np.float32)
    )
