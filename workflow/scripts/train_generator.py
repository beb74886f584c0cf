"""Train the generators of audio features, seed by seed: without each fold, and on all clips."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.arch2.training_job import run


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; validation clips choose checkpoints."""
    run(job)


if "snakemake" in globals():
    run_job(snakemake, main)
