"""What the picture shows at each step of a shard's recordings; no picture is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unmuted.dataset.limits import video_limits
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorSpool
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Probe
from unmuted.media.source import decode, read_probe
from unmuted.media.step_frames import FieldsFound, StepFrames

if TYPE_CHECKING:
    from unmuted.features.backbones import Backbone

ROLE = "step_backbone"


class StepVisual:
    """Sees recordings; the network is loaded once, and only if there is work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rate = job.config["steps"]["rate"]
        self._side = job.config["steps"]["image_size"]
        self._limits = video_limits(job.config)

    @cached_property
    def _model(self) -> Backbone:
        from unmuted.features.backbones import Backbone
        from unmuted.inference.device import pick_dtype, use_device

        spec = self._job.model_spec(ROLE)
        device = use_device(self._job.config["device"], self._job.threads)
        dtype = pick_dtype(device, spec.dtype)
        batch_size = self._job.config["steps"]["batch_size"]
        return Backbone(spec, device, dtype, batch_size, square=self._side)

    def see(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield features float16 (S, F) and a mask bool (S,) of each task.

        With them go `rate` (1,), `seconds` (1,), `size` (2,), width and height of the upright
        picture, and `dtype`, in which the network ran. The reason of a result is the damage that
        left steps without a picture.
        """
        return one_by_one(tasks, self._make)

    def _make(self, task: Task) -> Result:
        probe = read_probe(task.inputs["probe"])
        follow_links = self._job.config["videos"]["follow_links"]
        try:
            frames, spool = decode(
                task, follow_links, self._limits, lambda path: self._read(path, probe)
            )
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        spool.append("valid", frames.valid)
        spool.append("rate", np.array([self._rate], np.float64))
        spool.append("seconds", np.array([probe.duration_s], np.float64))
        spool.append("size", np.array([probe.width, probe.height], np.int64))
        spool.append("dtype", text_array(self._model.dtype))
        status = "damaged" if frames.warning else "ok"
        reason = "; ".join(filter(None, [frames.warning, frames.note]))
        return Result(task.name, spool, status, reason)

    def _read(self, path: Path, probe: Probe) -> tuple[StepFrames, TensorSpool]:
        try:
            return self._read_once(path, probe, deinterlace=False)
        except FieldsFound:
            return self._read_once(path, probe, deinterlace=True)

    def _read_once(
        self, path: Path, probe: Probe, deinterlace: bool
    ) -> tuple[StepFrames, TensorSpool]:
        size = (self._side, self._side)
        frames = StepFrames(path, probe, self._rate, size, self._limits, deinterlace)
        spool = TensorSpool()
        for _, features in self._model.extract_clips(_unnamed(frames)):
            spool.append("features", features.astype(np.float16))
        return frames, spool


def _unnamed(images: Iterable[np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    return (("", some) for some in images)
