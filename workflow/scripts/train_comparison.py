"""Train the classifiers of the comparison's arms and imputations, seed by seed."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.training_job import inputs_of_fits, train


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; they read training clips only."""
    chosen = chosen_arms(job.config)
    experiment = load_experiment(job, (*chosen.audio, *chosen.posterior, *chosen.teachers))
    pca = job.fits("projection")[ALL_TRAINING]
    inputs = inputs_by_seed(job.job_seeds, inputs_of_fits(experiment, job, pca))
    job.run_seeds(inputs, partial(train, experiment=experiment, job=job, pca=pca))


if "snakemake" in globals():
    run_job(snakemake, main)
