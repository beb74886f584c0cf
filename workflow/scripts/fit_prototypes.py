"""Fit what each AudioSet label sounds like: for all training clips, and without each fold."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.label_head import read_label_head
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, fit_units, load_experiment
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes import fit_prototypes
from unmuted.training.clip_arrays import MemmapWriter


def fit(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    projection: Projection,
    head: np.ndarray,
    min_weight: float,
) -> Iterator[Result]:
    """Vectors (527, A) and their evidence, from the clips that each unit may read."""
    for task in tasks:
        clips = units[task.name]
        audio, scores = MemmapWriter(), MemmapWriter()
        for clip in clips:
            heard = clip.artifacts["ast"].tensors()
            audio.append(projection.apply(heard["tokens"]))
            scores.append(heard["scores"])
        keys = [clip.key for clip in clips]
        found = fit_prototypes(keys, audio.array(), scores.array(), head, projection, min_weight)
        yield Result(task.name, dict(vars(found)))


def main(job: Job) -> None:
    """Bring the prototypes up to date; they read training clips only."""
    units = fit_units(load_experiment(job, ["ast"]), job.config["folds"])
    space = job.units("projection")[FULL]
    inputs = {
        name: [space.row.digest, sorted([clip.key, *clip.digests("ast")] for clip in clips)]
        for name, clips in units.items()
    }
    compute = partial(
        fit,
        units=units,
        projection=Projection(**space.tensors()),
        head=read_label_head(job.model_spec("ast")).directions(),
        min_weight=job.config["prototypes"]["min_weight"],
    )
    job.run_fits(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
