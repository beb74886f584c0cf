"""Streams, duration and content digest of a shard's videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, probe
from unmuted.media.source import decode


def look(
    tasks: Sequence[Task], limits: Limits, follow_links: bool, contents: Mapping[str, str]
) -> Iterator[Result]:
    """Probe each task, with the digest of the file's bytes.

    contents: that digest by video id, for files of users; for a generated video it is the digest of
    its artifact.
    """

    def make(task: Task) -> Result:
        try:
            found = decode(task, follow_links, limits, partial(probe, limits=limits))
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        digest = contents.get(task.name) or task.inputs["clips"].row.digest
        return Result(task.name, {**found.as_json(), "digest": digest}, reason=found.note)

    return one_by_one(tasks, make)
