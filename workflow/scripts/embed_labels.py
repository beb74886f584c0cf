"""Embed the 527 AudioSet labels with the sentence encoder."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.audioset import load_labels
from unmuted.pipeline.jobs.label_embeddings import embed
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT


def main(job: Job) -> None:
    """Bring the label embeddings up to date."""
    compute = partial(embed, job=job)
    job.run_fits({ONLY_FIT: load_labels()}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
