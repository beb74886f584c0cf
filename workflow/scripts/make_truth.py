"""Write the known truth of the demo's clips: caption, object, masks, event times, labels."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task
from unmuted.world.files import truth_record
from unmuted.world.masks import run_lengths
from unmuted.world.plan import ClipSpec


def describe(tasks: Sequence[Task], clips: Mapping[str, ClipSpec], steps: int) -> Iterator[Outcome]:
    """One record per task; masks as uncompressed COCO run lengths, one a time step."""
    for task in tasks:
        truth, masks = truth_record(clips[task.name], steps)
        encoded = [run_lengths(mask) for mask in masks]
        size = list(masks.shape[1:])
        yield Outcome(task.name, {**truth, "masks": {"size": size, "counts": encoded}})


def main(project: Project, shard: str) -> None:
    """Bring the truth records of one shard up to date."""
    compute = partial(describe, clips=project.demo_clips, steps=project.time_steps)
    project.run_shard("truth", shard, compute, project.demo_inputs(shard))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(Project.of_job(snakemake.config), snakemake.wildcards.shard)
