"""Frames at evenly spaced times, of a clip or at a constant rate over a whole video.

Each is the frame that a player would show at that moment.

Chosen by presentation time, so that variable frame rates and any nominal rate come out right. The
file is decoded once, from the beginning: no seeking, which is inexact in damaged files and open
groups of pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from unmuted.media.decoder import DecodedFrames
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, Probe

MAX_ASPECT = 8  # long side over short side: a bound on the memory for very wide pictures
MIN_SIDE = 16  # pixels, under which OpenCV's algorithms for optical flow fail or crash

# Times this close count as equal: at 24 fps and 18 steps in 3 s every step falls exactly on a
# frame, and rounding must not choose the frame before it.
TIME_TOLERANCE_S = 5e-6


@dataclass(frozen=True)
class FrameSample:
    """T frames of one clip.

    Attributes:
        images: uint8 `(T, H, W, 3)`, RGB, upright, square pixels.
        timestamps: float64 `(T,)`, when each is presented, in seconds after the first frame.
        decoded: frames that could be decoded in the whole clip.
        warning: what was lost in a damaged file, empty for an undamaged one.
        note: what else a person should know of the pictures, such as that they were deinterlaced.
    """

    images: np.ndarray
    timestamps: np.ndarray
    decoded: int
    warning: str = ""
    note: str = ""


def sample_times(start: float, duration: float, steps: int) -> np.ndarray:
    """Return the middles of `steps` equal parts, `start + (i + 0.5) / steps * duration`."""
    return start + (np.arange(steps, dtype=np.float64) + 0.5) / steps * duration


def scaled_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return `(width, height)` with the given short side.

    Small pictures are enlarged, so that speeds in pixels a second are comparable between clips.
    Pictures wider or taller than `MAX_ASPECT` to 1 keep their shape and get a long side of
    `MAX_ASPECT * short_side`.
    """
    factor = min(short_side / min(width, height), MAX_ASPECT * short_side / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def stored_size(probe: Probe, short_side: int) -> tuple[int, int]:
    """Return `scaled_size` of a video's pictures; raise MediaError where that is too thin."""
    width, height = scaled_size(probe.width, probe.height, short_side)
    if min(width, height) < MIN_SIDE:
        sizes = f"{probe.width}x{probe.height} pixels would be {width}x{height}"
        raise MediaError("too_thin", f"{sizes} where at least {MIN_SIDE} are needed on each side")
    return width, height


def read_frames(
    path: Path, probe: Probe, steps: int, short_side: int, limits: Limits | None = None
) -> FrameSample:
    """Decode a clip and keep, for each of `sample_times`, the latest frame that is not after it.

    Only one frame besides the chosen ones is in memory at any time. Steps before the first frame
    show the first.

    Args:
        path: a file that `probe` was made from.
        probe: its start and duration set the times, its size the scale.
        steps: T, the number of frames wanted.
        short_side: of the returned images, in pixels.

    Raises:
        MediaError: `too_thin` for a picture that is no more than a strip, `no_frames` where nothing
            can be decoded, `timeout`.
    """
    wanted = sample_times(0.0, probe.duration_s, steps) + TIME_TOLERANCE_S
    return read_kept(path, probe, steps, short_side, partial(keep_shown, wanted=wanted), limits)


def read_kept(
    path: Path,
    probe: Probe,
    steps: int,
    short_side: int,
    keep: Callable[..., int],
    limits: Limits | None = None,
) -> FrameSample:
    """Decode a clip and keep the frames that `keep` fills in.

    `keep(frames, images=..., timestamps=...)` is called once. It must read all frames, fill in the
    arrays as :func:`keep_shown` does, and return the number of frames read. Steps that it leaves
    out are zeros. Raises as :func:`read_frames`.
    """
    limits = limits or Limits()
    width, height = stored_size(probe, short_side)
    images = np.zeros((steps, height, width, 3), dtype=np.uint8)
    timestamps = np.zeros(steps, dtype=np.float64)
    frames = DecodedFrames(path, probe, (width, height), limits)
    keep(frames, images=images, timestamps=timestamps)
    timestamps = np.round(timestamps, 6)  # ffmpeg was asked for microseconds
    return FrameSample(images, timestamps, frames.count, frames.warning, frames.note)


class TimelineFrames:
    """The frames shown at a constant rate from the beginning of a video to its end, in order.

    Step i is the last frame that is presented not after i / fps seconds. Iterating decodes the
    video; only the present frame is in memory.

    Attributes:
        steps: how many there are.
        decoded: frames that were decoded; known only once the iteration has ended.
        warning: what was lost in a damaged file, known then too; empty for an undamaged one. In a
            gap the last frame before it stays: its time says how old it is.
        note: what else a person should know of the pictures, known then too.
    """

    def __init__(
        self, path: Path, probe: Probe, fps: float, short_side: int, limits: Limits | None = None
    ) -> None:
        self._path, self._probe, self._limits = path, probe, limits or Limits()
        self._size = stored_size(probe, short_side)
        self._wanted = grid_times(probe.duration_s, fps)
        self.steps = len(self._wanted)
        self.decoded, self.warning, self.note = 0, "", ""

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield `(seconds after the first frame, image uint8 (H, W, 3), RGB)` of every step.

        Raises:
            MediaError: `no_frames` where nothing can be decoded, `timeout`.
        """
        frames = DecodedFrames(self._path, self._probe, self._size, self._limits)
        for time_s, image in shown_frames(frames, self._wanted + TIME_TOLERANCE_S):
            yield round(time_s, 6), image
        self.decoded, self.warning, self.note = frames.count, frames.warning, frames.note


def grid_times(duration: float, fps: float) -> np.ndarray:
    """Return the times i / fps that lie in `[0, duration)`, at least one: float64 `(steps,)`."""
    steps = max(1, math.ceil(duration * fps - TIME_TOLERANCE_S * fps))
    return np.arange(steps, dtype=np.float64) / fps


def shown_frames(
    frames: Iterable[tuple[float, np.ndarray]], wanted: np.ndarray
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the frame shown at each of the `wanted` times, with its own time.

    Args:
        frames: `(time, image)` in the order of decoding; read to the end, only the current one
            is kept.
        wanted: `(T,)`, rising; times before the first frame show the first.
    """
    step, shown_at, shown = 0, -np.inf, None
    for time_s, image in frames:
        if time_s <= shown_at:  # out of order in a damaged file: skip what is not later
            continue
        while shown is not None and step < len(wanted) and wanted[step] < time_s:
            yield shown_at, shown
            step += 1
        shown_at, shown = time_s, image
    if shown is not None:
        for _ in range(step, len(wanted)):
            yield shown_at, shown


class _Counted:
    """Frames, and how many were read."""

    def __init__(self, frames: Iterable[tuple[float, np.ndarray]]) -> None:
        self._frames, self.count = frames, 0

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        for frame in self._frames:
            self.count += 1
            yield frame


def keep_shown(
    frames: Iterable[tuple[float, np.ndarray]],
    wanted: np.ndarray,
    images: np.ndarray,
    timestamps: np.ndarray,
) -> int:
    """Fill `images` and `timestamps` with the frame shown at each of the `wanted` times.

    Args:
        frames: `(time, image)` in the order of decoding; read once, only the current one is kept.
        wanted: `(T,)`, rising.
        images: filled in, `(T, H, W, 3)`.
        timestamps: filled in, `(T,)`.

    Returns:
        The number of frames read.
    """
    counted = _Counted(frames)
    for step, (time_s, image) in enumerate(shown_frames(counted, wanted)):
        images[step], timestamps[step] = image, time_s
    return counted.count
