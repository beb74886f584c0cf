"""The scores of a shard's test clips: all arms, seeds and conditions of the sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.segmentation.arms import ARMS, OTHER, conditions_of, tested_conditions
from unmuted.systems.segmentation.clip_data import OWN
from unmuted.systems.segmentation.context import (
    ClipMaps,
    ClipSound,
    Context,
    arm_audio,
    condition_audio,
    each_with_maps,
)
from unmuted.systems.segmentation.loading import SOUND, TRUTH, load_clip, read_truth

if TYPE_CHECKING:
    from unmuted.systems.segmentation.networks import TrainedPart

PARTNERS = "avs_partners"
READY = "ready_networks"  # array: the digest of ready networks, in artifacts of their scores


@dataclass(frozen=True)
class Partner:
    """Another clip: its sound, and its truth, bool (K, H, W), if it is read."""

    sound: ClipSound
    truth: np.ndarray | None


def score_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    partners: Mapping[str, Mapping[str, Partner]],
    networks: Mapping[str, Mapping[int, TrainedPart]],
    choices: Mapping[str, Sequence[Mapping[str, Any]]],
    context: Context,
) -> Iterator[Result]:
    """Score clips, those with the same pictures one after the other.

    An artifact holds `is_labelled` and `has_audio`, bool (K,), `rms_db`, `pair`, int64 (K, 3), as
    `pair_areas` returns it, and of each arm and condition the arrays of `SecondScores`. partners:
    by clip and condition. networks, choices: by arm; networks by seed, too.
    """
    names = sorted((task.name for task in tasks), key=lambda name: (clips[name].key, name))
    loaded = [load_clip(clips[name]) for name in names]
    for maps in each_with_maps(loaded, context):
        of_clip = partners.get(maps.clip.name, {})
        yield Result(maps.clip.name, score_clip(maps, of_clip, networks, choices, context))


def score_clip(
    maps: ClipMaps,
    partners: Mapping[str, Partner],
    networks: Mapping[str, Mapping[int, TrainedPart]],
    choices: Mapping[str, Sequence[Mapping[str, Any]]],
    context: Context,
) -> dict[str, np.ndarray]:
    """Return the arrays of a clip's artifact."""
    from unmuted.systems.segmentation.inference import needed_size
    from unmuted.systems.segmentation.scoring import pair_areas, score_condition

    clip = maps.clip
    other = partners[OTHER].truth if OTHER in partners else None
    if other is not None:
        height, width = needed_size(clip.is_padding, context.encoder.strides[-1])
        other = other[:, :height, :width]
    arrays = {
        "is_labelled": clip.is_labelled,
        "has_audio": clip.has_audio,
        "rms_db": clip.rms_db.astype(np.float32),
        "pair": pair_areas(clip.truth, other),
        "picture": text_array(clip.key),
    }
    sounds = {name: partner.sound for name, partner in partners.items()}
    has_fits = context.avs["checkpoint"] is None
    available = {*tested_conditions(context.avs["conditions"], has_fits), *sounds}
    for name, by_seed in networks.items():
        arm, of_arm = ARMS[name], choices[name]
        thresholds = [one["threshold"] for one in of_arm]
        own: list[np.ndarray] = []
        for condition in conditions_of(arm, {*available, OWN}):
            found = [
                maps.predict(
                    network,
                    arm_audio(arm, maps, context, seed)
                    if condition == OWN
                    else condition_audio(condition, maps, context, seed, sounds),
                )
                for seed, network in by_seed.items()
            ]
            own = own or found
            scores = score_condition(clip, found, own, thresholds)
            arrays |= scores.pack(f"{name}.{condition}")
    return arrays


def read_partners(job: Job, table: Artifact, names: Sequence[str]) -> dict[str, dict[str, Partner]]:
    """Read the partners of clips; the truth only of those with the same pictures."""
    content = table.json()
    found: dict[str, dict[str, Partner]] = {}
    for name in names:
        for condition, entry in content.get(name, {}).items():
            if entry is None:
                continue
            read = {
                stage: job.recorded_artifact(
                    PARTNERS, table, stage, entry["video_id"], entry[stage]
                )
                for stage in (SOUND, TRUTH)
                if entry[stage]
            }
            sound = read[SOUND].tensors()
            truth = read_truth(read[TRUTH])[0] if condition == OTHER else None
            partner = Partner(ClipSound(sound["own"], sound["valid"].astype(bool)), truth)
            found.setdefault(name, {})[condition] = partner
    return found
