"""The choice of checkpoints and thresholds of all arms and seeds on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.context import ClipMaps, Context, arm_audio, each_with_maps
from unmuted.systems.segmentation.loading import load_clips_data
from unmuted.systems.segmentation.training_job import SEPARATION
from unmuted.training.order import hash_keys


def select(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    fits: Mapping[int, Mapping[str, Artifact]],
    context: Context,
) -> Iterator[Result]:
    """Choose for every arm and seed; no other clips than these are read.

    fits: by seed and arm. The result also holds hashes of the clips that were chosen on.
    """
    loaded = sorted(load_clips_data(clips), key=lambda clip: (clip.key, clip.name))
    for task in tasks:
        arms: dict[str, list[dict[str, Any]]] = {}
        for seed, by_arm in fits.items():
            for name, artifact in by_arm.items():
                chosen = _choose(name, seed, artifact.tensors(), clips, loaded, context)
                arms.setdefault(name, []).append({"seed": seed, **chosen})
        yield Result(
            task.name,
            {
                "arms": {name: arms[name] for name in sorted(arms)},
                "validation_clips": len(clips),
                "validated_on": sorted(set(hash_keys([clip.key for clip in clips]).tolist())),
            },
        )


def _choose(
    name: str,
    seed: int,
    packed: Mapping[str, Any],
    clips: Sequence[Clip],
    loaded: Sequence[Any],
    context: Context,
) -> dict[str, Any]:
    from unmuted.systems.segmentation.choosing import choose
    from unmuted.systems.segmentation.networks import load_network
    from unmuted.training.checkpoints import unpack_fit

    arm = ARMS[name]
    check_unseen(packed, clips)
    fit = unpack_fit(dict(packed))
    networks = {id(state): load_network(state, context.encoder) for state in fit.snapshots}
    maps: dict[str, ClipMaps] = {one.clip.name: one for one in each_with_maps(loaded, context)}
    audio = {key: arm_audio(arm, one, context, seed) for key, one in maps.items()}
    choice = choose(
        fit,
        [one.clip for one in maps.values()],
        lambda state, clip: maps[clip.name].predict(networks[id(state)], audio[clip.name]),
        context.avs["threshold_slack"],
    )
    network = next(iter(networks.values()))
    separation = packed.get(SEPARATION)
    return {
        **choice.payload(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "fusion": network.head.config.fusion,
        "crop_separation": None
        if separation is None or np.isnan(separation[0])
        else float(separation[0]),
    }


def check_unseen(packed: Mapping[str, Any], clips: Sequence[Clip]) -> None:
    """Raise UserError if a network was trained on one of these clips, or on its source."""
    seen = has_seen(dict(packed), [clip.key for clip in clips], [clip.group for clip in clips])
    if seen.any():
        names = ", ".join(clips[i].video_id for i in np.flatnonzero(seen)[:3])
        raise UserError(
            f"avs: a network was trained on {names}, or on another video of that source; videos of "
            "validation and test must not be trained on"
        )
