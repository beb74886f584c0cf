"""Find the representative frames of every video of a shard: those with the most motion."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.representative_frames import find
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the representative frames of one shard up to date."""
    compute = partial(find, ratio=job.config["representative_frames"]["ratio"])
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
