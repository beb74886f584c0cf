"""Audio features that the pilot generates for a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import FULL, Clip, fold_name
from unmuted.samples.folds import FULL as FULL_FOLD
from unmuted.samples.folds import Generators, has_seen
from unmuted.systems.pilot.data import PilotData, load_pilot_data
from unmuted.systems.pilot.fits import GENERATION, joint_unit
from unmuted.systems.shared.generation_job import generated_results

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def serve(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Fits,
    weight: float,
    folds: Mapping[str, int],
    n_folds: int,
) -> Iterator[Result]:
    """Audio (S, T, A), one row a seed, by the last checkpoint with the chosen weight, per task.

    Of clips of sources that no fit reads also `alone`, by the generation that was fitted alone.
    folds: of every group that fits read; there are n_folds.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import generate

    device = str(use_device(job.config["device"], job.threads))

    def data_of(names: Sequence[str]) -> PilotData:
        return load_pilot_data([clips[name] for name in names])

    names_of_folds = _joint_units(weight, n_folds)
    joint = {seed: _generators(units, names_of_folds) for seed, units in fits.items()}
    alone = {
        seed: _generators(units, {FULL_FOLD: GENERATION})
        for seed, units in fits.items()
        if GENERATION in units
    }
    names = [task.name for task in tasks]
    unseen = [name for name in names if _is_unseen(clips[name], alone, folds)]
    audio_alone = {
        result.name: {"alone": result.payload["audio"]}
        for result in generated_results(unseen, data_of, alone, {}, 1, device, generate)
    }
    how = data_of, joint, folds, 1, device, generate
    yield from generated_results(names, *how, more=audio_alone)


def _joint_units(weight: float, folds: int) -> dict[int, str]:
    """The fits with both branches by the fold that they were made without, and FULL_FOLD."""
    parts = {fold: fold_name(fold) for fold in range(folds)} | {FULL_FOLD: FULL}
    return {fold: joint_unit(weight, part) for fold, part in parts.items()}


def _generators(units: Mapping[str, Artifact], names: Mapping[int, str]) -> Generators:
    """The last checkpoints of one seed's units, by fold; read when needed."""
    from unmuted.training.checkpoints import unpack_fit

    @cache
    def load(fold: int) -> dict[str, np.ndarray]:
        return unpack_fit(units[names[fold]].tensors()).snapshots[-1]

    return Generators(sorted(names.keys() - {FULL_FOLD}), load)


def _is_unseen(clip: Clip, alone: Mapping[int, Generators], folds: Mapping[str, int]) -> bool:
    """Whether no generation that was fitted alone has read the clip or its source."""
    if not alone or clip.group in folds:
        return False
    states = (generators.load(FULL_FOLD) for generators in alone.values())
    return not any(has_seen(state, [clip.key], [clip.group])[0] for state in states)


def units_of_weight(fits: Fits, weight: float) -> dict[int, dict[str, Artifact]]:
    """Of each seed the units that can make audio: those of a weight, and the generation alone."""
    prefix = joint_unit(weight, "")
    return {
        seed: {n: unit for n, unit in units.items() if n == GENERATION or n.startswith(prefix)}
        for seed, units in fits.items()
    }


def served_by(clip: Clip, fits: Fits, folds: Mapping[str, int]) -> list[list[str]]:
    """Digests of the units that this clip's audio may depend on, one list a seed."""
    fold = folds.get(clip.group)
    is_read = (lambda name: True) if fold is None else (lambda name: name.endswith(fold_name(fold)))
    return [[units[name].row.digest for name in units if is_read(name)] for units in fits.values()]
