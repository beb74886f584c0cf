"""Which of a file's video streams is its video.

Files of cameras, phones and shops hold more than one: previews, covers, thumbnails of chapters.
Those that are marked as attached pictures are never listed. Of the others the first is taken that
moves, is not marked as a still, is not coded as single pictures beside a film, is not clearly
smaller or shorter than another, and is marked as the default; in this order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from unmuted.media.framecrc import Listing

_LINE = re.compile(r"^\[info\]   Stream #0:(\d+).*?: Video: (.*)$", re.MULTILINE)
_MAPPING = re.compile(r"^\[info\]   Stream #0:(\d+) -> #0:(\d+) \(copy\)", re.MULTILINE)
_PICTURE_CODECS = {"mjpeg", "png", "apng", "bmp", "gif", "tiff", "webp", "jpeg2000", "jpegxl"}
_STILL = ("still image", "attached pic", "timed thumbnails")
_CLEARLY = 4  # times fewer pixels or packets


@dataclass(frozen=True)
class VideoStream:
    """A video stream as it is listed.

    index: in the file. listed: in the listing. packets: that are shown. flags: what the container
    says of it, such as `(default)`. failed: whether none of its pictures could be decoded.
    """

    index: int
    listed: int
    codec: str
    size: tuple[int, int]
    packets: int
    flags: str = ""
    failed: bool = False

    @property
    def pixels(self) -> int:
        """Pixels of a picture."""
        return self.size[0] * self.size[1]

    def __str__(self) -> str:
        """Say what it is, for a note."""
        pictures = "1 picture" if self.packets == 1 else f"{self.packets} pictures"
        return f"stream {self.index} ({self.codec}, {self.size[0]}x{self.size[1]}, {pictures})"


def listed_videos(listing: Listing, counts: Mapping[int, int], log: str) -> list[VideoStream]:
    """Return the video streams of a listing, that which is to be read first.

    Args:
        listing: headers of the streams.
        counts: packets that are shown, by the stream's index in the listing.
        log: of the ffmpeg that wrote it, on level `info`.
    """
    flags = {int(index): text for index, text in _LINE.findall(log)}
    indices = {int(listed): int(index) for index, listed in _MAPPING.findall(log)}
    streams = []
    for listed, header in listing.header.items():
        if header.get("media_type") == "video":
            width, height = header.get("dimensions", "0x0").split("x")
            index, size = indices.get(listed, listed), (int(width), int(height))
            codec, packets = header.get("codec_id", "unknown"), counts.get(listed, 0)
            streams.append(VideoStream(index, listed, codec, size, packets, flags.get(index, "")))
    return in_order_of_choice(streams)


def in_order_of_choice(streams: Collection[VideoStream]) -> list[VideoStream]:
    """Return the streams, that which is to be read first."""
    packets = max((stream.packets for stream in streams), default=0)
    pixels = max((stream.pixels for stream in streams if stream.packets > 1), default=0)

    def preference(stream: VideoStream) -> tuple[bool | int, ...]:
        is_small = stream.pixels * _CLEARLY <= pixels or stream.packets * _CLEARLY <= packets
        return (
            stream.packets == 0,
            stream.packets == 1,
            any(f"({flag})" in stream.flags for flag in _STILL),
            stream.codec in _PICTURE_CODECS,
            is_small,
            "(default)" not in stream.flags,
            stream.index,
        )

    return sorted(streams, key=preference)


def note_on_choice(streams: Sequence[VideoStream]) -> str:
    """Say which of several video streams is read, the first; empty where there is but one."""
    if len(streams) < 2:
        return ""
    return f"of {len(streams)} video streams, {streams[0]} is read, not {streams[1]}"
