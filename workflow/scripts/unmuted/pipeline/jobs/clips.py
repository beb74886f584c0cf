"""The videos of the built-in worlds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task

if TYPE_CHECKING:
    from unmuted.demo_world.families.plan import FamilyClipSpec
    from unmuted.demo_world.matches.spec import RecordingSpec


def render(tasks: Sequence[Task], clips: Mapping[str, ClipSpec]) -> Iterator[Result]:
    """Render one mp4 per task."""
    for task in tasks:
        yield Result(task.name, partial(write_clip, clips[task.name]))


def render_families(tasks: Sequence[Task], clips: Mapping[str, FamilyClipSpec]) -> Iterator[Result]:
    """Render one mp4 per task, of a picture of two objects with one soundtrack."""
    from unmuted.demo_world.families.files import write_family_clip

    for task in tasks:
        yield Result(task.name, partial(write_family_clip, clips[task.name]))


def render_matches(
    tasks: Sequence[Task], recordings: Mapping[str, RecordingSpec]
) -> Iterator[Result]:
    """Render one mp4 per task, the recording of a half."""
    from unmuted.demo_world.matches.encode import render_recording

    for task in tasks:
        yield Result(task.name, partial(render_recording, recordings[task.name]))
