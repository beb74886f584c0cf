"""Train the comparison's classifiers, seed by seed and one a way to fill missing audio."""

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
from unmuted.config import setting
from unmuted.engine.job import Job
from unmuted.engine.runner import Artifact, Outcome, Task
from unmuted.experiment import FULL, Experiment, load_experiment
from unmuted.generation.projection import Projection
from unmuted.pipeline import run_job
from unmuted.stages import FILTER

STAGES = ("ast", "generated", "video_generated", "pilot_generated", "retrieved", "predicted_labels")


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    job: Job,
    space: Artifact,
) -> Iterator[Outcome]:
    """Checkpoints of each classifier, to be chosen from on validation clips."""
    from unmuted.classification.training import ClassifierSettings, train_classifier
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = ClassifierSettings(**job.config["classifier"])
    projection, clips = Projection(**space.tensors()), experiment.split("train")
    masks = job.config["missing"]["seed"]
    fillings = load_fillings(
        clips,
        projection,
        training_statistics(clips, projection),
        lent_audio(clips, projection, masks),
        training_kept(experiment, clips, filter_rule(job.config["filter"])),
        masks,
    )
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    visual_dim = fillings.clips.visual.shape[2]
    width = visual_dim + fillings.clips.real.shape[2]
    classes = len(experiment.classes)
    matched = matched_hidden(visual_dim, width, settings.hidden, classes)
    for task in tasks:
        x = fillings.of_unit(task.fit, job.seeds.index(task.seed))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        own = replace(settings, hidden=matched) if task.fit == VIDEO else settings
        audio_dim = x.shape[2] - visual_dim
        fit = train_classifier(keys, x, labels, classes, own, task.seed, audio_dim, device)
        yield Outcome(task.name, pack_fit(fit))


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; they read training clips only."""
    experiment = load_experiment(job, STAGES)
    space = job.units("projection")[FULL]
    clips = experiment.split("train")
    read = {
        unit: {
            "classes": experiment.classes,
            "filter": _filter_settings(job) if base_of(unit) in FILTERS else None,
            "clips": sorted(
                [clip.label, clip.group, *unit_digests(unit, clip, space)] for clip in clips
            ),
        }
        for unit in wanted_units(job)
    }
    inputs = {
        seed: {unit: {"seed": seed, **one} for unit, one in read.items()} for seed in job.own_seeds
    }
    job.run_seeds(inputs, partial(train, experiment=experiment, job=job, space=space))


def _filter_settings(job: Job) -> dict[str, object]:
    return {key: setting(job.config, key) for key in FILTER}


def wanted_units(job: Job) -> list[str]:
    """Every classifier; with another training rate than the run's own, only those that fill."""
    percentiles = filter_rule(job.config["filter"]).percentiles
    filling = filling_units(percentiles)
    fills_only = job.is_changed("missing.training_rate")
    return filling if fills_only else [*always_units(percentiles), *filling]


if "snakemake" in globals():
    run_job(snakemake, main)
