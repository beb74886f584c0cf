"""Generate the audio features of every video of a shard with the null generators."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.shared.serving import serve_shard


def main(job: Job) -> None:
    """Bring the null generators' audio of one shard up to date, training clips out of fold."""
    serve_shard(job, "null_generator")


if "snakemake" in globals():
    run_job(snakemake, main)
