"""Write the masks of a shard's videos as pictures of the videos' size."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.results_job import write_mask_files


def main(job: Job) -> None:
    """Bring the archives of one shard up to date."""
    job.run_shard(write_mask_files)


if "snakemake" in globals():
    run_job(snakemake, main)
