"""Train video-only classifiers without each fold, seed by seed."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.classifier.fold_training_job import run


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; validation clips choose checkpoints."""
    run(job, "video_only")


if "snakemake" in globals():
    run_job(snakemake, main)
