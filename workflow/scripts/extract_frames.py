"""Decode the T frames of every video of a shard: the frame shown at each step of the time grid."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unmuted.joblog import job_log
from unmuted.media.decoding import decode_frames
from unmuted.media.every_nth import read_every_nth
from unmuted.media.frames import FrameSample, read_frames
from unmuted.media.probe import Probe
from unmuted.project import Project


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
    follow_links = project.config["videos"]["follow_links"]
    compute = partial(decode_frames, read=sampling(project), follow_links=follow_links)
    project.run_shard("frames", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
