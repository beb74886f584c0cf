"""Train the CNN-RNN recogniser with one seed on the training clips."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.classification.sequences import STAGE, load_sequences
from unmuted.classification.tail_split import cnn_rnn_clips
from unmuted.experiment import Clip, Experiment, load_experiment
from unmuted.joblog import job_log
from unmuted.progress import Progress
from unmuted.project import Project
from unmuted.runner import Outcome, Task
from unmuted.sources import UNIT


def train(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    experiment: Experiment,
    project: Project,
    seed: int,
    threads: int,
) -> Iterator[Outcome]:
    """A checkpoint of every epoch, to be chosen from, and hashes of the clips that were read."""
    from unmuted.classification.cnn_rnn_training import (
        CnnRnnSettings,
        train_cnn_rnn,
    )
    from unmuted.features.device import use_device
    from unmuted.fitting.checkpoints import pack_fit
    from unmuted.generation.folds import read_in_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(project.config["device"], threads))
    settings = CnnRnnSettings.of(project.config["cnn_rnn"])
    sequences = load_sequences(clips, project.config["cnn_rnn"]["sequence_length"])
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
            seed,
            device,
            after_epoch=lambda *_, epochs=progress: epochs.advance(),
        )
        read = read_in_fit(keys, [clip.group for clip in clips])
        yield Outcome(task.name, {**pack_fit(fit), **read})


def main(project: Project, seed: int, threads: int) -> None:
    """Bring the recogniser of one seed up to date; it reads training clips only.

    In seed mode these are a part of the training and validation split.
    """
    experiment = load_experiment(project, [STAGE])
    clips, _ = cnn_rnn_clips(experiment, project.config["cnn_rnn"])
    inputs = {
        "seed": seed,
        "classes": experiment.classes,
        "clips": sorted([c.label, c.key, c.group, *c.digests(STAGE)] for c in clips),
    }
    compute = partial(
        train, clips=clips, experiment=experiment, project=project, seed=seed, threads=threads
    )
    project.run_units("cnn_rnn", {UNIT: inputs}, compute, part=f"seed-{seed}")


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, int(snakemake.wildcards.seed), snakemake.threads)
