"""Read the masks of a shard's videos, or render those of the built-in world."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.truth_job import Truths


def main(job: Job) -> None:
    """Bring the truth of one shard up to date."""
    job.run_shard(Truths(job).make, {name: video.targets for name, video in job.videos.items()})


if "snakemake" in globals():
    run_job(snakemake, main)
