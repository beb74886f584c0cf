"""Decoding the frames of a shard's videos, however they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.engine.executor import Result, Task
from unmuted.engine.tensors import TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import FrameSample, TimelineFrames
from unmuted.media.images import encode_images, spool_images
from unmuted.media.probe import Probe
from unmuted.media.source import decode, read_probe

if TYPE_CHECKING:
    from unmuted.engine.artifacts import Payload


def decode_frames(
    tasks: Sequence[Task], read: Callable[[Path, Probe], FrameSample], follow_links: bool
) -> Iterator[Result]:
    """Yield one container of JPEG images per task; its reason is damage that left frames to use."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])

        def read_sample(path: Path, probe: Probe = probe) -> FrameSample:
            return read(path, probe)

        try:
            sample = decode(task, follow_links, read_sample)
        except MediaError as error:
            yield Result(task.name, None, error.status, error.reason)
        else:
            images = encode_images(sample.images, sample.timestamps, probe.duration_s)
            yield _result(task, images, sample)


def decode_timelines(
    tasks: Sequence[Task], read: Callable[[Path, Probe], TimelineFrames], follow_links: bool
) -> Iterator[Result]:
    """Yield containers of frames over the whole length of each video, which may be long."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])

        def read_timeline(path: Path, probe: Probe = probe) -> tuple[TimelineFrames, TensorSpool]:
            timeline = read(path, probe)
            return timeline, spool_images(timeline, probe.duration_s)

        try:
            timeline, images = decode(task, follow_links, read_timeline)
        except MediaError as error:
            yield Result(task.name, None, error.status, error.reason)
        else:
            yield _result(task, images, timeline)


def _result(task: Task, images: Payload, frames: FrameSample | TimelineFrames) -> Result:
    status = "damaged" if frames.warning else "ok"
    reason = "; ".join(filter(None, [frames.warning, frames.note]))
    return Result(task.name, images, status, reason)
