"""Windows of consecutive seconds, as the network reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """The seconds [start, stop) that are read, and those from `first` on that are kept."""

    start: int
    stop: int
    first: int

    @property
    def seconds(self) -> slice:
        """The seconds that are read."""
        return slice(self.start, self.stop)


def windows(seconds: int, length: int) -> Iterator[Window]:
    """Yield windows that keep each second once.

    The last window is shifted back, so that no second is repeated. A clip shorter than a window is
    one window of its own length. What a window keeps does not depend on what follows it.

    Raises ValueError unless both numbers are positive.
    """
    if seconds < 1 or length < 1:
        raise ValueError(f"expected seconds and a length from 1, found {seconds} and {length}")
    for first in range(0, seconds, length):
        stop = min(first + length, seconds)
        yield Window(max(0, stop - length), stop, first)
