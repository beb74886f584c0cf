"""What the packets of a stream that are shown come to, or its frames; none of them is kept."""

from __future__ import annotations

from fractions import Fraction

from unmuted.media.clock import Continuity
from unmuted.media.framecrc import Entry

_LONE_FRAME_S = Fraction(1, 25)  # a lone frame without a duration counts as one frame at 25 fps
_LONG_GAP_S = 2  # seconds without a new picture that are told ...
_LONG_GAP_STEPS = 10  # ... where that is more than so many times what is usual in the stream


class Shown:
    """The number of entries of a stream and the time that they span.

    count: entries that are shown. listed: all. is_undated: whether an entry has no time, as in AVI:
    only the decoder knows it. is_cut_short: whether the container could not deliver all of an
    entry. clock: how the time stamps go on.
    """

    def __init__(self, are_frames: bool = False) -> None:
        self._are_frames = are_frames  # what was decoded is shown, whatever the flags of its packet
        self.count = self.listed = 0
        self.is_undated = self.is_cut_short = False
        self.clock = Continuity()
        self._first = self._last = Fraction(0)
        self._last_duration = Fraction(0)

    def add(self, entry: Entry) -> None:
        """Count the next entry of the stream."""
        self.listed += 1
        self.is_cut_short |= entry.corrupt
        self.clock.add(entry)
        if self._are_frames or not (entry.discarded or entry.corrupt):
            self._show(entry)

    def _show(self, entry: Entry) -> None:
        known = entry.pts if entry.pts is not None else entry.dts
        time = Fraction(0) if known is None else known
        self.is_undated |= entry.pts is None
        self._first = min(self._first, time) if self.count else time
        if not self.count or time > self._last:
            self._last, self._last_duration = time, entry.duration
        self.count += 1

    def span(self) -> tuple[Fraction, Fraction]:
        """Return the time of the first frame, and from there to the end of the last."""
        span = self._last - self._first
        frame = self._last_duration or (span / (self.count - 1) if span > 0 else _LONE_FRAME_S)
        return self._first, span + frame

    def note(self) -> str:
        """Say where the time stamps jump, or else where no picture comes for unusually long."""
        if self.clock.jumps:
            return str(self.clock)
        gap = self.clock.gap
        usual = (float(self._last - self._first) - gap) / max(1, self.count - 2)
        if self.count < 3 or gap < _LONG_GAP_S or gap < _LONG_GAP_STEPS * usual:
            return ""
        return f"no new picture for {gap:.3g} s, {self.clock.gap_at:.3g} s after the first"
