"""Copy the selected videos of a shard for the players of their pages."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.copies_job import copy_clips


def main(job: Job) -> None:
    """Bring the copies of one shard up to date."""
    copy_clips(job)


if "snakemake" in globals():
    run_job(snakemake, main)
