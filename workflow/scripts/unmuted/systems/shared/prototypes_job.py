"""The prototypes of AudioSet's labels, fitted on training clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unmuted.engine.executor import Result, Task
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes import fit_prototypes
from unmuted.training.clip_arrays import MemmapWriter


def fit(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    projection: Projection,
    head: np.ndarray,
    min_weight: float,
) -> Iterator[Result]:
    """Fit vectors (527, A) and their evidence on the clips that each fit reads."""
    for task in tasks:
        clips = clips_of_fits[task.name]
        audio, scores = MemmapWriter(), MemmapWriter()
        for clip in clips:
            features = clip.artifacts["ast"].tensors()
            audio.append(projection.apply(features["tokens"]))
            scores.append(features["scores"])
        keys = [clip.key for clip in clips]
        prototypes = fit_prototypes(
            keys, audio.array(), scores.array(), head, projection, min_weight
        )
        yield Result(task.name, dict(vars(prototypes)))
