"""The known truth of the clips of the built-in world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from unmuted.demo_world.files import truth_record
from unmuted.demo_world.masks import run_lengths
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task

if TYPE_CHECKING:
    from unmuted.demo_world.families.plan import FamilyClipSpec


def describe(tasks: Sequence[Task], clips: Mapping[str, ClipSpec], steps: int) -> Iterator[Result]:
    """Make one record per task; masks are uncompressed COCO run lengths, one per time step."""
    for task in tasks:
        truth, masks = truth_record(clips[task.name], steps)
        encoded = [run_lengths(mask) for mask in masks]
        size = list(masks.shape[1:])
        yield Result(task.name, {**truth, "masks": {"size": size, "counts": encoded}})


def describe_families(
    tasks: Sequence[Task], clips: Mapping[str, FamilyClipSpec]
) -> Iterator[Result]:
    """Make one record per task; the masks of these clips are in the stage `avs_truth`."""
    from unmuted.demo_world.families.truth import describe

    for task in tasks:
        yield Result(task.name, describe(clips[task.name]))
