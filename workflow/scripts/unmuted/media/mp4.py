"""Streams that are coded already, joined to an mp4 whose index comes first."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from unmuted.errors import MachineError
from unmuted.media import ffmpeg
from unmuted.text import printable

_MUX_S = 3600.0


def write_mp4(
    path: Path, inputs: Sequence[str], coded: Sequence[str], files: Sequence[IO[bytes]], what: str
) -> None:
    """Write an mp4; the same streams give the same bytes.

    inputs, coded: arguments of ffmpeg. files: those that the inputs name as /dev/fd/<number>, at
    their beginning. what: names the video in messages. Raises MachineError where ffmpeg fails.
    """
    for file in files:
        file.seek(0)  # where /dev/fd shares the place
    clean = ["-fflags", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"]
    command = [ffmpeg.binary(), "-nostdin", "-v", "error", "-y", *inputs, *coded, *clean]
    done = subprocess.run(
        [*command, "-f", "mp4", f"file:{os.path.abspath(path)}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=[file.fileno() for file in files],
        timeout=_MUX_S,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise MachineError(f"{printable(path)}: ffmpeg could not write the {what}: {reason}")
