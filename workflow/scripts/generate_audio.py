"""Generate the audio features of every video of a shard, training clips out of fold."""

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
    training_folds,
)
from unmuted.generation.projection import Projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task

Generators = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def generate(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    project: Project,
    generators: Generators,
    space: Artifact,
    fold_of_group: Mapping[str, int],
    threads: int,
) -> Iterator[Outcome]:
    """Audio (S, T, A) and its spread over draws (S,), one row a seed, per task."""
    from unmuted.features.device import use_device
    from unmuted.generation.crossfit import generate_cross_fitted

    device = str(use_device(project.config["device"], threads))
    draws, folds = project.config["generator"]["draws"], project.config["folds"]
    projection = Projection(**space.tensors())
    states = {
        seed: {name: unit.tensors() for name, unit in units.items()}
        for seed, units in generators.items()
    }
    tokenize = None
    if project.trains_sentences:
        from unmuted.semantics.sentences import SentenceEncoder
        from unmuted.semantics.transformer import tokens_of

        tokenize = partial(tokens_of, SentenceEncoder(project.model_spec("sentence")))
    for task in tasks:
        data = generator_data([clips[task.name]], projection, project.time_steps, tokenize)
        made = []
        for seed, units in states.items():
            by_fold = {fold: units[fold_name(fold)] for fold in range(folds)}
            full = units[FULL]
            made.append(
                generate_cross_fitted(by_fold, full, data, fold_of_group, draws, seed, device)
            )
        audio = np.stack([one.audio[0] for one in made])
        spread = np.stack([one.spread[0] for one in made])
        yield Outcome(task.name, {"audio": audio, "spread": spread, "seeds": np.array([*states])})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the generated audio of one shard up to date."""
    reads = ["captions"] if project.trains_sentences else []
    experiment = load_experiment(project, reads)
    fold_of_group = training_folds(experiment, project.config["folds"])
    found = experiment.at_home(load_clips(project, project.shards[shard], reads))
    clips = {clip.video_id: clip for clip in found}
    space = project.units("projection")[FULL]
    seeds = project.config["seeds"]
    generators = {seed: project.units("generator", f"seed-{seed}") for seed in seeds}
    extra = {}
    for name, clip in clips.items():
        fold = fold_of_group.get(clip.group)
        served_by = FULL if fold is None else fold_name(fold)
        extra[name] = [[made[served_by].row.digest for made in generators.values()], clip.group]
    compute = partial(
        generate,
        clips=clips,
        project=project,
        generators=generators,
        space=space,
        fold_of_group=fold_of_group,
        threads=threads,
    )
    project.run_shard("generated", shard, compute, extra)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
