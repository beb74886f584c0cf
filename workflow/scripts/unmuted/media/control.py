"""A control for decoders that fail: can this machine decode anything at present?"""

from __future__ import annotations

from unmuted.errors import MachineError
from unmuted.media.confinement import confine
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.media.process import Process

# A picture as large as videos may have by default, as RGB: some 400 MB in all.
_PICTURES = "color=size=8192x4096:rate=25:duration=0.12,format=rgb24"
_TIME_S = 60.0


def can_decode(sandbox: str = "auto") -> bool:
    """Return whether ffmpeg handles a few large pictures, with the memory and threads it has.

    It has the bounds of a decoder of videos. sandbox: as in `unmuted.media.confinement`.
    """
    log = ["-nostdin", "-hide_banner", "-loglevel", "level+error"]
    command = [binary(), *log, "-f", "lavfi", "-i", _PICTURES, "-f", "null", "-"]
    try:
        with Process(confine(command, None, sandbox), _TIME_S) as run:
            return not run.finish()
    except (MachineError, MediaError):
        return False
