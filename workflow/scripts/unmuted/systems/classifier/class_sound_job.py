"""The mean sound of each class without each fold, and the expected sound of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip, Experiment, load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.samples.folds import read_in_fit
from unmuted.samples.source_groups import read_canonical_clips
from unmuted.systems.classifier.class_sound import expected_sound, mean_sound_of_classes
from unmuted.systems.classifier.cross_fitting import (
    by_fold,
    digests_of_folds,
    labelled_clips_of_folds,
    serving_folds,
)
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import memmap_stack
from unmuted.training.order import content_order


def run_fits(job: Job) -> None:
    """Bring the classes' mean sounds up to date; they read labelled training clips with sound."""
    experiment = load_experiment(job, ["ast"])
    pca = job.fits("projection")[ALL_TRAINING]
    clips_of_fits = {
        fit: [clip for clip in clips if clip.has_sound]
        for fit, clips in labelled_clips_of_folds(experiment, job.config["folds"]).items()
    }
    inputs = {
        fit: [
            pca.row.digest,
            experiment.classes,
            sorted([clip.label, clip.key, clip.group, *clip.digests("ast")] for clip in clips),
        ]
        for fit, clips in clips_of_fits.items()
    }
    steps = time_steps(job.config)
    compute = partial(
        _fit, experiment=experiment, clips_of_fits=clips_of_fits, pca=pca, steps=steps
    )
    job.run_fits(inputs, compute)


def _fit(
    tasks: Sequence[Task],
    experiment: Experiment,
    clips_of_fits: Mapping[str, Sequence[Clip]],
    pca: Artifact,
    steps: int,
) -> Iterator[Result]:
    projection = Projection(**pca.tensors())
    for task in tasks:
        clips = clips_of_fits[task.name]
        keys = [clip.key for clip in clips]
        audio = np.zeros((0, steps, len(projection.components)), np.float32)
        if clips:
            audio = memmap_stack(clip.audio(projection) for clip in clips)
        labels, order = experiment.labels(clips), content_order(keys, audio)
        sounds = mean_sound_of_classes(audio, labels, order, len(experiment.classes))
        counts = np.bincount(labels, minlength=len(experiment.classes))
        read = read_in_fit(keys, [clip.group for clip in clips])
        yield Result(task.name, {"audio": sounds, "clips": counts, **read})


def run_shard(job: Job) -> None:
    """Bring the expected sound of one shard's clips up to date."""
    sources, clips = read_canonical_clips(job, ["video_posterior"])
    fits = job.fits("class_sound")
    extra = {
        name: [digests_of_folds(fits, sources.folds.get(clip.group)), clip.group]
        for name, clip in clips.items()
    }
    compute = partial(_expect, clips=clips, fits=fits, folds=sources.folds)
    job.run_shard(compute, extra)


def _expect(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    fits: Mapping[str, Artifact],
    folds: Mapping[str, int],
) -> Iterator[Result]:
    states = [fit.tensors() for fit in by_fold(fits)]
    for task in tasks:
        clip = clips[task.name]
        serving = serving_folds(states, clip, folds.get(clip.group))
        sounds = np.mean([states[fold]["audio"] for fold in serving], axis=0)
        posterior = clip.artifacts["video_posterior"].tensors()
        audio = expected_sound(posterior["probabilities"], sounds)
        yield Result(task.name, {"audio": audio, "seeds": posterior["seeds"]})
