"""Spot the events of every recording of a shard, with the spotter or by loudness."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.serving import serve_shard


def main(job: Job) -> None:
    """Bring the scores and spots of one shard up to date."""
    serve_shard(job)


if "snakemake" in globals():
    run_job(snakemake, main)
