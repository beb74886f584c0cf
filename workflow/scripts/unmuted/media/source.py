"""The source video of a task: the user's file, or a clip that the demo rendered."""

from __future__ import annotations

from pathlib import Path

from unmuted.dataset.videos import Video
from unmuted.digests import digest_file
from unmuted.engine.executor import Artifact, Task
from unmuted.media.ffmpeg import MediaError
from unmuted.media.file_size import check_file_size
from unmuted.media.files import check_file
from unmuted.media.probe import Probe


def source_path(task: Task, follow_links: bool) -> Path:
    """Return the file to decode; raise MediaError when it may not be opened."""
    if "clips" in task.inputs:
        return task.inputs["clips"].checked_path()
    if task.video is None:
        raise ValueError(f"the task {task.name} has no source video")
    check_file(task.video.file, task.video.root, follow_links)
    return task.video.file


def source_content(video: Video, follow_links: bool, max_bytes: int) -> str:
    """Return the digest of a user's file, or why it may not be read, for its fingerprint."""
    try:
        check_file(video.file, video.root, follow_links)
        check_file_size(video.file, max_bytes)
        return digest_file(video.file)
    except MediaError as error:
        return f"{error.status}: {error.reason}"


def read_probe(artifact: Artifact) -> Probe:
    """Return the probe that an earlier stage left of a video."""
    fields = artifact.json()
    return Probe(**{key: fields[key] for key in Probe.__dataclass_fields__})
