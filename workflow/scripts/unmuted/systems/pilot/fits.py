"""The fits of the pilot, by name: on which clips, and with which of its two branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.features.visual import PILOT_VISUAL
from unmuted.samples.experiment import (
    VIEWS,
    Clip,
    Experiment,
    clips_of_fits,
    training_folds,
    validation_sound,
)
from unmuted.samples.fits import ALL_TRAINING, fold_name

CLASSIFICATION, GENERATION = "classification", "generation"  # each branch alone


@dataclass(frozen=True)
class PilotFit:
    """One fit.

    Attributes:
        clips: the training clips that it reads.
        classifies, generates: which branches it has.
        weight: of the generation's error, relative to the classification's, if it has both.
        keeps_snapshots: whether one of its checkpoints is chosen on validation clips later, by its
            classes; else only one is kept.
        validation: the validation clips with usable sound that choose this one, by the R2 of its
            audio; without any it is the last one.
    """

    clips: Sequence[Clip]
    classifies: bool = True
    generates: bool = True
    weight: float = 1.0
    keeps_snapshots: bool = False
    validation: Sequence[Clip] = ()

    def inputs(
        self, seed: int, snapshots: int, classes: Sequence[str], pca: Artifact
    ) -> dict[str, object]:
        """Return what the fit reads, and nothing that only other fits read: for its fingerprint."""
        stages = (*VIEWS, *PILOT_VISUAL, *(["ast"] if self.generates else []))
        return {
            "seed": seed,
            "snapshots": snapshots if self.keeps_snapshots or self.validation else 1,
            "lambda": self.weight if self.classifies and self.generates else None,
            "classes": classes if self.classifies else None,
            "projection": pca.row.digest if self.generates else None,
            "clips": sorted(
                [(clip.label or "") if self.classifies else "", clip.group, *clip.digests(*stages)]
                for clip in self.clips
            ),
            "validation": [clip.digests(*stages) for clip in self.validation],
        }


def joint_fit(weight: float, part: str) -> str:
    """Return the name of the fit with both branches; part: ALL_TRAINING or a `fold_name`."""
    return f"joint-{weight:g}-{part}"


def candidate_weights(settings: Mapping[str, Any]) -> list[float]:
    """Return the lambdas of the configuration's section `pilot`, rising."""
    return sorted(float(weight) for weight in settings["lambdas"])


def has_ablations(job: Job) -> bool:
    """Tell whether each branch is also fitted alone.

    Not in a scenario: only the comparison and ablations read its fits, and they read only those
    with both branches.
    """
    return not job.is_scenario


def pilot_fits(
    experiment: Experiment, weights: Sequence[float], folds: int, with_ablations: bool
) -> dict[str, PilotFit]:
    """Return every fit of one seed, by name.

    For each weight there is one fit on all clips that fits may read, whose checkpoints are
    candidates for the selection, and one without each fold. Raises UserError if a fit is left
    without a clip with sound, or without a labelled one.
    """
    with_audio = clips_of_fits(experiment, folds)[ALL_TRAINING]
    parts = joint_parts(experiment, folds)
    validation = validation_sound(experiment)
    fits = {}
    for weight in weights:
        for part, clips in parts.items():
            how: dict[str, Any] = {"validation": validation}
            if part == ALL_TRAINING:
                how = {"keeps_snapshots": True}
            fits[joint_fit(weight, part)] = PilotFit(clips, weight=weight, **how)
    if with_ablations:
        labelled = [clip for clip in parts[ALL_TRAINING] if clip.label is not None]
        fits[CLASSIFICATION] = PilotFit(labelled, generates=False, keeps_snapshots=True)
        fits[GENERATION] = PilotFit(with_audio, classifies=False)
    return fits


def joint_parts(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Return the clips with a label or sound: all that fits may read, and all but each fold's."""
    read = [
        clip for clip in experiment.clips_for_fits() if clip.label is not None or clip.has_sound
    ]
    fold_of = training_folds(experiment, folds)
    held_out = {
        fold_name(fold): [clip for clip in read if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    parts = {ALL_TRAINING: read, **held_out}
    empty = [part for part, clips in parts.items() if all(clip.label is None for clip in clips)]
    if empty:
        raise UserError(
            f"no labelled training clip is left for the models {', '.join(empty)}: add training "
            "videos from other sources, or lower `folds` in the configuration"
        )
    return parts
