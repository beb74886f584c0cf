"""Caption the representative frames of every video of a shard."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.captions import caption
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the captions of one shard up to date."""
    job.run_shard(partial(caption, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
