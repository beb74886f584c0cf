"""Train the comparison's classifiers of one seed, one a way to fill missing audio."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from unmuted.classification.capacity import matched_hidden
from unmuted.classification.comparison import (
    FILTERS,
    VIDEO,
    always_units,
    base_of,
    filling_units,
    filter_rule,
    lent_audio,
    load_fillings,
    training_kept,
    training_statistics,
    unit_digests,
)
from unmuted.experiment import FULL, Experiment, load_experiment
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.stages import FILTER

STAGES = ("ast", "generated", "video_generated", "pilot_generated", "retrieved", "predicted_labels")


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    project: Project,
    space: Artifact,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Checkpoints of each classifier, to be chosen from on validation clips."""
    from unmuted.classification.training import ClassifierSettings, train_classifier
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = ClassifierSettings(**project.config["classifier"])
    projection, clips = Projection(**space.tensors()), experiment.split("train")
    masks = project.config["missing"]["seed"]
    fillings = load_fillings(
        clips,
        projection,
        training_statistics(clips, projection),
        lent_audio(clips, projection, masks),
        training_kept(experiment, clips, filter_rule(project.config["filter"])),
        masks,
    )
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    visual_dim = fillings.clips.visual.shape[2]
    width = visual_dim + fillings.clips.real.shape[2]
    classes = len(experiment.classes)
    matched = matched_hidden(visual_dim, width, settings.hidden, classes)
    for task in tasks:
        x = fillings.of_unit(task.name, project.config["seeds"].index(seed))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        own = replace(settings, hidden=matched) if task.name == VIDEO else settings
        audio_dim = x.shape[2] - visual_dim
        fit = train_classifier(keys, x, labels, classes, own, seed, audio_dim, device)
        yield Outcome(task.name, pack_fit(fit))


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the classifiers of one seed up to date; they read training clips only."""
    experiment = load_experiment(project, STAGES)
    space = project.units("projection")[FULL]
    clips = experiment.split("train")
    inputs = {
        unit: {
            "seed": seed,
            "classes": experiment.classes,
            "filter": project.settings(FILTER) if base_of(unit) in FILTERS else None,
            "clips": sorted(
                [clip.label, clip.group, *unit_digests(unit, clip, space)] for clip in clips
            ),
        }
        for unit in wanted_units(project)
    }
    compute = partial(
        train, experiment=experiment, project=project, space=space, seed=seed, threads=threads
    )
    project.run_units("comparison_classifier", inputs, compute, part=f"seed-{seed}")


def wanted_units(project: Project) -> list[str]:
    """Every classifier; with another training rate than the run's own, only those that fill."""
    percentiles = filter_rule(project.config["filter"]).percentiles
    filling = filling_units(percentiles)
    own, base = (run and run.config["missing"]["training_rate"] for run in (project, project.base))
    return filling if base not in (None, own) else [*always_units(percentiles), *filling]


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
