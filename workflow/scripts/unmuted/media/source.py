"""The source video of a task: the user's file, or a clip that the demo rendered.

A job's input is the file that was planned. A file that is gone, may not be read or has changed
since, and a decoder that was stopped from outside, are no findings about a video: the job fails.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from unmuted.dataset.limits import Limits
from unmuted.dataset.videos import Video
from unmuted.digests import digest_file
from unmuted.engine.executor import Artifact, Task, TaskFailed
from unmuted.errors import MachineError
from unmuted.media.control import can_decode
from unmuted.media.failures import DecoderFailure
from unmuted.media.ffmpeg import MediaError
from unmuted.media.file_size import check_file_size
from unmuted.media.files import cannot_read, check_file
from unmuted.media.probe import Probe
from unmuted.text import printable

TRIES = 2  # jobs that a video must have failed before a failure of the decoder counts as its own

Read = TypeVar("Read")


def decode(task: Task, follow_links: bool, limits: Limits, read: Callable[[Path], Read]) -> Read:
    """Return what `read` makes of the source video of a task, which is the planned one throughout.

    limits: with which `read` decodes.

    Raises:
        MediaError: the video cannot be used.
        MachineError: its file or the decoder failed; nothing is known of the video.
    """
    path = _source_path(task, follow_links)
    try:
        found = read_again_if_lost(path, read)
    except DecoderFailure as failure:
        _check_planned(task.video)
        raise _judge(task, path, failure, limits) from failure
    except MediaError:
        _check_planned(task.video)
        raise
    _check_planned(task.video)
    return found


def read_again_if_lost(path: Path, read: Callable[[Path], Read]) -> Read:
    """Return what `read` makes of a file; where the decoder could not read it, try once more.

    A demuxer says "Input/output error" of a truncated file too. It is one, and MediaError is
    raised, if the decoder says so twice of a file that can be read to its end.
    """
    try:
        return read(path)
    except DecoderFailure as failure:
        if failure.finding != "unreadable" or not _can_be_read(path):
            raise
    try:
        return read(path)
    except DecoderFailure as failure:
        if failure.finding != "unreadable":
            raise
        raise MediaError("unreadable", failure.reason) from failure


def _can_be_read(path: Path) -> bool:
    try:
        digest_file(path)
    except OSError:
        return False
    return True


def source_content(
    video: Video,
    follow_links: bool,
    max_bytes: int,
    digest: Callable[[Path], str] = digest_file,
) -> str:
    """Return the digest of a user's file, or why it may not be read, for its fingerprint.

    digest: gives that of a file's content.

    Raises:
        MachineError: the file is not the planned one, or cannot be read.
    """
    _check_planned(video)
    try:
        check_file(video.file, video.root, follow_links)
        check_file_size(video.file, max_bytes)
        content = digest(video.file)
    except MediaError as error:
        return f"{error.status}: {error.reason}"
    except OSError as error:
        raise cannot_read(video.file, error) from error
    _check_planned(video)
    return content


def read_probe(artifact: Artifact) -> Probe:
    """Return the probe that an earlier stage left of a video."""
    fields = artifact.json()
    return Probe(**{key: fields[key] for key in Probe.__dataclass_fields__})


def _source_path(task: Task, follow_links: bool) -> Path:
    """Return the file to decode; raise MediaError when it may not be opened."""
    if "clips" in task.inputs:
        return task.inputs["clips"].checked_path()
    if task.video is None:
        raise ValueError(f"the task {task.name} has no source video")
    _check_planned(task.video)
    try:
        check_file(task.video.file, task.video.root, follow_links)
    except MediaError as finding:
        if finding.status == "missing" and task.earlier is not None and task.earlier.has_artifact:
            raise MachineError(
                f"{printable(task.video.file)}: {finding.reason}, but there are results of it, "
                "which are kept. Bring the file back, or take the video out of the data set, and "
                "run again"
            ) from finding
        raise
    return task.video.file


def _judge(
    task: Task, path: Path, failure: DecoderFailure, limits: Limits
) -> MediaError | MachineError:
    """Return what a failure of the decoder comes to: hardly ever a finding about the video.

    It is one if the video failed several jobs in a row in a way that it may have caused, while its
    file can be read and the same ffmpeg decodes something else.
    """
    if failure.finding and task.failures >= TRIES and can_decode(limits):
        try:
            digest_file(path)
        except OSError as error:
            return cannot_read(path, error)
        return MediaError(failure.finding, f"{failure.reason}, in {task.failures + 1} jobs")
    message = (
        f"{printable(path)}: {failure.reason}. This is no finding about the video: the job fails "
        "and is to be run again, with more memory and time if it was short of them"
    )
    if not failure.finding:
        return MachineError(message)
    return TaskFailed(
        task.name,
        f"{message}. A video with which {TRIES + 1} jobs fail in this way is left out "
        f"({failure.finding}); this was number {task.failures + 1}",
    )


def _check_planned(video: Video | None) -> None:
    """Raise MachineError unless a user's file is the one for which the run was planned."""
    if video is None or video.planned is None or video.status()[:2] == video.planned[:2]:
        return
    try:
        status = os.stat(video.file)
    except OSError as error:
        raise cannot_read(video.file, error) from error
    found = f"{status.st_size} bytes of {_date(status.st_mtime_ns)}"
    size, changed, _ = video.planned
    expected = f"{size} bytes of {_date(changed)}" if changed else f"no file ({size})"
    raise MachineError(
        f"{printable(video.file)}: the file is another than when the run was planned: expected "
        f"{expected}, found {found}. Run the workflow again when nothing writes to it any more"
    )


def _date(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(nanoseconds // 10**9))
