"""Train the classifiers of one seed, one an arm, on the training clips."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from unmuted.classification.arms import ARMS
from unmuted.classification.inputs import ClipFeatures, arm_digests, load_features
from unmuted.experiment import FULL, Experiment, load_experiment
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.progress import Progress
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    project: Project,
    space: Artifact,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Checkpoints of each arm's classifier, to be chosen from on validation clips."""
    from unmuted.classification.training import ClassifierSettings, train_classifier
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = ClassifierSettings(**project.config["classifier"])
    clips = experiment.split("train")
    features: ClipFeatures = load_features(clips, Projection(**space.tensors()))
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    for task in tasks:
        x = features.of_arm(task.name, project.config["seeds"].index(seed))
        log.info("%s: %d clips, %d features a step", task.name, *np.array(x.shape)[[0, 2]])
        audio_dim = x.shape[2] - features.visual.shape[2]
        progress = Progress(settings.epochs, f"{task.name}, epochs")
        fit = train_classifier(
            keys,
            x,
            labels,
            len(experiment.classes),
            settings,
            seed,
            audio_dim,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.advance(),
        )
        yield Outcome(task.name, pack_fit(fit))


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the classifiers of one seed up to date; they read training clips only."""
    experiment = load_experiment(project, ["ast", "generated"])
    space = project.units("projection")[FULL]
    clips = experiment.split("train")
    inputs = {
        arm: {
            "seed": seed,
            "classes": experiment.classes,
            "clips": sorted([clip.label, *arm_digests(arm, clip, space)] for clip in clips),
        }
        for arm in ARMS
    }
    compute = partial(
        train, experiment=experiment, project=project, space=space, seed=seed, threads=threads
    )
    project.run_units("classifier", inputs, compute, part=f"seed-{seed}")


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
