"""Batches of one shape, filled across the borders of clips."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

Key = TypeVar("Key")
Row = TypeVar("Row")
Result = TypeVar("Result")


def fixed_batches(rows: Iterable[np.ndarray], size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield batches of exactly `size` rows, each with the number of its rows that are real.

    The last batch is filled up by repeating its last row. One shape for all batches means one set
    of kernels, so that a row's result does not depend on how many rows came with it.
    """
    batch: list[np.ndarray] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield np.stack(batch), size
            batch = []
    if batch:
        yield np.stack(batch + [batch[-1]] * (size - len(batch))), len(batch)


def run_across(
    clips: Iterable[tuple[Key, Iterable[np.ndarray]]],
    run: Callable[[np.ndarray], Sequence[Row]],
    size: int,
    # By default a result is a row that `run` gave, which no type variable can express.
    collect: Callable[[Sequence[Row]], Sequence[Result]] = list,  # type: ignore[assignment]
) -> Iterator[tuple[Key, list[Result]]]:
    """Yield the results of `run` for every row of every clip, clip by clip and in their order.

    Full batches cost much less than one or two a clip. Clips are taken as they are needed: no more
    than two batches and one clip are held.

    Args:
        clips: of each a key and its rows, of one shape everywhere; a clip may have none.
        run: takes `size` rows (size, ...) and gives one result a row, which a GPU may
            still be computing: it is given the next batch before anything waits for this one.
        collect: turns what `run` gave into results, waiting for them where it must.
    """
    waiting: deque[tuple[Key, int]] = deque()
    results: list[Result] = []
    launched: deque[Sequence[Row]] = deque()

    def finished() -> Iterator[tuple[Key, list[Result]]]:
        while waiting and waiting[0][1] <= len(results):
            key, count = waiting.popleft()
            yield key, results[:count]
            del results[:count]

    def rows() -> Iterator[np.ndarray]:
        for key, arrays in clips:
            rows_of_clip = list(arrays)
            waiting.append((key, len(rows_of_clip)))
            yield from rows_of_clip

    for batch, valid in fixed_batches(rows(), size):
        launched.append(run(batch)[:valid])
        if len(launched) > 1:
            results += collect(launched.popleft())
            yield from finished()
    for last in launched:
        results += collect(last)
    yield from finished()
