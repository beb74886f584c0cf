"""Decode the picture in the middle of every second of a shard's videos."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.frames_job import SecondPictures


def main(job: Job) -> None:
    """Bring the pictures of one shard up to date."""
    job.run_shard(SecondPictures(job).take)


if "snakemake" in globals():
    run_job(snakemake, main)
