"""Decode the frames of every video of a shard that the CNN-RNN recogniser sees."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unmuted.joblog import job_log
from unmuted.media.decoding import decode_frames
from unmuted.media.first_frames import read_first_frames
from unmuted.media.frames import FrameSample, read_frames
from unmuted.media.probe import Probe
from unmuted.project import Project


def sampling(project: Project) -> Callable[[Path, Probe], FrameSample]:
    """How the configuration wants the frames of a sequence chosen."""
    settings = project.config["cnn_rnn"]
    length = settings["sequence_length"]
    wanted = {"short_side": project.config["frames"]["short_side"], "limits": project.limits}
    if settings["sampling"] == "even":
        return partial(read_frames, steps=length, **wanted)
    return partial(read_first_frames, most=length, **wanted)


def main(project: Project, shard: str) -> None:
    """Bring the sequence frames of one shard up to date."""
    follow_links = project.config["videos"]["follow_links"]
    compute = partial(decode_frames, read=sampling(project), follow_links=follow_links)
    project.run_shard("sequence_frames", shard, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
