"""Every n-th frame of a clip, and only clips that give exactly T: how the source samples frames.

An option, not the default. n is the container's rate over the wanted rate, cut to a whole number:
at 6 a second a clip of 3 s gives 18 frames at 24, 30 and 60 fps, 19 at 25, 23 at 29.97, 24 at
23.976. So "clips of 18 frames" selects frame rates, hence cameras and uploaders, not clips.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import FrameSample, read_kept
from unmuted.media.probe import Limits, Probe


def read_every_nth(
    path: Path,
    probe: Probe,
    steps: int,
    short_side: int,
    rate: float,
    limits: Limits | None = None,
) -> FrameSample:
    """Decode a clip and keep every `int(probe.fps / rate)`-th frame, from the first on.

    The probe measures the rate from the packets. Where a container counts in milliseconds, clips
    of about a second can come out at 24 fps instead of 23.976.

    Args:
        path: a file that `probe` was made from.
        probe: its rate sets the interval, its size the scale.
        steps: T, the only number of frames that is accepted.
        short_side: of the returned images, in pixels.
        rate: frames wanted a second.

    Raises:
        MediaError: `wrong_frame_count` where that gives more or less than T frames, or where the
            interval is 0, a division by zero in the source; as `read_frames` otherwise.
    """
    interval = int(probe.fps / rate)
    rule = f"one in int({probe.fps:g} / {rate:g}) = {interval}, at {probe.fps:g} fps"
    if interval == 0:
        raise MediaError("wrong_frame_count", f"no frames, expected {steps}: {rule}")
    keep = partial(keep_every_nth, interval=interval)
    sample = read_kept(path, probe, steps, short_side, keep, limits)
    given = -(-sample.decoded // interval)
    if given != steps:
        counts = f"{given} frames, expected {steps}: of {sample.decoded} {rule}"
        raise MediaError("wrong_frame_count", counts)
    return sample


def keep_every_nth(
    frames: Iterable[tuple[float, np.ndarray]],
    interval: int,
    images: np.ndarray,
    timestamps: np.ndarray,
) -> int:
    """Fill `images` and `timestamps` with the frames number 0, n, 2n, ... while there is room.

    Args:
        frames: `(time, image)` in the order of decoding; read once, to the end.
        interval: n.
        images: filled in, `(T, H, W, 3)`.
        timestamps: filled in, `(T,)`, not falling: a frame out of order, as in a damaged file, is
            shown when it comes.

    Returns:
        The number of frames read.
    """
    count, shown_at = 0, -np.inf
    for time_s, image in frames:
        shown_at = max(shown_at, time_s)
        step, rest = divmod(count, interval)
        if rest == 0 and step < len(images):
            images[step], timestamps[step] = image, shown_at
        count += 1
    return count
