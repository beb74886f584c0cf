"""The training of architecture 1's generators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from unmuted.config.derived import time_steps
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import seed_of
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.training_job import AfterEpoch, train_generators

if TYPE_CHECKING:  # a job with nothing to do loads no torch
    from unmuted.training.loop import History
    from unmuted.training.states import State


def train(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Train the generator of each fit; a result holds weights, standardisation and losses."""
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

    def fit(data: GeneratorData, task: Task, after_epoch: AfterEpoch) -> tuple[State, History]:
        return train_video_generator(data, settings, seed_of(task), device, after_epoch)

    yield from train_generators(tasks, clips_of_fits, read, fit, settings.epochs)
