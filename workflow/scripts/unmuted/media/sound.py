"""One audio track as pieces of samples at their places on the video's clock.

ffmpeg builds its filters anew wherever the channels, the layout or the sampling rate change. So the
place of a piece comes from its time stamp, not from what was decoded before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ffmpeg.nodes import FilterableStream

from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.framecrc import Listing
from unmuted.media.probe import Limits, Probe
from unmuted.media.process import Process

# A jump in the sound's time stamps longer than this is a gap or an overlap; less is the rounding
# of containers.
_GAP_S = 0.05

# Sound this far outside the clip is not resampled; the resampler looks at less than that.
_MARGIN_S = 1.0

# Samples that are not finite count as silence, and those that no format means as its loudest.
_FINITE = "if(isnan(val(ch))+isinf(val(ch)),0,clip(val(ch),-1e6,1e6))"


class FiltersRebuilt(Exception):
    """The filters were built anew, so that the sound has to be placed piece by piece."""


@dataclass(frozen=True)
class Source:
    """What is decoded: an audio track of a file, on the clock of its video.

    Attributes:
        track: its index among the audio streams.
        rate: of the result, in Hz.
        is_finite: whether all samples are numbers; else those that are none become silence.
    """

    path: Path
    probe: Probe
    track: int
    rate: int
    limits: Limits
    is_finite: bool = True

    @property
    def length(self) -> int:
        """Samples of the clip."""
        return round(self.probe.duration_s * self.rate)

    def made_finite(self) -> Source:
        """Return the source whose samples are all finite."""
        return replace(self, is_finite=False)


@dataclass(frozen=True)
class OutputFormat:
    """What becomes of the channels: the filters, given as `(name, arguments)`, and their output."""

    filters: tuple[tuple[str, dict[str, str]], ...]
    channels: int
    codec: str  # pcm_s16le or pcm_f32le

    @property
    def dtype(self) -> np.dtype:
        """Of the samples."""
        return np.dtype("<i2" if self.codec == "pcm_s16le" else "<f4")


def decode(
    source: Source, output_format: OutputFormat, log: list[str], by_time: bool = True
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield `(position, samples (n, channels))` of the clip, and append the first error to `log`.

    Position 0 is the moment of the first video frame. Positions rise and pieces do not overlap: of
    what overlaps, the later is cut. Where there is no sound, there is no piece.

    Args:
        source: what is decoded.
        output_format: what becomes of its channels.
        log: gets the first error of the decoder, empty without one.
        by_time: place every piece at its time stamp. Otherwise the sound is brought to the clock
            before it is resampled, which is exact to fractions of a sample and possible only where
            the filters stay the same.

    Raises:
        FiltersRebuilt: they did not.
        MediaError: `timeout`.
    """
    reading, writing = os.pipe()
    with open(reading, "rb") as times, open(writing, "wb") as times_end:
        command = _command(source, output_format, by_time, writing)
        timeout_s = source.limits.timeout(source.probe.duration_s)
        with Process(command, timeout_s, pass_fds=(writing,)) as run:
            times_end.close()  # ffmpeg holds the only writing end now: its exit ends the stream
            place = 0
            for entry in Listing().entries(line.decode("ascii") for line in times):
                data = run.stdout.read(entry.size)
                if len(data) < entry.size:
                    break
                samples = np.frombuffer(data, output_format.dtype).reshape(
                    -1, output_format.channels
                )
                start = place if entry.pts is None else round(entry.pts * source.rate)
                if start != place and not by_time:
                    raise FiltersRebuilt
                samples = samples[max(0, place - start) : max(0, source.length - start)]
                start = max(start, place)
                if len(samples):
                    yield start, samples
                    place = start + len(samples)
            log.append(ffmpeg.first_error(run.finish()))


def _command(
    source: Source, output_format: OutputFormat, by_time: bool, times_fd: int
) -> list[str]:
    """Return the command that writes the time of each piece to one pipe and the piece to another.

    One muxer writes both, the time first, so that the two cannot get out of step.
    """
    sound = _on_the_clock(source, by_time)
    for name, arguments in output_format.filters:
        sound = sound.filter(name, **arguments)
    if not by_time:
        sound = sound.filter("atrim", end_sample=source.length)
    raw = output_format.codec.removeprefix("pcm_")
    outputs = f"[f=framecrc:flush_packets=1]pipe:{times_fd}|[f={raw}:flush_packets=1]pipe:1"
    output = sound.output(outputs, format="tee", **{"c:a": output_format.codec})
    is_bridged, limits = source.probe.is_bridged, source.limits
    return decode_command(source.path, output, is_bridged=is_bridged, limits=limits)


def _on_the_clock(source: Source, by_time: bool) -> FilterableStream:
    """Return the track at the wanted rate; gaps are filled, overlaps are cut."""
    sound = open_input()[f"a:{source.track}"]
    sound = sound.filter("asetpts", f"PTS-({source.probe.start_s:.9f})/TB")
    span = {"end": source.probe.duration_s + _MARGIN_S}
    sound = sound.filter("atrim", **({"start": -_MARGIN_S} if by_time else {}), **span)
    if not source.is_finite:
        sound = sound.filter("aeval", exprs=_FINITE, channel_layout="same")
    # async=1 fills gaps and cuts overlaps, never stretches; first_pts does so at the beginning
    # and counts at the input's rate: 0 means the same at both.
    clock = {"async": 1, "min_hard_comp": _GAP_S, **({} if by_time else {"first_pts": 0})}
    return sound.filter("aresample", source.rate, **clock)
