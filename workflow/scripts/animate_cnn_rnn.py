"""Show what the CNN-RNN recogniser saw of every video, and what it says of that."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.cnn_rnn.animation_job import draw


def main(job: Job) -> None:
    """Bring the animations of one shard up to date."""
    job.run_shard(draw)


if "snakemake" in globals():
    run_job(snakemake, main)
