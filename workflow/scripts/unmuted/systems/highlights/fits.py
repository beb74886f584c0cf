"""What the fits of the spotter read: the experiment's recordings, projection, bank, generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.config.highlights import NeighbourSettings
from unmuted.engine.executor import Artifact
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, Experiment, load_experiment, training_folds
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT, fold_name
from unmuted.systems.highlights.arms import imputations_of
from unmuted.systems.highlights.loading import EVENTS, SOUND, STEPS, VISUAL, has_sound

READ = (VISUAL, SOUND, EVENTS)


def steps_of(seconds: float, rate: float) -> int:
    """Return how many steps a time has, at least one."""
    return max(1, round(seconds * rate))


def load_steps(job: Job) -> Experiment:
    """Read the usable recordings of a job's splits, in canonical groups of matches."""
    return load_experiment(job, (SOUND, EVENTS), STEPS)


def with_sound(clips: Sequence[Clip]) -> list[Clip]:
    """Return the recordings that have sound, in the order of its content."""
    found = [clip for clip in clips if has_sound(clip)]
    if not found:
        raise UserError(
            "no training match has usable sound: see results/step_sound for what became of it. "
            "highlights.arms [video_only] needs none"
        )
    return sorted(found, key=lambda clip: (clip.digests(SOUND), clip.key))


def clips_of_folds(experiment: Experiment, folds: int) -> dict[str, list[Clip]]:
    """Return by fit the recordings with sound that it reads: all but those of a fold.

    They are of training matches, and of matches without labels where fits may read these. Folds
    are of whole matches. Raises UserError if a fit is left without any.
    """
    fold_of = training_folds(experiment, folds)
    clips = with_sound(experiment.clips_for_fits())
    fits = {
        fold_name(fold): [clip for clip in clips if fold_of[clip.group] != fold]
        for fold in range(folds)
    }
    if empty := [name for name, of_fit in fits.items() if not of_fit]:
        raise UserError(
            f"no training match with sound is left for the generators {', '.join(empty)}: add "
            "matches with sound, or lower `folds`"
        )
    return fits


def validation_with_sound(experiment: Experiment) -> list[Clip]:
    """Return the validation recordings with sound, by its content; there may be none."""
    clips = [clip for clip in experiment.split("val") if has_sound(clip)]
    return sorted(clips, key=lambda clip: (clip.digests(SOUND), clip.key))


def training_clips(experiment: Experiment, by_clip: bool) -> list[Clip]:
    """Return the recordings that spotters are trained on, by content: those of training matches.

    by_clip: seed mode, in which windows of all matches are trained on.
    """
    splits = ("train", "val", "test") if by_clip else ("train",)
    chosen = [clip for split in splits for clip in experiment.split(split)]
    return sorted((c for c in chosen if EVENTS in c.artifacts), key=lambda c: (c.key, c.group))


def digests(clips: Sequence[Clip]) -> list[list[Any]]:
    """Return what identifies recordings, their groups and all that fits read of them."""
    return sorted([clip.key, clip.group, *clip.digests(*READ)] for clip in clips)


def needs_generator(config: Mapping[str, Any]) -> bool:
    """Return whether some arm reads generated sound."""
    return "generated" in imputations_of(config["arms"])


def neighbour_settings(config: Mapping[str, Any]) -> NeighbourSettings:
    """Return the settings of sound that is looked up."""
    return NeighbourSettings.of(config["neighbours"])


def only(job: Job, stage: str) -> Artifact:
    """Return the artifact of a stage that fits one thing."""
    fits = job.fits(stage)
    return fits[ONLY_FIT] if ONLY_FIT in fits else fits[ALL_TRAINING]
