"""Decode the T frames of every video of a shard: the frame shown at each step of the time grid."""

from functools import partial

from unmuted.dataset.limits import video_limits
from unmuted.engine.job import Job
from unmuted.media.decoding import decode_frames
from unmuted.pipeline.jobs.frames import sampling
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the frames of one shard up to date."""
    compute = partial(
        decode_frames,
        read=sampling(job),
        limits=video_limits(job.config),
        follow_links=job.config["videos"]["follow_links"],
    )
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
