"""Average the sound of each class without each fold."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.classifier.class_sound_job import run_fits


def main(job: Job) -> None:
    """Bring the mean sounds up to date; they read training clips only."""
    run_fits(job)


if "snakemake" in globals():
    run_job(snakemake, main)
