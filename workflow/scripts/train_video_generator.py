"""Train architecture 1's generators of one seed: on all training clips, and without each fold."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import FULL, Clip, fit_units, generator_data, load_experiment
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.progress import Progress
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task


def train(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    project: Project,
    space: Artifact,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Weights and standardisation of each unit's generator, with the losses of its epochs."""
    from unmuted.features.device import use_device
    from unmuted.generation.settings import VideoGeneratorSettings
    from unmuted.generation.training import train_video_generator

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = VideoGeneratorSettings(**project.config["video_generator"])
    projection = Projection(**space.tensors())
    for task in tasks:
        data = generator_data(units[task.name], projection, project.time_steps)
        log.info("%s: %d clips", task.name, len(data))
        progress = Progress(settings.epochs, f"{task.name}, epochs")
        state, history = train_video_generator(
            data,
            settings,
            seed,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.advance(),
        )
        curves = {f"history.{key}": np.float32([row[key] for row in history]) for key in history[0]}
        yield Outcome(task.name, {**state, **curves})


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the generators of one seed up to date; they read training clips only."""
    units = fit_units(load_experiment(project, ["ast"]), project.config["folds"])
    space = project.units("projection")[FULL]
    inputs = {
        name: {
            "seed": seed,
            "projection": space.row.digest,
            "clips": sorted(
                [clip.group, *clip.digests("vit_rgb", "vit_flow", "ast")] for clip in clips
            ),
        }
        for name, clips in units.items()
    }
    compute = partial(train, units=units, project=project, space=space, seed=seed, threads=threads)
    project.run_units("video_generator", inputs, compute, part=f"seed-{seed}")


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
