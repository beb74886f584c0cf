"""Images of optical flow of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from unmuted.engine.executor import Result, Task
from unmuted.media.flow import flow_images
from unmuted.media.images import decode_images, encode_images


def draw(
    tasks: Sequence[Task], max_speed: float, scale: Literal["fixed", "per_pair"]
) -> Iterator[Result]:
    """Draw one container of T colour-coded flow images per task."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        images = decode_images(frames)
        timestamps = frames["timestamps"]
        flow = flow_images(images, timestamps, max_speed, scale)
        duration = float(frames["duration"][0])
        yield Result(task.name, encode_images(flow, timestamps, duration))
