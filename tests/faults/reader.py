"""Probe, frames and sound of one file, read in a process of its own as the jobs read them.

The process is forked from a server that has everything imported, so it costs milliseconds, and a
crash of a library in it is seen.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import read_frames
from unmuted.media.images import encode_images
from unmuted.media.probe import Limits, probe
from unmuted.media.source import read_again_if_lost
from unmuted.media.wav import read_wav

STAGES = ("probe", "frames", "wav")
STEPS, SHORT_SIDE = 18, 48
LIMITS = Limits(timeout_s=40.0)
SECONDS = 130.0  # three calls of ffmpeg with their limit, and what is around them

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Reading:
    """What became of a file: its statuses by stage, and what it took.

    megabytes: the largest memory, of the process or of a decoder. error: what is no status.
    """

    statuses: dict[str, str]
    seconds: float
    megabytes: float
    error: str = ""


def read(path: Path, statuses: Callable[[Path], dict[str, str]] | None = None) -> Reading:
    """Read a file in a process of its own.

    statuses: reads it, as `stage_statuses` does.
    """
    ours, theirs = _SERVER.Pipe(duplex=False)
    function = statuses or stage_statuses
    process = _SERVER.Process(target=_read_and_send, args=(path, function, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if ours.poll(SECONDS):
            return ours.recv()
        return Reading({}, SECONDS, 0.0, f"not read within {SECONDS:g} seconds")
    except EOFError:
        process.join()
        return Reading({}, 0.0, 0.0, f"the process ended with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()


def _read_and_send(
    path: Path, read_statuses: Callable[[Path], dict[str, str]], connection: Connection
) -> None:
    started, error, statuses = time.monotonic(), "", dict.fromkeys(STAGES, "")
    try:
        statuses = read_statuses(path)
    except Exception:  # noqa: BLE001 (whatever is no finding about the file is one of the trial)
        error = traceback.format_exc()
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    megabytes = max(resource.getrusage(one).ru_maxrss for one in who) / 1024
    connection.send(Reading(statuses, time.monotonic() - started, megabytes, error))


def stage_statuses(path: Path) -> dict[str, str]:
    """Return the status of each stage; without a probe, the others have the status of probe."""
    try:
        found = read_again_if_lost(path, partial(probe, limits=LIMITS))
    except MediaError as refused:
        return dict.fromkeys(STAGES, refused.status)
    statuses = {"probe": "ok"}
    try:
        sample = read_frames(path, found, STEPS, SHORT_SIDE, LIMITS)
        encode_images(sample.images, sample.timestamps, found.duration_s)
        statuses["frames"] = "damaged" if sample.warning else "ok"
    except MediaError as refused:
        statuses["frames"] = refused.status
    try:
        statuses["wav"] = read_wav(path, found, limits=LIMITS).status
    except MediaError as refused:
        statuses["wav"] = refused.status
    return statuses
