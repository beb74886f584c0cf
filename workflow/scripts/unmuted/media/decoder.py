"""Decoding all frames of a video: scaled, upright, deinterlaced, as an SDR screen shows them.

ffmpeg writes each frame twice: its pixels to one pipe and its time to another, by one muxer, so
that the two cannot get out of step.

Which frames consist of two fields is known only once they are decoded: a stream may change from
progressive to interlaced and back. A video whose first frame is whole is decoded without a
deinterlacer; frames with fields are then marked by a time that is far off, and at the first of them
decoding begins again, with a deinterlacer, which leaves whole frames as they are.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from unmuted.media import ffmpeg
from unmuted.media.colour import Colours, to_sdr
from unmuted.media.command import decode_command, open_input
from unmuted.media.ffmpeg import MediaError
from unmuted.media.framecrc import Listing
from unmuted.media.probe import ALL_FRAMES, Limits, Probe
from unmuted.media.process import Process

SCALER = "bicubic+accurate_rnd+full_chroma_int+bitexact"  # the same pixels with and without SIMD
_CHANNELS = 3
_FAR_S = 4_000_000_000  # seconds that mark a frame with fields; a time may itself count from 1970


class DecodedFrames:
    """The frames of a video in the order of decoding; iterating decodes it.

    Attributes:
        count: frames so far.
        warning: what was lost in a damaged file, known once the iteration has ended; empty for an
            undamaged one.
        note: what a person should know of the file and its pictures, known then too.
    """

    def __init__(self, path: Path, probe: Probe, size: tuple[int, int], limits: Limits) -> None:
        self._path, self._probe, self._size, self._limits = path, probe, size, limits
        self._colours = Colours.parse(probe.colours) if probe.colours else None
        self._has_fields = probe.is_interlaced
        self._log = ""
        self.count, self.warning, self.note = 0, "", ""

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield `(seconds after the start, image uint8 (H, W, 3), RGB)` of every frame.

        Raises:
            MediaError: `no_frames` where nothing can be decoded, `timeout`.
        """
        if not self._has_fields:
            yield from self._frames(0)
        if self._has_fields:
            yield from self._frames(self.count)
        if self.count == 0:
            reason = ffmpeg.first_error(self._log) or "no frame can be decoded"
            raise MediaError("no_frames", reason)
        self.warning = _warning(self._probe, self.count, self._log)
        fields = "interlaced video, deinterlaced" if self._has_fields else ""
        self.note = "; ".join(filter(None, [self._probe.note, fields]))

    def _frames(self, first: int) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the frames from number `first` on, up to the first with fields if that is news."""
        deinterlace = self._has_fields
        with closing(self._decode(deinterlace)) as frames:
            for number, (time_s, image) in enumerate(frames):
                if time_s > _FAR_S / 2 and not deinterlace:
                    self._has_fields = True
                    return
                if number >= first:
                    self.count += 1
                    yield time_s, image

    def _decode(self, deinterlace: bool) -> Generator[tuple[float, np.ndarray]]:
        """Yield `(seconds after the start, image)` of every frame, and keep the log of ffmpeg."""
        width, height = self._size
        depth = np.dtype(np.uint16 if self._colours else np.uint8)
        length = width * height * _CHANNELS * depth.itemsize
        reading, writing = os.pipe()
        with open(reading, "rb") as times, open(writing, "wb") as times_end:
            arguments = self._command(writing, deinterlace)
            timeout_s = self._limits.timeout(self._probe.duration_s)
            with Process(arguments, timeout_s, pass_fds=(writing,)) as run:
                times_end.close()  # ffmpeg holds the only writing end now: its exit ends the stream
                entries = Listing().entries(line.decode("ascii") for line in times)
                while len(pixels := run.stdout.read(length)) == length:
                    entry = next(entries, None)
                    if entry is None:
                        break
                    image = np.frombuffer(pixels, dtype=depth).reshape(height, width, _CHANNELS)
                    shown = to_sdr(image, self._colours) if self._colours else image
                    yield float(entry.pts or 0) - self._probe.start_s, shown
                self._log = run.finish()

    def _command(self, times_fd: int, deinterlace: bool) -> list[str]:
        source = open_input(max_pixels=self._limits.max_pixels)[str(self._probe.video_stream)]
        if deinterlace:
            frames = source.filter("bwdif", mode="send_frame", deint="interlaced")
        else:
            frames = source.filter("setpts", f"PTS+INTERLACED*{_FAR_S}/TB")
        matrix = self._colours.scale_options if self._colours else {}
        scaled = frames.filter("scale", *self._size, flags=SCALER, **matrix)
        outputs = f"[f=rawvideo]pipe:1|[f=framecrc:flush_packets=1]pipe:{times_fd}"
        pixels = "rgb48le" if self._colours else "rgb24"
        options = {"format": "tee", "c:v": "rawvideo", "pix_fmt": pixels, **ALL_FRAMES}
        is_bridged = self._probe.is_bridged
        output = scaled.output(outputs, **options)
        return decode_command(self._path, output, is_bridged=is_bridged, limits=self._limits)


def _warning(probe: Probe, decoded: int, log: str) -> str:
    error = ffmpeg.first_error(log)
    if not error and (not probe.damage or decoded >= probe.expected_frames):
        return ""
    return f"damaged: {decoded} of {probe.expected_frames} frames decoded ({error or probe.damage})"
