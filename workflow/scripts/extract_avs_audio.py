"""Extract what every second of a shard's videos sounds like, also in silence and with noise."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.audio_job import SecondSounds


def main(job: Job) -> None:
    """Bring the sound of the seconds of one shard up to date."""
    job.run_shard(SecondSounds(job).hear)


if "snakemake" in globals():
    run_job(snakemake, main)
