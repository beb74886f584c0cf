"""Compute the sound expected of each video from its class posterior, training clips out of fold."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.classifier.class_sound_job import run_shard


def main(job: Job) -> None:
    """Bring the expected sound of one shard up to date."""
    run_shard(job)


if "snakemake" in globals():
    run_job(snakemake, main)
