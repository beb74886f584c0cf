"""Cross-fitted classifiers: the training clips of each fit, and the fits that serve a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unmuted.engine.executor import Artifact
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment, training_folds
from unmuted.samples.fits import fold_name
from unmuted.samples.folds import check_out_of_fold, has_seen

if TYPE_CHECKING:  # a job with nothing to do loads no torch
    from unmuted.training.states import State


def labelled_clips_of_folds(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Return the labelled training clips that each fit reads: all but those of a fold."""
    fold_of = training_folds(experiment, folds)
    clips = experiment.split("train")
    return {
        fold_name(fold): [clip for clip in clips if fold_of[clip.group] != fold]
        for fold in range(folds)
    }


def by_fold(fits: Mapping[str, Artifact]) -> list[Artifact]:
    """Return the fits in the order of the folds that they leave out."""
    return [fits[fold_name(fold)] for fold in range(len(fits))]


def digests_of_folds(fits: Mapping[str, Artifact], fold: int | None) -> list[str]:
    """Return the digests of the fits that a clip may be served by; fold: None for other clips."""
    ordered = by_fold(fits)
    return [fit.row.digest for fit in (ordered if fold is None else [ordered[fold]])]


def serving_folds(states: Sequence[State], clip: Clip, fold: int | None) -> list[int]:
    """Return the folds whose fits serve a clip.

    A clip of a fold is served by the fit that left it out; any other clip, of validation or test,
    by the average of all fits, except those that have read its content under another name.

    states: by fold, with the hashes of the clips and groups that each fit has read. Raises
    UserError if a fit would serve a clip that it has read.
    """
    keys, groups = [clip.key], [clip.group]
    if fold is not None:
        check_out_of_fold(states[fold], keys, groups)
        return [fold]
    unseen = [i for i, state in enumerate(states) if not has_seen(state, keys, groups)[0]]
    if not unseen:
        raise UserError(f"{clip.video_id}: every fold has a copy of this clip; remove the copies")
    return unseen
