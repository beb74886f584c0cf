"""List the labels that the trained generators attend to for every caption of a shard."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.arch2.trained_mapping import attended


def main(job: Job) -> None:
    """Bring the trained mapping of one shard up to date."""
    job.run_shard(partial(attended, k=job.config["mapping"]["k"]))


if "snakemake" in globals():
    run_job(snakemake, main)
