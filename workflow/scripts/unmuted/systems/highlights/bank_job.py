"""The bank of training sound that is looked up, and the pool that is swapped from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.highlights.fits import neighbour_settings
from unmuted.systems.highlights.imputation import build_bank, build_pool
from unmuted.systems.highlights.loading import load_recordings
from unmuted.systems.shared.projection import Projection


def build(
    tasks: Sequence[Task], clips: Sequence[Clip], projection: Artifact, job: Job
) -> Iterator[Result]:
    """Collect steps with picture and sound, and the sound of a few recordings."""
    from unmuted.systems.highlights.imputer import pack_bank

    highlights = job.config["highlights"]
    settings, kinds = neighbour_settings(highlights), list(job.config["matches"]["kinds"])
    for task in tasks:
        loaded = load_recordings(
            clips, Projection(**projection.tensors()), kinds, highlights["sound_scale"]
        )
        recordings = [labelled.recording for labelled in loaded]
        bank = build_bank(recordings, job.config["steps"]["rate"], settings)
        yield Result(task.name, pack_bank(bank, build_pool(recordings)))
