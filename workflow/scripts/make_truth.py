"""Write the known truth of the demo's clips: caption, object, masks, event times, labels."""

from functools import partial

from unmuted.config.derived import time_steps
from unmuted.engine.job import Job
from unmuted.pipeline.datasets import family_clips, has_families, world_clips
from unmuted.pipeline.jobs.truth import describe, describe_families
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the truth records of one shard up to date."""
    if has_families(job.config):
        compute = partial(describe_families, clips=family_clips(job.config))
    else:
        compute = partial(describe, clips=world_clips(job.config), steps=time_steps(job.config))
    job.run_shard(compute, job.specifications)


if "snakemake" in globals():
    run_job(snakemake, main)
