"""Numbers that follow from names alone, so that nothing depends on the order of drawing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

GOLDEN_RATIO = 0.6180339887498949

Item = TypeVar("Item")


def hashed(*parts: object) -> int:
    """Return a number of 62 bits that follows from the parts."""
    text = "\x1f".join(str(part) for part in ("matches", *parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


def share(*parts: object) -> float:
    """Return a number in [0, 1) that follows from the parts."""
    return hashed(*parts) / 2**62


def uniform(low: float, high: float, *parts: object) -> float:
    """Return a number from low to high that follows from the parts."""
    return low + (high - low) * share(*parts)


def shuffled(items: Sequence[Item], *parts: object) -> list[Item]:
    """Return the items in an order that follows from the parts."""
    order = sorted(range(len(items)), key=lambda index: hashed(*parts, index))
    return [items[index] for index in order]


def spread(index: int, *parts: object) -> float:
    """Return a number in [0, 1) per index; they lie evenly, and no two are alike."""
    return (index * GOLDEN_RATIO + share(*parts)) % 1.0
