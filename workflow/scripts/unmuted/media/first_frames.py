"""The first frames of a clip, as the source document takes them; short clips give fewer.

The whole file is decoded all the same: ffmpeg reads ahead, so of a decoder that is stopped early it
would be a matter of timing whether damage behind the last frame is reported.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from unmuted.media.every_nth import keep_every_nth
from unmuted.media.frames import FrameSample, read_kept
from unmuted.media.probe import Limits, Probe


def read_first_frames(
    path: Path, probe: Probe, most: int, short_side: int, limits: Limits | None = None
) -> FrameSample:
    """Decode a clip and keep its first frames in the order of showing, at most so many.

    Args:
        path: a file that `probe` was made from.
        probe: its size sets the scale.
        most: number of frames wanted; a clip with fewer gives all that it has.
        short_side: of the returned images, in pixels.

    Raises:
        MediaError: as `read_frames`; there is at least one frame otherwise.
    """
    sample = read_kept(path, probe, most, short_side, partial(keep_every_nth, interval=1), limits)
    given = min(most, sample.decoded)
    return replace(sample, images=sample.images[:given], timestamps=sample.timestamps[:given])
