"""The training of the main experiment's classifiers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.config.classifier import ClassifierSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Experiment
from unmuted.samples.fits import seed_of
from unmuted.systems.classifier.inputs import ClipFeatures, load_features
from unmuted.systems.shared.projection import Projection


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Train the classifier of each arm; its checkpoints are candidates for the selection."""
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.training import train_classifier
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = ClassifierSettings.of(job.config["classifier"])
    clips = experiment.split("train")
    features: ClipFeatures = load_features(clips, Projection(**pca.tensors()))
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    for task in tasks:
        x = features.of_arm(task.fit, job.seeds.index(seed_of(task)))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        audio_dim = x.shape[2] - features.visual.shape[2]
        progress = Progress(settings.epochs, task.name, "epochs")
        trained = train_classifier(
            keys,
            x,
            labels,
            len(experiment.classes),
            settings,
            seed_of(task),
            audio_dim,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.update(),
        )
        yield Result(task.name, pack_fit(trained))
