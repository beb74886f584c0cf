"""A control for decoders that fail: can this machine decode anything at present?"""

from __future__ import annotations

import math

from unmuted.dataset.limits import Limits
from unmuted.errors import MachineError
from unmuted.media.confinement import confine
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.media.process import Process

_PICTURES = "color=size={side}x{side}:rate=25:duration=0.12,format=rgb24"
_LARGEST = 34_000_000  # pixels: some 400 MB in all
_TIME_S = 60.0


def can_decode(limits: Limits) -> bool:
    """Return whether ffmpeg handles a few large pictures, with the memory and threads it has.

    It has the bounds of a decoder of videos with these limits, and its pictures are as large as
    those of videos may be.
    """
    side = math.isqrt(min(limits.max_pixels, _LARGEST))
    pictures = _PICTURES.format(side=max(2, side - side % 2))
    log = ["-nostdin", "-hide_banner", "-loglevel", "level+error"]
    command = [binary(), *log, "-f", "lavfi", "-i", pictures, "-f", "null", "-"]
    try:
        with Process(confine(command, None, limits), _TIME_S) as run:
            return not run.finish()
    except (MachineError, MediaError):
        return False
