"""Spots as arrays of an artifact, on the clocks of halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unmuted.dataset.events import Spot

COLUMNS = ("spot_halves", "spot_milliseconds", "spot_kinds", "spot_scores")
TYPES = (np.int32, np.int32, np.int32, np.float32)


def pack_spots(spots: Sequence[Spot], kinds: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the spots of a recording as columns (P,): int32, scores float32.

    kinds: K names, of which the arrays hold indices. A score that is no float32 is rounded.
    """
    rows = [(s.half, s.milliseconds, kinds.index(s.kind), s.score) for s in spots]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    return {
        name: np.array(column, kind)
        for name, column, kind in zip(COLUMNS, values, TYPES, strict=True)
    }


def unpack_spots(arrays: Mapping[str, np.ndarray], kinds: Sequence[str]) -> list[Spot]:
    """Return the spots that `pack_spots` was given."""
    columns = (arrays[name].tolist() for name in COLUMNS)
    return [
        Spot(half, milliseconds, kinds[kind], score)
        for half, milliseconds, kind, score in zip(*columns, strict=True)
    ]
