"""Train the comparison's classifiers, seed by seed and one a way to fill missing audio."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, load_experiment
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.training_job import fit_inputs, train


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; they read training clips only."""
    experiment = load_experiment(job, chosen_arms(job.config).audio)
    pca = job.fits("projection")[FULL]
    inputs = inputs_by_seed(job.job_seeds, fit_inputs(experiment, job, pca))
    job.run_seeds(inputs, partial(train, experiment=experiment, job=job, pca=pca))


if "snakemake" in globals():
    run_job(snakemake, main)
