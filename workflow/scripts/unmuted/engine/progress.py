"""Progress lines in a job's log: how many are done, how fast, how long still."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger("unmuted")


class Progress:
    """Counts finished items and logs rate and remaining time at most every `every` seconds."""

    def __init__(
        self,
        total: int,
        what: str,
        every: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.what, self.every, self.clock = total, what, every, clock
        self.done = 0
        self.started = self.last = clock()

    def advance(self) -> None:
        """Count one more finished item."""
        self.done += 1
        now = self.clock()
        if now - self.last >= self.every or self.done == self.total:
            self.last = now
            log.info(self.line(now))

    def line(self, now: float) -> str:
        """The progress as text, such as `frames: 40/120 (33 %), 8.0/s, 10 s left`."""
        elapsed = max(now - self.started, 1e-9)
        rate = self.done / elapsed
        left = (self.total - self.done) / rate if rate else float("inf")
        share = 100 * self.done / self.total if self.total else 100
        counts = f"{self.done}/{self.total} ({share:.0f} %)"
        return f"{self.what}: {counts}, {rate:.1f}/s, {left:.0f} s left"
