"""Train the pilot with one seed: with each weight of its losses, and each branch alone."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import FULL, Experiment, load_experiment
from unmuted.generation.pilot_data import load_pilot_data, load_pilot_targets
from unmuted.generation.pilot_units import (
    PilotUnit,
    candidate_weights,
    has_ablations,
    pilot_units,
)
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.progress import Progress
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.stages import PILOT_VISUAL


def train(
    tasks: Sequence[Task],
    units: Mapping[str, PilotUnit],
    experiment: Experiment,
    project: Project,
    space: Artifact,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Checkpoints of each unit, to be chosen from on validation clips, with its losses."""
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit
    from unmuted.generation.pilot_training import Objective, PilotSettings, train_pilot

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    given = project.config["pilot"]
    settings = PilotSettings(**{key: given[key] for key in given if key != "lambdas"})
    clips = {clip.video_id: clip for task in tasks for clip in units[task.name].clips}
    row_of = {video_id: row for row, video_id in enumerate(clips)}
    clips = list(clips.values())
    data = load_pilot_data(clips)  # once, for all units
    targets = load_pilot_targets(clips, experiment.classes, Projection(**space.tensors()))
    for task in tasks:
        unit = units[task.name]
        rows = np.array([row_of[clip.video_id] for clip in unit.clips])
        log.info("%s: %d clips", task.name, len(rows))
        classes = len(experiment.classes) if unit.classifies else 0
        progress = Progress(settings.epochs, f"{task.name}, epochs")
        fit = train_pilot(
            data,
            targets,
            rows,
            Objective(classes, unit.generates, unit.weight),
            settings if unit.keeps_snapshots else settings.last_only,
            seed,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.advance(),
        )
        yield Outcome(task.name, pack_fit(fit))


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the pilot of one seed up to date; it reads training clips only."""
    experiment = load_experiment(project, ["ast", *PILOT_VISUAL])
    weights = candidate_weights(project.config["pilot"])
    units = pilot_units(experiment, weights, project.config["folds"], has_ablations(project))
    space = project.units("projection")[FULL]
    read = seed, project.config["pilot"]["snapshots"], experiment.classes, space
    inputs = {name: unit.inputs(*read) for name, unit in units.items()}
    compute = partial(
        train,
        units=units,
        experiment=experiment,
        project=project,
        space=space,
        seed=seed,
        threads=threads,
    )
    project.run_units("pilot", inputs, compute, part=f"seed-{seed}")


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
