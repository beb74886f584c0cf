"""The known truth of the clips of the built-in world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unmuted.demo_world.files import truth_record
from unmuted.demo_world.masks import run_lengths
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task


def describe(tasks: Sequence[Task], clips: Mapping[str, ClipSpec], steps: int) -> Iterator[Result]:
    """Make one record per task; masks are uncompressed COCO run lengths, one per time step."""
    for task in tasks:
        truth, masks = truth_record(clips[task.name], steps)
        encoded = [run_lengths(mask) for mask in masks]
        size = list(masks.shape[1:])
        yield Result(task.name, {**truth, "masks": {"size": size, "counts": encoded}})
