"""Extract AST features of what is left of the sound of each tested video, at levels of severity."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.degraded_sound import extract, tested_videos
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the features of degraded sound of one shard up to date."""
    is_tested = tested_videos(job)
    job.run_shard(partial(extract, job=job, is_tested=is_tested), is_tested)


if "snakemake" in globals():
    run_job(snakemake, main)
