"""Extract the features of the picture at every step of a shard's recordings."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.step_visual_job import StepVisual


def main(job: Job) -> None:
    """Bring the steps' visual features of one shard up to date."""
    job.run_shard(StepVisual(job).see)


if "snakemake" in globals():
    run_job(snakemake, main)
