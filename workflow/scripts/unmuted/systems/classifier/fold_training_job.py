"""The training of classifiers without each fold, for what training clips get out of fold."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.classifier import ClassifierSettings
from unmuted.engine.executor import Artifact, Result, Task, by_fit
from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.samples.experiment import Clip, Experiment, load_experiment
from unmuted.samples.fits import ALL_TRAINING, seed_of
from unmuted.systems.classifier.cross_fitting import labelled_clips_of_folds
from unmuted.systems.classifier.inputs import arm_digests, load_features
from unmuted.systems.shared.projection import Projection


def run(job: Job, arm: str) -> None:
    """Bring the classifiers without each fold up to date.

    arm: video_only or real_audio, whose input they get. The checkpoints of those without audio are
    chosen on validation clips; a teacher's is the last one, so that no student depends on the sound
    of validation clips.
    """
    has_audio = arm == "real_audio"
    experiment = load_experiment(job, ["ast"] if has_audio else [])
    pca = job.fits("projection")[ALL_TRAINING] if has_audio else None
    clips_of_fits = labelled_clips_of_folds(experiment, job.config["folds"])
    validated = [] if has_audio else _described(arm, experiment.split("val"), pca)
    inputs = {
        fit: {
            "classes": experiment.classes,
            "clips": _described(arm, clips, pca),
            "validated": validated,
        }
        for fit, clips in clips_of_fits.items()
    }
    compute = partial(
        train, experiment=experiment, clips_of_fits=clips_of_fits, job=job, arm=arm, pca=pca
    )
    job.run_seeds(inputs_by_seed(job.job_seeds, inputs), compute)


def _described(arm: str, clips: Sequence[Clip], pca: Artifact | None) -> list[list[str | None]]:
    return sorted([clip.label, clip.group, *arm_digests(arm, clip, pca)] for clip in clips)


def train(
    tasks: Sequence[Task],
    experiment: Experiment,
    clips_of_fits: Mapping[str, Sequence[Clip]],
    job: Job,
    arm: str,
    pca: Artifact | None,
) -> Iterator[Result]:
    """Train each classifier; a result holds one checkpoint and hashes of the clips that it read."""
    from unmuted.inference.device import use_device
    from unmuted.samples.folds import read_in_fit
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.classifier.training import predict, train_classifier

    device = str(use_device(job.config["device"], job.threads))
    settings = ClassifierSettings.of(job.config["classifier"])
    projection = None if pca is None else Projection(**pca.tensors())
    val = [] if projection else experiment.split("val")
    for fit, of_seeds in by_fit(tasks).items():
        clips = clips_of_fits[fit]
        features = load_features(clips, projection)
        x, audio_dim = features.of_arm(arm, 0), features.real.shape[2]
        keys, groups = [clip.key for clip in clips], [clip.group for clip in clips]
        logging.getLogger("unmuted").info("%s: %d clips", fit, len(clips))
        for task in of_seeds:
            trained = train_classifier(
                keys,
                x,
                experiment.labels(clips),
                len(experiment.classes),
                settings,
                seed_of(task),
                audio_dim,
                device,
            )
            state = trained.snapshots[-1]
            if val:
                x_val = load_features(val, None).of_arm(arm, 0)
                predicted = [predict(snapshot, x_val, device) for snapshot in trained.snapshots]
                best = select_snapshot(predicted, experiment.labels(val))
                state = trained.snapshots[best.index]
            yield Result(task.name, {**state, **read_in_fit(keys, groups)})
