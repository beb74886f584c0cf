"""Class posteriors of a shard's clips: of training clips out of fold, else the folds' average."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.classifier.cross_fitting import by_fold, digests_of_folds, serving_folds
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.shared.projection import Projection

Fitted = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def run(job: Job, fitted_stage: str, arm: str) -> None:
    """Bring the posteriors of one shard up to date.

    fitted_stage: its classifiers without each fold. arm: video_only or real_audio, whose input
    they get.
    """
    has_audio = arm == "real_audio"
    sources, clips = read_canonical_clips(job, ["ast"] if has_audio else [])
    pca = job.fits("projection")[ALL_TRAINING] if has_audio else None
    fitted = job.fits_by_seed(fitted_stage)
    extra = {}
    for name, clip in clips.items():
        fold = sources.folds.get(clip.group)
        made_by = [digests_of_folds(fits, fold) for fits in fitted.values()]
        audio = [] if pca is None else [pca.row.digest, clip.has_sound]
        extra[name] = [made_by, clip.group, job.classes, audio]
    compute = partial(
        predict, clips=clips, job=job, fitted=fitted, folds=sources.folds, arm=arm, pca=pca
    )
    job.run_shard(compute, extra)


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fitted: Fitted,
    folds: Mapping[str, int],
    arm: str,
    pca: Artifact | None,
) -> Iterator[Result]:
    """Predict the probabilities (S, C) of each task's clip, one row per seed."""
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.training import load_classifier, predict_with

    device = str(use_device(job.config["device"], job.threads))
    projection = None if pca is None else Projection(**pca.tensors())
    states = [[fit.tensors() for fit in by_fold(fits)] for fits in fitted.values()]
    models = [[load_classifier(state, device) for state in of_seed] for of_seed in states]
    for task in tasks:
        clip = clips[task.name]
        x = load_features([clip], projection).of_arm(arm, 0)
        fold = folds.get(clip.group)
        by_seed = []
        for of_seed, networks in zip(states, models, strict=True):
            serving = serving_folds(of_seed, clip, fold)
            by_seed.append(
                np.mean([predict_with(networks[i], x, device)[0] for i in serving], axis=0)
            )
        arrays = {"probabilities": np.stack(by_seed), "seeds": np.array([*fitted])}
        yield Result(task.name, arrays)
