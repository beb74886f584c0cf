"""Sound of a known length that is written piece by piece; what is left out is silence."""

from __future__ import annotations

import tempfile
from typing import IO

import numpy as np

from unmuted.disk_space import temporary_space
from unmuted.engine.tensors import LONG_VIDEO
from unmuted.media.blocks import block_count, split

_BLOCK = 1 << 18  # samples that are handled at once
_IN_MEMORY = 4 << 20  # bytes of sound that are kept in memory before a file takes them


class Recording:
    """Little-endian int16 samples in a file without a name, in TMPDIR where they are many.

    Args:
        length: samples in all.
        block: samples of a block whose energy is of interest.
    """

    def __init__(self, length: int, block: int) -> None:
        self._length, self._block = length, block
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (goes with `file`)
        self._end = 0
        self._energies = [0] * block_count(length, block)
        self.samples = 0

    def write(self, position: int, samples: np.ndarray) -> None:
        """Write int16 samples `(n,)` at a position that is not before the end of the last.

        Raises UserError where there is no room.
        """
        self._fill(position)
        with temporary_space(LONG_VIDEO):
            self._file.write(samples.tobytes())
        self._end += len(samples)
        self.samples += len(samples)
        for index, part in split(position, samples, self._block):
            self._energies[index] += energy(part)

    def finish(self) -> IO[bytes]:
        """Return the file with all samples; nothing can be written any more.

        Raises UserError where there is no room.
        """
        self._fill(self._length)
        with temporary_space(LONG_VIDEO):
            self._file.flush()
        return self._file

    @property
    def energies(self) -> list[int]:
        """Sum of squares of each block, which is exact and so independent of the pieces."""
        return list(self._energies)

    def _fill(self, position: int) -> None:
        with temporary_space(LONG_VIDEO):
            while self._end < position:
                count = min(_BLOCK, position - self._end)
                self._file.write(bytes(2 * count))
                self._end += count


def energy(samples: np.ndarray) -> int:
    """Return the sum of squares of int16 samples."""
    return int(np.square(samples.astype(np.int64)).sum())
