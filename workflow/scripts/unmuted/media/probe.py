"""What is in a video file, from its packets rather than from what its header claims.

There may be no ffprobe, so ffmpeg itself lists the packets of the video streams (`-c copy`, nothing
is decoded) and then decodes one frame of the stream that is read, to learn how large the picture is
when it stands upright, whether it consists of two fields, and what its colours mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from unmuted.dataset.limits import Limits, video_limits
from unmuted.media import ffmpeg
from unmuted.media.colour import Colours
from unmuted.media.command import decode_command, open_input
from unmuted.media.encryption import Encryption, find_encryption
from unmuted.media.ffmpeg import MediaError
from unmuted.media.file_size import check_file_size
from unmuted.media.files import check_file
from unmuted.media.framecrc import Listing
from unmuted.media.process import Process
from unmuted.media.shown import Shown
from unmuted.media.streams import VideoStream, listed_videos, note_on_choice
from unmuted.media.tracks import Track, by_preference, read_tracks

__all__ = ["Limits", "Probe", "check_file", "probe", "video_limits"]

# Every decoded frame once, with its own time; left alone, ffmpeg rounds times to the nominal rate.
ALL_FRAMES = {"fps_mode": "passthrough", "enc_time_base": "1:1000000"}

_SLOWEST_DISK = 10_000_000  # bytes a second
_ROUNDING_S = 1e-6
_FASTEST_CAMERA = 300  # frames a second; a higher rate is more often an error in the file

# What the filter `showinfo` says of the first frame: P, or which of two fields comes first.
_FIELDS = re.compile(r"\bn: *0 .* i:([PTB]) ")
_COLOURS = re.compile(r"\bcolor_space:(\S+) color_primaries:(\S+) color_trc:(\S+)")
_DOLBY_VISION_ONLY = re.compile(r"\bDOVI configuration record: .*\bprofile: 5\b")


@dataclass(frozen=True)
class Probe:
    """The video stream of a file (see `unmuted.media.streams`) and its audio tracks.

    Times are in seconds on the file's clock (see `unmuted.media.clock`). `width` and `height` are
    those of the picture as it is shown: turned upright and with square pixels. `duration_s` spans
    the packets that are there, from the first to the end of the last. `fps` is their average rate.
    `claimed_s` is the
    container's own word on its duration, and `damage` the first error met in reading the packets,
    empty for an undamaged file. `video_stream` is its index in the file. `is_bridged` says that
    the time stamps jump and that the clock is one without the jumps, `is_interlaced` that the first
    frame consists of two fields, and `colours` what its codes mean where a conversion to SDR is
    needed (see `unmuted.media.colour`). `note` is what a person should know of a file that is not
    damaged.
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
    video_stream: int = 0
    is_bridged: bool = False
    is_interlaced: bool = False
    colours: str = ""
    note: str = ""
    audio_tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        tracks = tuple(Track(**t) if isinstance(t, dict) else t for t in self.audio_tracks)
        object.__setattr__(self, "audio_tracks", tracks)  # dictionaries where it comes from JSON

    @property
    def expected_frames(self) -> int:
        """Frames the file should give: its packets, or what it claims where packets were lost."""
        knows = self.damage and not self.is_bridged  # a container's own word counts the jumps too
        claimed = round((self.claimed_s or 0.0) * self.fps) if knows else 0
        return max(self.packets, claimed)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary of plain values."""
        return asdict(self)


def probe(path: Path, limits: Limits | None = None) -> Probe:
    """Read the packets of `path` and the size of its picture.

    One frame is decoded; all of them where packets carry no time (AVI), which then takes as long as
    extracting the frames does.

    Raises:
        MediaError: those of `check_file` and `check_file_size`, and `encrypted`, `unreadable`,
            `not_allowed`, `no_video`, `too_long`, `too_short`, `too_large`, `no_frames` (nothing
            can be decoded), `timeout`.
    """
    limits = limits or Limits()
    check_file(path)
    check_file_size(path, limits.max_bytes)
    encryption = find_encryption(path)
    if encryption.is_of_all_video:
        raise _encrypted()
    packets, is_bridged, jumps = _list_on_clock(path, limits)
    picture = _first_picture(path, limits, packets, is_bridged, encryption)
    stream, shown = packets.videos[0], packets.video
    start, duration = (picture.shown if shown.is_undated else shown).span()
    notes = [
        note_on_choice(packets.videos),
        jumps,
        shown.note(),
        _note_on_rate(shown.count, duration, packets.sound),
        _note_on_colours(picture.colours, packets.log),
    ]
    note = _joined(*notes)
    _check_duration(duration, shown.count, limits, note)
    cut_short = "a packet is cut short" if shown.is_cut_short else ""
    return Probe(
        container=_container(packets.log),
        width=picture.width,
        height=picture.height,
        start_s=float(start),
        duration_s=float(duration),
        packets=shown.count,
        fps=float(shown.count / duration),
        video_codec=stream.codec,
        **_audio(read_tracks(packets.log, packets.listing, encryption.sound)),
        claimed_s=_claimed_duration(packets.log),
        damage=ffmpeg.first_error(packets.log) or cut_short,
        video_stream=stream.index,
        is_bridged=is_bridged,
        is_interlaced=picture.is_interlaced,
        colours=str(picture.colours or ""),
        note=note,
    )


@dataclass
class _Packets:
    """A listing, what the entries of each of its streams come to, and the log of ffmpeg.

    videos: the video streams, that which is read first; filled in by `_list_packets`.
    """

    listing: Listing
    shown: dict[int, Shown]
    log: str = ""
    videos: list[VideoStream] = field(default_factory=list)

    @property
    def video(self) -> Shown:
        """The packets of the video stream that is read."""
        return self.shown[self.videos[0].listed]

    @property
    def sound(self) -> Shown | None:
        """The packets of the first audio stream, None without one."""
        stream = self.listing.stream_of("audio")
        return None if stream is None else self.shown.get(stream)


def _list_on_clock(path: Path, limits: Limits) -> tuple[_Packets, bool, str]:
    """Return the packets, whether they are on a bridged clock, and a note on the jumps bridged."""
    packets = _list_packets(path, limits, is_bridged=False)
    jumps = packets.video.clock
    if jumps.jumps:
        bridged = _list_packets(path, limits, is_bridged=True)
        if bridged.video.clock.jumps < jumps.jumps:
            return bridged, True, f"{jumps}: bridged"
    return packets, False, ""


def _list_packets(path: Path, limits: Limits, is_bridged: bool) -> _Packets:
    """Return the packets of all video streams and of the first audio stream."""
    source = open_input()
    output = source["V"].output(source["a:0?"], "pipe:1", format="framecrc", c="copy")
    command = decode_command(path, output, "info", is_bridged, limits)
    # No frame is decoded, however long the video is: what takes time is reading the file.
    timeout_s = limits.timeout_s + path.stat().st_size / _SLOWEST_DISK
    packets = _read_listing(command, limits, timeout_s, is_bridged)
    counts = {listed: shown.count for listed, shown in packets.shown.items()}
    for listed, shown in packets.shown.items():
        time_base = Fraction(packets.listing.header[listed]["tb"])
        shown.clock.add_steps_back(packets.log, listed, time_base)
    packets.videos = listed_videos(packets.listing, counts, packets.log)
    if not packets.videos:
        raise MediaError("no_video", "the file lists no video stream")
    if not packets.videos[0].packets:
        reason = ffmpeg.first_error(packets.log) or "the video stream holds no packet"
        raise MediaError("no_frames", reason)
    _check_size(packets.videos[0].size, limits)
    return packets


@dataclass(frozen=True)
class _Picture:
    """The first frame, upright and with square pixels, and what was decoded of its stream."""

    width: int
    height: int
    is_interlaced: bool
    tags: Colours | None
    shown: Shown

    @property
    def colours(self) -> Colours | None:
        """The colours where they are not the ordinary ones."""
        return None if self.tags is None or self.tags.is_ordinary else self.tags


def _first_picture(
    path: Path, limits: Limits, packets: _Packets, is_bridged: bool, encryption: Encryption
) -> _Picture:
    """Return the first picture of the best video stream that can be decoded, and put that first.

    A stream that can only be decoded with a key is decoded to noise: no other takes its place.
    """
    while True:
        stream, *others = packets.videos
        if encryption.is_of_video(stream.index):
            raise _encrypted()
        only_first = not packets.video.is_undated
        try:
            return _decode(path, limits, stream.index, is_bridged, only_first)
        except MediaError as error:
            usable = [other for other in others if _may_be_read(other, encryption)]
            if error.status != "no_frames" or not usable:
                raise
            unusable = [other for other in others if other not in usable]
            packets.videos = [*usable, *unusable, replace(stream, failed=True)]


def _encrypted() -> MediaError:
    return MediaError("encrypted", "the video can only be decoded with a key")


def _may_be_read(stream: VideoStream, encryption: Encryption) -> bool:
    return bool(stream.packets) and not stream.failed and not encryption.is_of_video(stream.index)


def _decode(
    path: Path, limits: Limits, stream: int, is_bridged: bool, only_first: bool
) -> _Picture:
    """Return the first frame of a stream, and the times of all of them unless `only_first`."""
    wanted = {"frames:v": 1} if only_first else {}
    # Wrapped, so that no pixel is copied for a listing of times.
    options = {"format": "framecrc", "c:v": "wrapped_avframe", **ALL_FRAMES, **wanted}
    source = open_input(max_pixels=limits.max_pixels)[str(stream)]
    output = source.filter("showinfo", checksum=0).output("pipe:1", **options)
    timeout_s = limits.timeout_s if only_first else limits.timeout(limits.max_seconds)
    command = decode_command(path, output, "info", is_bridged, limits)
    frames = _read_listing(command, limits, timeout_s, is_bridged, are_frames=True)
    if 0 not in frames.shown:
        raise MediaError("no_frames", ffmpeg.first_error(frames.log) or "no frame can be decoded")
    header = frames.listing.header[0]
    width, height = _size(header)
    numerator, denominator = (int(number) for number in header.get("sar", "1/1").split("/"))
    if numerator > 0 and denominator > 0:
        width = max(1, round(width * numerator / denominator))
    fields, tags = _FIELDS.search(frames.log), _COLOURS.search(frames.log)
    is_interlaced = fields is not None and fields[1] != "P"
    colours = Colours(tags[3], tags[2], tags[1]) if tags else None
    return _Picture(width, height, is_interlaced, colours, frames.shown[0])


def _read_listing(
    arguments: list[str],
    limits: Limits,
    timeout_s: float,
    is_bridged: bool,
    are_frames: bool = False,
) -> _Packets:
    """Read a listing; stop where the only video stream is too large or too long.

    Where the time stamps jump, the length is only known on the bridged clock.
    """
    packets = _Packets(Listing(), {})
    listing, shown = packets.listing, packets.shown
    with Process(arguments, timeout_s) as run:
        lines = (line.decode("ascii", errors="replace") for line in run.stdout)
        for entry in listing.entries(lines):
            if not shown:
                lone = listing.lone_stream_of("video")
                _check_size((0, 0) if lone is None else _size(listing.header[lone]), limits)
            if entry.stream not in shown:
                shown[entry.stream] = Shown(are_frames)
            stream = shown[entry.stream]
            stream.add(entry)
            _check_count(stream.listed, limits)
            if entry.stream == lone and (is_bridged or not stream.clock.jumps):
                _check_length(stream.clock.elapsed, limits, stream)
        packets.log = run.finish()
    if not listing.header:
        raise _refusal(packets.log)
    return packets


def _size(header: Mapping[str, str]) -> tuple[int, int]:
    width, height = header.get("dimensions", "0x0").split("x")
    return int(width), int(height)


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise MediaError("too_large", f"{width}x{height} pixels, allowed are {limits.max_pixels}")


def _check_length(seconds: float, limits: Limits, shown: Shown) -> None:
    if seconds > limits.max_seconds + _ROUNDING_S:
        raise _too_long(limits, shown.note())


def _too_long(limits: Limits, *notes: str) -> MediaError:
    longer = f"longer than the {limits.max_seconds:g} s allowed"
    return MediaError("too_long", _joined(longer, *notes))


def _check_count(entries: int, limits: Limits) -> None:
    if entries > limits.max_frames:
        raise MediaError("too_long", f"more than the {limits.max_frames} frames allowed")


def _check_duration(seconds: Fraction, count: int, limits: Limits, note: str) -> None:
    """Raise MediaError where all that is shown, the last frame included, is too long or short."""
    if seconds > limits.max_seconds:
        raise _too_long(limits, f"it shows {count} frames for {float(seconds):.6g} s", note)
    if seconds < limits.min_seconds:
        needed = f"{float(seconds):.2g} s, at least {limits.min_seconds:g} s are needed"
        raise MediaError("too_short", _joined(needed, note))


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _note_on_colours(colours: Colours | None, log: str) -> str:
    if _DOLBY_VISION_ONLY.search(log):
        return "Dolby Vision of profile 5, whose colours are not those that are decoded"
    return "" if colours is None else colours.note


def _note_on_rate(count: int, duration: Fraction, sound: Shown | None) -> str:
    """Say that there is but one picture, or more a second than a camera takes."""
    lasts = f", the sound lasts {float(sound.span()[1]):.3g} s" if sound and sound.count else ""
    if count == 1:
        return f"a single picture{lasts}"
    if count <= _FASTEST_CAMERA * duration:
        return ""
    rate = f"{float(count / duration):.6g} frames a second, probably an error in the file"
    return rate + lasts


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
