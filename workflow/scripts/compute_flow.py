"""Draw the optical flow between the neighbouring frames of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.flow import flow_images
from unmuted.media.images import decode_images, encode_images
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def draw(tasks: Sequence[Task], max_speed: float, scale: str) -> Iterator[Outcome]:
    """One container of T colour-coded flow images per task."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        images = decode_images(frames)
        timestamps = frames["timestamps"]
        flow = flow_images(images, timestamps, max_speed, scale)
        duration = float(frames["duration"][0])
        yield Outcome(task.name, encode_images(flow, timestamps, duration))


def main(project: Project, shard: str) -> None:
    """Bring the flow of one shard up to date."""
    compute = partial(draw, **project.config["flow"])
    project.run_shard("flow", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
