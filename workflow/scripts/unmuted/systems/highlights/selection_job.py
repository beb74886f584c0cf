"""The choice of checkpoints, temperatures, windows and thresholds on validation matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.highlights.arms import ARMS, SpottingArm
from unmuted.systems.highlights.context import Context, Fitted
from unmuted.training.order import hash_keys
from unmuted.training.states import State

if TYPE_CHECKING:
    from unmuted.systems.highlights.sampling import Targets
    from unmuted.systems.highlights.spotting import LabelledRecording


def select(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    fits: Mapping[int, Mapping[str, Artifact]],
    fitted: Fitted,
    folds: Mapping[str, int],
    job: Job,
) -> Iterator[Result]:
    """Choose for every arm and seed; nothing but validation matches is read.

    fits: by seed and arm. The result also holds hashes of the recordings that were chosen on, and
    which kinds have a training event.
    """
    from unmuted.systems.highlights.sampling import recording_targets
    from unmuted.training.checkpoints import unpack_fit

    context = Context(job, fitted, folds)
    recordings = context.load(clips)
    targets = [
        recording_targets(one.recording, len(context.kinds), context.rate, context.sampling)
        for one in recordings
    ]
    for task in tasks:
        arms: dict[str, list[dict[str, Any]]] = {}
        for seed, by_arm in fits.items():
            for name, artifact in by_arm.items():
                packed = artifact.tensors()
                if not context.highlights["split_by_clip"]:
                    check_unseen(packed, clips)
                trained = unpack_fit(packed)
                choice = choose(trained, ARMS[name], seed, recordings, targets, context)
                arms.setdefault(name, []).append({"seed": seed, **choice})
        yield Result(
            task.name,
            {
                "kinds": context.kinds,
                "arms": {name: arms[name] for name in sorted(arms)},
                "validation_recordings": len(clips),
                "validated_on": sorted(set(hash_keys([clip.key for clip in clips]).tolist())),
            },
        )


def choose(
    trained: Any,
    arm: SpottingArm,
    seed: int,
    recordings: Sequence[LabelledRecording],
    targets: Sequence[Targets],
    context: Context,
) -> dict[str, Any]:
    """Choose the checkpoint of the highest tight average mAP, the first of equal ones."""
    from unmuted.systems.highlights.inference import score_together, sound_input
    from unmuted.systems.highlights.spotting import choose_calibration, spottable
    from unmuted.systems.highlights.training import load_spotter_state

    read = [context.imputed(one.recording, arm.imputation, seed) for one in recordings]
    inputs = [(recording, sound_input(recording, arm.imputation)) for recording in read]
    valid = [spottable(recording, arm.reads_visual) for recording in read]
    choices = []
    for state in trained.snapshots:
        model = load_spotter_state(state, context.device)
        logits = score_together(model, inputs, context.rate, context.inference, context.device)
        choices.append(
            choose_calibration(
                logits,
                targets,
                recordings,
                valid,
                context.kinds,
                context.rate,
                context.highlights["nms_windows"],
                context.reach,
            )
        )
    best = int(np.argmax([score for _, score in choices]))
    calibration, score = choices[best]
    return {
        "snapshot": best,
        "epoch": trained.epochs[best],
        "validation": score,
        "by_snapshot": [score for _, score in choices],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        **calibration.payload(),
    }


def check_unseen(packed: State, clips: Sequence[Clip]) -> None:
    """Raise UserError if a spotter was trained on one of these recordings, or on its match."""
    seen = has_seen(packed, [clip.key for clip in clips], [clip.group for clip in clips])
    if seen.any():
        names = ", ".join(clips[i].video_id for i in np.flatnonzero(seen)[:3])
        raise UserError(
            f"a spotter was trained on {names}, or on another recording of that match; matches of "
            "validation and test must not be trained on"
        )
