"""Map the captions of every video of a shard to the AudioSet labels nearest in meaning."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.arch2.mapping_job import nearest


def main(job: Job) -> None:
    """Bring the mapping of one shard up to date."""
    labels = job.fits("label_embeddings")[ONLY_FIT]
    extra = dict.fromkeys(job.videos, labels.row.digest)
    compute = partial(nearest, labels=labels, k=job.config["mapping"]["k"])
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
