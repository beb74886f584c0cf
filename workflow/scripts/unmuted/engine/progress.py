"""Progress of a job: how many are done, how fast, how long still.

Lines of the level `PROGRESS` stand in the job's log; `terminal` shows them where the run was
started.
"""

from __future__ import annotations

import io
import logging
from types import TracebackType
from typing import ClassVar

from tqdm import tqdm

PROGRESS = logging.INFO + 1  # a level of its own, so that the lines are found again in a log
logging.addLevelName(PROGRESS, "PROGRESS")
EVERY = 5.0  # seconds between lines
_MINUTE, _HOUR = 60, 3600
log = logging.getLogger("unmuted")


class Progress(tqdm):
    """Count finished items with `update()` and log rate and remaining time now and then.

    Jobs write to log files, several at a time: a line of text comes at most every `every` seconds
    (`EVERY` where None) and with the last item, and nothing is drawn on a terminal. What is counted
    while another one is open, as a context, is a part of it: its lines begin with how far that is.

    what: the job, or the part of it. units: what is counted, such as "videos".
    """

    monitor_interval = 0  # no thread that looks after stalled bars
    _whole: ClassVar[Progress | None] = None

    def __init__(self, total: int, what: str, units: str, every: float | None = None) -> None:
        self.units = units
        super().__init__(
            total=total,
            desc=what,
            mininterval=EVERY if every is None else every,
            miniters=1,
            file=io.StringIO(),
            gui=True,  # tqdm itself prints nothing
        )

    def __enter__(self) -> Progress:
        Progress._whole = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        Progress._whole = None

    def update(self, n: float | None = 1) -> None:
        """Count `n` more finished items."""
        shown = super().update(n)
        if self.n == self.total and not shown:
            self.refresh()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write the line; tqdm calls it where a bar would be drawn again."""
        log.log(PROGRESS, "%s", self.line())

    def line(self) -> str:
        """Return how far it is; the rate is that of all items so far."""
        whole, elapsed = Progress._whole, self.format_dict["elapsed"]
        line = self._count()
        if whole is not None and whole is not self:
            line = f"{whole._count()}, now {line}"
        if not self.n or not elapsed:
            return line
        left = (self.total - self.n) * elapsed / self.n
        return f"{line}, {rate_in_words(self.n / elapsed)}, {time_in_words(left)} left"

    def _count(self) -> str:
        return f"{self.desc}: {self.n:,} of {self.total:,} {self.units}"


def rate_in_words(rate: float) -> str:
    """Return a rate, items per second, as a person says it."""
    if rate >= 10:
        return f"{rate:,.0f} a second"
    if rate >= 1:
        return f"{rate:.1f} a second"
    return f"{time_in_words(1 / rate)} each"


def time_in_words(seconds: float) -> str:
    """Return a time with the precision that a person needs."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
