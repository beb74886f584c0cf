"""A reel: segments of several videos, one after another, as one mp4 with their own sound.

Each segment is decoded and encoded by a process of its own, which sees one video and writes to
pipes only, to a whole number of output frames and to the samples that these last. What they give
is put together byte by byte: an H.264 stream whose frames are equally long, and PCM. So nothing is
rounded at a seam, picture and sound cannot drift apart, a damaged segment harms no other, and no
more decoders are open than segments are made at once. A last process puts both into an mp4.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import ffmpeg as graph
from ffmpeg.nodes import FilterableStream

from unmuted.dataset.limits import Limits
from unmuted.disk_space import temporary_space
from unmuted.media import ffmpeg, tone_mapping
from unmuted.media.colour import Colours
from unmuted.media.command import decode_command, open_input
from unmuted.media.ffmpeg import MediaError
from unmuted.media.mp4 import write_mp4
from unmuted.media.probe import Probe
from unmuted.media.process import Process

SAMPLE_RATE = 48_000  # Hz
CHANNELS = 2
_SAMPLE_BYTES = 2 * CHANNELS
_RATES = (
    *(Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30)),
    *(Fraction(50), Fraction(60000, 1001), Fraction(60)),
)
_CLOSE = Fraction(1, 1000)  # of a rate: the average over the packets of a file is not exact
_SLOWEST, _FASTEST = 10, 60  # frames a second
_INDEXED = ("mov", "matroska")  # containers that say where their key frames are
_EARLY_S, _EARLIER_S = 1, 12  # before a segment, with an index and without: a group of pictures
_SOUND_GAP_S = 0.05  # as in `unmuted.media.sound`
_SCALER = "bicubic+accurate_rnd+full_chroma_int+bitexact"
_CRF, _PRESET, _KEY_FRAME_S = 23, "veryfast", 2
_SOUND_BITS = "128k"
_PIECE = 1 << 18  # bytes
_SPOOL = 8 << 20  # bytes of a segment that are kept in memory
_PICTURE = re.compile(rb"\x00\x00\x01[\x01\x21\x41\x61\x25\x45\x65]")  # a coded picture begins
_USE = "Segments of a reel are kept there until it is whole"


@dataclass(frozen=True)
class Cut:
    """A segment of one video.

    start: seconds after its first frame. seconds: how long it lasts. track: of the sound, its index
    among the audio streams; None without one that is to be heard.
    """

    path: Path
    probe: Probe
    start: Fraction
    seconds: Fraction
    track: int | None


@dataclass(frozen=True)
class ReelFormat:
    """Pictures of a reel: even numbers of pixels, and frames a second."""

    width: int
    height: int
    rate: Fraction

    @classmethod
    def like(cls, probe: Probe) -> ReelFormat:
        """Return the format of a video, upright and with square pixels; odd sides get a pixel."""
        width, height = (side + side % 2 for side in (probe.width, probe.height))
        return cls(width, height, common_rate(probe.fps))


@dataclass(frozen=True)
class Reel:
    """Encoded segments, ready to be put into a file; what is encoded lies in files without names.

    Attributes:
        format: of the pictures.
        frames: of each cut, 0 for one that is left out.
        remarks: on cuts that could not be shown as they should.
        notes: what a person should know of cuts that are shown.
        pictures: H.264.
        sound: PCM; None where no cut has any.
    """

    format: ReelFormat
    frames: tuple[int, ...]
    remarks: tuple[str, ...]
    notes: tuple[str, ...]
    pictures: IO[bytes]
    sound: IO[bytes] | None

    @property
    def seconds(self) -> Fraction:
        """Return how long it lasts."""
        return sum(self.frames) / self.format.rate

    def write(self, path: Path) -> None:
        """Write the mp4. Raises MachineError where that fails.

        path: a temporary one, as of `unmuted.engine.artifacts.atomic`: a killed call leaves a part.
        """
        _mux(self.pictures, self.sound, self.format.rate, path)


def common_rate(fps: float) -> Fraction:
    """Return the usual frame rate that is meant by an average one, within 10 to 60 a second."""
    for rate in _RATES:
        if abs(Fraction(fps) - rate) <= _CLOSE * rate:
            return rate
    return Fraction(min(max(round(fps), _SLOWEST), _FASTEST))


def make_reel(
    cuts: Sequence[Cut],
    limits: Limits | None = None,
    processes: int = 1,
    form: ReelFormat | None = None,
) -> Reel:
    """Encode the cuts in their order: H.264 in yuv420p, and sound where any has it.

    The first cut's video gives the format unless there is one; all others are scaled into it, with
    black around them. HDR
    and wide-gamut pictures are shown as SDR where ffmpeg can do it (`unmuted.media.tone_mapping`).
    Where a cut has no sound, there is silence. Equal cuts give equal bytes on one machine, for any
    number of processes. A killed call leaves nothing.

    Args:
        cuts: at least one.
        limits: of the videos.
        processes: how many segments are made at once.
        form: of the pictures.

    Raises:
        MediaError: `no_frames` where no cut has a picture that can be decoded, `timeout`.
        DecoderFailure: something stopped a decoder that says nothing about the video.
        UserError: TMPDIR has no room.
    """
    limits, form = limits or Limits(), form or ReelFormat.like(cuts[0].probe)
    frames: list[int] = []
    remarks: list[str] = []
    with temporary_space(_USE), ExitStack() as files:
        pictures, sound = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        for number, segment in enumerate(_segments(cuts, form, limits, processes), 1):
            with segment:
                if segment.remark:
                    remarks.append(f"segment {number}: {segment.remark}")
                before = _samples(sum(frames), form.rate)
                frames.append(segment.frames)
                segment.copy(pictures, sound, _samples(sum(frames), form.rate) - before)
        if not sum(frames):
            raise MediaError("no_frames", remarks[0])
        for file in (pictures, sound):
            file.flush()
        files.pop_all()  # the reel keeps them open
    has_sound = any(cut.track is not None for cut in cuts)
    colours = dict.fromkeys(found for cut in cuts if (found := _colours(cut)) is not None)
    notes = tuple(map(tone_mapping.note_on, colours))
    return Reel(form, tuple(frames), tuple(remarks), notes, pictures, sound if has_sound else None)


class _Segment:
    """An encoded segment: its pictures and its sound in files without names."""

    def __init__(self) -> None:
        self._files = [tempfile.SpooledTemporaryFile(_SPOOL) for _ in range(2)]  # noqa: SIM115
        self.pictures, self.sound = self._files
        self.frames, self.remark = 0, ""

    def __enter__(self) -> _Segment:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def clear(self) -> None:
        """Forget what was written."""
        for file in self._files:
            file.seek(0)
            file.truncate()
        self.frames = 0

    def copy(self, pictures: IO[bytes], sound: IO[bytes], samples: int) -> None:
        """Append the pictures, and so many samples of sound, to files."""
        if not self.frames:
            return
        for file in self._files:
            file.seek(0)
        while piece := self.pictures.read(_PIECE):
            pictures.write(piece)
        left = samples * _SAMPLE_BYTES
        while left and (piece := self.sound.read(min(left, _PIECE))):
            sound.write(piece)
            left -= len(piece)
        while left:
            left -= sound.write(bytes(min(left, _PIECE)))


def _segments(
    cuts: Sequence[Cut], form: ReelFormat, limits: Limits, processes: int
) -> Iterator[_Segment]:
    """Yield the encoded cuts in their order; at most twice as many as processes wait."""
    with ThreadPoolExecutor(processes) as pool:
        ahead = 2 * processes
        waiting = [pool.submit(_encode, cut, form, limits) for cut in cuts[:ahead]]
        following = iter(cuts[ahead:])
        try:
            while waiting:
                yield waiting.pop(0).result()
                if (cut := next(following, None)) is not None:
                    waiting.append(pool.submit(_encode, cut, form, limits))
        finally:
            for future in waiting:
                future.cancel()


def _encode(cut: Cut, form: ReelFormat, limits: Limits) -> _Segment:
    """Return a cut as a segment: without sound where that is in the way, without frames at last."""
    wanted = max(1, round(cut.seconds * form.rate))
    segment, problem = _Segment(), ""
    for track in dict.fromkeys((cut.track, None)):
        segment.clear()
        log = _run(cut, track, form, wanted, limits, segment)
        problem = problem or ffmpeg.first_error(log) or "no frame can be decoded"
        if segment.frames == wanted:
            lost = "its sound cannot be decoded" if track != cut.track else ""
            segment.remark = f"{lost} ({problem})" if lost else ""
            return segment
    segment.clear()
    segment.remark = f"left out, its picture cannot be decoded ({problem})"
    return segment


def _run(
    cut: Cut, track: int | None, form: ReelFormat, wanted: int, limits: Limits, segment: _Segment
) -> str:
    """Decode and encode a cut into the segment's files; return the log of ffmpeg."""
    reading, writing = os.pipe()
    with open(reading, "rb") as samples, open(writing, "wb") as samples_end:
        command = _command(cut, track, form, wanted, limits, writing)
        timeout_s = limits.timeout(float(cut.probe.duration_s))
        with Process(command, timeout_s, pass_fds=(writing,)) as run:
            samples_end.close()  # ffmpeg holds the only writing end now: its exit ends the stream
            failures: list[OSError] = []
            listener = threading.Thread(target=_drain, args=(samples, segment.sound, failures))
            listener.start()
            try:
                segment.frames = _copy_pictures(run.stdout, segment.pictures)
                log = run.finish()
            finally:
                run.__exit__(None, None, None)  # ends the sound too, whatever happened
                listener.join()
            if failures:
                raise failures[0]
            return log


