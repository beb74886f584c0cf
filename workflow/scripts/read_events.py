"""Place the labelled events of a shard's recordings in their files; reject those outside."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.events_job import place_events


def main(job: Job) -> None:
    """Bring the events of one shard up to date."""
    targets = {name: video.targets for name, video in job.videos.items()}
    job.run_shard(partial(place_events, targets=targets), targets)


if "snakemake" in globals():
    run_job(snakemake, main)
