"""Mark what sounds in every second of a shard's videos."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.serving import mark


def main(job: Job) -> None:
    """Bring the masks of one shard up to date; no truth is read."""
    mark(job)


if "snakemake" in globals():
    run_job(snakemake, main)
