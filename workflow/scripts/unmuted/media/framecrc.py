"""Reading ffmpeg's `framecrc` output: a header on each stream, then one line a packet or frame.

It is how packet times come out of ffmpeg without ffprobe. See libavformat/framecrcenc.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

_NO_TIME = -(2**63)  # AV_NOPTS_VALUE
_KEY, _CORRUPT, _DISCARD = 1, 2, 4  # AV_PKT_FLAG_*


@dataclass(frozen=True, slots=True)
class Entry:
    """A packet or frame: exact times in seconds on the file's clock, None where it has none."""

    stream: int
    dts: Fraction | None
    pts: Fraction | None
    duration: Fraction
    size: int  # bytes
    corrupt: bool  # the container could not deliver all of it
    discarded: bool  # outside the edit list: decoded for others' sake, never shown


@dataclass
class Listing:
    """A listing: `header[stream][name]` is a string, filled in while the entries are read."""

    header: dict[int, dict[str, str]] = field(default_factory=dict)

    def entries(self, lines: Iterable[str]) -> Iterator[Entry]:
        """Yield the entries of the `lines`, in the order of the file; header lines come first."""
        time_bases: dict[int, Fraction] = {}
        for line in lines:
            if line.startswith("#"):
                self._read_header(line)
            elif line.endswith("\n"):  # else the writer was stopped in the middle of it
                stream = int(line.split(",", 1)[0])
                if stream not in time_bases:
                    time_bases[stream] = Fraction(self.header[stream]["tb"])
                yield _entry(line, time_bases[stream])

    def stream_of(self, media_type: str) -> int | None:
        """Return the index of the stream of this type (`video` or `audio`), None without one."""
        return next((i for i, h in self.header.items() if h.get("media_type") == media_type), None)

    def lone_stream_of(self, media_type: str) -> int | None:
        """Return the index of the stream of this type where there is exactly one, else None."""
        streams = [i for i, h in self.header.items() if h.get("media_type") == media_type]
        return streams[0] if len(streams) == 1 else None

    def _read_header(self, line: str) -> None:
        key, _, value = line[1:].partition(":")
        name, _, stream = key.strip().partition(" ")
        if stream.isdigit():
            self.header.setdefault(int(stream), {})[name] = value.strip()


def _entry(line: str, time_base: Fraction) -> Entry:
    columns = [column.strip() for column in line.split(",")]
    flags = next((int(c.removeprefix("F="), 16) for c in columns[5:] if c.startswith("F=")), _KEY)
    return Entry(
        stream=int(columns[0]),
        dts=_seconds(int(columns[1]), time_base),
        pts=_seconds(int(columns[2]), time_base),
        duration=max(0, int(columns[3])) * time_base,
        size=int(columns[4]),
        corrupt=bool(flags & _CORRUPT),
        discarded=bool(flags & _DISCARD),
    )


def _seconds(ticks: int, time_base: Fraction) -> Fraction | None:
    return None if ticks == _NO_TIME else ticks * time_base
