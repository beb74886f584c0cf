"""Find the frames of every video of a shard in which most happens."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.images import decode_images
from unmuted.media.representative import motion_magnitudes, representative_steps
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def find(tasks: Sequence[Task], ratio: float) -> Iterator[Outcome]:
    """The steps of one task's representative frames, and the motion (px/s) at every step."""
    for task in tasks:
        frames = task.inputs["frames"].tensors()
        motion = motion_magnitudes(decode_images(frames), frames["timestamps"])
        steps = representative_steps(motion, ratio)
        rounded = [round(float(value), 4) for value in motion]
        yield Outcome(task.name, {"steps": steps, "motion": rounded})


def main(project: Project, shard: str) -> None:
    """Bring the representative frames of one shard up to date."""
    compute = partial(find, ratio=project.config["representative_frames"]["ratio"])
    project.run_shard("representative_frames", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
