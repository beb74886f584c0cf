"""Render the demo's clips of a shard: H.264 + AAC in mp4, as a camera would make them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task
from unmuted.world.files import write_clip
from unmuted.world.plan import ClipSpec


def render(tasks: Sequence[Task], clips: Mapping[str, ClipSpec]) -> Iterator[Outcome]:
    """One mp4 per task."""
    for task in tasks:
        yield Outcome(task.name, partial(write_clip, clips[task.name]))


def main(project: Project, shard: str) -> None:
    """Bring the demo clips of one shard up to date."""
    compute = partial(render, clips=project.demo_clips)
    project.run_shard("clips", shard, compute, project.demo_inputs(shard))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(Project.of_job(snakemake.config), snakemake.wildcards.shard)
