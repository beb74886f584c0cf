"""The training of the CNN-RNN."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from unmuted.config.cnn_rnn import CnnRnnSettings
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Clip, Experiment
from unmuted.samples.fits import seed_of
from unmuted.systems.cnn_rnn.sequences import load_sequences


def train(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    experiment: Experiment,
    job: Job,
) -> Iterator[Result]:
    """Train a checkpoint of every epoch; a result also holds hashes of the clips that were read."""
    from unmuted.inference.device import use_device
    from unmuted.samples.folds import read_in_fit
    from unmuted.systems.cnn_rnn.training import (
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
        progress = Progress(settings.epochs, task.name, "epochs")
        fit = train_cnn_rnn(
            keys,
            sequences,
            labels,
            len(experiment.classes),
            settings,
            seed_of(task),
            device,
            after_epoch=lambda *_, epochs=progress: epochs.update(),
        )
        read = read_in_fit(keys, [clip.group for clip in clips])
        yield Result(task.name, {**pack_fit(fit), **read})
