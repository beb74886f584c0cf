"""Reading ahead: decoding overlaps with the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
PATIENCE = 0.1  # seconds between two looks at whether anybody still wants the items


def prefetch(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """The same items in the same order, made by a thread that is at most `ahead` of the reader.

    An error that making an item raises is raised here, in its place. The thread ends with its
    reader, also where that does not read to the end.
    """
    queue: Queue[tuple[Item | None, BaseException | None]] = Queue(maxsize=ahead)
    abandoned = Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not abandoned.is_set():
            try:
                return queue.put((item, error), timeout=PATIENCE)
            except Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item, None)
                if abandoned.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:  # noqa: BLE001 (raised again by the reader)
            put(None, error)

    thread = Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = _next(queue, thread)
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        abandoned.set()
        thread.join()


def _next(queue: Queue, thread: Thread) -> tuple[object, BaseException | None]:
    while True:
        try:
            return queue.get(timeout=PATIENCE)
        except Empty:
            if not thread.is_alive() and queue.empty():
                raise RuntimeError("the thread that reads ahead has died") from None
