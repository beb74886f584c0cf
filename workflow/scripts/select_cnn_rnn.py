"""Choose the CNN-RNN recogniser's checkpoints by their log-loss on the validation clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.cnn_rnn.selection_job import select
from unmuted.systems.cnn_rnn.sequences import SEQUENCES, STAGE
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips only."""
    experiment = load_experiment(job, needs=SEQUENCES)
    _, clips = cnn_rnn_clips(experiment, job.config["cnn_rnn"])
    fits = {seed: fits[ONLY_FIT] for seed, fits in job.fits_by_seed("cnn_rnn").items()}
    inputs = {
        "classes": experiment.classes,
        "clips": sorted([c.label, c.key, *c.digests(STAGE)] for c in clips),
        "fits": {seed: artifact.row.digest for seed, artifact in fits.items()},
    }
    compute = partial(select, clips=clips, experiment=experiment, fits=fits, job=job)
    job.run_fits({ONLY_FIT: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
