"""Embed the captions of every video of a shard with the sentence encoder."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.jobs.caption_embeddings import embed
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the caption embeddings of one shard up to date."""
    job.run_shard(partial(embed, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
