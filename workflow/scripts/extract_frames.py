"""Decode the T frames of every video of a shard: the frame shown at each step of the time grid."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from unmuted.joblog import job_log
from unmuted.media.every_nth import read_every_nth
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import FrameSample, read_frames
from unmuted.media.images import encode_images
from unmuted.media.probe import Probe
from unmuted.media.source import read_probe, source_path
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def decode(
    tasks: Sequence[Task], read: Callable[[Path, Probe], FrameSample], follow_links: bool
) -> Iterator[Outcome]:
    """One container of T JPEG images per task; damage that left frames to use is its reason."""
    for task in tasks:
        probe = read_probe(task.inputs["probe"])
        try:
            path = source_path(task, follow_links)
            sample = read(path, probe)
        except MediaError as error:
            yield Outcome(task.name, None, error.status, error.reason)
        else:
            images = encode_images(sample.images, sample.timestamps, probe.duration_s)
            yield Outcome(task.name, images, "damaged" if sample.warning else "ok", sample.warning)


def sampling(project: Project) -> Callable[[Path, Probe], FrameSample]:
    """How the configuration wants the frames of a clip chosen."""
    wanted = {
        "steps": project.time_steps,
        "short_side": project.config["frames"]["short_side"],
        "limits": project.limits,
    }
    if project.config["frames"]["sampling"] == "every_nth":
        return partial(read_every_nth, rate=project.config["clips"]["fps"], **wanted)
    return partial(read_frames, **wanted)


def main(project: Project, shard: str) -> None:
    """Bring the frames of one shard up to date."""
    compute = partial(
        decode,
        read=sampling(project),
        follow_links=project.config["videos"]["follow_links"],
    )
    project.run_shard("frames", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
