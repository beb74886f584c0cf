"""Train the generators of audio features, seed by seed: on all clips, and without each fold."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.config.derived import time_steps, trains_sentences
from unmuted.engine.executor import Artifact, Result, Task, by_fit
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, VISUAL, Clip, fit_units, load_experiment
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes import Prototypes


def train(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    job: Job,
    labels: Artifact,
    space: Artifact,
    prototypes: Mapping[str, Artifact],
) -> Iterator[Result]:
    """Weights and standardisation of each unit's generator, with the losses of its epochs."""
    from unmuted.inference.device import use_device
    from unmuted.systems.shared.training import (
        GeneratorSettings,
        loss_curves,
        train_generator,
    )

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = GeneratorSettings(**job.config["generator"])
    projection = Projection(**space.tensors())
    embeddings = labels.tensors()["embeddings"]
    tokenize = encoder = None
    if trains_sentences(job.config):
        from unmuted.features.sentences import SentenceEncoder
        from unmuted.systems.shared.transformer import text_encoder, tokens_of

        sentences = SentenceEncoder(job.model_spec("sentence"))
        tokenize, encoder = partial(tokens_of, sentences), text_encoder(sentences)
    for fit, of_seeds in by_fit(tasks).items():
        data = generator_data(units[fit], projection, time_steps(job.config), tokenize)
        label_features = Prototypes(**prototypes[fit].tensors())
        log.info("%s: %d clips", fit, len(data))
        for task in of_seeds:
            progress = Progress(settings.epochs, f"{task.name}, epochs")
            state, history = train_generator(
                data,
                embeddings,
                label_features,
                settings,
                task.seed,
                device,
                after_epoch=lambda *_, epochs=progress: epochs.update(),
                encoder=encoder,
            )
            yield Result(task.name, {**state, **loss_curves(history)})


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; they read training clips only."""
    reads = ["ast", "captions"] if trains_sentences(job.config) else ["ast"]
    units = fit_units(load_experiment(job, reads), job.config["folds"])
    labels = job.units("label_embeddings")["all"]
    space = job.units("projection")[FULL]
    prototypes = job.units("prototypes")
    read = {
        name: {
            "labels": labels.row.digest,
            "projection": space.row.digest,
            "prototypes": prototypes[name].row.digest,
            "clips": sorted([clip.group, *clip.digests(*VISUAL, *reads)] for clip in clips),
        }
        for name, clips in units.items()
    }
    inputs = {
        seed: {name: {"seed": seed, **one} for name, one in read.items()} for seed in job.own_seeds
    }
    compute = partial(
        train, units=units, job=job, labels=labels, space=space, prototypes=prototypes
    )
    job.run_seeds(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
