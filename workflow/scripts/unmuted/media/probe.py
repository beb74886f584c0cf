"""What is in a video file, from its packets rather than from what its header claims.

There may be no ffprobe, so ffmpeg itself lists the packets of the first video stream (`-c copy`,
nothing is decoded) and then decodes one frame to learn how large the picture is when it stands
upright.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from unmuted.dataset.limits import Limits, video_limits
from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.encryption import check_encryption
from unmuted.media.ffmpeg import MediaError
from unmuted.media.files import check_file
from unmuted.media.framecrc import Entry, Listing
from unmuted.media.process import Process
from unmuted.media.tracks import Track, by_preference, read_tracks

__all__ = ["Limits", "Probe", "check_file", "probe", "video_limits"]

# Every decoded frame once, with its own time; left alone, ffmpeg rounds times to the nominal rate.
ALL_FRAMES = {"fps_mode": "passthrough", "enc_time_base": "1:1000000"}

_LONE_FRAME_S = Fraction(1, 25)  # a lone frame without a duration counts as one frame at 25 fps
_SLOWEST_DISK = 10_000_000  # bytes a second


@dataclass(frozen=True)
class Probe:
    """The first video stream of a file (attached pictures are none) and its audio tracks.

    Times are in seconds on the file's own clock. `width` and `height` are those of the picture as
    it is shown: turned upright and with square pixels. `duration_s` spans the packets that are
    there, from the first to the end of the last. `fps` is their average rate. `claimed_s` is the
    container's own word on its duration, and `damage` the first error met in reading the packets,
    empty for an undamaged file.
    """

    container: str
    width: int
    height: int
    start_s: float
    duration_s: float
    packets: int
    fps: float
    video_codec: str
    audio_codec: str | None = None
    audio_hz: int | None = None
    audio_channels: int | None = None
    claimed_s: float | None = None
    damage: str = ""
    audio_tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        tracks = tuple(Track(**t) if isinstance(t, dict) else t for t in self.audio_tracks)
        object.__setattr__(self, "audio_tracks", tracks)  # dictionaries where it comes from JSON

    @property
    def expected_frames(self) -> int:
        """Frames the file should give: its packets, or what it claims where packets were lost."""
        claimed = round((self.claimed_s or 0.0) * self.fps) if self.damage else 0
        return max(self.packets, claimed)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary of plain values."""
        return asdict(self)


def probe(path: Path, limits: Limits | None = None) -> Probe:
    """Read the packets of `path` and the size of its picture.

    One frame is decoded; all of them where packets carry no time (AVI), which then takes as long as
    extracting the frames does.

    Raises:
        MediaError: those of `check_file`, and `encrypted`, `unreadable`, `not_allowed`, `no_video`,
            `too_long`, `too_large`, `no_frames` (nothing can be decoded), `timeout`.
    """
    limits = limits or Limits()
    check_file(path)
    encrypted = check_encryption(path)
    listing, shown, log = _list_packets(path, limits)
    if not shown.count:
        raise MediaError("no_frames", ffmpeg.first_error(log) or "the video stream holds no packet")
    stream = listing.stream_of("video")
    if stream is None:
        raise MediaError("no_video", "the file lists no video stream")
    (width, height), frames = _decode(path, limits, only_first=not shown.is_undated)
    start, duration = (frames if shown.is_undated else shown).span()
    cut_short = "a packet is cut short" if shown.is_cut_short else ""
    return Probe(
        container=_container(log),
        width=width,
        height=height,
        start_s=float(start),
        duration_s=float(duration),
        packets=shown.count,
        fps=float(shown.count / duration),
        video_codec=listing.header[stream]["codec_id"],
        **_audio(read_tracks(log, listing, encrypted)),
        claimed_s=_claimed_duration(log),
        damage=ffmpeg.first_error(log) or cut_short,
    )


class _Shown:
    """What the packets of a stream that are shown come to, or its frames; none of them is kept."""

    def __init__(self, are_frames: bool) -> None:
        self._are_frames = are_frames  # what was decoded is shown, whatever the flags of its packet
        self.count = 0
        self.is_undated = False  # whether an entry has no time, as in AVI: only the decoder knows
        self.is_cut_short = False  # whether the container could not deliver all of an entry
        self._first = self._last = Fraction(0)
        self._last_duration = Fraction(0)

    def add(self, entry: Entry) -> None:
        """Count the next entry of the stream."""
        self.is_cut_short |= entry.corrupt
        if not self._are_frames and (entry.discarded or entry.corrupt):
            return
        self.is_undated |= entry.pts is None
        time = _time(entry)
        self._first = min(self._first, time) if self.count else time
        if not self.count or time > self._last:
            self._last, self._last_duration = time, entry.duration
        self.count += 1

    def span(self) -> tuple[Fraction, Fraction]:
        """Return the time of the first frame, and from there to the end of the last."""
        span = self._last - self._first
        frame = self._last_duration or (span / (self.count - 1) if span > 0 else _LONE_FRAME_S)
        return self._first, span + frame