def _drain(source: IO[bytes], target: IO[bytes], failures: list[OSError]) -> None:
    """Copy all that there is; a full disk must not leave the other side waiting."""
    while piece := source.read(_PIECE):
        if not failures:
            try:
                target.write(piece)
            except OSError as error:
                failures.append(error)


def _copy_pictures(source: IO[bytes], target: IO[bytes]) -> int:
    """Copy an H.264 stream and return its pictures, each of which is one slice."""
    count, tail = 0, b""
    while piece := source.read(_PIECE):
        target.write(piece)
        seen = tail + piece
        count += len(_PICTURE.findall(seen))
        tail = seen[-3:]  # shorter than a beginning, so that none counts twice
    return count


def _command(
    cut: Cut, track: int | None, form: ReelFormat, wanted: int, limits: Limits, sound_fd: int
) -> list[str]:
    """Return the command that writes H.264 to the standard output, and PCM to another pipe."""
    source = open_input(max_pixels=limits.max_pixels, **_seek(cut))
    origin = Fraction(cut.probe.start_s).limit_denominator(10**9) + _aligned(cut, form.rate)
    begin = f"PTS-({float(origin):.9f})/TB"
    pictures = _pictures(source[str(cut.probe.video_stream)], cut, form, begin, wanted)
    encoded = {
        "c:v": "libx264",
        "preset": _PRESET,
        "crf": _CRF,
        "pix_fmt": "yuv420p",
        "threads": 1,
        # Without B-frames the order of the packets is that of the pictures, also over a seam.
        "bf": 0,
        "g": round(_KEY_FRAME_S * form.rate),
        "profile:v": "high",
        "flags:v": "+bitexact",
        "fps_mode": "passthrough",
        "map_metadata": -1,
    }
    output = pictures.output("pipe:1", format="h264", **encoded)
    if track is not None:
        samples = _samples(wanted, form.rate) + 1  # at most one more than is used
        heard = _sound(source[f"a:{track}"], begin, samples)
        listed = heard.output(f"pipe:{sound_fd}", format="s16le", **{"c:a": "pcm_s16le"})
        output = graph.merge_outputs(output, listed)
    return decode_command(cut.path, output, is_bridged=cut.probe.is_bridged, limits=limits)


