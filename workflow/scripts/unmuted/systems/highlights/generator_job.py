"""The training of the generators of missing sound, one for each fold of matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from unmuted.config.generator import VideoGeneratorSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import seed_of
from unmuted.systems.highlights.fits import steps_of
from unmuted.systems.highlights.loading import load_recordings
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.training_job import AfterStep, train_generators

if TYPE_CHECKING:
    from unmuted.training.loop import History
    from unmuted.training.states import State


def train(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    projection: Artifact,
    job: Job,
) -> Iterator[Result]:
    """Train the generator of each seed and fold on windows of steps with sound."""
    from unmuted.inference.device import use_device
    from unmuted.systems.shared.training import train_video_generator

    device = str(use_device(job.config["device"], job.threads))
    settings = VideoGeneratorSettings.of(job.config["video_generator"])
    read = partial(_read, job=job, projection=Projection(**projection.tensors()))

    def fit(
        data: GeneratorData, task: Task, after_step: AfterStep, chosen_on: GeneratorData | None
    ) -> tuple[State, History]:
        return train_video_generator(data, settings, seed_of(task), device, after_step, chosen_on)

    yield from train_generators(tasks, clips_of_fits, validation, read, fit, settings.steps)


def _read(clips: Sequence[Clip], job: Job, projection: Projection) -> GeneratorData:
    from unmuted.systems.highlights.generation import window_data, windows_of

    highlights, rate = job.config["highlights"], job.config["steps"]["rate"]
    loaded = load_recordings(
        clips, projection, job.config["matches"]["kinds"], highlights["sound_scale"]
    )
    recordings = [labelled.recording for labelled in loaded]
    length = steps_of(highlights["generator_seconds"], rate)
    return window_data(recordings, windows_of(recordings, length), length)
