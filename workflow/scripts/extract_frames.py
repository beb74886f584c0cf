"""Decode the T frames of every video of a shard: the frame shown at each step of the time grid."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import read_frames
from unmuted.media.images import encode_images
from unmuted.media.probe import Limits
from unmuted.media.source import read_probe, source_path
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def decode(
    tasks: Sequence[Task], steps: int, short_side: int, limits: Limits, follow_links: bool
) -> Iterator[Outcome]:
    """One container of T JPEG images per task; damage that left frames to use is its reason."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])
        try:
            path = source_path(task, follow_links)
            sample = read_frames(path, probe, steps, short_side, limits)
        except MediaError as error:
            yield Outcome(task.name, None, error.status, error.reason)
        else:
            images = encode_images(sample.images, sample.timestamps, probe.duration_s)
            yield Outcome(task.name, images, "damaged" if sample.warning else "ok", sample.warning)


def main(config: Mapping[str, object], shard: str) -> None:
    """Bring the frames of one shard up to date."""
    project = Project(config)
    compute = partial(
        decode,
        steps=project.time_steps,
        short_side=project.config["frames"]["short_side"],
        limits=project.limits,
        follow_links=project.config["videos"]["follow_links"],
    )
    project.run_shard("frames", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(snakemake.config, snakemake.wildcards.shard)
