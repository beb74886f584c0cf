"""Read the boxes around what sounds in a shard's training videos."""

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.boxes_job import VideoBoxes


def main(job: Job) -> None:
    """Bring the boxes of one shard up to date."""
    boxes = VideoBoxes(job)
    job.run_shard(boxes.read, boxes.extra_inputs)


if "snakemake" in globals():
    run_job(snakemake, main)
