"""The training of the comparison's classifiers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.config.classifier import ClassifierSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.settings import setting
from unmuted.evaluation.arms import COMPARISON_ARMS, STATISTICS, SWAPPED
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.fits import seed_of
from unmuted.systems.arch1.filter_rule import filter_rule
from unmuted.systems.classifier.capacity import matched_hidden
from unmuted.systems.comparison.chosen_arms import (
    FILTER,
    VIDEO,
    base_of,
    chosen_arms,
)
from unmuted.systems.comparison.inputs import (
    ArmInputs,
    digests_read,
    load_arm_inputs,
    swapped_audio,
    training_kept,
    training_statistics,
)
from unmuted.systems.shared.projection import Projection


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Train each classifier; its checkpoints are candidates for the selection."""
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.training import train_classifier
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = ClassifierSettings.of(job.config["classifier"])
    clips = experiment.split("train")
    inputs = training_inputs(experiment, clips, job, pca)
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    visual_dim = inputs.clips.visual.shape[2]
    width = visual_dim + inputs.clips.real.shape[2]
    classes = len(experiment.classes)
    matched = matched_hidden(visual_dim, width, settings.hidden, classes)
    for task in tasks:
        x = inputs.of_fit(task.fit, job.seeds.index(seed_of(task)))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        sized = settings.changed(hidden=matched) if task.fit == VIDEO else settings
        audio_dim = x.shape[2] - visual_dim
        trained = train_classifier(
            keys, x, labels, classes, sized, seed_of(task), audio_dim, device
        )
        yield Result(task.name, pack_fit(trained))


def training_inputs(
    experiment: Experiment, clips: Sequence[Clip], job: Job, pca: Artifact
) -> ArmInputs:
    """Read the inputs of the chosen arms for the training clips."""
    chosen, masks = chosen_arms(job.config), job.config["missing"]["seed"]
    rule = filter_rule(job.config["filter"])
    projection = statistics = swapped = None
    if chosen.reads_real_audio:
        projection = Projection(**pca.tensors())
        if chosen.prepares(STATISTICS):
            statistics = training_statistics(clips, projection)
        if chosen.prepares(SWAPPED):
            swapped = swapped_audio(clips, projection, masks)
    return load_arm_inputs(
        clips,
        projection,
        statistics,
        swapped,
        training_kept(experiment, clips, rule, chosen.filters),
        masks,
        job.config["audio_dim"],
    )


def inputs_of_fits(experiment: Experiment, job: Job, pca: Artifact) -> dict[str, dict[str, object]]:
    """Return what each classifier reads, for its fingerprint.

    In a scenario with another training rate there are only the classifiers that impute missing
    audio.
    """
    chosen, clips = chosen_arms(job.config), experiment.split("train")
    is_other_rate = job.is_changed("missing.training_rate")
    settings = {key: setting(job.config, key) for key in FILTER}
    return {
        fit: {
            "classes": experiment.classes,
            "filter": settings if COMPARISON_ARMS[base_of(fit)].is_filter else None,
            "clips": sorted(
                [clip.label, clip.group, *digests_read(fit, clip, pca)] for clip in clips
            ),
        }
        for fit in (chosen.imputing_fits if is_other_rate else chosen.fits)
    }
