"""Render the videos of a built-in world: H.264 + AAC in mp4, as a camera would make them."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.datasets import demo_recordings, family_clips, has_families, world_clips
from unmuted.pipeline.jobs.clips import render, render_families, render_matches
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the demo clips, or the recordings of demo matches, of one shard up to date."""
    if job.config["videos"]["source"] == "matches":
        recordings = demo_recordings(job.config["matches"]["demo"])
        compute = partial(render_matches, recordings=recordings)
    elif has_families(job.config):
        compute = partial(render_families, clips=family_clips(job.config))
    else:
        compute = partial(render, clips=world_clips(job.config))
    job.run_shard(compute, job.specifications)


if "snakemake" in globals():
    run_job(snakemake, main)
