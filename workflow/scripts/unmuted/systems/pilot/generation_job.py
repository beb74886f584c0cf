"""The pilot's generated audio features of the clips of a shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING, FULL, fold_name
from unmuted.samples.folds import NO_FOLD, Generators, has_seen
from unmuted.systems.pilot.data import PilotData, load_pilot_data
from unmuted.systems.pilot.fits import GENERATION, joint_fit
from unmuted.systems.shared.generation_job import generated_results

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def serve(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Fits,
    weight: float,
    folds: Mapping[str, int],
    n_folds: int,
) -> Iterator[Result]:
    """Generate audio (S, T, A) per task, one row per seed, with the last checkpoints.

    For clips of sources that no fit reads, the result also has `joint` and `alone`: by the fit of
    both branches on all clips, and by that of the generation alone.

    Args:
        tasks: the clips to generate for.
        clips: by video id.
        job: of the stage.
        fits: artifacts by seed and fit.
        weight: the chosen lambda.
        folds: fold of every group that fits read.
        n_folds: the number of folds.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import generate
    from unmuted.systems.shared.crossfit import generate_with_seeds

    device = str(use_device(job.config["device"], job.threads))

    def data_of(names: Sequence[str]) -> PilotData:
        return load_pilot_data([clips[name] for name in names])

    fit_of_fold = _joint_fits(weight, n_folds)
    averages = job.config["generator"]["serve"] != FULL
    joint = {seed: _generators(of_seed, fit_of_fold, averages) for seed, of_seed in fits.items()}
    alone = {
        seed: _generators(of_seed, {NO_FOLD: GENERATION}, averages=False)
        for seed, of_seed in fits.items()
        if GENERATION in of_seed
    }
    of_all = {NO_FOLD: joint_fit(weight, ALL_TRAINING)}
    joint_of_all = {
        seed: _generators(of_seed, of_all, averages=False)
        for seed, of_seed in fits.items()
        if alone
    }
    names = [task.name for task in tasks]
    of_all_clips = [*alone.values(), *joint_of_all.values()]
    unseen = [name for name in names if _is_unseen(clips[name], of_all_clips, folds)]
    more: dict[str, dict[str, np.ndarray]] = {name: {} for name in unseen}
    for part, generators in (("joint", joint_of_all), ("alone", alone)):
        for name, audio, *_ in generate_with_seeds(
            unseen, data_of, generators, {}, 1, device, generate
        ):
            more[name][part] = audio
    yield from generated_results(names, data_of, joint, folds, 1, device, generate, more=more)


def _joint_fits(weight: float, folds: int) -> dict[int, str]:
    """Return the names of the fits with both branches, by left-out fold and NO_FOLD."""
    parts = {fold: fold_name(fold) for fold in range(folds)} | {NO_FOLD: ALL_TRAINING}
    return {fold: joint_fit(weight, part) for fold, part in parts.items()}


def _generators(
    fits: Mapping[str, Artifact], fit_of_fold: Mapping[int, str], averages: bool
) -> Generators:
    """Return the last checkpoints of the fits of one seed, by fold; read when needed."""
    from unmuted.training.checkpoints import unpack_fit

    @cache
    def load(fold: int) -> dict[str, np.ndarray]:
        return unpack_fit(fits[fit_of_fold[fold]].tensors()).snapshots[-1]

    return Generators(sorted(fit_of_fold.keys() - {NO_FOLD}), load, averages)


def _is_unseen(clip: Clip, of_all_clips: Sequence[Generators], folds: Mapping[str, int]) -> bool:
    """Tell whether no fit on all clips has read the clip or its source; False without any fit."""
    if not of_all_clips or clip.group in folds:
        return False
    states = (generators.load(NO_FOLD) for generators in of_all_clips)
    return not any(has_seen(state, [clip.key], [clip.group])[0] for state in states)


def fits_of_weight(fits: Fits, weight: float) -> dict[int, dict[str, Artifact]]:
    """Return for each seed the fits that can generate: those of a weight, and GENERATION."""
    prefix = joint_fit(weight, "")
    return {
        seed: {
            name: artifact
            for name, artifact in of_seed.items()
            if name == GENERATION or name.startswith(prefix)
        }
        for seed, of_seed in fits.items()
    }


def served_by(clip: Clip, fits: Fits, folds: Mapping[str, int]) -> list[list[str]]:
    """Return the digests of the fits that this clip's audio may depend on, one list per seed."""
    fold = folds.get(clip.group)
    suffix = "" if fold is None else fold_name(fold)
    return [
        [artifact.row.digest for name, artifact in of_seed.items() if name.endswith(suffix)]
        for of_seed in fits.values()
    ]
