"""Train the CNN-RNN recogniser, seed by seed, on the training clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.cnn_rnn.sequences import SEQUENCES, STAGE
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips
from unmuted.systems.cnn_rnn.training_job import train


def main(job: Job) -> None:
    """Bring the recogniser of the job's seeds up to date; it reads training clips only.

    In seed mode these are a part of the training and validation split.
    """
    experiment = load_experiment(job, needs=SEQUENCES)
    clips, _ = cnn_rnn_clips(experiment, job.config["cnn_rnn"])
    read = {
        "classes": experiment.classes,
        "clips": sorted([c.label, c.key, c.group, *c.digests(STAGE)] for c in clips),
    }
    inputs = inputs_by_seed(job.job_seeds, {ONLY_FIT: read})
    job.run_seeds(inputs, partial(train, clips=clips, experiment=experiment, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
