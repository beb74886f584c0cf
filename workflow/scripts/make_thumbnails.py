"""Make thumbnails of the videos of a shard."""

from functools import partial

from unmuted.dataset.limits import Limits
from unmuted.engine.job import Job
from unmuted.pipeline.jobs.thumbnails import draw
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the thumbnails of one shard up to date."""
    job.run_shard(partial(draw, limits=Limits(sandbox=job.config["media"]["sandbox"])))


if "snakemake" in globals():
    run_job(snakemake, main)