def _seek(cut: Cut) -> dict[str, object]:
    """Return the options that begin to read before a cut; none where all must be read."""
    is_indexed = cut.probe.container.startswith(_INDEXED)
    early = cut.start - (_EARLY_S if is_indexed else _EARLIER_S)
    if cut.probe.is_bridged or early <= 0:
        return {}
    # By the file's own times; the trimming is that of the filters.
    moment = f"{cut.probe.start_s + float(early):.6f}"
    return {"ss": moment, "seek_timestamp": 1, "noaccurate_seek": None}


def _aligned(cut: Cut, rate: Fraction) -> Fraction:
    """Return the start, at most half an output frame away, so that frames of this rate fit.

    Between two frames, their rounded times would make some come twice and others not at all.
    """
    return round(cut.start * rate) / rate


def _pictures(
    stream: FilterableStream, cut: Cut, form: ReelFormat, begin: str, wanted: int
) -> FilterableStream:
    """Return exactly the wanted frames: gaps and the end show what was last seen."""
    if cut.probe.is_interlaced:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    stream = stream.filter("setpts", begin)
    stream = stream.filter("fps", fps=str(form.rate), start_time=0)
    stream = stream.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=wanted)
    width, height = _fitted(cut.probe, form)
    stream = stream.filter("scale", width, height, flags=_SCALER, out_range="tv")
    colours = _colours(cut)
    if colours is not None and tone_mapping.is_possible():
        stream = tone_mapping.to_sdr(stream, colours, _SCALER)
    # The last pixel of an odd side would be lost where two pixels share their colour.
    is_odd = width % 2 or height % 2
    stream = stream.filter("format", "yuv444p" if is_odd else "yuv420p").filter("setsar", 1)
    across, down = (form.width - width) // 2, (form.height - height) // 2
    stream = stream.filter("pad", form.width, form.height, across, down)
    return stream.filter("scale", flags=_SCALER).filter("format", "yuv420p") if is_odd else stream


