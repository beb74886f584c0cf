"""Train the null generators: architecture 2's, on sound that is permuted across source groups."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.permuted_sound import permute_sound
from unmuted.systems.arch2.training_job import run


def main(job: Job) -> None:
    """Bring the null generators of the job's seeds up to date; they read training clips only."""
    run(job, permute_sound)


if "snakemake" in globals():
    run_job(snakemake, main)
