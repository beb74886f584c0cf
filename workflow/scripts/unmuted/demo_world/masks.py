"""Binary masks as run lengths, in the uncompressed form that COCO uses."""

from __future__ import annotations

import numpy as np


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return the lengths of the runs of 0 and 1 in turn, from 0 on, down the columns of (H, W)."""
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def from_run_lengths(lengths: list[int], size: tuple[int, int]) -> np.ndarray:
    """Return the mask (H, W) bool that `run_lengths` was given."""
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(size, order="F")
