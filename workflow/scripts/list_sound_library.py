"""List the training sounds that previews may play, with their features."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.pages.sound_library import run


def main(job: Job) -> None:
    """Bring the library up to date."""
    run(job)


if "snakemake" in globals():
    run_job(snakemake, main)
