"""The job that fits the space of sound; it runs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.segmentation.loading import load_clip


def fit_space(tasks: Sequence[Task], clips: Sequence[Clip], job: Job) -> Iterator[Result]:
    """Fit the projection of the sound of training clips, and its scale."""
    from unmuted.systems.segmentation.sound_space import fit_sound_space

    for task in tasks:
        loaded = (load_clip(clip, reads_truth=False) for clip in clips)
        yield Result(task.name, fit_sound_space(list(loaded), job.config["audio_dim"]).pack())
