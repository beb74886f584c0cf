"""Features of the pictures of a shard's videos, whatever network sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from unmuted.artifacts import text_array
from unmuted.features.loading import ModelSpec
from unmuted.media.images import decode_images
from unmuted.project import Project
from unmuted.runner import Outcome, Task

if TYPE_CHECKING:
    import torch


class PictureModel(Protocol):
    """What VitFeatures and Backbone have in common."""

    def extract_clips(
        self, clips: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray]]: ...


def extract_pictures(
    tasks: Sequence[Task],
    project: Project,
    role: str,
    source: str,
    build: Callable[[ModelSpec, torch.device, torch.dtype], PictureModel],
    threads: int,
) -> Iterator[Outcome]:
    """Features (N, F) float32 of the N pictures of each task's container, and the dtype used.

    role: of the model in the configuration. source: the stage whose artifacts hold the pictures.
    """
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec(role)
    device = use_device(project.config["device"], threads)
    dtype = pick_dtype(device, spec.dtype)
    model = build(spec, device, dtype)
    clips = ((task.name, decode_images(task.inputs[source].tensors())) for task in tasks)
    for name, features in model.extract_clips(clips):
        yield Outcome(name, {"features": features, "dtype": text_array(dtype)})
