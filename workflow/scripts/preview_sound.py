"""Lay the training sound nearest to the generated audio under the silent pictures of a shard."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.previews_job import run


def main(job: Job) -> None:
    """Bring the previews of one shard up to date."""
    run(job)


if "snakemake" in globals():
    run_job(snakemake, main)
