"""Extract AST features and AudioSet label scores of the sound of every video of a shard."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.ast import extract
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the AST features of one shard up to date."""
    job.run_shard(partial(extract, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
