"""How the audio that a stage generates differs between training, validation and test clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.feature_shift import feature_shift
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.projection import Projection


def shift_of(tested: TestedClips, projection: Projection, stage: str) -> dict[str, Any]:
    """Compute the shift of the audio that a stage generates; the clips have its artifacts."""
    clips = {
        "train": tested.experiment.split("train"),
        "val": tested.experiment.split("val"),
        "test": tested.clips,
    }
    return feature_shift(
        {split: _features(of_split, projection, stage) for split, of_split in clips.items()}
    )


def _features(
    clips: Sequence[Clip], projection: Projection, stage: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for clip in clips:
        if clip.has_sound and stage in clip.artifacts:
            yield clip.artifacts[stage].tensors()["audio"], clip.audio(projection)
