"""The picture in the middle of every second of a video, of any length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unmuted.media.decoder import DecodedFrames
from unmuted.media.frames import TIME_TOLERANCE_S, shown_frames, stored_size
from unmuted.media.probe import Limits, Probe


def second_spans(duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Return where the seconds of a video begin and end: float64 (K,) each.

    The last part of a second counts as one if it is half a second or longer; a shorter video is one
    second.
    """
    count = max(1, int(duration + 0.5 + TIME_TOLERANCE_S))
    starts = np.arange(count, dtype=np.float64)
    return starts, np.minimum(starts + 1, duration)


class SecondFrames:
    """The pictures of the K seconds of a video.

    Attributes:
        starts, ends: float64 (K,), the seconds.
        size: width and height of the pictures.
        decoded: frames that were decoded; known, like all that follows, after the iteration.
        warning: what was lost in a damaged file; empty for an undamaged one.
        note: what else a person should know of the pictures.
    """

    def __init__(
        self,
        path: Path,
        probe: Probe,
        short_side: int,
        limits: Limits | None = None,
        at: float = 0.5,
        squash: bool = False,
    ) -> None:
        """Prepare to decode a file that `probe` was made from.

        at: where in its second a picture is taken, 0 to 1. squash: whether to squeeze the picture
        into a square. Raises MediaError (`too_thin`) for a picture that is no more than a strip.
        """
        self._path, self._probe, self._limits = path, probe, limits or Limits()
        self.starts, self.ends = second_spans(probe.duration_s)
        self._wanted = self.starts + at * (self.ends - self.starts)
        self.size = (short_side, short_side) if squash else stored_size(probe, short_side)
        self.decoded, self.warning, self.note = 0, "", ""

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield `(seconds after the first frame, image uint8 (H, W, 3), RGB)` of every second.

        Raises:
            MediaError: `no_frames` where nothing can be decoded, `timeout`.
        """
        frames = DecodedFrames(self._path, self._probe, self.size, self._limits)
        for time_s, image in shown_frames(frames, self._wanted + TIME_TOLERANCE_S):
            yield round(time_s, 6), image
        self.decoded, self.warning, self.note = frames.count, frames.warning, frames.note
