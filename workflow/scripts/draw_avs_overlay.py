"""Draw what sounds on every frame of a shard's videos, with their own sound."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.results_job import OverlayDrawer


def main(job: Job) -> None:
    """Bring the overlays of one shard up to date."""
    job.run_shard(OverlayDrawer(job).draw)


if "snakemake" in globals():
    run_job(snakemake, main)
