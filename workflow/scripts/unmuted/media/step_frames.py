"""The pictures of a long video at a constant rate, chosen and scaled by ffmpeg itself.

Of 25 or 50 frames a second only a few are wanted: ffmpeg picks them, by the rule of
`unmuted.media.frames` (the last frame that is presented not after the step), so that no other is
scaled or goes through a pipe. The times of all frames go through a second pipe: they tell which
picture a step shows and how old it is.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import ffmpeg as ffmpeg_python
import numpy as np

from unmuted.media import ffmpeg
from unmuted.media.colour import Colours, to_sdr
from unmuted.media.command import decode_command, open_input
from unmuted.media.decoder import SCALER
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import TIME_TOLERANCE_S, grid_times
from unmuted.media.probe import ALL_FRAMES, Limits, Probe
from unmuted.media.process import Process

AT_ONCE = 16  # pictures that are read before the next ones
_CHANNELS = 3
_MICROSECOND = 1_000_000
_FAR = 4_000_000_000 * _MICROSECOND  # marks a frame with fields

# How old a picture may be. In a file without damage a still picture is one, but nobody films a
# match at less than a frame in 2 s. Where the decoder lost frames, nothing older than usual counts.
_OLDEST_S, _OLDEST_FRAMES = 2.0, 10
_OLDEST_DAMAGED_FRAMES = 3


class FieldsFound(Exception):
    """Frames that consist of two fields came after whole ones: a deinterlacer is needed."""


class StepFrames:
    """The pictures at i / rate seconds after the first frame, for all S steps of a video.

    Attributes:
        steps: S.
        decoded: frames that were decoded; known, like all that follows, after the iteration.
        times: float64 (S,), when the picture of each step is presented, in seconds after the first
            frame; -inf where there is none.
        valid: bool (S,), False where frames are missing and the picture is an old one.
        warning: what was lost in a damaged file; empty for an undamaged one.
        note: what else a person should know of the pictures.
    """

    def __init__(
        self,
        path: Path,
        probe: Probe,
        rate: float,
        size: tuple[int, int],
        limits: Limits | None = None,
        deinterlace: bool = False,
    ) -> None:
        self._path, self._probe, self._limits = path, probe, limits or Limits()
        self._rate, self._size = Fraction(rate).limit_denominator(1000), size
        self._colours = Colours.parse(probe.colours) if probe.colours else None
        self._deinterlace = deinterlace or probe.is_interlaced
        self._wanted = grid_times(probe.duration_s, rate)
        self.steps = len(self._wanted)
        self.times = np.full(self.steps, -np.inf)
        self.valid = np.zeros(self.steps, bool)
        self.decoded, self.warning, self.note = 0, "", ""

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield pictures uint8 (n, H, W, 3), RGB, n at most `AT_ONCE`, S in all.

        Raises:
            MediaError: `no_frames` where nothing can be decoded, `timeout`.
            FieldsFound: unless a deinterlacer was asked for.
        """
        log = ""
        given, last = 0, None
        reading, writing = os.pipe()
        with open(reading, "rb") as listing, open(writing, "wb") as listing_end:
            timeout_s = self._limits.timeout(self._probe.duration_s)
            with Process(self._command(writing), timeout_s, pass_fds=(writing,)) as run:
                listing_end.close()  # ffmpeg holds the only writing end now
                shown = _ShownTimes(self._wanted + TIME_TOLERANCE_S, self._start)
                reader = threading.Thread(target=shown.read, args=(listing,), daemon=True)
                reader.start()
                while len(images := self._read(run, self.steps - given)):
                    if shown.has_fields and not self._deinterlace:
                        raise FieldsFound
                    given += len(images)
                    last = images[-1:]
                    yield images
                reader.join()
                log = run.finish()
        if shown.has_fields and not self._deinterlace:
            raise FieldsFound
        if last is None:
            raise MediaError("no_frames", ffmpeg.first_error(log) or "no frame can be decoded")
        while given < self.steps:  # the last frame stays
            count = min(AT_ONCE, self.steps - given)
            given += count
            yield np.repeat(last, count, axis=0)
        self.decoded, self.times = shown.count, shown.times
        self._judge(log)

    @property
    def _start(self) -> int:
        """Microseconds of the file's clock at which step 0 is."""
        return round(self._probe.start_s * _MICROSECOND)

    def _judge(self, log: str) -> None:
        error = ffmpeg.first_error(log) or self._probe.damage
        usual = 1 / self._probe.fps
        oldest = max(_OLDEST_S, _OLDEST_FRAMES * usual)
        if error:
            oldest = max(float(1 / self._rate), _OLDEST_DAMAGED_FRAMES * usual)
        self.valid = self._wanted - self.times <= oldest
        lost = int(self.steps - self.valid.sum())
        if error:
            count = f"{lost} of {self.steps} steps without a picture"
            self.warning = f"damaged: {count} ({error})"
        fields = "interlaced video, deinterlaced" if self._deinterlace else ""
        gaps = f"{lost} of {self.steps} steps without a new picture" if lost and not error else ""
        self.note = "; ".join(filter(None, [self._probe.note, fields, gaps]))

    def _read(self, run: Process, most: int) -> np.ndarray:
        """Return the next pictures (n, H, W, 3), none at the end."""
        width, height = self._size
        depth = np.dtype(np.uint16 if self._colours else np.uint8)
        length = width * height * _CHANNELS * depth.itemsize
        data = bytearray(length * min(AT_ONCE, most))
        count = run.stdout.readinto(data) // length if data else 0
        images = np.frombuffer(data, depth, count * length // depth.itemsize)
        images = images.reshape(count, height, width, _CHANNELS)
        if self._colours is None:
            return images
        shown = [to_sdr(image, self._colours) for image in images]
        return np.stack(shown) if shown else np.empty((0, height, width, _CHANNELS), np.uint8)

    def _command(self, listing_fd: int) -> list[str]:
        source = open_input(max_pixels=self._limits.max_pixels)[str(self._probe.video_stream)]
        # In microseconds, so that the rule is one of whole numbers.
        frames = source.filter("settb", f"1/{_MICROSECOND}")
        branches = frames.filter_multi_output("split", 2)
        options = {"c:v": "wrapped_avframe", "format": "framecrc", **ALL_FRAMES}
        marked = branches[0].filter("setpts", f"PTS+INTERLACED*{_FAR}")
        listing = marked.output(f"pipe:{listing_fd}", **options)
        arguments = ffmpeg_python.merge_outputs(self._pictures(branches[1]), listing)
        is_bridged = self._probe.is_bridged
        return decode_command(self._path, arguments, is_bridged=is_bridged, limits=self._limits)

    def _pictures(self, frames: ffmpeg_python.nodes.FilterableStream) -> object:
        """Return the output of the pictures that are wanted."""
        if self._deinterlace:
            frames = frames.filter("bwdif", mode="send_frame", deint="interlaced")
        early = self._start + round(TIME_TOLERANCE_S * _MICROSECOND)
        chosen = frames.filter("setpts", f"PTS-{early}" if early >= 0 else f"PTS+{-early}")
        # Rounding up gives each step the last frame that is not after it.
        chosen = chosen.filter("fps", str(self._rate), round="up", start_time=0)
        matrix = self._colours.scale_options if self._colours else {}
        scaled = chosen.filter("scale", *self._size, flags=SCALER, **matrix)
        pixels = "rgb48le" if self._colours else "rgb24"
        options = {"format": "rawvideo", "pix_fmt": pixels, "frames:v": self.steps}
        return scaled.filter("setsar", 1).output("pipe:1", fps_mode="passthrough", **options)


class _ShownTimes:
    """Which frame each of the wanted times shows, from a listing of all frames.

    wanted: seconds after the start, rising. start: microseconds. count: frames so far. has_fields:
    whether one consists of two fields.
    """

    def __init__(self, wanted: np.ndarray, start: int) -> None:
        self._wanted, self._start = wanted, start
        self.times = np.full(len(wanted), -np.inf)
        self.count, self.has_fields = 0, False

    def read(self, lines: Iterable[bytes]) -> None:
        """Read a listing of ffmpeg's `framecrc` in microseconds, to its end."""
        step, shown_at = 0, -np.inf
        for line in lines:
            if line.startswith(b"#") or not line.endswith(b"\n"):
                continue
            ticks = int(line.split(b",", 3)[2])
            if ticks > _FAR // 2:
                self.has_fields = True
                ticks -= _FAR
            self.count += 1
            time_s = (ticks - self._start) / _MICROSECOND
            if time_s <= shown_at:  # out of order in a damaged file: it is not shown
                continue
            end = step + int(np.searchsorted(self._wanted[step:], time_s))
            self.times[step:end] = shown_at
            step, shown_at = end, time_s
        self.times[step:] = shown_at
        if np.isfinite(self.times).any():  # steps before the first frame show the first
            self.times[~np.isfinite(self.times)] = self.times[np.isfinite(self.times)][0]
