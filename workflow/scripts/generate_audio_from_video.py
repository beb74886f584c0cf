"""Generate every video's audio features with architecture 1, training clips out of fold."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import (
    FULL,
    Clip,
    fold_name,
    generator_data,
    load_clips,
    load_experiment,
    load_generators,
    training_folds,
)
from unmuted.generation.data import GeneratorData
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task


def generate(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    project: Project,
    fitted: Mapping[int, Mapping[str, Artifact]],
    space: Artifact,
    fold_of_group: Mapping[str, int],
    threads: int,
) -> Iterator[Outcome]:
    """Audio (S, T, A), one row a seed, per task."""
    from unmuted.features.device import use_device
    from unmuted.generation.crossfit import generate_with_seeds

    device = str(use_device(project.config["device"], threads))
    draws = 1  # without noise they are all the same
    projection = Projection(**space.tensors())

    def data_of(names: Sequence[str]) -> GeneratorData:
        chosen = [clips[name] for name in names]
        return generator_data(chosen, projection, project.time_steps)

    generators = {seed: load_generators(units) for seed, units in fitted.items()}
    names, seeds = [task.name for task in tasks], np.array([*generators])
    made = generate_with_seeds(names, data_of, generators, fold_of_group, draws, device)
    for name, audio, _ in made:
        yield Outcome(name, {"audio": audio, "seeds": seeds})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring architecture 1's audio of one shard up to date."""
    experiment = load_experiment(project)
    fold_of_group = training_folds(experiment, project.config["folds"])
    found = experiment.at_home(load_clips(project, project.shards[shard], ()))
    clips = {clip.video_id: clip for clip in found}
    space = project.units("projection")[FULL]
    seeds = project.config["seeds"]
    generators = {seed: project.units("video_generator", f"seed-{seed}") for seed in seeds}
    extra = {}
    for name, clip in clips.items():
        fold = fold_of_group.get(clip.group)
        unit = FULL if fold is None else fold_name(fold)
        extra[name] = [[made[unit].row.digest for made in generators.values()], clip.group]
    compute = partial(
        generate,
        clips=clips,
        project=project,
        fitted=generators,
        space=space,
        fold_of_group=fold_of_group,
        threads=threads,
    )
    project.run_shard("video_generated", shard, compute, extra)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
