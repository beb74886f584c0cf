"""Cut the reels of a shard's matches."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.reel_job import ReelCutter


def main(job: Job) -> None:
    """Bring the reels of one shard up to date."""
    job.run_shard(ReelCutter(job).cut)


if "snakemake" in globals():
    run_job(snakemake, main)
