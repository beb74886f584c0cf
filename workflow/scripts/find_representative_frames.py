"""Find the frames of every video of a shard in which most happens."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.images import decode_images
from unmuted.media.representative import motion_magnitudes, representative_steps
from unmuted.pipeline.registry import run_job


def find(tasks: Sequence[Task], ratio: float) -> Iterator[Result]:
    """The steps of one task's representative frames, and the motion (px/s) at every step."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        motion = motion_magnitudes(decode_images(frames), frames["timestamps"])
        steps = representative_steps(motion, ratio)
        rounded = [round(float(value), 4) for value in motion]
        yield Result(task.name, {"steps": steps, "motion": rounded})


def main(job: Job) -> None:
    """Bring the representative frames of one shard up to date."""
    compute = partial(find, ratio=job.config["representative_frames"]["ratio"])
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
