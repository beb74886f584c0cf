"""The training of the comparison's classifiers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unmuted.config.classifier import ClassifierSettings, DistillationSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.settings import setting
from unmuted.evaluation.arms import COMPARISON_ARMS, STATISTICS, SWAPPED, Arm, leaking_arms
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.fits import seed_of
from unmuted.systems.arch1.filter_rule import decide, filter_rule
from unmuted.systems.classifier.capacity import matched_hidden
from unmuted.systems.comparison.chosen_arms import (
    DISTILLATION,
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
    training_statistics,
)
from unmuted.systems.shared.projection import Projection

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.classifier.training import Teacher


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
    labels, keys = experiment.labels(clips), np.array([clip.key for clip in clips])
    visual_dim, audio_dim = inputs.clips.visual.shape[2], inputs.clips.real.shape[2]
    classes = len(experiment.classes)
    matched = matched_hidden(visual_dim, audio_dim, settings.hidden, classes, settings.fusion)
    for task in tasks:
        index, arm = job.seeds.index(seed_of(task)), COMPARISON_ARMS[base_of(task.fit)]
        rows, x = np.arange(len(clips)), inputs.of_fit(task.fit, index)
        if arm.is_one_classifier:
            rows, x = inputs.with_and_without_audio(task.fit, index)
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        trained = train_classifier(
            keys[rows].tolist(),
            x,
            labels[rows],
            classes,
            settings.changed(hidden=matched) if task.fit == VIDEO else settings,
            seed_of(task),
            audio_dim if arm.audio else 0,
            device,
            learns_missing=arm.is_one_classifier,
            teacher=_teacher(clips, arm, index, job) if arm.teacher else None,
        )
        yield Result(task.name, pack_fit(trained))


def _teacher(clips: Sequence[Clip], arm: Arm, seed_index: int, job: Job) -> Teacher:
    """Read the out-of-fold predictions of the classifiers with real audio, of one seed."""
    from unmuted.systems.classifier.training import Teacher

    artifacts = [clip.artifacts[str(arm.teacher)].tensors() for clip in clips]
    by_seed = np.stack([tensors["probabilities"] for tensors in artifacts], axis=1)  # (S, N, C)
    settings = DistillationSettings.of(job.config["distillation"])
    return Teacher(by_seed[seed_index], settings.temperature, settings.weight)


def training_inputs(
    experiment: Experiment, clips: Sequence[Clip], job: Job, pca: Artifact
) -> ArmInputs:
    """Read the inputs of the chosen arms for the training clips."""
    chosen, masks = chosen_arms(job.config), job.config["missing"]["seed"]
    settings = job.config["filter"]
    labels = experiment.labels(clips) if "filtered" in leaking_arms(settings) else None
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
        decide(clips, chosen.filters, filter_rule(settings), labels).kept,
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
    distillation = {key: setting(job.config, key) for key in DISTILLATION}
    return {
        fit: {
            "classes": experiment.classes,
            "filter": settings if COMPARISON_ARMS[base_of(fit)].is_filter else None,
            "distillation": distillation if COMPARISON_ARMS[base_of(fit)].teacher else None,
            "clips": sorted(
                [clip.label, clip.group, *digests_read(fit, clip, pca)] for clip in clips
            ),
        }
        for fit in (chosen.imputing_fits if is_other_rate else chosen.fits)
    }
