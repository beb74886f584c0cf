"""Score the test videos of a shard: all networks, with their own sound and with others."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.serving import score


def main(job: Job) -> None:
    """Bring the scores of one shard up to date."""
    score(job)


if "snakemake" in globals():
    run_job(snakemake, main)
