"""OpenCV on one thread: jobs run side by side, and no result can depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def single_thread() -> Iterator[None]:
    """Let OpenCV use one thread inside the block."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
