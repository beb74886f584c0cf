"""The choice of checkpoints, temperatures, windows and thresholds on validation matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.highlights.arms import ARMS, SpottingArm
from unmuted.systems.highlights.context import TRAINING_EVENTS, Context, Fitted
from unmuted.training.order import hash_keys

if TYPE_CHECKING:
    from unmuted.systems.highlights.choosing import Validation
    from unmuted.training.checkpoints import Fit
    from unmuted.training.states import State

# Keys of the result: lists of kinds.
WITHOUT_TRAINING, WITHOUT_VALIDATION = (
    "kinds_without_training_event",
    "kinds_without_validation_event",
)


def select(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    fits: Mapping[int, Mapping[str, Artifact]],
    fitted: Fitted,
    folds: Mapping[str, int],
    job: Job,
) -> Iterator[Result]:
    """Choose for every arm and seed, and for the ensemble of an arm's seeds.

    Nothing but validation matches is read. fits: by seed and arm. The result holds `kinds`; `arms`,
    for each a choice by seed; `ensembles`, for each arm windows and thresholds for the mean of its
    seeds' scores, and the tight average mAP that they have; `kinds_without_training_event`, which
    have no spots, and `kinds_without_validation_event`; and hashes of the recordings that were
    chosen on. Raises UserError if no kind has both a training and a validation event.
    """
    context = Context(job, fitted, folds)
    base = load_validation(context, clips, fits)
    missing = kinds_without_events(base)
    for task in tasks:
        arms, ensembles = {}, {}
        for name in sorted({name for by_arm in fits.values() for name in by_arm}):
            of_arm = {seed: by_arm[name] for seed, by_arm in fits.items() if name in by_arm}
            arms[name], ensembles[name] = choose_arm(ARMS[name], of_arm, base, clips, context)
            context.forget()
        yield Result(
            task.name,
            {
                "kinds": context.kinds,
                "arms": arms,
                "ensembles": ensembles,
                **missing,
                "validation_recordings": len(clips),
                "validated_on": sorted(set(hash_keys([clip.key for clip in clips]).tolist())),
            },
        )


def load_validation(
    context: Context, clips: Sequence[Clip], fits: Mapping[int, Mapping[str, Artifact]]
) -> Validation:
    """Read the validation recordings; steps of all of them are valid until an arm is known."""
    from unmuted.systems.highlights.choosing import Validation
    from unmuted.systems.highlights.sampling import recording_targets

    recordings = context.load(clips)
    events = [a.tensors()[TRAINING_EVENTS] for of_seed in fits.values() for a in of_seed.values()]
    return Validation(
        recordings,
        [
            recording_targets(one.recording, len(context.kinds), context.rate, context.sampling)
            for one in recordings
        ],
        [np.ones(one.recording.steps, bool) for one in recordings],
        context.kinds,
        np.min(events, axis=0) > 0,
        context.rate,
        context.highlights["nms_windows"],
        context.reach,
    )


def kinds_without_events(validation: Validation) -> dict[str, list[str]]:
    """Return the kinds without a training event, and those without a validation event.

    Raises UserError if every kind is one of these.
    """
    has_events, trained = validation.has_events(), validation.trained
    if not (has_events & trained).any():
        raise UserError(
            "no kind of matches.kinds has an event in both the training and the validation "
            "matches: nothing can be chosen. Label more matches, or change the splits"
        )

    def named(chosen: np.ndarray) -> list[str]:
        return [kind for kind, is_one in zip(validation.kinds, chosen, strict=True) if is_one]

    return {WITHOUT_TRAINING: named(~trained), WITHOUT_VALIDATION: named(~has_events)}


def choose_arm(
    arm: SpottingArm,
    fits: Mapping[int, Artifact],
    base: Validation,
    clips: Sequence[Clip],
    context: Context,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Choose for every seed of an arm, then for the mean of the chosen networks' scores.

    fits: by seed. Only the chosen checkpoint's logits are kept, and of these only the sum.
    """
    from unmuted.systems.highlights.choosing import choose_rule
    from unmuted.systems.highlights.spotting import Calibration, spottable
    from unmuted.training.checkpoints import unpack_fit

    valid = [spottable(one.recording, arm.reads_visual) for one in base.recordings]
    validation = replace(base, valid=valid)
    choices: list[dict[str, Any]] = []
    total: list[np.ndarray] = []
    for seed, artifact in fits.items():
        packed = artifact.tensors()
        if not context.highlights["split_by_clip"]:
            check_unseen(packed, clips)
        choice, logits = choose(unpack_fit(packed), arm, seed, validation, context)
        choices.append({"seed": seed, **choice})
        # As spots are served: from logits in half precision.
        served = [x.astype(np.float16) for x in logits]
        scores = [Calibration.of(choice).scores(x, context.reach) for x in served]
        total = [a + b for a, b in zip(total, scores, strict=True)] if total else scores
    means = [(of_all / len(choices)).astype(np.float32) for of_all in total]
    rule, score = choose_rule(means, validation)
    return choices, {**rule.payload(), "validation": score}


def choose(
    trained: Fit, arm: SpottingArm, seed: int, validation: Validation, context: Context
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Choose the checkpoint of the highest tight average mAP, the first of equal ones.

    Returns the choice, and the logits (S, K) of each recording by the chosen checkpoint.
    """
    from unmuted.systems.highlights.choosing import choose_calibration
    from unmuted.systems.highlights.inference import score_together, sound_input
    from unmuted.systems.highlights.training import load_spotter_state

    read = [context.imputed(one.recording, arm.imputation, seed) for one in validation.recordings]
    inputs = [(recording, sound_input(recording, arm.imputation)) for recording in read]
    chosen: dict[str, Any] = {}
    kept: list[np.ndarray] = []
    by_snapshot: list[float] = []
    for place, state in enumerate(trained.snapshots):
        model = load_spotter_state(state, context.device)
        logits = score_together(model, inputs, context.rate, context.inference, context.device)
        calibration, score = choose_calibration(logits, validation)
        if score > max(by_snapshot, default=-1.0):
            chosen, kept = {"snapshot": place, **calibration.payload()}, logits
        by_snapshot.append(score)
    return {
        **chosen,
        "epoch": trained.epochs[chosen["snapshot"]],
        "validation": max(by_snapshot),
        "by_snapshot": by_snapshot,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }, kept


def check_unseen(packed: State, clips: Sequence[Clip]) -> None:
    """Raise UserError if a spotter was trained on one of these recordings, or on its match."""
    seen = has_seen(packed, [clip.key for clip in clips], [clip.group for clip in clips])
    if seen.any():
        names = ", ".join(clips[i].video_id for i in np.flatnonzero(seen)[:3])
        raise UserError(
            f"a spotter was trained on {names}, or on another recording of that match; matches of "
            "validation and test must not be trained on"
        )
