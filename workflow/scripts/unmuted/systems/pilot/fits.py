"""What is fitted of the pilot, by name: on which clips, and with which of its two branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.features.visual import PILOT_VISUAL
from unmuted.samples.experiment import (
    FULL,
    VIEWS,
    Clip,
    Experiment,
    fit_units,
    fold_name,
    training_folds,
)

CLASSIFICATION, GENERATION = "classification", "generation"  # each branch alone


@dataclass(frozen=True)
class PilotUnit:
    """One fit. weight: of the generation's error beside the classification's, if it has both.

    keeps_snapshots: whether one of its checkpoints is chosen on validation clips later on; else
    only the last is kept.
    """

    clips: Sequence[Clip]
    classifies: bool = True
    generates: bool = True
    weight: float = 1.0
    keeps_snapshots: bool = False

    def inputs(
        self, seed: int, snapshots: int, classes: Sequence[str], pca: Artifact
    ) -> dict[str, object]:
        """For its recipe: all that it reads, and nothing that only others do."""
        stages = (*VIEWS, *PILOT_VISUAL, *(["ast"] if self.generates else []))
        return {
            "seed": seed,
            "snapshots": snapshots if self.keeps_snapshots else 1,
            "lambda": self.weight if self.classifies and self.generates else None,
            "classes": classes if self.classifies else None,
            "projection": pca.row.digest if self.generates else None,
            "clips": sorted(
                [(clip.label or "") if self.classifies else "", clip.group, *clip.digests(*stages)]
                for clip in self.clips
            ),
        }


def joint_unit(weight: float, part: str) -> str:
    """Name of the fit with both branches; part: FULL, or as `fold_name` has it."""
    return f"joint-{weight:g}-{part}"


def candidate_weights(settings: Mapping[str, object]) -> list[float]:
    """The lambdas of the configuration's section `pilot`, rising."""
    return sorted(float(weight) for weight in settings["lambdas"])


def has_ablations(job: Job) -> bool:
    """Whether each branch is fitted alone as well.

    Not in a variant: only the comparison and ablations read what is fitted there, and of the pilot
    they read what the branches make together.
    """
    return not job.is_scenario


def pilot_units(
    experiment: Experiment, weights: Sequence[float], folds: int, with_ablations: bool
) -> dict[str, PilotUnit]:
    """Every fit of one seed, by name.

    For each weight one on all clips that fits may read, of which checkpoints are chosen from, and
    one without each fold. Raises UserError, as `fit_units` does, where one is left without a clip
    with sound, or without a labelled one.
    """
    sounding = fit_units(experiment, folds)[FULL]
    parts = joint_parts(experiment, folds)
    units = {
        joint_unit(weight, part): PilotUnit(clips, weight=weight, keeps_snapshots=part == FULL)
        for weight in weights
        for part, clips in parts.items()
    }
    if with_ablations:
        labelled = [clip for clip in parts[FULL] if clip.label is not None]
        units[CLASSIFICATION] = PilotUnit(labelled, generates=False, keeps_snapshots=True)
        units[GENERATION] = PilotUnit(sounding, classifies=False)
    return units


def joint_parts(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Clips with a label or sound: all that fits may read, and all but those of each fold."""
    read = [clip for clip in experiment.learnt_from() if clip.label is not None or clip.has_sound]
    fold_of = training_folds(experiment, folds)
    held_out = {
        fold_name(fold): [clip for clip in read if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    parts = {FULL: read, **held_out}
    empty = [part for part, clips in parts.items() if all(clip.label is None for clip in clips)]
    if empty:
        raise UserError(
            f"no labelled training clip is left for the models {', '.join(empty)}: add training "
            "videos from other sources, or lower `folds` in the configuration"
        )
    return parts
