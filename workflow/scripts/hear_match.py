"""Extract the spectrogram around every step of a shard's recordings, and where there is sound."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.step_sound_job import hear_match


def main(job: Job) -> None:
    """Bring the steps' sound of one shard up to date."""
    hear_match(job)


if "snakemake" in globals():
    run_job(snakemake, main)
