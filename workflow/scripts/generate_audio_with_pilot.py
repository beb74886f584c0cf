"""Generate every video's audio features with the pilot, training clips out of fold."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, fold_name, load_clips
from unmuted.samples.source_groups import Sources
from unmuted.systems.pilot.data import PilotData, load_pilot_data
from unmuted.systems.pilot.fits import GENERATION, joint_unit

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
    from unmuted.samples.folds import FULL as FULL_FOLD
    from unmuted.samples.folds import Generators, has_seen
    from unmuted.systems.pilot.training import generate
    from unmuted.systems.shared.crossfit import generate_with_seeds
    from unmuted.training.checkpoints import unpack_fit

    device = str(use_device(job.config["device"], job.threads))

    def data_of(names: Sequence[str]) -> PilotData:
        return load_pilot_data([clips[name] for name in names])

    def generators(seed: int, names: Mapping[int, str]) -> Generators:
        """Of one seed: the last checkpoints of these units, by fold, read when needed."""

        @cache
        def load(fold: int) -> dict[str, np.ndarray]:
            return unpack_fit(fits[seed][names[fold]].tensors()).snapshots[-1]

        return Generators(sorted(names.keys() - {FULL_FOLD}), load)

    joint_names = {fold: joint_unit(weight, fold_name(fold)) for fold in range(n_folds)}
    joint_names[FULL_FOLD] = joint_unit(weight, FULL)
    joint = {seed: generators(seed, joint_names) for seed in fits}
    alone = {
        seed: generators(seed, {FULL_FOLD: GENERATION})
        for seed, units in fits.items()
        if GENERATION in units
    }

    def is_new(name: str) -> bool:
        clip = clips[name]
        if not alone or clip.group in folds:
            return False
        states = (own.load(FULL_FOLD) for own in alone.values())
        return not any(has_seen(state, [clip.key], [clip.group])[0] for state in states)

    names = [task.name for task in tasks]
    seeds = np.array([*fits])
    new = [name for name in names if is_new(name)]
    made_alone = {
        name: audio
        for name, audio, _ in generate_with_seeds(new, data_of, alone, {}, 1, device, generate)
    }
    made = generate_with_seeds(names, data_of, joint, folds, 1, device, generate)
    for name, audio, spread in made:
        extra = {"alone": made_alone[name]} if name in made_alone else {}
        yield Result(name, {"audio": audio, "spread": spread, "seeds": seeds, **extra})


def main(job: Job) -> None:
    """Bring the pilot's audio of one shard up to date."""
    sources = Sources.read(job)
    found = sources.with_canonical_groups(load_clips(job, job.videos, PILOT_VISUAL))
    clips = {clip.video_id: clip for clip in found}
    weight = job.units("pilot_selection")["all"].json()["lambda"]
    fits = job.fits_by_seed("pilot")
    served = _units_of_weight(fits, weight)
    extra = {
        name: [_served_by(clip, served, sources.folds), weight, clip.group]
        for name, clip in clips.items()
    }
    compute = partial(
        serve,
        clips=clips,
        job=job,
        fits=fits,
        weight=weight,
        folds=sources.folds,
        n_folds=job.config["folds"],
    )
    job.run_shard(compute, extra)


def _units_of_weight(fits: Fits, weight: float) -> dict[int, dict[str, Artifact]]:
    """Of each seed the units that can make audio: those of a weight, and the generation alone."""
    prefix = joint_unit(weight, "")
    return {
        seed: {n: unit for n, unit in units.items() if n == GENERATION or n.startswith(prefix)}
        for seed, units in fits.items()
    }


def _served_by(clip: Clip, fits: Fits, folds: Mapping[str, int]) -> list[list[str]]:
    """Digests of the units that this clip's audio may depend on, one list a seed."""
    fold = folds.get(clip.group)
    is_read = (lambda name: True) if fold is None else (lambda name: name.endswith(fold_name(fold)))
    return [[own[name].row.digest for name in own if is_read(name)] for own in fits.values()]


if "snakemake" in globals():
    run_job(snakemake, main)
