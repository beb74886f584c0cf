"""What fitted generators make of the videos of a shard; one way for both architectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import (
    FULL,
    Clip,
    Tokenize,
    fold_name,
    generator_data,
    load_clips,
    load_generators,
)
from unmuted.generation.data import GeneratorData
from unmuted.generation.projection import Projection
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task
from unmuted.sources import Sources

Fitted = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def serve_shard(project: Project, stage: str, fitted_stage: str, shard: str, threads: int) -> None:
    """Bring `stage` of one shard up to date with the generators of `fitted_stage`.

    An artifact holds audio (S, T, A) and its spread over draws (S,), one row a seed; training
    clips are generated out of fold.
    """
    reads = ["captions"] if _reads_captions(project, fitted_stage) else []
    sources = Sources.read(project)
    found = sources.at_home(load_clips(project, project.shards[shard], reads))
    clips = {clip.video_id: clip for clip in found}
    space = project.units("projection")[FULL]
    seeds = project.config["seeds"]
    fitted = {seed: project.units(fitted_stage, f"seed-{seed}") for seed in seeds}
    extra = {}
    for name, clip in clips.items():
        fold = sources.folds.get(clip.group)
        unit = FULL if fold is None else fold_name(fold)
        extra[name] = [[units[unit].row.digest for units in fitted.values()], clip.group]
    compute = partial(
        _generate,
        clips=clips,
        project=project,
        fitted=fitted,
        space=space,
        fold_of_group=sources.folds,
        tokenizes=bool(reads),
        threads=threads,
    )
    project.run_shard(stage, shard, compute, extra)


def _reads_captions(project: Project, fitted_stage: str) -> bool:
    return fitted_stage == "generator" and project.trains_sentences


def _generate(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    project: Project,
    fitted: Fitted,
    space: Artifact,
    fold_of_group: Mapping[str, int],
    tokenizes: bool,
    threads: int,
) -> Iterator[Outcome]:
    from unmuted.features.device import use_device
    from unmuted.generation.crossfit import generate_with_seeds

    device = str(use_device(project.config["device"], threads))
    projection, tokenize = Projection(**space.tensors()), _tokenizer(project) if tokenizes else None

    def data_of(names: Sequence[str]) -> GeneratorData:
        chosen = [clips[name] for name in names]
        return generator_data(chosen, projection, project.time_steps, tokenize)

    generators = {seed: load_generators(units) for seed, units in fitted.items()}
    names, seeds = [task.name for task in tasks], np.array([*generators])
    draws = project.config["generator"]["draws"]  # a generator without noise runs once
    made = generate_with_seeds(names, data_of, generators, fold_of_group, draws, device)
    for name, audio, spread in made:
        yield Outcome(name, {"audio": audio, "spread": spread, "seeds": seeds})


def _tokenizer(project: Project) -> Tokenize:
    from unmuted.semantics.sentences import SentenceEncoder
    from unmuted.semantics.transformer import tokens_of

    return partial(tokens_of, SentenceEncoder(project.model_spec("sentence")))
