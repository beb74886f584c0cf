"""Generate every video's audio features with the pilot, training clips out of fold."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import FULL, Clip, fold_name, load_clips
from unmuted.generation.pilot_data import PilotData, load_pilot_data
from unmuted.generation.pilot_units import GENERATION, joint_unit
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.sources import Sources
from unmuted.stages import PILOT_VISUAL

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def serve(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    project: Project,
    fits: Fits,
    weight: float,
    folds: Mapping[str, int],
    threads: int,
) -> Iterator[Outcome]:
    """Audio (S, T, A), one row a seed, by the last checkpoint with the chosen weight, per task.

    Of clips of sources that no fit reads also `alone`, by the generation that was fitted alone.
    folds: of every group that fits read.
    """
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import unpack_fit
    from unmuted.generation.crossfit import generate_with_seeds
    from unmuted.generation.folds import Generators, has_seen
    from unmuted.generation.pilot_training import generate

    device = str(use_device(project.config["device"], threads))

    def data_of(names: Sequence[str]) -> PilotData:
        return load_pilot_data([clips[name] for name in names])

    def last(artifact: Artifact) -> dict[str, np.ndarray]:
        return unpack_fit(artifact.tensors()).snapshots[-1]

    joint = {}
    for seed, units in fits.items():
        by_fold = {
            fold: last(units[joint_unit(weight, fold_name(fold))])
            for fold in range(project.config["folds"])
        }
        joint[seed] = Generators(by_fold, last(units[joint_unit(weight, FULL)]))
    alone = {
        seed: Generators({}, last(units[GENERATION]))
        for seed, units in fits.items()
        if GENERATION in units
    }

    def is_new(name: str) -> bool:
        clip = clips[name]
        known = [has_seen(own.full, [clip.key], [clip.group])[0] for own in alone.values()]
        return bool(known) and clip.group not in folds and not any(known)

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
        yield Outcome(name, {"audio": audio, "spread": spread, "seeds": seeds, **extra})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the pilot's audio of one shard up to date."""
    sources = Sources.read(project)
    found = sources.at_home(load_clips(project, project.shards[shard], PILOT_VISUAL))
    clips = {clip.video_id: clip for clip in found}
    weight = project.units("pilot_selection")["all"].json()["lambda"]
    fits = {seed: project.units("pilot", f"seed-{seed}") for seed in project.config["seeds"]}
    extra = {
        name: [_served_by(clip, fits, weight, sources.folds), weight, clip.group]
        for name, clip in clips.items()
    }
    compute = partial(
        serve,
        clips=clips,
        project=project,
        fits=fits,
        weight=weight,
        folds=sources.folds,
        threads=threads,
    )
    project.run_shard("pilot_generated", shard, compute, extra)


def _served_by(clip: Clip, fits: Fits, weight: float, folds: Mapping[str, int]) -> list[list[str]]:
    """Digests of the units that make this clip's audio, one list a seed."""
    fold = folds.get(clip.group)
    units = [joint_unit(weight, FULL), GENERATION]
    if fold is not None:
        units = [joint_unit(weight, fold_name(fold))]
    return [[own[unit].row.digest for unit in units if unit in own] for own in fits.values()]


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
