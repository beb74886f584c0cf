"""Decode frames at a constant rate over the whole length of every video of a shard."""

from functools import partial

from unmuted.dataset.limits import video_limits
from unmuted.engine.job import Job
from unmuted.media.decoding import decode_timelines
from unmuted.pipeline.jobs.frames import timeline
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the timelines of one shard up to date."""
    compute = partial(
        decode_timelines,
        read=timeline(job),
        limits=video_limits(job.config),
        follow_links=job.config["videos"]["follow_links"],
    )
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
