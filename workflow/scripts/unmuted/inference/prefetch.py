"""Reading ahead: decoding overlaps with the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """Yield the same items in the same order, made by a thread that is at most `ahead` in front.

    An error that making an item raises is raised here, in its place. The thread ends with its
    reader, also where that does not read to the end.
    """
    source = iter(items)

    def take() -> list[Item]:
        return list(islice(source, 1))  # empty at the end

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
    try:
        pending = deque(executor.submit(take) for _ in range(ahead))
        while taken := pending.popleft().result():
            pending.append(executor.submit(take))
            yield taken.pop()
    finally:
        executor.shutdown(cancel_futures=True)
