"""AST features of noise as loud as each video's own sound, for sound that turns to noise."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.noise import extract
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the features of noise of one shard up to date."""
    job.run_shard(partial(extract, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
