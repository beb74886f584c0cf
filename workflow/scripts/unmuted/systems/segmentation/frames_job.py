"""The picture in the middle of every second of a shard's videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from unmuted.dataset.limits import video_limits
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Probe
from unmuted.media.second_frames import SecondFrames
from unmuted.media.source import decode, read_probe
from unmuted.systems.segmentation.artifacts import padded_side


class SecondPictures:
    """Takes the pictures; see `unmuted.systems.segmentation.artifacts` for what is kept of them."""

    def __init__(self, job: Job) -> None:
        self._avs = job.config["avs"]
        self._follow_links = job.config["videos"]["follow_links"]
        self._limits = video_limits(job.config)

    def take(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the pictures of each task; the reason of a result says what was lost of them."""
        return one_by_one(tasks, self._make)

    def _make(self, task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])
        try:
            frames, spool = decode(
                task, self._follow_links, self._limits, lambda path: self._read(path, probe)
            )
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        status = "damaged" if frames.warning else "ok"
        reason = "; ".join(filter(None, [frames.warning, frames.note]))
        return Result(task.name, spool, status, reason)

    def _read(self, path: Path, probe: Probe) -> tuple[SecondFrames, TensorSpool]:
        avs = self._avs
        frames = SecondFrames(
            path, probe, avs["short_side"], self._limits, avs["frame_at"], avs["resize"] == "squash"
        )
        spool, times = TensorSpool(), []
        for time_s, image in frames:
            spool.append("frames", padded(image)[None])
            times.append(time_s)
        width, height = frames.size
        spool.append("size", np.array([height, width], np.int64))
        spool.append("native", np.array([probe.height, probe.width], np.int64))
        spool.append("starts", frames.starts)
        spool.append("ends", frames.ends)
        spool.append("frame_times", np.array(times, np.float64))
        return frames, spool


def padded(image: np.ndarray) -> np.ndarray:
    """Return an image (H, W, ...) with zeros below and to the right of it."""
    height, width = image.shape[:2]
    shape = (padded_side(height), padded_side(width), *image.shape[2:])
    result = np.zeros(shape, image.dtype)
    result[:height, :width] = image
    return result
