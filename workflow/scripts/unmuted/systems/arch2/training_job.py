"""The training of architecture 2's generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from unmuted.config.derived import time_steps, trains_sentences
from unmuted.config.generator import GeneratorSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.features.visual import VISUAL
from unmuted.samples.experiment import (
    Clip,
    clips_of_generators,
    load_experiment,
    validation_sound,
)
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT, seed_of
from unmuted.systems.shared.data import GeneratorData
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection
from unmuted.systems.shared.prototypes import Prototypes
from unmuted.systems.shared.training_job import AfterStep, train_generators

if TYPE_CHECKING:  # a job with nothing to do loads no torch
    from unmuted.training.loop import History
    from unmuted.training.states import State


Sound = Callable[[Sequence[Clip]], list[Clip]]


def run(job: Job, sound_of: Sound = list) -> None:
    """Bring the generators of the job's seeds up to date; validation clips choose checkpoints.

    sound_of: returns clips with the sound that a fit gets for each: its own, unless given.
    """
    stages = ["ast", "captions"] if trains_sentences(job.config) else ["ast"]
    experiment = load_experiment(job, stages)
    serve = job.config["generator"]["serve"]
    by_fit = clips_of_generators(experiment, job.config["folds"], serve)
    clips = {fit: sound_of(of_fit) for fit, of_fit in by_fit.items()}
    validation = validation_sound(experiment)
    if sound_of is not list:  # sound cannot be permuted within one source
        several = len({clip.group for clip in validation}) > 1
        validation = sound_of(validation) if several else []
    read: dict[str, Any] = {
        "labels": job.fits("label_embeddings")[ONLY_FIT],
        "pca": job.fits("projection")[ALL_TRAINING],
        "prototypes": job.fits("prototypes"),
    }
    inputs = inputs_by_seed(job.job_seeds, inputs_of_fits(clips, validation, stages, **read))
    compute = partial(train, clips_of_fits=clips, validation=validation, job=job, **read)
    job.run_seeds(inputs, compute)


def train(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    job: Job,
    labels: Artifact,
    pca: Artifact,
    prototypes: Mapping[str, Artifact],
) -> Iterator[Result]:
    """Train the generator of each fit; a result holds weights, standardisation and losses.

    validation: the clips with usable sound that choose the checkpoints.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.shared.training import train_generator

    device = str(use_device(job.config["device"], job.threads))
    settings = GeneratorSettings.of(job.config["generator"])
    embeddings = labels.tensors()["embeddings"]
    tokenize = encoder = None
    if trains_sentences(job.config):
        from unmuted.features.sentences import SentenceEncoder
        from unmuted.systems.shared.transformer import text_encoder, tokens_of

        sentences = SentenceEncoder(job.model_spec("sentence"))
        tokenize, encoder = partial(tokens_of, sentences), text_encoder(sentences)
    read = partial(
        generator_data,
        projection=Projection(**pca.tensors()),
        time_steps=time_steps(job.config),
        tokenize=tokenize,
        labels=len(embeddings),
    )

    def fit(
        data: GeneratorData, task: Task, after_step: AfterStep, chosen_on: GeneratorData | None
    ) -> tuple[State, History]:
        label_features = Prototypes(**prototypes[task.fit].tensors())
        common = data, embeddings, label_features, settings, seed_of(task), device
        return train_generator(*common, after_step, encoder, chosen_on)

    yield from train_generators(tasks, clips_of_fits, validation, read, fit, settings.steps)


def inputs_of_fits(
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    stages: Sequence[str],
    labels: Artifact,
    pca: Artifact,
    prototypes: Mapping[str, Artifact],
) -> dict[str, dict[str, object]]:
    """Return what each fit reads, for its fingerprint; stages: those of its clips."""
    chosen_on = sorted([clip.key, *clip.digests(*VISUAL, *stages)] for clip in validation)
    return {
        name: {
            "labels": labels.row.digest,
            "projection": pca.row.digest,
            "prototypes": prototypes[name].row.digest,
            "clips": sorted([clip.group, *clip.digests(*VISUAL, *stages)] for clip in clips),
            "validation": chosen_on,
        }
        for name, clips in clips_of_fits.items()
    }
