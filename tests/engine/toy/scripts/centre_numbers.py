"""Subtract the fitted means from the numbers of every file of a shard."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from registry import run_job

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job


def centre(tasks: Sequence[Task], means: Mapping[int, Artifact], spread: float) -> Iterator[Result]:
    fitted = [artifact.tensors()["mean"][0] for artifact in means.values()]
    for task in tasks:
        values = task.inputs["scaled"].tensors()["values"]
        yield Result(task.name, {"by_seed": [(spread * (values - m)).tolist() for m in fitted]})


def main(job: Job) -> None:
    means = {seed: fits["mean"] for seed, fits in job.fits_by_seed("means").items()}
    read = [artifact.row.digest for artifact in means.values()]
    compute = partial(centre, means=means, spread=job.config["toy"]["spread"])
    job.run_shard(compute, dict.fromkeys(job.videos, read))


if "snakemake" in globals():
    run_job(snakemake, main)
