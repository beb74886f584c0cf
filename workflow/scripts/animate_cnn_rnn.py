"""Animate the frames of every video that the CNN-RNN recogniser reads, with its predictions."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.cnn_rnn.animation_job import draw


def main(job: Job) -> None:
    """Bring the animations of one shard up to date."""
    job.run_shard(draw)


if "snakemake" in globals():
    run_job(snakemake, main)
