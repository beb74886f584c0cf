"""Write the sound of every video of a shard as 16 kHz mono wav, aligned to the picture."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.media.probe import video_limits
from unmuted.pipeline.jobs.wav import extract
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the wavs of one shard up to date."""
    compute = partial(
        extract,
        silence_db=job.config["wav"]["silence_db"],
        languages=job.config["wav"]["languages"],
        limits=video_limits(job.config),
        follow_links=job.config["videos"]["follow_links"],
    )
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
