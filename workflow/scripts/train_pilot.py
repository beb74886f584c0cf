"""Train the pilot, seed by seed: with each weight of its losses, and each branch alone."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.pilot.fits import (
    candidate_weights,
    has_ablations,
    pilot_fits,
)
from unmuted.systems.pilot.training_job import train


def main(job: Job) -> None:
    """Bring the pilot of the job's seeds up to date; it reads training clips only."""
    experiment = load_experiment(job, ["ast", *PILOT_VISUAL])
    weights = candidate_weights(job.config["pilot"])
    fits = pilot_fits(experiment, weights, job.config["folds"], has_ablations(job))
    pca = job.fits("projection")[ALL_TRAINING]
    read = job.config["pilot"]["snapshots"], experiment.classes, pca
    inputs = {
        seed: {name: fit.inputs(seed, *read) for name, fit in fits.items()}
        for seed in job.job_seeds
    }
    compute = partial(train, fits=fits, experiment=experiment, job=job, pca=pca)
    job.run_seeds(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
