"""Features of the pictures of a shard's videos, whatever network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.tensors import TensorSpool
from unmuted.media.images import image_chunks
from unmuted.models.loading import ModelSpec

if TYPE_CHECKING:
    import torch


Key = TypeVar("Key")


class PictureModel(Protocol):
    """What VitFeatures and Backbone have in common."""

    def extract_clips(
        self, clips: Iterable[tuple[Key, np.ndarray]]
    ) -> Iterator[tuple[Key, np.ndarray]]:
        """Yield features (N, F) float32 of images uint8 (N, H, W, 3), by the same keys."""
        ...


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
        """Yield features (N, F) float32 of the N pictures of each task, with their dtype.

        source: the stage whose artifacts hold the pictures. They are read, and their features are
        written, a few at once, so that a long video needs no more memory than a short one.
        """
        model, dtype = self._model
        spool = TensorSpool()
        for (name, is_last), features in model.extract_clips(_chunks(tasks, source)):
            spool.append("features", features)
            if is_last:
                spool.append("dtype", text_array(dtype))
                yield Result(name, spool)
                spool = TensorSpool()


def _chunks(tasks: Sequence[Task], source: str) -> Iterator[tuple[tuple[str, bool], np.ndarray]]:
    """Yield pictures (n, H, W, 3) of each task, by its name and whether they are its last."""
    for task in tasks:
        for images, is_last in image_chunks(task.inputs[source]):
            yield (task.name, is_last), images
