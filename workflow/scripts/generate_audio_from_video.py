"""Generate every video's audio features with architecture 1, training clips out of fold."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.shared.serving import serve_shard


def main(job: Job) -> None:
    """Bring architecture 1's audio of one shard up to date."""
    serve_shard(job, "video_generator")


if "snakemake" in globals():
    run_job(snakemake, main)
