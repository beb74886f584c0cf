"""The sampling of the frames of a clip, or of a long video."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from unmuted.config.derived import time_steps
from unmuted.engine.job import Job
from unmuted.media.every_nth import read_every_nth
from unmuted.media.frames import FrameSample, TimelineFrames, read_frames


def sampling(job: Job) -> Callable[..., FrameSample]:
    """Return the reader that samples the frames of a clip as configured, but for its limits."""
    wanted = {
        "steps": time_steps(job.config),
        "short_side": job.config["frames"]["short_side"],
    }
    if job.config["frames"]["sampling"] == "every_nth":
        return partial(read_every_nth, rate=job.config["clips"]["fps"], **wanted)
    return partial(read_frames, **wanted)


def timeline(job: Job) -> Callable[..., TimelineFrames]:
    """Return the reader that samples the frames of a long video, but for its limits."""
    return partial(TimelineFrames, **job.config["timeline"])
