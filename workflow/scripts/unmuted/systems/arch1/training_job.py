"""The training of architecture 1's generators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from unmuted.config.derived import time_steps
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import VIEWS, Clip
from unmuted.samples.fits import seed_of
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.training_job import AfterStep, train_generators

if TYPE_CHECKING:  # a job with nothing to do loads no torch
    from unmuted.training.loop import History
    from unmuted.training.states import State


def train(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Train the generator of each fit; a result holds weights, standardisation and losses.

    validation: the clips with usable sound that choose the checkpoints.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.shared.training import train_video_generator

    device = str(use_device(job.config["device"], job.threads))
    settings = VideoGeneratorSettings.of(job.config["video_generator"])
    read = partial(
        generator_data,
        projection=Projection(**pca.tensors()),
        time_steps=time_steps(job.config),
        reads_captions=False,
    )

    def fit(
        data: GeneratorData, task: Task, after_step: AfterStep, chosen_on: GeneratorData | None
    ) -> tuple[State, History]:
        seed = seed_of(task)
        return train_video_generator(data, settings, seed, device, after_step, chosen_on)

    yield from train_generators(tasks, clips_of_fits, validation, read, fit, settings.steps)


def inputs_of_fits(
    clips_of_fits: Mapping[str, Sequence[Clip]], validation: Sequence[Clip], pca: Artifact
) -> dict[str, dict[str, object]]:
    """Return what each fit reads, for its fingerprint."""
    stages = (*VIEWS, "ast")
    chosen_on = sorted([clip.key, *clip.digests(*stages)] for clip in validation)
    return {
        name: {
            "projection": pca.row.digest,
            "clips": sorted([clip.group, *clip.digests(*stages)] for clip in clips),
            "validation": chosen_on,
        }
        for name, clips in clips_of_fits.items()
    }
