"""The clock of a file: its own time stamps, or one without jumps where those jump.

Recordings that were joined byte by byte (TS files of downloaders and receivers) begin again at 0 or
go on a thousand seconds later in the middle. ffmpeg makes one clock of that, unless `-copyts` tells
it to keep the stamps: it shifts *all* streams of the file by the jump, when it meets it in either
sound or picture. So every call on such a file has to read the same streams, or else sound and
picture would be shifted by different amounts.

The rule, which `unmuted.media.command.decode_command` carries out for sound and picture alike:
an ordinary file keeps its own clock (`-copyts`); where `Probe.is_bridged` is set, each call leaves
that option out and also reads the packets of all video and sound streams. Times then count from
the earliest of the streams. Containers whose clock must not jump (Matroska, MP4) keep the jump,
which is named in the ledger.
"""

from __future__ import annotations

import re
from fractions import Fraction

from unmuted.media.framecrc import Entry

# The rule of ffmpeg (-dts_delta_threshold and the 0.1 s of its demuxer).
_FORWARD_S = 10
_BACK_S = 0.1

# What ffmpeg says where it does not let time stamps go back in a listing; 5.1 has the second form.
_HELD = re.compile(
    r"(?:ost#0:(\d+)/copy @ \S+ \[warning\] Non-monotonic DTS|DTS in output stream 0:(\d+))"
    r"; previous: (-?\d+), current: (-?\d+);"
)


class Continuity:
    """Whether the time stamps of one stream go on from packet to packet.

    jumps: how many there are. jump: seconds by which a packet is later (earlier, below 0) than
    where the one before it ends, of the first jump; 0 without one. jumps_at: when that comes.
    gap: the longest time between two packets, a jump apart. gap_at: when it begins. Moments are in
    seconds after the first packet.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self.jump = self.jumps_at = self.gap = self.gap_at = 0.0
        self._begins: float | None = None
        self._last = self._expected = 0.0

    def add(self, entry: Entry) -> None:
        """Look at the next packet in the order of the file."""
        known = entry.dts if entry.dts is not None else entry.pts
        if known is None:
            return
        time = float(known)
        if self._begins is None:
            self._begins = self._last = self._expected = time
        step = time - self._last
        if time - self._expected > _FORWARD_S or step < -_BACK_S:
            if not self.jumps:
                self.jump, self.jumps_at = time - self._expected, self._expected - self._begins
            self.jumps += 1
        elif step > self.gap:
            self.gap, self.gap_at = step, self._last - self._begins
        self._last, self._expected = time, time + float(entry.duration)

    @property
    def elapsed(self) -> float:
        """Seconds from the first packet to the one that was added last."""
        return 0.0 if self._begins is None else abs(self._last - self._begins)

    def add_steps_back(self, log: str, stream: int, time_base: Fraction) -> None:
        """Look for jumps back in the log of a listing, in which the time stands still then.

        Args:
            log: of the ffmpeg that wrote the listing, on level `info`.
            stream: index in the listing.
            time_base: of that stream there.
        """
        for new, old, previous, current in _HELD.findall(log):
            step = float((int(current) - int(previous)) * time_base)
            if int(new or old) == stream and step < -_BACK_S and not self.jumps:
                held_at = float(int(previous) * time_base)
                self.jump, self.jumps_at = step, held_at - (self._begins or 0.0)
                self.jumps = 1

    def __str__(self) -> str:
        """Say which jump there is; empty without one."""
        if not self.jumps:
            return ""
        way = "forward" if self.jump > 0 else "back"
        more = f" and {self.jumps - 1} times more" if self.jumps > 1 else ""
        size, moment = abs(self.jump), self.jumps_at
        return f"the time stamps jump {way} by {size:.6g} s after {moment:.3g} s{more}"
