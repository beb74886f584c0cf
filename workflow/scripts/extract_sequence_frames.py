"""Decode the frames of every video of a shard that the CNN-RNN recogniser sees."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unmuted.engine.job import Job
from unmuted.media.decoding import decode_frames
from unmuted.media.first_frames import read_first_frames
from unmuted.media.frames import FrameSample, read_frames
from unmuted.media.probe import Probe, video_limits
from unmuted.pipeline.registry import run_job


def sampling(job: Job) -> Callable[[Path, Probe], FrameSample]:
    """How the configuration wants the frames of a sequence chosen."""
    settings = job.config["cnn_rnn"]
    length = settings["sequence_length"]
    wanted = {
        "short_side": job.config["frames"]["short_side"],
        "limits": video_limits(job.config["videos"]),
    }
    if settings["sampling"] == "even":
        return partial(read_frames, steps=length, **wanted)
    return partial(read_first_frames, most=length, **wanted)


def main(job: Job) -> None:
    """Bring the sequence frames of one shard up to date."""
    follow_links = job.config["videos"]["follow_links"]
    compute = partial(decode_frames, read=sampling(job), follow_links=follow_links)
    job.run_shard(compute)


if "snakemake" in globals():
    run_job(snakemake, main)
