"""The clips of the built-in world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task


def render(tasks: Sequence[Task], clips: Mapping[str, ClipSpec]) -> Iterator[Result]:
    """Render one mp4 per task."""
    for task in tasks:
        yield Result(task.name, partial(write_clip, clips[task.name]))
