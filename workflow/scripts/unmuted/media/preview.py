"""A small copy of a video for a browser, and its silent picture with another sound.

Browsers play neither AVI nor most of what is in a Matroska file. A copy is H.264 in yuv420p with
AAC in an MP4 whose index comes first, bounded in side and length. A file that is such a copy
already is not encoded again: its packets are taken over. The source is read by confined decoders
alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

from unmuted.dataset.limits import Limits
from unmuted.disk_space import temporary_space
from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.mp4 import write_mp4
from unmuted.media.probe import Probe
from unmuted.media.process import Process
from unmuted.media.reel import Cut, Reel, ReelFormat, common_rate, make_reel
from unmuted.text import one_line

SMALLEST = 16  # pixels of a side
MOST_BITS = 1_500_000  # a second, of a file that is taken over
# In the log of ffmpeg: the profiles of 8 bits, and pictures that are to be turned.
_PLAYABLE = re.compile(
    r"Video: h264 \((?:Constrained Baseline|Baseline|Main|High)\).*, yuv420p[(,]"
)
_TURNED = re.compile(r"display ?matrix", re.IGNORECASE)
_PIECE = 1 << 18  # bytes
_SOUND_BITS = "64k"  # of sound in one channel
_USE = "A copy of a video for the browser is kept there until it is whole"


@dataclass(frozen=True)
class Preview:
    """A copy, ready to be put into a file.

    seconds: how long it lasts. is_whole: whether it shows all of the video. is_encoded: whether its
    pictures were encoded again. warning: what could not be shown as it should.
    """

    seconds: float
    is_whole: bool
    is_encoded: bool
    warning: str
    content: Reel | IO[bytes]

    def write(self, path: Path) -> None:
        """Write the mp4. Raises MachineError where that fails."""
        if isinstance(self.content, Reel):
            self.content.write(path)
            return
        _write_taken_over(self.content, path)


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
    if (
        is_whole
        and is_small(path, probe, side)
        and (taken := _take_over(path, probe, track, limits))
    ):
        return Preview(shown, True, False, "", taken)
    cut = Cut(path, probe, Fraction(0), Fraction(shown).limit_denominator(10**6), track)
    reel = make_reel([cut], limits, form=_small_format(probe, side))
    return Preview(float(reel.seconds), is_whole, True, "; ".join(reel.remarks), reel)


def is_small(path: Path, probe: Probe, side: int) -> bool:
    """Return whether a file seems to be H.264 and AAC in an MP4 of at most this side, undamaged.

    The profile of its pictures is not known of a probe.
    """
    is_playable = probe.container.startswith("mov") and probe.video_codec == "h264"
    is_heard = probe.audio_codec in (None, "aac") and (probe.audio_channels or 0) <= 2
    is_plain = not (probe.is_bridged or probe.is_interlaced or probe.damage or probe.colours)
    fits = max(probe.width, probe.height) <= side and not (probe.width % 2 or probe.height % 2)
    small = path.stat().st_size * 8 <= MOST_BITS * max(1.0, probe.duration_s)
    return is_playable and is_heard and is_plain and fits and small


def write_with_sound(
    copy: Path, sound: Path, seconds: float, tags: Mapping[str, str], path: Path
) -> None:
    """Write the picture of a copy with another sound under it, from its first frame to its last.

    Shorter sound is followed by silence, longer sound is cut. The picture is not encoded again.

    Args:
        copy: of `make_preview`.
        sound: a wav file of the workflow's own.
        seconds: how long the copy lasts.
        tags: metadata by name, such as `title`.
        path: of the mp4.

    Raises MachineError where that fails.
    """
    length = f"{seconds:.6f}"
    filled = f"apad=whole_dur={length},atrim=end={length}"
    with copy.open("rb") as picture, sound.open("rb") as heard:
        inputs = ["-f", "mp4", "-i", f"/dev/fd/{picture.fileno()}"]
        inputs += ["-f", "wav", "-i", f"/dev/fd/{heard.fileno()}"]
        coded = ["-map", "0:v:0", "-c:v", "copy", "-map", "1:a:0", "-af", filled, "-c:a", "aac"]
        coded += ["-b:a", _SOUND_BITS, "-threads", "1", "-flags:a", "+bitexact"]
        for name, text in tags.items():
            coded += ["-metadata", f"{name}={one_line(text)}"]
        write_mp4(path, inputs, coded, [picture, heard], "preview")


def _small_format(probe: Probe, side: int) -> ReelFormat:
    """Return the format of a copy: never larger than the video, its sides even."""
    factor = min(Fraction(1), Fraction(side, max(probe.width, probe.height)))
    width, height = (
        max(SMALLEST, 2 * round(one * factor / 2)) for one in (probe.width, probe.height)
    )
    return ReelFormat(width, height, common_rate(probe.fps))


def _take_over(path: Path, probe: Probe, track: int | None, limits: Limits) -> IO[bytes] | None:
    """Return the packets of picture and sound in a file without a name; None if not playable."""
    source = open_input(max_pixels=limits.max_pixels)
    streams = [source[str(probe.video_stream)]]
    streams += [] if track is None else [source[f"a:{track}"]]
    first, *others = streams
    output = first.output(*others, "pipe:1", format="nut", c="copy")
    command = decode_command(path, output, "info", limits=limits)
    with temporary_space(_USE):
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the preview keeps it open
        with Process(command, limits.timeout(float(probe.duration_s))) as run:
            while piece := run.stdout.read(_PIECE):
                file.write(piece)
            log = run.finish()
        file.flush()
    if ffmpeg.first_error(log) or not _is_playable(log):
        file.close()
        return None
    return file


def _is_playable(log: str) -> bool:
    """Return whether browsers play the pictures of which a log tells, as their packets are."""
    _, _, written = log.partition("Output #0")
    is_turned = _TURNED.search(log) is not None  # which packets alone do not say
    return _PLAYABLE.search(written) is not None and not is_turned


def _write_taken_over(streams: IO[bytes], path: Path) -> None:
    inputs = ["-f", "nut", "-i", f"/dev/fd/{streams.fileno()}"]
    write_mp4(path, inputs, ["-map", "0", "-c", "copy"], [streams], "copy")
