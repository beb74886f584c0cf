"""A small copy of a video for a browser, and its silent picture with another sound.

Browsers play neither AVI nor most of what is in a Matroska file. A copy is H.264 in yuv420p with
AAC in an MP4 whose index comes first, bounded in side and length. It is always encoded anew, from
the frames and samples of a confined decoder: no packet of the source reaches anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from unmuted.dataset.limits import Limits
from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.mp4 import Coded, write_mp4
from unmuted.media.probe import Probe
from unmuted.media.process import Process
from unmuted.media.reel import Cut, Reel, ReelFormat, common_rate, make_reel
from unmuted.text import one_line

SMALLEST = 16  # pixels of a side
_SOUND_BITS = "64k"  # of sound in one channel


@dataclass(frozen=True)
class Preview:
    """A copy, ready to be put into a file.

    seconds: how long it lasts. is_whole: whether it shows all of the video. warning: what could not
    be shown as it should.
    """

    seconds: float
    is_whole: bool
    warning: str
    content: Reel

    def write(self, path: Path) -> None:
        """Write the mp4. Raises MachineError where that fails."""
        self.content.write(path)


def make_preview(
    path: Path,
    probe: Probe,
    track: int | None,
    side: int,
    seconds: float,
    limits: Limits | None = None,
) -> Preview:
    """Return a copy of the beginning of a video; equal arguments give equal bytes on one machine.

    Args:
        path: a file that `probe` was made from.
        probe: its size and duration bound those of the copy.
        track: of the sound, its index among the audio streams; None for a silent copy.
        side: the longest side of the copy in pixels.
        seconds: the longest duration of the copy.
        limits: of the videos.

    Raises:
        MediaError: `no_frames` where nothing can be decoded, `timeout`.
        DecoderFailure: something stopped a decoder that says nothing about the video.
        UserError: TMPDIR has no room.
    """
    limits = limits or Limits()
    shown = min(probe.duration_s, seconds)
    is_whole = probe.duration_s <= seconds
    cut = Cut(path, probe, Fraction(0), Fraction(shown).limit_denominator(10**6), track)
    reel = make_reel([cut], limits, form=_small_format(probe, side))
    return Preview(float(reel.seconds), is_whole, "; ".join(reel.remarks), reel)


def first_picture(path: Path, side: int, limits: Limits | None = None) -> bytes:
    """Return the first frame of a copy as a JPEG; empty where it cannot be decoded.

    side: the longest of the picture in pixels. limits: of the videos.
    """
    limits = limits or Limits()
    stream = open_input(max_pixels=limits.max_pixels)["V:0"]
    bounds = {"w": f"min({side},iw)", "h": f"min({side},ih)"}
    fitted = stream.filter("scale", **bounds, force_original_aspect_ratio="decrease")
    coded = {"c:v": "mjpeg", "q:v": 6, "pix_fmt": "yuvj420p", "flags:v": "+bitexact"}
    output = fitted.output("pipe:1", format="image2pipe", **{"frames:v": 1}, **coded)
    try:
        with Process(decode_command(path, output, limits=limits), limits.timeout_s) as run:
            picture = run.stdout.read()
            log = run.finish()
    except ffmpeg.MediaError:  # of time
        return b""
    return b"" if ffmpeg.first_error(log) else picture


def write_with_sound(
    copy: Path,
    sound: Path,
    seconds: float,
    tags: Mapping[str, str],
    path: Path,
    limits: Limits | None = None,
) -> None:
    """Write the picture of a copy with another sound under it, from its first frame to its last.

    Shorter sound is followed by silence, longer sound is cut. The picture is not encoded again.

    Args:
        copy: of `make_preview`.
        sound: a wav file of the workflow's own.
        seconds: how long the copy lasts.
        tags: metadata by name, such as `title`.
        path: of the mp4.
        limits: of the videos.

    Raises MachineError where that fails.
    """
    length = f"{seconds:.6f}"
    filled = f"apad=whole_dur={length},atrim=end={length}"
    with copy.open("rb") as picture, sound.open("rb") as heard:
        coded = ["-map", "0:v:0", "-c:v", "copy", "-map", "1:a:0", "-af", filled, "-c:a", "aac"]
        coded += ["-b:a", _SOUND_BITS, "-threads", "1", "-flags:a", "+bitexact"]
        for name, text in tags.items():
            coded += ["-metadata", f"{name}={one_line(text)}"]
        inputs = [Coded(picture, "mp4"), Coded(heard, "wav")]
        write_mp4(path, inputs, coded, "preview", limits or Limits())


def _small_format(probe: Probe, side: int) -> ReelFormat:
    """Return the format of a copy: never larger than the video, its sides even."""
    factor = min(Fraction(1), Fraction(side, max(probe.width, probe.height)))
    width, height = (
        max(SMALLEST, 2 * round(one * factor / 2)) for one in (probe.width, probe.height)
    )
    return ReelFormat(width, height, common_rate(probe.fps))
