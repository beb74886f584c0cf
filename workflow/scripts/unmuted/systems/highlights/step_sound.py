"""The audio feature of a step: principal components of the log-mel patch around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from unmuted.systems.shared.projection import Projection, fit_projection
from unmuted.training.clip_arrays import memmap_stack

PATCHES_AT_ONCE = 2048
SOURCE_SCALE = "source"  # of sound, see `scaled`


class Patches(Protocol):
    """Log-mel patches (S, P, M), read by slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(S, P, M)."""
        ...

    def __getitem__(self, steps: slice) -> np.ndarray: ...


def scaled(patches: np.ndarray, scale: str) -> np.ndarray:
    """Return patches (n, P, M) as the configuration has them scaled, float32.

    "source" repeats the source's error: minimum and maximum over an axis of length 1, which are the
    value itself, so that every value becomes 0.
    """
    patches = patches.astype(np.float32)
    if scale != SOURCE_SCALE:
        return patches
    one = patches[:, None]  # (n, 1, P, M), the axis that the source takes them over
    low, high = one.min(axis=1, keepdims=True), one.max(axis=1, keepdims=True)
    return ((one - low) / np.maximum(high - low, 1e-8))[:, 0]


def blocks(patches: Patches, has_sound: np.ndarray, scale: str) -> Iterator[np.ndarray]:
    """Yield the patches of steps with sound as rows (n, P * M)."""
    for start in range(0, len(has_sound), PATCHES_AT_ONCE):
        steps = slice(start, min(start + PATCHES_AT_ONCE, len(has_sound)))
        chosen = scaled(patches[steps], scale)[has_sound[steps]]
        if len(chosen):
            yield chosen.reshape(len(chosen), -1)


def fit_step_projection(
    recordings: Iterable[tuple[Patches, np.ndarray]], audio_dim: int, scale: str = "decibels"
) -> Projection:
    """Fit the projection on the steps with sound of training matches.

    recordings: patches and whether there is sound, of each. Raises UserError for too few steps.
    """
    rows = (block for patches, has in recordings for block in blocks(patches, has, scale))
    return fit_projection(rows, audio_dim)


def project(
    patches: Patches, has_sound: np.ndarray, projection: Projection, scale: str = "decibels"
) -> np.ndarray:
    """Return the audio features of all steps, memory-mapped float32 (S, A); 0 without sound."""

    def rows() -> Iterator[np.ndarray]:
        for start in range(0, len(has_sound), PATCHES_AT_ONCE):
            steps = slice(start, min(start + PATCHES_AT_ONCE, len(has_sound)))
            flat = scaled(patches[steps], scale).reshape(steps.stop - steps.start, -1)
            flat = np.where(has_sound[steps][:, None], flat, projection.mean)
            yield from projection.apply(flat)

    return memmap_stack(rows())


def mean_level(patches: Patches, has_sound: np.ndarray) -> float:
    """Return the mean level in dB of the patches of steps with sound; 0 without any."""
    sums = [(block.sum(dtype=np.float64), block.size) for block in blocks(patches, has_sound, "")]
    total, count = map(sum, zip(*sums, strict=True)) if sums else (0.0, 1)
    return float(total / count)
