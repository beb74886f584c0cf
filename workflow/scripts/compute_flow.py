"""Draw the optical flow between the neighbouring frames of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.flow import flow_images
from unmuted.media.images import decode_images, encode_images
from unmuted.pipeline.registry import run_job


def draw(tasks: Sequence[Task], max_speed: float, scale: str) -> Iterator[Result]:
    """One container of T colour-coded flow images per task."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        images = decode_images(frames)
        timestamps = frames["timestamps"]
        flow = flow_images(images, timestamps, max_speed, scale)
        duration = float(frames["duration"][0])
        yield Result(task.name, encode_images(flow, timestamps, duration))


def main(job: Job) -> None:
    """Bring the flow of one shard up to date."""
    compute = partial(draw, **job.config["flow"])
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
