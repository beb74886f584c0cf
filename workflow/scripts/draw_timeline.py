"""Draw the timelines of a shard's matches."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.timeline_job import TimelineDrawer


def main(job: Job) -> None:
    """Bring the timelines of one shard up to date."""
    job.run_shard(TimelineDrawer(job).draw)


if "snakemake" in globals():
    run_job(snakemake, main)
