"""Draw the optical flow between the neighbouring frames of every video of a shard."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.flow import draw
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the flow of one shard up to date."""
    compute = partial(draw, **job.config["flow"])
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
