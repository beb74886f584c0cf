"""Features of more clips than memory holds: in mapped files, and put together batch by batch.

Fits read their clips by batches of indices. The features lie in temporary files that are mapped
into memory, so that the kernel keeps the pages that fit and drops the others; nothing but a batch
is ever copied. There is one path, for few clips as for many.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from unmuted.disk_space import temporary_space

CLIPS_AT_ONCE = 256  # of what reads every clip once: bounds the copies

_USE = (
    "The features that a fit reads are written there while it runs, about 0.3 MB a clip at the "
    "published sizes"
)

Index = slice | np.ndarray


class ClipArray(Protocol):
    """Features (N, ...) of N clips, read by slices or indices: an array, or `LazyConcat`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, clips: Index) -> np.ndarray: ...


@dataclass(frozen=True)
class LazyConcat:
    """Features (N, ...) that are put together when clips are read, so that no array holds all.

    read: takes a slice or indices of n clips and returns a new array (n, ...).
    """

    shape: tuple[int, ...]
    read: Callable[[Index], np.ndarray]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, clips: Index) -> np.ndarray:
        return self.read(clips)


class MemmapWriter:
    """Rows of one shape, written one after another to a temporary file, then read as an array.

    The file lies in TMPDIR (the usual temporary folder where that is not set) and has no name: its
    space is free again when the array is gone, also when the process is killed. Raises UserError,
    naming the folder, where there is no room.
    """

    def __init__(self) -> None:
        self._count, self._shape = 0, ()
        with temporary_space(_USE):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (`array` closes it)

    def append(self, row: np.ndarray) -> None:
        """Write one row, as float32; all have the shape of the first (ValueError otherwise)."""
        row = np.ascontiguousarray(row, dtype=np.float32)
        if self._count and row.shape != self._shape:
            raise ValueError(f"row {self._count} is {row.shape}, those before it {self._shape}")
        with temporary_space(_USE):
            self._file.write(row.tobytes())
        self._count, self._shape = self._count + 1, row.shape

    def array(self) -> np.ndarray:
        """Return all rows, float32 (N, ...), mapped and read-only; ends appending."""
        shape = (self._count, *self._shape)
        with temporary_space(_USE), self._file:
            self._file.flush()
            if 0 in shape:  # nothing that could be mapped
                return np.zeros(shape, np.float32)
            return np.memmap(self._file, np.float32, "r", shape=shape).view(np.ndarray)


def memmap_stack(rows: Iterable[np.ndarray]) -> np.ndarray:
    """Return `np.stack` of arrays as float32, mapped and read-only; see `MemmapWriter`."""
    file = MemmapWriter()
    for row in rows:
        file.append(row)
    return file.array()


def with_audio(
    visual: np.ndarray, audio_dim: int, audio: Callable[[Index], np.ndarray]
) -> LazyConcat:
    """Return features (N, T, D + A): visual features (N, T, D) followed by the audio of the clips.

    audio: takes a slice or indices of n clips and returns (n, T, A). Visual features are copied
    once, clip by clip; indexing and concatenating copies them twice, and took three times as long.
    """
    count, steps, width = visual.shape

    def read(clips: Index) -> np.ndarray:
        chosen = range(count)[clips] if isinstance(clips, slice) else clips
        features = np.empty((len(chosen), steps, width + audio_dim), np.float32)
        for row, clip in zip(features, chosen, strict=True):
            row[:, :width] = visual[clip]
        features[:, :, width:] = audio(clips)
        return features

    return LazyConcat((count, steps, width + audio_dim), read)


def blocks(clips: np.ndarray, size: int = CLIPS_AT_ONCE) -> Iterator[np.ndarray]:
    """Yield the indices of clips in their order, at most `size` at once."""
    for start in range(0, len(clips), size):
        yield clips[start : start + size]


def is_finite(features: ClipArray) -> bool:
    """Return whether every value is finite."""
    return all(np.isfinite(features[part]).all() for part in blocks(np.arange(len(features))))
