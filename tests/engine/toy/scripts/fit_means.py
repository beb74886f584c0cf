"""Fit the mean of the training videos' numbers, with every seed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from registry import run_job

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job


def fit(tasks: Sequence[Task], training: Mapping[str, Artifact], jitter: float) -> Iterator[Result]:
    values = np.concatenate([training[name].tensors()["values"] for name in sorted(training)])
    for task in tasks:
        noise = jitter * np.random.default_rng(task.seed).normal()
        yield Result(task.name, {"mean": np.array([values.mean() + noise])})


def main(job: Job) -> None:
    training = job.artifacts("scaled", job.videos)
    read = sorted(artifact.row.digest for artifact in training.values())
    fits = {seed: {"mean": [seed, read]} for seed in job.job_seeds}
    job.run_seeds(fits, partial(fit, training=training, jitter=job.config["toy"]["jitter"]))


if "snakemake" in globals():
    run_job(snakemake, main)
