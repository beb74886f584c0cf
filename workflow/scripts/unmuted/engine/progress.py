"""Progress lines in a job's log: how many are done, how fast, how long still."""

from __future__ import annotations

import io
import logging

from tqdm import tqdm

log = logging.getLogger("unmuted")
_LINE = "{desc}: {n_fmt}/{total_fmt} ({percentage:.0f} %), {rate_fmt}, {remaining} left"


class Progress(tqdm):
    """Count finished items with `update()` and log rate and remaining time now and then.

    Jobs write to log files, several at a time: a line of text comes at most every `every` seconds
    and with the last item, and nothing is drawn on a terminal.
    """

    monitor_interval = 0  # no thread that looks after stalled bars

    def __init__(self, total: int, what: str, every: float = 5.0) -> None:
        super().__init__(
            total=total,
            desc=what,
            mininterval=every,
            miniters=1,
            smoothing=0,  # the rate is that of all items so far
            bar_format=_LINE,
            file=io.StringIO(),  # lines are not cut to the width of a terminal
            gui=True,  # tqdm itself prints nothing
        )

    def update(self, n: float | None = 1) -> None:
        """Count `n` more finished items."""
        shown = super().update(n)
        if self.n == self.total and not shown:
            self.refresh()

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write the line; tqdm calls it where a bar would be drawn again."""
        log.info(str(self) if msg is None else msg)
