"""Train the CNN-RNN recogniser, seed by seed, on the training clips."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import Clip, Experiment, load_experiment
from unmuted.samples.source_groups import UNIT
from unmuted.systems.cnn_rnn.sequences import STAGE, load_sequences
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips


def train(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    experiment: Experiment,
    job: Job,
) -> Iterator[Result]:
    """A checkpoint of every epoch, to be chosen from, and hashes of the clips that were read."""
    from unmuted.inference.device import use_device
    from unmuted.samples.folds import read_in_fit
    from unmuted.systems.cnn_rnn.training import (
        CnnRnnSettings,
        train_cnn_rnn,
    )
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = CnnRnnSettings.of(job.config["cnn_rnn"])
    sequences = load_sequences(clips, job.config["cnn_rnn"]["sequence_length"])
    labels, keys = experiment.labels(clips), [clip.key for clip in clips]
    for task in tasks:
        log.info("%d clips, %d frames, %d features", *sequences.features.shape)
        progress = Progress(settings.epochs, "epochs")
        fit = train_cnn_rnn(
            keys,
            sequences,
            labels,
            len(experiment.classes),
            settings,
            task.seed,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.update(),
        )
        read = read_in_fit(keys, [clip.group for clip in clips])
        yield Result(task.name, {**pack_fit(fit), **read})


def main(job: Job) -> None:
    """Bring the recogniser of the job's seeds up to date; it reads training clips only.

    In seed mode these are a part of the training and validation split.
    """
    experiment = load_experiment(job, [STAGE])
    clips, _ = cnn_rnn_clips(experiment, job.config["cnn_rnn"])
    read = {
        "classes": experiment.classes,
        "clips": sorted([c.label, c.key, c.group, *c.digests(STAGE)] for c in clips),
    }
    inputs = {seed: {UNIT: {"seed": seed, **read}} for seed in job.own_seeds}
    job.run_seeds(inputs, partial(train, clips=clips, experiment=experiment, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
