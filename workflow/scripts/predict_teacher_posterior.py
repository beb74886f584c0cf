"""Predict each video's class from picture and real audio, training clips out of fold."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.classifier.posterior_job import run


def main(job: Job) -> None:
    """Bring the posteriors of one shard up to date."""
    run(job, "fold_teacher", "real_audio")


if "snakemake" in globals():
    run_job(snakemake, main)
