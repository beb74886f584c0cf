"""Probabilities of masks as they are stored: in steps of 1/255. Free of torch."""

from __future__ import annotations

import numpy as np

SCALE = 255  # of stored probabilities: 0 is 0, 255 is 1


def quantised(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities as uint8, in steps of 1/255."""
    return np.rint(probabilities * SCALE).astype(np.uint8)


def dequantised(stored: np.ndarray) -> np.ndarray:
    """Return stored probabilities as float32."""
    return stored.astype(np.float32) / np.float32(SCALE)
