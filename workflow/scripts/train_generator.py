"""Train the audio feature generators of one seed: on all training clips, and without each fold."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.experiment import FULL, VISUAL, Clip, fit_units, generator_data, load_experiment
from unmuted.generation.projection import Projection
from unmuted.generation.prototypes import Prototypes
from unmuted.joblog import job_log
from unmuted.progress import Progress
from unmuted.project import Project
from unmuted.runner import Artifact, Outcome, Task


def train(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    project: Project,
    labels: Artifact,
    space: Artifact,
    prototypes: Mapping[str, Artifact],
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """Weights and standardisation of each unit's generator, with the losses of its epochs."""
    from unmuted.features.device import use_device
    from unmuted.generation.training import GeneratorSettings, train_generator

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = GeneratorSettings(**project.generator_settings)
    projection = Projection(**space.tensors())
    embeddings = labels.tensors()["embeddings"]
    tokenize = encoder = None
    if project.trains_sentences:
        from unmuted.semantics.sentences import SentenceEncoder
        from unmuted.semantics.transformer import text_encoder, tokens_of

        sentences = SentenceEncoder(project.model_spec("sentence"))
        tokenize, encoder = partial(tokens_of, sentences), text_encoder(sentences)
    for task in tasks:
        data = generator_data(units[task.name], projection, project.time_steps, tokenize)
        label_features = Prototypes(**prototypes[task.name].tensors())
        log.info("%s: %d clips", task.name, len(data))
        progress = Progress(settings.epochs, f"{task.name}, epochs")
        state, history = train_generator(
            data,
            embeddings,
            label_features,
            settings,
            seed,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.advance(),
            encoder=encoder,
        )
        curves = {f"history.{key}": np.float32([row[key] for row in history]) for key in history[0]}
        yield Outcome(task.name, {**state, **curves})


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the generators of one seed up to date; they read training clips only."""
    reads = ["ast", "captions"] if project.trains_sentences else ["ast"]
    units = fit_units(load_experiment(project, reads), project.config["folds"])
    labels = project.units("label_embeddings")["all"]
    space = project.units("projection")[FULL]
    prototypes = project.units("prototypes")
    inputs = {
        name: {
            "seed": seed,
            "labels": labels.row.digest,
            "projection": space.row.digest,
            "prototypes": prototypes[name].row.digest,
            "clips": sorted([clip.group, *clip.digests(*VISUAL, "ast")] for clip in clips),
        }
        for name, clips in units.items()
    }
    compute = partial(
        train,
        units=units,
        project=project,
        labels=labels,
        space=space,
        prototypes=prototypes,
        seed=seed,
        threads=threads,
    )
    project.run_units("generator", inputs, compute, part=f"seed-{seed}")


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
