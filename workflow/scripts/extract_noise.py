"""Extract AST features of noise that is as loud as each video's own sound."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.ast import extract_noise
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the features of noise of one shard up to date."""
    job.run_shard(partial(extract_noise, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
