"""Pick the highlights of a shard's matches, with their tables and metrics."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.picking_job import Picker


def main(job: Job) -> None:
    """Bring the highlights of one shard up to date."""
    job.run_shard(Picker(job).pick)


if "snakemake" in globals():
    run_job(snakemake, main)
