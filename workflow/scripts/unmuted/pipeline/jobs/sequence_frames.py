"""The sampling of the frames of the CNN-RNN's sequences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from unmuted.engine.job import Job
from unmuted.media.first_frames import read_first_frames
from unmuted.media.frames import FrameSample, read_frames


def sampling(job: Job) -> Callable[..., FrameSample]:
    """Return the reader that samples the frames of a sequence, but for its limits."""
    settings = job.config["cnn_rnn"]
    length = settings["sequence_length"]
    wanted = {
        "short_side": job.config["frames"]["short_side"],
    }
    if settings["sampling"] == "even":
        return partial(read_frames, steps=length, **wanted)
    return partial(read_first_frames, most=length, **wanted)
