"""Write what sounds in every second of a shard's videos as tables."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.results_job import write_tables


def main(job: Job) -> None:
    """Bring the tables of one shard up to date."""
    job.run_shard(write_tables)


if "snakemake" in globals():
    run_job(snakemake, main)
