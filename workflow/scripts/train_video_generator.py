"""Train architecture 1's generators, seed by seed: on all training clips, and without each fold."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Artifact, Result, Task, by_fit
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, fit_units, load_experiment
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection


def train(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    job: Job,
    space: Artifact,
) -> Iterator[Result]:
    """Weights and standardisation of each unit's generator, with the losses of its epochs."""
    from unmuted.inference.device import use_device
    from unmuted.systems.shared.settings import VideoGeneratorSettings
    from unmuted.systems.shared.training import loss_curves, train_video_generator

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = VideoGeneratorSettings(**job.config["video_generator"])
    projection = Projection(**space.tensors())
    for fit, of_seeds in by_fit(tasks).items():
        data = generator_data(units[fit], projection, time_steps(job.config), reads_captions=False)
        log.info("%s: %d clips", fit, len(data))
        for task in of_seeds:
            progress = Progress(settings.epochs, f"{task.name}, epochs")
            state, history = train_video_generator(
                data,
                settings,
                task.seed,
                device,
                after_epoch=lambda *_, epochs=progress: epochs.update(),
            )
            yield Result(task.name, {**state, **loss_curves(history)})


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; they read training clips only."""
    units = fit_units(load_experiment(job, ["ast"]), job.config["folds"])
    space = job.units("projection")[FULL]
    read = {
        name: {
            "projection": space.row.digest,
            "clips": sorted(
                [clip.group, *clip.digests("vit_rgb", "vit_flow", "ast")] for clip in clips
            ),
        }
        for name, clips in units.items()
    }
    inputs = {
        seed: {name: {"seed": seed, **one} for name, one in read.items()} for seed in job.own_seeds
    }
    job.run_seeds(inputs, partial(train, units=units, job=job, space=space))


if "snakemake" in globals():
    run_job(snakemake, main)
