"""Render the demo's clips of a shard: H.264 + AAC in mp4, as a camera would make them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.pipeline.datasets import world_clips
from unmuted.pipeline.registry import run_job


def render(tasks: Sequence[Task], clips: Mapping[str, ClipSpec]) -> Iterator[Result]:
    """One mp4 per task."""
    for task in tasks:
        yield Result(task.name, partial(write_clip, clips[task.name]))


def main(job: Job) -> None:
    """Bring the demo clips of one shard up to date."""
    compute = partial(render, clips=world_clips(job.config))
    job.run_shard(compute, job.specifications)


if "snakemake" in globals():
    run_job(snakemake, main)