def _colours(cut: Cut) -> Colours | None:
    """Return what the codes of a cut's pictures mean where they are not the ordinary ones."""
    return Colours.parse(cut.probe.colours) if cut.probe.colours else None


def _fitted(probe: Probe, form: ReelFormat) -> tuple[int, int]:
    """Return the largest size with the shape of a video that fits into the reel's pictures."""
    if (probe.width + probe.width % 2, probe.height + probe.height % 2) == (
        form.width,
        form.height,
    ):
        return probe.width, probe.height
    factor = min(Fraction(form.width, probe.width), Fraction(form.height, probe.height))
    sides = ((probe.width, form.width), (probe.height, form.height))
    width, height = (min(most, max(2, round(side * factor))) for side, most in sides)
    return width, height


def _sound(stream: FilterableStream, begin: str, samples: int) -> FilterableStream:
    """Return the sound on the cut's clock: gaps are filled, and it begins with the picture."""
    stream = stream.filter("asetpts", begin)
    end = samples / SAMPLE_RATE + _SOUND_GAP_S
    stream = stream.filter("atrim", start=-_SOUND_GAP_S, end=end)
    clock = {"async": 1, "min_hard_comp": _SOUND_GAP_S, "first_pts": 0}
    stream = stream.filter("aresample", SAMPLE_RATE, **clock)
    form = {"sample_fmts": "s16", "channel_layouts": "stereo", "sample_rates": SAMPLE_RATE}
    return stream.filter("aformat", **form).filter("atrim", end_sample=samples)


def _samples(frames: int, rate: Fraction) -> int:
    """Return the samples that so many frames from the beginning last."""
    return round(frames / rate * SAMPLE_RATE)


def _mux(pictures: IO[bytes], sound: IO[bytes] | None, rate: Fraction, path: Path) -> None:
    """Write the streams as an mp4 whose index comes first. Raises MachineError."""
    files = [pictures] if sound is None else [pictures, sound]
    inputs = [*("-f", "h264", "-framerate", str(rate)), "-i", f"/dev/fd/{pictures.fileno()}"]
    coded = ["-map", "0:v", "-c:v", "copy"]
    if sound is not None:
        inputs += ["-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(CHANNELS)]
        inputs += ["-i", f"/dev/fd/{sound.fileno()}"]
        coded += ["-map", "1:a", "-c:a", "aac", "-b:a", _SOUND_BITS, "-flags:a", "+bitexact"]
    write_mp4(path, inputs, coded, files, "reel")
