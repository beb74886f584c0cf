"""Train classifiers with real audio without each fold, seed by seed: the teachers of a student."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.classifier.fold_training_job import run


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; they read training clips only."""
    run(job, "real_audio")


if "snakemake" in globals():
    run_job(snakemake, main)
