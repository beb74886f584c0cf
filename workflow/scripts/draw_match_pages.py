"""Draw the pages of a shard's matches."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.match_page_job import run


def main(job: Job) -> None:
    """Bring the pages of one shard up to date."""
    run(job)


if "snakemake" in globals():
    run_job(snakemake, main)
