"""Generate the audio features of every video of a shard, training clips out of fold."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.shared.serving import serve_shard


def main(job: Job) -> None:
    """Bring the generated audio of one shard up to date."""
    serve_shard(job, "generator")


if "snakemake" in globals():
    run_job(snakemake, main)
