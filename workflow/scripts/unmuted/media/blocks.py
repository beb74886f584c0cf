"""Blocks of equal length into which the sound of a clip is cut to be measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_BLOCK_S = 1.0
_MAX_BLOCKS = 600  # of a video of any length, so that memory is bounded


def block_length(length: int, rate: int) -> int:
    """Return the samples of a block of a clip of `length` samples."""
    return max(round(_BLOCK_S * rate), -(-length // _MAX_BLOCKS))


def block_count(length: int, block: int) -> int:
    """Return the number of blocks, at least one."""
    return max(1, -(-length // block))


def split(position: int, samples: np.ndarray, block: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield `(block, part)` of samples (n, ...) that begin at a position of the clip."""
    done = 0
    while done < len(samples):
        count = block - (position + done) % block
        yield (position + done) // block, samples[done : done + count]
        done += count
