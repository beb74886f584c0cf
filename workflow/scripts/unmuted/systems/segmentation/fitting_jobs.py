"""The jobs that build the bank of pictures and train the generators of audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from unmuted.config.generator import VideoGeneratorSettings
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment, training_folds
from unmuted.samples.fits import fold_name, seed_of
from unmuted.systems.segmentation.clip_data import OWN
from unmuted.systems.segmentation.context import Context, each_with_maps
from unmuted.systems.segmentation.fitted import Fitted, with_sound
from unmuted.systems.segmentation.loading import load_clip
from unmuted.systems.shared.data import GeneratorData

if TYPE_CHECKING:
    from unmuted.systems.shared.training_job import AfterStep
    from unmuted.training.loop import History
    from unmuted.training.states import State


def build_bank(tasks: Sequence[Task], clips: Sequence[Clip], context: Context) -> Iterator[Result]:
    """Keep what the seconds of training clips look and sound like."""
    from unmuted.systems.segmentation import retrieval

    for task in tasks:
        loaded = [load_clip(clip, reads_truth=False) for clip in clips]
        looks = [maps.looks[maps.clip.has_audio] for maps in each_with_maps(loaded, context)]
        tokens = [clip.tokens[OWN][clip.has_audio] for clip in loaded]
        groups = [clip.group for clip in loaded]
        yield Result(task.name, retrieval.build_bank(looks, tokens, groups).pack())


def clips_of_folds(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Return by fit the training clips with sound that it reads: all but those of a fold."""
    fold_of = training_folds(experiment, folds)
    clips = with_sound(experiment)
    fits = {
        fold_name(fold): [clip for clip in clips if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    if empty := [name for name, of_fit in fits.items() if not of_fit]:
        raise UserError(
            f"avs: no training video with sound is left for the generators {', '.join(empty)}: add "
            "videos with sound from other sources, or lower `folds`"
        )
    return fits


def train_generators(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    fitted: Fitted,
    job: Job,
) -> Iterator[Result]:
    """Train the generator of each seed and fold on what training clips look and sound like."""
    from unmuted.systems.shared import training_job
    from unmuted.systems.shared.training import train_video_generator

    settings = VideoGeneratorSettings.of(job.config["video_generator"])
    context = Context(job, fitted)
    read = partial(_read, context=context)

    def fit(
        data: GeneratorData,
        task: Task,
        after_step: AfterStep,
        chosen_on: GeneratorData | None,
    ) -> tuple[State, History]:
        return train_video_generator(
            data, settings, seed_of(task), context.device, after_step, chosen_on
        )

    yield from training_job.train_generators(
        tasks, clips_of_fits, validation, read, fit, settings.steps
    )


def _read(clips: Sequence[Clip], context: Context) -> GeneratorData:
    from unmuted.systems.segmentation.generation import generator_data

    loaded = [load_clip(clip, reads_truth=False) for clip in clips]
    return generator_data(
        [maps.looks for maps in each_with_maps(loaded, context)],
        [context.space.own(clip) for clip in loaded],
        [clip.has_audio for clip in loaded],
        [clip.key for clip in loaded],
        [clip.group for clip in loaded],
        context.avs["window_s"],
    )
