"""Render the demo's clips of a shard: H.264 + AAC in mp4, as a camera would make them."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.datasets import world_clips
from unmuted.pipeline.jobs.clips import render
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the demo clips of one shard up to date."""
    compute = partial(render, clips=world_clips(job.config))
    job.run_shard(compute, job.specifications)


if "snakemake" in globals():
    run_job(snakemake, main)
