"""The representative frames of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.media.images import decode_images
from unmuted.media.representative import motion_magnitudes, representative_steps


def find(tasks: Sequence[Task], ratio: float) -> Iterator[Result]:
    """Find the steps of a task's representative frames, and the motion (px/s) at every step."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        motion = motion_magnitudes(decode_images(frames), frames["timestamps"])
        steps = representative_steps(motion, ratio)
        rounded = [round(float(value), 4) for value in motion]
        yield Result(task.name, {"steps": steps, "motion": rounded})
