"""Features of the pictures of a shard's videos, whatever network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.images import decode_images
from unmuted.models.loading import ModelSpec

if TYPE_CHECKING:
    import torch


class PictureModel(Protocol):
    """What VitFeatures and Backbone have in common."""

    def extract_clips(
        self, clips: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray]]: ...


class PictureExtractor:
    """Extracts features of pictures; the model is loaded once, and only if there is work.

    role: of the model in the configuration. build: loads it.
    """

    def __init__(
        self,
        job: Job,
        role: str,
        build: Callable[[ModelSpec, torch.device, torch.dtype], PictureModel],
    ) -> None:
        self._job, self._role, self._build = job, role, build

    @cached_property
    def _model(self) -> tuple[PictureModel, torch.dtype]:
        from unmuted.inference.device import pick_dtype, use_device

        spec = self._job.model_spec(self._role)
        device = use_device(self._job.config["device"], self._job.threads)
        dtype = pick_dtype(device, spec.dtype)
        return self._build(spec, device, dtype), dtype

    def extract(self, tasks: Sequence[Task], source: str) -> Iterator[Result]:
        """Features (N, F) float32 of the N pictures of each task's container, and the dtype used.

        source: the stage whose artifacts hold the pictures.
        """
        model, dtype = self._model
        clips = ((task.name, decode_images(task.inputs[source].tensors())) for task in tasks)
        for name, features in model.extract_clips(clips):
            yield Result(name, {"features": features, "dtype": text_array(dtype)})
