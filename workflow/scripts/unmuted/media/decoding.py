"""Decoding the frames of a shard's videos, however they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.dataset.limits import Limits
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.tensors import TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import FrameSample, TimelineFrames
from unmuted.media.images import encode_images, spool_images
from unmuted.media.source import decode, read_probe

if TYPE_CHECKING:
    from unmuted.engine.artifacts import Payload


def decode_frames(
    tasks: Sequence[Task],
    read: Callable[..., FrameSample],
    limits: Limits,
    follow_links: bool,
) -> Iterator[Result]:
    """Yield one container of JPEG images per task; its reason is damage that left frames to use.

    read: takes a path, its probe, and `limits`.
    """

    def make(task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])

        def read_sample(path: Path) -> FrameSample:
            return read(path, probe, limits=limits)

        try:
            sample = decode(task, follow_links, limits, read_sample)
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        images = encode_images(sample.images, sample.timestamps, probe.duration_s)
        return _result(task, images, sample)

    return one_by_one(tasks, make)


def decode_timelines(
    tasks: Sequence[Task],
    read: Callable[..., TimelineFrames],
    limits: Limits,
    follow_links: bool,
) -> Iterator[Result]:
    """Yield containers of frames over the whole length of each video, which may be long.

    read: takes a path, its probe, and `limits`.
    """

    def make(task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])

        def read_timeline(path: Path) -> tuple[TimelineFrames, TensorSpool]:
            timeline = read(path, probe, limits=limits)
            return timeline, spool_images(timeline, probe.duration_s)

        try:
            timeline, images = decode(task, follow_links, limits, read_timeline)
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        return _result(task, images, timeline)

    return one_by_one(tasks, make)


def _result(task: Task, images: Payload, frames: FrameSample | TimelineFrames) -> Result:
    status = "damaged" if frames.warning else "ok"
    reason = "; ".join(filter(None, [frames.warning, frames.note]))
    return Result(task.name, images, status, reason)
