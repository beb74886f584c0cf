"""Streams that are coded already, joined to an mp4 whose index comes first.

ffmpeg parses, and in part decodes, packets that it only copies. Whatever made them, it runs within
the bounds of a decoder: it reads its pipes and writes one file.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from unmuted.dataset.limits import Limits
from unmuted.errors import MachineError
from unmuted.media import ffmpeg
from unmuted.media.confinement import confine
from unmuted.text import printable

_MUX_S = 3600.0


@dataclass(frozen=True)
class Coded:
    """A file with coded streams, read from its beginning to its end.

    format: of ffmpeg, which takes the file for nothing else. options: of the input.
    """

    file: IO[bytes]
    format: str
    options: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return the arguments that name the input."""
        self.file.seek(0)
        bounds = ["-protocol_whitelist", "pipe", "-format_whitelist", self.format]
        source = ["-f", self.format, "-i", f"pipe:{self.file.fileno()}"]
        return [*bounds, *self.options, *source]


def write_mp4(
    path: Path, inputs: Sequence[Coded], outputs: Sequence[str], what: str, limits: Limits
) -> None:
    """Write an mp4; the same streams give the same bytes.

    outputs: arguments of ffmpeg. what: names the video in messages. limits: of the videos that the
    streams were made from. Raises MachineError where ffmpeg fails.
    """
    sources = [argument for one in inputs for argument in one.arguments()]
    clean = ["-fflags", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"]
    # Else a stream that is 10 s ahead of the other, on a busy machine, is written before it.
    clean += ["-max_interleave_delta", "0"]
    target = Path(os.path.abspath(path))
    command = [ffmpeg.binary(), "-nostdin", "-v", "error", "-y", *sources, *outputs, *clean]
    command += ["-f", "mp4", f"file:{target}"]
    try:
        target.touch()  # the sandbox shows what is there
    except OSError as error:
        raise MachineError(f"{printable(path)}: ffmpeg could not write the {what}: {error}") from (
            error
        )
    done = subprocess.run(
        confine(command, None, limits, writes=target),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=[one.file.fileno() for one in inputs],
        timeout=_MUX_S,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise MachineError(f"{printable(path)}: ffmpeg could not write the {what}: {reason}")
