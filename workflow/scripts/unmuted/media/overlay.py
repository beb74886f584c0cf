"""A video with something drawn on each of its frames, and its own sound.

The frames are decoded, drawn on and encoded one at a time at the video's frame rate. The packets of
the sound are copied where an mp4 can hold them, so that its samples stay the same; other sound is
encoded. The time of both is that of the video's first frame.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from unmuted.dataset.limits import Limits
from unmuted.disk_space import temporary_space
from unmuted.errors import MachineError
from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.decoder import DecodedFrames
from unmuted.media.frames import TIME_TOLERANCE_S, shown_frames
from unmuted.media.mp4 import Coded, write_mp4
from unmuted.media.probe import Probe
from unmuted.media.process import Process

Draw = Callable[[float, np.ndarray], np.ndarray]  # seconds, and a picture uint8 (H, W, 3), RGB

COPIED = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")  # what an mp4 holds
_RATES = tuple(Fraction(n * 1000, d) for n in (24, 30, 60) for d in (1000, 1001))
_CLOSE = Fraction(1, 2500)  # of a rate: the average over the packets of a file is not exact
_LEAST_TICKS = 10_000  # a second, of the clock of an mp4
_SLOWEST, _FASTEST = 1, 120  # frames a second
_MOST_DENOMINATOR = 1001  # of a frame rate
_CRF, _PRESET, _SOUND_BITS = 20, "veryfast", "192k"
_PIECE = 1 << 18  # bytes
_USE = "A video that is drawn on is kept there until it is whole"


@dataclass(frozen=True)
class Overlay:
    """An encoded video, ready to be put into a file; what is encoded lies in files without names.

    rate: frames a second. frames: how many. warning: what was lost of the picture or the sound.
    """

    rate: Fraction
    frames: int
    warning: str
    pictures: IO[bytes]
    sound: IO[bytes] | None
    sound_delay_s: float
    is_copied: bool
    limits: Limits

    def write(self, path: Path) -> None:
        """Write the mp4. Raises MachineError where that fails."""
        _mux(self, path)


def frame_rate(probe: Probe) -> Fraction:
    """Return the average frame rate of a video as an exact fraction, within 1 to 120 a second."""
    for rate in _RATES:
        if abs(Fraction(probe.fps) - rate) <= _CLOSE * rate:
            return rate
    rate = Fraction(probe.fps).limit_denominator(_MOST_DENOMINATOR)
    return min(max(rate, Fraction(_SLOWEST)), Fraction(_FASTEST))


def draw_on_video(
    path: Path, probe: Probe, draw: Draw, track: int | None, limits: Limits | None = None
) -> Overlay:
    """Encode a video with drawn frames: H.264 in yuv420p at its size; odd sides get a pixel.

    Args:
        path: a file that `probe` was made from.
        probe: its frame rate, size and duration are those of the result.
        draw: is given every frame in its order; may change it in place.
        track: of the sound, its index among the audio streams; None for none.
        limits: of the videos.

    Raises:
        MediaError: `no_frames` where nothing can be decoded, `timeout`.
        DecoderFailure: something stopped a decoder that says nothing about the video.
        UserError: TMPDIR has no room.
    """
    limits, rate = limits or Limits(), frame_rate(probe)
    count = max(1, round(Fraction(probe.duration_s).limit_denominator(10**6) * rate))
    wanted = np.arange(count, dtype=np.float64) / float(rate)
    frames = DecodedFrames(path, probe, (probe.width, probe.height), limits)
    with temporary_space(_USE):
        pictures = tempfile.TemporaryFile()  # noqa: SIM115  # the overlay keeps it open
        shown = shown_frames(frames, wanted + TIME_TOLERANCE_S)
        with _Encoder(probe.width, probe.height, rate, pictures) as encoder:
            for number, (_, image) in enumerate(shown):
                encoder.write(draw(number / float(rate), np.array(image)))
        sound, problem = (
            _read_sound(path, probe, track, limits) if track is not None else (None, "")
        )
        pictures.flush()
    warning = "; ".join(filter(None, [frames.warning, problem]))
    is_copied = probe.audio_codec in COPIED
    delay = 0.0 if probe.is_bridged else -probe.start_s
    return Overlay(rate, count, warning, pictures, sound, delay, is_copied, limits)


class _Encoder:
    """ffmpeg, which is fed with pictures and writes H.264 to a file."""

    def __init__(self, width: int, height: int, rate: Fraction, target: IO[bytes]) -> None:
        self._odd = (height % 2, width % 2)
        size = f"{width + width % 2}x{height + height % 2}"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-framerate", str(rate)]
        matrix = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
        coded = [
            "-vf",
            matrix,
            "-c:v",
            "libx264",
            "-preset",
            _PRESET,
            "-crf",
            str(_CRF),
            "-bf",
            "0",
        ]
        tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
        clean = [*tags, "-threads", "1", "-flags:v", "+bitexact", "-f", "h264", "pipe:1"]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: Any = subprocess.Popen(
            [ffmpeg.binary(), "-v", "error", *raw, "-i", "pipe:0", *coded, *clean],
            stdin=subprocess.PIPE,
            stdout=target,
            stderr=self._errors,
        )

    def __enter__(self) -> _Encoder:
        return self

    def write(self, image: np.ndarray) -> None:
        """Encode a picture uint8 (H, W, 3)."""
        if any(self._odd):
            image = np.pad(image, ((0, self._odd[0]), (0, self._odd[1]), (0, 0)), "edge")
        try:
            self._process.stdin.write(np.ascontiguousarray(image).data)
        except BrokenPipeError as error:
            raise MachineError(f"ffmpeg stopped encoding: {self._log()}") from error

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        with suppress(BrokenPipeError):  # its exit code says what happened
            self._process.stdin.close()
        failed = self._process.wait() != 0
        log = self._log()
        self._errors.close()
        if failed and kind is None:
            raise MachineError(f"ffmpeg could not encode a video: {log}")

    def _log(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip()[-300:]


def _read_sound(
    path: Path, probe: Probe, track: int, limits: Limits
) -> tuple[IO[bytes] | None, str]:
    """Return the sound on the file's clock, as Matroska, or None with what the problem was."""
    stream = open_input(max_pixels=limits.max_pixels)[f"a:{track}"]
    codec = {"c:a": "copy"} if probe.audio_codec in COPIED else {"c:a": "pcm_s16le"}
    output = stream.output("pipe:1", format="matroska", **codec)
    command = decode_command(path, output, is_bridged=probe.is_bridged, limits=limits)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the overlay keeps it open
    size = 0
    with Process(command, limits.timeout(float(probe.duration_s))) as run:
        while piece := run.stdout.read(_PIECE):
            size += file.write(piece)
        log = run.finish()
    file.flush()
    if size:
        return file, ""
    file.close()
    return None, f"its sound cannot be read ({ffmpeg.first_error(log) or 'no packets'})"


def _mux(overlay: Overlay, path: Path) -> None:
    """Write picture and sound as an mp4 whose index comes first. Raises MachineError."""
    inputs = [Coded(overlay.pictures, "h264", ("-framerate", str(overlay.rate)))]
    ticks = overlay.rate.numerator * -(-_LEAST_TICKS // overlay.rate.numerator)
    coded = ["-map", "0:v", "-c:v", "copy", "-video_track_timescale", str(ticks)]
    if overlay.sound is not None:
        delay = ("-itsoffset", f"{overlay.sound_delay_s:.6f}")
        inputs.append(Coded(overlay.sound, "matroska", delay))
        aac = ["-c:a", "aac", "-b:a", _SOUND_BITS, "-flags:a", "+bitexact"]
        coded += ["-map", "1:a", *(["-c:a", "copy"] if overlay.is_copied else aac)]
        coded += ["-strict", "experimental"]  # for flac in mp4 by older ffmpeg
    write_mp4(path, inputs, coded, "overlay", overlay.limits)
