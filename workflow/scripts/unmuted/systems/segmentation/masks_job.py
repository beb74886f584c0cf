"""The masks of a shard's videos: the mean probability over seeds of each pixel to sound.

Nothing here reads a truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.context import (
    ClipMaps,
    Context,
    arm_audio,
    condition_audio,
)
from unmuted.systems.segmentation.loading import load_clip
from unmuted.systems.segmentation.marking import HYPOTHETICAL, STATUSES, MarkingRule

if TYPE_CHECKING:
    from unmuted.systems.segmentation.networks import TrainedPart


@dataclass(frozen=True)
class Trained:
    """The networks of the arm that marks, of all seeds, and the threshold of their mean."""

    arm: str
    networks: Mapping[int, TrainedPart]
    threshold: float

    @classmethod
    def of(
        cls,
        arm: str,
        choices: Sequence[Mapping[str, Any]],
        fits: Mapping[int, Mapping[str, Artifact]],
        context: Context,
    ) -> Trained:
        """Load the chosen checkpoints of an arm."""
        from unmuted.systems.segmentation.choosing import Choice

        networks = load_arm(arm, choices, fits, context)
        probabilities = [Choice.of(choice).probability for choice in choices]
        return cls(arm, networks, float(np.mean(probabilities)))


def load_arm(
    arm: str,
    choices: Sequence[Mapping[str, Any]],
    fits: Mapping[int, Mapping[str, Artifact]],
    context: Context,
) -> dict[int, TrainedPart]:
    """Return the chosen networks of an arm by seed."""
    from unmuted.systems.segmentation.networks import load_network
    from unmuted.training.checkpoints import snapshot

    return {
        one["seed"]: load_network(
            snapshot(fits[one["seed"]][arm].tensors(), one["snapshot"]), context.encoder
        )
        for one in choices
    }


def mark_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    trained: Trained,
    rule: MarkingRule,
    context: Context,
) -> Iterator[Result]:
    """Mark what sounds in the videos of a shard.

    An artifact holds `probabilities`, uint8 (K, H, W), 255 is 1; `rms_db`, float32 (K,);
    `has_audio`, bool (K,); `statuses`, uint8 (K,), indices of `STATUSES`; `threshold`, float64
    (1,), from which a pixel is marked; and `arm`. Raises UserError naming the video whose
    probabilities are no numbers.
    """
    for task in tasks:
        maps = ClipMaps(load_clip(clips[task.name], reads_truth=False), context)
        try:
            arrays = mark_clip(maps, trained, rule)
        except ValueError as error:
            raise UserError(f"avs: {task.name}: {error}") from error
        yield Result(task.name, arrays)


def mark_clip(maps: ClipMaps, trained: Trained, rule: MarkingRule) -> dict[str, np.ndarray]:
    """Return the arrays of a video's artifact. Raises ValueError for probabilities that are NaN."""
    from unmuted.systems.segmentation.stored_probabilities import quantised

    clip = maps.clip
    statuses = rule.statuses(clip.has_audio, clip.rms_db)
    by_seed = [
        maps.predict(network, _audio(trained.arm, statuses, maps, seed))
        for seed, network in trained.networks.items()
    ]
    probabilities = np.mean(by_seed, axis=0)
    probabilities[[rule.is_empty(status) for status in statuses]] = 0
    probabilities[:, clip.is_padding] = 0
    return {
        "probabilities": quantised(probabilities),
        "rms_db": clip.rms_db.astype(np.float32),
        "has_audio": clip.has_audio,
        "statuses": np.array([STATUSES.index(status) for status in statuses], np.uint8),
        "threshold": np.array([trained.threshold]),
        "arm": text_array(trained.arm),
    }


def _audio(arm: str, statuses: Sequence[str], maps: ClipMaps, seed: int) -> np.ndarray:
    """Return the audio of a video; generated where it is hypothetical."""
    audio = arm_audio(ARMS[arm], maps, maps.context, seed)
    missing = np.array([status == HYPOTHETICAL for status in statuses])
    if missing.any():
        made = condition_audio("generated", maps, maps.context, seed)
        audio = np.where(missing[:, None], made, audio)
    return audio
