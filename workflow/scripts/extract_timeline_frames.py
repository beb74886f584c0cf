"""Decode frames at a constant rate over the whole length of every video of a shard."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unmuted.engine.job import Job
from unmuted.media.decoding import decode_timelines
from unmuted.media.frames import Timeline
from unmuted.media.probe import Probe, video_limits
from unmuted.pipeline.registry import run_job


def sampling(job: Job) -> Callable[[Path, Probe], Timeline]:
    """How the configuration wants the frames of a long video chosen."""
    limits = video_limits(job.config["videos"])
    return partial(Timeline, **job.config["timeline"], limits=limits)


def main(job: Job) -> None:
    """Bring the timelines of one shard up to date."""
    follow_links = job.config["videos"]["follow_links"]
    compute = partial(decode_timelines, read=sampling(job), follow_links=follow_links)
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