def _list_packets(path: Path, limits: Limits) -> tuple[Listing, _Shown, str]:
    """Return the headers of the streams, the packets of the video stream, and the log of ffmpeg."""
    source = open_input()
    output = source["V:0"].output(source["a:0?"], "pipe:1", format="framecrc", c="copy")
    command = decode_command(path, output, log_level="info")
    # No frame is decoded, however long the video is: what takes time is reading the file.
    timeout_s = limits.timeout_s + path.stat().st_size / _SLOWEST_DISK
    return _read_listing(command, limits, timeout_s, _Shown(False))


def _decode(path: Path, limits: Limits, only_first: bool) -> tuple[tuple[int, int], _Shown]:
    """Return the size of the upright picture with square pixels, and the times of its frames.

    only_first: of its first frame alone.
    """
    wanted = {"frames:v": 1} if only_first else {}
    # Wrapped, so that no pixel is copied for a listing of times.
    options = {"format": "framecrc", "c:v": "wrapped_avframe", **ALL_FRAMES, **wanted}
    output = open_input(max_pixels=limits.max_pixels)["V:0"].output("pipe:1", **options)
    timeout_s = limits.timeout_s if only_first else limits.timeout(limits.max_seconds)
    command = decode_command(path, output)
    listing, frames, log = _read_listing(command, limits, timeout_s, _Shown(True))
    if not frames.count:
        raise MediaError("no_frames", ffmpeg.first_error(log) or "no frame can be decoded")
    header = listing.header[0]
    width, height = (int(side) for side in header["dimensions"].split("x"))
    numerator, denominator = (int(number) for number in header.get("sar", "1/1").split("/"))
    if numerator > 0 and denominator > 0:
        width = max(1, round(width * numerator / denominator))
    return (width, height), frames


def _read_listing(
    arguments: list[str], limits: Limits, timeout_s: float, shown: _Shown
) -> tuple[Listing, _Shown, str]:
    listing, entries, began = Listing(), 0, Fraction(0)
    with Process(arguments, timeout_s) as run:
        lines = (line.decode("ascii", errors="replace") for line in run.stdout)
        for entry in listing.entries(lines):
            video = listing.stream_of("video")
            if not entries:
                header = {} if video is None else listing.header[video]
                _check_size(header.get("dimensions", "0x0"), limits)
            if entry.stream == video:
                entries += 1
                began = began if entries > 1 else _time(entry)
                shown.add(entry)
                _check_length(abs(_time(entry) - began), entries, limits)
        log = run.finish()
    if not listing.header:
        raise _refusal(log)
    return listing, shown, log


def _check_size(dimensions: str, limits: Limits) -> None:
    width, height = (int(side) for side in dimensions.split("x"))
    if width * height > limits.max_pixels:
        raise MediaError("too_large", f"{width}x{height} pixels, allowed are {limits.max_pixels}")


def _check_length(span: Fraction, entries: int, limits: Limits) -> None:
    if span > limits.max_seconds:
        raise MediaError("too_long", f"longer than the {limits.max_seconds:g} s allowed")
    if entries > limits.max_frames:
        raise MediaError("too_long", f"more than the {limits.max_frames} frames allowed")


def _time(entry: Entry) -> Fraction:
    known = entry.pts if entry.pts is not None else entry.dts
    return Fraction(0) if known is None else known


def _audio(tracks: Sequence[Track]) -> dict[str, Any]:
    """Return the fields of `Probe` that describe the sound; none without any."""
    if not tracks:
        return {}
    first = by_preference(tracks)[0]
    return {
        "audio_codec": first.codec,
        "audio_hz": first.hz,
        "audio_channels": first.channels,
        "audio_tracks": tuple(tracks),
    }


def _container(log: str) -> str:
    match = re.search(r"^\[info\] Input #0, (\S+), from ", log, re.MULTILINE)
    return match[1] if match else "unknown"


def _claimed_duration(log: str) -> float | None:
    match = re.search(r"^\[info\]   Duration: (\d+):(\d+):(\d+\.\d+)", log, re.MULTILINE)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def _refusal(log: str) -> MediaError:
    """Return why ffmpeg did not open a file or decode its picture."""
    reason = ffmpeg.first_error(log) or "ffmpeg does not recognise the content"
    if "Format not on whitelist" in log:
        return MediaError("not_allowed", "not a container of one self-contained video")
    if "matches no streams" in log or "does not contain any stream" in log:
        return MediaError("no_video", "no video stream (an attached picture is none)")
    if "exceeds specified max pixel count" in log:
        return MediaError("too_large", reason)
    return MediaError("unreadable", reason)
