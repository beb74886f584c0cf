"""Write the known truth of the demo's clips: caption, object, masks, event times, labels."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.derived import time_steps
from unmuted.demo_world.files import truth_record
from unmuted.demo_world.masks import run_lengths
from unmuted.demo_world.plan import ClipSpec
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.pipeline.datasets import world_clips
from unmuted.pipeline.registry import run_job


def describe(tasks: Sequence[Task], clips: Mapping[str, ClipSpec], steps: int) -> Iterator[Result]:
    """One record per task; masks as uncompressed COCO run lengths, one a time step."""
    for task in tasks:
        truth, masks = truth_record(clips[task.name], steps)
        encoded = [run_lengths(mask) for mask in masks]
        size = list(masks.shape[1:])
        yield Result(task.name, {**truth, "masks": {"size": size, "counts": encoded}})


def main(job: Job) -> None:
    """Bring the truth records of one shard up to date."""
    compute = partial(describe, clips=world_clips(job.config), steps=time_steps(job.config))
    job.run_shard(compute, job.specifications)


if "snakemake" in globals():
    run_job(snakemake, main)
